"""Expressways: one-way carriageways, their interchanges, and what crosses their corridor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from careshed.errors import InputError
from careshed.synthetic.ground import Ground
from careshed.synthetic.recipe import Express
from careshed.synthetic.ways import Way

__all__ = ["Interchange", "lay_express"]

RAMP_M = 260.0
"""Length of a ramp along the carriageway."""

CARRIAGEWAY_M = 8.0
"""From the middle of the corridor to the middle of a carriageway."""

Interchange = BaseGeometry
"""Ground of an interchange: no street is laid on it."""


def lay_express(
    road: Express, ground: Ground, crossing: Sequence[LineString]
) -> tuple[list[Way], list[Way], list[Interchange]]:
    """Lay an expressway.

    Parameters
    ----------
    road
        The expressway.
    ground
        The ground it lies on.
    crossing
        Courses of the roads that may join it.

    Returns
    -------
    level
        Ways that meet other streets at junctions: ramps, service roads, footbridges.
    raised
        Carriageways, cut at their ramps; they meet nothing else.
    interchanges
        Ground that the ramps take.
    """
    course = ground.course(road)
    ramps: list[Way] = []
    grounds: list[Interchange] = []
    stops: dict[int, list[Point]] = {1: [], -1: []}
    sides = {side: _beside_course(course, side * CARRIAGEWAY_M) for side in (1, -1)}
    for where, other in _interchanges(road, course, crossing):
        for side in (1, -1):
            # Traffic keeps right: the carriageway on the right runs with the course, the left one against it.
            lane = sides[side] if side == 1 else sides[side].reverse()
            foot = _beside(course, other, where, side, max(road.half_m, 60.0) if not road.frontage else road.half_m)
            here = lane.project(course.interpolate(where))
            if foot is None or here < 2 * RAMP_M or here > lane.length - 2 * RAMP_M:
                continue
            leave, join = (_grid(lane.interpolate(here + step)) for step in (-RAMP_M, RAMP_M))
            stops[side] += [leave, join]
            link = f"{road.highway}_link"
            ramps += [Way(LineString(pair), link, walk=0, drive=1, kmh=40.0) for pair in ((leave, foot), (foot, join))]
            grounds.append(shapely.MultiPoint([leave, join, foot]).convex_hull.buffer(4, quad_segs=1))
    raised = [
        Way(piece, road.highway, road.name, walk=0, drive=1, kmh=road.kmh)
        for side in (1, -1)
        for piece in _pieces(sides[side] if side == 1 else sides[side].reverse(), stops[side])
    ]
    return ramps + _frontage(road, course) + _footbridges(road, course), raised, grounds


def _interchanges(road: Express, course: LineString, crossing: Sequence[LineString]) -> list[tuple[float, LineString]]:
    found = [
        (course.project(point), other)
        for other in crossing
        for point in shapely.get_parts(course.intersection(other))
        if point.geom_type == "Point"
    ]
    found.sort(key=lambda pair: pair[0])
    kept: list[tuple[float, LineString]] = []
    for where, other in found:
        if not kept or where - kept[-1][0] >= road.interchange_m:
            kept.append((where, other))
    return kept


def _beside(course: LineString, other: LineString, where: float, side: int, away_m: float) -> Point | None:
    """Return the point of `other`, on one side of the course, `away_m` from it."""
    edge = _beside_course(course, side * away_m)
    points = [part for part in shapely.get_parts(edge.intersection(other)) if part.geom_type == "Point"]
    middle = course.interpolate(where)
    near = [point for point in points if point.distance(middle) < 4 * away_m]
    return _grid(min(near, key=middle.distance)) if near else None


def _pieces(lane: LineString, stops: list[Point]) -> list[LineString]:
    cuts = sorted((lane.project(point), point.coords[0]) for point in stops)
    pieces, start, done = [], lane.coords[0], 0.0
    for where, end in cuts:
        pieces.append(_between(lane, done, where, start, end))
        start, done = end, where
    pieces.append(_between(lane, done, lane.length, start, lane.coords[-1]))
    return pieces


def _between(
    lane: LineString, done: float, where: float, start: tuple[float, ...], end: tuple[float, ...]
) -> LineString:
    inner = [xy for xy in lane.coords if done + 1 < lane.project(Point(xy)) < where - 1]
    return LineString([start, *inner, end])


def _frontage(road: Express, course: LineString) -> list[Way]:
    if not road.frontage:
        return []
    right = _beside_course(course, road.half_m)
    left = _beside_course(course, -road.half_m).reverse()
    return [Way(line, "secondary", f"{road.name}辅路", drive=1, kmh=50.0) for line in (right, left)]


def _footbridges(road: Express, course: LineString) -> list[Way]:
    if not road.crossing_m:
        return []
    ways = []
    for where in np.arange(road.crossing_m / 2, course.length, road.crossing_m):
        before, here, after = (
            np.array(course.interpolate(float(step)).coords[0]) for step in (where - 5, where, where + 5)
        )
        along = (after - before) / np.hypot(*(after - before))
        across = np.array([-along[1], along[0]]) * road.half_m
        ways.append(Way(LineString([here - across, here + across]), "footway", "过街天桥", drive=0))
    return ways


def _beside_course(course: LineString, right_m: float) -> LineString:
    """Return the line at a distance to the right of a course (to the left where negative), in its direction."""
    line = course.offset_curve(-right_m, join_style="mitre")
    if not isinstance(line, LineString):
        raise InputError(f"an expressway bends too sharply for its width near {course.centroid.wkt}; round its corners")
    return line


def _grid(point: Point) -> Point:
    return Point(round(point.x, 2), round(point.y, 2))

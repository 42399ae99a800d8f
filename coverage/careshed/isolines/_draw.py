"""From lines to the ground around them: blocks first, so that hardly anything has to be united."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["MARGIN_M", "QUAD_SEGS", "around", "nested", "simplified"]

QUAD_SEGS = 4
"""Segments to a quarter circle at the ends of streets."""

MARGIN_M = 0.05
"""A larger contour is drawn at least so far outside a smaller one; rounding to 7 decimals of a degree is less."""

SHAVE = 0.99
"""GEOS buffers a ring after smoothing it by a hundredth of the radius: so much less keeps within the radius."""

Shape: TypeAlias = Any
"""One polygon or several in one; typed loosely, as shapely's functions return one or many by what they are given."""

Shapes = npt.NDArray[np.object_]


def around(lines: Shapes, radius_m: float) -> Shape:
    """Return all that is within a distance of any of some lines.

    Parameters
    ----------
    lines
        LineStrings, in metres; they may cross, overlap and be points in effect.
    radius_m
        The distance. Nothing further is in; corners and ends are cut by up to 3 % of it, as circles are drawn as
        polygons of sixteen sides.

    Returns
    -------
    Shape
        A valid Polygon or MultiPolygon, empty without lines; the same for the same lines in the same order.

    Notes
    -----
    Uniting a buffer around each of n streets takes most of an isochrone's time, as each overlaps its neighbours.
    But inside a block the nearest street is one of its sides, or one that ends in it: what is further than the radius
    is the block shrunk by the radius. So lines are cut at their crossings and made into blocks; the whole of the
    blocks is grown, each block shrunk is taken out, and only dead ends and lone streets are united.
    """
    if not len(lines):
        return shapely.MultiPolygon()
    blocks, loose = _blocks(lines)
    strips = shapely.buffer(loose, radius_m, quad_segs=QUAD_SEGS)
    if not len(blocks):
        return shapely.union_all(strips)
    grounds = shapely.get_parts(shapely.coverage_union_all(blocks))
    grown = shapely.buffer(grounds, SHAVE * radius_m, quad_segs=QUAD_SEGS)
    inside, _ = shapely.STRtree(grown).query(strips, predicate="within")
    body = shapely.union_all([*grown, *np.delete(strips, inside)])
    gaps = _gaps(blocks, strips, SHAVE * radius_m)
    return _polygonal(shapely.difference(body, shapely.multipolygons(gaps))) if len(gaps) else body


def _blocks(lines: Shapes) -> tuple[Shapes, Shapes]:
    """Cut lines at their crossings; return the faces between them, and the lines that bound none or one twice."""
    noded = shapely.get_parts(shapely.node(shapely.multilinestrings(lines)))
    blocks, *rest = shapely.polygonize_full(noded)
    return np.asarray(shapely.get_parts(blocks)), np.asarray(shapely.get_parts(rest))


def _gaps(blocks: Shapes, strips: Shapes, radius_m: float) -> Shapes:
    """Return what of blocks is further than the radius from their sides and from streets that end in them."""
    gaps = _solid(shapely.buffer(blocks, -radius_m, quad_segs=QUAD_SEGS))
    if not len(gaps) or not len(strips):
        return gaps
    gap, strip = shapely.STRtree(strips).query(gaps, predicate="intersects")
    hit, group = np.unique(gap, return_inverse=True)
    if not len(hit):
        return gaps
    order = np.argsort(group, kind="stable")
    taken = np.split(strips[strip[order]], np.cumsum(np.bincount(group))[:-1])
    left = shapely.difference(gaps[hit], np.array([shapely.union_all(own) for own in taken]))
    return np.concatenate([np.delete(gaps, hit), _solid(left)])


def _solid(shapes: Shapes) -> Shapes:
    """Return the polygons that shapes consist of, without empty ones."""
    parts = shapely.get_parts(shapes)
    return np.asarray(parts[(shapely.get_dimensions(parts) == 2) & ~shapely.is_empty(parts)])


def _polygonal(shape: Shape) -> Shape:
    """Return a shape without the lines and points that overlays leave where rings touch."""
    if shape.geom_type != "GeometryCollection":
        return shape
    parts = _solid(shape)
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def nested(shapes: Sequence[Shape]) -> list[Shape]:
    """Return shapes, smallest first, each widened where the one before it isn't well inside it.

    Parameters
    ----------
    shapes
        Polygons or MultiPolygons, empty ones included.
    """
    drawn: list[Shape] = []
    for shape in shapes:
        if drawn and not drawn[-1].is_empty:
            shape = _polygonal(shapely.union(shape, _widened(drawn[-1])))  # noqa: PLW2901 - the same shape, mended
        drawn.append(shape)
    return drawn


def _widened(shape: Shape) -> Shape:
    """Return a shape with the margin around it.

    Ring by ring, as rings so near to their old place can't meet within a polygon: ten times as fast as by polygon.
    """
    wider = []
    for part in _solid(shape):
        rings: Shapes = np.asarray(shapely.polygons(shapely.get_rings(part)))
        # a shell that all but closes on itself has a hole when it has closed
        shell = shapely.get_rings(shapely.buffer(rings[0], MARGIN_M, join_style="mitre"))
        holes = _solid(shapely.buffer(rings[1:], -MARGIN_M, join_style="mitre"))
        wider.append(shapely.polygons(shell[0], np.concatenate([shell[1:], shapely.get_exterior_ring(holes)])))
    whole = shapely.multipolygons(wider)
    # parts less than two margins apart now overlap
    return whole if whole.is_valid else shapely.union_all(wider)


def simplified(shapes: Sequence[Shape], tolerance_m: float, keep: Sequence[Shapes]) -> list[Shape]:
    """Return shapes with fewer corners: valid, nested, and still around what they must hold.

    Parameters
    ----------
    shapes
        Nested polygons, smallest first.
    tolerance_m
        No corner moves further; 0 leaves the shapes as they are.
    keep
        For each shape polygons that it must contain; they are added where simplifying lost a part of them.

    Notes
    -----
    The algorithm is that of Douglas and Peucker (1973), keeping topology.
    """
    if tolerance_m == 0:
        return list(shapes)
    drawn = []
    for shape, own in zip(shapes, keep, strict=True):
        simple = shapely.simplify(shape, tolerance_m, preserve_topology=True)
        near = shapely.buffer(shape, tolerance_m)
        if not near.covers(simple):  # a hole may have been filled
            simple = shapely.intersection(simple, near)
        lost = own[~shapely.covers(simple, own)] if len(own) else own
        drawn.append(_polygonal(shapely.union_all([simple, *lost])))
    return nested(drawn)

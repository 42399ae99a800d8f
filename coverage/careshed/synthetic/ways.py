"""Way: a street as it is laid, before it is cut at junctions."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
from shapely import LineString
from shapely.geometry.base import BaseGeometry

__all__ = ["RANK", "Way", "clip"]

RANK = {
    name: rank
    for rank, name in enumerate(
        [
            "motorway", "trunk", "motorway_link", "trunk_link", "primary", "secondary", "tertiary",
            "unclassified", "residential", "living_street", "service", "pedestrian", "footway",
        ]
    )
}  # fmt: skip
"""Classes of street (OpenStreetMap's ``highway``), greatest first."""


@dataclass(frozen=True, slots=True)
class Way:
    """A street as it is laid.

    Parameters
    ----------
    line
        Its course, metres.
    highway
        Class, a key of `RANK`.
    name
        Name, empty for none.
    walk, drive
        Bit 1: open along the line; bit 2: open against it.
    kmh
        Signed limit, NaN unknown.
    """

    line: LineString
    highway: str
    name: str = ""
    walk: int = 3
    drive: int = 3
    kmh: float = float("nan")


def clip(way: Way, line: BaseGeometry, *, least_m: float = 1.0) -> list[Way]:
    """Return `way` along each part of `line` that is at least `least_m` long."""
    return [
        Way(part, way.highway, way.name, way.walk, way.drive, way.kmh)
        for part in shapely.get_parts(line)
        if part.geom_type == "LineString" and part.length >= least_m
    ]

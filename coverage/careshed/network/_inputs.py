"""What a network refuses: streets that can't become one, layers that don't fit them, points that are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from careshed._checks import require_columns, require_projected
from careshed.area import VIA
from careshed.errors import CRSError, InputError
from careshed.network._access import id_index

__all__ = ["MAX_SNAP_M", "check_layers", "check_streets", "usable_points"]

MAX_SNAP_M: Mapping[str, float] = {"walk": 300.0, "drive": 500.0}
"""A point further than this from its nearest street is rejected, by mode."""


def check_streets(streets: gpd.GeoDataFrame, mode: str, crs: pyproj.CRS | None) -> pyproj.CRS:
    """Refuse a streets layer that can't become a network, and return its CRS."""
    if mode not in MAX_SNAP_M:
        raise InputError(f"mode is {mode!r}; expected 'walk' or 'drive'")
    require_columns(streets, {"u", "v", "highway", "walk", "drive", "maxspeed_kmh", "geometry"}, what="streets")
    found = require_projected(streets.crs, what="the streets layer")
    if crs is not None and found != pyproj.CRS.from_user_input(crs):
        raise CRSError(f"the streets layer is in {found.name}; expected {crs.name}: reproject it with to_crs()")
    id_index(streets.index, what="streets")
    lines = streets.geometry.to_numpy()
    faults = {
        "is not a LineString": shapely.get_type_id(lines) != shapely.GeometryType.LINESTRING,
        "has no or not finite coordinates": ~np.isfinite(shapely.bounds(lines)).all(axis=1),
        f"has a {mode} that isn't 0, 1, 2 or 3": ~streets[mode].isin([0, 1, 2, 3]).to_numpy(),
        "has a junction below 0": ((streets["u"] < 0) | (streets["v"] < 0)).to_numpy(),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise InputError(
                f"streets: {rows.sum()} of {len(streets)} rows can't be used; "
                f"street {streets.index[rows][0]} {fault}: mend or drop it"
            )
    return found


def check_layers(streets: gpd.GeoDataFrame, junctions: gpd.GeoDataFrame | None, turns: gpd.GeoDataFrame | None) -> None:
    """Refuse tags and restrictions of streets or junctions that aren't in the streets layer."""
    known = np.union1d(streets["u"], streets["v"])
    for layer, frame, columns in (
        ("junctions", junctions, ["from_street"]),
        ("turns", turns, ["from_street", "to_street"]),
    ):
        if frame is None or not len(frame):
            continue
        require_columns(frame, {"junction", *columns}, what=layer)
        lost = ~np.isin(frame["junction"], known)
        if layer == "turns" and "via" in frame.columns:
            between = frame["via"].str.split(VIA).explode()
            lost |= frame.index.isin(between.index[(between != "") & ~between.isin(streets.index)])
        for column in columns:
            lost |= ~(frame[column].isin(streets.index) | ((frame[column] == "") & (layer == "junctions"))).to_numpy()
        if lost.any():
            raise InputError(
                f"{layer}: {lost.sum()} of {len(frame)} rows name a street or junction that isn't in the streets layer "
                f"(first: {frame.index[lost][0]}); build the area again from one file"
            )


def usable_points(points: gpd.GeoSeries, crs: pyproj.CRS) -> npt.NDArray[Any]:
    """Return points as an object array with None for those without coordinates."""
    if points.crs is None or points.crs != crs:
        found = "no CRS" if points.crs is None else points.crs.name
        raise CRSError(f"the points to join are in {found}; expected {crs.name}: reproject them with to_crs()")
    geometry = points.to_numpy().copy()
    there = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    strange = there & (shapely.get_type_id(geometry) != shapely.GeometryType.POINT)
    if strange.any():
        raise InputError(
            f"{strange.sum()} places are no points (first: {points.index[strange][0]}, "
            f"a {geometry[strange][0].geom_type}); take their representative_point()"
        )
    geometry[~there] = None
    geometry[~(np.isfinite(shapely.get_x(geometry)) & np.isfinite(shapely.get_y(geometry)))] = None
    return geometry

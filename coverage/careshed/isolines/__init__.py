"""Isochrones: what is within some minutes of places, as polygons and as lines.

Drawn from the reached parts of streets, so that a polygon ends where the time
does. They are for maps; coverage is computed from times, never from polygons.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from careshed.errors import InputError, RowFaultError
from careshed.isolines._draw import MARGIN_M, QUAD_SEGS, around, nested, simplified
from careshed.isolines._files import SUFFIXES, layer_suffix, write_layer
from careshed.isolines._hulls import HULL_RATIOS, compare_hulls
from careshed.isolines._streets import metres_by_unit, street_kilometres
from careshed.network import Access, RoadNetwork
from careshed.reach import Direction, Reach, Seconds, reach_times

__all__ = [
    "BUFFER_M",
    "HULL_RATIOS",
    "SUFFIXES",
    "Dissolve",
    "compare_hulls",
    "covered_streets",
    "isochrones",
    "layer_suffix",
    "metres_by_unit",
    "rings",
    "street_kilometres",
    "write_layer",
]

BUFFER_M = 25.0
"""A polygon reaches so far to either side of a street."""

MANY_LINES = 5_000
"""From so many on it pays to draw bands side by side."""

Shapes = npt.NDArray[np.object_]
Dissolve = Literal["band", "facility"]


def isochrones(
    network: RoadNetwork,
    places: gpd.GeoDataFrame | gpd.GeoSeries | Access,
    *,
    minutes: Sequence[float] = (5, 10, 15),
    direction: Direction = "to",
    buffer_m: float = BUFFER_M,
    tolerance_m: float = 0.0,
    dissolve: bool | Dissolve = True,
    delays_s: Seconds | None = None,
) -> gpd.GeoDataFrame:
    """Draw what is within some minutes of places.

    Bands are cumulative (all within 5, within 10, …); :func:`rings` makes rings of them.

    Parameters
    ----------
    network
        The network.
    places
        Points by id, in the network's CRS, or what :meth:`RoadNetwork.snap` made of them.
    minutes
        The bands' limits, each included.
    direction
        ``'to'``: people come to the places. ``'from'``: vehicles leave from them.
    buffer_m
        How far a polygon reaches to either side of streets that are within, metres.
    tolerance_m
        Simplify outlines, moving no corner further than this, metres; they stay valid, nested and around their
        places. 0 leaves them as they are.
    dissolve
        ``'band'`` (or True): one row a band, over all places. ``'facility'`` (or False): one row a band and place.
    delays_s
        Seconds added to each place's times, one figure or one for each place.

    Returns
    -------
    geopandas.GeoDataFrame
        ``minutes`` (ascending), by facility ``facility_id``, and a valid Polygon or MultiPolygon (empty
        where a delay leaves nothing). A larger band contains a smaller one, by five centimetres at least; places and
        their legs are inside. ``attrs['rejected']`` maps the id of each place that could not be joined to the reason.

    Raises
    ------
    RowFaultError
        If no place can be joined to the network.
    InputError
        If a limit or the buffer isn't positive, the tolerance is negative, or `dissolve` is something else.

    Notes
    -----
    All within `buffer_m` of the reached parts of edges, and nothing further but for `tolerance_m`; unlike a hull of
    reached junctions it keeps holes and islands, and crosses rivers at bridges only. A straight leg from the place to
    its street counts as reached.
    """
    bands = _bands(minutes)
    radius_m = _radii(buffer_m, len(bands))
    by_band = _by_band(dissolve)
    if not (np.isfinite(tolerance_m) and tolerance_m >= 0):
        raise InputError(f"tolerance_m is {tolerance_m!r}; expected metres, 0 or more")
    access = places if isinstance(places, Access) else network.snap(places)
    rejected = dict(zip(access.rejected["id"], access.rejected["reason"], strict=True))
    joined = np.flatnonzero(access.joined)
    if not len(joined):
        raise RowFaultError(f"none of {len(access)} places could be joined to the {network.mode} network: {rejected}")

    def contours(positions: npt.NDArray[np.intp]) -> list[shapely.Geometry]:
        reach = reach_times(
            network, access.take(positions), cutoff_s=bands[-1] * 60, direction=direction, delays_s=delays_s
        )
        return _contours(reach, bands, radius_m, tolerance_m)

    if by_band:
        frame = gpd.GeoDataFrame({"minutes": bands}, geometry=contours(joined), crs=network.crs)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            shapes = [shape for some in pool.map(contours, joined[:, None]) for shape in some]
        columns = {
            "minutes": np.tile(bands, len(joined)),
            "facility_id": np.repeat(access.ids[joined].to_numpy(), len(bands)),
        }
        frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=network.crs)
    frame.attrs["rejected"] = rejected
    return frame


def rings(contours: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Turn cumulative bands into rings: each less the next smaller one.

    Parameters
    ----------
    contours
        What :func:`isochrones` returned.

    Returns
    -------
    geopandas.GeoDataFrame
        The same rows, with ``from_minutes`` (0 for the innermost) added.
    """
    out = contours.copy()
    keys = ["facility_id"] if "facility_id" in out else []
    ordered = out.sort_values([*keys, "minutes"], kind="stable")
    inner = ordered.groupby(keys).shift() if keys else ordered.shift()
    smaller = inner["minutes"].notna()
    shapes = ordered.geometry.to_numpy().copy()
    shapes[smaller] = shapely.difference(shapes[smaller], inner["geometry"].to_numpy()[smaller])
    ordered = ordered.set_geometry(gpd.GeoSeries(shapes, index=ordered.index, crs=out.crs))
    ordered.insert(0, "from_minutes", inner["minutes"].fillna(0.0))
    return ordered.loc[out.index]


def covered_streets(
    network: RoadNetwork,
    places: gpd.GeoDataFrame | gpd.GeoSeries | Access,
    *,
    minutes: float = 15,
    direction: Direction = "to",
    delays_s: Seconds | None = None,
) -> gpd.GeoDataFrame:
    """Return the parts of streets within some minutes of places, and those beyond, with their metres.

    Parameters
    ----------
    network, places, direction, delays_s
        As :func:`isochrones` takes them.
    minutes
        The limit, included.

    Returns
    -------
    geopandas.GeoDataFrame
        ``street_id``, ``reached``, ``start_m``, ``end_m``, ``length_m``, ``main`` (False: an island, joined to the
        rest by no street of the mode) and the line.
    """
    (limit,) = _bands([minutes])
    reach = reach_times(network, places, cutoff_s=limit * 60, direction=direction, delays_s=delays_s)
    return reach.parts()


def _by_band(dissolve: bool | str) -> bool:  # noqa: FBT001 - it is the caller's argument
    """Return whether there is one row a band, over all places."""
    if dissolve not in (True, False, "band", "facility"):
        raise InputError(f"dissolve is {dissolve!r}; expected 'band' or 'facility'")
    return dissolve in (True, "band")


def _bands(minutes: Sequence[float]) -> list[float]:
    """Return the limits in order, each once."""
    bands = sorted({float(limit) for limit in minutes})
    if not bands or not all(np.isfinite(bands)) or bands[0] <= 0:
        raise InputError(f"minutes are {list(minutes)!r}; expected positive numbers, such as 5, 10, 15")
    return bands


def _radii(buffer_m: float, count: int) -> list[float]:
    """Return a radius for each band, growing by the margin up to `buffer_m`."""
    if not (np.isfinite(buffer_m) and buffer_m > MARGIN_M * count):
        raise InputError(f"buffer_m is {buffer_m!r}; expected metres, more than {MARGIN_M * count:g}")
    return [buffer_m - MARGIN_M * (count - 1 - band) for band in range(count)]


def _contours(reach: Reach, bands: list[float], radius_m: list[float], tolerance_m: float) -> list[shapely.Geometry]:
    """Draw the bands, each around the one before."""
    legs = [_legs(reach, limit * 60) for limit in bands]
    lines = [
        np.concatenate([reach.lines(reach.reached_parts(limit * 60)), own])
        for limit, own in zip(bands, legs, strict=True)
    ]
    if len(bands) > 1 and len(lines[-1]) > MANY_LINES:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            # the widest first, as it takes longest
            drawn = list(pool.map(around, lines[::-1], radius_m[::-1]))[::-1]
    else:
        drawn = [around(*both) for both in zip(lines, radius_m, strict=True)]
    strips = [shapely.buffer(own, radius, quad_segs=QUAD_SEGS) for own, radius in zip(legs, radius_m, strict=True)]
    return simplified(nested(drawn), tolerance_m, strips)


def _legs(reach: Reach, seconds: float) -> Shapes:
    """Return the straight legs of the places, as far as the time goes."""
    places = reach.places
    left_ms = seconds * 1000 - reach.delay_ms
    there = places.joined & (left_ms >= 0)
    share = np.minimum(left_ms[there] / np.maximum(places.leg_ms[there], 1), 1.0)
    start = np.column_stack([places.from_x, places.from_y])[there]
    end = np.column_stack([places.x, places.y])[there]
    end = start + share[:, None] * (end - start)
    return np.asarray(shapely.linestrings(np.stack([start, end], axis=1)))

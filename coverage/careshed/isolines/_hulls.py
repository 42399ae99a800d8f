"""Hulls, the usual answer, set beside isochrones drawn from streets."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from careshed._checks import require_projected
from careshed.errors import InputError, RowFaultError
from careshed.isolines._draw import around
from careshed.network import Access, RoadNetwork
from careshed.reach import Direction, Reach, reach_times

__all__ = ["HULL_RATIOS", "compare_hulls"]

STEP_M = 25.0
"""Ground is sampled on a grid so fine."""

LEG_M = 50.0
"""Ground so near to a street is counted as lying on it: further away are water, rail yards and closed blocks."""

HULL_RATIOS = (0.1, 0.3, 0.5)
"""Concave hulls that are compared, from the tightest (0) to the convex hull (1)."""

Shapes = npt.NDArray[np.object_]


def compare_hulls(
    network: RoadNetwork,
    places: gpd.GeoDataFrame | gpd.GeoSeries | Access,
    *,
    minutes: float = 15,
    direction: Direction = "to",
    buffer_m: float = 25.0,
    ratios: Sequence[float] = HULL_RATIOS,
    leg_m: float = LEG_M,
    step_m: float = STEP_M,
) -> pd.DataFrame:
    """Measure isochrones against the convex and concave hulls of the junctions that are reached.

    Parameters
    ----------
    network, places, minutes, direction, buffer_m
        As :func:`careshed.isolines.isochrones` takes them; each place is drawn by itself.
    ratios
        Of `shapely.concave_hull`.
    leg_m
        Ground further than this from any street isn't reachable, metres.
    step_m
        Spacing of the grid on which ground is sampled, metres.

    Returns
    -------
    pandas.DataFrame
        Index ``shape`` (``isochrone``, ``convex hull``, ``concave hull 0.1``, …): ``area_km2`` (mean of a place),
        ``reachable_share`` and ``streets_share``, both over all places together. The isochrone stands first.

    Raises
    ------
    InputError
        If minutes or the step aren't positive.
    RowFaultError
        If no place can be joined to the network.

    Notes
    -----
    `reachable_share`: of the points of a square grid that lie in the shape, the share from which (to which) the time,
    legs at both ends included, is within the minutes; a point further than `leg_m` from any street isn't reachable.
    With legs as long as coverage allows (300 m on foot) nearly all ground inside a reached ring of streets would be
    reachable, straight through blocks and water, and hulls would look better than they are.
    `streets_share`: of the length of all parts of streets that are within the minutes, the share that lies in the
    shape.
    """
    if not (minutes > 0 and step_m > 0 and np.isfinite(minutes * step_m)):
        raise InputError(f"minutes and step_m are {minutes!r} and {step_m!r}; expected positive numbers")
    require_projected(network.crs, what="the network")
    access = places if isinstance(places, Access) else network.snap(places)
    joined = np.flatnonzero(access.joined)
    if not len(joined):
        raise RowFaultError(f"none of {len(access)} places could be joined to the {network.mode} network")
    names = ["isochrone", "convex hull", *(f"concave hull {ratio:g}" for ratio in ratios)]
    sums = np.zeros((len(names), 5))
    for position in joined:
        reach = reach_times(network, access.take([position]), cutoff_s=minutes * 60, direction=direction)
        lines = reach.lines(reach.reached_parts())
        sums += _measure(reach, _shapes(reach, lines, buffer_m, ratios), lines, (step_m, leg_m))
    area, points, reachable, inside_m, whole_m = sums.T
    columns = {
        "area_km2": area / len(joined) / 1e6,
        "reachable_share": np.divide(reachable, points, out=np.full(len(names), np.nan), where=points > 0),
        "streets_share": np.divide(inside_m, whole_m, out=np.full(len(names), np.nan), where=whole_m > 0),
    }
    return pd.DataFrame(columns, index=pd.Index(names, name="shape"))


def _shapes(reach: Reach, lines: Shapes, buffer_m: float, ratios: Sequence[float]) -> Shapes:
    """Return the isochrone, the convex hull and the concave hulls of one place."""
    network, there = reach.network, reach.node_ms >= 0
    nodes = shapely.multipoints(np.column_stack([network.node_x[there], network.node_y[there]]))
    concave = [shapely.concave_hull(nodes, ratio=ratio) for ratio in ratios]
    return np.array([around(lines, buffer_m), shapely.convex_hull(nodes), *concave])


def _measure(
    reach: Reach, shapes: Shapes, lines: Shapes, step_and_leg_m: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Return a row a shape: area, grid points in it, those reachable, metres of reached street in it and in all."""
    step_m, leg_m = step_and_leg_m
    bounds = shapely.bounds(shapes)
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    low, high = np.floor(bounds[:, :2].min(axis=0) / step_m), np.ceil(bounds[:, 2:].max(axis=0) / step_m)
    x, y = np.meshgrid(*(np.arange(a, b) * step_m + step_m / 2 for a, b in zip(low, high, strict=True)))
    ids = pd.Index([f"g{i}" for i in range(x.size)])
    grid = gpd.GeoSeries(gpd.points_from_xy(x.ravel(), y.ravel()), index=ids, crs=reach.network.crs)
    reachable = reach.at(reach.network.snap(grid, max_snap_m=leg_m)).notna().to_numpy()
    shapely.prepare(shapes)
    rows = []
    for shape in shapes:
        inside = shapely.contains_xy(shape, x.ravel(), y.ravel())
        metres = shapely.length(shapely.intersection(lines, shape)).sum()
        rows.append([shape.area, inside.sum(), (inside & reachable).sum(), metres, shapely.length(lines).sum()])
    return np.array(rows, dtype=np.float64)

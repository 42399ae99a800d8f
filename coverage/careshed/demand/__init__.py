"""Where people live: totals spread over buildings or streets, or taken from points, rasters and communities.

Totals are kept exactly: each share is cut to whole people and those left over
go to the largest fractions (Hamilton 1792, the largest remainder).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from careshed._checks import require_columns, require_projected
from careshed.area import SCHEMAS, empty_layer
from careshed.demand._grains import STEP_M, Grains, building_grains, raster_grains, street_grains
from careshed.demand._ground import nearest_ground
from careshed.errors import InputError
from careshed.tables import locate_units

__all__ = [
    "CELL_M",
    "MAX_POINTS",
    "STEP_M",
    "Demand",
    "Grains",
    "building_grains",
    "community_demand",
    "largest_remainder",
    "nearest_ground",
    "raster_grains",
    "spread",
    "street_grains",
    "with_calls",
]

CELL_M = 100.0
"""Side of the cells that people are gathered into, metres, where the points stay few enough."""

MAX_POINTS = 10_000
"""Demand points that an area may have; cells grow until it has no more."""

MIN_FLOOR_M2 = 10.0
"""Buildings are trusted where a unit has at least so much floor for each of its people, m²."""

CALL_REACH_M = 1000.0
"""A call further from any demand point is not counted to one."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Demand points and how they were made.

    Attributes
    ----------
    frame
        Schema ``demand``.
    assumptions
        Figures taken, by name, as sentences.
    notes
        What could not be done as meant, as sentences.
    """

    frame: gpd.GeoDataFrame
    assumptions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def largest_remainder(weights: npt.ArrayLike, total: int) -> Ints:
    """Cut a whole number into whole parts in proportion to weights.

    Parameters
    ----------
    weights
        Finite, ≥ 0 (n,), not all 0 unless `total` is 0.
    total
        What the parts add up to, exactly.

    Returns
    -------
    numpy.ndarray
        Whole parts (n,); of equal fractions the earlier gets the unit.

    Raises
    ------
    InputError
        If there is something to part and nothing to part it over.

    Examples
    --------
    >>> largest_remainder([1, 1, 1], 100).tolist()
    [34, 33, 33]
    """
    share = np.asarray(weights, np.float64)
    if total < 0 or not np.isfinite(share).all() or (share < 0).any():
        raise InputError(f"a total of {total} can't be parted; expected a total and weights of 0 or more")
    whole = float(share.sum())
    if whole <= 0:
        if total:
            raise InputError(f"a total of {total} can't be parted over weights that are all 0")
        return np.zeros(len(share), np.int64)
    exact = share / whole * total
    parts: Ints = np.floor(exact).astype(np.int64)
    left = int(total - parts.sum())
    order = np.lexsort((np.arange(len(share)), parts - exact))
    # rounding may leave less than nothing of a huge total: then the smallest fractions give back
    chosen = order[:left] if left >= 0 else order[::-1][:-left]
    parts[chosen] += 1 if left >= 0 else -1
    return parts


def spread(
    units: gpd.GeoDataFrame,
    *,
    streets: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    grains: Grains | None = None,
    cell_m: float | None = None,
    max_points: int = MAX_POINTS,
) -> Demand:
    """Spread the people of units over where they may live.

    In each unit the first that it has is taken: `grains` (points or a raster
    of population), residential buildings by floor area where they hold at
    least 10 m² for each of its people, walkable streets by length, else one
    point inside it. Grains are gathered into square cells; a demand point is
    that one of its cell's grains that is nearest to their centre, so it is on
    a street or in a building.

    Parameters
    ----------
    units
        Subdistricts (schema ``subdistricts``) or polygons of communities
        (schema ``communities``), with ``population`` and perhaps ``elderly``.
        A unit of unknown population takes the grains' own sum, or is noted
        and left without people.
    streets, buildings, grains
        What people are spread over, in the units' CRS.
    cell_m
        Side of a cell, metres; by default 100, or as much more as `max_points` asks.
    max_points
        Points in all, at most, by enlarging the cells.

    Returns
    -------
    Demand
        Points without people are left out.

    Examples
    --------
    >>> area = StudyArea.read("data/xicheng")  # doctest: +SKIP
    >>> spread(area.subdistricts, streets=area.streets).frame["population"].sum()  # doctest: +SKIP
    1106214
    """
    require_projected(units.crs, what="units")
    require_columns(units, {"population", "geometry"}, what="units")
    sources = _sources(streets, buildings, grains)
    located = {name: _in_units(source, units) for name, source in sources.items()}
    chosen = _choose(units, sources, located)
    side, cells = _gather(units, sources, located, chosen, cell_m, max_points)
    frame, notes = _people(units, cells, own=grains is not None)
    return Demand(frame, _assumed(chosen, side), (*notes, *_alone(units, chosen)))


def community_demand(communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one demand point for each community, with all its people.

    Parameters
    ----------
    communities
        Schema ``communities``, points, and perhaps ``elderly``.
    """
    return _frame(
        communities["subdistrict_id"].to_numpy(),
        communities.index.to_numpy(),
        communities["population"].fillna(0).to_numpy(np.int64),
        _elderly_of(communities),
        communities.geometry.to_numpy(),
        communities.crs,
    )


def with_calls(demand: gpd.GeoDataFrame, calls: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, float]:
    """Count calls to the nearest demand point.

    Parameters
    ----------
    demand
        Schema ``demand``.
    calls
        Points with ``calls`` ≥ 0.

    Returns
    -------
    demand, lost
        With ``calls`` filled, and how many calls are further than 1 km from every point.
    """
    tree = cKDTree(np.column_stack([demand.geometry.x, demand.geometry.y]))
    distance, nearest = tree.query(np.column_stack([calls.geometry.x, calls.geometry.y]))
    weight = calls["calls"].to_numpy(np.float64)
    near = distance <= CALL_REACH_M
    counted = np.bincount(nearest[near], weight[near], minlength=len(demand))
    return demand.assign(calls=counted), float(weight[~near].sum())


def _sources(
    streets: gpd.GeoDataFrame | None, buildings: gpd.GeoDataFrame | None, grains: Grains | None
) -> dict[str, Grains]:
    made: dict[str, Callable[[], Grains]] = {}
    if grains is not None:
        made["grains"] = lambda: grains
    if buildings is not None and len(buildings):
        made["buildings"] = lambda: building_grains(buildings)
    if streets is not None and len(streets):
        made["streets"] = lambda: street_grains(streets)
    return {name: make() for name, make in made.items()}


def _in_units(grains: Grains, units: gpd.GeoDataFrame) -> Ints:
    """Return the position of each grain's unit, -1 for none."""
    names = locate_units(gpd.GeoSeries(shapely.points(grains.x, grains.y), crs=units.crs), units)
    return pd.Index(units.index).get_indexer(pd.Index(names)).astype(np.int64)


def _choose(units: gpd.GeoDataFrame, sources: dict[str, Grains], located: dict[str, Ints]) -> Texts:
    """Return which source each unit's people are spread over, '' for its middle."""
    chosen: Texts = np.full(len(units), "", dtype=object)
    people = units["population"].fillna(0).to_numpy(np.float64)
    for name in reversed(list(sources)):
        inside = located[name] >= 0
        weight = np.bincount(located[name][inside], sources[name].weight[inside], minlength=len(units))
        enough = weight >= MIN_FLOOR_M2 * people if name == "buildings" else np.ones(len(units), bool)
        chosen[(weight > 0) & enough] = name
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Gathered grains: position of the unit, weight, and the grain that stands for them."""

    unit: Ints
    weight: Floats
    x: Floats
    y: Floats


def _gather(
    units: gpd.GeoDataFrame,
    sources: dict[str, Grains],
    located: dict[str, Ints],
    chosen: Texts,
    cell_m: float | None,
    max_points: int,
) -> tuple[float, _Cells]:
    """Gather the chosen grains into cells, as small as `max_points` allows."""
    alone = np.flatnonzero(chosen == "")
    middle = shapely.point_on_surface(units.geometry.to_numpy()[alone])
    heaps = [_Cells(alone, np.ones(len(alone)), shapely.get_x(middle), shapely.get_y(middle))]
    for name, grains in sources.items():
        use = (located[name] >= 0) & (grains.weight > 0)
        use[use] = chosen[located[name][use]] == name
        heaps.append(_Cells(located[name][use], grains.weight[use], grains.x[use], grains.y[use]))
    sand = _Cells(
        np.concatenate([heap.unit for heap in heaps]),
        np.concatenate([heap.weight for heap in heaps]),
        np.concatenate([heap.x for heap in heaps]),
        np.concatenate([heap.y for heap in heaps]),
    )
    side = cell_m or CELL_M
    while True:
        cells = _in_cells(sand, side)
        if cell_m is not None or len(cells.unit) <= max(max_points, len(units)):
            return side, cells
        # to the next fifty metres, by as much as the points are too many
        side = max(side + 50.0, 50.0 * math.floor(side * math.sqrt(len(cells.unit) / max_points) / 50.0))


def _in_cells(sand: _Cells, side: float) -> _Cells:
    """Add up the grains of each unit and cell; the one nearest to their centre stands for them."""
    key = np.column_stack(
        [sand.unit, np.floor(sand.y / side).astype(np.int64), np.floor(sand.x / side).astype(np.int64)]
    )
    _, cell = np.unique(key, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    weight: Floats = np.bincount(cell, sand.weight).astype(np.float64)
    centre_x = np.bincount(cell, sand.weight * sand.x) / weight
    centre_y = np.bincount(cell, sand.weight * sand.y) / weight
    off = np.round(np.hypot(sand.x - centre_x[cell], sand.y - centre_y[cell]), 3)
    order = np.lexsort((sand.y, sand.x, off, cell))
    first = order[np.unique(cell[order], return_index=True)[1]]
    return _Cells(sand.unit[first], weight, sand.x[first], sand.y[first])


def _people(units: gpd.GeoDataFrame, cells: _Cells, *, own: bool) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Part each unit's people, and its elderly, over its cells."""
    people = np.zeros(len(cells.unit), np.int64)
    elderly = np.zeros(len(cells.unit), np.int64)
    unknown: list[str] = []
    total = units["population"].to_numpy(np.float64)
    old = _elderly_of(units)
    for position in range(len(units)):
        here = np.flatnonzero(cells.unit == position)
        count = total[position]
        if np.isnan(count):
            if not own:
                unknown.append(str(units["name"].iloc[position]))
                continue
            count = round(float(cells.weight[here].sum()))
        people[here] = largest_remainder(cells.weight[here], int(count))
        elderly[here] = largest_remainder(people[here], min(int(old[position]), int(count)))
    keep = people > 0
    unit = units.index.to_numpy()[cells.unit[keep]]
    communities = units.index.name == SCHEMAS["communities"][0]
    subdistrict = units["subdistrict_id"].to_numpy()[cells.unit[keep]] if communities else unit
    community = unit if communities else np.full(int(keep.sum()), "", dtype=object)
    points = np.asarray(shapely.points(np.round(np.column_stack([cells.x[keep], cells.y[keep]]), 2)), dtype=object)
    notes = (f"no population is known for {', '.join(unknown)}: nobody is counted there",) if unknown else ()
    return _frame(subdistrict, community, people[keep], elderly[keep], points, units.crs), notes


def _elderly_of(units: gpd.GeoDataFrame) -> Ints:
    if "elderly" not in units.columns:
        return np.zeros(len(units), np.int64)
    return units["elderly"].fillna(0).to_numpy(np.int64)


def _frame(
    subdistrict: Texts, community: Texts, people: Ints, elderly: Ints, points: Texts, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Lay out demand points and number them."""
    if not len(people):
        return empty_layer("demand", crs)
    width = max(len(str(len(people))), 5)
    return gpd.GeoDataFrame(
        {
            "subdistrict_id": pd.Series(subdistrict, dtype="str"),
            "community_id": pd.Series(community, dtype="str"),
            "population": people,
            "elderly": elderly,
            "calls": np.full(len(people), np.nan),
        },
        geometry=points,
        crs=crs,
    ).set_index(
        pd.Index([f"d{number:0{width}d}" for number in range(1, len(people) + 1)], dtype="str", name="demand_id")
    )


def _assumed(chosen: Texts, side: float) -> dict[str, str]:
    """Say how many units were spread over what."""
    told = {
        "grains": "by the population points or raster given",
        "buildings": "over residential buildings by floor area",
        "streets": "along walkable streets by length",
        "": "at one point inside the unit",
    }
    counts = [f"{int((chosen == name).sum())} units {how}" for name, how in told.items() if (chosen == name).any()]
    return {
        "demand": f"people are spread {', '.join(counts)}; totals are kept exactly",
        "demand_cell": f"gathered into cells of {side:.0f} m; a point stands on a street or in a building of its cell",
    }


def _alone(units: gpd.GeoDataFrame, chosen: Texts) -> tuple[str, ...]:
    alone = units[(chosen == "") & (units["population"].fillna(0) > 0).to_numpy()]
    if not len(alone):
        return ()
    names = ", ".join(map(str, alone["name"].head(5))) + (" …" if len(alone) > 5 else "")
    people = int(alone["population"].sum())
    return (
        f"{len(alone)} units have no street or building ({names}): their {people} people stand at one point inside",
    )

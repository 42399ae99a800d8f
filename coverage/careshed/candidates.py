"""Candidate sites for stations, where a planner gives none."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from careshed._checks import require_columns, require_projected
from careshed.area import empty_layer
from careshed.errors import InputError, MissingLayerError
from careshed.network import RoadNetwork
from careshed.tables import locate_units

__all__ = ["SEED", "generate_candidates"]

SEED = 20210101
"""Seed of the clustering, where none is named."""

EXPRESS = ("motorway", "motorway_link", "trunk", "trunk_link")
"""No station stands on these; a junction that has only these is no site."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


def generate_candidates(
    demand: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | RoadNetwork,
    units: gpd.GeoDataFrame,
    *,
    n: int = 150,
    min_per_unit: int = 1,
    seed: int = SEED,
) -> gpd.GeoDataFrame:
    """Choose sites near people, on drivable junctions, some in every unit.

    Population-weighted k-means (Lloyd 1982; k-means++ of Arthur and
    Vassilvitskii 2007) with `n` centres over the whole area says how many
    sites each unit gets, with `min_per_unit` as the floor; k-means inside each
    unit says where. Each centre takes the nearest junction of its unit that is
    still free. Junctions lie in a kept component of the driving network, and
    on a street that is no motorway or trunk road.

    Parameters
    ----------
    demand
        Schema ``demand``. A unit without people is covered evenly.
    streets
        Schema ``streets``, or the driving network (which does not know
        motorways from lanes).
    units
        Schema ``subdistricts``.
    n
        Sites in all; more where `min_per_unit` asks for more.
    min_per_unit
        Sites in each unit, at least.
    seed
        The same seed, inputs and versions give the same sites.

    Returns
    -------
    geopandas.GeoDataFrame
        Schema ``candidates``. A unit with fewer free junctions than sites has
        one on each of them, so fewer than `n` may come.

    Raises
    ------
    MissingLayerError
        If no unit has a drivable junction.
    InputError
        If `n` or `min_per_unit` can't be met by any sites.

    Examples
    --------
    >>> area = StudyArea.read("data/xicheng")  # doctest: +SKIP
    >>> len(generate_candidates(area.demand, area.streets, area.subdistricts))  # doctest: +SKIP
    150
    """
    crs = require_projected(units.crs, what="units")
    require_columns(demand, {"population", "subdistrict_id", "geometry"}, what="demand")
    if n < 1 or min_per_unit < 0:
        raise InputError(f"n is {n} and min_per_unit {min_per_unit}; expected at least 1 and 0")
    junctions = _junctions(streets)
    junction_unit = _positions(locate_units(gpd.GeoSeries(shapely.points(junctions), crs=crs), units), units)
    if not (junction_unit >= 0).any():
        raise MissingLayerError("no drivable junction lies in the area; check that roads and subdistricts overlap")
    people, weight, unit = _people(demand, junctions, junction_unit, units)
    with threadpool_limits(limits=1):
        free = np.bincount(junction_unit[junction_unit >= 0], minlength=len(units))
        counts = _shares(people, weight, unit, n, np.minimum(min_per_unit, free), free, seed)
        sites, owner = [], []
        for position in np.flatnonzero(counts):
            centres = _centres(people[unit == position], weight[unit == position], counts[position], seed)
            there = junctions[junction_unit == position]
            sites.append(there[_nearest_free(centres, there)])
            owner.append(np.full(len(sites[-1]), position))
    return _frame(np.concatenate(sites), np.concatenate(owner), units)


def _junctions(streets: gpd.GeoDataFrame | RoadNetwork) -> Floats:
    """Return the coordinates of junctions that a station could stand at, in a fixed order."""
    network = streets if isinstance(streets, RoadNetwork) else RoadNetwork.from_streets(streets, "drive")
    use = network.main
    if not isinstance(streets, RoadNetwork):
        use = use & ~streets.loc[network.street_ids, "highway"].isin(EXPRESS).to_numpy()
    ends = np.unique(np.concatenate([network.edge_u[use], network.edge_v[use]]))
    xy = np.round(np.column_stack([network.node_x[ends], network.node_y[ends]]), 2)
    return np.unique(xy, axis=0)


def _positions(names: Texts, units: gpd.GeoDataFrame) -> Ints:
    return pd.Index(units.index).get_indexer(pd.Index(names)).astype(np.int64)


def _people(
    demand: gpd.GeoDataFrame, junctions: Floats, junction_unit: Ints, units: gpd.GeoDataFrame
) -> tuple[Floats, Floats, Ints]:
    """Return points, weights and units of people; a unit without people lends its junctions."""
    unit = _positions(demand["subdistrict_id"].to_numpy(), units)
    weight = demand["population"].to_numpy(np.float64)
    keep = (unit >= 0) & (weight > 0)
    unit, weight = unit[keep], weight[keep]
    xy = np.column_stack([demand.geometry.x, demand.geometry.y])[keep]
    bare = ~np.isin(junction_unit, unit) & (junction_unit >= 0)
    # light enough not to draw sites away from people, heavy enough for a centre of their own
    faint = (weight.sum() or 1.0) * 1e-9
    return (
        np.concatenate([xy, junctions[bare]]),
        np.concatenate([weight, np.full(int(bare.sum()), faint)]),
        np.concatenate([unit, junction_unit[bare]]),
    )


def _shares(people: Floats, weight: Floats, unit: Ints, n: int, least: Ints, free: Ints, seed: int) -> Ints:
    """Return how many sites each unit gets: the area's k-means, floors raised, tops cut."""
    fit = _fit(people, weight, n, seed)
    # a centre belongs to the unit of the person nearest to it
    _, nearest = cKDTree(people).query(fit)
    counts = np.bincount(unit[nearest], minlength=len(free)).astype(np.int64)
    counts = np.clip(counts, least, free)
    mass = np.bincount(unit, weight, minlength=len(free))
    while counts.sum() < n and (counts < free).any():
        counts[_largest(mass / (counts + 1), counts < free)] += 1
    while counts.sum() > n and (counts > least).any():
        counts[_largest(-mass / np.maximum(counts, 1), counts > least)] -= 1
    return counts


def _largest(score: Floats, among: npt.NDArray[np.bool_]) -> int:
    return int(np.argmax(np.where(among, score, -np.inf)))


def _fit(people: Floats, weight: Floats, k: int, seed: int) -> Floats:
    """Return k-means centres, as many as there are different places if these are fewer."""
    places = np.unique(people, axis=0)
    if len(places) <= k:
        return places
    # around the middle: far from the origin squares of coordinates lose digits
    middle = people.mean(axis=0)
    fit = KMeans(k, n_init=1, random_state=seed, algorithm="lloyd").fit(people - middle, sample_weight=weight)
    return np.asarray(fit.cluster_centers_, np.float64) + middle


def _centres(people: Floats, weight: Floats, k: int, seed: int) -> Floats:
    """Return exactly `k` centres in a fixed order, repeating some where people live in fewer places."""
    centres = _fit(people, weight, k, seed)
    centres = np.resize(centres, (k, 2)) if len(centres) < k else centres
    return centres[np.lexsort((centres[:, 1], centres[:, 0]))]


def _nearest_free(centres: Floats, junctions: Floats) -> Ints:
    """Give each centre, in order, the nearest junction that no earlier one took."""
    # among the k nearest junctions, k - 1 other centres leave one free
    _, order = cKDTree(junctions).query(centres, k=np.arange(1, len(centres) + 1))
    taken: dict[int, None] = {}
    for row in order.tolist():
        taken[next(junction for junction in row if junction not in taken)] = None
    return np.fromiter(taken, np.int64)


def _frame(sites: Floats, owner: Ints, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lay the sites out by unit, north to south, named after it."""
    order = np.lexsort((sites[:, 0], -sites[:, 1], owner))
    sites, owner = sites[order], owner[order]
    number = np.arange(len(owner)) - np.searchsorted(owner, owner) + 1
    width = max(len(str(len(owner))), 3)
    names = units["name"].to_numpy()[owner]
    frame = empty_layer("candidates", units.crs).reindex([f"c{i:0{width}d}" for i in range(1, len(owner) + 1)])
    frame = frame.assign(
        name=[f"{name} {k}" for name, k in zip(names, number, strict=True)],
        status="candidate",
        tier="",
        subdistrict_id=units.index.to_numpy()[owner],
    )
    frame = frame.set_geometry(gpd.GeoSeries(shapely.points(sites), index=frame.index, crs=units.crs))
    frame.index = frame.index.rename("site_id")
    return frame

"""People: unit totals to communities and on to points beside streets, each sum kept exactly."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Point

from careshed.synthetic.divide import Division, is_village
from careshed.synthetic.recipe import Facts, Recipe
from careshed.synthetic.settle import largest_remainder

__all__ = ["community_people", "demand_points", "street_spots", "unit_people"]

_LIVED_ON = ("secondary", "tertiary", "unclassified", "residential", "living_street", "pedestrian", "footway")
"""Classes of street that people have their doors on."""


def unit_people(facts: Facts) -> pd.Series:
    """Return people by unit that sum to the census total of the district.

    Counts that are real are kept; the rest is split by weight.

    Parameters
    ----------
    facts
        The tables of facts.
    """
    real = (facts.units["population_status"] == "real").to_numpy()
    people = facts.units["population_weight"].to_numpy().astype(np.int64)
    rest = facts.total - int(people[real].sum())
    people[~real] = largest_remainder(people[~real].astype(float), rest)
    return pd.Series(people, index=facts.units.index)


def community_people(recipe: Recipe, division: Division, units: pd.Series) -> pd.Series:
    """Return people by community that sum to their unit's.

    Parameters
    ----------
    recipe, division
        The district.
    units
        People by unit.

    Notes
    -----
    The weight is the root of the settled ground times a lognormal spread, and three times as much in an urban
    community as in a village of the same unit.
    """
    rng = np.random.default_rng([recipe.seed, 3])
    frame = division.communities
    urban = np.where(is_village(frame["name"]), 1.0, 3.0)
    weight = np.sqrt(frame["settled_m2"].to_numpy() + 5000) * urban * rng.lognormal(0, 0.3, len(frame))
    people = np.zeros(len(frame), dtype=np.int64)
    for code, total in units.items():
        mine = (frame["subdistrict_id"] == code).to_numpy()
        people[mine] = largest_remainder(weight[mine], int(total))
    return pd.Series(people, index=frame.index)


def street_spots(
    streets: gpd.GeoDataFrame, *, mode: str, every_m: float = 30.0, aside_m: float = 8.0
) -> NDArray[np.float64]:
    """Return places beside streets, on both sides, metres, shape (spots, 2).

    Parameters
    ----------
    streets
        The layer of streets.
    mode
        ``walk`` or ``drive``: the streets open to it; great roads are left out.
    every_m
        Distance between spots along a street.
    aside_m
        Distance from the middle of the street.
    """
    lines = streets.geometry.array[((streets[mode] > 0) & streets["highway"].isin(_LIVED_ON)).to_numpy()]
    spots = []
    for line in lines:
        where = np.arange(min(every_m / 2, line.length / 2), line.length, every_m)
        here = shapely.get_coordinates(line.interpolate(where))
        ahead = shapely.get_coordinates(line.interpolate(np.minimum(where + 1, line.length)))
        back = shapely.get_coordinates(line.interpolate(np.maximum(where - 1, 0)))
        along = (ahead - back) / np.hypot(*(ahead - back).T)[:, None]
        aside = np.column_stack([-along[:, 1], along[:, 0]]) * aside_m
        spots += [here + aside, here - aside]
    return np.vstack(spots).round(2)


def demand_points(
    recipe: Recipe, division: Division, people: pd.Series, spots: NDArray[np.float64]
) -> gpd.GeoDataFrame:
    """Return the layer of demand: people of each community at points beside its streets.

    Parameters
    ----------
    recipe, division
        The district.
    people
        People by community.
    spots
        Places beside walkable streets, metres, shape (spots, 2).
    """
    rng = np.random.default_rng([recipe.seed, 4])
    inside = _spots_by_community(division, spots)
    rows = []
    fewest, most = recipe.demand.points
    for code, total in people.items():
        mine = _spread(spots[inside[str(code)]], int(rng.integers(fewest, most + 1)), rng)
        if not len(mine):  # a community without a street of its own
            mine = shapely.get_coordinates(division.communities.geometry[code].representative_point()).round(2)
        counts = largest_remainder(rng.lognormal(0, 0.4, len(mine)), int(total))
        share = float(np.clip(rng.normal(recipe.demand.elderly, recipe.demand.elderly_spread), 0.05, 0.45))
        older = largest_remainder(counts.astype(float), round(share * int(total))) if total else counts
        rows.append(
            pd.DataFrame(
                {"community_id": code, "population": counts, "elderly": older, "x": mine[:, 0], "y": mine[:, 1]}
            )
        )
    table = pd.concat(rows, ignore_index=True)
    frame = gpd.GeoDataFrame(
        {
            "subdistrict_id": division.communities["subdistrict_id"].reindex(table["community_id"]).to_numpy(),
            "community_id": table["community_id"].to_numpy(),
            "population": table["population"].to_numpy(dtype=np.int64),
            "elderly": table["elderly"].to_numpy(dtype=np.int64),
            "calls": np.full(len(table), np.nan),
        },
        geometry=gpd.points_from_xy(table["x"], table["y"], crs=division.communities.crs),
    ).astype({"subdistrict_id": "str", "community_id": "str"})
    order = frame.groupby("community_id").cumcount() + 1
    frame.index = pd.Index(
        frame["community_id"] + "-" + order.astype("str").str.zfill(2), name="demand_id", dtype="str"
    )
    return frame


def _spots_by_community(division: Division, spots: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """Return positions of the spots in each community: those on settled ground, else any, else one inside."""
    found: dict[str, NDArray[np.int64]] = {}
    tree = shapely.STRtree([Point(x, y) for x, y in spots])
    for code, shape, home in zip(
        division.communities.index, division.communities.geometry, division.settled.geometry, strict=True
    ):
        mine = np.sort(tree.query(home, predicate="contains"))
        within = np.sort(tree.query(shape, predicate="contains"))
        mine = np.intersect1d(mine, within)
        found[str(code)] = mine if len(mine) >= 3 else within
    return found


def _spread(spots: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return `count` of the spots, each far from those before it."""
    if len(spots) <= count:
        return spots
    picked = [int(rng.integers(len(spots)))]
    gap = ((spots - spots[picked[0]]) ** 2).sum(axis=1)
    while len(picked) < count:
        # A little luck keeps points from crowding to the edges.
        picked.append(int((gap * rng.uniform(0.3, 1, len(spots))).argmax()))
        gap = np.minimum(gap, ((spots - spots[picked[-1]]) ** 2).sum(axis=1))
    return np.asarray(spots[picked])

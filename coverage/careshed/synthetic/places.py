"""Places: existing facilities, all synthetic."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Point

from careshed.synthetic.divide import Division, is_village
from careshed.synthetic.ground import Ground
from careshed.synthetic.recipe import Facts, Recipe
from careshed.synthetic.settle import clusters

__all__ = ["facility_places"]

Floats = NDArray[np.float64]


def facility_places(
    recipe: Recipe, facts: Facts, ground: Ground, division: Division, demand: gpd.GeoDataFrame, spots: Floats
) -> gpd.GeoDataFrame:
    """Return the layer of facilities: the recipe's own places, and health centres and stations by its counts.

    Parameters
    ----------
    recipe, facts, ground, division
        The district.
    demand
        Its demand, which health centres and stations are near.
    spots
        Places beside driving streets, metres, shape (spots, 2).
    """
    rows: list[tuple[str, str, str, float, float, float]] = []
    towns = ground.metres(tuple(town.at for town in recipe.town)) if recipe.town else np.empty((0, 2))
    town_unit = _unit_of(towns, division)
    for unit in recipe.unit:
        name = str(facts.units.loc[unit.code, "name"])
        mine = demand[demand["subdistrict_id"] == unit.code]
        xy, weight = shapely.get_coordinates(mine.geometry.array), mine["population"].to_numpy(dtype=float)
        centres = _centres(xy, weight, unit.centres, towns[town_unit == unit.code], recipe.seed)
        rows += _numbered(centres, "community_health_centre", f"{name}社区卫生服务中心")
        if unit.stations:
            near = _served(xy, weight, centres[0], unit.served)
            stations = clusters(xy[near], weight[near], unit.stations, recipe.seed + 1)
            rows += _numbered(stations, "community_health_station", f"{name}社区卫生服务站")
    rows += _village_places(recipe, division, demand)
    points = np.array([row[-2:] for row in rows])
    own = ground.metres(tuple(place.at for place in recipe.place)) if recipe.place else np.empty((0, 2))
    tree = shapely.STRtree([Point(x, y) for x, y in spots])
    own = spots[tree.nearest(shapely.points(own))] if len(own) else own
    table = pd.DataFrame(rows, columns=["name", "kind", "tier", "capacity", "x", "y"])
    extra = pd.DataFrame(
        [(place.name, place.kind, place.tier, place.capacity) for place in recipe.place],
        columns=["name", "kind", "tier", "capacity"],
    )
    table = pd.concat([table.drop(columns=["x", "y"]), extra], ignore_index=True)
    return _facility_layer(table, np.vstack([points, own]), division)


def _numbered(points: Floats, kind: str, name: str) -> list[tuple[str, str, str, float, float, float]]:
    """Return rows; a second and further ones are numbered."""
    return [
        (name if len(points) == 1 else f"{name}{number}", kind, "", float("nan"), float(x), float(y))
        for number, (x, y) in enumerate(points, start=1)
    ]


def _centres(xy: Floats, weight: Floats, count: int, towns: Floats, seed: int) -> Floats:
    """Return places of health centres: in the unit's towns, else where its people are."""
    if not len(towns):
        return clusters(xy, weight, count, seed)
    near = [xy[((xy - town) ** 2).sum(axis=1).argmin()] for town in towns[:count]]
    rest = count - len(near)
    return np.vstack([*near, clusters(xy, weight, rest, seed)]) if rest else np.array(near)


def _served(xy: Floats, weight: Floats, centre: Floats, share: float) -> NDArray[np.int64]:
    """Return positions of the people nearest to a centre who make up `share` of all."""
    order = np.argsort(((xy - centre) ** 2).sum(axis=1), kind="stable")
    within = np.cumsum(weight[order]) <= share * weight.sum()
    return np.asarray(order[: max(int(within.sum()), 3)])


def _village_places(
    recipe: Recipe, division: Division, demand: gpd.GeoDataFrame
) -> list[tuple[str, str, str, float, float, float]]:
    """Return village clinics and stations: the same share of villages in each unit, the largest first."""
    rows: list[tuple[str, str, str, float, float, float]] = []
    frame = division.communities
    people = demand.groupby("community_id")["population"].sum()
    villages = people.reindex(frame.index[is_village(frame["name"])]).sort_values(ascending=False, kind="stable")
    # Rank in the unit over the unit's villages: units take turns by their size.
    rank = villages.groupby(frame["subdistrict_id"].reindex(villages.index)).rank(
        ascending=False, method="first", pct=True
    )
    villages = villages.loc[rank.sort_values(kind="stable").index]
    first = demand.drop_duplicates("community_id").set_index("community_id").geometry
    wanted = [("village_clinic", "卫生室")] * recipe.village_clinics
    wanted += [("community_health_station", "社区卫生服务站")] * recipe.village_stations
    for code, (kind, suffix) in zip(villages.index, wanted, strict=False):
        name = str(frame.loc[code, "name"]).removesuffix("村民委员会").removesuffix("村委会").removesuffix("村")
        rows.append((f"{name}村{suffix}", kind, "", float("nan"), first[code].x, first[code].y))
    return rows


def _facility_layer(table: pd.DataFrame, xy: Floats, division: Division) -> gpd.GeoDataFrame:
    unit = _unit_of(xy, division)
    frame = gpd.GeoDataFrame(
        {
            "name": table["name"],
            "kind": table["kind"],
            "status": "existing",
            "tier": table["tier"],
            "capacity": table["capacity"].astype(float),
            "subdistrict_id": unit,
            "outside": unit == "",
            "address": "",
        },
        geometry=gpd.points_from_xy(*xy.round(2).T, crs=division.communities.crs),
    ).astype(dict.fromkeys(["name", "kind", "status", "tier", "subdistrict_id", "address"], "str"))
    frame.index = pd.Index([f"f{number:04d}" for number in range(1, len(frame) + 1)], name="facility_id", dtype="str")
    return frame


def _unit_of(xy: Floats, division: Division) -> NDArray[np.object_]:
    """Return the unit of each point, '' outside."""
    point, unit = division.subdistricts.sindex.query(shapely.points(xy), predicate="intersects")
    first = pd.Series(unit, index=point).groupby(level=0).min()
    found = np.full(len(xy), "", dtype=object)
    found[first.index] = division.subdistricts.index.to_numpy(dtype=object)[first.to_numpy()]
    return found

"""People: totals of subdistricts, communities, points, rasters and calls, brought to demand points."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from careshed.area import empty_layer
from careshed.build.draft import Draft, fit
from careshed.datums import split_datum
from careshed.demand import Demand, Grains, community_demand, raster_grains, spread, with_calls
from careshed.tables import has_coordinates, locate_units, read_places, read_table, read_totals

__all__ = ["add_calls", "add_communities", "add_demand", "read_population"]

RASTERS = {".tif", ".tiff"}


def read_population(
    draft: Draft, path: Path | str | None, units: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, Grains | None]:
    """Read who lives where: a raster, points, or totals of subdistricts.

    Totals of subdistricts take the place of those that came with the outlines;
    points and rasters say where people live, and how many where no total is known.
    """
    if path is None:
        return units, None
    draft.say(f"reading population from {path}")
    file, _ = split_datum(path)
    if file.suffix.lower() in RASTERS:
        grains, notes = raster_grains(file, units)
        draft.assumptions["population file"] = "; ".join((f"{file.name}: people of each cell", *notes))
        status: Literal["real", "estimated"] = "estimated"
    elif has_coordinates(read_table(file), "population"):
        units, grains, status = _points(draft, path, units)
    else:
        places = read_totals(path, units=units, strict=draft.strict)
        draft.took(places, "population")
        draft.came_from("population", _status(places.frame), draft.hash_file(path, "population"))
        return _with_totals(units, places.frame), None
    name = draft.hash_file(path, "population")
    if units["population"].notna().any():
        draft.assumptions["population"] = f"totals of subdistricts are kept; {name} says where in them people live"
    else:
        draft.came_from("population", status, name)
        units = _with_own_totals(units, grains, status)
    return units, grains


def _points(
    draft: Draft, path: Path | str, units: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, Grains, Literal["real", "estimated"]]:
    places = read_places(path, "population", crs=draft.crs, units=units, strict=draft.strict)
    draft.took(places, "population")
    frame = places.frame
    if frame["elderly"].notna().any() and ("elderly" not in units.columns or units["elderly"].isna().all()):
        units = units.assign(elderly=frame.groupby("subdistrict_id")["elderly"].sum().reindex(units.index))
    weight = frame["population"].fillna(0).to_numpy(np.float64)
    return units, Grains(frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy(), weight), _status(frame)


def _status(frame: pd.DataFrame) -> Literal["real", "estimated"]:
    return "estimated" if (frame["population_status"] == "estimated").any() else "real"


def _with_totals(units: gpd.GeoDataFrame, totals: pd.DataFrame) -> gpd.GeoDataFrame:
    known = totals.reindex(units.index)
    given = known["population"].notna()
    units = units.assign(
        population=known["population"].where(given, units["population"]),
        population_status=known["population_status"].where(given, units["population_status"]),
    )
    if known["elderly"].notna().any():
        units = units.assign(elderly=known["elderly"])
    return units


def _with_own_totals(units: gpd.GeoDataFrame, grains: Grains, status: str) -> gpd.GeoDataFrame:
    """Give each unit the sum of the points or cells in it, whole people."""
    names = locate_units(gpd.GeoSeries(shapely.points(grains.x, grains.y), crs=units.crs), units)
    sums = pd.Series(grains.weight).groupby(names).sum().reindex(units.index).fillna(0.0)
    return units.assign(population=sums.round(), population_status=status)


def add_communities(draft: Draft, path: Path | str | None) -> gpd.GeoDataFrame:
    """Add the layer ``communities``; return it with ``elderly`` where the file has it."""
    if path is None:
        draft.missing["communities"] = "no communities are given (--communities): no community share"
        draft.layers["communities"] = empty_layer("communities", draft.crs)
        return draft.layers["communities"]
    draft.say(f"reading communities from {path}")
    places = read_places(path, "communities", crs=draft.crs, units=draft.units, strict=draft.strict)
    draft.took(places, "communities")
    draft.came_from("communities", "real", draft.hash_file(path, "communities"))
    draft.layers["communities"] = fit(places.frame, "communities")
    return places.frame


def add_demand(draft: Draft, units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, grains: Grains | None) -> None:
    """Add the layer ``demand``, and the totals of units and communities that follow from it."""
    draft.say("placing people")
    counted = communities["population"].notna().any() if len(communities) else False
    parts: list[Demand] = []
    if counted:
        parts += _of_communities(draft, communities, grains)
        units = _units_from_communities(draft, units, communities)
    rest = _without(units, communities) if counted else units
    if len(rest) and (grains is not None or rest["population"].notna().any()):
        parts.append(spread(rest, streets=draft.streets, buildings=_buildings(draft), grains=grains))
    frames = [part.frame for part in parts if len(part.frame)]
    for part in parts:
        draft.assumptions |= part.assumptions
        if part.notes:
            told = [*filter(None, [draft.assumptions.get("demand, left open")]), *part.notes]
            draft.assumptions["demand, left open"] = "; ".join(told)
    draft.layers["subdistricts"] = fit(units, "subdistricts")
    if not frames:
        draft.missing["demand"] = "no population is given (with subdistricts, communities or --population)"
        draft.missing["population"] = draft.missing["demand"]
        draft.layers["demand"] = empty_layer("demand", draft.crs)
        return
    demand = pd.concat(frames, ignore_index=True)
    width = max(len(str(len(demand))), 5)
    demand.index = pd.Index([f"d{number:0{width}d}" for number in range(1, len(demand) + 1)], name="demand_id")
    if len(communities) and not counted:
        demand = _join_communities(draft, demand, communities)
    draft.layers["demand"] = fit(demand, "demand")
    source = "; ".join(
        sorted({draft.provenance[name].source for name in ("population", "streets") if name in draft.provenance})
    )
    draft.came_from("demand", "estimated", source)


def _of_communities(draft: Draft, communities: gpd.GeoDataFrame, grains: Grains | None) -> list[Demand]:
    """Place the people of communities: at their points, or spread in their polygons."""
    area = shapely.get_dimensions(communities.geometry.to_numpy()) == 2
    parts = []
    if (~area).any():
        text = f"people of {int((~area).sum())} communities given as points stand at that point"
        parts.append(Demand(community_demand(communities[~area]), {"demand at communities": text}))
    if area.any():
        made = spread(communities[area], streets=draft.streets, buildings=_buildings(draft), grains=grains)
        parts.append(made)
    return parts


def _buildings(draft: Draft) -> gpd.GeoDataFrame | None:
    if draft.extract is None or not len(draft.extract.buildings):
        return None
    return draft.extract.buildings.to_crs(draft.crs)


def _units_from_communities(draft: Draft, units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fill totals of units that are unknown from their communities; say where known ones differ."""
    sums = communities.groupby("subdistrict_id")["population"].sum().reindex(units.index)
    estimated = communities["population_status"].eq("estimated").groupby(communities["subdistrict_id"]).any()
    fill = units["population"].isna() & sums.notna()
    both = units["population"].notna() & sums.notna()
    if both.any() and units.loc[both, "population"].sum() != sums[both].sum():
        draft.assumptions["people"] = (
            f"communities have {sums[both].sum():,.0f} people where subdistricts state "
            f"{units.loc[both, 'population'].sum():,.0f}; the communities' people are placed"
        )
    status = estimated.reindex(units.index).map({True: "estimated", False: "real"})
    if "population" not in draft.provenance:
        file = draft.provenance["communities"].source
        draft.came_from("population", "estimated" if estimated.any() else "real", file)
    return units.assign(
        population=units["population"].where(~fill, sums),
        population_status=units["population_status"].where(~fill, status),
    )


def _without(units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return units of known population in which no community has people."""
    peopled = communities.loc[communities["population"].fillna(0) > 0, "subdistrict_id"]
    return units[~units.index.isin(peopled) & (units["population"].fillna(0) > 0)]


def _join_communities(draft: Draft, demand: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give each demand point the community that it lies in, or the nearest of its subdistrict.

    Communities then have the people of their demand points, estimated.
    """
    named = locate_units(demand.geometry, communities)
    middle = communities.geometry.representative_point()
    for unit, group in communities.groupby("subdistrict_id"):
        open_points = np.flatnonzero((demand["subdistrict_id"] == unit).to_numpy() & (named == ""))
        if len(open_points):
            tree = cKDTree(np.column_stack([middle.x[group.index], middle.y[group.index]]))
            xy = np.column_stack([demand.geometry.x, demand.geometry.y])[open_points]
            named[open_points] = group.index.to_numpy()[tree.query(xy)[1]]
    demand = demand.assign(community_id=named)
    people = demand.groupby("community_id")["population"].sum().reindex(communities.index).fillna(0.0)
    layer = draft.layers["communities"].assign(population=people.astype(float), population_status="estimated")
    draft.layers["communities"] = fit(layer, "communities")
    draft.assumptions["people of communities"] = (
        "communities have no population of their own: each demand point belongs to the community that it lies in, "
        "else to the nearest of its subdistrict"
    )
    return demand


def add_calls(draft: Draft, path: Path | str | None) -> None:
    """Count calls to the nearest demand points."""
    if path is None:
        draft.missing["calls"] = "no calls are given (--calls): response is weighted by people"
        return
    if not len(draft.layers["demand"]):
        draft.missing["calls"] = "there are no demand points to count calls to"
        return
    draft.say(f"reading calls from {path}")
    places = read_places(path, "calls", crs=draft.crs, units=draft.units, strict=draft.strict)
    draft.took(places, "calls")
    draft.came_from("calls", "real", draft.hash_file(path, "calls"))
    counted, lost = with_calls(draft.layers["demand"], places.frame)
    draft.layers["demand"] = fit(counted, "demand")
    text = f"{counted['calls'].sum():,.0f} calls are counted to the nearest demand point"
    draft.assumptions["calls"] = text + (
        f"; {lost:,.0f} lie further than 1 km from any and are left out" if lost else ""
    )

"""Indicators: who is covered, how soon help comes, which quotas are met.

Coverage is computed from travel times, never from polygons, and a point is
covered when its time is ``<=`` the standard. Four shares stand side by side,
since documents mean different things by one word: communities that meet their
standard, people, area (100 m cells) and street length.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from careshed.area import StudyArea
from careshed.isolines import metres_by_unit
from careshed.network import Access, RoadNetwork, default_profile
from careshed.reach import Direction, Reach, TravelTimes, reach_times
from careshed.targets import Quota, Service

__all__ = [
    "CELL_M",
    "ELDERLY_WALK_MPS",
    "Coverage",
    "Response",
    "coverage_shares",
    "demand_weights",
    "nearest_seconds",
    "quota_check",
    "response_times",
    "weighted_quantile",
]

CELL_M = 100.0
"""Side of the cells whose centres the area share counts, metres."""

ELDERLY_WALK_MPS = default_profile().walk.elderly_mps
"""Walking speed that the elderly share is computed at, metres per second."""

_COUNTS = {
    "communities": "communities_covered",
    "people": "people_covered",
    "elderly": "elderly_covered",
    "cells": "cells_covered",
    "street_m": "street_m_covered",
}
_SHARES = {
    "community_share": "communities",
    "population_share": "people",
    "elderly_share": "elderly",
    "area_share": "cells",
    "street_share": "street_m",
}


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Coverage of one service.

    Parameters
    ----------
    cutoff_s
        The standard, seconds.
    demand
        Per demand point: ``seconds`` to the nearest facility (NaN beyond the
        times' cutoff), its ``facility_id`` and ``covered``.
    communities
        Per community: ``name``, ``subdistrict_id``, ``people``, ``share`` of
        them within the standard, ``covered`` (its standard is met),
        ``seconds`` (people's mean over those reached) and the ``facility_id`` nearest to most of them.
    subdistricts
        Per subdistrict: counts, counts covered, and the shares (0 to 1, NaN where there is nothing to count).
    total
        The same for the whole area.
    """

    cutoff_s: float
    demand: pd.DataFrame
    communities: pd.DataFrame
    subdistricts: pd.DataFrame
    total: pd.Series


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Response time, from call to arrival, of a set of stations.

    Parameters
    ----------
    target_s
        The limit that `share_within_target` counts, seconds.
    demand
        Per demand point: ``seconds`` (NaN beyond the cutoff), ``station_id`` and its ``weight``.
    subdistricts
        Per subdistrict: ``mean_s``, ``median_s``, ``p90_s``, ``share_within_target``, ``weight``, ``unreachable``.
    total
        The same for the whole area.
    """

    target_s: float
    demand: pd.DataFrame
    subdistricts: pd.DataFrame
    total: pd.Series


def coverage_shares(
    area: StudyArea,
    service: Service,
    network: RoadNetwork,
    times: TravelTimes,
    *,
    elderly_network: RoadNetwork | None = None,
) -> Coverage:
    """Compute who is within a service's standard of its existing facilities.

    Parameters
    ----------
    area
        The study area.
    service
        The service; its ``kinds`` name the facilities.
    network
        The network of its mode.
    times
        Times between the area's demand and those facilities, in the service's
        direction, up to a cutoff of at least the standard.
    elderly_network
        The walking network at older people's speed; without it there is no elderly share.

    Returns
    -------
    Coverage
        By demand point, community, subdistrict and in all.
    """
    # what is left of the standard for the way
    way_s = service.standard_s - service.delay_s
    facilities = area.facilities_of(service.kinds)
    demand = _nearest_of_demand(times, area.demand.index, service)
    demand["covered"] = demand["seconds"] <= service.standard_s
    communities = _by_community(area, demand, service)
    reach = reach_times(network, facilities.geometry, cutoff_s=way_s, direction=service.direction)
    units = area.subdistricts.index
    counts = pd.DataFrame(0.0, index=units, columns=[*_COUNTS, *_COUNTS.values()])
    counts["communities"] = communities.groupby("subdistrict_id").size()
    counts["communities_covered"] = communities.groupby("subdistrict_id")["covered"].sum()
    people = area.demand["population"]
    unit = area.demand["subdistrict_id"]
    counts["people"] = people.groupby(unit).sum()
    counts["people_covered"] = people[demand["covered"]].groupby(unit).sum()
    if elderly_network is not None and area.demand["elderly"].sum() > 0:
        points = elderly_network.snap(area.demand.geometry)
        slow = nearest_seconds(
            elderly_network, facilities.geometry, points, cutoff_s=way_s, direction=service.direction
        )
        within = slow <= way_s
        counts["elderly"] = area.demand["elderly"].groupby(unit).sum()
        counts["elderly_covered"] = area.demand["elderly"][within].groupby(unit).sum()
    counts[["cells", "cells_covered"]] = _cells(area, network, reach)
    counts[["street_m", "street_m_covered"]] = _streets(area, reach)
    counts = counts.fillna(0.0)
    counts = counts.astype(dict.fromkeys(counts.columns.drop(["street_m", "street_m_covered"]), "int64"))
    subdistricts = _with_shares(counts)
    subdistricts.insert(0, "name", area.subdistricts["name"])
    total = _with_shares(pd.DataFrame({name: [counts[name].sum()] for name in counts})).iloc[0]
    return Coverage(service.standard_s, demand, communities, subdistricts, total)


def nearest_seconds(
    network: RoadNetwork, places: gpd.GeoSeries, points: Access, *, cutoff_s: float, direction: Direction
) -> pd.Series:
    """Return the time between each point and the nearest of some places.

    Parameters
    ----------
    network
        The network of the service's mode.
    places
        Facilities, by id; where there are none every time is NaN.
    points
        Points joined to the network.
    cutoff_s
        Times beyond are NaN, seconds.
    direction
        ``to`` the places or ``from`` them.
    """
    return reach_times(network, places, cutoff_s=cutoff_s, direction=direction).at(points)


def _nearest_of_demand(times: TravelTimes, demand_ids: pd.Index, service: Service) -> pd.DataFrame:
    """Return the nearest facility of each demand point, in whichever direction the service runs."""
    nearest = times.nearest(by="origin" if service.direction == "to" else "destination")
    nearest.columns = pd.Index(["facility_id", "seconds"])
    nearest["seconds"] += service.delay_s
    return nearest.reindex(demand_ids)


def _by_community(area: StudyArea, demand: pd.DataFrame, service: Service) -> pd.DataFrame:
    """Judge each community by its own standard."""
    frame = pd.DataFrame(
        {
            "community_id": area.demand["community_id"],
            "people": area.demand["population"].astype("float64"),
            "seconds": demand["seconds"],
            "facility_id": demand["facility_id"],
            "covered": demand["covered"],
        }
    )
    frame["within"] = frame["people"].where(frame["covered"], 0.0)
    frame["reached"] = frame["people"].where(frame["seconds"].notna(), 0.0)
    frame["person_s"] = (frame["people"] * frame["seconds"]).fillna(0.0)
    sums = frame.groupby("community_id")[["people", "within", "reached", "person_s"]].sum()
    sums = sums.reindex(area.communities.index, fill_value=0.0)
    table = area.communities[["name", "subdistrict_id"]].copy()
    table["people"] = sums["people"]
    table["share"] = sums["within"] / sums["people"].where(sums["people"] > 0)
    table["covered"] = table["share"] >= service.community_share
    table["seconds"] = sums["person_s"] / sums["reached"].where(sums["reached"] > 0)
    table["facility_id"] = _server_of_most(frame).reindex(table.index).fillna("")
    return pd.DataFrame(table)


def _server_of_most(frame: pd.DataFrame) -> pd.Series:
    """Return for each community the facility that is nearest to most of its people."""
    served = frame.dropna(subset=["facility_id"])
    people = served.groupby(["community_id", "facility_id"])["people"].sum().reset_index()
    ordered = people.sort_values(["community_id", "people", "facility_id"], ascending=[True, False, True])
    return ordered.drop_duplicates("community_id").set_index("community_id")["facility_id"]


def _cells(area: StudyArea, network: RoadNetwork, reach: Reach) -> pd.DataFrame:
    """Count 100 m cells by subdistrict, and those whose centre is within the standard."""
    west, south, east, north = area.subdistricts.total_bounds
    x = np.arange(np.floor(west / CELL_M), np.ceil(east / CELL_M)) * CELL_M + CELL_M / 2
    y = np.arange(np.floor(south / CELL_M), np.ceil(north / CELL_M)) * CELL_M + CELL_M / 2
    centres = gpd.GeoSeries(shapely.points(*(axis.ravel() for axis in np.meshgrid(x, y))), crs=area.crs)
    inside, unit = centres.sindex.query(area.subdistricts.geometry, predicate="intersects")[::-1]
    cells = pd.DataFrame({"cell": inside, "unit": unit}).drop_duplicates("cell")
    points = centres.iloc[cells["cell"]]
    points.index = points.index.astype("str")
    seconds = reach.at(network.snap(points))
    ids = area.subdistricts.index[cells["unit"]]
    within = pd.Series(seconds.notna().to_numpy(), index=ids)
    return within.groupby(level=0).agg(["size", "sum"]).set_axis(["cells", "cells_covered"], axis=1)


def _streets(area: StudyArea, reach: Reach) -> pd.DataFrame:
    """Measure street metres by subdistrict, and those within the standard."""
    parts = reach.parts()
    return pd.DataFrame(
        {
            "street_m": metres_by_unit(parts.geometry.to_numpy(), area.subdistricts),
            "street_m_covered": metres_by_unit(parts.geometry[parts["reached"]].to_numpy(), area.subdistricts),
        }
    )


def _with_shares(counts: pd.DataFrame) -> pd.DataFrame:
    table = counts.copy()
    for share, whole in _SHARES.items():
        table[share] = counts[_COUNTS[whole]] / counts[whole].where(counts[whole] > 0)
    return table


def response_times(
    area: StudyArea, times: TravelTimes, *, delay_s: pd.Series | float, target_s: float, weights: pd.Series
) -> Response:
    """Compute the response time at every demand point, and its statistics.

    Parameters
    ----------
    area
        The study area.
    times
        Driving times from stations (origins) to demand (destinations).
    delay_s
        Seconds of call handling and turnout, one figure or one for each station.
    target_s
        The limit that the share counts, seconds.
    weights
        Calls or people of each demand point.

    Returns
    -------
    Response
        By demand point, subdistrict and in all.

    Notes
    -----
    Demand that no station reaches stays in the denominator of the share and in
    the percentiles (as later than any other), is left out of the mean, and is
    counted as ``unreachable``.
    """
    nearest = times.nearest(by="destination", delay_s=delay_s)
    nearest.columns = pd.Index(["station_id", "seconds"])
    demand = nearest.reindex(area.demand.index)
    demand["weight"] = weights
    unit = area.demand["subdistrict_id"]
    rows = {unit_id: _response_statistics(demand[unit == unit_id], target_s) for unit_id in area.subdistricts.index}
    subdistricts = pd.DataFrame.from_dict(rows, orient="index").rename_axis("subdistrict_id")
    subdistricts.insert(0, "name", area.subdistricts["name"])
    return Response(target_s, demand, subdistricts, _response_statistics(demand, target_s))


def demand_weights(area: StudyArea) -> tuple[pd.Series, str]:
    """Return what response times are weighted by, and its name: calls where given, else people."""
    calls = area.demand["calls"]
    if calls.notna().any() and calls.sum() > 0:
        return calls.fillna(0.0), "calls"
    return area.demand["population"].astype("float64"), "people"


def _response_statistics(demand: pd.DataFrame, target_s: float) -> pd.Series:
    weight = demand["weight"].to_numpy("float64")
    seconds = demand["seconds"].to_numpy("float64")
    reached = np.isfinite(seconds)
    whole = weight.sum()
    served = weight[reached].sum()
    return pd.Series(
        {
            "mean_s": float(np.average(seconds[reached], weights=weight[reached])) if served > 0 else np.nan,
            "median_s": weighted_quantile(seconds, weight, 0.5),
            "p90_s": weighted_quantile(seconds, weight, 0.9),
            "share_within_target": float(weight[reached & (seconds <= target_s)].sum() / whole)
            if whole > 0
            else np.nan,
            "weight": float(whole),
            "unreachable": float(whole - served),
        }
    )


def weighted_quantile(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], share: float) -> float:
    """Return the smallest value at which the cumulative weight is at least `share` of the whole.

    Parameters
    ----------
    values
        One value for each weight; NaN counts as larger than any number.
    weights
        Not negative.
    share
        Between 0 and 1.

    Returns
    -------
    float
        NaN where there is no weight, or where the quantile falls among the NaN.

    Examples
    --------
    >>> weighted_quantile(np.array([60.0, 120.0, 180.0]), np.array([8.0, 1.0, 1.0]), 0.9)
    120.0
    """
    whole = weights.sum()
    if whole <= 0:
        return float("nan")
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    # a hair below: 0.9 × 10 calls are 9 calls, whatever binary fractions say
    first = int(np.searchsorted(running, share * whole * (1 - 1e-12), side="left"))
    return float(values[order[min(first, len(order) - 1)]])


def quota_check(area: StudyArea, quota: Quota) -> pd.DataFrame:
    """Compare each subdistrict's facilities with what a quota rule asks.

    Parameters
    ----------
    area
        The study area; facilities outside its boundary do not count.
    quota
        The rule.

    Returns
    -------
    pandas.DataFrame
        Per subdistrict: ``name``, ``have``, ``least``, ``most`` (NaN for no upper figure) and ``met``.
    """
    counted = area.facilities_of(quota.kinds)
    have = counted[~counted["outside"]].groupby("subdistrict_id").size()
    communities = area.communities.groupby("subdistrict_id").size()
    people = area.demand.groupby("subdistrict_id")["population"].sum()
    units = area.subdistricts.index
    bounds = [quota.bounds(people.get(unit, 0), int(communities.get(unit, 0))) for unit in units]
    table = pd.DataFrame(
        {
            "name": area.subdistricts["name"],
            "have": have.reindex(units, fill_value=0),
            "least": [least for least, _ in bounds],
            "most": [np.nan if most is None else most for _, most in bounds],
        }
    )
    table["met"] = table["have"] >= table["least"]
    return table

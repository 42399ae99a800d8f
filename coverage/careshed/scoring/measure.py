"""What one more facility at a candidate site would bring, measured against today's."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.area import StudyArea
from careshed.errors import MissingLayerError
from careshed.indicators import nearest_seconds
from careshed.network import Access, Profile, RoadNetwork
from careshed.reach import travel_times
from careshed.services import COVERAGE_CUTOFF, service_network, the_service
from careshed.targets import Service

__all__ = ["Baseline", "baseline", "score_candidates"]


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What candidates are measured against: today's service.

    Parameters
    ----------
    service
        The service.
    network
        The network of its mode.
    demand
        The area's demand points, joined to the network.
    people
        People of each demand point, float64 (demand,).
    community
        Position of each point's community, int64 (demand,); −1 for none.
    seconds
        Time to the nearest existing facility, capped at `cutoff_s`, float64 (demand,).
    cutoff_s
        Times are compared up to this.
    need
        People still to be covered before each community meets its standard, float64
        (communities,); infinite for one that meets it already.
    """

    service: Service
    network: RoadNetwork
    demand: Access
    people: npt.NDArray[np.float64]
    community: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    cutoff_s: float
    need: npt.NDArray[np.float64]


def baseline(
    area: StudyArea, service_name: str = "chc", *, profile: Profile | None = None, hour: int | None = None
) -> Baseline:
    """Measure today's service of an area.

    Parameters
    ----------
    area
        The study area.
    service_name
        Id of a service in its targets.
    profile
        The time model; default the packaged one.
    hour
        Hour of the day; None is free flow.

    Raises
    ------
    MissingLayerError
        If the area has no such service or no people.
    """
    service = the_service(area, service_name)
    if area.demand.empty:
        raise MissingLayerError(f"{area.name} has no people placed on its streets, so no candidate can be scored")
    network = service_network(area, service, profile=profile, hour=hour)
    cutoff_s = COVERAGE_CUTOFF * service.standard_s
    demand = network.snap(area.demand.geometry)
    facilities = area.facilities_of(service.kinds)
    now = nearest_seconds(network, facilities.geometry, demand, cutoff_s=cutoff_s, direction=service.direction)
    people = area.demand["population"].to_numpy("float64")
    community = area.communities.index.get_indexer(area.demand["community_id"])
    seconds = now.fillna(cutoff_s).to_numpy("float64") + service.delay_s
    need = _need(people, community, seconds <= service.standard_s, len(area.communities), service.community_share)
    return Baseline(service, network, demand, people, community, seconds, cutoff_s, need)


def _need(
    people: npt.NDArray[np.float64],
    community: npt.NDArray[np.int64],
    covered: npt.NDArray[np.bool_],
    communities: int,
    share: float,
) -> npt.NDArray[np.float64]:
    known = community >= 0
    whole = np.bincount(community[known], people[known], minlength=communities)
    within = np.bincount(community[known], people[known] * covered[known], minlength=communities)
    met = (within >= share * whole) & (whole > 0)
    return np.where(met | (whole == 0), np.inf, share * whole - within)


def score_candidates(today: Baseline, candidates: gpd.GeoSeries) -> pd.DataFrame:
    """Score each candidate site as the one more facility.

    Parameters
    ----------
    today
        What `baseline` measured.
    candidates
        Points in the area's CRS, by id.

    Returns
    -------
    pandas.DataFrame
        On the candidates' ids: ``people_gained`` and ``communities_gained``
        (newly within the standard), ``time_saved_s`` (mean over all people of the area,
        seconds), ``people_within`` (its own standard area), ``overlap`` (share of
        these who are within an existing facility's already, NaN where there is
        nobody) and ``snap_m`` (metres to the street, NaN where it is too far to be joined;
        its other figures are 0 then).
    """
    service = today.service
    sites = today.network.snap(candidates)
    ends = (today.demand, sites) if service.direction == "to" else (sites, today.demand)
    times = travel_times(today.network, *ends, cutoff_s=today.cutoff_s)
    origin, destination, ms = times.pairs()
    point, site = (origin, destination) if service.direction == "to" else (destination, origin)
    seconds = ms / 1000 + service.delay_s
    within = seconds <= service.standard_s
    fresh = within & (today.seconds[point] > service.standard_s)
    count = len(candidates)

    def people_of(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(site, weights, minlength=count).astype(np.float64)

    people = today.people[point]
    gained = people_of(people * fresh)
    own = people_of(people * within)
    saved = people_of(people * np.maximum(today.seconds[point] - seconds, 0.0))
    return pd.DataFrame(
        {
            "people_gained": gained.round().astype("int64"),
            "communities_gained": _communities_gained(today, point[fresh], site[fresh], count),
            "time_saved_s": saved / today.people.sum(),
            "people_within": own.round().astype("int64"),
            "overlap": np.divide(own - gained, own, out=np.full(count, np.nan), where=own > 0),
            "snap_m": np.where(sites.edge >= 0, sites.leg_m, np.nan),
        },
        index=candidates.index,
    )


def _communities_gained(
    today: Baseline, point: npt.NDArray[np.int32], site: npt.NDArray[np.int32], count: int
) -> npt.NDArray[np.int64]:
    """Count communities that meet their standard with the people newly covered."""
    communities = len(today.need)
    community = today.community[point]
    known = community >= 0
    key = site[known].astype(np.int64) * communities + community[known]
    pair, inverse = np.unique(key, return_inverse=True)
    people = np.bincount(inverse, today.people[point[known]], minlength=len(pair))
    # a hair of slack: half of 101 people is 50.5, and sums are exact to 1e-9 of that
    enough = people >= today.need[pair % communities] - 1e-9 if communities else np.zeros(0, bool)
    return np.bincount(pair[enough] // max(communities, 1), minlength=count)

"""Services of an area: how each is reached, and the times between its places and people."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from careshed.area import StudyArea
from careshed.errors import InputError, MissingLayerError
from careshed.network import Profile, RoadNetwork, default_profile
from careshed.reach import TravelTimes, travel_times
from careshed.targets import Service

__all__ = [
    "COVERAGE_CUTOFF",
    "RESPONSE_CUTOFF_S",
    "facility_times",
    "service_network",
    "siting_sites",
    "station_times",
    "the_service",
]

RESPONSE_CUTOFF_S = 3600.0
"""Response times run to an hour; demand beyond it is counted as unreachable."""

COVERAGE_CUTOFF = 2.0
"""Times to facilities run to so many times the standard, to say how far the uncovered are."""


def the_service(area: StudyArea, name: str) -> Service:
    """Return a service of the area's targets.

    Raises
    ------
    MissingLayerError
        If the targets have no such service; the message names those there are.
    """
    services = area.targets.service
    if name not in services:
        known = ", ".join(services) or "none: build the area with --targets FILE"
        raise MissingLayerError(f"service {name!r} is not in the targets of {area.name}; there are: {known}")
    return services[name]


def service_network(
    area: StudyArea,
    service: Service,
    *,
    walk_speed_mps: float | None = None,
    profile: Profile | None = None,
    hour: int | None = None,
) -> RoadNetwork:
    """Build the network that a service is reached by, with what the area knows of its junctions.

    Parameters
    ----------
    area
        The study area.
    service
        Its mode is used, and its walking speed where its table gives one.
    walk_speed_mps
        Another walking speed, metres per second.
    profile
        The time model; default the packaged one.
    hour
        Hour of the day; None is free flow.
    """
    profile = profile or default_profile()
    own_mps = service.walk_speed_mps if "walk_speed_mps" in service.model_fields_set else profile.walk.speed_mps
    return RoadNetwork.from_streets(
        area.streets,
        service.mode,
        crs=area.crs,
        walk_speed_mps=walk_speed_mps or own_mps,
        profile=profile,
        hour=hour,
        junctions=area.junctions,
        turns=area.turns,
    )


def facility_times(area: StudyArea, service: Service, network: RoadNetwork) -> TravelTimes:
    """Return times between demand and a service's existing facilities, in the service's direction.

    Parameters
    ----------
    area, service, network
        As `service_network` takes and returns them.
    """
    facilities = area.facilities_of(service.kinds).geometry
    ends = (area.demand.geometry, facilities) if service.direction == "to" else (facilities, area.demand.geometry)
    return travel_times(network, *ends, cutoff_s=COVERAGE_CUTOFF * service.standard_s)


def siting_sites(area: StudyArea, service: Service) -> gpd.GeoDataFrame:
    """Return all sites where the service's stations stand or may stand.

    Returns
    -------
    geopandas.GeoDataFrame
        Index ``site_id`` over the service's facilities and the candidate
        sites; ``name``, ``status``, ``tier``, ``group`` (subdistrict, ``''`` outside) and the point.
    """
    columns = ["name", "status", "tier", "subdistrict_id", "geometry"]
    facilities = area.facilities[area.facilities["kind"].isin(service.kinds)][columns]
    both = pd.concat([facilities.rename_axis("site_id"), area.candidates[columns].rename_axis("site_id")])
    if both.index.has_duplicates:
        twice = both.index[both.index.duplicated()][0]
        raise InputError(f"id {twice} is both a facility and a candidate site; rename one of them")
    return gpd.GeoDataFrame(both.rename(columns={"subdistrict_id": "group"}), crs=area.crs)


def station_times(area: StudyArea, service: Service, network: RoadNetwork, sites: gpd.GeoDataFrame) -> TravelTimes:
    """Return driving times from sites to demand, as far as a response within the hour allows.

    Parameters
    ----------
    area, service, network
        As `service_network` takes and returns them.
    sites
        Points by id.
    """
    return travel_times(network, sites.geometry, area.demand.geometry, cutoff_s=RESPONSE_CUTOFF_S - service.delay_s)

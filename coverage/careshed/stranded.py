"""Who and what the network leaves out: islands, points far from any street, people whom no place reaches."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from careshed.area import StudyArea
from careshed.network import MAX_SNAP_M, RoadNetwork
from careshed.reach import reach_times
from careshed.services import RESPONSE_CUTOFF_S, siting_sites
from careshed.targets import Service

__all__ = ["FAR_SHARE", "far_points", "reach_cutoff_s", "unreached"]

FAR_SHARE = 0.5
"""A point joined from further than this share of the longest leg is doubtful."""


def far_points(area: StudyArea, network: RoadNetwork) -> gpd.GeoDataFrame:
    """Return the points of an area that are far from the network, or too far.

    Parameters
    ----------
    area
        The study area; its demand and facilities are looked at, for driving its candidates too.
    network
        A network of its streets.

    Returns
    -------
    geopandas.GeoDataFrame
        ``layer``, ``id``, ``leg_m``, ``joined`` (False: beyond the longest leg, left out), ``population`` (0 for what
        isn't demand) and the point, in the order of the layers.
    """
    layers = {"demand": area.demand, "facilities": area.facilities}
    if network.mode == "drive":
        layers["candidates"] = area.candidates
    found = []
    for name, frame in layers.items():
        access = network.snap(frame.geometry)
        chosen = ~(access.leg_m <= FAR_SHARE * MAX_SNAP_M[network.mode])
        people = frame["population"].to_numpy() if "population" in frame else np.zeros(len(frame), np.int64)
        columns = {
            "layer": name,
            "id": frame.index[chosen].astype("str"),
            "leg_m": access.leg_m[chosen],
            "joined": access.joined[chosen],
            "population": people[chosen],
        }
        found.append(gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy()[chosen], crs=area.crs))
    return gpd.GeoDataFrame(pd.concat(found, ignore_index=True), crs=area.crs)


def reach_cutoff_s(service: Service) -> float:
    """Return how far a service is looked for: an hour, less what passes before one leaves."""
    return RESPONSE_CUTOFF_S - service.delay_s


def unreached(area: StudyArea, service: Service, network: RoadNetwork) -> gpd.GeoDataFrame:
    """Return the demand on the network that no place of a service reaches within the cutoff.

    Parameters
    ----------
    area
        The study area.
    service
        Its places are its existing facilities; where stations are to be sited, candidate sites too.
    network
        The network that it is reached by.

    Returns
    -------
    geopandas.GeoDataFrame
        Rows of the demand layer. None where the service has no place yet: there is nothing to reach.
    """
    places = area.facilities_of(service.kinds).geometry
    if service.siting is not None:
        sites = siting_sites(area, service)
        places = sites.geometry[sites["status"] != "excluded"]
    access, people = network.snap(places), network.snap(area.demand.geometry)
    if not access.joined.any():
        return area.demand.iloc[:0]
    reach = reach_times(network, access, cutoff_s=reach_cutoff_s(service), direction=service.direction)
    return area.demand[people.joined & reach.at(people).isna().to_numpy()]

"""What was found for one area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from careshed import siting
from careshed.area import StudyArea
from careshed.brief import Brief
from careshed.indicators import (
    Coverage,
    Response,
)
from careshed.network import Profile, default_profile
from careshed.reach import TravelTimes
from careshed.siting.models import Model
from careshed.words import Label

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What was found for one area.

    Parameters
    ----------
    area
        The study area.
    coverage_service, siting_service
        Ids of the services whose coverage and whose stations are planned.
    coverage
        Coverage of the existing facilities, None where left out.
    isochrones
        Reach of the existing facilities, one row a band (``minutes``), in the area's CRS; None where left out.
    before, after
        Response of the existing stations, and of the plan's.
    solution
        The plan's stations with their proof; its status may be ``infeasible``.
    stations
        The plan's stations as points, with what each adds and whom it serves; empty where there is no plan.
    quotas
        Quota id → table of its check by subdistrict.
    times
        Name → the travel times that the figures were computed from.
    assumptions
        Figures that were assumed, in words; what comes from files is in the files' language.
    left_out
        Part → why it could not be computed.
    weight
        What response times are weighted by: ``calls`` or ``people``.
    runtime_s
        Seconds that all of it took.
    brief
        What was asked of the solution: rules, sites and problem; None where there is none.
    model
        What was sought; None: most people covered, then least response.
    profile, hour
        The time model, and the hour whose speeds count; None is free flow.
    """

    area: StudyArea
    coverage_service: str
    siting_service: str
    coverage: Coverage | None
    isochrones: gpd.GeoDataFrame | None
    before: Response | None
    after: Response | None
    solution: siting.Solution | None
    stations: gpd.GeoDataFrame
    quotas: Mapping[str, pd.DataFrame]
    times: Mapping[str, TravelTimes]
    assumptions: Mapping[str, Label]
    left_out: Mapping[str, Label]
    weight: str
    runtime_s: float = field(default=0.0)
    brief: Brief | None = None
    model: Model | None = None
    profile: Profile = field(default_factory=default_profile)
    hour: int | None = None

"""A plan in the making: each part is computed where the area has what it needs."""

from __future__ import annotations

import math
from collections.abc import Callable

import geopandas as gpd
import pandas as pd

from careshed import siting
from careshed.area import StudyArea
from careshed.brief import Ask, Brief, brief_of
from careshed.indicators import (
    Coverage,
    Response,
    coverage_shares,
    demand_weights,
    quota_check,
    response_times,
)
from careshed.isolines import isochrones
from careshed.network import Profile, RoadNetwork
from careshed.plan._plan import Plan
from careshed.plan._stations import no_stations, station_table
from careshed.reach import TravelTimes
from careshed.services import facility_times, service_network, siting_sites, station_times, the_service
from careshed.siting.models import Model
from careshed.targets import Service
from careshed.words import Label, joined, label, term

__all__ = ["Bench", "solving_figures"]

Progress = Callable[[str], None]


class Bench:
    """Holds a plan in the making; each method computes one part or says why it can't."""

    def __init__(self, area: StudyArea, say: Progress, profile: Profile, hour: int | None) -> None:
        self.area = area
        self.say = say
        self.profile = profile
        self.hour = hour
        self.coverage: Coverage | None = None
        self.isochrones: gpd.GeoDataFrame | None = None
        self.before: Response | None = None
        self.after: Response | None = None
        self.solution: siting.Solution | None = None
        self.brief: Brief | None = None
        self.model: Model | None = None
        self.stations = no_stations(area)
        self.quotas: dict[str, pd.DataFrame] = {}
        self.times: dict[str, TravelTimes] = {}
        self.left_out: dict[str, Label] = {}
        self.assumptions = {name: Label("", text) for name, text in area.assumptions.items()}
        for number, text in enumerate(area.targets.assumptions, start=1):
            self.assumptions[f"targets {number}"] = (
                Label("", text) if isinstance(text, str) else Label(text.zh, text.en)
            )
        self.weights, self.weight = demand_weights(area)

    def cover(self, name: str) -> None:
        """Compute coverage and isochrones of a service."""
        service = the_service(self.area, name)
        if not self._has("coverage", demand=True, kinds=service.kinds):
            return
        self.say(f"{service.label_en}: network")
        network = self._network(service)
        self.assumptions[f"{service.mode} speeds"] = self._speeds(service, network)
        facilities = self.area.facilities_of(service.kinds)
        if not network.snap(facilities.geometry).joined.any():
            self.left_out["coverage"] = label("reasons.facilities_far")
            return
        self.say(f"{service.label_en}: travel times")
        times = facility_times(self.area, service, network)
        elderly = None
        if service.mode == "walk" and self.area.demand["elderly"].sum() > 0:
            slow_mps = self.profile.walk.elderly_mps
            elderly = self._network(service, walk_speed_mps=slow_mps)
            self.assumptions["older people"] = label("reasons.elderly_walk", speed=f"{slow_mps:g}")
        self.say(f"{service.label_en}: coverage")
        self.coverage = coverage_shares(self.area, service, network, times, elderly_network=elderly)
        if self.area.communities.empty:
            self.left_out["community share"] = self._missing("communities", label("reasons.no_communities"))
        self.times[name] = times
        self.say(f"{service.label_en}: isochrones")
        bands = tuple(service.minutes * part / 3 for part in (1, 2, 3))
        self.isochrones = isochrones(network, facilities.geometry, minutes=bands, direction=service.direction)

    def _network(self, service: Service, *, walk_speed_mps: float | None = None) -> RoadNetwork:
        return service_network(self.area, service, walk_speed_mps=walk_speed_mps, profile=self.profile, hour=self.hour)

    def _speeds(self, service: Service, network: RoadNetwork) -> Label:
        """Return the speeds in words; the network has them in English."""
        if service.mode == "walk":
            return Label(label("reasons.walk_speed", speed=f"{service.walk_speed_mps:g}").zh, network.profile)
        drive, period = self.profile.drive, self.profile.period_at(self.hour)
        words = label(
            "reasons.drive_speeds",
            profile=self.profile.name, factor=f"{drive.maxspeed_factor:g}", leg=f"{drive.leg_kmh:g}",
            period=label("reasons.free_flow") if self.hour is None else f"{period}, {self.hour}:00",
        )  # fmt: skip
        return Label(words.zh, network.profile)

    def respond(self, name: str) -> None:
        """Compute travel times of all sites, and the response of the existing stations."""
        service = the_service(self.area, name)
        if not self._has("response", demand=True):
            return
        self.say(f"{service.label_en}: network")
        network = self._network(service)
        self.assumptions[f"{service.mode} speeds"] = self._speeds(service, network)
        self.assumptions["response time"] = label(
            "reasons.response_parts",
            handling=f"{service.call_handling_s:g}", turnout=f"{service.turnout_s:g}",
            weight=term("weights", self.weight),
        )  # fmt: skip
        self.say(f"{service.label_en}: travel times")
        sites = siting_sites(self.area, service)
        if sites.empty:
            self.left_out["response"] = self.left_out["siting"] = label("reasons.no_sites")
            return
        self.times[name] = station_times(self.area, service, network, sites)
        existing = self.area.facilities_of(service.kinds).index
        if existing.empty:
            self.left_out["response before"] = self._absence(service.kinds)
        else:
            self.before = self._response(service, existing)

    def site(self, name: str, ask: Ask, model: Model | None, time_limit_s: float | None) -> None:
        """Find the stations, and compute their response."""
        service = the_service(self.area, name)
        if name not in self.times:
            return
        if service.siting is None:
            self.left_out["siting"] = label("reasons.no_siting_table", service=name)
            return
        self.model = model
        self.brief = brief_of(self.area, name, ask, self.times[name], self._network(service))
        sites = self.brief.sites
        self.say(f"{service.label_en}: siting {self.brief.rules.stations} stations among {len(sites)} sites")
        self.solution = siting.site(self.brief.problem, model, time_limit_s=time_limit_s, progress=self._watch)
        if not self.solution.found:
            why = joined([conflict.text for conflict in self.solution.reason], by="clauses")
            self.left_out["plan"] = why if self.solution.reason else label("reasons.stopped")
            return
        self.after = self._response(service, self.solution.stations.index)
        self.stations = station_table(self.area, service, sites, self.solution, self.after, self.times[name])

    def check_quotas(self) -> None:
        """Check every quota rule of the targets."""
        if self.area.facilities.empty:
            if self.area.targets.quota:
                self.left_out["quotas"] = self._absence(())
            return
        self.quotas = {name: quota_check(self.area, quota) for name, quota in self.area.targets.quota.items()}

    def plan(self, coverage_service: str, siting_service: str, runtime_s: float) -> Plan:
        """Return what was computed."""
        return Plan(
            area=self.area,
            coverage_service=coverage_service,
            siting_service=siting_service,
            coverage=self.coverage,
            isochrones=self.isochrones,
            before=self.before,
            after=self.after,
            solution=self.solution,
            stations=self.stations,
            quotas=self.quotas,
            times=self.times,
            assumptions=self.assumptions,
            left_out=self.left_out,
            weight=self.weight,
            runtime_s=runtime_s,
            brief=self.brief,
            model=self.model,
            profile=self.profile,
            hour=self.hour,
        )

    def _has(self, part: str, *, demand: bool = False, kinds: tuple[str, ...] = ()) -> bool:
        if demand and self.area.demand.empty:
            self.left_out[part] = self._missing("demand", label("reasons.no_demand"))
            return False
        if kinds and self.area.facilities_of(kinds).empty:
            self.left_out[part] = self._absence(kinds)
            return False
        return True

    def _missing(self, layer: str, otherwise: Label) -> Label:
        """Return why a layer is empty, as the area says where it does."""
        return Label("", self.area.missing[layer]) if layer in self.area.missing else otherwise

    def _absence(self, kinds: tuple[str, ...]) -> Label:
        """Return why there is no facility of some kinds."""
        named = [term("kinds", kind) or kind.replace("_", " ") for kind in kinds]
        words = joined(named, by="or") if kinds else label("reasons.facilities")
        return self._missing("facilities", label("reasons.no_existing", kinds=words))

    def _response(self, service: Service, station_ids: pd.Index) -> Response:
        name = next(name for name, known in self.area.targets.service.items() if known is service)
        times = self.times[name].select(origins=station_ids)
        return response_times(
            self.area, times, delay_s=service.delay_s, target_s=service.standard_s, weights=self.weights
        )

    def _watch(self, incumbent: float | None, bound: float | None, text: str) -> None:
        self.say(", ".join([text, *solving_figures(incumbent, bound)]))


def solving_figures(incumbent: float | None, bound: float | None) -> list[str]:
    """Say how far a solver is: the best plan's figure, the bound, and the gap between them."""
    best, limit = (None if value is None or not math.isfinite(value) else value for value in (incumbent, bound))
    told = [f"{word} {value:,.0f}" for word, value in (("best", best), ("bound", limit)) if value is not None]
    if best is not None and limit is not None:
        told.append(f"gap {abs(limit - best) / max(abs(best), 1.0):.2%}")
    return told

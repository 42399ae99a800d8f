"""The chain in one go: an area in, coverage, response and a proven plan out.

Each part is computed where the area has what it needs; where not, the plan
says why it was left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd

from careshed import siting
from careshed.area import StudyArea
from careshed.brief import Ask, Brief, brief_of
from careshed.errors import MissingLayerError
from careshed.indicators import (
    Coverage,
    Response,
    coverage_shares,
    demand_weights,
    quota_check,
    response_times,
)
from careshed.isolines import isochrones
from careshed.network import Profile, RoadNetwork, default_profile
from careshed.reach import TravelTimes
from careshed.services import facility_times, service_network, siting_sites, station_times, the_service
from careshed.siting.models import Model
from careshed.targets import Service
from careshed.words import Label, joined, label, term

__all__ = ["PARTS", "Plan", "make_plan", "solving_figures"]

PARTS = ("coverage", "response", "siting")
"""The parts of a plan, in the order they are computed."""

Progress = Callable[[str], None]


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


def make_plan(  # noqa: PLR0913 - options, each with its name
    area: StudyArea,
    *,
    parts: tuple[str, ...] = PARTS,
    coverage_service: str = "chc",
    siting_service: str = "ems",
    stations: int | None = None,
    model: Model | None = None,
    ask: Ask | None = None,
    time_limit_s: float | None = None,
    profile: Profile | None = None,
    hour: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Compute coverage, response and siting of an area.

    Parameters
    ----------
    area
        The study area, with its targets.
    parts
        Which of `PARTS` to compute.
    coverage_service, siting_service
        Ids of services in the area's targets.
    stations
        Stations in all, instead of the targets' figure.
    model
        What is sought, see :mod:`careshed.siting.models`; None: most people covered, then least response.
    ask
        Rules to switch off, sites that must or must not be open; `stations` goes before its figure.
    time_limit_s
        Stop the solver after so many seconds with the best plan and its true
        gap. None (the default) proves the optimum, so that every run gives the same plan.
    profile
        The time model, see :func:`careshed.network.read_profile`; default the packaged one.
    hour
        Hour of the day whose speeds count (8 is 8:00 to 8:59); None is free flow.
    progress
        Called with a sentence at each step.

    Returns
    -------
    Plan
        Parts that lack their data are None, with the reason in `Plan.left_out`.

    Raises
    ------
    MissingLayerError
        If a service is not in the targets, or nothing at all can be computed.

    Examples
    --------
    >>> plan = make_plan(StudyArea.read("data/xicheng"))  # doctest: +SKIP
    >>> plan.solution.status  # doctest: +SKIP
    'optimal'
    """
    started = time.perf_counter()
    say = progress or (lambda _: None)
    bench = _Bench(area, say, profile or default_profile(), hour)
    if "coverage" in parts:
        bench.cover(coverage_service)
    if "response" in parts or "siting" in parts:
        bench.respond(siting_service)
    if "siting" in parts:
        ask = ask or Ask()
        bench.site(siting_service, ask if stations is None else replace(ask, stations=stations), model, time_limit_s)
        bench.check_quotas()
    if bench.coverage is None and bench.before is None and bench.solution is None:
        reasons = (f"{part}: {reason.read('en')}" for part, reason in bench.left_out.items())
        raise MissingLayerError("; ".join(reasons))
    return bench.plan(coverage_service, siting_service, time.perf_counter() - started)


class _Bench:
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
        self.stations = _no_stations(area)
        self.quotas: dict[str, pd.DataFrame] = {}
        self.times: dict[str, TravelTimes] = {}
        self.left_out: dict[str, Label] = {}
        self.assumptions = {name: Label("", text) for name, text in area.assumptions.items()}
        for number, text in enumerate(area.targets.assumptions, start=1):
            self.assumptions[f"targets {number}"] = Label("", text)
        self.weights, self.weight = demand_weights(area)

    def cover(self, name: str) -> None:
        """Compute coverage and isochrones of a service."""
        service = the_service(self.area, name)
        if not self._has("coverage", demand=True, kinds=service.kinds):
            return
        self.say(f"{service.label_en}: network")
        network = self._network(service)
        self.assumptions[f"{service.mode} speeds"] = Label("", network.profile)
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

    def respond(self, name: str) -> None:
        """Compute travel times of all sites, and the response of the existing stations."""
        service = the_service(self.area, name)
        if not self._has("response", demand=True):
            return
        self.say(f"{service.label_en}: network")
        network = self._network(service)
        self.assumptions[f"{service.mode} speeds"] = Label("", network.profile)
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
        self.stations = _station_table(self.area, service, sites, self.solution, self.after, self.times[name])

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


def _no_stations(area: StudyArea) -> gpd.GeoDataFrame:
    columns = [
        "name", "status", "tier", "subdistrict_id", "subdistrict", "phase", "by", "leader_id",
        "people", "mean_s", "people_gained",
    ]  # fmt: skip
    frame = gpd.GeoDataFrame({c: [] for c in columns}, geometry=gpd.GeoSeries([], crs=area.crs), crs=area.crs)
    return frame.rename_axis("site_id")


def _station_table(
    area: StudyArea,
    service: Service,
    sites: gpd.GeoDataFrame,
    solution: siting.Solution,
    after: Response,
    times: TravelTimes,
) -> gpd.GeoDataFrame:
    """Describe each station of the plan: where, when, whom it serves, what it adds.

    ``people_gained`` is how many people would no longer be within the standard
    if this one station were left out of the finished plan.
    """
    plan = solution.stations
    people = area.demand["population"].astype("float64")
    served = after.demand.assign(people=people, person_s=people * after.demand["seconds"]).dropna(subset=["station_id"])
    sums = served.groupby("station_id")[["people", "person_s"]].sum().reindex(plan.index, fill_value=0.0)
    table = pd.DataFrame(
        {
            "name": plan["name"],
            "status": plan["status"].replace({"candidate": "new", "closable": "existing"}),
            "tier": plan["tier"],
            "subdistrict_id": plan["group"],
            "subdistrict": plan["group"].map(area.subdistricts["name"]).fillna("outside"),
            "phase": plan["phase"],
            "by": plan["by"],
            "leader_id": plan["leader_id"],
            "people": sums["people"].round().astype("int64"),
            "mean_s": (sums["person_s"] / sums["people"].where(sums["people"] > 0)).round(1),
            "people_gained": _people_gained(plan.index, people, service, times),
        }
    )
    if "vehicles" in plan:
        table.insert(list(table).index("people"), "vehicles", plan["vehicles"])
    if solution.shares is not None:
        # with capacities not everybody is served by the nearest
        table["people"], table["mean_s"] = _by_shares(solution.shares, plan.index, service, times)
    table["geometry"] = sites.geometry.reindex(plan.index)
    return gpd.GeoDataFrame(table, crs=area.crs).rename_axis("site_id")


def _by_shares(
    shares: pd.DataFrame, station_ids: pd.Index, service: Service, times: TravelTimes
) -> tuple[pd.Series, pd.Series]:
    """Return the people whom each station serves and their mean response, seconds."""
    pairs = times.select(origins=station_ids).to_frame()
    pairs = pairs.rename(columns={"origin_id": "site_id", "destination_id": "demand_id"})
    own = shares.merge(pairs, on=["site_id", "demand_id"], how="left")
    own["person_s"] = own["people"] * (own["seconds"] + service.delay_s)
    sums = own.groupby("site_id")[["people", "person_s"]].sum().reindex(station_ids, fill_value=0.0)
    mean = (sums["person_s"] / sums["people"].where(sums["people"] > 0)).round(1)
    return sums["people"].round().astype("int64"), mean


def _people_gained(station_ids: pd.Index, people: pd.Series, service: Service, times: TravelTimes) -> pd.Series:
    """Count the people who are within the standard of one station alone."""
    covering = times.select(origins=station_ids).within(service.standard_s - service.delay_s)
    alone = covering.drop_duplicates("destination_id", keep=False)
    gained = people.reindex(alone["destination_id"]).groupby(alone["origin_id"].to_numpy()).sum()
    return gained.reindex(station_ids, fill_value=0.0).round().astype("int64")

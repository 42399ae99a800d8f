"""The planner's brief: an area, its documents' rules and what one run asks, as one siting problem."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from careshed.area import StudyArea
from careshed.errors import InputError, MissingColumnError, MissingLayerError
from careshed.network import RoadNetwork
from careshed.reach import TravelTimes, travel_times
from careshed.services import RESPONSE_CUTOFF_S, siting_sites, the_service
from careshed.siting import Pairs, Phase, SitingProblem, Tier
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, Side, WorstTime
from careshed.targets import (
    ApartRule,
    BudgetRule,
    CompanyRule,
    FloorRule,
    NewSitesRule,
    QuotaRule,
    Service,
    Siting,
    SitingRule,
    WorstTimeRule,
)
from careshed.words import joined, label

__all__ = ["Ask", "Brief", "brief_of", "chosen_sites", "siting_problem", "siting_sides"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What one run changes in the documents' brief.

    Attributes
    ----------
    stations
        Stations in all, instead of the targets' figure.
    without
        Names of rules that are switched off, see :attr:`careshed.targets.Siting.rule_names`.
    required
        Ids of sites that are open in the end.
    excluded
        Ids of sites that are never opened; an existing station among them is closed.
    """

    stations: int | None = None
    without: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Brief:
    """A siting problem with what it was made from.

    Attributes
    ----------
    service
        The service whose stations are sited.
    rules
        The rules that hold.
    without
        Names of the rules that were switched off.
    sites
        All sites, as :func:`chosen_sites` returns them.
    problem
        The problem.
    """

    service: Service
    rules: Siting
    without: tuple[str, ...]
    sites: gpd.GeoDataFrame
    problem: SitingProblem


def brief_of(area: StudyArea, name: str, ask: Ask, times: TravelTimes, network: RoadNetwork) -> Brief:
    """State the brief of a service.

    Parameters
    ----------
    area
        The study area.
    name
        Id of the service.
    ask
        What this run changes.
    times, network
        As :func:`careshed.services.station_times` and :func:`careshed.services.service_network` return them.

    Raises
    ------
    MissingLayerError
        If the targets say nothing of the service's siting.
    InputError
        If a rule or a site that is named is unknown, or a rule needs a column that no site has.
    """
    service = the_service(area, name)
    if service.siting is None:
        raise MissingLayerError(f"the targets have no [service.{name}.siting]")
    rules = service.siting.without(ask.without)
    if ask.stations is not None:
        rules = rules.with_stations(ask.stations)
    sites = chosen_sites(siting_sites(area, service), rules, required=ask.required, excluded=ask.excluded)
    problem = siting_problem(area, service, rules, sites, times, network)
    return Brief(service, rules, tuple(ask.without), sites, problem)


def chosen_sites(
    sites: gpd.GeoDataFrame, rules: Siting, *, required: Collection[str] = (), excluded: Collection[str] = ()
) -> gpd.GeoDataFrame:
    """Return the sites with the statuses that rules and planner give them.

    Parameters
    ----------
    sites
        As :func:`careshed.services.siting_sites` returns them.
    rules
        Say which existing stations may be closed.
    required, excluded
        Ids of sites that are open in the end, and of those that are never opened.

    Returns
    -------
    geopandas.GeoDataFrame
        A copy with the new ``status``, and ``today``: whether a station stands there.
    """
    both = sorted(set(required) & set(excluded))
    if both:
        raise InputError(f"site {both[0]} is both required and excluded; take it out of one list")
    closable = rules.closable if isinstance(rules.closable, tuple) else ()
    for ids, what in ((required, "required"), (excluded, "excluded"), (closable, "closable")):
        _known(ids, sites.index, what)
    sites = sites.assign(today=sites["status"] == "existing")
    strange = [one for one in closable if not sites["today"][one]]
    if strange:
        raise InputError(f"closable names {strange[0]}, which is no existing station but {sites['status'][strange[0]]}")
    may_close = sites["today"] & (sites["group"] != "")
    may_close &= sites.index.isin(closable) if closable else bool(rules.closable)
    sites.loc[may_close, "status"] = "closable"
    # an existing station that no rule lets close is open from the start anyway
    sites.loc[sites.index.isin(required) & (sites["status"] != "existing"), "status"] = "required"
    sites.loc[sites.index.isin(excluded), "status"] = "excluded"
    return sites


def siting_problem(
    area: StudyArea,
    service: Service,
    rules: Siting,
    sites: gpd.GeoDataFrame,
    times: TravelTimes,
    network: RoadNetwork,
) -> SitingProblem:
    """State the siting problem of a service.

    Parameters
    ----------
    area, service, network
        As :func:`careshed.services.service_network` takes and returns them.
    rules
        Stations, quotas, tiers, phases and further rules.
    sites
        As :func:`chosen_sites` returns them.
    times
        As :func:`careshed.services.station_times` returns them.
    """
    lead_s = [tier.lead_min * 60 for tier in rules.tiers if tier.lead_min is not None]
    lead_times = None
    if any(tier.led_by for tier in rules.tiers):
        longest = max(lead_s, default=RESPONSE_CUTOFF_S)
        lead_times = Pairs.from_times(travel_times(network, sites.geometry, sites.geometry, cutoff_s=longest))
    return SitingProblem.build(
        sites,
        area.demand["population"],
        Pairs.from_times(times, add_ms=round(service.delay_s * 1000)),
        stations=rules.stations,
        standard_ms=round(service.standard_s * 1000),
        cutoff_ms=round(RESPONSE_CUTOFF_S * 1000),
        group_names=dict(area.subdistricts["name"]),
        min_per_group=rules.min_per_subdistrict,
        tiers=[
            Tier(t.name, t.count, t.led_by, None if t.lead_min is None else round(t.lead_min * 60_000), t.span)
            for t in rules.tiers
        ],
        counted_tier=rules.station_tier,
        lead_times=lead_times,
        phases=[Phase(phase.by.isoformat(), phase.count(rules.stations)) for phase in rules.phases],
        sides=siting_sides(area, service, rules, sites, times),
    )


def siting_sides(
    area: StudyArea, service: Service, rules: Siting, sites: gpd.GeoDataFrame, times: TravelTimes
) -> list[Side]:
    """Return the further rules as side rules.

    Parameters
    ----------
    area, service, rules, sites, times
        As :func:`siting_problem` takes them.
    """
    desk = _Desk(area, service, rules, sites, times)
    return [side for name, rule in rules.named_rules.items() for side in desk.sides(name, rule)]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What side rules are made from."""

    area: StudyArea
    service: Service
    rules: Siting
    sites: gpd.GeoDataFrame
    times: TravelTimes

    @property
    def own(self) -> gpd.GeoDataFrame:
        """The sites inside that may be open."""
        return self.sites[(self.sites["group"] != "") & (self.sites["status"] != "excluded")]

    def sides(self, name: str, rule: SitingRule) -> Iterator[Side]:
        """Yield the side rules that one rule of the targets stands for."""
        match rule:
            case QuotaRule():
                yield from self.quota(name, rule)
            case NewSitesRule():
                new = self.own.index[~self.own["today"]]
                yield Among(label("reasons.new_sites"), tuple(new), at_most=rule.at_most)
            case ApartRule():
                yield Apart.of(_places(self.own), rule.distance_m)
            case CompanyRule():
                yield self.company(rule)
            case BudgetRule():
                yield self.budget(name, rule)
            case WorstTimeRule():
                yield WorstTime(round(rule.within_min * 60_000), self.reached())
            case FloorRule():
                yield from self.floor(name, rule)

    def quota(self, name: str, rule: QuotaRule) -> Iterator[Among]:
        """Yield limits on how many sites are open, one for each subdistrict where they hold in each."""
        own, words = self.own, label("reasons.sites")
        if rule.owner:
            own, words = self.owned(name, rule.owner), label("reasons.sites_of", sites=words, owner=rule.owner)
        if rule.sites:
            _known(rule.sites, self.sites.index, f"rule {name}")
            words = label("reasons.sites_among", sites=words, count=len(rule.sites), rule=name)
            own = own[own.index.isin(rule.sites)]
        units = self.units(name, rule.subdistricts)
        phase = next((k for k, phase in enumerate(self.rules.phases, start=1) if phase.by == rule.by), None)
        if rule.each:
            parts = [
                (own[own["group"] == unit], label("reasons.sites_in", sites=words, units=called))
                for unit, called in units.items()
            ]
        elif rule.subdistricts:
            where = joined(units.values())
            parts = [(own[own["group"].isin(units)], label("reasons.sites_in", sites=words, units=where))]
        else:
            parts = [(own, words)]
        for held, said in parts:
            yield Among(said, tuple(held.index), rule.at_least, rule.at_most, rule.tier, phase)

    def owned(self, name: str, owner: str) -> gpd.GeoDataFrame:
        """Return the sites of an owner."""
        if "owner" not in self.sites:
            raise MissingColumnError(
                f"rule {name} is about the owner {owner!r}, but neither facilities nor candidates have a column owner "
                "(权属); add it to their files and build the area again"
            )
        owners = sorted({*self.sites["owner"].dropna()} - {""})
        if owner not in owners:
            raise InputError(
                f"rule {name}: no site is owned by {owner!r}; owners are {', '.join(owners) or 'not given'}"
            )
        return self.own[self.own["owner"] == owner]

    def units(self, name: str, wanted: Iterable[str]) -> dict[str, str]:
        """Return subdistricts' names by id; all where none is asked for."""
        names: dict[str, str] = {str(key): str(name) for key, name in self.area.subdistricts["name"].items()}
        by_label = {called: key for key, called in names.items()}
        chosen = {}
        for one in wanted:
            key = one if one in names else by_label.get(one)
            if key is None:
                raise InputError(f"rule {name}: there is no subdistrict {one!r}; there are {', '.join(names.values())}")
            chosen[key] = names[key]
        return chosen or names

    def company(self, rule: CompanyRule) -> Company:
        """Return who can stand in for whom; stations outside can, but need nobody."""
        there = self.sites[(self.sites["status"] != "excluded") & ((self.sites["group"] != "") | self.sites["today"])]
        every = Company.of(_places(there), rule.distance_m)
        inside = set(self.own.index)
        return Company(every.name, {site: near for site, near in every.near.items() if site in inside})

    def budget(self, name: str, rule: BudgetRule) -> Budget:
        """Return what sites cost."""
        if "cost" not in self.sites and "closing_cost" not in self.sites:
            raise MissingColumnError(
                f"rule {name} is a budget, but neither facilities nor candidates have a column cost (费用); "
                "add it to their files and build the area again"
            )
        return Budget(rule.at_most, _money(self.own, "cost"), _money(self.own[self.own["today"]], "closing_cost"))

    def reached(self) -> tuple[str, ...] | None:
        """Return the demand that any site reaches within the hour; None where that is all."""
        _, destination, _ = self.times.pairs()
        ids = self.times.destination_ids[np.unique(destination)]
        return None if len(ids) == len(self.area.demand) else tuple(map(str, ids))

    def floor(self, name: str, rule: FloorRule) -> Iterator[CoverageFloor]:
        """Yield a floor for each subdistrict with people."""
        minutes = self.service.minutes if rule.within_min is None else rule.within_min
        demand = self.area.demand[self.area.demand["population"] > 0]
        for unit, called in self.units(name, rule.subdistricts).items():
            ids = demand.index[demand["subdistrict_id"] == unit]
            if len(ids):
                yield CoverageFloor(called, tuple(ids), rule.share, round(minutes * 60_000))


def _known(ids: Iterable[str], known: pd.Index, what: str) -> None:
    """Refuse ids of sites that are not there."""
    strange = [one for one in ids if one not in known]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise InputError(
            f"{what} names the site {strange[0]!r}{more}, which is neither a station nor a candidate site; "
            f"ids are such as {', '.join(map(str, known[:3]))}"
        )


def _places(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return sites' coordinates, metres."""
    return pd.DataFrame({"x": sites.geometry.x, "y": sites.geometry.y}, index=sites.index)


def _money(sites: gpd.GeoDataFrame, column: str) -> dict[str, int]:
    """Return whole sums by site; a blank cell costs nothing."""
    if column not in sites:
        return {}
    return {str(site): int(cost) for site, cost in sites[column].dropna().items() if cost}

"""Consolidation of a service: which of its facilities can close, and who walks further then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from careshed.area import StudyArea
from careshed.datums import split_datum
from careshed.errors import InputError, MissingLayerError
from careshed.network import Profile
from careshed.reach import TravelTimes, travel_times
from careshed.services import COVERAGE_CUTOFF, service_network, the_service
from careshed.siting import Pairs
from careshed.siting.consolidate import Consolidation, close_most
from careshed.tables import read_table
from careshed.tables.named import named_places
from careshed.targets import Service

__all__ = ["Closing", "make_closing", "read_kept"]

FOLLOWED_S = 3600.0
"""People are followed so far to the facility that is nearest afterwards, at least."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """What can close of a service.

    Parameters
    ----------
    area
        The study area.
    service
        The service's id.
    found
        The most facilities that can close, with their proof.
    facilities
        By facility id: ``name``, ``kind``, ``subdistrict``, ``closed``, ``alone`` (it could close if no other did),
        ``kept_because`` (``''`` where it may close), ``people`` (who have it as their nearest now), ``only`` (people
        within the standard of it alone).
    communities
        Those where somebody walks further, by community id: ``name``, ``subdistrict``, ``people`` who do, seconds
        ``before_s`` and ``after_s`` on average, ``most_s`` afterwards, ``beyond`` (people whom none is within the
        cutoff of any more).
    shares
        ``now`` and ``then``: ``people`` within the standard, ``communities`` that meet theirs.
    times
        The travel times that the figures were computed from.
    assumptions
        Figures that were assumed, in words.
    """

    area: StudyArea
    service: str
    found: Consolidation
    facilities: pd.DataFrame
    communities: pd.DataFrame
    shares: pd.DataFrame
    times: TravelTimes
    assumptions: dict[str, str]


def read_kept(area: StudyArea, path: str | Path) -> list[str]:
    """Read the facilities that must not close.

    Parameters
    ----------
    area
        The study area.
    path
        A table with ids or names of facilities of the area.

    Raises
    ------
    FileFaultError
        If the file can't be read or names nothing.
    InputError
        If a row names no facility of the area.
    """
    table = read_table(split_datum(path)[0])
    return named_places(table, area.facilities["name"], what=f"facility of {area.name}")


def make_closing(
    area: StudyArea,
    *,
    service: str = "chc",
    keep: list[str] | None = None,
    lose: str = "people",
    profile: Profile | None = None,
    hour: int | None = None,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Closing:
    """Find the most facilities of a service that can close without loss of cover.

    Facilities outside the area are never closed, since others decide on them, nor are those too far from any street,
    since nobody knows whom they serve.

    Parameters
    ----------
    area
        The study area.
    service
        Id of a service in the area's targets.
    keep
        Ids of facilities that stay open.
    lose
        What may not lose cover: ``people`` (nobody within the minutes now is beyond them afterwards) or
        ``communities`` (every community that meets the standard now does so afterwards).
    profile, hour
        The time model, and the hour of the day; default the packaged one in free flow.
    time_limit_s
        Stop after so many seconds with the best and its true gap; None proves the optimum.
    progress
        Called with a sentence at each step.

    Raises
    ------
    MissingLayerError
        If the area lacks the service, its facilities, people, or the communities that may not lose cover.
    InputError
        If a facility to keep is none of the service.
    """
    say = progress or (lambda _: None)
    plan = the_service(area, service)
    facilities = area.facilities_of(plan.kinds)
    _require(area, facilities, plan, lose)
    strange = [one for one in keep or [] if one not in facilities.index]
    if strange:
        kind = area.facilities["kind"].get(strange[0], "unknown")
        raise InputError(f"{strange[0]} ({kind}) is to be kept, but is no existing facility of service {service}")
    say(f"{plan.label_en}: network")
    network = service_network(area, plan, profile=profile, hour=hour)
    say(f"{plan.label_en}: travel times")
    ends = (area.demand.geometry, facilities.geometry)[:: 1 if plan.direction == "to" else -1]
    times = travel_times(network, *ends, cutoff_s=max(COVERAGE_CUTOFF * plan.standard_s, FOLLOWED_S))
    side = "destination" if plan.direction == "to" else "origin"
    reasons = _kept_because(facilities, times, side, keep or [])
    say(f"which of {len(facilities)} facilities can close")
    found = close_most(
        facilities[["name"]],
        area.demand["population"],
        Pairs.from_times(times, sites=side, add_ms=round(plan.delay_s * 1000)),
        standard_ms=round(plan.standard_s * 1000),
        keep=reasons.index[reasons != ""],
        communities=area.demand["community_id"],
        community_share=plan.community_share,
        lose=lose,
        time_limit_s=time_limit_s,
    )
    return Closing(
        area=area,
        service=service,
        found=found,
        facilities=_facility_table(area, facilities, found, reasons),
        communities=_named_communities(area, found.by_community()),
        shares=_shares(area, plan, found),
        times=times,
        assumptions={**area.assumptions, f"{plan.mode} speeds": network.profile},
    )


def _require(area: StudyArea, facilities: pd.DataFrame, service: Service, lose: str) -> None:
    if facilities.empty:
        reason = area.missing.get("facilities", f"none is an existing {' or '.join(service.kinds)}")
        raise MissingLayerError(f"{area.name} has no facility of the service: {reason}")
    if area.demand.empty:
        raise MissingLayerError(f"{area.name}: {area.missing.get('demand', 'it has no people')}")
    if lose == "communities" and area.communities.empty:
        reason = area.missing.get("communities", "it has no communities")
        raise MissingLayerError(f"{area.name}: {reason}; judge by people instead (--lose people)")


def _kept_because(facilities: pd.DataFrame, times: TravelTimes, side: str, keep: list[str]) -> pd.Series:
    """Return why each facility must not close, ``''`` where it may."""
    reasons = pd.Series("", index=facilities.index, dtype=object)
    far = times.rejected["id"][times.rejected["role"] == side]
    reasons[reasons.index.isin(far)] = "too far from any street"
    reasons[facilities["outside"]] = "outside the area"
    reasons[reasons.index.isin(keep)] = "to be kept"
    return reasons


def _facility_table(
    area: StudyArea, facilities: pd.DataFrame, found: Consolidation, reasons: pd.Series
) -> pd.DataFrame:
    table = found.sites.reindex(facilities.index)
    unit = facilities["subdistrict_id"].map(area.subdistricts["name"]).fillna("")
    return pd.DataFrame(
        {
            "name": facilities["name"],
            "kind": facilities["kind"],
            "subdistrict": unit,
            "closed": table["closed"],
            "alone": table["alone"],
            "kept_because": reasons,
            "people": table["people"],
            "only": table["only"],
        }
    )


def _named_communities(area: StudyArea, table: pd.DataFrame) -> pd.DataFrame:
    names = area.communities["name"].reindex(table.index).fillna("")
    units = area.communities["subdistrict_id"].reindex(table.index).map(area.subdistricts["name"]).fillna("")
    table = table.copy()
    table.insert(0, "name", names)
    table.insert(1, "subdistrict", units)
    return table


def _shares(area: StudyArea, service: Service, found: Consolidation) -> pd.DataFrame:
    """Count the people and communities that are covered now and afterwards."""
    demand = found.demand
    rows = {}
    for when, column in (("now", "before_s"), ("then", "after_s")):
        within = demand["weight"].where(demand[column] <= service.standard_s, 0)
        sums = pd.DataFrame({"within": within, "people": demand["weight"]}).groupby(demand["community_id"]).sum()
        sums = sums.reindex(area.communities.index, fill_value=0)
        met = sums["within"] / sums["people"].where(sums["people"] > 0) >= service.community_share
        rows[when] = {"people": int(within.sum()), "communities": int(met.sum())}
    return pd.DataFrame.from_dict(rows, orient="index")

"""The scorecard: each figure that a document asks for beside the one computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import pandas as pd

from careshed.plan import Plan
from careshed.targets import Target

__all__ = ["Row", "scorecard", "scorecard_table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One judged target.

    Parameters
    ----------
    id, text, statistic
        As in the targets file.
    value, target
        The figure computed and its limit: shares 0 to 1, seconds, or counts.
    met
        Whether the value meets the target; at the limit it does.
    binding
        True for 约束性 targets.
    document, item
        Where it is written.
    """

    id: str
    text: str
    statistic: str
    value: float
    target: float
    met: bool
    binding: bool
    document: str
    item: str


def scorecard(plan: Plan) -> list[Row]:
    """Judge every target that the plan has a figure for.

    Parameters
    ----------
    plan
        What was computed.

    Returns
    -------
    list of Row
        In the targets' order; a target without a figure has no row.
    """
    rows = []
    for target in plan.area.targets.target:
        value = _STATISTICS[target.statistic](plan, target)
        if value is None or pd.isna(value):
            continue
        rows.append(
            Row(
                target.id,
                target.text,
                target.statistic,
                float(value),
                target.limit,
                target.met(float(value)),
                target.binding,
                target.document,
                target.item,
            )
        )
    return rows


def scorecard_table(plan: Plan) -> pd.DataFrame:
    """Return the scorecard as a table, with what was left out at its end.

    Returns
    -------
    pandas.DataFrame
        The fields of `Row`, and ``reason`` for parts that could not be computed.
    """
    rows = [{**asdict(row), "reason": ""} for row in scorecard(plan)]
    blank: dict[str, object] = {"value": None, "target": None, "met": None, "binding": None}
    rows += [{"id": "", "text": part, **blank, "reason": reason.read("en")} for part, reason in plan.left_out.items()]
    names = ["id", "text", "statistic", "value", "target", "met", "binding", "document", "item", "reason"]
    return pd.DataFrame(rows, columns=names)


def _coverage(name: str) -> Callable[[Plan, Target], float | None]:
    def value(plan: Plan, target: Target) -> float | None:
        if plan.coverage is None or target.service != plan.coverage_service:
            return None
        return float(plan.coverage.total[name])

    return value


def _response(name: str) -> Callable[[Plan, Target], float | None]:
    """Judge the plan's response where there is a plan, else the existing stations'."""

    def value(plan: Plan, target: Target) -> float | None:
        response = plan.after or (plan.before if plan.solution is None else None)
        if response is None or target.service != plan.siting_service:
            return None
        return float(response.total[name])

    return value


def _planned(plan: Plan, target: Target) -> pd.DataFrame | None:
    """Return the plan's stations inside the boundary, where there is a plan for the target's service."""
    if plan.solution is None or not plan.solution.found or target.service != plan.siting_service:
        return None
    stations = plan.solution.stations
    return stations[stations["group"] != ""]


def _station_count(plan: Plan, target: Target) -> float | None:
    stations = _planned(plan, target)
    return None if stations is None else float(stations["counted"].sum())


def _tier_count(plan: Plan, target: Target) -> float | None:
    stations = _planned(plan, target)
    return None if stations is None else float((stations["tier"] == target.tier).sum())


def _fewest(plan: Plan, target: Target) -> float | None:
    stations = _planned(plan, target)
    if stations is None:
        return None
    return float(stations.groupby("group").size().reindex(plan.area.subdistricts.index, fill_value=0).min())


def _phase_share(plan: Plan, target: Target) -> float | None:
    stations = _planned(plan, target)
    if stations is None or target.by is None:
        return None
    counted = stations[stations["counted"]]
    return float((counted["by"] <= target.by.isoformat()).mean())


def _quota_share(plan: Plan, target: Target) -> float | None:
    table = plan.quotas.get(target.quota)
    return None if table is None else float(table["met"].mean())


def _facility_count(plan: Plan, target: Target) -> float | None:
    if "facilities" in plan.area.missing:
        return None
    facilities = plan.area.facilities_of(target.kinds)
    return float((~facilities["outside"]).sum())


_STATISTICS: dict[str, Callable[[Plan, Target], float | None]] = {
    "community_share": _coverage("community_share"),
    "population_share": _coverage("population_share"),
    "area_share": _coverage("area_share"),
    "street_share": _coverage("street_share"),
    "mean_response": _response("mean_s"),
    "median_response": _response("median_s"),
    "p90_response": _response("p90_s"),
    "share_within_target": _response("share_within_target"),
    "station_count": _station_count,
    "tier_count": _tier_count,
    "min_stations_per_subdistrict": _fewest,
    "phase_share": _phase_share,
    "quota_share": _quota_share,
    "facility_count": _facility_count,
}

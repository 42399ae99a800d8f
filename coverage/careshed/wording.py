"""Words and figures for people: minutes, shares and labels, Chinese with English beside.

Maps and reports take their words from here, so that one thing has one name.
Seconds become minutes here and nowhere below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from careshed.area import StudyArea
from careshed.plan import Plan
from careshed.scorecard import Row, scorecard
from careshed.targets import Service
from careshed.words import Label, label, pages

__all__ = [
    "BACKDROPS",
    "KINDS",
    "LAYERS",
    "NOTHING",
    "OUTSIDE",
    "PROVENANCE",
    "STATUSES",
    "VERDICTS",
    "Label",
    "Verdict",
    "count",
    "key_figures",
    "kind_label",
    "minutes",
    "openstreetmap",
    "percent",
    "service_label",
    "show",
    "verdict",
]

NOTHING = "–"
"""Stands where there is no figure."""


OUTSIDE = label("common.outside")
"""Stands for the subdistrict of what lies beyond the boundary."""

KINDS = pages()["kinds"]
"""Kinds of facility; a kind that is not here is shown under its own name."""

STATUSES = pages()["statuses"]
"""Status of a site."""

PROVENANCE = pages()["provenance"]
"""Status of a layer's data."""

LAYERS = pages()["layers"]
"""Layers of a study area."""

BACKDROPS = pages()["backdrops"]
"""Kinds of backdrop, in the order in which they are drawn."""

VERDICTS = pages()["verdicts"]
"""Status of a solution."""

_TIMES = {"mean_response", "median_response", "p90_response"}
_COUNTS = {"station_count", "tier_count", "min_stations_per_subdistrict", "facility_count"}


def minutes(seconds: float | None, *, decimals: int = 1) -> str:
    """Return seconds as minutes, without the unit.

    Examples
    --------
    >>> minutes(498.0)
    '8.3'
    >>> minutes(float("nan"))
    '–'
    """
    return NOTHING if _absent(seconds) else f"{seconds / 60:.{decimals}f}"  # type: ignore[operator]


def percent(share: float | None, *, decimals: int = 1) -> str:
    """Return a share (0 to 1) as a percentage.

    Examples
    --------
    >>> percent(0.9325)
    '93.2%'
    """
    return NOTHING if _absent(share) else f"{share:.{decimals}%}"


def count(number: float | None) -> str:
    """Return a number of people or things, with separators.

    Examples
    --------
    >>> count(1106214.0)
    '1,106,214'
    """
    return NOTHING if _absent(number) else f"{number:,.0f}"


def _absent(number: float | None) -> bool:
    return number is None or not math.isfinite(number)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its limit, in words.

    Parameters
    ----------
    value, target
        Both with their unit; the target with ``≥`` or ``≤``.
    met
        Whether it is met.
    """

    value: str
    target: str
    met: bool


def show(statistic: str, value: float, *, decimals: int = 1) -> str:
    """Return a scorecard figure with its unit.

    Parameters
    ----------
    statistic
        A `careshed.targets.Statistic`.
    value
        As the scorecard has it: seconds, a share, or a count.
    decimals
        Of minutes and percentages.
    """
    if statistic in _TIMES:
        return f"{minutes(value, decimals=decimals)} min"
    return count(value) if statistic in _COUNTS else percent(value, decimals=decimals)


def verdict(row: Row) -> Verdict:
    """Return a scorecard row's figures in words.

    A figure just off its limit gets as many decimals as show the difference:
    89.96 % is not shown as 90.0 % and then called not met.

    Parameters
    ----------
    row
        A row of the scorecard.
    """
    target = show(row.statistic, row.target).replace(".0", "")
    value = show(row.statistic, row.value)
    for decimals in range(1, 6):
        value = show(row.statistic, row.value, decimals=decimals)
        if row.value == row.target or value != show(row.statistic, row.target, decimals=decimals):
            break
    return Verdict(value, f"{'≤' if row.statistic in _TIMES else '≥'} {target}", row.met)


def kind_label(kind: str) -> Label:
    """Return the name of a kind of facility."""
    return KINDS.get(kind) or Label(kind.replace("_", " "), "")


def service_label(plan: Plan, name: str) -> Label:
    """Return the name of one of a plan's services.

    Parameters
    ----------
    plan
        What was computed.
    name
        The service's id.
    """
    service: Service | None = plan.area.targets.service.get(name)
    return Label(service.label_zh, service.label_en) if service else Label(name, "")


def openstreetmap(area: StudyArea) -> bool:
    """Say whether some layer comes from OpenStreetMap, whose licence asks for its name to be shown."""
    return any("openstreetmap" in row.source.lower() for row in area.provenance.values())


def key_figures(plan: Plan) -> list[tuple[Label, Verdict | None, str]]:
    """Return what a reader wants to know first.

    Parameters
    ----------
    plan
        What was computed.

    Returns
    -------
    list of (Label, Verdict or None, str)
        What it is, the figure against its target where a document names one,
        and the figure in words with what stands beside it.
    """
    judged = {row.statistic: verdict(row) for row in reversed(scorecard(plan))}
    figures: list[tuple[Label, Verdict | None, str]] = []
    if plan.coverage is not None:
        within = f"{plan.coverage.cutoff_s / 60:g}"
        total = plan.coverage.total
        if total["communities"] > 0:
            label = Label(f"{within} 分钟覆盖社区", f"Communities within {within} min")
            held = f"{count(total['communities_covered'])} / {count(total['communities'])}"
            text = f"{percent(total['community_share'])} ({held})"
            figures.append((label, judged.get("community_share"), text))
        label = Label(f"{within} 分钟覆盖人口", f"People within {within} min")
        figures.append((label, judged.get("population_share"), percent(total["population_share"])))
    after = plan.after or plan.before
    if after is not None:
        text = f"{minutes(after.total['mean_s'])} min"
        if plan.after is not None and plan.before is not None:
            text = f"{minutes(plan.before.total['mean_s'])} → {text}"
        figures.append((Label("平均反应时间", "Mean response"), judged.get("mean_response"), text))
    if plan.solution is not None:
        figures += _siting_figures(plan, judged)
    return figures


def _siting_figures(plan: Plan, judged: dict[str, Verdict]) -> list[tuple[Label, Verdict | None, str]]:
    """Return the number of stations, by phase, and whether the plan is proven."""
    solution = plan.solution
    assert solution is not None  # noqa: S101 - the caller saw to it
    figures: list[tuple[Label, Verdict | None, str]] = []
    if solution.found:
        years = [str(phase.by)[:4] for phase in solution.phases.itertuples()]
        dates = years if len(set(years)) == len(years) else list(solution.phases["by"])
        counts = [count(number) for number in solution.phases["stations"]]
        phases = [f"{number} ({date})" if date else number for number, date in zip(counts, dates, strict=True)]
        label = Label(f"{service_label(plan, plan.siting_service).zh}站点", "Stations")
        figures.append((label, judged.get("station_count"), " → ".join(phases)))
    text = str(VERDICTS.get(solution.status, Label(solution.status, "")))
    if solution.found:
        text += f" (gap {solution.gap:.2%})" if solution.gap else " (gap 0)"
    figures.append((Label("方案", "Plan"), None, text))
    return figures

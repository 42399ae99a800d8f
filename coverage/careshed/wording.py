"""Words and figures for people: minutes, shares and labels, Chinese with English beside.

Maps and reports take their words from here, so that one thing has one name.
Seconds become minutes here and nowhere below.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from careshed.area import StudyArea
from careshed.plan import Plan
from careshed.scorecard import Row, scorecard
from careshed.targets import Service
from careshed.words import Label, Language, label, pages

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
    "day",
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

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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


def day(date: str) -> Label:
    """Return a date or a year of a document; what is neither stands as it is.

    Examples
    --------
    >>> day("2021-12-31").en.split()
    ['31', 'Dec', '2021']
    """
    if len(date) == 4 and date.isdecimal():
        return label("figures.year", year=date)
    try:
        known = dt.date.fromisoformat(date)
    except ValueError:
        return Label(date, "")
    return label("figures.day", year=known.year, month=Label(str(known.month), _MONTHS[known.month - 1]), day=known.day)


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


def show(statistic: str, value: float, *, decimals: int = 1, language: Language = "en") -> str:
    """Return a scorecard figure with its unit.

    Parameters
    ----------
    statistic
        A `careshed.targets.Statistic`.
    value
        As the scorecard has it: seconds, a share, or a count.
    decimals
        Of minutes and percentages.
    language
        Of the unit.
    """
    if statistic in _TIMES:
        return label("figures.minutes", minutes=minutes(value, decimals=decimals)).read(language)
    return count(value) if statistic in _COUNTS else percent(value, decimals=decimals)


def verdict(row: Row, language: Language = "en") -> Verdict:
    """Return a scorecard row's figures in words.

    A figure just off its limit gets as many decimals as show the difference:
    89.96 % is not shown as 90.0 % and then called not met.

    Parameters
    ----------
    row
        A row of the scorecard.
    language
        Of the units.
    """
    target = show(row.statistic, row.target, language=language).replace(".0", "")
    value = show(row.statistic, row.value, language=language)
    for decimals in range(1, 6):
        value = show(row.statistic, row.value, decimals=decimals, language=language)
        if row.value == row.target or value != show(row.statistic, row.target, decimals=decimals, language=language):
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


Figure = tuple[Label, Verdict | None, str | Label]
"""What it is, the figure against its target where a document names one, and the figure in words."""


def key_figures(plan: Plan, language: Language | None = None) -> list[Figure]:
    """Return what a reader wants to know first.

    Parameters
    ----------
    plan
        What was computed.
    language
        Of the figures' words; None: both.

    Returns
    -------
    list of Figure
        What it is, the figure against its target where a document names one,
        and the figure in words with what stands beside it.
    """
    judged = {row.statistic: verdict(row, language or "en") for row in reversed(scorecard(plan))}
    figures = [*_coverage_figures(plan, judged), *_response_figures(plan, judged, language or "en")]
    if plan.solution is not None:
        figures += _siting_figures(plan, judged, language)
    return figures


def _coverage_figures(plan: Plan, judged: dict[str, Verdict]) -> list[Figure]:
    """Return the shares of communities and of people that are covered."""
    if plan.coverage is None:
        return []
    within = f"{plan.coverage.cutoff_s / 60:g}"
    total = plan.coverage.total
    figures: list[Figure] = []
    if total["communities"] > 0:
        held = f"{count(total['communities_covered'])} / {count(total['communities'])}"
        text = f"{percent(total['community_share'])} ({held})"
        figures.append((label("figures.communities_within", minutes=within), judged.get("community_share"), text))
    people = percent(total["population_share"])
    return [*figures, (label("figures.people_within", minutes=within), judged.get("population_share"), people)]


def _response_figures(plan: Plan, judged: dict[str, Verdict], language: Language) -> list[Figure]:
    """Return the mean response, before and after where both are known."""
    after = plan.after or plan.before
    if after is None:
        return []
    text = label("figures.minutes", minutes=minutes(after.total["mean_s"])).read(language)
    if plan.after is not None and plan.before is not None:
        text = f"{minutes(plan.before.total['mean_s'])} → {text}"
    return [(label("figures.mean_response"), judged.get("mean_response"), text)]


def _siting_figures(plan: Plan, judged: dict[str, Verdict], language: Language | None) -> list[Figure]:
    """Return the number of stations, by phase, and whether the plan is proven."""
    solution = plan.solution
    assert solution is not None  # noqa: S101 - the caller saw to it
    figures: list[Figure] = []
    if solution.found:
        years = [str(phase.by)[:4] for phase in solution.phases.itertuples()]
        dates = years if len(set(years)) == len(years) else list(solution.phases["by"])
        counts = [count(number) for number in solution.phases["stations"]]
        phases = [f"{number} ({date})" if date else number for number, date in zip(counts, dates, strict=True)]
        name = label("figures.stations", service=service_label(plan, plan.siting_service))
        figures.append((name, judged.get("station_count"), " → ".join(phases)))
    text = VERDICTS.get(solution.status, Label(solution.status, ""))
    if solution.found:
        text = label("figures.proof", verdict=text, gap=f"{solution.gap:.2%}" if solution.gap else "0")
    figures.append((label("figures.plan"), None, text.read(language) if language else text))
    return figures

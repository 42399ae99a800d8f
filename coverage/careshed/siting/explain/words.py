"""How an explanation names sites, groups, times and people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.sides import Among, CoverageFloor
from careshed.words import Label, joined, label

__all__ = [
    "among_words",
    "amount",
    "floor_words",
    "group_words",
    "listed",
    "listed_ids",
    "minutes",
    "percent",
    "percent_down",
    "places",
    "statuses",
]

Ints = npt.NDArray[np.int64]
SHOWN = 5


def listed_ids(names: Sequence[str | Label]) -> Label:
    """Return the first few names, and how many more there are."""
    shown = joined(names[:SHOWN])
    if len(names) <= SHOWN:
        return shown
    return label("reasons.and_more", shown=shown, more=len(names) - SHOWN)


def listed(problem: SitingProblem, sites: Sequence[int] | Ints) -> Label:
    """Return the first few sites by name."""
    return listed_ids([problem.label(int(j)) for j in sites])


def group_words(problem: SitingProblem, group: str) -> str:
    """Return a group's name with its id."""
    name = problem.group_names[group]
    return name if name == group else f"{name} ({group})"


def minutes(ms: int | None) -> Label:
    """Return a time in minutes, rounded up to a hundredth: whoever grants so much grants enough.

    Examples
    --------
    >>> minutes(870_000).en, minutes(870_001).en, minutes(None).en
    ('14.5 min', '14.51 min', 'any time')
    """
    if ms is None:
        return label("reasons.any_time")
    return label("reasons.minutes", minutes=f"{math.ceil(ms / 600) / 100:g}")


def amount(sum_: int) -> str:
    """Return a sum."""
    return f"{sum_:,}"


def percent(share: float) -> str:
    """Return a share in per cent."""
    return f"{round(share * 100, 6):g} %"


def percent_down(people: int, of: int) -> str:
    """Return a share in per cent, rounded down to a tenth: so much is met.

    Examples
    --------
    >>> percent_down(2, 3)
    '66.6 %'
    """
    return percent(1000 * people // max(of, 1) / 1000)


def statuses(problem: SitingProblem) -> tuple[Ints, Ints]:
    """Return the existing sites inside, and the existing and required ones."""
    status = np.array(problem.statuses, dtype=object)
    existing = np.flatnonzero(problem.inside & (status == "existing"))
    return existing, np.flatnonzero(problem.inside & np.isin(status, ["existing", "required"]))


def places(problem: SitingProblem, count: int) -> tuple[int, Label]:
    """Return how many sites are opened with `count` of the counted tier, and the words for it."""
    others = [label("reasons.of_tier_count", count=t.count, tier=t.name) for t in problem.leading]
    words = joined([label("reasons.stations", count=count), *others], by="and")
    return count + sum(t.count for t in problem.leading), words


def among_words(problem: SitingProblem, side: Among) -> Label:
    """Return which sites a rule counts, and when.

    Examples
    --------
    ``private``, ``private of tier hub``, ``private of tier hub by 2021``
    """
    words = joined([side.name])
    if side.tier:
        words = label("reasons.among_tier", name=words, tier=side.tier)
    if side.phase is None or side.phase == len(problem.phases):
        return words
    by = problem.phases[side.phase - 1].by
    if by:
        return label("reasons.among_by", words=words, by=by)
    return label("reasons.among_phase", words=words, phase=side.phase)


def floor_words(side: CoverageFloor) -> Label:
    """Return what a floor asks for."""
    return label("reasons.floor", share=percent(side.share), name=side.name, within=minutes(side.ms))

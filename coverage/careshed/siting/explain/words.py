"""How an explanation names sites, groups, times and people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.sides import Among, CoverageFloor

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
    "plural",
    "statuses",
]

Ints = npt.NDArray[np.int64]
SHOWN = 5


def listed_ids(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def listed(problem: SitingProblem, sites: Sequence[int] | Ints) -> str:
    """Return the first few sites by name."""
    return listed_ids([problem.label(int(j)) for j in sites])


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "site"), plural(1200, "site")
    ('1 site', '1,200 sites')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def group_words(problem: SitingProblem, group: str) -> str:
    """Return a group's name with its id."""
    name = problem.group_names[group]
    return name if name == group else f"{name} ({group})"


def minutes(ms: int | None) -> str:
    """Return a time in minutes, rounded up to a hundredth: whoever grants so much grants enough.

    Examples
    --------
    >>> minutes(870_000), minutes(870_001), minutes(None)
    ('14.5 min', '14.51 min', 'any time')
    """
    return "any time" if ms is None else f"{math.ceil(ms / 600) / 100:g} min"


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


def places(problem: SitingProblem, count: int) -> tuple[int, str]:
    """Return how many sites are opened with `count` of the counted tier, and the words for it."""
    others = sum(t.count for t in problem.leading)
    words = f"{count} stations"
    if problem.leading:
        words += " and " + " and ".join(f"{t.count} of tier {t.name}" for t in problem.leading)
    return count + others, words


def among_words(problem: SitingProblem, side: Among) -> str:
    """Return which sites a rule counts, and when.

    Examples
    --------
    ``private``, ``private of tier hub``, ``private of tier hub by 2021``
    """
    words = side.name + (f" of tier {side.tier}" if side.tier else "")
    if side.phase is None or side.phase == len(problem.phases):
        return words
    by = problem.phases[side.phase - 1].by
    return words + (f" by {by}" if by else f" in phase {side.phase}")


def floor_words(side: CoverageFloor) -> str:
    """Return what a floor asks for."""
    return f"{percent(side.share)} of {side.name} within {minutes(side.ms)}"

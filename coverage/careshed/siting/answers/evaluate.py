r"""What open sites do for people: exact figures of any set of sites, in whole people and milliseconds.

For demand *i* of weight :math:`w_i` and a set *S* of open sites the response is

.. math:: c_i(S) = \min(\text{cutoff}, \min_{j∈S} c_{ij}).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.siting.problem import SitingProblem
from careshed.siting.solution import Solution

__all__ = ["Figures", "Nearest", "evaluate", "evaluate_phases", "opened_by"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a set of open sites.

    Attributes
    ----------
    people
        All people.
    covered
        People within the standard.
    reachable
        People whom some site of the problem, open or not, reaches within the cutoff; the others are in no response.
    beyond
        Reachable people without an open site within the cutoff.
    person_ms
        :math:`Σ w_i c_i(S)` over reachable people, whole milliseconds.
    """

    people: int
    covered: int
    reachable: int
    beyond: int
    person_ms: int

    @property
    def covered_share(self) -> float:
        """Covered people as a share of all, 0 to 1; NaN without people."""
        return self.covered / self.people if self.people else float("nan")

    @property
    def person_seconds(self) -> float:
        """Response in person-seconds."""
        return self.person_ms / 1000.0

    @property
    def mean_response_s(self) -> float:
        """Mean response of reachable people, seconds; NaN without any."""
        return self.person_ms / self.reachable / 1000.0 if self.reachable else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Each demand point's two nearest open sites, and how many are within the standard.

    Attributes
    ----------
    site, second
        Position of the nearest and the second nearest open site within the cutoff (of equally near ones the least
        id first), −1 none; int64, shape (demand,).
    ms, second_ms
        Their times, the cutoff where there is none; int64.
    within
        Number of open sites within the standard; int64.
    """

    site: Ints
    second: Ints
    ms: Ints
    second_ms: Ints
    within: Ints

    @classmethod
    def of(cls, problem: SitingProblem, opened: Bools) -> Self:
        """Find them for open sites given as booleans by position."""
        site, demand, ms = problem.pairs()
        own = opened[site]
        site, demand, ms = site[own], demand[own], ms[own]
        order = np.lexsort((site, ms, demand))
        site, demand, ms = site[order].astype(np.int64), demand[order], ms[order].astype(np.int64)
        many = len(problem.weights)
        starts = np.searchsorted(demand, np.arange(many + 1))
        columns: list[Ints] = []
        for nth in (0, 1):
            some = np.flatnonzero(np.diff(starts) > nth)
            at = starts[some] + nth
            near, least = np.full(many, -1, dtype=np.int64), np.full(many, problem.cutoff_ms, dtype=np.int64)
            near[some], least[some] = site[at], ms[at]
            columns += [near, least]
        within = np.bincount(demand[ms <= problem.standard_ms], minlength=many).astype(np.int64)
        return cls(columns[0], columns[2], columns[1], columns[3], within)


def opened_by(problem: SitingProblem, open_ids: Iterable[str]) -> Bools:
    """Return which sites are open, by position.

    Raises
    ------
    InputError
        If an id is not among the problem's sites, or was removed from them.
    """
    ids = pd.Index([*open_ids], dtype=object).astype(str)
    found = problem.site_ids.get_indexer(ids)
    for id_, at in zip(ids, found, strict=True):
        if at < 0:
            why = problem.removed.get(id_)
            raise InputError(
                f"open site {id_!r} is {'not in the problem' if why is None else why}; name sites of the problem"
            )
    opened = np.zeros(len(problem.site_ids), dtype=bool)
    opened[found] = True
    return opened


def evaluate(problem: SitingProblem, open_ids: Iterable[str]) -> Figures:
    """Return the figures of a set of open sites, whether or not it keeps the rules.

    Parameters
    ----------
    problem
        Sites, people and times; its rules are not looked at.
    open_ids
        All open sites: existing ones that are not named are closed.

    Examples
    --------
    >>> import pandas as pd
    >>> from careshed.siting import Pairs, SitingProblem
    >>> times = pd.DataFrame({"site_id": ["a", "b"], "demand_id": ["d", "d"], "ms": [900, 200]})
    >>> sites, people = pd.DataFrame(index=["a", "b"]), pd.Series({"d": 5})
    >>> problem = SitingProblem.build(sites, people, Pairs.from_frame(times), stations=1, standard_ms=500)
    >>> evaluate(problem, ["a"]).covered, evaluate(problem, ["b"]).covered, evaluate(problem, ["b"]).mean_response_s
    (0, 5, 0.2)
    """
    return figures(problem, opened_by(problem, open_ids))


def figures(problem: SitingProblem, opened: Bools) -> Figures:
    """Return the figures of open sites given as booleans by position."""
    nearest = Nearest.of(problem, opened)
    weights = problem.weights
    reached = np.zeros(len(weights), dtype=bool)
    reached[problem.pairs()[1]] = True
    return Figures(
        people=int(weights.sum()),
        covered=int(weights[nearest.within > 0].sum()),
        reachable=int(weights[reached].sum()),
        beyond=int(weights[reached & (nearest.site < 0)].sum()),
        person_ms=int(np.dot(weights[reached], nearest.ms[reached])),
    )


def evaluate_phases(problem: SitingProblem, solution: Solution) -> pd.DataFrame:
    """Return the figures of a plan in each of its phases.

    Parameters
    ----------
    problem
        Where the plan is judged: its own problem, or one with the same sites under other times.
    solution
        A plan.

    Returns
    -------
    pandas.DataFrame
        Index ``phase`` 1 … K; columns ``covered`` (people), ``covered_share``, ``person_seconds``,
        ``mean_response_s``, ``beyond`` (people).
    """
    rows = []
    for phase in range(1, len(problem.phases) + 1):
        now = evaluate(problem, solution.open_ids(phase))
        rows.append((now.covered, now.covered_share, now.person_seconds, now.mean_response_s, now.beyond))
    names = ["covered", "covered_share", "person_seconds", "mean_response_s", "beyond"]
    return pd.DataFrame(rows, columns=names, index=pd.RangeIndex(1, len(rows) + 1, name="phase"))

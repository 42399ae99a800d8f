r"""Least of one figure under limits on others: the ε-constraint (Haimes, Lasdon, Wismer 1971), exact.

.. math:: \min f(x), \quad g(x) ≤ ε, \quad x \text{ keeps the rules}

by the branch and cut of :mod:`careshed.siting.branch`, where *f* and *g* are sums of costs of demand at its best open
site (:class:`careshed.siting.costs.Costs`): people not covered, or person-milliseconds. There a limit is always the
best value of a level above; here it is any value that some known plan keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import numpy.typing as npt

from careshed.siting.branch import Branching, Node, Outcome
from careshed.siting.columns import Columns
from careshed.siting.costs import Costs
from careshed.siting.master import Master
from careshed.siting.mip import Rulebook
from careshed.siting.problem import SitingProblem
from careshed.siting.search import Plan, improved, plan_of, totals

__all__ = ["LimitedBranching", "Measure", "limit_of"]

GROUPS = 120
"""Cuts a round and phase: few enough for a small program, enough for few rounds."""


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A figure of plans as costs to be kept low: people not covered, or person-milliseconds.

    A total *t* of `costs` over the phases (constants left out) is the figure ``offset + sign · t``.

    Attributes
    ----------
    costs
        The costs.
    sign
        −1 where more is better.
    offset
        The figure of a total of zero.
    """

    costs: Costs
    sign: int
    offset: int

    @classmethod
    def coverage(cls, problem: SitingProblem) -> Self:
        """Return people within the standard, summed over phases."""
        site, demand, ms = problem.pairs()
        near = ms <= problem.standard_ms
        zero = np.zeros(int(near.sum()), dtype=np.int32)
        costs = _costs(problem, site[near], demand[near], zero, base=1, weights=problem.weights)
        return cls(costs, -1, (int(problem.weights.sum()) - costs.constant) * len(problem.phases))

    @classmethod
    def response(cls, problem: SitingProblem) -> Self:
        """Return person-milliseconds of response, summed over phases, demand that no site reaches left out."""
        site, demand, ms = problem.pairs()
        reached = np.zeros(len(problem.weights), dtype=bool)
        reached[demand] = True
        weights = np.where(reached, problem.weights, 0)
        costs = _costs(problem, site, demand, ms, base=problem.cutoff_ms, weights=weights)
        return cls(costs, 1, costs.constant * len(problem.phases))

    def shown(self, total: float) -> float:
        """Return the figure of a total."""
        return self.offset + self.sign * total

    def total(self, figure: int) -> int:
        """Return the total of a figure."""
        return self.sign * (figure - self.offset)


def _costs(
    problem: SitingProblem,
    site: npt.NDArray[np.int32],
    demand: npt.NDArray[np.int32],
    cost: npt.NDArray[np.int32],
    *,
    base: int,
    weights: npt.NDArray[np.int64],
) -> Costs:
    """Return costs of demand, existing sites always open."""
    return Costs.build(site, demand, cost, base=base, weights=weights, always=problem.existing, groups=GROUPS)


def limit_of(book: Rulebook, costs: Costs, most: int, plan: Plan, master: Master | None = None) -> Outcome:
    """Return a limit as an outcome of a level above: no plan may have a greater total.

    Parameters
    ----------
    book
        The rules.
    costs, most
        What is limited, and the greatest total, constants left out.
    plan
        A plan that keeps it.
    master
        A linear program of these costs under the same rules, where there is one.
    """
    known = Master(book, costs) if master is None else master
    return Outcome(plan, most, float(most), [Node(book.lower, book.upper)], known, 0)


class LimitedBranching(Branching):
    """Branch and cut under limits that are not the best of their levels.

    Parameters as :class:`careshed.siting.branch.Branching`; `above` may hold outcomes of :func:`limit_of`. Local search
    improves the level that is sought alone and keeps the limits: in lexicographic order it would give up this level
    for those above.
    """

    def offer(self, plan: Plan) -> None:
        """Take a plan that keeps the rules and limits if it is better, and search around it."""
        costs = totals(self.columns, self.levels, plan)
        if not self._within(costs) or costs[self.level] >= self.value:
            return
        limits = [(c, o.value) for c, o in zip(self.levels, self.above, strict=False)]
        # local search asks a rulebook for its columns and for what it allows, no more
        book = cast("Rulebook", _Limits(self.book, limits))
        self.plan = improved(book, [self.levels[self.level]], plan)
        self.value = totals(self.columns, self.levels, self.plan)[self.level]

    def _screened(self, node: Node) -> bool:
        """Ask only levels that were solved: a bare limit has no cuts beside those of this program."""
        above = self.above
        self.above = tuple(o for o in above if o.nodes)
        try:
            return super()._screened(node)
        finally:
            self.above = above


class _Limits:
    """A rulebook that also keeps limits."""

    def __init__(self, book: Rulebook, limits: Sequence[tuple[Costs, int]]) -> None:
        self.book, self.limits = book, limits

    @property
    def columns(self) -> Columns:
        """Layout of the columns."""
        return self.book.columns

    def allows(self, values: npt.NDArray[np.float64]) -> bool:
        """Return whether whole `values` keep the limits and all rules."""
        costs = totals(self.columns, [c for c, _ in self.limits], plan_of(self.columns, values))
        return all(c <= most for c, (_, most) in zip(costs, self.limits, strict=True)) and self.book.allows(values)

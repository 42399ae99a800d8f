r"""Least of one figure under limits on others: the ε-constraint (Haimes, Lasdon, Wismer 1971), exact.

.. math:: \min f(x), \quad g(x) ≤ ε, \quad x \text{ keeps the rules}

by the branch and cut of :mod:`careshed.siting.cut.branch`, where *f* and *g* are sums of costs of demand at its best
open site (:class:`careshed.siting.cut.costs.Costs`): people not covered, or person-milliseconds. There a limit is
always the best value of a level above; here it is any value that some known plan keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from careshed.siting.cut.branch import Branching, Node, Outcome
from careshed.siting.cut.costs import Costs
from careshed.siting.cut.master import Master
from careshed.siting.cut.search import Plan, improved, plan_of, totals
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook

__all__ = ["LimitedBranching", "limit_of"]


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

    Parameters as :class:`careshed.siting.cut.branch.Branching`; `above` may hold outcomes of :func:`limit_of`. Local
    search improves the level that is sought alone and keeps the limits: in lexicographic order it would give up this
    level for those above.
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

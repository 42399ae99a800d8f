"""Branch and cut: the least cost under the rules, with a proof.

Cuts for the costs of demand are generated over linear programs (first at points between the last two
solutions, which settles the root in few rounds: Ben-Ameur, Neto 2007; Fischetti, Ljubić, Sinnl 2017);
the solution of the root is rounded by a small program over the rules alone and improved by local search;
reduced costs fix what can't be in a better plan; what is left is branched, best bound first. Plans are
evaluated in whole numbers, bounds are computed from duals.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.siting.costs import Costs
from careshed.siting.master import Bound, Master
from careshed.siting.mip import Rulebook
from careshed.siting.search import Plan, improved, plan_of, totals, vector

__all__ = ["ACCEPTED", "Branching", "Outcome"]

Floats = npt.NDArray[np.float64]
Progress = Callable[[float, float, str], None]
ACCEPTED = 1e-9
"""A bound this close to the plan's value, relative to it, counts as met."""
WHOLE = 1e-6
SMALL_STEP = 1e-7
"""Rounds of cuts below the root stop when the bound grows less than this, relative."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Best plan, what is proven about it, and the effort.

    Attributes
    ----------
    plan, value, bound
        The plan, its exact cost and a bound on all plans' cost, constants left out.
    lower, upper
        Bounds of the rule columns that any plan as good as this one keeps.
    iterations, nodes, rows, columns
        Linear programs, nodes, and the size of the last program.
    """

    plan: Plan
    value: int
    bound: float
    lower: Floats
    upper: Floats
    iterations: int
    nodes: int
    rows: int
    columns: int


class Branching:
    """One run of the branch and cut.

    Parameters
    ----------
    book
        The rules.
    levels
        All cost functions in lexicographic order, for the local search.
    level
        Which of them is minimised.
    limits
        The greatest value of each level before it.
    plan
        A plan that keeps the rules and the limits.
    deadline
        Time (of :func:`time.monotonic`) at which to stop; None: never.
    progress
        Called with the best cost, the bound and a text; constants left out.
    """

    def __init__(  # noqa: PLR0913
        self,
        book: Rulebook,
        levels: Sequence[Costs],
        level: int,
        limits: Sequence[int],
        plan: Plan,
        *,
        lower: Floats,
        upper: Floats,
        deadline: float | None,
        progress: Progress,
    ) -> None:
        self.book, self.columns = book, book.columns
        self.levels, self.level, self.limits = levels, level, tuple(limits)
        self.master = Master(book, levels[level], list(zip(levels, limits, strict=False)))
        self.plan, self.value = plan, totals(self.columns, levels, plan)[level]
        self.lower, self.upper = lower.copy(), upper.copy()
        self.deadline, self.progress = deadline, progress
        self.closed = float("inf")
        self.nodes = self.pushed = 0
        self.heap: list[tuple[float, int, Floats, Floats]] = []

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def hopeless(self, bound: float) -> bool:
        """Whether nothing above `bound` is better than the plan: costs are whole numbers."""
        return bound >= self.value - max(1.0 - WHOLE, ACCEPTED * self.value)

    def offer(self, plan: Plan) -> None:
        """Take a plan that keeps the rules if it is better, and search around it."""
        costs = totals(self.columns, self.levels, plan)
        if any(c > most for c, most in zip(costs, self.limits, strict=False)) or costs[self.level] >= self.value:
            return
        self.plan = improved(self.book, self.levels, plan)
        self.value = totals(self.columns, self.levels, self.plan)[self.level]

    def run(self) -> Outcome:
        """Branch and cut until proven or late."""
        self._push(0.0, self.lower, self.upper)
        while self.heap:
            bound, _, lower, upper = heapq.heappop(self.heap)
            if self.hopeless(bound):
                self.closed = min(self.closed, bound)
                continue
            if self.late and self.nodes:
                self.closed = min(self.closed, bound)
                break
            self._node(bound, np.maximum(lower, self.lower), np.minimum(upper, self.upper))
        bound = min([self.closed, float(self.value), *(b for b, *_ in self.heap)])
        return Outcome(
            self.plan,
            self.value,
            float(self.value) if self.hopeless(bound) else bound,
            self.lower,
            self.upper,
            self.master.iterations,
            self.nodes,
            self.master.rows,
            self.master.size,
        )

    def _push(self, bound: float, lower: Floats, upper: Floats) -> None:
        """Queue a node."""
        self.pushed += 1
        heapq.heappush(self.heap, (bound, self.pushed, lower, upper))

    def _node(self, bound: float, lower: Floats, upper: Floats) -> None:
        """Solve a node and either close it or queue its two halves."""
        root = self.nodes == 0
        self.nodes += 1
        self.master.bound_columns(lower, upper)
        last = self._rounds(bound, root=root)
        if last is None:
            return
        bound = max(bound, last.bound)
        if root:
            self._round(last)
            self._fix(last, self.lower, self.upper)
            lower, upper = self.lower.copy(), self.upper.copy()
        else:
            self._fix(last, lower, upper)
        self.progress(float(self.value), min([bound, *(b for b, *_ in self.heap[:1])]), f"node {self.nodes}")
        if self.hopeless(bound):
            self.closed = min(self.closed, bound)
            return
        self._split(last.values, bound, lower, upper)

    def _rounds(self, bound: float, *, root: bool) -> Bound | None:
        """Solve and cut until no cut is broken; None where the node is closed."""
        core: Floats | None = None
        while True:
            last = self.master.solve()
            if last is None:
                return None
            step = last.bound - bound
            bound = max(bound, last.bound)
            if self.hopeless(bound) or (self.late and self.master.iterations > 1):
                break
            whole = self._whole(last.values)
            core = last.values if core is None or not root else 0.5 * (core + last.values)
            point, other = (core, last.values) if root and not whole else (np.round(last.values, 6), None)
            if not self.master.separate(point, fallback=other):
                break
            if not root and not whole and 0 <= step < SMALL_STEP * self.value:
                break
        return last

    def _whole(self, values: Floats) -> bool:
        """Whether all sites are open or closed, in each phase."""
        opened = values[: self.columns.phases * self.columns.sites]
        return bool(np.abs(opened - np.round(opened)).max(initial=0.0) < WHOLE)

    def _round(self, last: Bound) -> None:
        """Make a plan from the root's solution."""
        cost = np.zeros(self.columns.count)
        cost[: self.columns.binaries] = -last.values[: self.columns.binaries]
        values = self.book.solve(cost, lower=self.lower, upper=self.upper)
        if values is not None:
            plan = improved(self.book, self.levels, plan_of(self.columns, values))
            self.offer(plan)

    def _fix(self, last: Bound, lower: Floats, upper: Floats) -> None:
        """Fix columns that would cost more than the plan if they moved (in place)."""
        room = self.value + 1e-6 + 1e-9 * self.value - last.bound
        n = self.columns.binaries
        lower[:n][(-last.reduced[:n] > room) & (upper[:n] == 1.0)] = 1.0
        upper[:n][(last.reduced[:n] > room) & (lower[:n] == 0.0)] = 0.0

    def _split(self, values: Floats, bound: float, lower: Floats, upper: Floats) -> None:
        """Branch on the site that is most in doubt, or complete a plan whose sites are settled."""
        if self._whole(values):
            plan = self._completed(values)
            if plan is not None:
                self.offer(plan)
                if self._same(plan, values) and self._settled(plan):
                    self.closed = min(self.closed, bound)
                    return
        doubt = np.minimum(values, 1.0 - values)[: self.columns.binaries]
        doubt[lower[: len(doubt)] == upper[: len(doubt)]] = -1.0
        column = int(np.argmax(doubt))
        if doubt[column] < 0.0:
            self.closed = min(self.closed, bound)
            return
        for fixed in (0.0, 1.0):
            low, high = lower.copy(), upper.copy()
            low[column] = high[column] = fixed
            self._push(bound, low, high)

    def _completed(self, values: Floats) -> Plan | None:
        """Return a plan that opens just the sites that `values` opens."""
        n = self.columns.phases * self.columns.sites
        lower, upper = self.book.lower.copy(), self.book.upper.copy()
        lower[:n] = upper[:n] = np.round(values[:n])
        cost = np.zeros(self.columns.count)
        cost[n : self.columns.binaries] = -values[n : self.columns.binaries]
        found = self.book.solve(cost, lower=lower, upper=upper)
        return None if found is None else plan_of(self.columns, found)

    def _same(self, plan: Plan, values: Floats) -> bool:
        """Whether a plan opens just the sites that `values` opens."""
        n = self.columns.phases * self.columns.sites
        return bool(np.array_equal(vector(self.columns, plan)[:n], np.round(values[:n])))

    def _settled(self, plan: Plan) -> bool:
        """Whether a plan keeps the limits."""
        costs = totals(self.columns, self.levels, plan)
        return all(c <= most for c, most in zip(costs, self.limits, strict=False))

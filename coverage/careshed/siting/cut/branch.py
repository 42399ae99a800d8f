"""Branch and cut: the least cost under the rules, with a proof.

Cuts for the costs of demand are generated over linear programs (first at points between the last two
solutions, which settles the root in few rounds: Ben-Ameur, Neto 2007; Fischetti, Ljubić, Sinnl 2017);
a dive from the root finds a plan, which local search improves;
reduced costs fix what can't be in a better plan; what is left is branched, best bound first, on the site
or set of leaders that promises most (strong branching). Plans are evaluated in whole numbers, bounds are
computed from duals.

Parts of the tree that may hold plans as good as the best are handed to the next level, which looks only
there, and asks the level above first whether a node still can.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.siting.cut.costs import Costs
from careshed.siting.cut.master import Bound, Master, SetBound
from careshed.siting.cut.search import Plan, improved, plan_of, totals, vector
from careshed.siting.rows.columns import INF, Row
from careshed.siting.rows.rulebook import Rulebook

__all__ = ["ACCEPTED", "Branching", "Node", "Outcome"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Progress = Callable[[float, float, str], None]
ACCEPTED = 1e-9
"""A bound this close to the plan's value, relative to it, counts as met."""
WHOLE = 1e-6
SMALL_STEP = 1e-7
"""Rounds of cuts below the root stop when the bound grows less than this, relative."""
PROBED = 6
"""Sites in doubt whose branches are compared."""
PROBE_STEPS = 60
SETBACKS = 8
"""Columns that a dive closes again."""
SURE = 0.9
"""Sites this much open are opened at once in a dive."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of the plans: bounds of the rule columns, and of sums of them."""

    lower: Floats
    upper: Floats
    sets: tuple[SetBound, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Best plan, what is proven about it, and the effort.

    Attributes
    ----------
    plan, value, bound
        The plan, its exact cost and a bound on all plans' cost, constants left out.
    ties
        Parts of the tree that hold all plans of this cost.
    master
        The linear program with its cuts.
    nodes
        How many nodes were solved.
    """

    plan: Plan
    value: int
    bound: float
    ties: list[Node]
    master: Master
    nodes: int


class Branching:
    """One run of the branch and cut.

    Parameters
    ----------
    book
        The rules.
    levels
        All cost functions in lexicographic order, for the local search.
    above
        Outcomes of the levels above, whose values may not be exceeded; the next level is minimised.
    plan
        A plan that keeps the rules and has these values.
    late
        Whether to stop.
    progress
        Called with the best cost, the bound and a text; constants left out.
    """

    def __init__(
        self,
        book: Rulebook,
        levels: Sequence[Costs],
        above: Sequence[Outcome],
        plan: Plan,
        *,
        late: Callable[[], bool],
        progress: Progress,
    ) -> None:
        self.book, self.columns = book, book.columns
        self.levels, self.level, self.above = levels, len(above), tuple(above)
        self.master = Master(book, levels[self.level], [(c, o.value) for c, o in zip(levels, above, strict=False)])
        self.plan, self.value = plan, totals(self.columns, levels, plan)[self.level]
        self.leaves = above[-1].ties if above else [Node(book.lower, book.upper)]
        self._late, self.progress = late, progress
        self.closed: list[tuple[float, Node]] = []
        self.nodes = self.pushed = 0
        self.heap: list[tuple[float, int, Node]] = []

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self._late()

    def hopeless(self, bound: float) -> bool:
        """Whether nothing above `bound` is better than the plan: costs are whole numbers."""
        return bound >= self.value - max(1.0 - WHOLE, ACCEPTED * self.value)

    def offer(self, plan: Plan) -> None:
        """Take a plan that keeps the rules if it is better, and search around it."""
        costs = totals(self.columns, self.levels, plan)
        if not self._within(costs) or costs[self.level] >= self.value:
            return
        self.plan = improved(self.book, self.levels, plan)
        self.value = totals(self.columns, self.levels, self.plan)[self.level]

    def run(self) -> Outcome:
        """Branch and cut until proven or late."""
        self._root()
        while self.heap:
            bound, _, node = self.heap[0]
            if self.late:
                break
            heapq.heappop(self.heap)
            if self.hopeless(bound):
                self.closed.append((bound, node))
            else:
                self._node(bound, node)
        left = self.closed + [(bound, node) for bound, _, node in self.heap]
        bound = min([float(self.value), *(b for b, _ in left)])
        return Outcome(
            self.plan,
            self.value,
            float(self.value) if self.hopeless(bound) else bound,
            [node for b, node in left if b <= self.value * (1.0 + ACCEPTED) + WHOLE],
            self.master,
            self.nodes,
        )

    def _within(self, costs: Sequence[int]) -> bool:
        """Whether a plan's totals keep the values of the levels above."""
        return all(c <= o.value for c, o in zip(costs, self.above, strict=False))

    def _push(self, bound: float, node: Node) -> None:
        """Queue a node."""
        self.pushed += 1
        heapq.heappush(self.heap, (bound, self.pushed, node))

    def _root(self) -> None:
        """Solve over all leaves at once, round, fix, and queue the leaves."""
        self.nodes += 1
        lower = np.min([n.lower for n in self.leaves], axis=0)
        upper = np.max([n.upper for n in self.leaves], axis=0)
        self.master.bound_columns(lower, upper)
        last = self._rounds(0.0, root=True)
        if last is None:  # a plan is known: only numerical trouble leads here, so nothing is claimed
            self.closed.append((0.0, Node(lower, upper)))
            return
        for leaders_first in [True, False][: 1 + bool(self.columns.leading)]:
            self._dive(last, lower, upper, leaders_first=leaders_first)
        self._tell(last.bound)
        self._fix(last, lower, upper)
        for leaf in self.leaves:
            low, high = np.maximum(lower, leaf.lower), np.minimum(upper, leaf.upper)
            if (low <= high).all():
                self._push(last.bound, Node(low, high, leaf.sets))

    def _node(self, bound: float, node: Node) -> None:
        """Solve a node and either close it or queue its two halves."""
        self.nodes += 1
        node = Node(node.lower.copy(), node.upper.copy(), node.sets)
        if not self._screened(node):
            return
        self._enter(self.master, node)
        last = self._rounds(bound, root=False)
        if last is None:
            return
        bound = max(bound, last.bound)
        self._fix(last, node.lower, node.upper)
        self._tell(bound)
        if self.hopeless(bound) or self._settled(last.values):
            self.closed.append((bound, node))
            return
        if self.late:
            self._push(bound, node)
            return
        self._split(last.values, bound, node)

    def _tell(self, bound: float) -> None:
        """Report progress."""
        least = min([float(self.value), bound, *(b for b, *_ in self.heap[:1])])
        self.progress(float(self.value), least, f"node {self.nodes}")

    @staticmethod
    def _enter(master: Master, node: Node) -> None:
        """Set a linear program to a node."""
        master.bound_columns(node.lower, node.upper)
        master.bound_sets(node.sets)

    def _screened(self, node: Node) -> bool:
        """Whether the levels above can keep their values at a node; fixes what they ask for (in place)."""
        for outcome in self.above:
            self._enter(outcome.master, node)
            last = outcome.master.solve()
            if last is None or last.bound > outcome.value + WHOLE + ACCEPTED * outcome.value:
                return False
            fix(last, outcome.value, node.lower, node.upper)
        return True

    def _rounds(self, bound: float, *, root: bool) -> Bound | None:
        """Solve and cut until no cut is broken; None where the node is empty."""
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

    def _dive(self, last: Bound, lower: Floats, upper: Floats, *, leaders_first: bool) -> None:
        """Make a plan from a solution: open what is surest, one after another."""
        lower, upper = lower.copy(), upper.copy()
        setbacks = 0
        now: Bound | None = last
        while now is not None and not self.hopeless(now.bound):
            if self._whole(now.values) and self._settled(now.values):
                return
            column = self._surest(now.values, lower, upper, leaders_first=leaders_first)
            if column < 0:
                return
            lower[column] = 1.0
            self.master.bound_columns(lower, upper)
            now = self._cut_once()
            if (now is None or self.hopeless(now.bound)) and setbacks < SETBACKS:
                setbacks += 1
                lower[column] = upper[column] = 0.0
                self.master.bound_columns(lower, upper)
                now = self._cut_once()

    def _cut_once(self) -> Bound | None:
        """Solve, and once more where cuts are broken."""
        now = self.master.solve()
        if now is not None and not self.hopeless(now.bound) and self.master.separate(np.round(now.values, 6)):
            now = self.master.solve()
        return now

    def _surest(self, values: Floats, lower: Floats, upper: Floats, *, leaders_first: bool) -> int:
        """Return the undecided column that is nearest to one (−1: none); sure sites are opened on the way."""
        opened, n = self.columns.phases * self.columns.sites, self.columns.binaries
        undecided = np.where(lower[:n] < upper[:n], values[:n], -1.0)
        lower[:n][undecided > SURE] = 1.0
        undecided[undecided > SURE] = -1.0
        parts = (slice(opened, n), slice(0, opened)) if leaders_first else (slice(0, opened), slice(opened, n))
        for part in parts:
            if undecided[part].max(initial=-1.0) > WHOLE:
                return int(part.start + np.argmax(undecided[part]))
        return int(np.argmax(undecided)) if undecided.max(initial=-1.0) >= 0.0 else -1

    def _fix(self, last: Bound, lower: Floats, upper: Floats) -> None:
        """Fix columns that would cost more than the plan if they moved (in place)."""
        fix(last, self.value, lower, upper)

    def _settled(self, values: Floats) -> bool:
        """Whether a solution's sites are whole and a plan opens just them, which then is the node's best."""
        if not self._whole(values):
            return False
        n = self.columns.phases * self.columns.sites
        lower, upper = self.book.lower.copy(), self.book.upper.copy()
        lower[:n] = upper[:n] = np.round(values[:n])
        cost = np.zeros(self.columns.count)
        cost[n : self.columns.binaries] = -values[n : self.columns.binaries]
        found = self.book.solve(cost, lower=lower, upper=upper)
        if found is None:
            return False
        plan = plan_of(self.columns, found)
        self.offer(plan)
        same = np.array_equal(vector(self.columns, plan)[:n], np.round(values[:n]))
        return bool(same) and self._within(totals(self.columns, self.levels, plan))

    def _split(self, values: Floats, bound: float, node: Node) -> None:
        """Queue the two halves of the most promising branching."""
        choices = self._choices(values, node)
        if not choices:
            self.closed.append((bound, node))
            return
        scored = []
        if len(choices) > 1:
            basis = self.master.highs.getBasis()
            for n, halves in enumerate(choices):
                gains = []
                for half in halves:
                    self._enter(self.master, half)
                    self.master.highs.setBasis(basis)
                    gains.append(max(min(self.master.probe(PROBE_STEPS), self.value) - bound, 1e-6 * (1 + self.value)))
                scored.append((-gains[0] * gains[1], n))
            self._enter(self.master, node)
            self.master.highs.setBasis(basis)
        best = min(scored)[1] if scored else 0
        for half in choices[best]:
            self._push(bound, half)

    def _choices(self, values: Floats, node: Node) -> list[tuple[Node, Node]]:
        """Return the branchings to compare: sites in doubt, and halves of the leaders' places."""
        n = self.columns.binaries
        doubt = np.minimum(values[:n], 1.0 - values[:n])
        doubt[node.lower[:n] == node.upper[:n]] = -1.0
        sites = self.columns.phases * self.columns.sites
        some = [int(c) for c in np.argsort(-doubt[:sites], kind="stable")[:PROBED] if doubt[c] > WHOLE]
        choices = [_on_column(node, c) for c in some]
        for tier in range(self.columns.leading):
            halves = self._on_leaders(values, node, tier)
            choices += [halves] if halves else []
        if not choices:
            column = int(np.argmax(doubt)) if n else 0
            return [_on_column(node, column)] if n and doubt[column] >= 0.0 else []
        return choices

    def _on_leaders(self, values: Floats, node: Node, tier: int) -> tuple[Node, Node] | None:
        """Return two halves by how many leaders lie on one side of the area."""
        own = self.columns.leads(tier, np.arange(self.columns.sites))
        share = values[own]
        support = np.flatnonzero((share > WHOLE) & (share < 1.0 - WHOLE))
        if not len(support):
            return None
        far = self.book.between
        apart = far[np.ix_(support, support)]
        a, b = divmod(int(np.argmax(apart)), len(support))
        order = np.argsort(far[support[a]] - far[support[b]], kind="stable")
        order = order[node.upper[own[order]] > 0.0]
        sums = np.cumsum(share[order])
        fraction = np.abs(sums - np.floor(sums) - 0.5)
        at = int(np.argmin(fraction))
        if fraction[at] > 0.5 - WHOLE:
            return None
        whole = float(np.floor(sums[at]))
        index = np.sort(own[order[: at + 1]])
        row = Row("set", "", index, np.ones(len(index)), -INF, INF)
        few, many = SetBound(row, -INF, whole), SetBound(row, whole + 1.0, INF)
        upper = node.upper.copy()
        if whole == 0.0:
            upper[index] = 0.0
        return Node(node.lower, upper, (*node.sets, few)), Node(node.lower, node.upper, (*node.sets, many))


def _on_column(node: Node, column: int) -> tuple[Node, Node]:
    """Return the halves with a column at 0 and at 1."""
    upper, lower = node.upper.copy(), node.lower.copy()
    upper[column], lower[column] = 0.0, 1.0
    return Node(node.lower, upper, node.sets), Node(lower, node.upper, node.sets)


def fix(last: Bound, value: int, lower: Floats, upper: Floats) -> None:
    """Fix whole columns that would cost more than `value` if they moved (in place)."""
    room = value + WHOLE + ACCEPTED * value - last.bound
    whole = (lower == 0.0) & (upper == 1.0)
    lower[whole & (-last.reduced > room)] = 1.0
    upper[whole & (last.reduced > room)] = 0.0

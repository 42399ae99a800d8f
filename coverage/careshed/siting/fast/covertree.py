"""Branch and cut of maximal covering on what reduced costs have left.

Best bound first, but the more promising half of a node is looked at right after it, while the linear program is
still near; branched on the site that promises most, by what earlier branchings brought and, as long as there are
few of these, by trial (Achterberg, Koch, Martin 2005).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coverlp import Program, Relaxed
from careshed.siting.fast.coverodd import Triples
from careshed.siting.fast.coversearch import searched

__all__ = ["SLACK", "Incumbent", "Tree", "finished", "settled"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Progress = Callable[[float, float, str], None]
WHOLE = 1e-6
SLACK = 1e-6
"""What a bound may be short of a whole number and still count, in people."""
TRUSTED = 4
"""Branchings of a site each way after which its record is believed without trial."""
GROUPS = 200
"""Groups of rows in a linear program, about."""
STALLED = 10
SMALL = 1e-3
PROBED = 10
PROBE_STEPS = 40
ROUNDS = 6
WORTH = 0.02
"""A node is cut further while a round closes this share of the distance to the best plan."""


@dataclass(slots=True, eq=False)
class Incumbent:
    """The best plan so far, and who is told.

    Attributes
    ----------
    value
        People uncovered.
    opened
        Its sites, by their names outside.
    deadline
        Time (of :func:`time.monotonic`) at which to stop; None: never.
    progress
        Called with the value, the bound and a text.
    nodes
        Nodes solved.
    rounds
        Rounds of annealing so far.
    plans
        Sites of the plans that these ended in, by their names outside.
    """

    value: int
    opened: Ints
    deadline: float | None
    progress: Progress
    nodes: int = 0
    rounds: int = 0
    plans: list[Ints] = field(default_factory=list)

    @property
    def late(self) -> bool:
        """Whether time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def offer(self, cover: Cover, opened: Ints, value: int | None = None) -> bool:
        """Take a plan of positions in `cover` if it is better."""
        value = cover.uncovered(opened) if value is None else value
        if value < self.value:
            self.value, self.opened = value, cover.outside(opened)
            return True
        return False

    def hopeless(self, bound: float) -> bool:
        """Whether a bound leaves no room for a better plan: values are whole."""
        return bound > self.value - 1 + SLACK

    def fix(self, last: Relaxed, lower: Floats, upper: Floats) -> int:
        """Fix sites that no better plan opens, or closes (in place); return how many."""
        room = self.value - 1 + SLACK - last.bound
        free = lower < upper
        out, into = free & (last.reduced > room), free & (-last.reduced > room)
        upper[out], lower[into] = 0.0, 1.0
        return int(out.sum() + into.sum())

    def round(self, cover: Cover, x: Floats, *, steps: int = 30) -> bool:
        """Open the surest sites of a fractional solution, trade a little, and offer the plan."""
        order = np.argsort(-x, kind="stable")[: cover.p]
        value, opened = searched(cover, order[x[order] > WHOLE], steps=steps, patience=6, seed=self.nodes + 1)
        return self.offer(cover, opened, value)


def settled(x: Floats) -> bool:
    """Whether all sites are open or closed."""
    return bool(np.abs(x - np.round(x)).max(initial=0.0) < WHOLE)


class Tree:
    """One run of the branch and cut over one program.

    Parameters
    ----------
    program
        The linear program, its cuts found at the root.
    best
        The best plan so far.
    """

    def __init__(self, program: Program, best: Incumbent) -> None:
        self.program, self.best = program, best
        sites = program.cover.sites
        self.gain = np.zeros((2, sites))
        self.times = np.zeros((2, sites))
        self.heap: list[tuple[float, int, Floats, Floats]] = []
        self.count = 0
        self.now = np.inf

    @property
    def bound(self) -> float:
        """No plan leaves fewer people uncovered."""
        return min([float(self.best.value), self.now, *(node[0] for node in self.heap[:1])])

    def run(self, bound: float, lower: Floats, upper: Floats) -> float:
        """Search below a node until nothing is left or time is up; return the bound."""
        self._push(bound, lower, upper)
        while self.heap and not self.best.late:
            bound, _, lower, upper = heapq.heappop(self.heap)
            if self.best.hopeless(bound):
                continue
            self._plunge(bound, lower, upper)
        self.now = np.inf
        return self.bound

    def _push(self, bound: float, lower: Floats, upper: Floats) -> None:
        """Queue a node."""
        self.count += 1
        heapq.heappush(self.heap, (bound, self.count, lower, upper))

    def _plunge(self, bound: float, lower: Floats, upper: Floats) -> None:
        """Solve a node, then the better of its halves, and so on; queue the others."""
        while True:
            self.now = bound
            if self.best.late:
                self._push(bound, lower, upper)
                return
            last = self._solve(bound, lower, upper)
            if last is None:
                return
            bound = max(bound, last.bound)
            if self.program.stopped:
                self._push(bound, lower, upper)
                return
            column, up = self._choose(last, bound, lower, upper)
            halves = []
            for value in (0.0, 1.0):
                low, high = lower.copy(), upper.copy()
                low[column] = high[column] = value
                halves.append((low, high))
            first = int(up)
            self._push(bound, *halves[1 - first])
            lower, upper = halves[first]

    def _solve(self, bound: float, lower: Floats, upper: Floats) -> Relaxed | None:
        """Solve and cut a node and fix what can be (in place); None where nothing better is in it."""
        self.best.nodes += 1
        cover, n = self.program.cover, -1
        if lower.sum() > cover.p:
            return None
        while True:
            n += 1
            self.program.limit(lower, upper)
            last = self.program.solve()
            if last is None or self.best.hopeless(last.bound):
                return None
            if self.program.stopped:
                return last
            fixed = self.best.fix(last, lower, upper)
            step, bound = last.bound - bound, max(bound, last.bound)
            whole = settled(last.x)
            if whole:
                self.best.offer(cover, np.flatnonzero(last.x > 0.5))
            tired = not whole and not fixed and n and (n >= ROUNDS or step < WORTH * (self.best.value - bound))
            if tired or (not self.program.separate(last.x) and not fixed):
                break
        if self.best.nodes % 16 == 1 and self.best.round(cover, last.x):
            self.best.progress(float(self.best.value), self.bound, f"node {self.best.nodes}")
        if self.best.nodes % 64 == 0:
            self.best.progress(float(self.best.value), self.bound, f"node {self.best.nodes}")
        if self.best.hopeless(last.bound):
            return None
        return None if whole and self.best.hopeless(self._exact(last)) else last

    def _exact(self, last: Relaxed) -> float:
        """Return the people uncovered by a whole solution."""
        return float(self.program.cover.uncovered(np.flatnonzero(last.x > 0.5)))

    def _choose(self, last: Relaxed, bound: float, lower: Floats, upper: Floats) -> tuple[int, bool]:
        """Return the site to branch on, and whether to open it first."""
        x = last.x
        free = np.flatnonzero((lower < upper) & (np.minimum(x, 1.0 - x) > WHOLE))
        if not len(free):
            free = np.flatnonzero(lower < upper)
            return int(free[0]), True
        record = self.gain / np.maximum(self.times, 1.0)
        mean = [float(record[d][self.times[d] > 0].mean()) if (self.times[d] > 0).any() else 1.0 for d in (0, 1)]
        guess = [np.where(self.times[d] > 0, record[d], mean[d])[free] for d in (0, 1)]
        down, up = guess[0] * x[free], guess[1] * (1.0 - x[free])
        score = np.maximum(down, 1e-6) * np.maximum(up, 1e-6)
        order = np.argsort(-score, kind="stable")
        trial = [k for k in order[:PROBED].tolist() if self.times[:, free[k]].min() < TRUSTED]
        if trial:
            basis = self.program.highs.getBasis()
            for k in trial:
                j = int(free[k])
                rise = self._try(j, bound, lower, upper, basis)
                score[k] = max(rise[0], 1e-6) * max(rise[1], 1e-6)
                for d, part in ((0, x[j]), (1, 1.0 - x[j])):
                    self.gain[d, j] += rise[d] / part
                    self.times[d, j] += 1.0
            self.program.limit(lower, upper)
            self.program.highs.setBasis(basis)
        best = int(free[int(np.argmax(score))])
        return best, bool(x[best] > 0.5)

    def _try(self, j: int, bound: float, lower: Floats, upper: Floats, basis: Any) -> tuple[float, float]:
        """Return by how much the bound rises with a site closed, and open, as far as a few steps tell."""
        rises = []
        for value in (0.0, 1.0):
            low, high = lower.copy(), upper.copy()
            low[j] = high[j] = value
            self.program.limit(low, high)
            self.program.highs.setBasis(basis)
            found = self.program.probe(PROBE_STEPS)
            rises.append(max(min(found, float(self.best.value)) - bound, 0.0))
        return rises[0], rises[1]


def finished(cover: Cover, triples: Triples, core: Floats, best: Incumbent, bound: float) -> float:
    """Cut, then branch until nothing better is left or time is up; return the bound.

    Parameters
    ----------
    cover
        What is left to decide.
    triples
        Rows whose odd inequalities are in the program.
    core
        Shares of the sites, near the program's solution.
    best
        The best plan so far.
    bound
        No plan leaves fewer people uncovered.
    """
    lower, upper = np.zeros(cover.sites), np.ones(cover.sites)
    program = Program(cover, GROUPS, triples, deadline=best.deadline)
    last = _cut(program, best, lower, upper, core)
    if last is None:
        return float(best.value)
    return Tree(program, best).run(max(bound, last.bound), lower, upper)


def _cut(program: Program, best: Incumbent, lower: Floats, upper: Floats, core: Floats) -> Relaxed | None:
    """Cut until the bound stalls, at points between solutions (Ben-Ameur, Neto 2007), from `core` on.

    Fixes sites (in place); None where nothing better is left.
    """
    kept: Relaxed | None = None
    stalled, n = 0, 0
    while True:
        program.limit(lower, upper)
        last = program.solve()
        if last is None:
            return None
        stalled += 1
        if program.stopped:
            return kept or last
        if kept is None or last.bound > kept.bound:
            if kept is None or last.bound - kept.bound > SMALL * (best.value - kept.bound):
                stalled = 0
            kept = last
        if best.hopeless(kept.bound):
            return None
        fixed = best.fix(last, lower, upper)
        n += 1
        if n % 5 == 0:
            best.round(program.cover, last.x)
        core = 0.5 * (core + last.x)
        if best.late or stalled > STALLED or (not program.separate(core, last.x) and not fixed):
            return kept

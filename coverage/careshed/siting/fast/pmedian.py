"""The p-median without side rules: Lagrangian bound, interchange, and branch and bound on sites."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.siting.cut.costs import Costs
from careshed.siting.fast.found import Found
from careshed.siting.fast.interchange import greedy, improved, total_of
from careshed.siting.fast.lagrange import FADED, Climb, climb, climb_from, scale_of
from careshed.siting.fast.rows import CLOSED, FREE, OPEN, Rest, Rows, rest_of, rows_of

__all__ = ["p_median"]

Ints = npt.NDArray[np.int64]
Ints8 = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[float, float, str], None]

STEPS = 50
"""Steps of a climb between two looks at the clock, at plans and at what is decided."""
FIRST_PACE = 1.0
LATER_PACE = 0.6
"""A climb begins at this pace: at the root, and below it, where multipliers are nearly right."""
KICKS = 30
"""Local optima that are left again, at the root, in search of better ones."""
KICKED = 0.25
"""Share of a plan's sites that are then traded for others at random."""
WORTH_LEAVING_OUT = 0.1
"""Sites that were decided are taken out of the rows when they are this share of the free ones."""


def p_median(
    costs: Costs,
    p: int,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    start: npt.ArrayLike | None = None,
) -> Found:
    r"""Open *p* sites so that demand costs least, and prove it.

    .. math:: \min_{|S| = p} Σ_i w_i \min(b_i, \min_{j∈S} c_{ij})

    with weights *w*, costs *c*, and a base cost *b* that no row exceeds (Hakimi 1964; ReVelle, Swain 1970). Greedy
    choice and interchange give a plan, the Lagrangian relaxation of "one site for each row" a bound
    (:mod:`~careshed.siting.fast.lagrange`) and more plans; reduced costs decide most sites; what is left is
    branched on sites, best bound first, with the multipliers of the part it was split from.

    Parameters
    ----------
    costs
        Rows of demand with whole costs and weights, by any unit.
    p
        How many sites are open, from 1 to all.
    deadline
        Time (of :func:`time.monotonic`) at which to stop with the best plan and its true bound; None: never.
        An interrupt from the keyboard stops in the same way.
    progress
        Called with the best value, the bound and a text while it works.
    start
        Positions of *p* sites to begin with, beside the greedy choice.

    Returns
    -------
    Found
        Value and bound have ``costs.constant`` in them. The same input gives the same plan, one thread.

    Raises
    ------
    InputError
        Where *p* sites can't be open, or costs × weights are too large for exact sums.

    Examples
    --------
    >>> from careshed.siting.fast.table import costs_of
    >>> found = p_median(costs_of([[0, 4, 9], [4, 0, 5], [9, 5, 0]]), 2)
    >>> found.opened.tolist(), found.value, found.proven
    ([1, 2], 4, True)
    """
    if not 1 <= p <= costs.sites:
        raise InputError(f"{p} sites can't be open where there are {costs.sites} sites; ask for 1 to {costs.sites}")
    return _Tree(costs, p, deadline, progress or _silent, start).run()


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of the plans: what is decided about the tree's sites, and multipliers of all its rows."""

    state: Ints8
    u: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    """A part as it was entered, what it leaves, how many of those sites are open, and the climb there."""

    part: _Part
    rest: Rest
    p: int
    climb: Climb

    def after(self, bits: int) -> _Part:
        """Return the part with all that the climb has found out."""
        state, u = self.part.state.copy(), self.part.u.copy()
        state[self.rest.sites] = self.climb.state
        u[self.rest.source] = self.climb.best_u + (self.rest.least << bits)
        return _Part(state, u)


class _Tree:
    """One run of the branch and bound; totals are without the constant of `costs`.

    `rows` is what the decisions at the root leave, `sites` the positions of its sites, `always` those that are open
    in every better plan, and `spent` what is added to every total over `rows`.
    """

    def __init__(
        self, costs: Costs, p: int, deadline: float | None, tell: Progress, start: npt.ArrayLike | None
    ) -> None:
        self.costs, self.p, self.deadline, self.tell = costs, p, deadline, tell
        self.rows: Rows = rows_of(costs)
        self.sites: Ints = np.arange(costs.sites)
        self.always: Ints = np.empty(0, dtype=np.int64)
        self.spent = 0
        self.bits = scale_of(self.rows, p)
        if self.bits < 0:
            raise InputError("costs × weights are too large for exact sums in 62 bits; take coarser units")
        self.opened, self.value = self._first(start)
        self.heap: list[tuple[int, int, _Part]] = []
        self.floor: int | None = None
        """Scaled bound of the part in hand."""
        self.nodes = self.pushed = 0

    def run(self) -> Found:
        """Branch and bound until proven, late or interrupted."""
        u = (self.rows.base << self.bits) >> 1
        self._push(0, _Part(np.full(self.costs.sites, FREE, dtype=np.int8), u))
        try:
            while self.heap and not self._hopeless(self.heap[0][0]):
                self.floor, _, part = heapq.heappop(self.heap)
                self._explore(self.floor, part)
                self.floor = None
                if self._late:
                    break
        except KeyboardInterrupt:
            pass
        left = [bound for bound, *_ in self.heap] + ([] if self.floor is None else [self.floor])
        bound = self._shown(min(left, default=self.value << self.bits))
        return Found(
            np.sort(self.opened),
            self.value + self.costs.constant,
            bound,
            self.nodes,
            len(self.costs.base),
            "Lagrangian bound, interchange, branch and bound on sites",
        )

    @property
    def _late(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def _hopeless(self, bound: int) -> bool:
        """Whether nothing above a scaled bound is better than the plan: costs are whole."""
        return bound > (self.value - 1) << self.bits

    def _shown(self, bound: int) -> float:
        """Return a scaled bound in units, the constant in it; the value where they meet."""
        met = self._hopeless(bound)
        return float(self.costs.constant + (self.value if met else bound / (1 << self.bits)))

    def _push(self, bound: int, part: _Part) -> None:
        """Queue a part; of equals the last is first."""
        self.pushed += 1
        heapq.heappush(self.heap, (bound, -self.pushed, part))

    def _first(self, start: npt.ArrayLike | None) -> tuple[Ints, int]:
        """Return a first plan and its total."""
        sites = self.costs.sites
        begun = [greedy(self.rows, sites, self.p)]
        if start is not None:
            given = np.unique(np.asarray(start, dtype=np.int64))
            if len(given) != self.p or given[0] < 0 or given[-1] >= sites:
                raise InputError(f"the plan to start from has {len(given)} of {sites} sites open; give {self.p}")
            begun.append(given)
        return min((improved(self.rows, sites, plan) for plan in begun), key=lambda plan: plan[1])

    def _offer(self, visit: _Visit, chosen: Bools) -> None:
        """Take a plan, chosen of what a part leaves, if it is better; at the root also what interchange makes of it."""
        total = self.spent + visit.rest.constant + total_of(visit.rest.rows, chosen)
        if total < self.value or self.nodes == 1:
            plan = np.concatenate([np.flatnonzero(visit.part.state == OPEN), visit.rest.sites[chosen]])
            self._take(*improved(self.rows, len(self.sites), plan))

    def _enter(self, part: _Part, pace: float) -> _Visit | None:
        """Return a visit of a part; None where there is nothing left to choose, which is looked at."""
        rest = rest_of(self.rows, part.state)
        u = np.clip(part.u[rest.source] - (rest.least << self.bits), 0, rest.rows.base << self.bits)
        p = self.p - len(self.always) - int((part.state == OPEN).sum())
        visit = _Visit(part, rest, p, climb_from(u, len(rest.sites), pace))
        if 0 < p < len(rest.sites):
            return visit
        if p in {0, len(rest.sites)}:
            self._offer(visit, np.full(len(rest.sites), p > 0))
        return None

    def _explore(self, floor: int, part: _Part) -> None:
        """Climb in a part of the plans, and close it or queue its two halves."""
        self.nodes += 1
        visit = self._enter(part, FIRST_PACE if self.nodes == 1 else LATER_PACE)
        while visit is not None:
            floor = self._climbed(floor, visit)
            if self._hopeless(floor):
                return
            part, pace = visit.after(self.bits), float(visit.climb.pace[0])
            if self._late:
                self._push(floor, part)
                return
            if pace < FADED:
                self._branch(floor, part, visit)
                return
            if (visit.climb.state != FREE).sum() > WORTH_LEAVING_OUT * len(visit.rest.sites):
                visit = self._enter(part, pace)

    def _climbed(self, floor: int, visit: _Visit) -> int:
        """Climb some steps, look at the sites chosen, and return the bound of the part, at least `floor`, scaled."""
        before = self.spent + visit.rest.constant
        aim = (self.value - before) << self.bits
        climb(visit.rest.rows, visit.p, self.bits, visit.climb, aim - (1 << self.bits), aim, STEPS)
        self._offer(visit, visit.climb.chosen)
        bound = max(floor, (before << self.bits) + int(visit.climb.figures[0]))
        self.floor = bound
        least = min([bound, *(b for b, *_ in self.heap[:1])])
        self.tell(float(self.value + self.costs.constant), self._shown(least), f"node {self.nodes}")
        return bound

    def _branch(self, floor: int, part: _Part, visit: _Visit) -> None:
        """Queue the halves with and without a site."""
        share = np.zeros(len(part.state))
        share[visit.rest.sites] = visit.climb.share
        share[part.state != FREE] = 0.0
        if self.nodes == 1:
            left = np.flatnonzero(part.state == FREE)
            part, share = self._narrowed(part), share[left]
            if self._kicked(np.argsort(-share, kind="stable")[: self.p - len(self.always)]):
                self._push(floor, part)
                return
        site = int(np.argmin(np.abs(share - 0.5)))
        for decided in (CLOSED, OPEN):
            half = _Part(part.state.copy(), part.u)
            half.state[site] = decided
            self._push(floor, half)

    def _narrowed(self, part: _Part) -> _Part:
        """Leave out of the tree what is decided at the root, and return the root in what is left."""
        rest = rest_of(self.rows, part.state)
        self.always = self.sites[part.state == OPEN]
        self.sites = self.sites[rest.sites]
        self.rows = rest.rows
        self.spent += rest.constant
        return _Part(np.zeros(len(rest.sites), dtype=np.int8), part.u[rest.source] - (rest.least << self.bits))

    def _kicked(self, plan: Ints) -> bool:
        """Look for a better plan by trading sites at random (Lourenço, Martin, Stützle 2003); say if there was one."""
        before, rng = self.value, np.random.default_rng(0)
        plan, least = improved(self.rows, len(self.sites), plan)
        for _ in range(KICKS):
            self._take(plan, least)
            if self._late:
                break
            others = np.setdiff1d(np.arange(len(self.sites)), plan)
            count = min(max(2, round(KICKED * len(plan))), len(plan), len(others))
            tried = plan.copy()
            tried[rng.choice(len(plan), count, replace=False)] = rng.choice(others, count, replace=False)
            tried, total = improved(self.rows, len(self.sites), tried)
            if total <= least:
                plan, least = tried, total
        self._take(plan, least)
        return self.value < before

    def _take(self, plan: Ints, total: int) -> None:
        """Take a plan of the tree's sites if it is better than the best."""
        if total + self.spent < self.value:
            self.opened, self.value = np.concatenate([self.always, self.sites[plan]]), int(total + self.spent)

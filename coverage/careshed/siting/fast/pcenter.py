r"""p-center: open p sites so that the worst served row is served as well as can be (Hakimi 1964; Minieka 1970).

.. math:: \min_{|S| = p} \; \max_i \, \min(b_i, \min_{j∈S} c_{ij})

The value is one of the costs. Whether it can be at most *r* is a set cover with the pairs of cost ≤ r: a binary
search over the costs between a lower and an upper bound. Each cover is sought for a few rows first; where it leaves
others too dear, the dearest of these that share no site are added (Chen and Handler 1987; Contardo, Iori, Kramer
2019). A cover of few rows that can't be had proves that none of all rows can.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.errors import InputError
from careshed.siting.fast.found import Found
from careshed.siting.fast.setcover import Cover, set_cover
from careshed.siting.problem import SitingProblem

__all__ = ["CostRows", "p_center"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
MORE = 2
"""One row in so many is added, at least, while that many are served too dear."""
Progress = Callable[[float, float, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class CostRows:
    """Rows of demand with their sites from cheap to dear, costs as they are.

    Attributes
    ----------
    starts
        Row *i* has the entries ``starts[i]:starts[i + 1]``, int64, shape (rows + 1,).
    site, cost
        Site and cost, by (cost, site); costs below `base` only.
    base
        Cost where no listed site is open, int64, shape (rows,).
    sites
        How many sites there are.
    demand
        Position of each row in the demand that was given, int64, shape (rows,).
    unreached
        Demand with weight that no site reaches: in no row, int64.
    """

    starts: Ints
    site: Ints32
    cost: Ints32
    base: Ints
    sites: int
    demand: Ints
    unreached: Ints

    @classmethod
    def build(cls, site: Ints32, demand: Ints32, cost: Ints32, *, base: int, weights: Ints, always: Bools) -> Self:
        """Make rows from pairs; sites in `always` are open whatever is chosen and lower a row's base.

        Demand without weight is left out, demand that no site reaches (no pair at all) is `unreached`.
        """
        reached = np.zeros(len(weights), dtype=bool)
        reached[demand] = True
        floor = np.full(len(weights), base, dtype=np.int64)
        own = always[site]
        np.minimum.at(floor, demand[own], cost[own])
        used = np.flatnonzero(reached & (weights > 0))
        keep = ~own & (cost < floor[demand]) & (weights[demand] > 0)
        site, demand, cost = site[keep], demand[keep], cost[keep]
        order = np.lexsort((site, cost, demand))
        first = np.searchsorted(demand[order], used)
        starts = np.append(first, len(order)).astype(np.int64)
        unreached = np.flatnonzero(~reached & (weights > 0))
        return cls(starts, site[order], cost[order], floor[used], len(always), used, unreached)

    @classmethod
    def of(cls, problem: SitingProblem) -> Self:
        """Make the rows of a problem: times in ms, the cutoff where nobody serves."""
        site, demand, ms = problem.pairs()
        return cls.build(site, demand, ms, base=problem.cutoff_ms, weights=problem.weights, always=problem.existing)

    @classmethod
    def of_matrix(cls, table: npt.ArrayLike) -> Self:
        """Make rows from whole costs below 2³¹ − 1, shape (demand, sites), every pair known."""
        table = np.asarray(table, dtype=np.int64)
        rows, sites = table.shape
        order = np.argsort(table, axis=1, kind="stable").astype(np.int32)
        cost = np.take_along_axis(table, order, axis=1).astype(np.int32)
        base = np.full(rows, int(table.max(initial=0)) + 1, dtype=np.int64)
        starts = np.arange(rows + 1, dtype=np.int64) * sites
        return cls(starts, order.ravel(), cost.ravel(), base, sites, np.arange(rows), np.zeros(0, dtype=np.int64))

    def served(self, opened: Ints) -> Ints:
        """Return each row's cost with the sites `opened`."""
        is_open = np.zeros(self.sites, dtype=bool)
        is_open[opened] = True
        return np.asarray(_served(self.starts, self.site, self.cost, self.base, is_open), dtype=np.int64)


def p_center(rows: CostRows, p: int, *, deadline: float | None = None, progress: Progress | None = None) -> Found:
    """Open `p` sites such that the greatest cost of any row is least, with the proof.

    Parameters
    ----------
    rows
        Demand and costs.
    p
        How many sites to open (all, where there are fewer).
    deadline
        Stop at this time of :func:`time.monotonic` with the best choice and the bound so far. An interrupt from
        the keyboard stops in the same way.
    progress
        Called with the best value, the bound and a text.

    Raises
    ------
    InputError
        If `p` is negative.

    Examples
    --------
    >>> found = p_center(CostRows.of_matrix([[0, 4, 9], [4, 0, 5], [9, 5, 0]]), 2)
    >>> found.opened.tolist(), found.value, found.proven
    ([0, 2], 4, True)
    """
    if p < 0:
        raise InputError(f"p={p}: expected a whole number from 0 up")
    search = _Search.begin(rows, min(p, rows.sites))
    with suppress(KeyboardInterrupt):
        while not search.done and (deadline is None or time.monotonic() < deadline):
            if progress is not None:
                progress(search.value, search.bound, f"{len(search.chosen)} of {len(rows.base)} rows looked at")
            search.step(deadline)
    opened = _filled(rows, search.best, search.p)
    text = f"binary search over {search.steps} radii, set covers of {len(search.chosen)} of {len(rows.base)} rows"
    if len(rows.unreached):
        text += f"; {len(rows.unreached)} demand points that no site reaches left out"
    return Found(opened, search.value, float(search.bound), search.nodes, len(search.chosen), text)


@dataclass(slots=True, eq=False)
class _Search:
    """A binary search between `radii[low]`, which no choice beats, and the value of `best`.

    Attributes
    ----------
    chosen
        Rows that covers are sought for.
    doubt
        Radii before this one are below `low`, or were asked about without a quick answer.
    """

    rows: CostRows
    p: int
    best: Ints
    value: int
    radii: Ints
    chosen: Ints
    low: int = 0
    doubt: int = 0
    steps: int = 0
    nodes: int = 0

    @classmethod
    def begin(cls, rows: CostRows, p: int) -> Self:
        """Start from the choice that always opens the cheapest site of the worst row (González 1985)."""
        if not len(rows.base):
            none = np.zeros(0, dtype=np.int64)
            return cls(rows, p, none, 0, np.zeros(1, dtype=np.int64), none)
        best, chosen = _farthest(rows.starts, rows.site, rows.cost, rows.base, rows.sites, p)
        value = int(rows.served(best).max())
        has = np.diff(rows.starts) > 0
        least = rows.base.copy()
        least[has] = rows.cost[rows.starts[:-1][has]]
        if p == 0:
            least = rows.base
        floor = int(least.max())
        levels = [values[(values >= floor) & (values <= value)] for values in (rows.cost, rows.base)]
        radii = np.unique(np.concatenate([*levels, [floor]])).astype(np.int64)
        return cls(rows, p, best, value, radii, np.unique(chosen))

    @property
    def bound(self) -> int:
        """No choice has a smaller value."""
        return min(int(self.radii[self.low]), self.value)

    @property
    def done(self) -> bool:
        """Whether the value is proven."""
        return self.bound == self.value

    def step(self, deadline: float | None) -> None:
        """Ask about a radius halfway as far as that is quick, and in the end just below the best value."""
        high = int(np.searchsorted(self.radii, self.value))
        quick = self.doubt < high
        at = (self.doubt + high) // 2 if quick else high - 1
        self.steps += 1
        answer = self._decided(int(self.radii[at]), deadline, branch=not quick)
        if answer is False:
            self.low = at + 1
        if quick and not answer:
            self.doubt = at + 1
        elif answer:
            self.doubt = max(self.doubt, self.low) if quick else self.low

    def _decided(self, radius: int, deadline: float | None, *, branch: bool) -> bool | None:
        """Return whether a choice has a value of at most `radius`; None where that stays open."""
        while deadline is None or time.monotonic() < deadline:
            cover = self._cover(radius, deadline, branch=branch)
            if cover.bound > self.p:
                return False
            if len(cover.opened) > self.p:
                return None
            served = self.rows.served(cover.opened)
            worst = int(served.max())
            if worst < self.value:
                self.best, self.value = cover.opened, worst
            if worst <= radius:
                return True
            more = _apart(self.rows.starts, self.rows.site, self.rows.cost, served, radius, self.rows.sites)
            far = np.argsort(-served, kind="stable")[: len(self.chosen) // MORE]
            self.chosen = np.unique(np.concatenate([self.chosen, more, far[served[far] > radius]]))
        return None

    def _cover(self, radius: int, deadline: float | None, *, branch: bool) -> Cover:
        """Seek a cover of the chosen rows within `radius` with at most p sites."""
        asking = self.chosen[self.rows.base[self.chosen] > radius]
        starts, site = _near(self.rows.starts, self.rows.site, self.rows.cost, asking, radius)
        cover = set_cover(starts, site, self.rows.sites, at_most=self.p, branch=branch, deadline=deadline)
        self.nodes += cover.nodes
        return cover


def _filled(rows: CostRows, opened: Ints, p: int) -> Ints:
    """Return `opened` with more sites up to `p`: those nearest to the worst rows, then any."""
    is_open = np.zeros(rows.sites, dtype=bool)
    is_open[opened] = True
    if len(opened) < p and len(rows.base):
        worst = np.argsort(-rows.served(opened), kind="stable")
        first = rows.starts[worst][np.diff(rows.starts)[worst] > 0]
        nearest = rows.site[first]
        wanted = nearest[np.sort(np.unique(nearest, return_index=True)[1])]
        is_open[wanted[~is_open[wanted]][: p - len(opened)]] = True
    closed = np.flatnonzero(~is_open)
    is_open[closed[: max(p - np.count_nonzero(is_open), 0)]] = True
    return np.flatnonzero(is_open).astype(np.int64)


@njit(cache=True, nogil=True)
def _served(
    starts: Ints, site: Ints32, cost: Ints32, base: Ints, is_open: Bools
) -> Ints:  # pragma: no cover - compiled
    """Return the cost of each row at its cheapest open site."""
    served = base.copy()
    for i in range(len(base)):
        for t in range(starts[i], starts[i + 1]):
            if is_open[site[t]]:
                served[i] = cost[t]
                break
    return served


@njit(cache=True, nogil=True)
def _farthest(
    starts: Ints, site: Ints32, cost: Ints32, base: Ints, sites: int, p: int
) -> tuple[Ints, Ints]:  # pragma: no cover - compiled
    """Open the cheapest site of the worst row, p times; return the sites and the rows that were worst."""
    is_open = np.zeros(sites, dtype=np.bool_)
    opened = np.empty(p, dtype=np.int64)
    rows = np.empty(p + 1, dtype=np.int64)
    count = 0
    while True:
        worst, most = 0, np.int64(-1)
        for i in range(len(base)):
            now = base[i]
            for t in range(starts[i], starts[i + 1]):
                if is_open[site[t]]:
                    now = cost[t]
                    break
            if now > most:
                worst, most = i, now
        rows[count] = worst
        begin = starts[worst]
        if count == p or begin == starts[worst + 1] or is_open[site[begin]]:
            return opened[:count], rows[: count + 1]
        is_open[site[begin]] = True
        opened[count] = site[begin]
        count += 1


@njit(cache=True, nogil=True)
def _near(
    starts: Ints, site: Ints32, cost: Ints32, rows: Ints, radius: int
) -> tuple[Ints, Ints32]:  # pragma: no cover - compiled
    """Return the sites within `radius` of the given rows, as starts and sites."""
    begin = np.zeros(len(rows) + 1, dtype=np.int64)
    for n in range(len(rows)):
        first, last = starts[rows[n]], starts[rows[n] + 1]
        begin[n + 1] = begin[n] + np.searchsorted(cost[first:last], radius, side="right")
    near = np.empty(begin[-1], dtype=np.int32)
    for n in range(len(rows)):
        first = starts[rows[n]]
        near[begin[n] : begin[n + 1]] = site[first : first + begin[n + 1] - begin[n]]
    return begin, near


@njit(cache=True, nogil=True)
def _apart(
    starts: Ints, site: Ints32, cost: Ints32, served: Ints, radius: int, sites: int
) -> Ints:  # pragma: no cover - compiled
    """Return rows served beyond `radius` that share no site within it, the worst first."""
    taken = np.zeros(sites, dtype=np.bool_)
    picked = np.empty(len(served), dtype=np.int64)
    count = 0
    for i in np.argsort(-served, kind="mergesort"):
        if served[i] <= radius:
            break
        free = True
        for t in range(starts[i], starts[i + 1]):
            if cost[t] > radius:
                break
            if taken[site[t]]:
                free = False
                break
        if not free:
            continue
        picked[count] = i
        count += 1
        for t in range(starts[i], starts[i + 1]):
            if cost[t] > radius:
                break
            taken[site[t]] = True
    return picked[:count]

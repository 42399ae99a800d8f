r"""Maximal covering without side rules, proven (Church, ReVelle 1974).

.. math:: \min_{|S| ≤ p} Σ_i w_i [S ∩ N_i = ∅]

with rows *i* of :math:`w_i` people, reached by the sites :math:`N_i`. In turn:

1. equal rows are made one, dominated sites left out (:mod:`~careshed.siting.fast.collapse`);
2. greedy, tabu search and annealing find a plan (:mod:`~careshed.siting.fast.coversearch`);
3. prices of rows give a bound, by which most sites can't be in a better plan; what is left is made smaller
   again, and so on (:mod:`~careshed.siting.fast.coverdual`);
4. the linear program by cuts, then the same with odd sets of rows as long as they pay
   (:mod:`~careshed.siting.fast.coverlp`, :mod:`~careshed.siting.fast.coverodd`); reduced costs shrink again;
5. branch and cut on the rest (:mod:`~careshed.siting.fast.covertree`).

Notes
-----
What each part gave, on one thread of a busy machine:

- A million points by 500 sites, some 9,000, 21,000 and 38,000 rows: prices alone leave 18, 76 and 306 sites, in 0.1 to
  1 s; the proof takes no more than 15 nodes after that, with or without odd sets. p = 60 is proven too.
- Published instances in which people stand at each candidate (Máximo, Cordeau, Nascimento 2023): equal rows are rare
  and dominated sites few (New York 400 m: 2,713 to 2,320 sites; Bronx 600 m: 3,839 to 3,159). Prices come within 0.1
  to 0.4 % of the linear program, which itself is 0.2 to 0.6 % above the best plan; for Kings they meet the best plan.
  Some 150 to 300 triples of rows with their odd inequality close a third to two thirds of the distance (New York,
  p = 70: 1,400,966 to 1,397,911, best 1,396,333; p = 90: 1,548,872 to 1,545,814, best 1,539,992) in a few more
  linear programs of equal size. What is left open there is this distance.
- The trading search alone stays 0.2 to 1.4 % below the best plan on these, and longer runs hardly help; annealing with
  trades of any two sites comes to 0.1 to 0.4 % in the same time. Three trades in four with a neighbour, a site that
  reaches one of the same rows, come to 0 to 0.1 %. Then the sites of small reduced cost are annealed on their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.siting.cut.costs import Costs
from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coverdual import priced
from careshed.siting.fast.coverlp import Program, Relaxed
from careshed.siting.fast.coversaddle import Point, ascended, carried, first_point, set_aside, widened
from careshed.siting.fast.coversearch import annealed, greedy, searched
from careshed.siting.fast.covertree import SLACK, Incumbent, Tree
from careshed.siting.fast.found import Found

__all__ = ["max_cover"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[float, float, str], None]
GROUPS = 200
"""Groups of rows in a linear program, about."""
STEPS = 1500
"""Trades of one search."""
PRICED = 400
"""Steps of one ascent of the prices."""
SHRINK = 0.8
"""What is left is laid out anew where at most this share of the sites is left."""
MANY = 100
"""So many sites are worth annealing."""
HEATS = (0.1, 0.07, 0.05)
SWEEPS = 100
"""Annealing looks at each trade about so many times."""
MOVES = 20_000_000
"""… and at no more trades than this …"""
WORK = 60_000_000_000
"""… nor than so much work, where a trade touches the rows of two sites and the sites of each."""
NEAR = 0.25
"""Sites whose reduced cost is at most this share of the gap are annealed on their own."""
ROUNDS = 40
"""Rounds of odd sets."""
RAISED = 1500
"""Steps of one round …"""
LOOKS = 800_000_000
"""… and pairs of rows and sites looked at in one."""
FEW = 150
"""So few sites are branched on at once."""
WORTH = 0.03
"""Rounds of odd sets that close less of the distance to the best plan …"""
KEEP = 0.98
"""… and leave more of the sites …"""
STALLED = 3
"""… are the last ones where there are so many of them."""
STILL = 10
SMALL = 1e-3


def max_cover(
    costs: Costs,
    p: int,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    start: Ints | None = None,
) -> Found:
    """Return *p* sites that leave the fewest people uncovered.

    Parameters
    ----------
    costs
        Coverage as costs: 0 where a site reaches a row, the row's base where none does.
    p
        How many sites are opened.
    deadline
        Time (of :func:`time.monotonic`) at which to stop; None: never.
    progress
        Called with the people uncovered by the best plan, the bound and a text.
    start
        Positions of sites to begin with; None: greedy.

    Returns
    -------
    Found
        Its value is the people uncovered, `costs.constant` left out.

    Raises
    ------
    InputError
        If *p* is no number of sites, or some cost lies between 0 and the base.

    Examples
    --------
    >>> pairs = np.array([[0, 0, 1, 1, 2], [0, 1, 1, 2, 3]], dtype=np.int32)
    >>> people, none = np.array([5, 1, 4, 3]), np.zeros(3, dtype=bool)
    >>> costs = Costs.build(*pairs, np.zeros(5, dtype=np.int32), base=1, weights=people, always=none, groups=1)
    >>> found = max_cover(costs, 2)
    >>> found.opened.tolist(), found.value, found.proven
    ([0, 1], 3, True)
    """
    if not 0 <= p <= costs.sites:
        raise InputError(f"p={p}: expected 0 to {costs.sites}, the number of sites")
    if costs.cost.any():
        raise InputError("costs: some lie between 0 and the base; maximal covering knows reached and not reached only")
    cover = Cover.of(costs, p).reduced()
    best = Incumbent(1 << 62, np.zeros(0, dtype=np.int64), deadline, progress or _silent)
    first = greedy(cover) if start is None else cover.inside(start)
    value, opened = searched(cover, first, steps=1 if best.late else STEPS)
    best.offer(cover, opened, value)
    bound = min(_proven(cover, best), float(best.value))
    rest = np.setdiff1d(np.arange(costs.sites), best.opened)
    opened = np.sort(np.concatenate([best.opened, rest[: p - len(best.opened)]]))
    method = "aggregation, prices, cuts with odd sets, branch and cut"
    return Found(opened, best.value, bound, best.nodes, cover.rows, method)


def _proven(cover: Cover, best: Incumbent) -> float:
    """Shrink, cut and branch until nothing better is left; return the bound."""
    cover, bound = _priced_out(cover, best, float(cover.spent))
    if cover.sites > MANY and not best.hopeless(bound) and _longer(cover, best):
        cover, bound = _priced_out(cover, best, bound)
    point = first_point(cover)
    while cover.rows and cover.p and not best.hopeless(bound):
        if best.late:
            return bound
        cover, bound, point = _raised(cover, best, bound, point)
        if best.late or best.hopeless(bound):
            continue
        lower, upper = np.zeros(cover.sites), np.ones(cover.sites)
        program = Program(cover, GROUPS, set_aside(cover, point))
        last = _cut(program, best, lower, upper, point.x)
        if last is None:
            break
        bound = max(bound, last.bound)
        left = int((lower < upper).sum())
        best.progress(float(best.value), min(bound, float(best.value)), f"program: {left} sites in doubt")
        if best.late or left > SHRINK * cover.sites or left <= FEW:
            return Tree(program, best).run(bound, lower, upper)
        cover, point = _left(cover, point, upper < 1.0, lower > 0.0)
        _again(cover, best)
        _longer(cover, best)
    return float(best.value)


def _left(cover: Cover, point: Point, out: Bools, into: Bools) -> tuple[Cover, Point]:
    """Close and open sites; return what is left."""
    smaller = cover.without(out, into).reduced()
    return smaller, carried(cover, smaller, point)


def _raised(cover: Cover, best: Incumbent, bound: float, point: Point) -> tuple[Cover, float, Point]:
    """Raise the bound by prices of rows and of ever more odd sets, as long as it pays; leave out what can't be better.

    Returns what is left, the bound and where the prices stand.
    """
    stalled = 0
    for n in range(ROUNDS):
        if not (cover.rows and 0 < cover.p < cover.sites) or best.late:
            break
        steps = max(min(RAISED, LOOKS // (len(cover.site) + 1)), 100)
        last = ascended(cover, best.value - 1 + SMALL, point, steps=steps)
        rise = last.bound - bound
        bound = max(bound, last.bound)
        best.round(cover, last.point.x, steps=200)
        tale = f"odd sets: {cover.sites} sites, {cover.rows} rows, {len(point.three)} sets"
        best.progress(float(best.value), min(bound, float(best.value)), tale)
        if best.hopeless(bound):
            break
        if n == 0:
            far = last.reduced > NEAR * (best.value - last.bound)
            _longer(cover.without(far, np.zeros_like(far)), best)
        room = best.value - 1 - last.bound + SLACK
        before = cover.sites
        cover, point = _left(cover, last.point, last.reduced > room, -last.reduced > room)
        wider = widened(cover, point)
        stalled = stalled + 1 if rise < WORTH * (best.value - bound) and cover.sites > KEEP * before else 0
        if wider is None or stalled == STALLED or cover.sites <= FEW:
            break
        point = wider
    return cover, bound, point


def _priced_out(cover: Cover, best: Incumbent, bound: float) -> tuple[Cover, float]:
    """Leave out what prices show to be in no better plan, as long as it pays; return what is left, and the bound."""
    while cover.rows and 0 < cover.p < cover.sites and not best.late and not best.hopeless(bound):
        prices = priced(cover, best.value, steps=PRICED)
        bound = max(bound, float(prices.bound))
        best.round(cover, prices.mean, steps=200)
        room = best.value - 1 - prices.bound
        out, into = prices.reduced > room, -prices.reduced > room
        best.progress(float(best.value), min(bound, best.value), f"prices: {cover.sites} sites, {cover.rows} rows")
        if best.hopeless(bound) or not (out | into).any():
            break
        before = cover.sites
        cover = cover.without(out, into).reduced()
        _again(cover, best)
        if cover.sites > SHRINK * before:
            break
    return cover, bound


def _again(cover: Cover, best: Incumbent) -> None:
    """Search in what is left, from the best plan."""
    value, opened = searched(cover, cover.inside(best.opened), steps=STEPS)
    best.offer(cover, opened, value)


def _longer(cover: Cover, best: Incumbent) -> bool:
    """Look for a better plan for longer; return whether there was one."""
    before = best.value
    for seed, hot in enumerate(HEATS if cover.sites > MANY and cover.p else (), start=1):
        if not best.late:
            touched = max((len(cover.row) // cover.sites) * (len(cover.site) // max(cover.rows, 1)), 1)
            moves = min(SWEEPS * cover.p * cover.sites, MOVES, WORK // touched)
            value, opened = annealed(cover, cover.inside(best.opened), moves=moves, hot=hot, seed=seed)
            best.offer(cover, opened, value)
    return best.value < before


def _cut(program: Program, best: Incumbent, lower: Floats, upper: Floats, core: Floats | None) -> Relaxed | None:
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
        core = last.x if core is None else 0.5 * (core + last.x)
        if best.late or stalled > STILL or (not program.separate(core, last.x) and not fixed):
            return kept


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""

r"""Maximal covering without side rules, proven (Church, ReVelle 1974).

.. math:: \min_{|S| ≤ p} Σ_i w_i [S ∩ N_i = ∅]

with rows *i* of :math:`w_i` people, reached by the sites :math:`N_i`. In turn:

1. equal rows are made one, dominated sites left out (:mod:`~careshed.siting.fast.collapse`);
2. greedy, tabu search and annealing find a plan (:mod:`~careshed.siting.fast.coversearch`);
3. prices of rows give a bound, by which most sites can't be in a better plan; what is left is made smaller
   again, and so on (:mod:`~careshed.siting.fast.coverdual`);
4. prices of rows and of odd sets of rows, to near the linear program's bound, in rounds: those odd sets are added that
   the shares of the sites break, what prices rule out is left out
   (:mod:`~careshed.siting.fast.coversaddle`, :mod:`~careshed.siting.fast.coverodd`);
5. branching on sites, each node in the same way, until few sites are left
   (:mod:`~careshed.siting.fast.coverbranch`), then branch and cut with a linear program of these
   (:mod:`~careshed.siting.fast.covertree`, :mod:`~careshed.siting.fast.coverlp`).

Notes
-----
What each part gave, on one thread of a busy machine:

- A million points by 500 sites, some 9,000, 21,000 and 38,000 rows: prices alone leave 18, 76 and 306 sites, in 0.1 to
  1 s; the proof takes no more than 15 nodes after that, with or without odd sets. p = 60 is proven too.
- Published instances in which people stand at each candidate (Máximo, Cordeau, Nascimento 2023): equal rows are rare
  and dominated sites few (New York 400 m: 2,713 to 2,320 sites; Bronx 600 m: 3,839 to 3,159). The linear program is
  0.2 to 0.6 % above the best plan; for Kings quick prices meet the best plan. Primal-dual steps come within 0.01 % of
  the linear program in 1 s (New York) to 3 s (San Francisco), where cuts in HiGHS took 3 and 12 s.
- Triples of rows with their odd inequality close half to three quarters of the distance when a row's people may stand
  in several: New York, p = 70: 0.33 to 0.07 % in 5 s, Bronx, p = 50: 0.62 to 0.28 % in 11 s, San Francisco: 0.60 to
  0.34 % in 20 s. With each person in one triple, so that the program falls apart by rows, it was 0.11, 0.37 and 0.46 %.
  Odd sets of five rows bring as much again as the last rounds of triples (New York, p = 70: 0.068 to 0.048 %; Bronx,
  p = 50: 0.257 to 0.231 %), but finding them takes as long as all the rest.
- Branching, New York, p = 70: a site near a half brings 0.01 to 0.04 % each way; how many sites open in a region of
  some 70 to 500 sites, 0 to 0.014 %; whether a heavy row is reached, 0.02 %. With the best plan known, p = 70 is proven
  in 82 nodes and 26 s, p = 80 in some 50; nodes solved by primal-dual steps take 0.3 s, with the linear program 1 s or
  more. p = 90 stays open at 0.24 % after 70 s, Bronx, p = 60 at 0.37 % after 25 s.
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
from careshed.siting.fast.coverbranch import FEW, Node, branched, raised
from careshed.siting.fast.coverdual import priced
from careshed.siting.fast.coversaddle import first_point
from careshed.siting.fast.coversearch import annealed, greedy, searched
from careshed.siting.fast.covertree import Incumbent
from careshed.siting.fast.found import Found

__all__ = ["max_cover"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[float, float, str], None]
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
ROUNDS = 40
"""Rounds of odd sets."""
RAISED = 1500
"""Steps of one round."""


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
    """Shrink and branch until nothing better is left; return the bound."""
    cover, bound = _priced_out(cover, best, float(cover.spent))
    if cover.sites > MANY and not best.hopeless(bound) and _longer(cover, best):
        cover, bound = _priced_out(cover, best, bound)
    node = Node(bound, cover, first_point(cover))
    while cover.sites > FEW and not best.late and not best.hopeless(node.bound):
        node = raised(node, best, rounds=ROUNDS, steps=RAISED)
        if not _longer(node.cover, best):
            break
    return branched(node, best)


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


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""

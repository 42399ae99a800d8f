r"""Maximal covering without side rules, proven (Church, ReVelle 1974).

.. math:: \min_{|S| ≤ p} Σ_i w_i [S ∩ N_i = ∅]

with rows *i* of :math:`w_i` people, reached by the sites :math:`N_i`. In turn:

1. equal rows are made one, dominated sites left out (:mod:`~careshed.siting.fast.collapse`);
2. greedy and tabu search find a plan (:mod:`~careshed.siting.fast.coversearch`);
3. prices of rows give a bound, by which most sites can't be in a better plan; what is left is made smaller
   again, and so on (:mod:`~careshed.siting.fast.coverdual`);
4. where many sites are left, plans are annealed and the best plan of their sites together is sought by all of this
   (:mod:`~careshed.siting.fast.coveranneal`);
5. the linear program by cuts, then the same with odd sets of rows as long as they pay
   (:mod:`~careshed.siting.fast.coverlp`, :mod:`~careshed.siting.fast.coverodd`); reduced costs shrink again;
6. branch and cut on the rest (:mod:`~careshed.siting.fast.covertree`).

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
- The trading search alone stays 0.2 to 1.4 % below the best plan on these, and longer runs hardly help. A run of a
  million annealing trades (0.2 s in New York, 1 s in Kings) ends 0.1 to 0.4 % below. The best plan of the sites of
  eight such runs, some 100 to 200 sites, is proven in 0.1 to 1.5 s and is the best plan of all in New York (1 to 13 s,
  p = 50 to 90), San Francisco (4 s) and Bronx p = 50 (5 s).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.siting.cut.costs import Costs
from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coveranneal import annealed, united
from careshed.siting.fast.coverbranch import Branching, Node, branched, few, raised
from careshed.siting.fast.coverdual import priced
from careshed.siting.fast.coversaddle import first_point
from careshed.siting.fast.coversearch import greedy, searched
from careshed.siting.fast.covertree import Incumbent
from careshed.siting.fast.found import Found
from careshed.siting.fast.setcover import cover_of

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
HEATS = (0.03, 0.04, 0.05, 0.06, 0.03, 0.04, 0.05, 0.06)
"""Of the plans that one round anneals."""
SWEEPS = 10
"""Annealing looks at each trade about so many times …"""
MOVES = 2_500_000
"""… and at no more trades than this in the first round, half as many more in each that follows at once …"""
WORK = 200_000_000
"""… nor than so many rows."""
UNITED = 4
"""Plans are united to at most so many times the sites of one …"""
MOST = 320
"""… and to at most so many."""
NODES = 30
"""Nodes at most in the search for the best plan of several plans' sites."""
ROUNDS = 40
"""Rounds of odd sets."""
RAISED = 1500
"""Steps of one round."""
ALL = 3_000_000_000
"""Entries that the search for a plan which reaches all people looks at …"""
ALL_SECOND = 50_000_000
"""… where there is time for them."""
UNITED_ROUNDS = 3
BRANCHED = 30
"""Nodes between two looks for better plans."""


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
    """Shrink, search and branch until nothing better is left; return the bound."""
    node = _priced_node(cover, best, float(cover.spent))
    if _open(node, best) and node.bound <= node.cover.spent:
        _cover_all(node.cover, best)
    while _open(node, best):
        before = best.value
        if _round(node, best) and best.rounds == 1:
            node = _priced_node(node.cover, best, node.bound)
        node = raised(node, best, rounds=ROUNDS, steps=RAISED)
        if best.value == before:
            break
    tree = Branching(node, best)
    while tree.open and not best.late:
        tree.run(BRANCHED)
        if tree.open and _open(node, best) and _round(node, best):
            node = raised(node, best, rounds=1, steps=RAISED)
    return tree.bound


def _cover_all(cover: Cover, best: Incumbent) -> None:
    """Look for a plan that reaches all rows, where prices don't rule it out: people of few are missed by annealing."""
    left = 1e9 if best.deadline is None else best.deadline - time.monotonic()
    work = int(min(ALL, max(left, 0.0) * ALL_SECOND))
    opened = cover_of(cover.starts, cover.site, cover.sites, size=cover.p, work=work)
    if opened is not None:
        best.offer(cover, opened)


def _open(node: Node, best: Incumbent) -> bool:
    """Whether so much is left that plans and bounds are sought before branching."""
    return not (best.late or best.hopeless(node.bound) or node.decided or few(node.cover))


def _priced_node(cover: Cover, best: Incumbent, bound: float) -> Node:
    """Return what prices leave."""
    cover, bound = _priced_out(cover, best, bound)
    return Node(bound, cover, first_point(cover))


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


def _round(node: Node, best: Incumbent) -> bool:
    """Anneal from anywhere, unite the best plan with each that this meets, then with many; return whether it paid."""
    cover, before = node.cover, best.value
    most = min(SWEEPS * cover.p * cover.sites, MOVES, WORK * cover.sites // max(len(cover.row), 1))
    moves = most * (4 + min(best.rounds, 4)) // 4
    for seed, hot in enumerate(HEATS, start=best.rounds * len(HEATS)):
        if best.late:
            return best.value < before
        start = np.random.default_rng(seed).permutation(cover.sites)[: cover.p]
        met, _ = annealed(cover, start, moves=moves, hot=hot, seed=seed, late=lambda: best.late)
        best.offer(cover, met)
        _unite(cover, best, [met])
        best.plans.append(cover.outside(met))
    plans = [cover.inside(names) for names in best.plans]
    _unite(cover, best, sorted(plans, key=cover.uncovered))
    if best.rounds:
        mixed = np.random.default_rng(best.rounds).permutation(len(plans))
        _unite(cover, best, [plans[n] for n in mixed])
    best.rounds += 1
    best.progress(
        float(best.value), min(node.bound, float(best.value)), f"plans: {len(best.plans)}, {cover.sites} sites"
    )
    return best.value < before


def _unite(cover: Cover, best: Incumbent, plans: list[Ints]) -> None:
    """Look for the best plan of the sites of several plans, of the best first of all."""
    some = united([cover.inside(best.opened), *plans], min(UNITED * cover.p, MOST))
    if len(some) > cover.p:
        closed = ~np.isin(np.arange(cover.sites), some)
        brief = _Brief(best.value, best.opened, best.deadline, _silent)
        part = cover.without(closed, np.zeros_like(closed)).reduced()
        node = _priced_node(part, brief, float(part.spent))
        branched(raised(node, brief, rounds=UNITED_ROUNDS, steps=RAISED), brief)
        best.value, best.opened = brief.value, brief.opened


class _Brief(Incumbent):
    """The best plan so far, in a tree of few nodes."""

    @property
    def late(self) -> bool:
        """Whether time or nodes are used up."""
        return self.nodes >= NODES or super().late


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""

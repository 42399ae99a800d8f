r"""Maximal covering without side rules, proven (Church, ReVelle 1974).

.. math:: \min_{|S| ≤ p} Σ_i w_i [S ∩ N_i = ∅]

with rows *i* of :math:`w_i` people, reached by the sites :math:`N_i`. In turn:

1. equal rows are made one, dominated sites left out (:mod:`~careshed.siting.fast.collapse`);
2. greedy and tabu search find a plan (:mod:`~careshed.siting.fast.coversearch`);
3. prices of rows give a bound, by which most sites can't be in a better plan; what is left is made smaller
   again, and so on (:mod:`~careshed.siting.fast.coverdual`); where they don't rule out that all rows are reached, a
   cover of all rows is sought by trades (:mod:`~careshed.siting.fast.trades`);
4. where many sites are left, plans are annealed, and the best plan of their sites together is sought by all of this
   (:mod:`~careshed.siting.fast.coveranneal`);
5. prices of rows and of odd sets of rows, to near the linear program's bound, in rounds: those odd sets are added that
   the shares of the sites break, what prices rule out is left out
   (:mod:`~careshed.siting.fast.coversaddle`, :mod:`~careshed.siting.fast.coverodd`);
6. branching on sites, each node in the same way, and plans annealed now and then, until few sites are left
   (:mod:`~careshed.siting.fast.coverbranch`), then branch and cut with a linear program of these
   (:mod:`~careshed.siting.fast.covertree`, :mod:`~careshed.siting.fast.coverlp`).

Notes
-----
Measured on one thread of a busy machine:

- A million points by 500 sites, p = 29: prices leave 18, 76 and 306 sites of 9,000, 21,000 and 38,000 rows. The linear
  program by cuts ends the proof in at most 15 nodes: it doesn't grow with the rows, as primal-dual steps do.
- Published instances in which people stand at each candidate (Máximo, Cordeau, Nascimento 2023), limit 105 s: see
  ``docs/benchmarks-siting.md``. New York is proven for p = 50 to 80 in 6 to 75 s.
- In Kings the best plan reaches everybody, so that prices say nothing and reduced costs rule out no site: annealing
  stays some 180 people short, whatever the time. Trades with weighted rows find the cover in 6 s.
- Annealing from anywhere, 2.5 million trades a run, and uniting the ends, finds the best plan of San Francisco, New
  York (p = 70 and 90) and Bronx, p = 50, in one or two rounds, 2 to 8 s. In Bronx, p = 60, it stays 389 people short
  (0.03 %) of 1,290,635; one draw of twelve runs of three million trades, united at once, held the best plan.
- Tried without success for Bronx, p = 60: up to five million trades, unions of up to 500 sites or 100 nodes, unions of
  thirty plans, the sites that the shares of the linear program name; hotter runs (0.1) came to 207. Starting from the
  best plan, all runs of every other round or every other run, left Bronx, p = 50, 700 people short after 15 s.
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
"""… and at no more trades than this in the first round, later twice as many …"""
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
"""Rounds of odd sets for the sites of several plans."""
BRANCHED = 10
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
        before, first = best.value, not best.rounds
        _round(node, best)
        if first:  # on all sites twice: what is ruled out is a good plan's neighbourhood too
            _round(node, best)
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

r"""Branch and bound of maximal covering by prices of rows and of odd sets.

A node is what is left to decide, and where the prices stand. Steps raise its bound, odd sets that its shares break are
added, sites that can't be in a better plan are left out; then a site is closed in one half and opened in the other.
Nodes of few sites are left to the linear program, which is exact there. Best bound first; branched on the site that
promises most by what it brought elsewhere (pseudo-costs: Bénichou et al. 1971).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coversaddle import Point, Saddle, ascended, carried, set_aside, widened
from careshed.siting.fast.covertree import SLACK, Incumbent, finished

__all__ = ["Branching", "Node", "branched", "few", "raised"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
FEW = 150
"""So few sites are left to the linear program …"""
FEW_DENSE = 500
"""… or so few where many rows lie between two sites: its size doesn't grow with the rows."""
DENSE = 20
"""So many rows for each site are many."""
LOOKS = 300_000_000
"""Pairs of rows and sites that the steps of one round look at."""
LEAST = 100
"""Steps of a round in any case."""
WORTH = 0.03
"""Rounds that close less of the distance to the best plan …"""
KEEP = 0.98
"""… and leave more of the sites …"""
STALLED = 3
"""… are the last ones where there are so many of them."""
SMALL = 1e-3
ROUNDS = 2
"""Rounds of a node."""
STEPS = 600
"""Steps of one round of a node."""
DOUBT = 0.1
"""Sites that are open or closed but for so little are not branched on."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What is left to decide.

    Attributes
    ----------
    bound
        No plan of it leaves fewer people uncovered.
    cover
        What is left to decide.
    point
        Where the prices stand.
    """

    bound: float
    cover: Cover
    point: Point

    @property
    def decided(self) -> bool:
        """Whether all plans of it are equal, or one of them is all sites."""
        return not self.cover.rows or not 0 < self.cover.p < self.cover.sites

    def left(self, out: Bools, into: Bools) -> Node:
        """Return the node with some sites closed and some open."""
        cover = self.cover.without(out, into).reduced()
        return Node(self.bound, cover, carried(self.cover, cover, self.point))


def few(cover: Cover) -> bool:
    """Whether what is left is best left to the linear program."""
    return cover.sites <= (FEW_DENSE if cover.rows > DENSE * cover.sites else FEW)


def raised(node: Node, best: Incumbent, *, rounds: int, steps: int) -> Node:
    """Raise a node's bound by prices of rows and of ever more odd sets, as long as it pays.

    Parameters
    ----------
    node
        What is left to decide.
    best
        The best plan so far; it is offered others.
    rounds
        Rounds at most; odd sets are added between two.
    steps
        Steps of a round at most.

    Returns
    -------
    Node
        What can be in a better plan; where its bound is hopeless, nothing can.
    """
    stalled = 0
    for n in range(rounds):
        if node.decided or best.late:
            break
        most = max(min(steps, LOOKS // (len(node.cover.site) + 1)), LEAST)
        last = ascended(node.cover, best.value - 1 + SMALL, node.point, steps=most)
        best.round(node.cover, last.point.x)
        before, sites = node.bound, node.cover.sites
        node = _smaller(node, last, best)
        if rounds > ROUNDS:
            tale = f"odd sets: {node.cover.sites} sites, {node.cover.rows} rows, {len(node.point.three)} sets"
            best.progress(float(best.value), min(node.bound, float(best.value)), tale)
        if best.hopeless(node.bound) or node.decided or few(node.cover):
            break
        little = node.bound - before < WORTH * (best.value - node.bound)
        stalled = stalled + 1 if little and node.cover.sites > KEEP * sites else 0
        wider = widened(node.cover, node.point)
        if wider is None or stalled == STALLED or n == rounds - 1:
            break
        node = Node(node.bound, node.cover, wider)
    return node


def _smaller(node: Node, last: Saddle, best: Incumbent) -> Node:
    """Return the node without the sites that can't be in a better plan, and tell."""
    bound = max(node.bound, last.bound)
    following = Node(bound, node.cover, last.point)
    if best.hopeless(bound):
        return following
    room = best.value - 1 + SLACK - last.bound
    return following.left(last.reduced > room, -last.reduced > room)


@dataclass(slots=True, eq=False)
class _Record:
    """What closing and opening each site brought, a whole site."""

    sums: dict[tuple[int, int], float] = field(default_factory=dict)
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    total: list[float] = field(default_factory=lambda: [0.0, 0.0])
    many: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, opened: int, name: int, rise: float) -> None:
        """Note a rise of the bound."""
        key = opened, name
        self.sums[key] = self.sums.get(key, 0.0) + rise
        self.counts[key] = self.counts.get(key, 0) + 1
        self.total[opened] += rise
        self.many[opened] += 1

    def guess(self, opened: int, names: list[int]) -> Floats:
        """Return what is expected: the mean of all sites counts as one more of a site's own."""
        mean = self.total[opened] / self.many[opened] if self.many[opened] else 1.0
        keys = [(opened, j) for j in names]
        return np.array([(self.sums.get(key, 0.0) + mean) / (self.counts.get(key, 0) + 1) for key in keys])

    def choose(self, node: Node) -> int:
        """Return the position of the site to branch on."""
        x, names = node.point.x, node.cover.names
        some = np.flatnonzero((x > DOUBT) & (x < 1.0 - DOUBT))
        if not len(some):
            return int(np.argmin(np.abs(x - 0.5)))
        down = self.guess(0, names[some].tolist()) * x[some]
        up = self.guess(1, names[some].tolist()) * (1.0 - x[some])
        return int(some[np.argmax(np.maximum(down, SLACK) * np.maximum(up, SLACK))])


class Branching:
    """One run of branch and bound.

    Parameters
    ----------
    node
        What is left to decide, its bound raised already.
    best
        The best plan so far; it is offered others.
    """

    def __init__(self, node: Node, best: Incumbent) -> None:
        self.best = best
        self.record = _Record()
        self.heap: list[tuple[float, int, Node, int, int]] = []
        self.count = 0
        self._push(node)

    @property
    def bound(self) -> float:
        """No plan leaves fewer people uncovered."""
        return min([float(self.best.value), *(entry[0] for entry in self.heap[:1])])

    @property
    def open(self) -> bool:
        """Whether something better may be left."""
        return bool(self.heap) and not self.best.hopeless(self.heap[0][0])

    def run(self, nodes: int | None = None) -> None:
        """Branch until nothing better is left, time is up, or so many more nodes are solved."""
        last = None if nodes is None else self.best.nodes + nodes
        while self.open and not self.best.late and (last is None or self.best.nodes < last):
            bound, _, node, column, opened = heapq.heappop(self.heap)
            self.best.nodes += 1
            share, name = node.point.x[column], int(node.cover.names[column])
            chosen = np.arange(node.cover.sites) == column
            none = np.zeros_like(chosen)
            half = node.left(none, chosen) if opened else node.left(chosen, none)
            rest = raised(half, self.best, rounds=ROUNDS, steps=STEPS)
            rise = min(rest.bound, float(self.best.value)) - bound
            self.record.add(opened, name, rise / max(1.0 - share if opened else share, DOUBT))
            self._push(rest)
            tale = f"node {self.best.nodes}: {rest.cover.sites} sites, {len(self.heap)} open"
            self.best.progress(float(self.best.value), self.bound, tale)

    def _push(self, node: Node) -> None:
        """Queue the halves of a node."""
        for one in _halves(node, self.record, self.best):
            self.count += 1
            heapq.heappush(self.heap, (one[0].bound, self.count, *one))


def branched(node: Node, best: Incumbent) -> float:
    """Branch until nothing better is left or time is up; return the bound.

    Parameters
    ----------
    node
        What is left to decide, its bound raised already.
    best
        The best plan so far; it is offered others.
    """
    tree = Branching(node, best)
    tree.run()
    return tree.bound


def _halves(node: Node, record: _Record, best: Incumbent) -> list[tuple[Node, int, int]]:
    """Return the halves of a node with the site that is closed or open in each; none where nothing better is in it."""
    if not best.hopeless(node.bound) and node.decided:
        best.offer(node.cover, np.arange(min(node.cover.p, node.cover.sites)))
        return []
    if not best.hopeless(node.bound) and few(node.cover):
        triples = set_aside(node.cover, node.point)
        bound = finished(node.cover, triples, node.point.x, best, node.bound)
        node = Node(bound, node.cover, node.point)
    if best.hopeless(node.bound):
        return []
    column = record.choose(node)
    return [(node, column, 0), (node, column, 1)]

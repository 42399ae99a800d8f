"""Districts grown from their cores and mended by moves and swaps: good ones soon, without proof."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import numpy.typing as npt

from careshed.siting.districting.problem import DistrictProblem

__all__ = ["grow", "improved", "score", "stray"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Score = Callable[[Ints, int], tuple[int, int]]
"""Takes loads and total cost; the less the better."""

ROUNDS = 20
"""Moves in all, for each unit."""
FREE = -1
"""Owner of a unit that nobody has yet."""


def score(problem: DistrictProblem, spread: int | None) -> Score:
    """Return how districts are judged: people outside the window first, then cost.

    Parameters
    ----------
    problem
        What is asked.
    spread
        The most that is allowed; None where the spread itself is to be small.
    """
    cores, people = len(problem.core_ids), problem.people
    low, high = problem.window(0 if spread is None else spread)

    def even(loads: Ints, total: int) -> tuple[int, int]:
        return int(np.abs(loads * cores - people).max()), total

    def within(loads: Ints, total: int) -> tuple[int, int]:
        return int(np.maximum(np.maximum(low - loads, loads - high), 0).sum()), total

    return even if spread is None else within


def stray(problem: DistrictProblem, owner: Ints, links: Sequence[Sequence[int]]) -> list[tuple[int, list[int]]]:
    """Return the parts of districts that don't hang together with their core's unit: (core, units)."""
    found = []
    for core, seat in enumerate(problem.seats.tolist()):
        left = set(np.flatnonzero(owner == core).tolist())
        for first in [seat, *sorted(left)]:
            if first not in left:
                continue
            part = reached(first, left, links)
            left -= part
            if first != seat:
                found.append((core, sorted(part)))
    return found


def reached(first: int, among: set[int], links: Sequence[Sequence[int]]) -> set[int]:
    """Return what hangs together with `first` among some units."""
    seen, stack = {first}, [first]
    while stack:
        for j in links[stack.pop()]:
            if j in among and j not in seen:
                seen.add(j)
                stack.append(j)
    return seen


def grow(problem: DistrictProblem, may: Bools, links: Sequence[Sequence[int]], owner: Ints | None = None) -> Ints:
    """Attach units one by one, the cheapest that touches a district first; `FREE` is left to what none can reach.

    Parameters
    ----------
    problem
        What is asked.
    may
        Which unit may go to which core.
    links
        Who touches whom.
    owner
        Districts to go on from; their stray parts are attached anew.
    """
    seats = problem.seats
    owner = np.full(len(problem.unit_ids), FREE) if owner is None else owner.copy()
    owner[seats] = np.arange(len(seats))
    for _, part in stray(problem, owner, links):
        owner[part] = FREE
    heap: list[tuple[int, int, int]] = []

    def offer(i: int) -> None:
        for j in links[i]:
            if owner[j] == FREE and may[j, owner[i]]:
                heapq.heappush(heap, (int(problem.costs[j, owner[i]]), j, int(owner[i])))

    for i in np.flatnonzero(owner != FREE).tolist():
        offer(i)
    while heap:
        _, i, core = heapq.heappop(heap)
        if owner[i] == FREE:
            owner[i] = core
            offer(i)
    return owner


def improved(
    problem: DistrictProblem,
    may: Bools,
    links: Sequence[Sequence[int]],
    owner: Ints,
    judge: Score,
    late: Callable[[], bool] = lambda: False,
) -> Ints:
    """Move single units over borders, or two against each other, as long as that helps (Ricca and Simeone 2008).

    Parameters
    ----------
    problem, may, links, owner
        As `grow` takes them; the districts must be in one piece each.
    judge
        Of two districts the one with the lesser score is better.
    late
        Whether to stop here.
    """
    mending = _Mending(problem, may, links, owner.copy(), judge)
    for _ in range(ROUNDS * len(owner)):
        if late() or not mending.step():
            break
    return mending.owner


Change = list[tuple[int, int]]
"""Units with the core that each moves to."""


@dataclass(slots=True, eq=False)
class _Mending:
    """Districts at work: who may leave which is found anew only where something changed."""

    problem: DistrictProblem
    may: Bools
    links: Sequence[Sequence[int]]
    owner: Ints
    judge: Score
    graph: nx.Graph = field(init=False)
    held: dict[int, set[int]] = field(init=False)
    loads: Ints = field(init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.graph = nx.Graph(self.problem.edges.tolist())
        self.graph.add_nodes_from(range(len(self.owner)))
        self.held = {}
        self._look(range(len(self.problem.core_ids)))

    def _look(self, cores: Iterable[int]) -> None:
        """Find the units that hold their district together (Tarjan's articulation points), and the sums."""
        for core in cores:
            own = self.graph.subgraph(np.flatnonzero(self.owner == core).tolist())
            self.held[core] = {*nx.articulation_points(nx.Graph(own)), int(self.problem.seats[core])}
        self.loads, self.total = self.problem.loads(self.owner), self.problem.total(self.owner)

    def step(self) -> bool:
        """Make the best single move, else the best swap, that improves; return whether there was one."""
        change = self._best()
        if not change:
            return False
        touched = {core for i, core in change} | {int(self.owner[i]) for i, _ in change}
        for i, core in change:
            self.owner[i] = core
        self._look(sorted(touched))
        return True

    def _best(self) -> Change:
        now = self.judge(self.loads, self.total)
        moves = list(self._moves())
        score, change = min(((self._after([move]), [move]) for move in moves), default=(now, []))
        if score < now:
            return change
        for _, change in sorted(self._swaps(moves, now)):
            trial = self.owner.copy()
            for i, core in change:
                trial[i] = core
            if not stray(self.problem, trial, self.links):
                return change
        return []

    def _moves(self) -> Iterator[tuple[int, int]]:
        """Yield units that may leave their district whole, with each district that they touch."""
        for i, own in enumerate(self.owner.tolist()):
            if i not in self.held[own]:
                for core in sorted({int(self.owner[j]) for j in self.links[i]} - {own}):
                    if self.may[i, core]:
                        yield i, core

    def _swaps(self, moves: Change, now: tuple[int, int]) -> Iterator[tuple[tuple[int, int], Change]]:
        """Yield pairs of moves between two districts that improve together."""
        between: dict[tuple[int, int], list[int]] = {}
        for i, core in moves:
            between.setdefault((int(self.owner[i]), core), []).append(i)
        for (a, b), out in sorted(between.items()):
            for i in out if a < b else ():
                for j in between.get((b, a), ()):
                    change = [(i, b), (j, a)]
                    after = self._after(change)
                    if after < now:
                        yield after, change

    def _after(self, change: Change) -> tuple[int, int]:
        """Return the score after some moves."""
        loads, total = self.loads.copy(), self.total
        for i, core in change:
            weight, own = self.problem.weights[i], self.owner[i]
            loads[own] -= weight
            loads[core] += weight
            total += int(weight * (self.problem.costs[i, core] - self.problem.costs[i, own]))
        return self.judge(loads, total)

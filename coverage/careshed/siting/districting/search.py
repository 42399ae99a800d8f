"""Districts grown from their cores and mended by moves and swaps: good ones soon, without proof."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence

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


def improved(problem: DistrictProblem, may: Bools, links: Sequence[Sequence[int]], owner: Ints, judge: Score) -> Ints:
    """Move single units over borders, or two against each other, as long as that helps (Ricca and Simeone 2008)."""
    owner = owner.copy()
    for _ in range(ROUNDS * len(owner)):
        change = _best(problem, may, links, owner, judge)
        if change is None:
            break
        for i, core in change:
            owner[i] = core
    return owner


def _best(
    problem: DistrictProblem, may: Bools, links: Sequence[Sequence[int]], owner: Ints, judge: Score
) -> list[tuple[int, int]] | None:
    """Return the best single move, else the best swap, that improves; None where there is none."""
    loads, total = problem.loads(owner), problem.total(owner)
    now = judge(loads, total)
    moves = list(_moves(problem, may, links, owner))
    singles = [(_after(problem, owner, loads, total, judge, [move]), [move]) for move in moves]
    best = min(singles, default=(now, []))
    if best[0] < now:
        return best[1]
    swaps = []
    for n, (i, b) in enumerate(moves):
        for j, a in moves[n + 1 :]:
            if owner[i] == a and owner[j] == b:
                after = _after(problem, owner, loads, total, judge, [(i, b), (j, a)])
                if after < now:
                    swaps.append((after, [(i, b), (j, a)]))
    for _, change in sorted(swaps):
        trial = owner.copy()
        for i, core in change:
            trial[i] = core
        if not stray(problem, trial, links):
            return change
    return None


def _moves(
    problem: DistrictProblem, may: Bools, links: Sequence[Sequence[int]], owner: Ints
) -> Iterator[tuple[int, int]]:
    """Yield units that may leave their district whole, with each district that they touch."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(owner)))
    graph.add_edges_from(edge for edge in problem.edges.tolist() if owner[edge[0]] == owner[edge[1]])
    held = set(nx.articulation_points(graph)) | set(problem.seats.tolist())
    for i in range(len(owner)):
        if i not in held:
            for core in sorted({int(owner[j]) for j in links[i]} - {int(owner[i])}):
                if may[i, core]:
                    yield i, core


def _after(  # noqa: PLR0913, PLR0917 - what is known already is not computed again
    problem: DistrictProblem,
    owner: Ints,
    loads: Ints,
    total: int,
    judge: Score,
    change: Sequence[tuple[int, int]],
) -> tuple[int, int]:
    """Return the score after some moves."""
    loads = loads.copy()
    for i, core in change:
        weight = problem.weights[i]
        loads[owner[i]] -= weight
        loads[core] += weight
        total += int(weight * (problem.costs[i, core] - problem.costs[i, owner[i]]))
    return judge(loads, total)

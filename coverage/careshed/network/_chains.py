"""Restrictions over a way: whether one may turn depends on more of the streets behind than the last.

A chain of runs (streets, each in one direction) is forbidden as a whole. While one is on the way along a chain, the
search has to remember how far one is: a state, the longest piece of the past that begins a chain (Aho and Corasick
1975). A past of one run is what the search knows anyway; only longer ones are states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Chain", "Memory", "Past", "Runs", "remember"]

Ints32 = npt.NDArray[np.int32]

Past = tuple[int, ...]
"""Runs one behind the other, the last one last."""


class Chain(NamedTuple):
    """A restriction over a way.

    Attributes
    ----------
    come, at
        The edge one comes by, and the junction where one leaves it (positions).
    via, go
        The edges gone along from there, and the one that one must or may not leave by.
    only
        Whether it is the only way on from `come`, or forbidden.
    """

    come: int
    at: int
    via: tuple[int, ...]
    go: int
    only: bool


class Runs(NamedTuple):
    """Open directions of edges: the edge, whether from u to v, and the junctions it leads from and to."""

    edge: Ints32
    ahead: npt.NDArray[np.bool_]
    start: Ints32
    end: Ints32


class Memory(NamedTuple):
    """What has to be remembered.

    Attributes
    ----------
    states
        Pasts of two runs or more, each once.
    banned
        Runs that can't be gone along one behind the other, three or more.
    only
        Past of two runs or more → the runs that alone may follow.
    firsts
        Turns from the first run of an `only` chain to its second, the only ones allowed.
    """

    states: Mapping[Past, int]
    banned: AbstractSet[Past]
    only: Mapping[Past, AbstractSet[int]]
    firsts: Sequence[tuple[int, int]]

    def allows(self, past: Past, run: int) -> bool:
        """Say whether one may go on along a run."""
        tails = [past[first:] for first in range(len(past) - 1)]
        return not any((*tail, run) in self.banned or run not in self.only.get(tail, {run}) for tail in tails)

    def after(self, past: Past, run: int) -> int:
        """Return the state after going on along a run, −1 where the run is all that counts."""
        whole = (*past, run)
        return next((self.states[tail] for n in range(len(past)) if (tail := whole[n:]) in self.states), -1)


def remember(chains: Sequence[Chain], runs: Runs) -> Memory:
    """Return what has to be remembered; a chain whose streets don't follow each other, or are closed, binds nobody."""
    by_edge: defaultdict[int, list[int]] = defaultdict(list)
    named = {edge for chain in chains for edge in (chain.come, *chain.via, chain.go)}
    for run in np.flatnonzero(np.isin(runs.edge, list(named))).tolist():
        by_edge[int(runs.edge[run])].append(run)
    banned: set[Past] = set()
    only: defaultdict[Past, set[int]] = defaultdict(set)
    firsts: dict[tuple[int, int], None] = {}
    for chain in chains:
        for path in _paths(chain, runs, by_edge):
            if not chain.only:
                banned.add(path)
                continue
            firsts[path[0], path[1]] = None
            for size in range(2, len(path)):
                only[path[:size]].add(path[size])
    begun = sorted({path[:size] for path in banned for size in range(2, len(path))} | only.keys())
    return Memory({past: state for state, past in enumerate(begun)}, banned, dict(only), list(firsts))


def _paths(chain: Chain, runs: Runs, by_edge: Mapping[int, Sequence[int]]) -> Iterator[Past]:
    """Yield the runs of a chain; more than once where an edge is a loop."""
    paths: list[Past] = [(run,) for run in by_edge[chain.come] if runs.end[run] == chain.at]
    for edge in (*chain.via, chain.go):
        paths = [(*path, run) for path in paths for run in by_edge[edge] if runs.start[run] == runs.end[path[-1]]]
    yield from paths

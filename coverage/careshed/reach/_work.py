"""Where searches work: room kept from one to the next, threads, and rows put together as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import repeat
from threading import Lock
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from careshed.errors import InputError
from careshed.network import RoadNetwork
from careshed.reach._ends import tails
from careshed.reach._search import Ints32, Ints64, Room, Rows, Whole, room_for

__all__ = ["Found", "Workplace", "search_rows", "workplace_of"]

Found: TypeAlias = tuple[Ints64, Ints32, Ints32]
"""Where each source's row starts, and all pairs' other places and milliseconds."""

Work: TypeAlias = Callable[[tuple[int, int], Rows], tuple[Whole, Whole]]
"""Searches from a span of sources into rows; returns the source to go on from, and the number of pairs written."""

MOST_IN_SPAN = 64
"""Sources searched in one go; small, so that threads end at about the same time."""

ROOM_FOR_PAIRS = 1 << 18


class Workplace:
    """What searches of one network share: room to work in, the buckets' width, and each node's streets.

    Made once for a network, by :func:`workplace_of`, so that one small search does nothing for each junction.
    """

    def __init__(self, network: RoadNetwork) -> None:
        """Work out the buckets' width: about the median time of an arc."""
        self.nodes, self.arcs = len(network.out_start) - 1, len(network.out_arcs)
        median_ms = int(np.median(network.out_arcs >> 32)) if self.arcs else 0
        self.width_bits = max(median_ms.bit_length() - 1, 0)
        self._rooms: list[Room] = []
        self._streets = {side: _streets_by_tail(network, self.nodes, reverse=side) for side in (False, True)}

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Lend room for one thread."""
        try:
            room = self._rooms.pop()
        except IndexError:
            room = room_for(self.nodes, self.arcs)
        # not given back after an error: it may be left in disorder
        yield room
        self._rooms.append(room)

    def streets_from(self, node: Ints32, *, reverse: bool) -> Ints32:
        """Return the streets that a search goes along from any of some nodes, ascending."""
        start, edge = self._streets[reverse]
        count = start[node + 1] - start[node]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.unique(edge[np.repeat(start[node], count) + within])


def _streets_by_tail(network: RoadNetwork, nodes: int, *, reverse: bool) -> tuple[Ints64, Ints32]:
    """Return the streets entered from each node of the search, in compressed rows."""
    ends = np.concatenate(tails(network, reverse=reverse))
    start = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=nodes), out=start[1:])
    return start, (np.argsort(ends, kind="stable") % max(network.edges, 1)).astype(np.int32)


_WORKPLACES: WeakKeyDictionary[RoadNetwork, Workplace] = WeakKeyDictionary()
_LOCK = Lock()


def workplace_of(network: RoadNetwork) -> Workplace:
    """Return the network's workplace; it goes when the network does."""
    with _LOCK:
        found = _WORKPLACES.get(network)
        if found is None:
            found = _WORKPLACES[network] = Workplace(network)
        return found


class _Rows:
    """Rows of many sources, put together in the sources' order, whichever thread is first.

    Arrays grow in place, where the system moves pages rather than copying them, so that pairs are held once.
    """

    def __init__(self, sources: int) -> None:
        self.counts: Ints64 = np.zeros(sources, dtype=np.int64)
        self._columns: list[Ints32] = [np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)]
        self._waiting: dict[int, tuple[int, list[Ints32]]] = {}
        self._next = 0
        self._lock = Lock()

    def put(self, first: int, last: int, parts: list[Ints32]) -> None:
        """Take the rows of sources from `first` to before `last`."""
        with self._lock:
            if first != self._next:
                self._waiting[first] = last, [part.copy() for part in parts]
                return
            self._append(last, parts)
            while self._next in self._waiting:
                self._append(*self._waiting.pop(self._next))

    def _append(self, last: int, parts: list[Ints32]) -> None:
        for column, part in zip(self._columns, parts, strict=True):
            size = len(column)
            column.resize(size + len(part), refcheck=False)
            column[size:] = part
        self._next = last

    def found(self) -> Found:
        """Return all rows."""
        start = np.zeros(len(self.counts) + 1, dtype=np.int64)
        np.cumsum(self.counts, out=start[1:])
        other, ms = self._columns
        return start, other, ms


def search_rows(
    sources: int, width: int, threads: int | None, working: Callable[[], AbstractContextManager[Work]]
) -> Found:
    """Search from all sources, in spans shared out among threads; rows come in the sources' order.

    Parameters
    ----------
    sources
        How many.
    width
        The most pairs that one source can have.
    threads
        How many; default one for each core.
    working
        Makes a thread ready to work.
    """
    threads = (os.cpu_count() or 1) if threads is None else threads
    if threads < 1:
        raise InputError(f"threads is {threads}; expected 1 or more")
    size = max(1, min(MOST_IN_SPAN, -(-sources // (4 * threads))))
    spans = iter([(first, min(first + size, sources)) for first in range(0, sources, size)])
    rows, lock = _Rows(sources), Lock()

    def work(_: None) -> None:
        pairs = np.empty((2, max(ROOM_FOR_PAIRS, width)), dtype=np.int32)
        with working() as search:
            while True:
                with lock:
                    span = next(spans, None)
                if span is None:
                    return
                first, last = span
                while first < last:
                    after, count = search((first, last), Rows(rows.counts, pairs[0], pairs[1]))
                    rows.put(first, int(after), [pairs[0, :count], pairs[1, :count]])
                    first = int(after)

    several = min(threads, -(-sources // size))
    if several <= 1:
        work(None)
    else:
        with ThreadPoolExecutor(several) as pool:
            list(pool.map(work, repeat(None, several)))
    return rows.found()

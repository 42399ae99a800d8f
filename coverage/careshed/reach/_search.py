"""The search itself: shortest paths up to a limit, in whole milliseconds.

Compiled by numba on first use and cached on disk; releases the interpreter's
lock. What makes it quick:

- Buckets by time in place of a heap (Dial, 1969), about one street's time wide.
  Within a bucket junctions are taken as they come and, where a shorter way
  turns up, again: the outcome is exact for buckets of any width.
- A junction with only one way on (a bend, a change of name, a dead end) is gone
  through at once, without going by the buckets: what contracting such junctions
  gains, with no second graph, and with places anywhere.
- One integer per entry, milliseconds × 2³² + junction. An arc is packed in
  the same way, so that extending a path is a single addition.
- What a source has touched is listed, and undone when it is written out:
  nothing is done for each junction of the network.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

__all__ = [
    "NEVER_MS",
    "Ends",
    "Graph",
    "Room",
    "Rows",
    "Spots",
    "Targets",
    "junction_rows",
    "least_times",
    "room_for",
    "search",
]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Whole = int | np.int64

LOW = 0xFFFFFFFF
NEVER_MS = 0x7FFFFFFF
MOST_BUCKET_BITS = 16


class Graph(NamedTuple):
    """Arcs in compressed rows, packed as milliseconds × 2³² + head."""

    start: Ints64
    arcs: Ints64


class Spots(NamedTuple):
    """Places on edges: edge, metres from u, time from u and from v (−1 closed), and what is added to every time."""

    edge: Ints32
    offset_m: Floats
    from_u_ms: Ints32
    from_v_ms: Ints32
    base_ms: Ints32


class Ends(NamedTuple):
    """Up to two junctions that each place is joined to (−1 none), and the times to them, all included; (k, 2)."""

    node: Ints32
    ms: Ints32


class Targets(NamedTuple):
    """Targets in compressed rows by the junctions they are entered from, and by the edges they lie on."""

    spots: Spots
    node_start: Ints64
    node_target: Ints32
    node_ms: Ints32
    edge_start: Ints64
    edge_target: Ints32


class Room(NamedTuple):
    """One thread's room to search in.

    Between searches `ms` (by junction) is `NEVER_MS` and `heads` (by bucket) −1 throughout. `order` takes the junctions
    reached, `keys` and `nexts` the entries of the buckets, linked lists: at least
    one for each junction.
    """

    ms: Ints32
    order: Ints32
    heads: Ints32
    keys: Ints64
    nexts: Ints32


class Rows(NamedTuple):
    """Where rows are written: how many pairs each source has, and one thread's pairs."""

    counts: Ints64
    other: Ints32
    ms: Ints32


def room_for(nodes: int, arcs: int) -> Room:
    """Return room for a thread. What isn't touched takes no memory."""
    return Room(
        np.full(nodes, NEVER_MS, dtype=np.int32),
        np.empty(nodes, dtype=np.int32),
        np.full((1 << MOST_BUCKET_BITS) + 1, -1, dtype=np.int32),
        np.empty(nodes + arcs, dtype=np.int64),
        np.empty(nodes + arcs, dtype=np.int32),
    )


@numba.njit(nogil=True, cache=True)
def _shift(cutoff_ms: int, width_bits: int) -> Whole:  # pragma: no cover - compiled
    """Return how far to shift a key to get its bucket: as wide as asked, wider where there would be too many."""
    shift = np.int64(32 + width_bits)
    while (np.int64(cutoff_ms) << 32) >> shift >= 1 << MOST_BUCKET_BITS:
        shift += 1
    return shift


@numba.njit(nogil=True, cache=True)
def _start(ends: Ends, first: Whole, last: Whole, cutoff_ms: int, room: Room) -> Whole:  # pragma: no cover - compiled
    """Reach the places' own junctions, and return their number."""
    reached = np.int64(0)
    for place in range(first, last):
        for side in range(2):
            node, ms = ends.node[place, side], ends.ms[place, side]
            if node >= 0 and ms <= cutoff_ms and ms < room.ms[node]:
                if room.ms[node] == NEVER_MS:
                    room.order[reached] = node
                    reached += 1
                room.ms[node] = ms
    return reached


@numba.njit(nogil=True, cache=True)
def _queue(room: Room, reached: Whole, shift: Whole) -> None:  # pragma: no cover - compiled
    """Put the junctions reached into the empty buckets, each once."""
    for entry in range(reached):
        node = np.int64(room.order[entry])
        key = (np.int64(room.ms[node]) << 32) | node
        room.keys[entry] = key
        room.nexts[entry] = room.heads[key >> shift]
        room.heads[key >> shift] = entry


@numba.njit(nogil=True, cache=True)
def _drain(  # noqa: C901, PLR0912, PLR0915 - a call for each arc would cost as much as the arc
    graph: Graph, reached: Whole, cutoff_ms: int, shift: Whole, room: Room
) -> tuple[Whole, bool]:  # pragma: no cover - compiled
    """Search on until the buckets are empty.

    Returns the number of junctions reached, and whether there was room for all entries; if not, search on from all of
    them. (Arrays that may grow inside the loop make it two and a half times as slow.)
    """
    # taken out of the tuples once: each time costs a count of references
    start, arcs, best, order = graph.start, graph.arcs, room.ms, room.order
    heads, keys, nexts = room.heads, room.keys, room.nexts
    ceiling, complete = ((np.int64(cutoff_ms) + 1) << 32) - 1, True
    top, free, bucket = reached, np.int64(-1), np.int64(0)
    while bucket <= ceiling >> shift:
        entry = np.int64(heads[bucket])
        if entry < 0:
            bucket += 1
            continue
        heads[bucket] = nexts[entry]
        nexts[entry] = free
        free = entry
        key = keys[entry]
        node = key & LOW
        if best[node] != key >> 32:
            continue
        for row in range(start[node], start[node + 1]):
            before, path = node, key - node + arcs[row]
            while path <= ceiling:
                head = path & LOW
                ms, known = np.int32(path >> 32), best[head]
                if ms >= known:
                    break
                best[head] = ms
                if known == NEVER_MS:
                    order[reached] = head
                    reached += 1
                # the only way on, if there is just one
                ways, onward = np.int64(0), np.int64(0)
                if start[head + 1] - start[head] > 2:
                    ways = np.int64(2)
                else:
                    for way in range(start[head], start[head + 1]):
                        if arcs[way] & LOW != before:
                            ways += 1
                            onward = arcs[way]
                if ways == 1:
                    before = head
                    path += onward - head
                    continue
                if ways > 1:
                    entry = free
                    if free >= 0:
                        free = np.int64(nexts[free])
                    else:
                        if top == len(keys):
                            complete = False
                            break
                        entry = np.int64(top)
                        top += 1
                    keys[entry] = path
                    nexts[entry] = heads[path >> shift]
                    heads[path >> shift] = entry
                break
    return reached, complete


@numba.njit(nogil=True, cache=True)
def search(
    graph: Graph, ends: Ends, first: Whole, last: Whole, cutoff_ms: int, width_bits: int, room: Room
) -> Whole:  # pragma: no cover - compiled
    """Search from the places from `first` to before `last` at once.

    Writes the least times to `room.ms`, the junctions reached to `room.order`, and returns their number.
    """
    shift = _shift(cutoff_ms, width_bits)
    reached, complete = _start(ends, first, last, cutoff_ms, room), False
    while not complete:
        _queue(room, reached, shift)
        reached, complete = _drain(graph, reached, cutoff_ms, shift, room)
    return reached


@numba.njit(nogil=True, cache=True)
def least_times(
    graph: Graph, ends: Ends, cutoff_ms: int, width_bits: int, room: Room
) -> tuple[Ints32, Ints32]:  # pragma: no cover - compiled
    """Return the junctions within the cutoff of any of the places, ascending, and the least times."""
    reached = search(graph, ends, 0, len(ends.node), cutoff_ms, width_bits, room)
    node = np.sort(room.order[:reached])
    ms = np.empty(reached, dtype=np.int32)
    for position in range(reached):
        ms[position] = room.ms[node[position]]
        room.ms[node[position]] = NEVER_MS
    return node, ms


@numba.njit(nogil=True, cache=True)
def junction_rows(
    graph: Graph,
    ends: Ends,
    span: tuple[int, int],
    cutoff_ms: int,
    width_bits: int,
    room: Room,
    rows: Rows,
) -> tuple[Whole, Whole]:  # pragma: no cover - compiled
    """Write all junctions within the cutoff of each source, from source `span[0]` to before `span[1]`.

    Stops early where the next source might not fit, and returns the source to go on from, and the number of pairs.
    """
    total = np.int64(0)
    for source in range(span[0], span[1]):
        if total + len(room.ms) > len(rows.other):
            return source, total
        reached = search(graph, ends, source, source + 1, cutoff_ms, width_bits, room)
        for position in range(reached):
            node = room.order[position]
            rows.other[total] = node
            rows.ms[total] = room.ms[node]
            room.ms[node] = NEVER_MS
            total += 1
        rows.counts[source] = reached
    return span[1], total

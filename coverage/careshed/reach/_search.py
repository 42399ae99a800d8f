"""The search itself: Dijkstra's algorithm (1959), bounded, in whole milliseconds.

Compiled by numba on first use and cached on disk; releases the interpreter's
lock. What makes it quick:

- One integer per heap entry, milliseconds × 2³² + junction. An arc is packed in
  the same way, so that extending a path is a single addition.
- One integer per junction, ``top − milliseconds``, where `top` grows by 2³² with
  each source. What an earlier source left is below any label of this one, so
  nothing is reset between sources, and one comparison asks both "seen?" and "better?".
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["Ends", "Graph", "Room", "Spots", "Targets", "least_times", "pair_times", "room_for"]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Whole = int | np.int64

LOW = 0xFFFFFFFF
DIGIT_BITS = 9
DIGITS = 1 << DIGIT_BITS


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
    """One thread's room to work in.

    `label` (by junction) and `mark` (by target) start as zeros and are never reset, as long as no source comes twice.
    """

    label: Ints64
    mark: Ints64
    heap: Ints64
    order: Ints32
    met: Ints32
    spare: Ints32


def room_for(graph: Graph, targets: Targets) -> Room:
    """Return room for a thread. What isn't touched takes no memory."""
    nodes, others = len(graph.start) - 1, len(targets.spots.edge)
    return Room(
        np.zeros(nodes, dtype=np.int64),
        np.zeros(others, dtype=np.int64),
        np.empty(len(graph.arcs) + 3, dtype=np.int64),
        np.empty(nodes, dtype=np.int32),
        np.empty(others, dtype=np.int32),
        np.empty(others, dtype=np.int32),
    )


@numba.njit(nogil=True, cache=True)
def _push(heap: Ints64, size: int, key: Whole) -> int:  # pragma: no cover - compiled
    """Put a key on the binary heap and return the heap's new size."""
    hole = size
    while hole > 0:
        parent = (hole - 1) >> 1
        if heap[parent] <= key:
            break
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = key
    return size + 1


@numba.njit(nogil=True, cache=True)
def _drop(heap: Ints64, size: int) -> int:  # pragma: no cover - compiled
    """Take the least key off the binary heap and return the heap's new size."""
    size -= 1
    key = heap[size]
    hole, child = 0, 1
    while child < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[hole] = heap[child]
        hole = child
        child = 2 * hole + 1
    heap[hole] = key
    return size


@numba.njit(nogil=True, cache=True)
def _enter(
    node: Whole, ms: Whole, cutoff_ms: int, label: Ints64, top: Whole, heap: Ints64, size: int
) -> int:  # pragma: no cover - compiled
    """Start the search at a junction."""
    if node >= 0 and ms <= cutoff_ms and top - ms > label[node]:
        label[node] = top - ms
        size = _push(heap, size, (np.int64(ms) << 32) | np.int64(node))
    return size


@numba.njit(nogil=True, cache=True)
def _settle(
    graph: Graph, cutoff_ms: int, label: Ints64, top: Whole, heap: Ints64, size: int, order: Ints32
) -> int:  # pragma: no cover - compiled
    """Run the search until the heap is empty; write the junctions reached to `order` and return their number."""
    settled = 0
    ceiling = ((np.int64(cutoff_ms) + 1) << 32) - 1
    while size > 0:
        key = heap[0]
        size = _drop(heap, size)
        node = key & LOW
        if label[node] != top - (key >> 32):
            continue
        order[settled] = node
        settled += 1
        path = key - node
        for arc in range(graph.start[node], graph.start[node + 1]):
            longer = path + graph.arcs[arc]
            if longer <= ceiling:
                head = longer & LOW
                mark = top - (longer >> 32)
                if mark > label[head]:
                    label[head] = mark
                    size = _push(heap, size, longer)
    return settled


@numba.njit(nogil=True, cache=True)
def least_times(graph: Graph, ends: Ends, cutoff_ms: int) -> Ints32:  # pragma: no cover - compiled
    """Return at every junction the least time from any of the places, −1 beyond the cutoff."""
    nodes = len(graph.start) - 1
    label = np.zeros(nodes, dtype=np.int64)
    heap = np.empty(len(graph.arcs) + ends.node.size + 1, dtype=np.int64)
    order = np.empty(nodes, dtype=np.int32)
    top = np.int64(1) << 32
    size = 0
    for place in range(len(ends.node)):
        for side in range(2):
            size = _enter(ends.node[place, side], ends.ms[place, side], cutoff_ms, label, top, heap, size)
    settled = _settle(graph, cutoff_ms, label, top, heap, size, order)
    least = np.full(nodes, -1, dtype=np.int32)
    for position in range(settled):
        least[order[position]] = top - label[order[position]]
    return least


@numba.njit(nogil=True, cache=True)
def _along_edge(spots: Spots, source: Whole, others: Spots, target: Whole) -> int:  # pragma: no cover - compiled
    """Return the least time between two places on one edge without leaving it, −1 if there is none."""
    best = -1
    ahead = others.offset_m[target] - spots.offset_m[source]
    if ahead >= 0 and spots.from_u_ms[source] >= 0:
        best = others.from_u_ms[target] - spots.from_u_ms[source]
    if ahead <= 0 and spots.from_v_ms[source] >= 0:
        back = others.from_v_ms[target] - spots.from_v_ms[source]
        best = back if best < 0 else min(best, back)
    if ahead == 0:
        best = 0
    return best if best < 0 else best + spots.base_ms[source] + others.base_ms[target]


@numba.njit(nogil=True, cache=True)
def _offer(
    target: Whole, ms: Whole, mark: Ints64, top: Whole, met: Ints32, count: int
) -> int:  # pragma: no cover - compiled
    """Note a time at a target if it is the best of this source."""
    if top - ms > mark[target]:
        if mark[target] <= top - LOW - 1:
            met[count] = target
            count += 1
        mark[target] = top - ms
    return count


@numba.njit(nogil=True, cache=True)
def _sort(met: Ints32, count: int, spare: Ints32, most: int) -> None:  # pragma: no cover - compiled
    """Sort the first `count` targets, none above `most`, by radix: digit by digit, from the lowest."""
    starts = np.empty(DIGITS + 1, dtype=np.int64)
    shift = 0
    while count > 1 and most >> shift:
        starts[:] = 0
        for position in range(count):
            starts[((met[position] >> shift) & (DIGITS - 1)) + 1] += 1
        for digit in range(DIGITS):
            starts[digit + 1] += starts[digit]
        for position in range(count):
            digit = (met[position] >> shift) & (DIGITS - 1)
            spare[starts[digit]] = met[position]
            starts[digit] += 1
        for position in range(count):
            met[position] = spare[position]
        shift += DIGIT_BITS


@numba.njit(nogil=True, cache=True)
def _longer(values: Ints32, size: int) -> Ints32:  # pragma: no cover - compiled
    """Return a copy with room for `size` values, and as many again."""
    grown = np.empty(2 * size, dtype=np.int32)
    grown[: len(values)] = values
    return grown


@numba.njit(nogil=True, cache=True)
def _meet(
    graph: Graph,
    sources: Spots,
    ends: Ends,
    targets: Targets,
    cutoff_ms: int,
    source: Whole,
    room: Room,
) -> int:  # pragma: no cover - compiled
    """Search from one source, write the targets met to `room.met` in order, and return their number."""
    top = np.int64(source + 1) << 32
    size = 0
    for side in range(2):
        size = _enter(ends.node[source, side], ends.ms[source, side], cutoff_ms, room.label, top, room.heap, size)
    settled = _settle(graph, cutoff_ms, room.label, top, room.heap, size, room.order)
    count = 0
    edge = sources.edge[source]
    for row in range(targets.edge_start[edge], targets.edge_start[edge + 1]):
        target = targets.edge_target[row]
        ms = _along_edge(sources, source, targets.spots, target)
        if 0 <= ms <= cutoff_ms:
            count = _offer(target, ms, room.mark, top, room.met, count)
    for position in range(settled):
        node = room.order[position]
        node_ms = top - room.label[node]
        for row in range(targets.node_start[node], targets.node_start[node + 1]):
            ms = node_ms + targets.node_ms[row]
            if ms <= cutoff_ms:
                count = _offer(targets.node_target[row], ms, room.mark, top, room.met, count)
    _sort(room.met, count, room.spare, len(room.mark) - 1)
    return count


@numba.njit(nogil=True, cache=True)
def pair_times(
    graph: Graph,
    sources: Spots,
    ends: Ends,
    targets: Targets,
    cutoff_ms: int,
    span: tuple[int, int],
    room: Room,
) -> tuple[Ints64, Ints32, Ints32]:  # pragma: no cover - compiled
    """Return all (source, target) pairs within the cutoff, of the sources from `span[0]` to before `span[1]`.

    Returns
    -------
    tuple
        The number of pairs of each source, and all pairs' targets (ascending for each source) and milliseconds.
    """
    first, last = span
    counts = np.zeros(last - first, dtype=np.int64)
    found = np.empty(1024, dtype=np.int32)
    found_ms = np.empty(1024, dtype=np.int32)
    total = 0
    for source in range(first, last):
        if sources.edge[source] < 0:
            continue
        count = _meet(graph, sources, ends, targets, cutoff_ms, source, room)
        if total + count > len(found):
            found = _longer(found, total + count)
            found_ms = _longer(found_ms, total + count)
        top = np.int64(source + 1) << 32
        for position in range(count):
            found[total + position] = room.met[position]
            found_ms[total + position] = top - room.mark[room.met[position]]
        counts[source - first] = count
        total += count
    return counts, found[:total].copy(), found_ms[:total].copy()

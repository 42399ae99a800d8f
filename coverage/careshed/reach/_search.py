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
    "Meeting",
    "Room",
    "Rows",
    "Spots",
    "Targets",
    "junction_rows",
    "least_times",
    "meeting_for",
    "room_for",
    "target_rows",
]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Whole = int | np.int64

LOW = 0xFFFFFFFF
NEVER_MS = 0x7FFFFFFF
NO_WAY = -1
MANY_WAYS = -2
DIGIT_BITS = 9
DIGITS = 1 << DIGIT_BITS
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
    reached, `keys` and `nexts` the entries of the buckets, linked lists.
    """

    ms: Ints32
    order: Ints32
    heads: Ints32
    keys: Ints64
    nexts: Ints32


class Meeting(NamedTuple):
    """One thread's room for targets met. Between sources `ms` (by target) is `NEVER_MS` throughout."""

    ms: Ints32
    met: Ints32
    spare: Ints32


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
        np.empty(arcs + 64, dtype=np.int64),
        np.empty(arcs + 64, dtype=np.int32),
    )


def meeting_for(targets: int) -> Meeting:
    """Return room for a thread to meet so many targets."""
    return Meeting(np.full(targets, NEVER_MS, dtype=np.int32), *np.empty((2, targets), dtype=np.int32))


@numba.njit(nogil=True, cache=True)
def _way_on(graph: Graph, node: Whole, before: Whole) -> int:  # pragma: no cover - compiled
    """Return the only arc that leaves a junction for another than `before`, or `NO_WAY`, or `MANY_WAYS`."""
    first, last = graph.start[node], graph.start[node + 1]
    if last - first > 2:
        return MANY_WAYS
    only = np.int64(NO_WAY)
    for row in range(first, last):
        if graph.arcs[row] & LOW != before:
            if only >= 0:
                return MANY_WAYS
            only = graph.arcs[row]
    return only


@numba.njit(nogil=True, cache=True)
def _follow(
    graph: Graph, node: Whole, arc: Whole, ceiling: Whole, key: Whole, room: Room, reached: int
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Go along an arc, and on as long as there is one way on that is better than what is known.

    Returns the key of the junction to search on from (−1 none), and the number of junctions reached.
    """
    before = np.int64(node)
    key += arc - before
    while key <= ceiling:
        head = key & LOW
        ms, known = np.int32(key >> 32), room.ms[head]
        if ms >= known:
            break
        room.ms[head] = ms
        if known == NEVER_MS:
            room.order[reached] = head
            reached += 1
        onward = _way_on(graph, head, before)
        if onward == MANY_WAYS:
            return key, reached
        if onward == NO_WAY:
            break
        before = head
        key += onward - head
    return np.int64(-1), reached


@numba.njit(nogil=True, cache=True)
def _put(
    key: Whole, shift: Whole, heads: Ints32, keys: Ints64, nexts: Ints32, free: Whole, top: Whole
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Put a key into its bucket; return the first free entry (−1 none) and the number of entries ever used."""
    if free >= 0:
        entry = free
        free = nexts[entry]
    else:
        entry = top
        top += 1
    bucket = key >> shift
    keys[entry] = key
    nexts[entry] = heads[bucket]
    heads[bucket] = entry
    return free, top


@numba.njit(nogil=True, cache=True)
def _search(
    graph: Graph, ends: Ends, first: Whole, last: Whole, cutoff_ms: int, width_bits: int, room: Room
) -> int:  # pragma: no cover - compiled
    """Search from the places from `first` to before `last` at once.

    Writes the least times to `room.ms`, the junctions reached to `room.order`, and returns their number.
    """
    heads, keys, nexts = room.heads, room.keys, room.nexts
    shift, ceiling = np.int64(32), ((np.int64(cutoff_ms) + 1) << 32) - 1
    while shift < 32 + width_bits or ceiling >> shift > 1 << MOST_BUCKET_BITS:
        shift += 1
    free, top, reached, bucket = np.int64(-1), np.int64(0), np.int64(0), np.int64(0)
    for place in range(first, last):
        for side in range(2):
            node, ms = ends.node[place, side], ends.ms[place, side]
            if node < 0 or ms > cutoff_ms or ms >= room.ms[node]:
                continue
            if room.ms[node] == NEVER_MS:
                room.order[reached] = node
                reached += 1
            room.ms[node] = ms
            if top == len(keys):
                keys, nexts = np.append(keys, keys), np.append(nexts, nexts)
            free, top = _put((np.int64(ms) << 32) | np.int64(node), shift, heads, keys, nexts, free, top)
    while bucket <= ceiling >> shift:
        entry = heads[bucket]
        if entry < 0:
            bucket += 1
            continue
        key, heads[bucket] = keys[entry], nexts[entry]
        nexts[entry] = free
        free = np.int64(entry)
        node = key & LOW
        if room.ms[node] != key >> 32:
            continue
        for row in range(graph.start[node], graph.start[node + 1]):
            onward, reached = _follow(graph, node, graph.arcs[row], ceiling, key, room, reached)
            if onward >= 0:
                if free < 0 and top == len(keys):
                    keys, nexts = np.append(keys, keys), np.append(nexts, nexts)
                free, top = _put(onward, shift, heads, keys, nexts, free, top)
    return reached


@numba.njit(nogil=True, cache=True)
def least_times(
    graph: Graph, ends: Ends, cutoff_ms: int, width_bits: int, room: Room
) -> tuple[Ints32, Ints32]:  # pragma: no cover - compiled
    """Return the junctions within the cutoff of any of the places, ascending, and the least times."""
    reached = _search(graph, ends, 0, len(ends.node), cutoff_ms, width_bits, room)
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
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Write all junctions within the cutoff of each source, from source `span[0]` to before `span[1]`.

    Stops early where the next source might not fit, and returns the source to go on from, and the number of pairs.
    """
    total = np.int64(0)
    for source in range(span[0], span[1]):
        if total + len(room.ms) > len(rows.other):
            return source, total
        reached = _search(graph, ends, source, source + 1, cutoff_ms, width_bits, room)
        for position in range(reached):
            node = room.order[position]
            rows.other[total] = node
            rows.ms[total] = room.ms[node]
            room.ms[node] = NEVER_MS
            total += 1
        rows.counts[source] = reached
    return span[1], total


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
def _offer(target: Whole, ms: Whole, meeting: Meeting, count: int) -> int:  # pragma: no cover - compiled
    """Note a time at a target if it is the best of this source."""
    if ms < meeting.ms[target]:
        if meeting.ms[target] == NEVER_MS:
            meeting.met[count] = target
            count += 1
        meeting.ms[target] = ms
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
def _meet(
    graph: Graph,
    sources: Spots,
    ends: Ends,
    targets: Targets,
    cutoff_ms: int,
    width_bits: int,
    source: Whole,
    room: Room,
    meeting: Meeting,
) -> int:  # pragma: no cover - compiled
    """Search from one source, write the targets met to `meeting.met` in order, and return their number."""
    reached = _search(graph, ends, source, source + 1, cutoff_ms, width_bits, room)
    count = 0
    edge = sources.edge[source]
    for row in range(targets.edge_start[edge], targets.edge_start[edge + 1]):
        target = targets.edge_target[row]
        ms = _along_edge(sources, source, targets.spots, target)
        if 0 <= ms <= cutoff_ms:
            count = _offer(target, ms, meeting, count)
    for position in range(reached):
        node = room.order[position]
        node_ms = room.ms[node]
        room.ms[node] = NEVER_MS
        for row in range(targets.node_start[node], targets.node_start[node + 1]):
            ms = np.int64(node_ms) + targets.node_ms[row]
            if ms <= cutoff_ms:
                count = _offer(targets.node_target[row], ms, meeting, count)
    _sort(meeting.met, count, meeting.spare, len(meeting.ms) - 1)
    return count


@numba.njit(nogil=True, cache=True)
def target_rows(
    graph: Graph,
    sources: Spots,
    ends: Ends,
    targets: Targets,
    span: tuple[int, int],
    cutoff_ms: int,
    width_bits: int,
    room: Room,
    meeting: Meeting,
    rows: Rows,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Write all targets within the cutoff of each source, ascending, from source `span[0]` to before `span[1]`.

    Stops early where the next source might not fit, and returns the source to go on from, and the number of pairs.
    """
    total = np.int64(0)
    for source in range(span[0], span[1]):
        if total + len(meeting.ms) > len(rows.other):
            return source, total
        if sources.edge[source] < 0:
            continue
        count = _meet(graph, sources, ends, targets, cutoff_ms, width_bits, source, room, meeting)
        for position in range(count):
            target = meeting.met[position]
            rows.other[total] = target
            rows.ms[total] = meeting.ms[target]
            meeting.ms[target] = NEVER_MS
            total += 1
        rows.counts[source] = count
    return span[1], total

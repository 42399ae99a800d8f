"""From searches to the targets they meet: places on edges, each at its best time."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from careshed.reach._search import NEVER_MS, Ends, Graph, Ints32, Room, Rows, Spots, Targets, Whole, search

__all__ = ["Meeting", "meeting_for", "target_rows"]

DIGIT_BITS = 9
DIGITS = 1 << DIGIT_BITS


class Meeting(NamedTuple):
    """One thread's room for targets met. Between sources `ms` (by target) is `NEVER_MS` throughout."""

    ms: Ints32
    met: Ints32
    spare: Ints32


def meeting_for(targets: int) -> Meeting:
    """Return room for a thread to meet so many targets."""
    return Meeting(np.full(targets, NEVER_MS, dtype=np.int32), *np.empty((2, targets), dtype=np.int32))


@numba.njit(nogil=True, cache=True)
def _along_edge(spots: Spots, source: Whole, others: Spots, target: Whole) -> Whole:  # pragma: no cover - compiled
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
def _offer(target: Whole, ms: Whole, meeting: Meeting, count: Whole) -> Whole:  # pragma: no cover - compiled
    """Note a time at a target if it is the best of this source."""
    if ms < meeting.ms[target]:
        if meeting.ms[target] == NEVER_MS:
            meeting.met[count] = target
            count += 1
        meeting.ms[target] = ms
    return count


@numba.njit(nogil=True, cache=True)
def _sort(met: Ints32, count: Whole, spare: Ints32, most: int) -> None:  # pragma: no cover - compiled
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
def _meet(  # noqa: PLR0913, PLR0917 - compiled
    graph: Graph,
    sources: Spots,
    ends: Ends,
    targets: Targets,
    cutoff_ms: int,
    width_bits: int,
    source: Whole,
    room: Room,
    meeting: Meeting,
) -> Whole:  # pragma: no cover - compiled
    """Search from one source, write the targets met to `meeting.met` in order, and return their number."""
    reached = search(graph, ends, source, source + 1, cutoff_ms, width_bits, room)
    count: Whole = 0
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
def target_rows(  # noqa: PLR0913, PLR0917 - compiled
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
) -> tuple[Whole, Whole]:  # pragma: no cover - compiled
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

"""Travel times on a road network: all pairs within a cutoff, and reach from places.

Times are exact on the network's whole milliseconds, from point to point inside
edges, legs included. "Within" includes the limit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from threading import Lock
from typing import TypeAlias

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from careshed.errors import InputError
from careshed.network import Access, RoadNetwork
from careshed.reach._ends import graph_of, require_same_network, sources_of, spots_of, targets_of
from careshed.reach._limits import MAX_CUTOFF_S, Seconds, limit_ms, per_id_ms
from careshed.reach._reach import Direction, Reach, reach_times
from careshed.reach._search import Ends, Graph, Ints32, Ints64, Spots, Targets, pair_times, room_for
from careshed.reach._times import TravelTimes, rejects

__all__ = ["MAX_CUTOFF_S", "Direction", "Reach", "Seconds", "TravelTimes", "reach_times", "travel_times"]

MOST_IN_CHUNK = 64
"""Sources searched in one go; small, so that threads end at about the same time."""

Places: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | Access


def travel_times(
    network: RoadNetwork,
    origins: Places,
    destinations: Places,
    *,
    cutoff_s: float,
    origin_delay_s: Seconds | None = None,
    threads: int | None = None,
) -> TravelTimes:
    """Compute the times of all pairs within a cutoff.

    A time is the leg from the origin to its street, the way along the
    directed network, and the leg to the destination, plus the origin's delay.

    Parameters
    ----------
    network
        The network.
    origins, destinations
        Points by id, in the network's CRS, or what :meth:`RoadNetwork.snap` made of them.
    cutoff_s
        Pairs further apart, in seconds, are left out; a time equal to it is in.
    origin_delay_s
        Seconds before leaving, one figure or one for each origin.
    threads
        Number of threads; default one for each core. The result doesn't depend on it.

    Returns
    -------
    TravelTimes
        By id. Places that can't be joined to the network are in its `rejected`.

    Notes
    -----
    A bounded search by Dijkstra's algorithm (1959) from each place of the smaller side; from destinations it
    runs over the reversed graph.
    """
    cutoff_ms = limit_ms(cutoff_s)
    leave, arrive = _joined(network, origins, "origins"), _joined(network, destinations, "destinations")
    delay_ms = 0 if origin_delay_s is None else per_id_ms(origin_delay_s, leave.ids, what="origin_delay_s")
    reverse = len(arrive) < len(leave)
    ends = [spots_of(network, leave, delay_ms, reverse=reverse), spots_of(network, arrive, reverse=reverse)]
    from_spots, to_spots = ends[::-1] if reverse else ends
    start, other, ms = _search(
        graph_of(network, reverse=reverse),
        from_spots,
        sources_of(network, from_spots, reverse=reverse),
        targets_of(network, to_spots, reverse=reverse),
        cutoff_ms,
        threads or os.cpu_count() or 1,
    )
    if reverse:
        start, other, ms = _transpose(start, other, ms, len(leave))
    return TravelTimes(
        origin_ids=leave.ids.rename("origin_id"),
        destination_ids=arrive.ids.rename("destination_id"),
        cutoff_s=float(cutoff_s),
        mode=network.mode,
        network_hash=network.hash,
        rejected=rejects(leave, arrive),
        _start=start,
        _destination=other,
        _ms=ms,
    )


def _joined(network: RoadNetwork, places: Places, what: str) -> Access:
    if isinstance(places, Access):
        return require_same_network(network, places, what=what)
    return network.snap(places)


def _search(
    graph: Graph, sources: Spots, ends: Ends, targets: Targets, cutoff_ms: int, threads: int
) -> tuple[Ints64, Ints32, Ints32]:
    """Search from all sources, in chunks shared out among threads; the rows come in the sources' order."""
    if threads < 1:
        raise InputError(f"threads is {threads}; expected 1 or more")
    count = len(sources.edge)
    size = max(1, min(MOST_IN_CHUNK, -(-count // (4 * threads))))
    chunks = [(first, min(first + size, count)) for first in range(0, count, size)]
    waiting, lock = iter(enumerate(chunks)), Lock()
    done: list[tuple[Ints64, Ints32, Ints32] | None] = [None] * len(chunks)

    def take() -> Iterator[tuple[int, tuple[int, int]]]:
        while True:
            with lock:
                chunk = next(waiting, None)
            if chunk is None:
                return
            yield chunk

    def work(_: None) -> None:
        room = room_for(graph, targets)
        for position, span in take():
            done[position] = pair_times(graph, sources, ends, targets, cutoff_ms, span, room)

    if min(threads, len(chunks)) <= 1:
        work(None)
    else:
        with ThreadPoolExecutor(min(threads, len(chunks))) as pool:
            list(pool.map(work, repeat(None, min(threads, len(chunks)))))
    return _join_up(done)


def _join_up(done: list[tuple[Ints64, Ints32, Ints32] | None]) -> tuple[Ints64, Ints32, Ints32]:
    """Put the chunks' rows one after the other, letting go of each when copied."""
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(part[0] for part in done if part)])
    start = np.cumsum(counts)
    other, ms = np.empty(start[-1], dtype=np.int32), np.empty(start[-1], dtype=np.int32)
    at = 0
    for position, part in enumerate(done):
        if part is not None:
            after = at + len(part[1])
            other[at:after], ms[at:after] = part[1], part[2]
            at, done[position] = after, None
        del part
    return start, other, ms


def _transpose(start: Ints64, other: Ints32, ms: Ints32, width: int) -> tuple[Ints64, Ints32, Ints32]:
    """Return rows by the other side. A zero is a time and stays."""
    turned = csr_array((ms, other, start), shape=(len(start) - 1, width)).tocsc()
    return turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data

"""Times of all pairs of origins and destinations within a cutoff."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy.sparse import csr_array

from careshed.network import RoadNetwork
from careshed.reach._ends import Places, graph_of, joined, sources_of, spots_of, targets_of
from careshed.reach._limits import Seconds, limit_ms, per_id_ms
from careshed.reach._meet import meeting_for, target_rows
from careshed.reach._search import Ints32, Ints64, Spots
from careshed.reach._times import TravelTimes, rejects
from careshed.reach._work import Found, Work, search_rows, workplace_of

__all__ = ["travel_times"]


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
    A bounded search by Dijkstra's algorithm (1959), with buckets (Dial, 1969), from each place of the smaller side;
    from destinations it runs over the reversed graph.
    """
    cutoff_ms = limit_ms(cutoff_s)
    leave, arrive = joined(network, origins, what="origins"), joined(network, destinations, what="destinations")
    delay_ms = 0 if origin_delay_s is None else per_id_ms(origin_delay_s, leave.ids, what="origin_delay_s")
    reverse = len(arrive) < len(leave)
    ends = [spots_of(network, leave, delay_ms, reverse=reverse), spots_of(network, arrive, reverse=reverse)]
    from_spots, to_spots = ends[::-1] if reverse else ends
    start, other, ms = _rows(network, from_spots, to_spots, cutoff_ms, threads, reverse=reverse)
    if reverse:
        start, other, ms = _transpose(start, other, ms, len(leave))
    return TravelTimes(
        origin_ids=leave.ids.rename("origin_id"),
        destination_ids=arrive.ids.rename("destination_id"),
        cutoff_s=float(cutoff_s),
        mode=network.mode,
        network_hash=network.hash,
        profile=network.profile,
        rejected=rejects(leave, arrive),
        _start=start,
        _destination=other,
        _ms=ms,
    )


def _rows(
    network: RoadNetwork, from_spots: Spots, to_spots: Spots, cutoff_ms: int, threads: int | None, *, reverse: bool
) -> Found:
    """Search from every place of one side to those of the other."""
    graph, place = graph_of(network, reverse=reverse), workplace_of(network)
    ends, targets = sources_of(network, from_spots, reverse=reverse), targets_of(network, to_spots, reverse=reverse)

    @contextmanager
    def working() -> Iterator[Work]:
        meeting = meeting_for(len(to_spots.edge))
        with place.room() as room:
            yield lambda span, rows: target_rows(
                graph, from_spots, ends, targets, span, cutoff_ms, place.width_bits, room, meeting, rows
            )

    return search_rows(len(from_spots.edge), len(to_spots.edge), threads, working)


def _transpose(start: Ints64, other: Ints32, ms: Ints32, width: int) -> Found:
    """Return rows by the other side. A zero is a time and stays."""
    turned = csr_array((ms, other, start), shape=(len(start) - 1, width)).tocsc()
    return turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data

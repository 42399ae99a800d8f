"""Times between places and all junctions within a cutoff, straight from the search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from careshed.errors import InputError
from careshed.network import RoadNetwork
from careshed.reach._ends import Direction, Places, opening
from careshed.reach._limits import Seconds, limit_ms
from careshed.reach._search import Ints32, Ints64, junction_rows
from careshed.reach._work import Found, Work, search_rows, workplace_of

__all__ = ["NodeTimes", "node_times"]


@dataclass(frozen=True, slots=True, eq=False)
class NodeTimes:
    """Times between places and all junctions within a cutoff, in compressed rows, eight bytes a pair.

    Made by :func:`node_times`.

    Parameters
    ----------
    place_ids
        Unique strings, rejected places included.
    direction
        ``'from'`` or ``'to'`` the places.
    cutoff_s
        Junctions further away are absent.
    network_hash
        The network that junctions are counted in.
    start
        The pairs of place i are ``start[i]`` to before ``start[i + 1]``, (places + 1,).
    node
        Positions of junctions in the network's arrays, (pairs,); for each place, each junction within the cutoff once,
        in the order in which the search came to it, which says nothing.
    ms
        Whole milliseconds, (pairs,).
    rejected
        The places that could not be joined: ``id``, ``reason``, ``distance_m``.
    """

    place_ids: pd.Index
    direction: Direction
    cutoff_s: float
    network_hash: str
    start: Ints64
    node: Ints32
    ms: Ints32
    rejected: pd.DataFrame

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for array in (self.start, self.node, self.ms):
            array.flags.writeable = False

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.node)

    def of(self, place_id: str) -> pd.Series:
        """Return one place's times, in seconds, on the junctions' positions, ascending.

        Raises
        ------
        InputError
            If there is no such place.
        """
        row = self.place_ids.get_indexer(pd.Index([place_id]))[0]
        if row < 0:
            raise InputError(f"no place has the id {place_id!r}; there are {len(self.place_ids)}")
        span = slice(self.start[row], self.start[row + 1])
        return pd.Series(
            self.ms[span] / 1000, index=pd.Index(self.node[span], name="node"), name="seconds"
        ).sort_index()


def node_times(
    network: RoadNetwork,
    places: Places,
    *,
    cutoff_s: float,
    direction: Direction = "from",
    delays_s: Seconds | None = None,
    threads: int | None = None,
) -> NodeTimes:
    """Compute the times between each of some places and all junctions within a cutoff.

    Parameters
    ----------
    network
        The network.
    places
        Points by id, in the network's CRS, or what :meth:`RoadNetwork.snap` made of them.
    cutoff_s
        Junctions further away, in seconds, are left out; a time equal to it is in.
    direction
        ``'from'`` the places to the junctions, or ``'to'`` them.
    delays_s
        Seconds added to each place's times, one figure or one for each place.
    threads
        Number of threads; default one for each core. The result doesn't depend on it.

    Notes
    -----
    The place's leg is part of each time. Memory grows with the pairs found.
    """
    cutoff_ms, place = limit_ms(cutoff_s), workplace_of(network)
    graph, access, _, ends = opening(network, places, direction, delays_s)

    @contextmanager
    def working() -> Iterator[Work]:
        with place.room() as room:
            yield lambda span, rows: junction_rows(graph, ends, span, cutoff_ms, place.width_bits, room, rows)

    start, node, ms = search_rows(len(access), place.nodes, threads, working)
    if network.turns is not None:
        start, node, ms = _at_junctions(network, start, node, ms, reverse=direction == "to")
    return NodeTimes(
        access.ids.rename("place_id"), direction, float(cutoff_s), network.hash, start, node, ms, access.rejected
    )


def _at_junctions(network: RoadNetwork, start: Ints64, node: Ints32, ms: Ints32, *, reverse: bool) -> Found:
    """Keep, of the nodes inside each junction, the one that a trip ends at or begins from."""
    junction = np.full(len(network.out_start) - 1, -1, dtype=np.int32)
    junction[network.leave if reverse else network.arrive] = np.arange(network.nodes, dtype=np.int32)
    at = junction[node]
    kept = np.concatenate([[0], np.cumsum(at >= 0)])
    return kept[start], at[at >= 0], ms[at >= 0]

"""The streets that trips run along: metres by class, and what else takes time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from careshed.network import Access, RoadNetwork

__all__ = ["Routes", "route_trips"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
BLOCK = 32
"""Trips searched at once: the search holds a row of the whole network for each."""


class Routes(NamedTuple):
    """The quickest way of each trip.

    Attributes
    ----------
    metres
        Metres on streets of each class, (trips, classes).
    class_s
        Seconds on them at the network's speeds, (trips, classes).
    other_s
        Seconds of legs and of turns, (trips,).
    found
        Whether there is a way, (trips,).
    """

    metres: Floats
    class_s: Floats
    other_s: Floats
    found: npt.NDArray[np.bool_]

    @property
    def seconds(self) -> Floats:
        """Whole time of each trip at the network's speeds."""
        return self.class_s.sum(axis=1) + self.other_s


class _Arcs(NamedTuple):
    """Arcs of the search: nodes, milliseconds, the edge (−1 a turn) and the metres along it."""

    tail: Ints
    head: Ints
    ms: Ints
    edge: Ints
    metres: Floats


def route_trips(network: RoadNetwork, trips: pd.DataFrame, highway: pd.Series, classes: Sequence[str]) -> Routes:
    """Find the quickest way of each trip.

    Parameters
    ----------
    network
        A driving network.
    trips
        Columns ``origin_x``, ``origin_y``, ``destination_x``, ``destination_y``.
    highway
        Class of each street, by id.
    classes
        The classes in the order of the result's columns.

    Notes
    -----
    Dijkstra's algorithm (1959), by scipy, on the network with a node added at both ends of each trip.
    """
    ends = [_joined(network, trips, end) for end in ("origin", "destination")]
    nodes = len(network.out_start) - 1
    arcs = _without_twins(_arcs(network, ends[0], ends[1], nodes))
    total = nodes + 2 * len(trips)
    graph = csr_array((arcs.ms.astype(np.float64), (arcs.tail, arcs.head)), shape=(total, total))
    keys = arcs.tail * total + arcs.head
    column = pd.Index(classes).get_indexer(pd.Index(highway.reindex(network.street_ids)))
    size = (len(trips), len(classes))
    routes = Routes(np.zeros(size), np.zeros(size), np.zeros(len(trips)), ends[0].joined & ends[1].joined)
    # a way is no use where it is many times as long as the trip took
    limit_ms = 10_000.0 * trips["seconds"].to_numpy()
    for first in range(0, len(trips), BLOCK):
        block = np.arange(first, min(first + BLOCK, len(trips)))
        _, before = dijkstra(graph, indices=nodes + block, return_predecessors=True, limit=limit_ms[block].max())
        for row, trip in enumerate(block):
            way = _way(before[row], nodes + int(trip), nodes + len(trips) + int(trip))
            routes.found[trip] &= len(way) > 0
            chosen = np.searchsorted(keys, way[:-1] * total + way[1:])
            on = arcs.edge[chosen] >= 0
            kind = column[arcs.edge[chosen][on]]
            np.add.at(routes.metres[trip], kind, arcs.metres[chosen][on])
            np.add.at(routes.class_s[trip], kind, arcs.ms[chosen][on] / 1000)
            routes.other_s[trip] = arcs.ms[chosen][~on].sum() / 1000
    legs_ms = ends[0].leg_ms.astype(np.float64) + ends[1].leg_ms
    routes.other_s[:] += np.where(routes.found, legs_ms / 1000, 0.0)
    return routes


def _joined(network: RoadNetwork, trips: pd.DataFrame, end: str) -> Access:
    points = gpd.points_from_xy(trips[f"{end}_x"], trips[f"{end}_y"])
    ids = pd.Index([f"{number}" for number in range(len(trips))])
    return network.snap(gpd.GeoSeries(points, index=ids, crs=network.crs))


def _way(before: npt.NDArray[np.int32], origin: int, destination: int) -> Ints:
    """Return the nodes from origin to destination, none where there is no way."""
    way = [destination]
    while way[-1] != origin:
        node = int(before[way[-1]])
        if node < 0:
            return np.empty(0, dtype=np.int64)
        way.append(node)
    return np.array(way[::-1], dtype=np.int64)


def _arcs(network: RoadNetwork, origins: Access, destinations: Access, nodes: int) -> _Arcs:
    """Return the arcs of the network, of its turns, and of the trips' ends."""
    arcs = network.arcs()
    metres = np.where(arcs.edge >= 0, network.edge_length_m[arcs.edge], 0.0)
    rows: list[Row] = [(*arcs, metres)]
    count = len(origins)
    for ahead in (True, False):
        rows += _end_arcs(network, origins, nodes, ahead=ahead, leaving=True)
        rows += _end_arcs(network, destinations, nodes + count, ahead=ahead, leaving=False)
    rows += _direct_arcs(network, origins, destinations, nodes)
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    from_node, to_node, time_ms, street = (part.astype(np.int64) for part in columns[:4])
    return _Arcs(from_node, to_node, time_ms, street, columns[4].astype(np.float64))


Row = tuple[npt.NDArray[Any], ...]


def _end_arcs(network: RoadNetwork, ends: Access, first: int, *, ahead: bool, leaving: bool) -> list[Row]:
    """Return arcs from (to) trips' ends along one direction of their streets."""
    whole = network.forward_ms if ahead else network.backward_ms
    at = ends.at_forward_ms if ahead else ends.at_backward_ms
    trip = np.flatnonzero(ends.joined & (at >= 0))
    edge = ends.edge[trip]
    gone_m = ends.offset_m[trip] if ahead else network.edge_length_m[edge] - ends.offset_m[trip]
    if leaving:
        node = (network.fwd_head if ahead else network.bwd_head)[edge]
        return [(first + trip, node, whole[edge] - at[trip], edge, network.edge_length_m[edge] - gone_m)]
    node = (network.fwd_tail if ahead else network.bwd_tail)[edge]
    return [(node, first + trip, at[trip], edge, gone_m)]


def _direct_arcs(network: RoadNetwork, origins: Access, destinations: Access, nodes: int) -> list[Row]:
    """Return arcs of trips that stay on one street."""
    count = len(origins)
    same = np.flatnonzero(origins.joined & (origins.edge == destinations.edge))
    ahead = destinations.offset_m[same] >= origins.offset_m[same]
    edge = origins.edge[same]
    forward = destinations.at_forward_ms[same] - origins.at_forward_ms[same]
    backward = destinations.at_backward_ms[same] - origins.at_backward_ms[same]
    open_ = np.where(ahead, network.forward_ms[edge], network.backward_ms[edge]) >= 0
    metres = np.abs(destinations.offset_m[same] - origins.offset_m[same])
    ms = np.where(ahead, forward, backward)
    return [(nodes + same[open_], nodes + count + same[open_], ms[open_], edge[open_], metres[open_])]


def _without_twins(arcs: _Arcs) -> _Arcs:
    """Return the arcs in order of their nodes, of several between the same two the quickest."""
    order = np.lexsort((arcs.ms, arcs.head, arcs.tail))
    tail, head = arcs.tail[order], arcs.head[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    chosen = order[first]
    return _Arcs(arcs.tail[chosen], arcs.head[chosen], arcs.ms[chosen], arcs.edge[chosen], arcs.metres[chosen])

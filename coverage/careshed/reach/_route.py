"""The way itself, from one point to another, for drawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from careshed.errors import InputError
from careshed.network import Access, RoadNetwork, cut_lines
from careshed.reach._ends import Places, entries_of, joined, sources_of, spots_of
from careshed.reach._limits import MAX_CUTOFF_S
from careshed.reach._reach import reach_times
from careshed.reach._travel import travel_times
from careshed.reach._work import workplace_of

__all__ = ["Route", "route"]


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A quickest way between two points.

    Parameters
    ----------
    seconds
        From point to point, legs included, as :func:`travel_times` gives it; NaN where there is no way.
    streets
        The streets gone along, in order: ``street_id``, ``forward`` (False: from v to u), ``start_m``, ``end_m``
        (metres along the street, between which one goes) and the line, in the sense of travel.
    line
        The whole way, without the legs; empty where there is none.
    """

    seconds: float
    streets: gpd.GeoDataFrame
    line: shapely.LineString


def route(
    network: RoadNetwork,
    origin: Places,
    destination: Places,
    *,
    cutoff_s: float = MAX_CUTOFF_S,
) -> Route:
    """Find a quickest way between two points.

    Parameters
    ----------
    network
        The network.
    origin, destination
        One point each, in the network's CRS, or what :meth:`RoadNetwork.snap` made of it.
    cutoff_s
        A longer way isn't looked for.

    Raises
    ------
    InputError
        If a side isn't one point.
    """
    leave, arrive = joined(network, origin, what="origin"), joined(network, destination, what="destination")
    for side, what in ((leave, "origin"), (arrive, "destination")):
        if len(side) != 1:
            raise InputError(f"{what}: {len(side)} points; expected one: take it with .iloc[[i]]")
    times = travel_times(network, leave, arrive, cutoff_s=cutoff_s)
    if not len(times):
        return _drawn(network, float("nan"), [])
    ms = int(times.pairs()[2][0])
    return _drawn(network, ms / 1000, _way(network, leave, arrive, ms))


Piece = tuple[int, bool, float, float]
"""An edge, whether from u to v, and from and to, metres from u."""


def _way(network: RoadNetwork, leave: Access, arrive: Access, ms: int) -> list[Piece]:
    """Return the pieces of a way that takes `ms`, legs included: downhill along the times to the destination."""
    direct = _along(network, leave, arrive, ms)
    if direct:
        return direct
    reach = reach_times(network, arrive, cutoff_s=(ms + 1) / 1000, direction="to")
    left_ms = dict(zip(reach.reached.tolist(), reach.reached_ms.tolist(), strict=True))
    ends = sources_of(network, spots_of(network, leave, reverse=False), reverse=False)
    for side, (node, gone_ms) in enumerate(zip(ends.node[0].tolist(), ends.ms[0].tolist(), strict=True)):
        if node >= 0 and left_ms.get(node) == ms - gone_ms:
            edge = int(leave.edge[0])
            first = (edge, side == 1, float(leave.offset_m[0]), float(network.edge_length_m[edge]) * side)
            return [first, *_downhill(network, arrive, node, left_ms)]
    raise AssertionError("a time that was found has a way")  # pragma: no cover


def _along(network: RoadNetwork, leave: Access, arrive: Access, ms: int) -> list[Piece]:
    """Return the way along one edge, if both points are on it and that takes `ms`."""
    edge, start_m, end_m = int(leave.edge[0]), float(leave.offset_m[0]), float(arrive.offset_m[0])
    if edge != arrive.edge[0]:
        return []
    ms -= int(leave.leg_ms[0] + arrive.leg_ms[0])
    there = network.forward_ms[edge] >= 0 and arrive.at_forward_ms[0] - leave.at_forward_ms[0] == ms
    back = network.backward_ms[edge] >= 0 and arrive.at_backward_ms[0] - leave.at_backward_ms[0] == ms
    if (end_m > start_m and there) or (end_m < start_m and back) or (end_m == start_m and ms == 0):
        return [(edge, end_m >= start_m, start_m, end_m)]
    return []


def _downhill(network: RoadNetwork, arrive: Access, node: int, left_ms: dict[int, int]) -> Iterator[Piece]:
    """Yield the pieces from a node of the search to the destination."""
    entries = entries_of(network, spots_of(network, arrive, reverse=False), reverse=False)
    last = list(zip(entries.node[0].tolist(), entries.ms[0].tolist(), strict=True))
    while (node, left_ms[node]) not in last:
        edge, forward, node = _step(network, node, left_ms)
        if edge >= 0:
            length_m = float(network.edge_length_m[edge])
            yield (edge, True, 0.0, length_m) if forward else (edge, False, length_m, 0.0)
    side = last.index((node, left_ms[node]))
    edge = int(arrive.edge[0])
    yield edge, side == 0, float(network.edge_length_m[edge]) * side, float(arrive.offset_m[0])


def _step(network: RoadNetwork, node: int, left_ms: dict[int, int]) -> tuple[int, bool, int]:
    """Return the street of the next step, whether it is gone along from u to v, and the node after; −1 for a turn."""
    runs = (
        (True, network.fwd_tail, network.fwd_head, network.forward_ms),
        (False, network.bwd_tail, network.bwd_head, network.backward_ms),
    )
    for edge in workplace_of(network).streets_from(np.array([node]), reverse=False).tolist():
        for forward, tail, head, whole_ms in runs:
            after = int(head[edge])
            if tail[edge] == node and whole_ms[edge] >= 0 and left_ms.get(after) == left_ms[node] - int(whole_ms[edge]):
                return edge, forward, after
    if network.turns is not None:
        turns = network.turns
        for copy in np.flatnonzero(turns.copy_tail == node).tolist():
            edge, forward, after = int(turns.copy_edge[copy]), bool(turns.copy_ahead[copy]), int(turns.copy_head[copy])
            ms = network.forward_ms[edge] if forward else network.backward_ms[edge]
            if left_ms.get(after) == left_ms[node] - int(ms):
                return edge, forward, after
    for arc in network.out_arcs[network.out_start[node] : network.out_start[node + 1]].tolist():
        after = arc & 0xFFFFFFFF
        if left_ms.get(after) == left_ms[node] - (arc >> 32):
            return -1, True, after
    raise AssertionError("a time that was found has a way")  # pragma: no cover


def _drawn(network: RoadNetwork, seconds: float, pieces: list[Piece]) -> Route:
    """Draw pieces that have a length, in the sense of travel."""
    some = [piece for piece in pieces if piece[2] != piece[3]]
    edge = np.array([piece[0] for piece in some], dtype=np.int64)
    forward = np.array([piece[1] for piece in some], dtype=bool)
    between = np.array([piece[2:] for piece in some], dtype=np.float64).reshape(-1, 2)
    lines = cut_lines(network.geometry[edge], between.min(axis=1, initial=np.inf), between.max(axis=1, initial=0.0))
    lines[~forward] = shapely.reverse(lines[~forward])
    columns = {
        "street_id": network.street_ids[edge],
        "forward": forward,
        "start_m": between[:, 0],
        "end_m": between[:, 1],
    }
    streets = gpd.GeoDataFrame(columns, geometry=lines, crs=network.crs)
    return Route(seconds, streets, shapely.LineString(shapely.get_coordinates(lines)))

"""From points on edges to what the search takes: either direction, one form.

Searching from destinations back to origins is searching the reversed graph
from u to v as if from v to u: times from one end become rests to the other.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np

from careshed.errors import InputError
from careshed.network import CLOSED, Access, RoadNetwork
from careshed.reach._limits import Seconds, per_id_ms
from careshed.reach._search import Ends, Graph, Ints32, Ints64, Spots, Targets
from careshed.reach._times import row_starts

__all__ = [
    "Direction",
    "Opening",
    "Places",
    "edge_ms",
    "entries_of",
    "graph_of",
    "joined",
    "opening",
    "require_same_network",
    "sources_of",
    "spots_of",
    "tails",
    "targets_of",
]


Direction = Literal["to", "from"]
Places: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | Access
"""Points by id, or joined already."""

Arrays = TypeVar("Arrays", bound=tuple[Any, ...])


def frozen(arrays: Arrays) -> Arrays:
    """Make arrays read-only: numba compiles anew for every mixture of those that are and those that aren't."""
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return arrays


def require_same_network(network: RoadNetwork, access: Access, *, what: str) -> Access:
    """Refuse points that were joined to another network."""
    if access.network_hash != network.hash:
        raise InputError(f"{what} were joined to another network; join them to this one with network.snap()")
    return access


def joined(network: RoadNetwork, places: Places, *, what: str = "places") -> Access:
    """Join places to the network, unless they are."""
    return require_same_network(network, places, what=what) if isinstance(places, Access) else network.snap(places)


class Opening(NamedTuple):
    """A search about to begin from places, or on the reversed graph towards them."""

    graph: Graph
    access: Access
    spots: Spots
    ends: Ends


def opening(network: RoadNetwork, places: Places, direction: Direction, delays_s: Seconds | None) -> Opening:
    """Return what a search from places, or towards them, begins with."""
    if direction not in ("to", "from"):
        raise InputError(f"direction is {direction!r}; expected 'to' or 'from'")
    access, reverse = joined(network, places), direction == "to"
    extra_ms = 0 if delays_s is None else per_id_ms(delays_s, access.ids, what="delays_s")
    spots = spots_of(network, access, extra_ms, reverse=reverse)
    return Opening(graph_of(network, reverse=reverse), access, spots, sources_of(network, spots, reverse=reverse))


def graph_of(network: RoadNetwork, *, reverse: bool) -> Graph:
    """Return the graph, or the reversed one."""
    return Graph(network.in_start, network.in_arcs) if reverse else Graph(network.out_start, network.out_arcs)


def edge_ms(network: RoadNetwork, *, reverse: bool) -> tuple[Ints32, Ints32]:
    """Return each edge's time from u to v and from v to u; in the reversed graph they change places."""
    there, back = network.forward_ms, network.backward_ms
    return (back, there) if reverse else (there, back)


def spots_of(network: RoadNetwork, access: Access, extra_ms: Ints64 | int = 0, *, reverse: bool) -> Spots:
    """Return places with their times from u and from v, in the graph or the reversed one."""
    joined = access.joined
    from_u, from_v = access.at_forward_ms, access.at_backward_ms
    if reverse:
        from_u, from_v = _rest(network.backward_ms, access.edge, from_v), _rest(network.forward_ms, access.edge, from_u)
    base = np.where(joined, access.leg_ms + np.int64(0) + extra_ms, 0)
    base_ms = np.minimum(base, np.iinfo(np.int32).max).astype(np.int32)
    return frozen(Spots(access.edge, access.offset_m, from_u, from_v, base_ms))


def _rest(whole_ms: Ints32, edge: Ints32, at_ms: Ints32) -> Ints32:
    if not len(whole_ms):
        return at_ms
    return np.where(at_ms >= 0, whole_ms[edge] - at_ms, CLOSED).astype(np.int32)


def tails(network: RoadNetwork, *, reverse: bool) -> tuple[Ints32, Ints32]:
    """Return the nodes of the search from which each edge is entered at u and at v."""
    if reverse:
        return network.bwd_head, network.fwd_head
    return network.fwd_tail, network.bwd_tail


def _heads(network: RoadNetwork, *, reverse: bool) -> tuple[Ints32, Ints32]:
    """Return the nodes of the search to which each edge leads at u and at v."""
    return tails(network, reverse=not reverse)


def sources_of(network: RoadNetwork, spots: Spots, *, reverse: bool) -> Ends:
    """Return the nodes of the search that each place leads to, and the times."""
    from_u_all, from_v_all = edge_ms(network, reverse=reverse)
    to_v, to_u = _rest(from_u_all, spots.edge, spots.from_u_ms), _rest(from_v_all, spots.edge, spots.from_v_ms)
    stand = network.arrive if reverse else network.leave
    return _ends(network, spots, (to_u, to_v), _heads(network, reverse=reverse), stand)


def entries_of(network: RoadNetwork, spots: Spots, *, reverse: bool) -> Ends:
    """Return the nodes of the search that each place is entered from, and the times."""
    stand = network.leave if reverse else network.arrive
    return _ends(network, spots, (spots.from_u_ms, spots.from_v_ms), tails(network, reverse=reverse), stand)


def targets_of(network: RoadNetwork, spots: Spots, *, reverse: bool) -> Targets:
    """Return the places in rows by the nodes of the search that they are entered from, and by edge."""
    ends = entries_of(network, spots, reverse=reverse)
    target, side = np.nonzero(ends.node >= 0)
    node, ms = ends.node[target, side], ends.ms[target, side]
    by_node = np.lexsort((target, node))
    on = np.flatnonzero(spots.edge >= 0)
    by_edge = on[np.argsort(spots.edge[on], kind="stable")]
    targets = Targets(
        spots,
        row_starts(node, len(network.out_start) - 1),
        target[by_node].astype(np.int32),
        ms[by_node],
        row_starts(spots.edge[on], network.edges),
        by_edge.astype(np.int32),
    )
    return frozen(targets)


def _ends(
    network: RoadNetwork,
    spots: Spots,
    end_ms: tuple[Ints32, Ints32],
    end_node: tuple[Ints32, Ints32],
    stand: Ints32,
) -> Ends:
    """Join each place to both ends of its edge, or to the one junction that it stands at (`stand`: its node)."""
    joined = spots.edge >= 0
    edge = np.where(joined, spots.edge, 0)
    if not network.edges:
        return frozen(Ends(*np.full((2, len(edge), 2), -1, dtype=np.int32)))
    at_u = joined & (spots.offset_m == 0)
    at_v = joined & ~at_u & (spots.offset_m == network.edge_length_m[edge])
    node = np.column_stack([end_node[0][edge], end_node[1][edge]])
    along = np.column_stack(end_ms)
    node[at_u, 0], node[at_v, 1] = stand[network.edge_u[edge[at_u]]], stand[network.edge_v[edge[at_v]]]
    along[at_u, 0] = along[at_v, 1] = 0
    node[(along < 0) | ~joined[:, None]] = -1
    # at a junction, the way over the edge's other end is one of the network's own
    node[at_u, 1] = node[at_v, 0] = -1
    whole = np.minimum(along.astype(np.int64) + spots.base_ms[:, None], np.iinfo(np.int32).max)
    return frozen(Ends(np.ascontiguousarray(node), np.ascontiguousarray(whole.astype(np.int32))))

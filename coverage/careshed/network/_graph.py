"""From streets to a graph: numbered junctions, components, packed rows."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from careshed.errors import InputError
from careshed.network._turns import Arcs, Turns, arcs_of

__all__ = ["MAIN_SHARE", "Packed", "main_edges", "number_junctions", "pack"]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MAIN_SHARE = 0.05
"""A component with at least this share of the mode's junctions is kept; smaller ones are islands."""

JUNCTION_TOLERANCE_M = 0.05
"""Streets that meet at a junction may differ by so much there, from rounding."""


class Packed(NamedTuple):
    """The graph and the reversed graph in compressed rows, and the hash of what they were made of."""

    out_start: Ints64
    out_arcs: Ints64
    in_start: Ints64
    in_arcs: Ints64
    hash: str


def number_junctions(
    streets: gpd.GeoDataFrame, lines: npt.NDArray[np.object_]
) -> tuple[Ints64, Floats, Floats, Ints32, Ints32]:
    """Return the junctions in use, numbered along a Hilbert curve, their x and y, and each street's u and v."""
    ends = np.concatenate([streets["u"].to_numpy(dtype=np.int64), streets["v"].to_numpy(dtype=np.int64)])
    every, line = shapely.get_coordinates(lines, return_index=True)
    last = np.flatnonzero(np.diff(line, append=-1))
    xy = np.concatenate([every[np.append(0, last[:-1] + 1)[: len(last)]], every[last]])
    junction, first, position = np.unique(ends, return_index=True, return_inverse=True)
    apart = np.hypot(*(xy - xy[first][position]).T)
    if len(apart) and apart.max() > JUNCTION_TOLERANCE_M:
        worst = int(apart.argmax())
        raise InputError(
            f"street {streets.index[worst % len(streets)]} ends {apart[worst]:.2f} m away from its junction "
            f"{ends[worst]}; streets that share a junction must meet there: check u, v and the line's direction"
        )
    x, y = xy[first, 0], xy[first, 1]
    curve = gpd.GeoSeries(gpd.points_from_xy(x, y)).hilbert_distance().to_numpy() if len(x) else np.empty(0)
    order = np.lexsort((junction, curve))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    u, v = rank[position].reshape(2, -1)
    return junction[order], x[order], y[order], np.ascontiguousarray(u), np.ascontiguousarray(v)


def main_edges(turns: Turns, forward_ms: Ints32, backward_ms: Ints32, *, strong: bool) -> Bools:
    """Return which edges lie in a component that is kept."""
    nodes, junctions = len(turns.owner), len(turns.leave)
    if not junctions:
        return np.zeros(0, dtype=bool)
    arcs = arcs_of(turns, forward_ms, backward_ms)
    graph = coo_array((np.ones(len(arcs.tail), dtype=np.int32), (arcs.tail, arcs.head)), shape=(nodes, nodes)).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong" if strong else "weak")
    # a junction of several nodes counts once in each component that it has nodes in
    both = np.unique(label.astype(np.int64) * junctions + turns.owner) // junctions
    size = np.bincount(both, minlength=label.max() + 1)
    kept = size >= min(MAIN_SHARE * junctions, size.max())
    main = np.zeros(len(forward_ms), dtype=bool)
    start, end = label[arcs.tail], label[arcs.head]
    main[arcs.edge[(arcs.edge >= 0) & kept[start] & (start == end)]] = True
    return main


def pack(arcs: Arcs, nodes: int, content: str) -> Packed:
    """Return both graphs, and the hash of the content that they were made of."""
    tail, head, ms, _ = arcs
    return Packed(*_compress(tail, head, ms, nodes), *_compress(head, tail, ms, nodes), content)


def _compress(tail: Ints32, head: Ints32, ms: Ints32, nodes: int) -> tuple[Ints64, Ints64]:
    """Return arcs in compressed rows, each packed as milliseconds × 2³² + head."""
    order = np.lexsort((ms, head, tail))
    start = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=nodes), out=start[1:])
    return start, (ms[order].astype(np.int64) << 32) | head[order]

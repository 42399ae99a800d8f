"""From ways and their nodes to pieces of street between junctions, in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Pieces", "cut_at_junctions", "merge_junctions"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Pieces(NamedTuple):
    """Pieces of way between junctions.

    Attributes
    ----------
    way
        Position of each piece's way among the ways given.
    u, v
        Position of its first and last node among the nodes given.
    geometry
        LineStrings from `u` to `v`.
    cut
        Number of ways that were cut, or lost an end, at a missing node.
    lost
        Number of ways of which no two neighbouring nodes are there.
    """

    way: Ints
    u: Ints
    v: Ints
    geometry: npt.NDArray[np.object_]
    cut: int
    lost: int


def cut_at_junctions(
    way: Ints, node: Ints, xy: Floats, *, ways: int, stops: npt.NDArray[np.bool_] | None = None
) -> Pieces:
    """Cut ways at junctions and at missing nodes.

    A junction is a node that two ways share, that a way passes twice, or at
    which a way (or what a clipped extract left of it) ends.

    Parameters
    ----------
    way, node
        For each reference of a way to a node, in the ways' order: position of
        the way, and position of the node in `xy` (-1 where it is missing).
    xy
        Coordinates of the nodes (n × 2).
    ways
        Number of ways.
    stops
        Nodes that are junctions whatever meets there (n).
    """
    there = node >= 0
    cut = np.unique(way[~there]).size
    run = way + np.cumsum(~there)  # a new run with every way and after every missing node
    way, node, run = way[there], node[there], run[there]
    # a node repeated on the spot is no loop
    fresh = np.r_[True, (node[1:] != node[:-1]) | (run[1:] != run[:-1])] if node.size else np.zeros(0, bool)
    way, node, run = way[fresh], node[fresh], run[fresh]
    long = np.bincount(run, minlength=1)[run] > 1
    way, node, run = way[long], node[long], run[long]
    lost = ways - np.unique(way).size
    if not node.size:
        empty = np.zeros(0, np.int64)
        return Pieces(empty, empty, empty, np.zeros(0, np.object_), cut, lost)
    first = np.r_[True, run[1:] != run[:-1]]
    last = np.r_[first[1:], True]
    junction = np.bincount(node, minlength=len(xy)) > 1
    if stops is not None:
        junction |= stops
    stop = first | last | junction[node]
    start = np.flatnonzero(stop & ~last)
    end = np.flatnonzero(stop & ~first)
    return Pieces(way[start], node[start], node[end], _lines(start, end, xy[node]), cut, lost)


def _lines(start: Ints, end: Ints, xy: Floats) -> npt.NDArray[np.object_]:
    """Draw a line through the vertices `start` … `end` of each piece (both included)."""
    count = end - start + 1
    line = np.repeat(np.arange(start.size), count)
    within = np.arange(line.size) - np.repeat(np.cumsum(count) - count, count)
    lines: npt.NDArray[np.object_] = shapely.linestrings(xy[start[line] + within], indices=line)
    return lines


def merge_junctions(u: Ints, v: Ints, merge: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Give junctions the numbers 0 … n-1 in their order, those that `merge` joins as one.

    A piece without length can't be kept as a street, but what it joined must
    stay joined.
    """
    both, dense = np.unique(np.r_[u, v], return_inverse=True)
    a, b = dense[: u.size], dense[u.size :]
    if merge.any():
        joins = coo_array((np.ones(int(merge.sum()), np.int8), (a[merge], b[merge])), shape=(both.size, both.size))
        _, label = connected_components(joins, directed=False)
        a, b = label[a].astype(np.int64), label[b].astype(np.int64)
    # number only the junctions of pieces that stay
    _, dense = np.unique(np.r_[a[~merge], b[~merge]], return_inverse=True)
    stay = int((~merge).sum())
    return dense[:stay].astype(np.int64), dense[stay:].astype(np.int64)

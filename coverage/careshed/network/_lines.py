"""Many lines at once: points along them and pieces of them; lines that wait until they are asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["LazyLines", "Nearest", "cut_lines"]

Floats = npt.NDArray[np.float64]
Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Lines = npt.NDArray[np.object_]

NEAR_M = 1e-6
"""A vertex so near to a cut is the cut's own point, but for float arithmetic."""


def cut_lines(lines: Lines, start_m: Floats, end_m: Floats) -> Lines:
    """Return the piece of each line between two distances from its start.

    The same as :func:`shapely.ops.substring` line by line, for all of them at once.

    Parameters
    ----------
    lines
        LineStrings.
    start_m, end_m
        Distances along each line, ``0 <= start_m < end_m <= length``.

    Returns
    -------
    numpy.ndarray
        LineStrings, object array.
    """
    if len(lines) == 0:
        return np.empty(0, dtype=object)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    first = np.searchsorted(line, np.arange(len(lines)))
    step[first] = 0.0
    along = np.cumsum(step)
    along -= along[first][line]
    inner = (along > start_m[line] + NEAR_M) & (along < end_m[line] - NEAR_M)
    number = np.arange(len(lines))
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(lines, at)) for at in (start_m, end_m)]
    order = np.concatenate([number, line[inner], number])
    # a stable sort keeps, for each line, start, inner vertices and end in turn
    turn = np.argsort(order, kind="stable")
    return np.asarray(shapely.linestrings(np.concatenate([ends[0], xy[inner], ends[1]])[turn], indices=order[turn]))


class LazyLines:
    """LineStrings as coordinates (vertices, 2) and the number of vertices of each; objects when asked for.

    A quarter of a million objects take a third of a second, and a search from places that are joined needs none.
    """

    def __init__(self, xy: Floats, vertices: Ints64) -> None:
        """Take coordinates and counts."""
        self.xy, self.vertices = xy, vertices

    @classmethod
    def of(cls, lines: Lines) -> LazyLines:
        """Take lines that there are."""
        made = cls(shapely.get_coordinates(lines), shapely.get_num_coordinates(lines).astype(np.int64))
        made.__dict__["array"] = lines
        return made

    @property
    def owner(self) -> Ints64:
        """The line of each vertex."""
        return np.repeat(np.arange(len(self.vertices)), self.vertices)

    @cached_property
    def array(self) -> Lines:
        """The LineStrings."""
        made: Any = shapely.linestrings(self.xy, indices=self.owner) if len(self.vertices) else []
        lines = np.asarray(made, dtype=object)
        lines.flags.writeable = False
        return lines


class _Tree(NamedTuple):
    """A tree of some of the lines, and which they are."""

    tree: shapely.STRtree
    line: Ints32


class Nearest:
    """The nearest of those lines that may be joined to; the tree is built at the first question."""

    def __init__(self, lines: LazyLines, chosen: npt.NDArray[np.bool_]) -> None:
        """Take the lines, and whether each may be joined to."""
        self._lines, self._chosen = lines, chosen

    @cached_property
    def _tree(self) -> _Tree:
        return _Tree(shapely.STRtree(self._lines.array[self._chosen]), np.flatnonzero(self._chosen).astype(np.int32))

    def to(self, points: Lines) -> tuple[Ints32, Floats]:
        """Return the nearest line of each point (−1 none) and the distance (NaN no point, ∞ no line)."""
        line = np.full(len(points), -1, dtype=np.int32)
        distance_m = np.where(shapely.is_missing(points), np.nan, np.inf)
        (point, found), metres = self._tree.tree.query_nearest(points, return_distance=True)
        # of equally near ones the lowest position, whatever the tree's order
        order = np.lexsort((found, point))
        point, found, metres = point[order], found[order], metres[order]
        first = np.diff(point, prepend=-1) != 0
        line[point[first]] = self._tree.line[found[first]]
        distance_m[point[first]] = metres[first]
        return line, distance_m

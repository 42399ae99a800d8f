"""Many lines at once: points along them and pieces of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["cut_lines"]

Floats = npt.NDArray[np.float64]
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

"""Covers of a given size by trading columns, rows that stay uncovered weighing more and more.

Row weighting local search (Gao, Weise, Li 2015): one column leaves where least is lost, one enters that covers a row
without cover; what is lost and gained counts by the rows' weights, which grow while a row stays uncovered. Draws come
from a fixed sequence, so the same rows always give the same cover.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["traded"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


class _State(NamedTuple):
    """Rows and columns, and where a search stands.

    Attributes
    ----------
    starts, column, row_starts, row
        Columns of each row, and rows of each column.
    chosen
        The columns chosen.
    score
        Weight of the rows that a chosen column alone covers, or that another one would add.
    since
        Step at which a column entered or left.
    weight, held
        Weight of each row, and how many chosen columns cover it.
    bare, place
        Rows, those without cover first, and each row's place among them.
    """

    starts: Ints32
    column: Ints32
    row_starts: Ints32
    row: Ints32
    chosen: Bools
    score: Ints
    since: Ints
    weight: Ints
    held: Ints
    bare: Ints
    place: Ints


def traded(
    starts: Ints32, column: Ints32, row_starts: Ints32, row: Ints32, cover: Bools, *, size: int, work: int
) -> Bools | None:
    """Seek a cover of at most `size` columns from a larger one.

    Parameters
    ----------
    starts, column, row_starts, row
        Columns of each row, and rows of each column.
    cover
        Columns of a cover.
    size
        At most so many columns.
    work
        Give up after looking at so many entries.

    Returns
    -------
    numpy.ndarray or None
        The columns of such a cover; None where none was found.
    """
    rows, columns = len(starts) - 1, len(row_starts) - 1
    score = np.diff(row_starts).astype(np.int64)
    state = _State(
        starts,
        column,
        row_starts,
        row,
        np.zeros(columns, dtype=bool),
        score,
        np.zeros(columns, dtype=np.int64),
        np.ones(rows, dtype=np.int64),
        np.zeros(rows, dtype=np.int64),
        np.arange(rows),
        np.arange(rows),
    )
    return state.chosen if _searched(state, np.flatnonzero(cover), size, work) == 0 else None


@njit(cache=True, nogil=True)
def _searched(state: _State, cover: Ints, size: int, work: int) -> int:  # pragma: no cover - compiled
    """Trade columns until every row is covered or the work is done; return how many rows are bare."""
    left = len(state.bare)
    for j in cover:
        left = _enter(state, j, left)
    for _ in range(len(cover) - size):
        left = _leave(state, _cheapest(state, -1), left)
    draw, step, last = np.int64(1), 0, -1
    while left and work > 0 and size:
        step += 1
        out = _cheapest(state, last)
        left = _leave(state, out, left)
        state.since[out] = step
        draw = (draw * 1103515245 + 12345) % 2147483648
        last = _best(state, state.bare[(draw >> 8) % left], out)
        left = _enter(state, last, left)
        state.since[last] = step
        for j in (out, last):
            work -= state.row_starts[j + 1] - state.row_starts[j]
        work -= len(state.chosen)
        for n in range(left):
            i = state.bare[n]
            state.weight[i] += 1
            work -= state.starts[i + 1] - state.starts[i]
            for t in range(state.starts[i], state.starts[i + 1]):
                state.score[state.column[t]] += 1
    return left


@njit(cache=True, nogil=True)
def _cheapest(state: _State, spared: int) -> int:  # pragma: no cover - compiled
    """Return the chosen column, other than `spared`, that alone covers least; of equal ones the one longest in."""
    best = spared
    for j in range(len(state.chosen)):
        if not state.chosen[j] or j == spared:
            continue
        change = 0 if best == spared else state.score[j] - state.score[best]
        if best == spared or change < 0 or (change == 0 and state.since[j] < state.since[best]):
            best = j
    return best


@njit(cache=True, nogil=True)
def _best(state: _State, i: int, out: int) -> int:  # pragma: no cover - compiled
    """Return the column of row `i`, other than `out`, that adds most; of equal ones the one longest out."""
    best = out
    for t in range(state.starts[i], state.starts[i + 1]):
        j = state.column[t]
        if j == out:
            continue
        change = 0 if best == out else state.score[j] - state.score[best]
        if best == out or change > 0 or (change == 0 and state.since[j] < state.since[best]):
            best = j
    return best


@njit(cache=True, nogil=True)
def _enter(state: _State, j: int, left: int) -> int:  # pragma: no cover - compiled
    """Choose column `j`; return how many rows are bare. Its own score stays: what it adds it then alone covers."""
    state.chosen[j] = True
    for t in range(state.row_starts[j], state.row_starts[j + 1]):
        i = state.row[t]
        state.held[i] += 1
        if state.held[i] == 1:
            left -= 1
            _swap(state, i, left)
            for s in range(state.starts[i], state.starts[i + 1]):
                if state.column[s] != j:
                    state.score[state.column[s]] -= state.weight[i]
        elif state.held[i] == 2:
            for s in range(state.starts[i], state.starts[i + 1]):
                if state.column[s] != j and state.chosen[state.column[s]]:
                    state.score[state.column[s]] -= state.weight[i]
                    break
    return left


@njit(cache=True, nogil=True)
def _leave(state: _State, j: int, left: int) -> int:  # pragma: no cover - compiled
    """Give column `j` up; return how many rows are bare."""
    state.chosen[j] = False
    for t in range(state.row_starts[j], state.row_starts[j + 1]):
        i = state.row[t]
        state.held[i] -= 1
        if state.held[i] == 0:
            _swap(state, i, left)
            left += 1
            for s in range(state.starts[i], state.starts[i + 1]):
                if state.column[s] != j:
                    state.score[state.column[s]] += state.weight[i]
        elif state.held[i] == 1:
            for s in range(state.starts[i], state.starts[i + 1]):
                if state.chosen[state.column[s]]:
                    state.score[state.column[s]] += state.weight[i]
                    break
    return left


@njit(cache=True, nogil=True)
def _swap(state: _State, i: int, to: int) -> None:  # pragma: no cover - compiled
    """Exchange row `i` with the one at place `to`."""
    other, at = state.bare[to], state.place[i]
    state.bare[at], state.place[other] = other, at
    state.bare[to], state.place[i] = i, to

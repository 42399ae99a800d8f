"""Rows and sites that a least cover can do without, found to a fixed point.

With :math:`N_i` the sites that cover row *i* and :math:`M_j` the rows that site *j* covers (Toregas and ReVelle 1972;
Caprara, Toth, Fischetti 2000):

- a row with one site opens it, and all rows of that site are covered;
- row *k* is implied by row *i* where :math:`N_i ⊆ N_k`;
- site *j* is not needed where :math:`M_j ⊆ M_k` for another site *k*.

None of these loses a cover of least size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import njit

__all__ = ["Kernel"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """What is left of a set cover to be decided.

    Attributes
    ----------
    table
        Which site covers which row, CSR of int8, shape (rows, columns), every row with two entries or more.
    columns
        Position of each column's site in the original problem, sorted.
    opened
        Sites that are open in some least cover, found on the way here.
    """

    table: Any
    columns: Ints
    opened: Ints

    @classmethod
    def of(cls, table: Any, columns: Ints, opened: Ints) -> Self:
        """Reduce `table`, whose rows all have a site, to a fixed point."""
        table = sp.csr_array(table, dtype=np.int8)
        table.sort_indices()
        while table.shape[0]:
            before = table.shape
            table, columns, only = _opened(table, columns)
            opened = np.concatenate([opened, only])
            if table.shape[0]:
                table = table[~_containing(table)]
                keep = ~_contained(table)
                table, columns = _sliced(table, keep), columns[keep]
            if table.shape == before:
                break
        if not table.shape[0]:
            table, columns = sp.csr_array((0, 0), dtype=np.int8), columns[:0]
        return cls(table, columns, np.sort(opened))

    @property
    def rows(self) -> int:
        """Number of rows left."""
        return int(self.table.shape[0])

    def without(self, gone: Bools) -> Self:
        """Return the kernel that is left where the columns `gone` stay closed."""
        return type(self).of(_sliced(self.table, ~gone), self.columns[~gone], self.opened)

    def parts(self) -> list[Self]:
        """Return the kernel's parts that share no site, small ones first; each with nothing opened yet."""
        if not self.rows:
            return []
        touching = sp.block_array([[None, self.table], [self.table.T, None]], format="csr")
        count, label = sp.csgraph.connected_components(touching, directed=False)
        if count == 1:
            return [type(self)(self.table, self.columns, self.opened[:0])]
        of_row, of_column = label[: self.rows], label[self.rows :]
        parts = [
            type(self)(
                _sliced(self.table[of_row == part], of_column == part), self.columns[of_column == part], self.opened[:0]
            )
            for part in range(count)
        ]
        return sorted(parts, key=lambda part: part.rows)


def _sliced(table: Any, keep: Bools) -> Any:
    """Return the table's columns `keep`, indices sorted."""
    table = table[:, np.flatnonzero(keep)]
    table.sort_indices()
    return table


def _opened(table: Any, columns: Ints) -> tuple[Any, Ints, Ints]:
    """Open the only site of a row, and drop what it covers; return table, columns and the sites opened."""
    single = np.flatnonzero(np.diff(table.indptr) == 1)
    only = np.unique(table.indices[table.indptr[single]])
    if not len(only):
        return table, columns, columns[:0]
    keep = np.ones(table.shape[1], dtype=bool)
    keep[only] = False
    uncovered = table[:, only].sum(axis=1, dtype=np.int64) == 0
    left = _sliced(table[uncovered], keep)
    return left, columns[keep], columns[only]


def _containing(table: Any) -> Bools:
    """Return which rows contain another row's sites; of equal rows the first stays."""
    across = table.tocsc()
    across.sort_indices()
    return np.asarray(_supersets(table.indptr, table.indices, across.indptr, across.indices), dtype=bool)


def _contained(table: Any) -> Bools:
    """Return which columns' rows are all another column's rows, or none; of equal columns the first stays."""
    across = table.tocsc()
    across.sort_indices()
    return np.asarray(_subsets(across.indptr, across.indices, table.indptr, table.indices), dtype=bool)


@njit(cache=True, nogil=True)
def _rarest(a: int, starts: Ints32, item: Ints32, owner_starts: Ints32) -> int:  # pragma: no cover - compiled
    """Return the item of set `a` that the fewest sets have."""
    best = item[starts[a]]
    for t in range(starts[a] + 1, starts[a + 1]):
        if owner_starts[item[t] + 1] - owner_starts[item[t]] < owner_starts[best + 1] - owner_starts[best]:
            best = item[t]
    return best


@njit(cache=True, nogil=True)
def _within(a: int, b: int, starts: Ints32, item: Ints32) -> bool:  # pragma: no cover - compiled
    """Return whether set `a` is a subset of set `b`; items are sorted."""
    low, end = starts[b], starts[b + 1]
    for t in range(starts[a], starts[a + 1]):
        high = end
        while low < high:
            middle = (low + high) // 2
            if item[middle] < item[t]:
                low = middle + 1
            else:
                high = middle
        if low == end or item[low] != item[t]:
            return False
    return True


@njit(cache=True, nogil=True)
def _supersets(
    starts: Ints32, item: Ints32, owner_starts: Ints32, owner: Ints32
) -> Bools:  # pragma: no cover - compiled
    """Return which sets contain another set, the smaller ones asked first."""
    size = starts[1:] - starts[:-1]
    dropped = np.zeros(len(size), dtype=np.bool_)
    for a in np.argsort(size, kind="mergesort"):
        if dropped[a]:
            continue
        rare = _rarest(a, starts, item, owner_starts)
        for t in range(owner_starts[rare], owner_starts[rare + 1]):
            b = owner[t]
            if b != a and not dropped[b] and size[b] >= size[a] and _within(a, b, starts, item):
                dropped[b] = True
    return dropped


@njit(cache=True, nogil=True)
def _subsets(starts: Ints32, item: Ints32, owner_starts: Ints32, owner: Ints32) -> Bools:  # pragma: no cover - compiled
    """Return which sets are contained in another set, or empty."""
    size = starts[1:] - starts[:-1]
    dropped = size == 0
    for a in range(len(size)):
        if dropped[a]:
            continue
        rare = _rarest(a, starts, item, owner_starts)
        for t in range(owner_starts[rare], owner_starts[rare + 1]):
            b = owner[t]
            if dropped[b] or size[b] < size[a] or (size[b] == size[a] and b >= a):
                continue
            if _within(a, b, starts, item):
                dropped[a] = True
                break
    return dropped

r"""Least set cover: the fewest sites such that every row has one (Toregas, Swain, ReVelle, Bergman 1971).

.. math:: \min Σ_j x_j \quad \text{subject to} \quad Σ_{j∈N_i} x_j ≥ 1 \;∀i, \quad x_j ∈ \{0, 1\}

Rows and sites that nothing depends on are dropped first (:mod:`careshed.siting.fast.dominance`), what is left falls
into parts, and each part is closed by, in this order: a greedy cover against a packing of rows without a common
site; the linear program, whose duals are made feasible before they count as a bound, and which closes sites
for good whose reduced cost does not fit under the best cover known (then dominance again); HiGHS.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import njit

from careshed.errors import InputError
from careshed.siting.fast.dominance import Kernel
from careshed.siting.fast.trades import traded
from careshed.siting.rows.rulebook import new_highs

__all__ = ["Cover", "cover_of", "set_cover"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
WORK = 10_000_000
"""Entries that a search for a smaller cover looks at before it gives up: a few hundredths of a second."""
SAFE = 1e-7
"""Taken off a sum of feasible duals before it is rounded up; float sums err by far less."""
MIP_SAFE = 1e-5
"""The same for the bound that HiGHS reports for a whole program."""
LEAST_SHARE = 0.02
"""What a column counts, at least, when a linear program is rounded."""
WORTH = 0.9
"""Dominance is tried again when reduced costs leave at most this share of the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Sites that cover every row which any site covers, and what is proven about their number.

    Attributes
    ----------
    opened
        Positions of the open sites, forced ones among them, sorted, int64.
    bound
        No cover has fewer sites, forced ones counted.
    uncovered
        Rows that no site covers: left out, sorted, int64.
    rows
        Rows left after the first reductions.
    nodes
        Nodes of the branch-and-bound trees.
    """

    opened: Ints
    bound: int
    uncovered: Ints
    rows: int
    nodes: int

    @property
    def proven(self) -> bool:
        """Whether no cover is smaller."""
        return self.bound >= len(self.opened)


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """A part's cover (None: there is none within the limit, or time ran out), a bound on any, and nodes."""

    opened: Ints | None
    bound: int
    nodes: int


@dataclass(frozen=True, slots=True)
class _Stop:
    """When to stop: at `deadline` (None: never), at `any` cover within the limit, before branching."""

    deadline: float | None
    any: bool
    branch: bool

    @property
    def late(self) -> bool:
        """Whether the deadline is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def set_cover(
    starts: Ints,
    site: Ints32,
    sites: int,
    *,
    forced: Ints | None = None,
    at_most: int | None = None,
    branch: bool = True,
    deadline: float | None = None,
) -> Cover:
    """Find a cover with the fewest sites, or only whether one has `at_most` so many.

    Parameters
    ----------
    starts, site
        Row *i* is covered by the sites ``site[starts[i]:starts[i + 1]]``, in any order.
    sites
        How many sites there are.
    forced
        Positions of sites that are open anyway; they count.
    at_most
        Stop as soon as it is known whether a cover has at most so many sites: then either
        ``len(opened) <= at_most`` or ``bound > at_most``.
    branch
        Whether to go on where linear programs and trades leave a gap.
    deadline
        Stop at this time of :func:`time.monotonic` with the best cover and the bound so far.

    Raises
    ------
    InputError
        If a site's position is out of range.

    Examples
    --------
    >>> cover = set_cover(np.array([0, 2, 4, 5]), np.array([0, 1, 1, 2, 2], dtype=np.int32), 4)
    >>> cover.opened.tolist(), cover.bound
    ([0, 2], 2)
    """
    fixed = np.unique(np.asarray([] if forced is None else forced, dtype=np.int64))
    for positions in (site, fixed):
        if len(positions) and not 0 <= positions.min() <= positions.max() < sites:
            raise InputError(f"a row or forced names site {positions.max()}: expected positions from 0 to {sites - 1}")
    table, uncovered = _table(starts, site, sites)
    if len(fixed):
        table = table[table[:, fixed].sum(axis=1, dtype=np.int64) == 0]
    kernel = Kernel.of(table, np.arange(sites, dtype=np.int64), fixed)
    first = _greedy(kernel)
    limit = len(first) if at_most is None else min(at_most, len(first))
    answer = _solved(kernel, limit, _Stop(deadline, at_most is not None, branch))
    opened = first if answer.opened is None else answer.opened
    return Cover(np.sort(opened), min(answer.bound, len(opened)), uncovered, kernel.rows, answer.nodes)


def cover_of(starts: Ints, site: Ints32, sites: int, *, size: int, work: int) -> Ints | None:
    """Return positions of at most `size` sites that cover every row; None where trades find none.

    Parameters
    ----------
    starts, site
        Row *i* is covered by the sites ``site[starts[i]:starts[i + 1]]``, in any order.
    sites
        How many sites there are.
    size
        At most so many sites.
    work
        Trades give up after looking at so many entries.
    """
    table, uncovered = _table(starts, site, sites)
    if len(uncovered):
        return None
    kernel = Kernel.of(table, np.arange(sites, dtype=np.int64), np.zeros(0, dtype=np.int64))
    cover, most = _greedy(kernel), size - len(kernel.opened)
    if len(cover) <= size:
        return cover
    if most < _packing(kernel) - len(kernel.opened):
        return None
    chosen = _traded(kernel, cover, most, work)
    return None if chosen is None else np.sort(np.concatenate([kernel.opened, chosen]))


def _table(starts: Ints, site: Ints32, sites: int) -> tuple[Any, Ints]:
    """Return rows × sites without the rows that are empty, and these."""
    table = sp.csr_array(
        (np.ones(len(site), dtype=np.int8), np.asarray(site), np.asarray(starts)), shape=(len(starts) - 1, sites)
    )
    table.sum_duplicates()
    table.data[:] = 1
    empty = np.diff(table.indptr) == 0
    return table[~empty], np.flatnonzero(empty).astype(np.int64)


def _solved(kernel: Kernel, limit: int, stop: _Stop) -> _Answer:
    """Return the best cover of a kernel with at most `limit` sites."""
    opened, parts = kernel.opened, kernel.parts()
    covers = [_greedy(part) for part in parts]
    bounds = [_packing(part) for part in parts]
    nodes = 0
    for n, part in enumerate(parts):
        spare = limit - len(opened) - sum(bounds)
        if spare < 0:
            return _Answer(None, len(opened) + sum(bounds), nodes)
        if stop.any and len(opened) + sum(map(len, covers)) <= limit:
            break
        if len(covers[n]) == bounds[n]:
            continue
        last = replace(stop, any=stop.any and n == len(parts) - 1)
        answer = _solved_part(part, covers[n], bounds[n] + spare, last)
        nodes += answer.nodes
        bounds[n] = max(bounds[n], answer.bound)
        if answer.opened is not None and len(answer.opened) < len(covers[n]):
            covers[n] = answer.opened
    found = np.concatenate([opened, *covers])
    bound = len(opened) + sum(bounds)
    return _Answer(found if len(found) <= limit else None, bound, nodes)


def _solved_part(part: Kernel, cover: Ints, limit: int, stop: _Stop) -> _Answer:
    """Return the best cover of a connected part with at most `limit` sites; `cover` is one, perhaps too large."""
    if stop.late:
        return _Answer(cover if len(cover) <= limit else None, 0, 0)
    bound, reduced, value = _relaxed(part)
    cover = _shortened(part, min(cover, _greedy(part, value), key=len), limit, bound, stop)
    known = cover if len(cover) <= limit else None
    if bound > limit or bound >= len(cover) or (stop.any and known is not None):
        return _Answer(known, bound, 0)
    limit = min(limit, len(cover) - 1)
    gone = reduced > limit + SAFE
    if part.table.shape[1] * WORTH >= part.table.shape[1] - np.count_nonzero(gone):
        answer = _solved_less(part, gone, limit, stop)
    elif stop.branch:
        answer = _branched(part, limit, stop)
    else:
        answer = _Answer(None, bound, 0)
    if answer.opened is not None:
        return replace(answer, bound=max(bound, answer.bound))
    return _Answer(known, max(bound, answer.bound), answer.nodes)


def _shortened(part: Kernel, cover: Ints, limit: int, bound: int, stop: _Stop) -> Ints:
    """Return a smaller cover where trading columns finds one that is wanted, `cover` itself otherwise."""
    while bound <= limit and len(cover) > (limit if stop.any else bound):
        size = min(len(cover) - 1, limit)
        chosen = _traded(part, cover, size, WORK)
        if chosen is None:
            break
        cover = chosen
    return cover


def _traded(part: Kernel, cover: Ints, size: int, work: int) -> Ints | None:
    """Return at most `size` columns that cover all rows, sought from a larger cover by trades."""
    across = part.table.tocsc()
    lists = (part.table.indptr, part.table.indices, across.indptr, across.indices)
    chosen = traded(*lists, np.isin(part.columns, cover), size=size, work=work)
    return None if chosen is None else part.columns[chosen]


def _solved_less(part: Kernel, gone: Bools, limit: int, stop: _Stop) -> _Answer:
    """Return the answer with the columns `gone` closed, which no cover within `limit` needs."""
    left = part.without(gone)
    if (np.diff(left.table.indptr) == 0).any():
        return _Answer(None, limit + 1, 0)
    answer = _solved(Kernel.of(left.table, left.columns, left.opened), limit, stop)
    return replace(answer, bound=min(answer.bound, limit + 1))


def _greedy(kernel: Kernel, value: Floats | None = None) -> Ints:
    """Return a cover: the site with most uncovered rows each time (Chvátal 1979), then without the idle ones.

    With the `value` of each column in the linear program, rows count by it.
    """
    if not kernel.rows:
        return kernel.opened
    across = kernel.table.tocsc()
    share = np.ones(len(kernel.columns)) if value is None else value + LEAST_SHARE
    chosen = _greedy_columns(kernel.table.indptr, kernel.table.indices, across.indptr, across.indices, share)
    return np.sort(np.concatenate([kernel.opened, kernel.columns[chosen]]))


@njit(cache=True, nogil=True)
def _greedy_columns(
    starts: Ints32, column: Ints32, row_starts: Ints32, row: Ints32, share: Floats
) -> Bools:  # pragma: no cover - compiled
    """Return which columns a cover opens that takes the greatest share × gain each time."""
    rows, columns = len(starts) - 1, len(row_starts) - 1
    gain = (row_starts[1:] - row_starts[:-1]) * share
    covered = np.zeros(rows, dtype=np.int64)
    chosen = np.zeros(columns, dtype=np.bool_)
    order = np.empty(columns, dtype=np.int64)
    count = 0
    left = rows
    while left:
        j = np.argmax(gain)
        chosen[j] = True
        order[count] = j
        count += 1
        for t in range(row_starts[j], row_starts[j + 1]):
            i = row[t]
            covered[i] += 1
            if covered[i] == 1:
                left -= 1
                for s in range(starts[i], starts[i + 1]):
                    gain[column[s]] -= share[column[s]]
    for n in range(count):
        j = order[n]
        idle = True
        for t in range(row_starts[j], row_starts[j + 1]):
            if covered[row[t]] == 1:
                idle = False
                break
        if idle:
            chosen[j] = False
            for t in range(row_starts[j], row_starts[j + 1]):
                covered[row[t]] -= 1
    return chosen


def _packing(kernel: Kernel) -> int:
    """Return how many rows without a common site are found, short rows first: each needs its own site."""
    return len(kernel.opened) + int(_packed(kernel.table.indptr, kernel.table.indices, kernel.table.shape[1]))


@njit(cache=True, nogil=True)
def _packed(starts: Ints32, column: Ints32, columns: int) -> int:  # pragma: no cover - compiled
    """Count rows that share no column, taken in order of length."""
    taken = np.zeros(columns, dtype=np.bool_)
    count = 0
    for i in np.argsort(starts[1:] - starts[:-1], kind="mergesort"):
        free = True
        for t in range(starts[i], starts[i + 1]):
            if taken[column[t]]:
                free = False
                break
        if free:
            count += 1
            for t in range(starts[i], starts[i + 1]):
                taken[column[t]] = True
    return count


def _model(part: Kernel) -> highspy.Highs:
    """Return the linear program of a part."""
    highs = new_highs()
    rows, columns = part.table.shape
    index = np.arange(columns, dtype=np.int32)
    highs.addVars(columns, np.zeros(columns), np.full(columns, np.inf))
    highs.changeColsCost(columns, index, np.ones(columns))
    highs.addRows(
        rows,
        np.ones(rows),
        np.full(rows, np.inf),
        len(part.table.indices),
        part.table.indptr[:-1].astype(np.int32),
        part.table.indices.astype(np.int32),
        np.ones(len(part.table.indices)),
    )
    return highs


def _relaxed(part: Kernel) -> tuple[int, Floats, Floats]:
    """Return a bound on any cover, for each column one on covers with it (not rounded), and its value."""
    highs = _model(part)
    highs.run()
    solution = highs.getSolution()
    dual = np.maximum(np.array(solution.row_dual), 0.0)
    sums = part.table.T @ dual
    dual, sums = dual / max(1.0, sums.max()), sums / max(1.0, sums.max())
    bound = float(dual.sum())
    return math.ceil(bound - SAFE), bound + 1.0 - sums, np.maximum(np.array(solution.col_value), 0.0)


def _branched(part: Kernel, limit: int, stop: _Stop) -> _Answer:
    """Let HiGHS find the least cover of at most `limit` sites."""
    highs = _model(part)
    columns = part.table.shape[1]
    index = np.arange(columns, dtype=np.int32)
    highs.changeColsBounds(columns, index, np.zeros(columns), np.ones(columns))
    highs.changeColsIntegrality(columns, index, np.full(columns, highspy.HighsVarType.kInteger))
    highs.addRow(-np.inf, float(limit), columns, index, np.ones(columns))
    highs.setOptionValue("mip_abs_gap", 1.0 - 10 * MIP_SAFE)
    if stop.any:
        highs.setOptionValue("objective_target", float(limit))
    if stop.deadline is not None:
        highs.setOptionValue("time_limit", max(stop.deadline - time.monotonic(), 0.0))
    highs.run()
    info, status = highs.getInfo(), highs.getModelStatus()
    nodes = max(int(info.mip_node_count), 0)
    if status == highspy.HighsModelStatus.kInfeasible:
        return _Answer(None, limit + 1, nodes)
    bound = math.ceil(info.mip_dual_bound - MIP_SAFE) if math.isfinite(info.mip_dual_bound) else 0
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return _Answer(None, min(bound, limit + 1), nodes)
    opened = part.columns[np.array(highs.getSolution().col_value) > 0.5]
    return _Answer(opened, min(bound, len(opened)), nodes)

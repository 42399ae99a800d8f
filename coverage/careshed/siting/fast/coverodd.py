r"""Odd sets of rows: a tighter linear program of maximal covering.

Three rows that overlap in pairs can all be reached in full by three half-open sites, while one whole site reaches
two of them at most. Halving and rounding the sum of their constraints (Chvátal, Gomory) gives, with :math:`u_i = 1`
where row *i* is not reached and :math:`a_j` the number of the three rows that site *j* reaches,

.. math:: u_1 + u_2 + u_3 ≥ 2 - Σ_j ⌈a_j / 2⌉ x_j.

Weight of three rows is set aside for such a triple where the inequality is broken, each person in one triple at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.collapse import equal_rows, transposed
from careshed.siting.fast.cover import Cover

__all__ = ["Triples", "found_triples", "no_triples"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
SUPPORT = 1e-6
LEVELS = (0.45, 0.35, 0.25, 0.15, 0.08)
"""Triples broken by so much are taken first."""
MOST = 60
"""Neighbours of a row that are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Triples:
    """Rows in threes, and people of each row set aside for each.

    Attributes
    ----------
    row
        int64, shape (triples, 3).
    weight
        int64, shape (triples,).
    """

    row: Ints
    weight: Ints

    def left(self, weight: Ints) -> Ints:
        """Return the rows' people that are in no triple."""
        rest = weight.copy()
        for k in range(3):
            np.subtract.at(rest, self.row[:, k], self.weight)
        return rest


def no_triples() -> Triples:
    """Return none."""
    return Triples(np.zeros((0, 3), dtype=np.int64), np.zeros(0, dtype=np.int64))


@njit(cache=True, nogil=True)
def odd_value(
    a: int, b: int, c: int, starts: Ints, site: Ints32, x: Floats, times: Ints32
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return what the three rows' own constraints, and their odd one, ask for at `x`; `times` is zero and stays so."""
    base, odd = 0.0, 2.0
    for i in (a, b, c):
        left = 1.0
        for t in range(starts[i], starts[i + 1]):
            j = site[t]
            left -= x[j]
            times[j] += 1
            if times[j] != 2:
                odd -= x[j]
        base += max(left, 0.0)
    for i in (a, b, c):
        for t in range(starts[i], starts[i + 1]):
            times[site[t]] = 0
    return base, odd


@njit(cache=True, nogil=True)
def _pick(  # noqa: C901, PLR0912, PLR0913, PLR0917
    starts: Ints,
    site: Ints32,
    at: Ints,
    row: Ints32,
    x: Floats,
    left: Ints,
    level: float,
    most: int,
    out: Ints,
    taken: Ints,
) -> int:  # pragma: no cover - compiled
    """Take triples of patterns broken by `level` or more; return how many. `left` is what patterns have left."""
    rows = len(left)
    shared = np.zeros(rows)
    mark = np.full(rows, -1, dtype=np.int64)
    near = np.empty(rows, dtype=np.int64)
    overlap = np.zeros(rows)
    times = np.zeros(len(at) - 1, dtype=np.int32)
    count = 0
    for a in range(rows):
        if left[a] <= 0:
            continue
        many = 0
        for t in range(starts[a], starts[a + 1]):
            j = site[t]
            for u in range(at[j], at[j + 1]):
                b = row[u]
                if b > a and left[b] > 0:
                    if mark[b] != a:
                        mark[b] = a
                        shared[b] = 0.0
                        near[many] = b
                        many += 1
                    shared[b] += x[j]
        kept = 0
        for k in range(many):
            b = near[k]
            if 0.2 < shared[b] < 0.8:
                near[kept] = b
                overlap[kept] = -left[b] * min(shared[b], 1.0 - shared[b])
                kept += 1
        if kept < 2:
            continue
        order = np.argsort(overlap[:kept])[:most]
        for m in range(len(order)):
            b = near[order[m]]
            if left[a] <= 0:
                break
            for n in range(m):
                c = near[order[n]]
                if left[b] <= 0 or left[a] <= 0:
                    break
                if left[c] <= 0 or shared[b] + shared[c] < level:
                    continue
                base, odd = odd_value(a, b, c, starts, site, x, times)
                if odd - base >= level:
                    some = min(left[a], left[b], left[c])
                    if count < len(taken):
                        out[count, 0], out[count, 1], out[count, 2] = a, b, c
                        taken[count] = some
                        count += 1
                        left[a] -= some
                        left[b] -= some
                        left[c] -= some
    return count


@njit(cache=True, nogil=True)
def _unfold(
    out: Ints, taken: Ints, begin: Ints, member: Ints, rest: Ints, row: Ints, weight: Ints
) -> int:  # pragma: no cover - compiled
    """Turn triples of patterns into triples of rows; return how many."""
    at = begin[:-1].copy()
    count = 0
    for n in range(len(taken)):
        some = taken[n]
        while some > 0 and count < len(weight):
            least = some
            for k in range(3):
                g = out[n, k]
                while rest[member[at[g]]] == 0:
                    at[g] += 1
                least = min(least, rest[member[at[g]]])
            for k in range(3):
                i = member[at[out[n, k]]]
                row[count, k] = i
                rest[i] -= least
            weight[count] = least
            some -= least
            count += 1
    return count


def found_triples(cover: Cover, x: Floats, old: Triples) -> Triples:
    """Return triples that the linear program's solution `x` breaks, beside the `old` ones that still bind."""
    old = _binding(cover, x, old)
    rest = old.left(cover.weight)
    owner = np.repeat(np.arange(cover.rows), np.diff(cover.starts))
    some = x[cover.site] > SUPPORT
    reached = np.bincount(owner, weights=x[cover.site], minlength=cover.rows)
    tight = (rest > 0) & (reached < 1.0 + 0.3) & (reached > 0.3)
    keep = some & tight[owner]
    length = np.bincount(owner[keep], minlength=cover.rows)
    rows = np.flatnonzero(length)
    starts = np.concatenate(([0], np.cumsum(length[rows]))).astype(np.int64)
    site = cover.site[keep]
    first, which = equal_rows(starts, site, np.zeros(len(site), dtype=np.int32), np.ones(len(rows), dtype=np.int64))
    left = np.zeros(len(first), dtype=np.int64)
    np.add.at(left, which, rest[rows])
    kept = np.concatenate(([0], np.cumsum(np.diff(starts)[first]))).astype(np.int64)
    take = np.repeat(starts[first] - kept[:-1], np.diff(kept)) + np.arange(kept[-1])
    pattern = site[take]
    at, row = transposed(kept, pattern, cover.sites)
    room = 4 * cover.rows + 1000
    out, taken, count = np.zeros((room, 3), dtype=np.int64), np.zeros(room, dtype=np.int64), 0
    for level in LEVELS:
        count += _pick(kept, pattern, at, row, x, left, level, MOST, out[count:], taken[count:])
    order = np.argsort(which, kind="stable")
    begin = np.concatenate(([0], np.cumsum(np.bincount(which, minlength=len(first))))).astype(np.int64)
    more, weight = np.zeros((4 * room, 3), dtype=np.int64), np.zeros(4 * room, dtype=np.int64)
    found = _unfold(out[:count], taken[:count], begin, rows[order], rest.copy(), more, weight)
    return Triples(np.concatenate([old.row, more[:found]]), np.concatenate([old.weight, weight[:found]]))


def _binding(cover: Cover, x: Floats, old: Triples) -> Triples:
    """Return the triples that ask for more than their rows do."""
    keep = np.zeros(len(old.weight), dtype=bool)
    times = np.zeros(cover.sites, dtype=np.int32)
    for n, (a, b, c) in enumerate(old.row.tolist()):
        base, odd = odd_value(a, b, c, cover.starts, cover.site, x, times)
        keep[n] = odd > base - 0.02
    return Triples(old.row[keep], old.weight[keep])

r"""Odd sets of rows: a tighter linear program of maximal covering.

Three rows that overlap in pairs can all be reached in full by three half-open sites, while one whole site reaches
two of them at most. Halving and rounding the sum of their constraints (Chvátal, Gomory) gives, with :math:`u_i = 1`
where row *i* is not reached and :math:`a_j` the number of the three rows that site *j* reaches,

.. math:: u_1 + u_2 + u_3 ≥ 2 - Σ_j ⌈a_j / 2⌉ x_j.

Triples are sought among patterns: rows that are reached by the same sites of the solution's support are one there.
With :math:`x_2` and :math:`x_3` the shares of sites that reach two and three of them, a triple of rows that are just
reached is broken by :math:`(x_2 + x_3 - 1)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.collapse import equal_rows
from careshed.siting.fast.cover import Cover

__all__ = ["Triples", "broken_triples", "no_triples", "odd_value"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
SUPPORT = 1e-4
NEARLY = 0.3
"""Rows reached by more or less than one by so much are left out."""
OVERLAP = 0.15
"""Rows share at least so much of the solution, and differ in as much."""
BROKEN = 0.06
"""Triples broken by less are left alone."""
PATTERNS = 3000
MOST = 80
"""Neighbours of a pattern that are looked at."""
KEPT = 12
"""Triples kept of a pattern."""
CHOSEN = 300
USED = 3
"""Triples chosen of a pattern."""
SPREAD = 4
"""Triples of rows made of a triple of patterns."""


@dataclass(frozen=True, slots=True, eq=False)
class Triples:
    """Rows in threes, and people of each of the rows set aside for each.

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


class _Patterns(NamedTuple):
    """Rows that are the same on a solution's support: weights, shares, members (the heaviest first).

    ``has[a, k]``: pattern *a* is reached by the *k*-th site of the support, of which ``x[k]`` is open; ``reached[a]``
    is the sum of these.
    """

    has: Bools
    x: Floats
    reached: Floats
    weight: Ints
    begin: Ints
    member: Ints
    member_weight: Ints


def _patterns(cover: Cover, x: Floats) -> _Patterns:
    """Return the heaviest patterns of rows that are about reached."""
    owner = np.repeat(np.arange(cover.rows), np.diff(cover.starts))
    reached = np.bincount(owner, weights=x[cover.site], minlength=cover.rows)
    keep = (x[cover.site] > SUPPORT) & (np.abs(reached - 1.0) < NEARLY)[owner]
    length = np.bincount(owner[keep], minlength=cover.rows)
    rows = np.flatnonzero(length)
    starts = np.concatenate(([0], np.cumsum(length[rows]))).astype(np.int64)
    site = cover.site[keep]
    first, which = equal_rows(starts, site, np.zeros(len(site), dtype=np.int32), np.ones(len(rows), dtype=np.int64))
    weight = np.zeros(len(first), dtype=np.int64)
    np.add.at(weight, which, cover.weight[rows])
    order = np.lexsort((-cover.weight[rows], which))
    begin = np.concatenate(([0], np.cumsum(np.bincount(which, minlength=len(first))))).astype(np.int64)
    support, column = np.unique(site, return_inverse=True)
    heavy = np.argsort(-weight, kind="stable")[:PATTERNS]
    has = np.zeros((len(first), len(support)), dtype=np.bool_)
    has[which[np.repeat(np.arange(len(rows)), length[rows])], column] = True
    members = [rows[order[begin[a] : begin[a + 1]]] for a in heavy.tolist()]
    member = np.concatenate([*members, np.zeros(0, dtype=np.int64)])
    ends = np.concatenate(([0], np.cumsum([len(m) for m in members]))).astype(np.int64)
    own = x[support]
    kept = has[heavy]
    return _Patterns(kept, own, kept @ own, weight[heavy], ends, member, cover.weight[member])


@njit(cache=True, nogil=True)
def _shared(has: Bools, x: Floats) -> Floats32:  # pragma: no cover - compiled
    """Return how much of the solution each two patterns share."""
    many, sites = has.shape
    shared = np.zeros((many, many), dtype=np.float32)
    own = np.empty(many, dtype=np.int64)
    for k in range(sites):
        n = 0
        for a in range(many):
            if has[a, k]:
                own[n] = a
                n += 1
        for s in range(n):
            for t in range(n):
                shared[own[s], own[t]] += np.float32(x[k])
    return shared


@njit(cache=True, nogil=True)
def _near(a: int, shared: Floats32, weight: Ints, near: Ints, key: Floats) -> Ints:  # pragma: no cover - compiled
    """Return the patterns after `a` that overlap with it, the more and the heavier the sooner."""
    kept = 0
    for b in range(a + 1, len(weight)):
        some = min(shared[a, b], 1.0 - shared[a, b])
        if some > OVERLAP:
            near[kept] = b
            key[kept] = -some * min(weight[a], weight[b])
            kept += 1
    return near[np.argsort(key[:kept])[:MOST]]


@njit(cache=True, nogil=True)
def _weighed(at: _Patterns, shared: Floats32, found: Ints, score: Floats) -> int:  # pragma: no cover - compiled
    """Write the triples of patterns that are broken, and how much that weighs; return how many."""
    many, sites = at.has.shape
    near, key = np.empty(many, dtype=np.int64), np.empty(many)
    more = np.maximum(at.reached, 1.0)
    count = 0
    for a in range(many):
        begin, least = count, 0
        close = _near(a, shared, at.weight, near, key)
        for m in range(len(close)):
            b = close[m]
            for n in range(m):
                c = close[n]
                broken = 2.0 - more[a] - more[b] - more[c] + shared[a, b] + shared[a, c] + shared[b, c]
                if broken < BROKEN:
                    continue
                for k in range(sites):
                    if at.has[a, k] and at.has[b, k] and at.has[c, k]:
                        broken -= 2.0 * at.x[k]
                if broken < BROKEN:
                    continue
                worth = broken * min(at.weight[a], at.weight[b], at.weight[c])
                if count < begin + KEPT:
                    here = count
                    count += 1
                elif worth > score[least]:
                    here = least
                else:
                    continue
                found[here, 0], found[here, 1], found[here, 2], score[here] = a, b, c, worth
                least = begin + int(np.argmin(score[begin:count]))
    return count


@njit(cache=True, nogil=True)
def _spread(at: _Patterns, found: Ints, order: Ints, out: Ints) -> int:  # pragma: no cover - compiled
    """Choose triples of patterns, and write triples of their rows; return how many."""
    used = np.zeros(len(at.weight), dtype=np.int64)
    count, chosen = 0, 0
    here, rest = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    for n in order:
        three = found[n]
        if chosen == CHOSEN or max(used[three[0]], used[three[1]], used[three[2]]) >= USED:
            continue
        chosen += 1
        for k in range(3):
            used[three[k]] += 1
            here[k] = at.begin[three[k]]
            rest[k] = at.member_weight[here[k]]
        left = True
        for _ in range(SPREAD):
            if not left:
                break
            some = rest.min()
            for k in range(3):
                out[count, k] = at.member[here[k]]
                rest[k] -= some
                if rest[k] == 0:
                    here[k] += 1
                    if here[k] == at.begin[three[k] + 1]:
                        left = False
                    else:
                        rest[k] = at.member_weight[here[k]]
            count += 1
    return count


def broken_triples(cover: Cover, x: Floats) -> Ints:
    """Return triples of rows whose odd inequality the fractional solution `x` breaks, the heaviest; shape (n, 3)."""
    at = _patterns(cover, x)
    found = np.zeros((KEPT * len(at.weight), 3), dtype=np.int64)
    score = np.zeros(len(found))
    count = _weighed(at, _shared(at.has, at.x), found, score)
    out = np.zeros((CHOSEN * SPREAD, 3), dtype=np.int64)
    many = _spread(at, found, np.argsort(-score[:count], kind="stable"), out)
    return np.sort(out[:many], axis=1)

r"""A quick bound of maximal covering, from prices of rows.

With a price :math:`0 ≤ λ_i ≤ w_i` for reaching row *i* no plan of at most *p* sites leaves fewer people uncovered than

.. math:: L(λ) = Σ_i λ_i - \max_{|S| ≤ p} Σ_{j∈S} ρ_j, \quad ρ_j = Σ_{i: j∈N_i} λ_i

(Galvão, ReVelle 1996). Prices are raised where the *p* dearest sites leave a row open and lowered where they reach it
often (subgradients, Held, Wolfe, Crowder 1974, with the direction smoothed as Crowder 1976 does). The prices are whole
numbers, so that the bound is exact; it is at most that of the linear program, but costs a small part of its time, and
often shows that a site can't be in a better plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.cover import Cover

__all__ = ["Prices", "priced"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
HALVE_AFTER = 12


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What prices prove.

    Attributes
    ----------
    bound
        No plan leaves fewer people uncovered.
    reduced
        By how much the bound rises where a site that is closed in its solution is opened (above 0), or one that is open
        is closed (below 0); int64, shape (sites,).
    mean
        Share of the last solutions, the later the more, in which each site is open: near the linear program's solution.
    """

    bound: int
    reduced: Ints
    mean: Floats


@njit(cache=True, nogil=True)
def _value(at: Ints, row: Ints32, price: Ints, p: int, worth: Ints) -> tuple[int, int]:  # pragma: no cover - compiled
    """Fill `worth` and return the bound, and the p-th greatest worth."""
    for j in range(len(worth)):
        worth[j] = 0
        for u in range(at[j], at[j + 1]):
            worth[j] += price[row[u]]
    ordered = np.sort(worth)
    top = ordered[len(ordered) - p :]
    return price.sum() - top.sum(), top[0]


@njit(cache=True, nogil=True)
def _ascend(  # noqa: C901, PLR0912, PLR0913, PLR0917
    at: Ints, row: Ints32, weight: Ints, p: int, target: int, steps: int, price: Ints, best: Ints, mean: Floats
) -> int:  # pragma: no cover - compiled
    """Raise the bound; leave the best prices in `best`; return the bound."""
    sites, rows = len(at) - 1, len(weight)
    worth = np.zeros(sites, dtype=np.int64)
    slack, towards = np.empty(rows), np.zeros(rows)
    most: Any = np.int64(-1) << 60
    pace, stalled = 1.0, 0
    for _ in range(steps):
        bound, limit = _value(at, row, price, p, worth)
        if bound > most:
            stalled = 0 if bound - most > (target - bound) // 2000 else stalled + 1
            most = bound
            best[:] = price
        else:
            stalled += 1
        if stalled >= HALVE_AFTER:
            pace *= 0.6
            stalled = 0
            price[:] = best
            towards[:] = 0.0
            _value(at, row, price, p, worth)
        if most >= target or pace < 0.005:
            break
        slack[:] = 1.0
        left = p
        mean *= 0.95
        for strict in (True, False):
            for j in range(sites):
                if left > 0 and ((strict and worth[j] > limit) or (not strict and worth[j] == limit)):
                    left -= 1
                    mean[j] += 0.05
                    for u in range(at[j], at[j + 1]):
                        slack[row[u]] -= 1.0
        norm = 0.0
        for i in range(rows):
            towards[i] = 0.7 * towards[i] + slack[i] * 0.3
            d = towards[i]
            if (d > 0 and price[i] < weight[i]) or (d < 0 and price[i] > 0):
                norm += d * d * weight[i]
        if norm <= 0.0:
            break
        # rows move in the measure of their weight
        size = pace * max(1.02 * target - bound, 1.0) / norm
        for i in range(rows):
            price[i] = np.int64(np.rint(min(max(price[i] + size * towards[i] * weight[i], 0.0), np.float64(weight[i]))))
    return most


def priced(cover: Cover, target: int, *, steps: int = 400) -> Prices:
    """Return a bound on the people uncovered.

    Parameters
    ----------
    cover
        What is left to decide; at least one row, and fewer sites to open than there are.
    target
        People uncovered by a known plan, towards which the bound is raised.
    steps
        Steps at most.
    """
    length = np.diff(cover.starts)
    price = cover.weight // np.maximum(length, 1)
    price = np.maximum(price, (cover.weight * min(cover.p / cover.sites * 2.0, 1.0)).astype(np.int64))
    best, mean = price.copy(), np.zeros(cover.sites)
    most = _ascend(cover.at, cover.row, cover.weight, cover.p, target - cover.spent, steps, price, best, mean)
    worth = np.zeros(cover.sites, dtype=np.int64)
    _value(cover.at, cover.row, best, cover.p, worth)
    ordered = np.sort(worth)[::-1]
    last, following = int(ordered[cover.p - 1]), int(ordered[cover.p]) if cover.p < cover.sites else 0
    is_open = np.zeros(cover.sites, dtype=bool)
    is_open[np.argsort(-worth, kind="stable")[: cover.p]] = True
    reduced = np.where(is_open, -(worth - following), last - worth)
    return Prices(int(most) + cover.spent, reduced, np.clip(mean, 0.0, 1.0))

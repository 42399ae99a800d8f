"""Greedy choice and interchange: good plans for the p-median, exact in whole numbers.

Interchange swaps an open site for a closed one as long as the total falls, always the swap that saves most
(Teitz, Bart 1968). What each swap saves is kept up to date rather than computed anew (Whitaker 1983; Resende,
Werneck 2007): opening *j* saves ``gain[j]``, closing the site of slot *s* costs ``loss[s]``, and where a row
would go from one to the other, ``extra[s, j]`` was lost twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.rows import Rows

__all__ = ["greedy", "improved", "total_of"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


class Near(NamedTuple):
    """Each row's two nearest open sites: slots (−1: none) and costs (the base where none); and each site's slot."""

    first: Ints32
    second: Ints32
    cost: Ints
    next_cost: Ints
    slot: Ints32


class Saved(NamedTuple):
    """What opening, closing, and both at once change."""

    gain: Ints
    loss: Ints
    extra: npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def total_of(rows: Rows, is_open: Bools) -> int:  # pragma: no cover - compiled
    """Return the sum over rows of weight × cost at the cheapest open site."""
    total = 0
    for i in range(len(rows.base)):
        best = rows.base[i]
        for t in range(rows.starts[i], rows.starts[i + 1]):
            if is_open[rows.site[t]]:
                best = rows.cost[t]
                break
        total += rows.weight[i] * best
    return total


@njit(cache=True, nogil=True)
def greedy(rows: Rows, sites: int, p: int) -> Ints:  # pragma: no cover - compiled
    """Open `p` sites one after another, each the one that saves most (the first of equals)."""
    near = rows.base.copy()
    gain = np.zeros(sites, dtype=np.int64)
    for i in range(len(near)):
        for t in range(rows.starts[i], rows.starts[i + 1]):
            gain[rows.site[t]] += rows.weight[i] * (near[i] - rows.cost[t])
    opened = np.empty(p, dtype=np.int64)
    for n in range(p):
        best = np.argmax(gain)
        opened[n] = best
        for i in range(len(near)):
            _come_nearer(rows, i, best, near, gain)
        gain[best] = -1
    return opened


@njit(cache=True, nogil=True)
def _come_nearer(rows: Rows, i: int, best: int, near: Ints, gain: Ints) -> None:  # pragma: no cover - compiled
    """Move row `i` to a site that was opened, if it is nearer, and take back what others would have saved."""
    begin, end = rows.starts[i], rows.starts[i + 1]
    at = begin
    while at < end and rows.cost[at] < near[i] and rows.site[at] != best:
        at += 1
    if at == end or rows.cost[at] >= near[i]:
        return
    now = rows.cost[at]
    for t in range(begin, end):
        if rows.cost[t] >= near[i]:
            break
        gain[rows.site[t]] -= rows.weight[i] * (near[i] - max(now, rows.cost[t]))
    near[i] = now


@njit(cache=True, nogil=True)
def _seek(rows: Rows, i: int, near: Near) -> None:  # pragma: no cover - compiled
    """Find a row's two nearest open sites."""
    near.first[i] = near.second[i] = -1
    near.cost[i] = near.next_cost[i] = rows.base[i]
    for t in range(rows.starts[i], rows.starts[i + 1]):
        s = near.slot[rows.site[t]]
        if s >= 0:
            if near.first[i] >= 0:
                near.second[i], near.next_cost[i] = s, rows.cost[t]
                return
            near.first[i], near.cost[i] = s, rows.cost[t]


@njit(cache=True, nogil=True)
def _count(rows: Rows, i: int, near: Near, saved: Saved, times: int) -> None:  # pragma: no cover - compiled
    """Add a row's share of what is saved, `times` (1 or −1)."""
    first, cost, second = near.first[i], near.cost[i], near.next_cost[i]
    w = times * rows.weight[i]
    if first >= 0:
        saved.loss[first] += w * (second - cost)
    for t in range(rows.starts[i], rows.starts[i + 1]):
        c, j = rows.cost[t], rows.site[t]
        if c >= second:
            break
        if c < cost:
            saved.gain[j] += w * (cost - c)
            if first >= 0:
                saved.extra[first, j] += w * (second - cost)
        elif near.slot[j] < 0:
            saved.extra[first, j] += w * (second - c)


@njit(cache=True, nogil=True)
def _touched(rows: Rows, i: int, near: Near, leaves: int, comes: int) -> bool:  # pragma: no cover - compiled
    """Whether a swap changes a row's two nearest."""
    if near.first[i] == leaves or near.second[i] == leaves:
        return True
    for t in range(rows.starts[i], rows.starts[i + 1]):
        if rows.cost[t] >= near.next_cost[i]:
            return False
        if rows.site[t] == comes:
            return True
    return False


@njit(cache=True, nogil=True)
def _best_swap(near: Near, saved: Saved) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return what the best swap saves, its slot and the site that comes (the first of equals)."""
    most, slot, comes = 0, -1, -1
    for s in range(len(saved.loss)):
        for j in range(len(saved.gain)):
            worth = saved.gain[j] - saved.loss[s] + saved.extra[s, j]
            if worth > most and near.slot[j] < 0:
                most, slot, comes = worth, s, j
    return most, slot, comes


@njit(cache=True, nogil=True)
def improved(rows: Rows, sites: int, opened: Ints) -> tuple[Ints, int]:  # pragma: no cover - compiled
    """Swap until no swap saves anything.

    Parameters
    ----------
    rows
        Rows of demand.
    sites
        How many sites there are.
    opened
        Open sites to begin with, each once.

    Returns
    -------
    opened, total
        The open sites, sorted, and their total.
    """
    opened = opened.copy()
    n, p = len(rows.base), len(opened)
    slot = np.full(sites, -1, dtype=np.int32)
    for s in range(p):
        slot[opened[s]] = s
    near = Near(np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64), slot)
    saved = Saved(np.zeros(sites, np.int64), np.zeros(p, np.int64), np.zeros((p, sites), np.int64))
    total = 0
    for i in range(n):
        _seek(rows, i, near)
        _count(rows, i, near, saved, 1)
        total += rows.weight[i] * near.cost[i]
    touched = np.empty(n, dtype=np.int64)
    while True:
        most, leaves, comes = _best_swap(near, saved)
        if most <= 0:
            break
        total -= most
        count = 0
        for i in range(n):
            if _touched(rows, i, near, leaves, comes):
                _count(rows, i, near, saved, -1)
                touched[count] = i
                count += 1
        slot[opened[leaves]] = -1
        slot[comes] = leaves
        opened[leaves] = comes
        for k in range(count):
            _seek(rows, touched[k], near)
            _count(rows, touched[k], near, saved, 1)
    opened.sort()
    return opened, total

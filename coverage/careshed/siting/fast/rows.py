"""Rows of demand in compiled code, and what is left of them once some sites are decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.cut.costs import Costs

__all__ = ["CLOSED", "FREE", "OPEN", "Rest", "Rows", "rest_of", "rows_of"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Ints8 = npt.NDArray[np.int8]

FREE, OPEN, CLOSED = 0, 1, 2
"""What is decided about a site."""


class Rows(NamedTuple):
    """Rows of demand with their sites from cheap to dear, as in :class:`careshed.siting.cut.costs.Costs`."""

    starts: Ints
    site: Ints32
    cost: Ints32
    base: Ints
    weight: Ints


class Rest(NamedTuple):
    """What decided sites leave of rows: a smaller problem of the same kind.

    Attributes
    ----------
    rows
        The rows that still depend on a free site, costs above each row's least again.
    source, least
        Their positions in the whole, and what was taken off their costs.
    sites
        Positions of the free sites in the whole.
    constant
        What is to be added to every total.
    """

    rows: Rows
    source: Ints
    least: Ints
    sites: Ints
    constant: int


def rows_of(costs: Costs) -> Rows:
    """Return the arrays of costs, shared."""
    return Rows(costs.starts, costs.site, costs.cost, costs.base, costs.weight)


@njit(cache=True, nogil=True)
def _measured(rows: Rows, state: Ints8, base: Ints, length: Ints) -> int:  # pragma: no cover - compiled
    """Fill in each row's cost at its nearest open site, and how many free sites are nearer.

    Returns what the rows without such a site cost.
    """
    constant = 0
    for i in range(len(rows.base)):
        begin = rows.starts[i]
        base[i] = rows.base[i]
        for t in range(begin, rows.starts[i + 1]):
            now = state[rows.site[t]]
            if now == FREE:
                length[i] += 1
            elif now == OPEN:
                base[i] = rows.cost[t]
                back = t - 1
                while back >= begin and rows.cost[back] == base[i]:  # as far as the open one: saves nothing
                    if state[rows.site[back]] == FREE:
                        length[i] -= 1
                    back -= 1
                break
        if length[i] == 0:
            constant += rows.weight[i] * base[i]
    return constant


@njit(cache=True, nogil=True)
def _gathered(
    rows: Rows, state: Ints8, number: Ints32, source: Ints, rest: Rows, least: Ints
) -> int:  # pragma: no cover - compiled
    """Fill `rest` and `least`; `rest.starts` and the bases not yet lowered are given.

    Returns what is taken off all rows, times weight.
    """
    taken = 0
    for n in range(len(source)):
        i = source[n]
        at, end = rest.starts[n], rest.starts[n + 1]
        t = rows.starts[i]
        while state[rows.site[t]] != FREE:
            t += 1
        low = rows.cost[t]
        least[n] = low
        taken += rows.weight[i] * low
        rest.base[n] -= low
        rest.weight[n] = rows.weight[i]
        while at < end:
            if state[rows.site[t]] == FREE:
                rest.site[at] = number[rows.site[t]]
                rest.cost[at] = rows.cost[t] - low
                at += 1
            t += 1
    return taken


def rest_of(rows: Rows, state: Ints8) -> Rest:
    """Return what is left of rows once sites are decided.

    Parameters
    ----------
    rows
        Rows of demand.
    state
        FREE, OPEN or CLOSED for each site, int8.

    Returns
    -------
    Rest
        For any choice of free sites, `constant` plus its total over `Rest.rows` is its total, the open sites
        counted in, over `rows`.
    """
    base = np.empty_like(rows.base)
    length = np.zeros_like(rows.base)
    constant = _measured(rows, state, base, length)
    source = np.flatnonzero(length)
    sites = np.flatnonzero(state == FREE)
    number = np.empty(len(state), dtype=np.int32)
    number[sites] = np.arange(len(sites), dtype=np.int32)
    starts = np.concatenate(([0], np.cumsum(length[source]))).astype(np.int64)
    entries, count = int(starts[-1]), len(source)
    left = Rows(
        starts, np.empty(entries, np.int32), np.empty(entries, np.int32), base[source], np.empty(count, np.int64)
    )
    least = np.empty(count, dtype=np.int64)
    constant += _gathered(rows, state, number, source, left, least)
    return Rest(left, source, least, sites, int(constant))

r"""Cost of demand at its best open site, and the cuts that describe it.

Every level of the objective has the form :math:`f(S) = Σ_i w_i \min(b_i, \min_{j∈S} c_{ij})` with whole
costs. For an open (also a fractional) vector *x* and any radius *r* the inequality

.. math:: θ_i ≥ r - Σ_{j: c_{ij} < r} (r - c_{ij}) x_j

holds for all plans; it is the Benders cut of the p-median model (Cornuéjols, Nemhauser, Wolsey 1980; Magnanti,
Wong 1981; Fischetti, Ljubić, Sinnl 2017) and is most violated at the radius within which *x* sums to one.
Rows are summed into groups, one cut a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.collapse import equal_rows, rows_of

__all__ = ["Costs", "cuts", "losses", "total", "totals_by_swap"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Rows of demand with their sites from cheap to dear.

    Attributes
    ----------
    starts
        Row *i* has the entries ``starts[i]:starts[i + 1]``, int64, shape (rows + 1,).
    site, cost
        Site and cost above the row's least, by (cost, site); costs below `base` only.
    base, weight
        Cost above the row's least where no listed site is open; people. int64, shape (rows,).
    constant
        Sum over all demand of weight × least cost: added to every total of one phase.
    group
        Group of each row whose cuts are summed, int64, shape (rows,).
    groups
        How many groups there are.
    sites
        How many sites there are.
    """

    starts: Ints
    site: Ints32
    cost: Ints32
    base: Ints
    weight: Ints
    constant: int
    group: Ints
    groups: int
    sites: int

    @classmethod
    def build(
        cls,
        site: Ints32,
        demand: Ints32,
        cost: Ints32,
        *,
        base: int,
        weights: Ints,
        always: npt.NDArray[np.bool_],
        groups: int,
    ) -> Self:
        """Make rows from pairs; sites in `always` are open in every phase and lower a row's base.

        Rows with equal entries are merged, which loses nothing.
        """
        floor = np.full(len(weights), base, dtype=np.int64)
        own = np.flatnonzero(always[site]) if always.any() else np.zeros(0, dtype=np.int64)
        np.minimum.at(floor, demand[own], cost[own])
        # nothing is below a floor of 0: demand without people has no entries
        starts, site, cost = rows_of(site, demand, cost, usable=~always, floor=np.where(weights > 0, floor, 0))
        lengths = np.diff(starts)
        used = np.flatnonzero(lengths)
        idle = lengths == 0
        constant = int(np.dot(weights[idle], floor[idle]))
        least = cost[starts[used]].astype(np.int64)
        constant += int(np.dot(weights[used], least))
        if least.any():
            cost -= np.repeat(least, lengths[used]).astype(np.int32)
        rows = _merged(used, starts, site, cost, floor[used] - least, weights[used])
        return cls._grouped(rows, site, cost, constant, groups=groups, sites=len(always))

    @classmethod
    def _grouped(
        cls,
        rows: tuple[Ints, Ints, Ints, Ints],
        site: Ints32,
        cost: Ints32,
        constant: int,
        *,
        groups: int,
        sites: int,
    ) -> Self:
        """Gather the kept rows and put rows with the same cheapest site into one group."""
        begin, length, base, weight = rows
        nearest = site[begin] if len(begin) else np.zeros(0, dtype=np.int32)
        order = np.lexsort((begin, nearest))
        begin, length, base, weight = begin[order], length[order], base[order], weight[order]
        starts = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
        take = np.repeat(begin - starts[:-1], length) + np.arange(starts[-1])
        if groups <= 0 or groups >= len(begin):
            group = np.arange(len(begin), dtype=np.int64)
        else:
            mass = np.cumsum(weight * base)
            group = np.minimum((mass - 1) * groups // max(int(mass[-1]), 1), groups - 1).astype(np.int64)
            group = np.unique(group, return_inverse=True)[1].astype(np.int64)
        count = int(group.max()) + 1 if len(group) else 0
        return cls(starts, site[take], cost[take], base, weight, constant, group, count, sites)


def _merged(
    used: Ints, starts: Ints, site: Ints32, cost: Ints32, base: Ints, weight: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return begin, length, base and weight of the `used` rows, equal rows merged; others have no entries."""
    tight = np.append(starts[used], starts[-1])
    first, which = equal_rows(tight, site, cost, base)
    merged = np.zeros(len(first), dtype=np.int64)
    np.add.at(merged, which, weight)
    return tight[first], np.diff(tight)[first], base[first], merged


@njit(cache=True, nogil=True)
def _total(
    starts: Ints, site: Ints32, cost: Ints32, base: Ints, weight: Ints, is_open: Bools
) -> int:  # pragma: no cover - compiled
    """Return the sum over rows of weight × cost at the cheapest open site."""
    total = 0
    for i in range(len(base)):
        best = base[i]
        for t in range(starts[i], starts[i + 1]):
            if is_open[site[t]]:
                best = cost[t]
                break
        total += weight[i] * best
    return total


def total(costs: Costs, is_open: npt.NDArray[np.bool_]) -> int:
    """Return :math:`f(S)` without the constant, exactly, for one phase."""
    return int(_total(costs.starts, costs.site, costs.cost, costs.base, costs.weight, is_open))


@njit(cache=True, nogil=True)
def _cuts(  # noqa: PLR0913, PLR0917
    starts: Ints,
    site: Ints32,
    cost: Ints32,
    base: Ints,
    weight: Ints,
    group: Ints,
    x: Floats,
    const: Ints,
    coefficient: Ints,
) -> None:  # pragma: no cover - compiled
    """Add each row's most violated cut to its group's `const` and `coefficient`."""
    for i in range(len(base)):
        reached = 0.0
        radius = base[i]
        end = starts[i + 1]
        for t in range(starts[i], starts[i + 1]):
            reached += x[site[t]]
            if reached >= 1.0 - 1e-9:
                radius = cost[t]
                end = t
                break
        g = group[i]
        const[g] += weight[i] * radius
        for t in range(starts[i], end):
            coefficient[g, site[t]] += weight[i] * (radius - cost[t])


def cuts(costs: Costs, x: Floats) -> tuple[Ints, Ints]:
    """Return the groups' cuts ``θ[g] ≥ const[g] − coefficient[g] · x``, most violated at `x`.

    Returns
    -------
    const, coefficient
        int64, shapes (groups,) and (groups, sites).
    """
    const = np.zeros(costs.groups, dtype=np.int64)
    coefficient = np.zeros((costs.groups, costs.sites), dtype=np.int64)
    _cuts(costs.starts, costs.site, costs.cost, costs.base, costs.weight, costs.group, x, const, coefficient)
    return const, coefficient


@njit(cache=True, nogil=True)
def _two_nearest(
    begin: int, end: int, site: Ints32, cost: Ints32, base: int, is_open: Bools
) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Return a row's nearest open site (−1 none), its cost, and the second nearest's cost."""
    first, near = -1, base
    for t in range(begin, end):
        if is_open[site[t]]:
            if first >= 0:
                return first, near, int(cost[t])
            first, near = int(site[t]), int(cost[t])
    return first, near, base


@njit(cache=True, nogil=True)
def _losses(  # noqa: PLR0913, PLR0917
    starts: Ints,
    site: Ints32,
    cost: Ints32,
    base: Ints,
    weight: Ints,
    is_open: Bools,
    slot: Ints,
    swap: Ints,
    leave: Ints,
) -> None:  # pragma: no cover - compiled
    """Fill `leave[out]` and `swap[out, in]` such that closing out and opening in costs leave + swap.

    `slot` is each site's row, −1 where it may not leave.
    """
    last = len(leave)
    for i in range(len(base)):
        first, near, second = _two_nearest(starts[i], starts[i + 1], site, cost, base[i], is_open)
        w = weight[i]
        row = slot[first] if first >= 0 else -1
        if row >= 0:
            leave[row] += w * (second - near)
        for t in range(starts[i], starts[i + 1]):
            c, j = cost[t], site[t]
            if c >= second:
                break
            if is_open[j]:
                continue
            swap[last, j] += w * min(c - near, 0)
            if row >= 0:
                # beside the general gain of j: had `first` gone, j would save more
                swap[row, j] -= w * (second - max(c, near))


def losses(costs: Costs, is_open: npt.NDArray[np.bool_], leaving: Ints) -> tuple[Ints, Ints]:
    """Return how the total changes (Whitaker 1983; Resende and Werneck 2004).

    Closing ``leaving[out]`` alone costs ``leave[out]``; opening ``in`` alone ``swap[-1, in]`` (negative); both at
    once ``leave[out] + swap[-1, in] + swap[out, in]``.
    """
    slot = np.full(costs.sites, -1, dtype=np.int64)
    slot[leaving] = np.arange(len(leaving))
    leave = np.zeros(len(leaving), dtype=np.int64)
    swap = np.zeros((len(leaving) + 1, costs.sites), dtype=np.int64)
    _losses(costs.starts, costs.site, costs.cost, costs.base, costs.weight, is_open, slot, swap, leave)
    return leave, swap


def totals_by_swap(costs: Costs, is_open: npt.NDArray[np.bool_], leaving: Ints) -> Ints:
    """Return the change of the total, int64, shape (leaving, sites in), for one phase."""
    leave, swap = losses(costs, is_open, leaving)
    return leave[:, None] + swap[-1][None, :] + swap[:-1]

r"""Lagrangian bound of the p-median, in whole numbers.

With a multiplier :math:`0 ≤ u_i ≤ b_i` for "row *i* has one site", every choice of *p* sites costs at least

.. math:: L(u) = Σ_i w_i u_i + \text{the } p \text{ least of } ρ_j, \qquad ρ_j = Σ_i w_i \min(0, c_{ij} - u_i)

(Cornuéjols, Fisher, Nemhauser 1977; Narula, Ogbu, Samuelsson 1977); only sites nearer to a row than its multiplier
matter. Multipliers are whole numbers of 2⁻ˢ units, so that L is computed without rounding and its ceiling bounds
whole costs. They climb along the bisector of subgradient and last direction (Sherali, Ulular 1989), in steps sized
for the value of the best plan (Polyak 1969), in a metric in which equal rows move as one row of their weight would.

A site whose opening lifts L to that value is in no better plan, nor is a plan without a site whose closing does
(Christofides, Beasley 1982): such sites are decided at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.rows import CLOSED, FREE, OPEN, Rows

__all__ = ["Climb", "climb", "climb_from", "scale_of"]

Ints = npt.NDArray[np.int64]
Ints8 = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = np.int64(1) << 62
MOST_BITS = 16
"""Multipliers are kept to 2⁻¹⁶ of a unit, or coarser where sums would not fit 62 bits."""
NOTABLE = 0.001
"""Part of the gap that the bound must gain to count as growing."""
PATIENCE = 10
"""After so many steps without growth the pace is halved."""
FADED = 0.01
"""A climb ends at this pace."""
MEMORY = 0.1
"""Weight of the last step in the share of steps in which a site was chosen."""


class Climb(NamedTuple):
    """One climb: where it stands, and what it has found.

    Attributes
    ----------
    u, best_u
        Multipliers now, and where the bound was best.
    direction
        Of the last step.
    state
        What is decided about each site: FREE, OPEN or CLOSED.
    share
        In what share of the steps, the last counting most, a site was chosen.
    chosen
        The sites chosen at `best_u`.
    figures
        Best bound so far; steps since it grew; steps in all.
    pace
        Part of Polyak's step that is taken.
    """

    u: Ints
    best_u: Ints
    direction: Floats
    state: Ints8
    share: Floats
    chosen: Bools
    figures: Ints
    pace: Floats


def scale_of(rows: Rows, p: int) -> int:
    """Return how many bits after the point multipliers have, negative where sums don't fit 62 bits."""
    most = sum(w * b for w, b in zip(rows.weight.tolist(), rows.base.tolist(), strict=True))
    return min(MOST_BITS, 61 - (most * (p + 1)).bit_length())


def climb_from(u: Ints, sites: int, pace: float) -> Climb:
    """Return a climb that starts at multipliers."""
    return Climb(
        u=u,
        best_u=u.copy(),
        direction=np.zeros(len(u)),
        state=np.full(sites, FREE, dtype=np.int8),
        share=np.zeros(sites),
        chosen=np.zeros(sites, dtype=np.bool_),
        figures=np.array([-NEVER, 0, 0]),
        pace=np.array([pace]),
    )


@njit(cache=True, nogil=True)
def _reduced_costs(rows: Rows, u: Ints, bits: int, rho: Ints, end: Ints) -> int:  # pragma: no cover - compiled
    """Fill in each site's reduced cost and where each row's sites below its multiplier end; return Σ w u."""
    rho[:] = 0
    total = 0
    for i in range(len(u)):
        now, w, t = u[i], rows.weight[i], rows.starts[i]
        total += w * now
        while t < rows.starts[i + 1]:
            below = (np.int64(rows.cost[t]) << bits) - now
            if below >= 0:
                break
            rho[rows.site[t]] += w * below
            t += 1
        end[i] = t
    return total


@njit(cache=True, nogil=True)
def _smallest(values: Ints, k: int) -> int:  # pragma: no cover - compiled
    """Return the k-th smallest, counted from 0; `values` are shuffled (Hoare 1961)."""
    low, high = 0, len(values) - 1
    while low < high:
        middle = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < middle:
                i += 1
            while values[j] > middle:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]


@njit(cache=True, nogil=True)
def _choose(
    rho: Ints, state: Ints8, p: int, work: Ints, chosen: Bools
) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Choose the `p` sites of least reduced cost, open ones first, of equals the first.

    Returns their sum, the largest chosen, and the smallest not chosen (NEVER where there is none).
    """
    for j in range(len(rho)):
        work[j] = rho[j] if state[j] == FREE else (-NEVER if state[j] == OPEN else NEVER)
    last = _smallest(work, p - 1)
    count, total, following = 0, 0, NEVER
    for j in range(len(rho)):
        chosen[j] = state[j] == OPEN or (state[j] == FREE and rho[j] < last)
        if chosen[j]:
            count += 1
            total += rho[j]
    for j in range(len(rho)):
        if state[j] == FREE and not chosen[j]:
            if count < p and rho[j] == last:
                chosen[j] = True
                count += 1
                total += rho[j]
            else:
                following = min(following, rho[j])
    return total, last, following


@njit(cache=True, nogil=True)
def _decide(
    rho: Ints, state: Ints8, chosen: Bools, bound: int, last: int, following: int, target: int
) -> None:  # pragma: no cover - compiled
    """Close free sites without which nothing is lost, and open those without which there is nothing better."""
    for j in range(len(rho)):
        if state[j] != FREE:
            continue
        if not chosen[j]:
            if bound + rho[j] - last > target:
                state[j] = CLOSED
        elif following == NEVER or bound - rho[j] + following > target:
            state[j] = OPEN


@njit(cache=True, nogil=True)
def _excess(
    rows: Rows, u: Ints, bits: int, end: Ints, chosen: Bools, slope: Floats
) -> float:  # pragma: no cover - compiled
    """Fill in the subgradient, by row and unit of weight, and return its square."""
    square = 0.0
    for i in range(len(u)):
        missing = 1
        for t in range(rows.starts[i], end[i]):
            missing -= chosen[rows.site[t]]
        if (missing > 0 and u[i] >= rows.base[i] << bits) or (missing < 0 and u[i] <= 0):
            missing = 0
        slope[i] = missing
        square += float(rows.weight[i]) * missing * missing
    return square


@njit(cache=True, nogil=True)
def _step(
    rows: Rows, u: Ints, bits: int, slope: Floats, square: float, direction: Floats, length: float
) -> None:  # pragma: no cover - compiled
    """Move the multipliers; `length` is that of the step times the direction's length."""
    before = 0.0
    for i in range(len(u)):
        before += rows.weight[i] * direction[i] * direction[i]
    keep = np.sqrt(square / before) if before > 0.0 else 0.0
    after = 0.0
    for i in range(len(u)):
        direction[i] = slope[i] + keep * direction[i]
        after += rows.weight[i] * direction[i] * direction[i]
    if after <= 0.0:
        return
    for i in range(len(u)):
        moved = u[i] + np.int64(np.rint(length / after * direction[i]))
        u[i] = min(max(moved, 0), rows.base[i] << bits)


@njit(cache=True, nogil=True)
def climb(
    rows: Rows, p: int, bits: int, now: Climb, target: int, aim: int, steps: int
) -> None:  # pragma: no cover - compiled
    """Climb so many steps, or until the bound is above `target` or the pace has faded.

    Parameters
    ----------
    rows
        Rows of demand.
    p
        How many sites are open.
    bits
        Multipliers, bounds, `target` and `aim` are in units of 2 to the minus so many.
    now
        The climb (changed in place).
    target
        A plan is of interest only if it costs no more.
    aim
        What the bound is expected to reach at most.
    steps
        How many steps.
    """
    sites, n = len(now.state), len(now.u)
    rho, work, chosen = np.empty(sites, np.int64), np.empty(sites, np.int64), np.empty(sites, np.bool_)
    end, slope = np.empty(n, np.int64), np.empty(n, np.float64)
    for _ in range(steps):
        now.figures[2] += 1
        bound = _reduced_costs(rows, now.u, bits, rho, end)
        worth, last, following = _choose(rho, now.state, p, work, chosen)
        bound += worth
        for j in range(sites):
            now.share[j] += MEMORY * (chosen[j] - now.share[j])
        now.figures[1] += 1
        if bound > now.figures[0]:
            if bound - now.figures[0] > (aim - now.figures[0]) * NOTABLE:
                now.figures[1] = 0
            now.figures[0] = bound
            now.best_u[:] = now.u
            now.chosen[:] = chosen
            if bound > target:
                return
            _decide(rho, now.state, chosen, bound, last, following, target)
        if now.figures[1] >= PATIENCE:
            now.pace[0] *= 0.5
            now.figures[1] = 0
        square = _excess(rows, now.u, bits, end, chosen, slope)
        if square <= 0.0:
            now.pace[0] = 0.0
        if now.pace[0] < FADED:
            return
        _step(rows, now.u, bits, slope, square, now.direction, now.pace[0] * (aim - bound))

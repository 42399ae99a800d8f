"""The best districts of few units, by looking at every connected district that may be in better ones.

A linear program says little about how equal districts can be, or within narrow limits how compact: split units make
any. So for as many units as a machine word has bits, districts are enumerated one after another: each connected set
of units around a core's seat within the window that is allowed (every set once: a unit that touches it is taken or
left for good), as long as what is left can still be divided. Wide windows are too much for that; it says so then.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.districting.problem import DistrictProblem

__all__ = ["BUDGET", "MOST_UNITS", "enumerated"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_UNITS = 62
"""Units are bits of a whole number with a sign."""
BUDGET = 3_000_000
"""Sets looked at, at most: a second or a few."""
SLICE = 200_000
"""Sets between two looks at the clock."""


@njit(cache=True, nogil=True)
def _flood(seed: int, within: int, touching: Ints) -> int:  # pragma: no cover - compiled
    """Return the units of `within` that hang together with `seed`."""
    seen, new = seed, seed
    while new:
        around = 0
        rest, i = new, 0
        while rest:
            if rest & 1:
                around |= touching[i]
            rest >>= 1
            i += 1
        new = around & within & ~seen
        seen |= new
    return seen


@njit(cache=True, nogil=True)
def _weight(units: int, weights: Ints) -> int:  # pragma: no cover - compiled
    """Return the people of some units."""
    total, i = 0, 0
    while units:
        if units & 1:
            total += weights[i]
        units >>= 1
        i += 1
    return total


@njit(cache=True, nogil=True)
def _divisible(
    free: int, seats: Ints, core: int, touching: Ints, weights: Ints, low: int, high: int
) -> bool:  # pragma: no cover - compiled
    """Return whether each connected part has seats of the cores from `core` on, and people for as many districts."""
    while free:
        part = _flood(free & -free, free, touching)
        held = 0
        for k in range(core, len(seats)):
            if part & seats[k]:
                held += 1
        people = _weight(part, weights)
        if held == 0 or people < held * low or people > held * high:
            return False
        free &= ~part
    return True


@njit(cache=True, nogil=True)
def _fill(units: int, core: int, owner: Ints) -> None:  # pragma: no cover - compiled
    """Give units to a core."""
    i = 0
    while units:
        if units & 1:
            owner[i] = core
        units >>= 1
        i += 1


@njit(cache=True, nogil=True)
def _touched(units: int, touching: Ints) -> int:  # pragma: no cover - compiled
    """Return the units that touch some units."""
    around, i = 0, 0
    while units:
        if units & 1:
            around |= touching[i]
        units >>= 1
        i += 1
    return around


@njit(cache=True, nogil=True)
def _leaf(
    row: Ints, best: int, limit: int, found: Ints, weights: Ints, totals: Ints, people: int
) -> int:  # pragma: no cover - compiled
    """Judge districts whose last is what is free; keep them in `found` where they are better; return the best."""
    cores = totals.shape[1]
    owner = np.empty(len(weights), dtype=np.int64)
    for k in range(cores - 1):
        _fill(row[4 + k], k, owner)
    _fill(row[1], cores - 1, owner)
    loads = np.zeros(cores, dtype=np.int64)
    cost, worst = 0, 0
    for i in range(len(owner)):
        loads[owner[i]] += weights[i]
        cost += totals[i, owner[i]]
    for k in range(cores):
        worst = max(worst, abs(loads[k] * cores - people))
    value = worst if limit < 0 else cost
    if value >= best or (limit >= 0 and worst > limit):
        return best
    found[:] = owner
    return value


@njit(cache=True, nogil=True)
def _search(  # noqa: PLR0913, PLR0917 - plain arrays, as numba wants them
    stack: Ints,
    size: int,
    steps: int,
    best: int,
    limit: int,
    found: Ints,
    touching: Ints,
    weights: Ints,
    totals: Ints,
    able: Ints,
    seats: Ints,
) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Go on from a stack for some steps; return its size, the best value (its districts are in `found`), steps left.

    A row of the stack: core, units that no district has yet, the core's set so far, units left for good, and the
    sets of the cores before.
    """
    cores, people = len(seats), weights.sum()
    others = np.zeros(cores, dtype=np.int64)
    for k in range(cores - 2, -1, -1):
        others[k] = others[k + 1] | seats[k + 1]
    while size and steps:
        steps -= 1
        size -= 1
        core, free, own, left = stack[size, 0], stack[size, 1], stack[size, 2], stack[size, 3]
        spread = best - 1 if limit < 0 else limit
        low, high = -((spread - people) // cores), (people + spread) // cores
        if core == cores - 1:
            # the last core takes what is left
            if not free & ~able[core] and _flood(seats[core], free, touching) == free:
                best = _leaf(stack[size], best, limit, found, weights, totals, people)
            continue
        mine = _weight(own, weights)
        if mine > high:
            continue
        room = free & able[core] & ~left
        around = _touched(own, touching) & room & ~own
        if around == 0:
            rest = free & ~own
            if mine >= low and _divisible(rest, seats, core + 1, touching, weights, low, high):
                stack[size, 4 + core] = own
                stack[size, 0], stack[size, 1] = core + 1, rest
                stack[size, 2], stack[size, 3] = seats[core + 1], 0
                size += 1
            continue
        if _weight(_flood(own, room, touching), weights) < low:
            continue
        unit = around & -around
        # leave it, unless nobody else could have it
        if _flood(unit, free & ~own, touching) & others[core]:
            stack[size, 3] = left | unit
            size += 1
            stack[size] = stack[size - 1]
        stack[size, 2], stack[size, 3] = own | unit, left
        size += 1
    return size, best, steps


def enumerated(
    problem: DistrictProblem, may: Bools, spread: int | None, owner: Ints | None, late: Callable[[], bool]
) -> tuple[Ints | None, bool, int]:
    """Return the best districts, whether it is proven that no others are better, and how many sets were looked at.

    Parameters
    ----------
    problem
        What is asked; of at most `MOST_UNITS` units.
    may
        Which unit may go to which core.
    spread
        The most that is allowed, and the least cost is sought; None: the least spread is.
    owner
        Districts to be bettered; None: none are known.
    late
        Whether to stop.
    """
    units, cores = problem.size
    bits = np.left_shift(np.int64(1), np.arange(units, dtype=np.int64))
    touching = np.array([bits[list(some)].sum() for some in problem.neighbours()], dtype=np.int64)
    able = np.array([bits[may[:, core]].sum() for core in range(cores)], dtype=np.int64)
    seats = bits[problem.seats]
    totals = problem.weights[:, None] * np.maximum(problem.costs, 0)
    stack = np.zeros((2 * units * cores + 4, 4 + cores), dtype=np.int64)
    stack[0, 1], stack[0, 2] = bits.sum(), seats[0]
    best = int(np.iinfo(np.int64).max) // 4
    if owner is not None:
        best = problem.spread_of(owner) if spread is None else problem.total(owner)
    elif spread is None:
        best = problem.people * cores + 1
    found = np.full(units, -1, dtype=np.int64)
    limit, size, left = -1 if spread is None else spread, 1, BUDGET
    while size and left > 0 and not late():
        steps = min(SLICE, left)
        size, best, spare = _search(
            stack, size, steps, best, limit, found, touching, problem.weights, totals, able, seats
        )
        left -= steps - spare
    return (owner if found[0] < 0 else found), size == 0, BUDGET - left

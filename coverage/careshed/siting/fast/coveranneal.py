"""Better plans of maximal covering for more time: annealing, and the best plan of several plans' sites.

Annealing (Kirkpatrick et al. 1983) trades an open site for a closed one at random, ever less often for a worse plan.
Three trades in four are with a neighbour, a site that reaches one of the same rows. A trade that is looked at costs the
rows of the closed site, one that is taken the rows of both: nothing is kept for sites that are closed.

Runs end in different plans which agree in most of the map, so that the best plan of all their sites together is a small
problem, and mostly better than each (tour merging, Cook, Seymour 2003).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coversearch import padded

__all__ = ["annealed", "united"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
COLD = 0.1
"""The last heat, as a share of the first."""
STAGE = 1_000
"""Moves at one heat."""
CHUNK = 200
"""Stages between two looks at the clock."""
FAR = np.uint64(4)
"""One trade in so many is with any site, the others with a neighbour."""
MULTIPLY, ADD = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
HIGH, RANGE = np.uint64(33), np.uint64(31)
ONE = np.int64(1) << np.int64(32)
SLOT = ONE - np.int64(1)


class _Books(NamedTuple):
    """What a run keeps from move to move.

    ``key[i]`` counts the open sites that reach row *i*, times `ONE`, plus the sum of their slots; where it is one site,
    the rest is its slot. ``lose[s]`` is what only slot *s* covers, ``most[j]`` all that site *j* reaches. ``left`` is
    what is uncovered now and in the best plan, ``best``; ``dice`` the state of the random numbers.
    """

    starts: Ints
    site: Ints32
    weight: Ints
    at: Ints
    row: Ints32
    most: Ints
    slots: Ints
    is_open: npt.NDArray[np.bool_]
    key: Ints
    lose: Ints
    best: Ints
    left: Ints
    dice: npt.NDArray[np.uint64]


@njit(cache=True, nogil=True)
def _turn(b: _Books, j: Any, slot: Any, sign: int) -> None:  # pragma: no cover - compiled
    """Open (1) or close (-1) the site of a slot."""
    b.is_open[j] = sign > 0
    for u in range(b.at[j], b.at[j + 1]):
        i = b.row[u]
        others = b.key[i] if sign > 0 else b.key[i] - ONE - slot
        if others == 0:
            b.lose[slot] += sign * b.weight[i]
        elif others < 2 * ONE:
            b.lose[others & SLOT] -= sign * b.weight[i]
        b.key[i] = others + ONE + slot if sign > 0 else others


@njit(cache=True, nogil=True)
def _begin(b: _Books) -> None:  # pragma: no cover - compiled
    """Open the plan's sites."""
    for s in range(len(b.slots)):
        _turn(b, b.slots[s], s, 1)


@njit(cache=True, nogil=True)
def _drawn(b: _Books, below: Any) -> Any:  # pragma: no cover - compiled
    """Return a random whole number below another."""
    b.dice[0] = b.dice[0] * MULTIPLY + ADD
    return np.int64(((b.dice[0] >> HIGH) * np.uint64(below)) >> RANGE)


@njit(cache=True, nogil=True)
def _near(b: _Books, j: Any) -> Any:  # pragma: no cover - compiled
    """Return a random site that reaches one of a site's rows, or any."""
    many = b.at[j + 1] - b.at[j]
    if many == 0 or _drawn(b, FAR) == 0:
        return _drawn(b, len(b.most))
    i = b.row[b.at[j] + _drawn(b, many)]
    return np.int64(b.site[b.starts[i] + _drawn(b, b.starts[i + 1] - b.starts[i])])


@njit(cache=True, nogil=True)
def _gain(b: _Books, j: Any, slot: Any) -> Any:  # pragma: no cover - compiled
    """Return what a closed site covers where a slot's site is closed."""
    gain, alone = np.int64(0), ONE + slot
    for u in range(b.at[j], b.at[j + 1]):
        i = np.uint32(b.row[u])
        # no branch, which would be foretold wrong half of the time
        gain += b.weight[i] * np.int64((b.key[i] == 0) | (b.key[i] == alone))
    return gain


@njit(cache=True, nogil=True)
def _walk(b: _Books, stages: int, heat: float, cool: float) -> None:  # pragma: no cover - compiled
    """Look at so many trades, taking each as often as the heat says."""
    for move in range(stages * STAGE):
        if move % STAGE == 0:
            heat *= cool
        out = _drawn(b, len(b.slots))
        into = _near(b, b.slots[out])
        if b.is_open[into]:
            continue
        # drawn first, so that most sites need not be looked at row by row
        wanted = b.lose[out] + heat * np.log((_drawn(b, 1 << 31) + 1.0) / (1 << 31))
        if b.most[into] < wanted:
            continue
        gain = _gain(b, into, out)
        if gain < wanted:
            continue
        b.left[0] += b.lose[out] - gain
        _turn(b, b.slots[out], out, -1)
        _turn(b, into, out, 1)
        b.slots[out] = into
        if b.left[0] < b.left[1]:
            b.left[1] = b.left[0]
            b.best[:] = b.slots


def _books(cover: Cover, slots: Ints, seed: int) -> _Books:
    """Return the books of a plan."""
    owner = np.repeat(np.arange(cover.sites), np.diff(cover.at))
    most = np.zeros(cover.sites, dtype=np.int64)
    np.add.at(most, owner, cover.weight[cover.row])
    books = _Books(
        cover.starts,
        cover.site,
        cover.weight,
        cover.at,
        cover.row,
        most,
        slots,
        np.zeros(cover.sites, dtype=np.bool_),
        np.zeros(cover.rows, dtype=np.int64),
        np.zeros(len(slots), dtype=np.int64),
        slots.copy(),
        np.full(2, cover.uncovered(slots) - cover.spent, dtype=np.int64),
        np.random.default_rng(seed).integers(0, 1 << 63, 1, dtype=np.uint64),
    )
    _begin(books)
    return books


def annealed(
    cover: Cover,
    opened: Ints,
    *,
    moves: int,
    hot: float,
    seed: int = 1,
    late: Callable[[], bool] = lambda: False,
) -> tuple[Ints, Ints]:
    """Return the best plan that annealing meets, and the last: positions of sites, sorted.

    Parameters
    ----------
    cover
        What is left to decide.
    opened
        Positions to begin with.
    moves
        Trades that are looked at, about.
    hot
        Worsening that is taken freely at first, as a share of what one open site covers on average.
    seed
        Of the random numbers.
    late
        Whether to stop; asked now and then.
    """
    slots = padded(cover, opened)
    if len(slots) in {0, cover.sites}:
        return np.sort(slots), np.sort(slots)
    books = _books(cover, slots, seed)
    heat = max(hot * (int(cover.weight.sum()) - int(books.left[0])) / len(slots), 1.0)
    stages = -(-moves // STAGE)
    cool = COLD ** (1.0 / max(stages, 1))
    for done in range(0, stages, CHUNK):
        if late():
            break
        _walk(books, min(CHUNK, stages - done), heat * cool**done, cool)
    return np.sort(books.best), np.sort(books.slots)


def united(plans: list[Ints], most: int) -> Ints:
    """Return the sites of several plans, the first plans first, as long as they are at most so many."""
    sites = np.zeros(0, dtype=np.int64)
    for plan in plans:
        more = np.union1d(sites, plan)
        if len(more) <= most:
            sites = more
    return sites

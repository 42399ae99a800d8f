"""Good plans of maximal covering, fast: greedy, then a search that trades one site for another.

What each trade brings is kept up to date from move to move, so that a move costs about the rows of two sites
(Resende, Werneck 2004, who do it for the p-median); the trade that was undone least recently is taken even where
it costs something, so that the search leaves local optima (tabu search, Glover 1989).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.cover import Cover

__all__ = ["greedy", "padded", "searched"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
MULTIPLY, ADD = np.uint64(6364136223846793005), np.uint64(1442695040888963407)


@njit(cache=True, nogil=True)
def _greedy(
    starts: Ints, site: Ints32, weight: Ints, at: Ints, row: Ints32, chosen: Ints
) -> int:  # pragma: no cover - compiled
    """Fill `chosen` with the sites that reach most, one after another; return how many reach anything."""
    sites = len(at) - 1
    gain = np.zeros(sites, dtype=np.int64)
    reached = np.zeros(len(weight), dtype=np.bool_)
    for t in range(sites):
        for u in range(at[t], at[t + 1]):
            gain[t] += weight[row[u]]
    for n in range(len(chosen)):
        best = np.argmax(gain)
        if gain[best] <= 0:
            return n
        chosen[n] = best
        for u in range(at[best], at[best + 1]):
            i = row[u]
            if not reached[i]:
                reached[i] = True
                for t in range(starts[i], starts[i + 1]):
                    gain[site[t]] -= weight[i]
    return len(chosen)


def greedy(cover: Cover, most: int | None = None) -> Ints:
    """Return the positions of sites that reach most people, taken one after another.

    At least 1 − 1/e of what the best plan covers is covered (Nemhauser, Wolsey, Fisher 1978).

    Parameters
    ----------
    cover
        What is left to decide.
    most
        How many sites at most; None: `cover.p`.
    """
    chosen = np.empty(min(cover.p if most is None else most, cover.sites), dtype=np.int64)
    count = _greedy(cover.starts, cover.site, cover.weight, cover.at, cover.row, chosen)
    return chosen[:count]


@njit(cache=True, nogil=True)
def _turn(  # noqa: PLR0913, PLR0917
    j: Any,
    slot: Any,
    sign: int,
    starts: Ints,
    site: Ints32,
    weight: Ints,
    at: Ints,
    row: Ints32,
    count: Ints32,
    owner: Ints32,
    gain: Ints,
    lose: Ints,
    common: Ints,
) -> None:  # pragma: no cover - compiled
    """Open (sign 1) or close (-1) a site in a slot and keep the books: see :func:`_search`."""
    for u in range(at[j], at[j + 1]):
        i = row[u]
        w = sign * weight[i]
        others, alone = count[i] - (sign < 0), owner[i] - (sign < 0) * slot
        if others == 0:
            lose[slot] += w
            for t in range(starts[i], starts[i + 1]):
                gain[site[t]] -= w
                common[slot, site[t]] += w
        elif others == 1:
            lose[alone] -= w
            for t in range(starts[i], starts[i + 1]):
                common[alone, site[t]] -= w
        count[i] += sign
        owner[i] += sign * slot


@njit(cache=True, nogil=True)
def _search(  # noqa: C901, PLR0913, PLR0917
    starts: Ints, site: Ints32, weight: Ints, at: Ints, row: Ints32, slots: Ints, steps: int, patience: int, seed: int
) -> int:  # pragma: no cover - compiled
    """Improve the plan in `slots` (in place); return the people uncovered.

    ``count[i]`` open sites reach row *i*; where it is one, ``owner[i]`` is that site's slot. ``gain[j]`` is what
    opening *j* covers anew, ``lose[s]`` what only slot *s* covers, and ``common[s, j]`` what of that *j* reaches too:
    trading *s* for *j* changes the uncovered by ``lose[s] - gain[j] - common[s, j]``.
    """
    sites, p = len(at) - 1, len(slots)
    count, owner = np.zeros(len(weight), dtype=np.int32), np.zeros(len(weight), dtype=np.int32)
    gain, lose = np.zeros(sites, dtype=np.int64), np.zeros(p, dtype=np.int64)
    common = np.zeros((p, sites), dtype=np.int64)
    until = np.zeros(sites, dtype=np.int64)
    is_open = np.zeros(sites, dtype=np.bool_)
    now: Any = 0
    for i in range(len(weight)):
        now += weight[i]
        for t in range(starts[i], starts[i + 1]):
            gain[site[t]] += weight[i]
    for s in range(p):
        now -= gain[slots[s]]
        is_open[slots[s]] = True
        _turn(slots[s], s, 1, starts, site, weight, at, row, count, owner, gain, lose, common)
    best, kept, improved = now, slots.copy(), 0
    state = np.uint64(seed) * MULTIPLY + ADD
    far: Any = np.int64(1) << 62
    for step in range(1, steps + 1):
        least, out, into = far, -1, -1
        for s in range(p):
            free = until[slots[s]] < step
            for j in range(sites):
                change = lose[s] - gain[j] - common[s, j]
                if change < least and not is_open[j] and ((free and until[j] < step) or now + change < best):
                    least, out, into = change, s, j
        if out < 0:
            continue
        old = slots[out]
        _turn(old, out, -1, starts, site, weight, at, row, count, owner, gain, lose, common)
        _turn(into, out, 1, starts, site, weight, at, row, count, owner, gain, lose, common)
        is_open[old], is_open[into] = False, True
        slots[out] = into
        now += least
        state = state * MULTIPLY + ADD
        dice = np.int64(state >> np.uint64(40))
        until[old] = step + 4 + dice % (4 + p // 2)
        until[into] = step + 1 + (dice >> 8) % (2 + p // 4)
        if now < best:
            best, improved = now, step
            kept[:] = slots
        if step - improved > patience:
            break
    slots[:] = kept
    return best


def searched(cover: Cover, opened: Ints, *, steps: int, patience: int | None = None, seed: int = 1) -> tuple[int, Ints]:
    """Return the people uncovered by the best plan that the search meets, and its sites' positions, sorted.

    Parameters
    ----------
    cover
        What is left to decide.
    opened
        Positions to begin with; padded to `cover.p` with sites that add most, cut where there are more.
    steps, patience
        Trades at most; at most so many in a row without a better plan.
    seed
        For how long a trade may not be undone.
    """
    slots = padded(cover, opened)
    if len(slots) in {0, cover.sites}:
        return cover.uncovered(slots), np.sort(slots)
    uncovered = _search(
        cover.starts, cover.site, cover.weight, cover.at, cover.row, slots, steps, patience or steps, seed
    )
    return cover.spent + int(uncovered), np.sort(slots)


def padded(cover: Cover, opened: Ints) -> Ints:
    """Return just as many sites as may open."""
    p = min(cover.p, cover.sites)
    some = np.asarray(opened, dtype=np.int64)[:p]
    if len(some) == p:
        return some.copy()
    closed = np.zeros(cover.sites, dtype=bool)
    is_open = closed.copy()
    is_open[some] = True
    left = np.flatnonzero(~is_open)
    more = left[greedy(cover.without(closed, is_open), p - len(some))]
    rest = left[~np.isin(left, more)][: p - len(some) - len(more)]
    return np.concatenate([some, more, rest])

"""Demand without loss: rows that agree in all they say are made one, and what can't matter is left out.

Rows of demand are equal where their sites, their costs and their base are. They are found with a table of
hashes in one pass over the entries; a hash only says where to look, and every two rows that become one have
been compared entry by entry. A site whose people are all reached by another site too is dominated: in maximal
covering without side rules some best plan does without it (Church, ReVelle 1974; Balinski 1965 for set covering).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["dominated_sites", "equal_rows", "rows_of", "transposed"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
MIX = np.uint64(0x9E3779B97F4A7C15)
STIR = np.uint64(0xBF58476D1CE4E5B9)
HALF = np.uint64(29)
BITS = 64


@njit(cache=True, nogil=True)
def _counted(
    site: Ints32, demand: Ints32, cost: Ints32, usable: Bools, floor: Ints, starts: Ints
) -> None:  # pragma: no cover - compiled
    """Count each row's entries below its floor into `starts`, shifted by one, and sum them up."""
    for t in range(len(site)):
        i = demand[t]
        if usable[site[t]] and cost[t] < floor[i]:
            starts[i + 1] += 1
    for i in range(len(starts) - 1):
        starts[i + 1] += starts[i]


@njit(cache=True, nogil=True)
def _filled(
    site: Ints32, demand: Ints32, cost: Ints32, usable: Bools, floor: Ints, starts: Ints, key: Ints
) -> None:  # pragma: no cover - compiled
    """Write each row's entries as cost and site in one number, and sort those that are not in order."""
    rows = len(starts) - 1
    after = starts[:rows].copy()
    for t in range(len(site)):
        i = demand[t]
        if usable[site[t]] and cost[t] < floor[i]:
            key[after[i]] = (np.int64(cost[t]) << 32) | np.int64(site[t])
            after[i] += 1
    for i in range(rows):
        for t in range(starts[i] + 1, starts[i + 1]):
            if key[t] < key[t - 1]:
                key[starts[i] : starts[i + 1]].sort()
                break


@njit(cache=True, nogil=True)
def _placed(
    site: Ints32, demand: Ints32, usable: Bools, floor: Ints, price: int, starts: Ints, out: Ints32
) -> None:  # pragma: no cover - compiled
    """Write each row's sites, all at one price, and sort those that are not in order."""
    rows = len(starts) - 1
    after = starts[:rows].copy()
    for t in range(len(site)):
        i = demand[t]
        if usable[site[t]] and price < floor[i]:
            out[after[i]] = site[t]
            after[i] += 1
    for i in range(rows):
        for t in range(starts[i] + 1, starts[i + 1]):
            if out[t] < out[t - 1]:
                out[starts[i] : starts[i + 1]].sort()
                break


@njit(cache=True, nogil=True)
def _split(key: Ints, site: Ints32, cost: Ints32) -> None:  # pragma: no cover - compiled
    """Take numbers of cost and site apart."""
    for t in range(len(key)):
        cost[t] = key[t] >> 32
        site[t] = key[t] & 0xFFFFFFFF


def rows_of(site: Ints32, demand: Ints32, cost: Ints32, *, usable: Bools, floor: Ints) -> tuple[Ints, Ints32, Ints32]:
    """Return pairs as rows of demand, each with its sites from cheap to dear.

    Parameters
    ----------
    site, demand, cost
        The pairs, costs from 0 up; int32, in any order (sorted by site is fastest).
    usable
        Which sites are looked at, bool, shape (sites,).
    floor
        Entries that cost so much or more are left out, int64, shape (rows,).

    Returns
    -------
    starts, site, cost
        Row *i* has the entries ``starts[i]:starts[i + 1]``, sorted by cost, then site.

    Examples
    --------
    >>> pairs = np.array([[0, 1, 1], [1, 0, 1], [5, 3, 5]], dtype=np.int32)
    >>> starts, site, cost = rows_of(*pairs, usable=np.ones(2, dtype=bool), floor=np.array([9, 9]))
    >>> starts.tolist(), site.tolist(), cost.tolist()
    ([0, 1, 3], [1, 0, 1], [3, 5, 5])
    """
    site, demand, cost = (np.ascontiguousarray(a, dtype=np.int32) for a in (site, demand, cost))
    starts = np.zeros(len(floor) + 1, dtype=np.int64)
    _counted(site, demand, cost, usable, floor, starts)
    if len(cost) and cost.min() == cost.max():
        only = np.empty(starts[-1], dtype=np.int32)
        _placed(site, demand, usable, floor, int(cost[0]), starts, only)
        return starts, only, np.full(len(only), cost[0], dtype=np.int32)
    key = np.empty(starts[-1], dtype=np.int64)
    _filled(site, demand, cost, usable, floor, starts, key)
    ordered, dear = np.empty(len(key), dtype=np.int32), np.empty(len(key), dtype=np.int32)
    _split(key, ordered, dear)
    return starts, ordered, dear


@njit(cache=True, nogil=True)
def _hashed(begin: int, end: int, site: Ints32, cost: Ints32, base: int) -> np.uint64:  # pragma: no cover - compiled
    """Return a hash of one row."""
    h = (np.uint64(base) + MIX) * STIR
    for t in range(begin, end):
        h = (h ^ ((np.uint64(cost[t]) << np.uint64(32)) | np.uint64(site[t]))) * MIX
        h ^= h >> HALF
    h *= STIR
    return h ^ (h >> HALF)


@njit(cache=True, nogil=True)
def _same(a: int, b: int, length: int, site: Ints32, cost: Ints32) -> bool:  # pragma: no cover - compiled
    """Whether two rows of one length have equal entries."""
    for t in range(length):  # noqa: SIM110 - compiled
        if site[a + t] != site[b + t] or cost[a + t] != cost[b + t]:
            return False
    return True


@njit(cache=True, nogil=True)
def _classes(
    starts: Ints, site: Ints32, cost: Ints32, base: Ints, kept: np.uint64, table: Ints32, first: Ints, which: Ints
) -> int:  # pragma: no cover - compiled
    """Fill `first` and `which` by open addressing; `kept` masks the hash. Return how many classes there are."""
    count = 0
    size = np.uint64(len(table))
    hashes = np.empty(len(which), dtype=np.uint64)
    for i in range(len(which)):
        begin, end = starts[i], starts[i + 1]
        h = _hashed(begin, end, site, cost, base[i]) & kept
        slot = h % size
        while True:
            c = table[slot]
            if c < 0:
                table[slot] = count
                hashes[count] = h
                first[count] = i
                which[i] = count
                count += 1
                break
            o = first[c]
            alike = hashes[c] == h and base[o] == base[i] and starts[o + 1] - starts[o] == end - begin
            if alike and _same(starts[o], begin, end - begin, site, cost):
                which[i] = c
                break
            slot = (slot + np.uint64(1)) % size
    return count


def equal_rows(starts: Ints, site: Ints32, cost: Ints32, base: Ints, *, bits: int = BITS) -> tuple[Ints, Ints]:
    """Return which rows are equal.

    Parameters
    ----------
    starts, site, cost
        Rows, as of :func:`rows_of`.
    base
        What else must be equal, from 0 up, int64, shape (rows,).
    bits
        Bits of the hash that are used; few make it collide, which costs time and nothing else.

    Returns
    -------
    first, which
        Position of the first row of each class, ascending; class of each row. int64.

    Examples
    --------
    >>> starts, site = np.array([0, 1, 3, 4]), np.array([4, 4, 5, 4], dtype=np.int32)
    >>> first, which = equal_rows(starts, site, np.zeros(4, dtype=np.int32), np.ones(3, dtype=np.int64))
    >>> first.tolist(), which.tolist()
    ([0, 1], [0, 1, 0])
    """
    rows = len(starts) - 1
    table = np.full(1 << max(rows * 2 - 1, 1).bit_length(), -1, dtype=np.int32)
    first, which = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
    kept = np.uint64((1 << bits) - 1)
    count = _classes(starts, site, cost, base, kept, table, first, which)
    return first[:count].copy(), which


@njit(cache=True, nogil=True)
def _transposed(starts: Ints, site: Ints32, at: Ints, row: Ints32) -> None:  # pragma: no cover - compiled
    """Fill `at` and `row`."""
    for t in range(len(site)):
        at[site[t] + 1] += 1
    for j in range(len(at) - 1):
        at[j + 1] += at[j]
    after = at[:-1].copy()
    for i in range(len(starts) - 1):
        for t in range(starts[i], starts[i + 1]):
            row[after[site[t]]] = i
            after[site[t]] += 1


def transposed(starts: Ints, site: Ints32, sites: int) -> tuple[Ints, Ints32]:
    """Return each site's rows, ascending: site *j* has ``row[at[j]:at[j + 1]]``."""
    at, row = np.zeros(sites + 1, dtype=np.int64), np.empty(len(site), dtype=np.int32)
    _transposed(starts, site, at, row)
    return at, row


@njit(cache=True, nogil=True)
def _dominated(starts: Ints, site: Ints32, at: Ints, row: Ints32, out: Bools) -> None:  # pragma: no cover - compiled
    """Mark sites whose rows all belong to another site too."""
    sites = len(out)
    stamp = np.full(sites, -1, dtype=np.int64)
    rival = np.empty(sites, dtype=np.int64)
    for a in range(sites):
        size = at[a + 1] - at[a]
        if size == 0:
            out[a] = True
            continue
        count = 0
        first = row[at[a]]
        for t in range(starts[first], starts[first + 1]):
            b = site[t]
            wide = at[b + 1] - at[b]
            if wide > size or (wide == size and b < a):
                rival[count] = b
                count += 1
        for u in range(at[a] + 1, at[a + 1]):
            if count == 0:
                break
            i = row[u]
            for t in range(starts[i], starts[i + 1]):
                stamp[site[t]] = u
            kept = 0
            for k in range(count):
                if stamp[rival[k]] == u:
                    rival[kept] = rival[k]
                    kept += 1
            count = kept
        out[a] = count > 0


def dominated_sites(starts: Ints, site: Ints32, at: Ints, row: Ints32) -> Bools:
    """Return which sites reach nothing that some other site does not reach too.

    Of sites that reach the same the first stays. If a best plan opens a dominated site, opening in its stead
    the one above it (or, where that is open already, any other) is as good: the rest holds a best plan, provided
    that a plan may open fewer sites.

    Examples
    --------
    >>> starts, site = np.array([0, 2, 3]), np.array([0, 1, 1], dtype=np.int32)
    >>> dominated_sites(starts, site, *transposed(starts, site, 3)).tolist()
    [True, False, True]
    """
    out = np.zeros(len(at) - 1, dtype=bool)
    _dominated(starts, site, at, row, out)
    return out

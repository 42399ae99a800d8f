r"""The linear program of maximal covering with odd sets, without a solver: its saddle point.

With rows *i* and triples *T* (:mod:`~careshed.siting.fast.coverodd`) the program is

.. math:: \min_{x, u} \max_{λ, μ ≥ 0} Σ_i w_i u_i + Σ_i λ_i (1 - u_i - Σ_{j∈N_i} x_j)
    + Σ_T μ_T (2 - Σ_{i∈T} u_i - Σ_j ⌈a_{jT} / 2⌉ x_j), \quad Σ_j x_j = p, \; 0 ≤ x, u ≤ 1.

Primal-dual steps lead there (Chambolle, Pock 2011, with their diagonal step lengths), drawn towards the point where
they began and begun anew from time to time (restarted Halpern iterations with reflection: Lu, Yang 2024). A step costs
no more than a look at the pairs of rows and sites, whatever the number of triples that share a row, and steps go on
from where the last ones ended when triples are added or sites left out.

Any prices prove a bound. The best ones of the way are rounded to whole multiples of a power of two, so it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from careshed.siting.fast.collapse import equal_rows
from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coverodd import Triples, broken_triples

__all__ = ["Point", "Saddle", "ascended", "carried", "first_point", "set_aside", "widened"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
LOOK = 25
"""The bound is computed each so many steps."""
STILL = 12
"""Looks without much progress after which to stop."""
LITTLE = 0.004
"""Progress, as a share of the distance to the target, that is not much."""
PACE = 5.0
"""Length of the primal steps at first, in the dual ones', where rows weigh 1 on average."""
EXACT = 1 << 58


class _System(NamedTuple):
    """Rows, then triples: the sites of each, one twice where it counts twice, the rows of each, and the right side."""

    starts: Ints
    site: Ints32
    row_starts: Ints
    row: Ints
    least: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Where steps begin and end.

    Attributes
    ----------
    x
        Shares of the sites that are open.
    u
        Shares of the rows that are not reached.
    price
        Prices of the rows, then of the triples, in people.
    three
        The triples, int64, shape (n, 3).
    """

    x: Floats
    u: Floats
    price: Floats
    three: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Saddle:
    """What steps prove.

    Attributes
    ----------
    bound
        No plan leaves fewer people uncovered.
    reduced
        By how much the bound rises where a site that is closed in its solution is opened (above 0), or one that is
        open is closed (below 0).
    point
        Where the last step ended.
    """

    bound: float
    reduced: Floats
    point: Point


def first_point(cover: Cover) -> Point:
    """Return a point to begin with: all sites equally open."""
    x = np.full(cover.sites, cover.p / max(cover.sites, 1))
    return Point(x, np.zeros(cover.rows), np.zeros(cover.rows), np.zeros((0, 3), dtype=np.int64))


def widened(cover: Cover, point: Point) -> Point | None:
    """Return the point with the triples that it breaks, without those that have no price; None where there are none."""
    found = broken_triples(cover, point.x)
    price = point.price[cover.rows :]
    three = np.concatenate([point.three[price > 0.0], found])
    first = np.sort(np.unique(three, axis=0, return_index=True)[1])
    if not (first >= (price > 0.0).sum()).any():
        return None
    price = np.concatenate([price[price > 0.0], np.zeros(len(found))])[first]
    return Point(point.x, point.u, np.concatenate([point.price[: cover.rows], price]), three[first])


def set_aside(cover: Cover, point: Point) -> Triples:
    """Return the triples with their prices in whole people, no person in two."""
    price = point.price[cover.rows :]
    used = np.zeros(cover.rows)
    for k in range(3):
        np.add.at(used, point.three[:, k], price)
    share = np.minimum(cover.weight / np.maximum(used, 1e-9), 1.0)
    people = np.floor(price * share[point.three].min(axis=1, initial=1.0) * (1.0 - 1e-9)).astype(np.int64)
    return Triples(point.three[people > 0], people[people > 0])


def carried(old: Cover, new: Cover, point: Point) -> Point:
    """Return the point in what is left of a cover."""
    position = np.full(int(old.names.max(initial=0)) + 1, -1, dtype=np.int64)
    position[new.names] = np.arange(new.sites)
    here = position[old.names]
    opened = np.isin(old.names, new.opened)
    owner = np.repeat(np.arange(old.rows), np.diff(old.starts))
    met = np.bincount(owner, weights=opened[old.site], minlength=old.rows) > 0
    keep = (here[old.site] >= 0) & ~met[owner]
    length = np.concatenate([np.bincount(owner[keep], minlength=old.rows), np.diff(new.starts)])
    site = np.concatenate([here[old.site[keep]].astype(np.int32), new.site])
    starts = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    which = equal_rows(starts, site, np.zeros_like(site), np.ones(len(length), dtype=np.int64))[1]
    name = np.full(int(which.max(initial=-1)) + 1, -1, dtype=np.int64)
    name[which[old.rows :]] = np.arange(new.rows)
    row = np.where(length[: old.rows] > 0, name[which[: old.rows]], -1)
    price, u = np.zeros(new.rows), np.zeros(new.rows)
    np.add.at(price, row[row >= 0], point.price[: old.rows][row >= 0])
    u[row[row >= 0]] = point.u[row >= 0]
    three = np.sort(row[point.three], axis=1)
    good = (three[:, 0] >= 0) & (np.diff(three, axis=1) > 0).all(axis=1)
    three, which = np.unique(three[good], axis=0, return_inverse=True)
    more = np.bincount(which.ravel(), weights=point.price[old.rows :][good], minlength=len(three))
    x = np.zeros(new.sites)
    x[here[here >= 0]] = point.x[here >= 0]
    return Point(x, u, np.concatenate([price, more]), three)


@njit(cache=True, nogil=True)
def _listed(three: Ints, starts: Ints, site: Ints32, times: Ints32, end: Ints, out: Ints32) -> int:  # pragma: no cover
    """Write the sites of each triple's inequality one after another; return how many."""
    size = 0
    for n in range(len(three)):
        for i in three[n]:
            for t in range(starts[i], starts[i + 1]):
                j = site[t]
                times[j] += 1
                if times[j] != 2:
                    out[size] = j
                    size += 1
        for i in three[n]:
            for t in range(starts[i], starts[i + 1]):
                times[site[t]] = 0
        end[n] = size
    return size


def _system(cover: Cover, three: Ints) -> _System:
    """Return the rows and the triples as one system."""
    length = np.diff(cover.starts)
    out = np.empty(int(length[three].sum()), dtype=np.int32)
    end = np.zeros(len(three), dtype=np.int64)
    size = _listed(three, cover.starts, cover.site, np.zeros(cover.sites, dtype=np.int32), end, out)
    starts = np.concatenate([cover.starts, cover.starts[-1] + end]).astype(np.int64)
    site = np.concatenate([cover.site, out[:size]])
    many = np.arange(cover.rows + 1)
    row_starts = np.concatenate([many, cover.rows + 3 * np.arange(1, len(three) + 1)]).astype(np.int64)
    row = np.concatenate([many[:-1], three.ravel()]).astype(np.int64)
    least = np.concatenate([np.ones(cover.rows, dtype=np.int64), np.full(len(three), 2)]).astype(np.int64)
    return _System(starts, site, row_starts, row, least)


@njit(cache=True, nogil=True)
def _onto(v: Floats, scale: Floats, p: int, x: Floats, level: float) -> float:  # pragma: no cover - compiled
    """Fill `x` with the nearest shares that sum up to `p`; `scale` is the square of what a unit of each counts."""
    low, high = -1e300, 1e300
    for _ in range(80):
        total, slope = 0.0, 0.0
        for j in range(len(v)):
            y = v[j] - scale[j] * level
            if y >= 1.0:
                total += 1.0
            elif y > 0.0:
                total += y
                slope += scale[j]
        if abs(total - p) < 1e-10 * p:
            break
        if total > p:
            low = level
        else:
            high = level
        following = level + (total - p) / slope if slope > 0.0 else level
        if not low < following < high:
            if low > -1e299 and high < 1e299:
                following = 0.5 * (low + high)
            else:
                following = level + (1.0 + abs(level) if total > p else -1.0 - abs(level))
        level = following
    for j in range(len(v)):
        x[j] = min(max(v[j] - scale[j] * level, 0.0), 1.0)
    return level


@njit(cache=True, nogil=True)
def _worth(at: _System, price: Floats, worth: Floats) -> None:  # pragma: no cover - compiled
    """Fill `worth` with the prices that each site earns."""
    worth[:] = 0.0
    for k in range(len(price)):
        if price[k] != 0.0:
            for t in range(at.starts[k], at.starts[k + 1]):
                worth[at.site[t]] += price[k]


@njit(cache=True, nogil=True)
def _value(at: _System, weight: Floats, p: int, price: Floats, worth: Floats) -> float:  # pragma: no cover - compiled
    """Cut prices of rows to what is left of their weight, fill `worth` and return the bound."""
    left = weight.copy()
    total = 0.0
    for k in range(len(weight), len(price)):
        total += at.least[k] * price[k]
        for t in range(at.row_starts[k], at.row_starts[k + 1]):
            left[at.row[t]] -= price[k]
    for i in range(len(weight)):
        price[i] = min(price[i], max(left[i], 0.0))
        total += price[i] + min(left[i], 0.0)
    _worth(at, price, worth)
    return total - np.sort(worth)[len(worth) - p :].sum()


@njit(cache=True, nogil=True)
def _scales(at: _System, weight: Floats, sites: int) -> tuple[Floats, Floats, Floats]:  # pragma: no cover - compiled
    """Return the squared step lengths of sites, rows and prices; heavy rows' prices have farther to go."""
    x, u, dual = np.zeros(sites), np.zeros(len(weight)), np.zeros(len(at.least))
    for k in range(len(at.least)):
        light = 1e300
        for t in range(at.row_starts[k], at.row_starts[k + 1]):
            light = min(light, weight[at.row[t]])
        size = np.sqrt(light)
        for t in range(at.row_starts[k], at.row_starts[k + 1]):
            u[at.row[t]] += size
        for t in range(at.starts[k], at.starts[k + 1]):
            x[at.site[t]] += size
        dual[k] = size / (at.starts[k + 1] - at.starts[k] + at.row_starts[k + 1] - at.row_starts[k])
    return 1.0 / np.maximum(x, 1e-9), 1.0 / np.maximum(u, 1e-9), dual


@njit(cache=True, nogil=True)
def _step(  # noqa: PLR0913, PLR0917
    at: _System,
    weight: Floats,
    p: int,
    scales: tuple[Floats, Floats, Floats],
    pace: float,
    level: float,
    here: tuple[Floats, Floats, Floats],
    there: tuple[Floats, Floats, Floats],
    worth: Floats,
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Fill `there` with the point after one step from `here`; return how far it is, and the level of the shares."""
    x, u, price = here
    to_x, to_u, to_price = there
    _worth(at, price, worth)
    slope = weight.copy()
    for k in range(len(price)):
        for t in range(at.row_starts[k], at.row_starts[k + 1]):
            slope[at.row[t]] -= price[k]
    level = _onto(x + scales[0] / pace * worth, scales[0] / pace, p, to_x, level)
    far = 0.0
    for i in range(len(u)):
        to_u[i] = min(max(u[i] - scales[1][i] / pace * slope[i], 0.0), 1.0)
        far += pace * (to_u[i] - u[i]) ** 2 / scales[1][i]
    far += pace * ((to_x - x) ** 2 / scales[0]).sum()
    beyond_x, beyond_u = 2.0 * to_x - x, 2.0 * to_u - u
    for k in range(len(price)):
        short = np.float64(at.least[k])
        for t in range(at.row_starts[k], at.row_starts[k + 1]):
            short -= beyond_u[at.row[t]]
        for t in range(at.starts[k], at.starts[k + 1]):
            short -= beyond_x[at.site[t]]
        to_price[k] = max(price[k] + pace * scales[2][k] * short, 0.0)
        far += (to_price[k] - price[k]) ** 2 / scales[2][k] / pace
    return np.sqrt(far), level


@njit(cache=True, nogil=True)
def _walk(  # noqa: C901
    at: _System,
    weight: Floats,
    p: int,
    here: tuple[Floats, Floats, Floats],
    pace: float,
    steps: int,
    target: float,
    best: Floats,
) -> None:  # pragma: no cover - compiled
    """Go `steps` steps at most (in place); leave the prices of the best bound in `best`."""
    scales = _scales(at, weight, len(here[0]))
    there = (here[0].copy(), here[1].copy(), here[2].copy())
    start = (here[0].copy(), here[1].copy(), here[2].copy())
    worth = np.zeros(len(here[0]))
    top, level, first, before = -1e300, 0.0, 0.0, 0.0
    mark, marked, drawn = -1e300, 0, 0
    for step in range(1, steps + 1):
        far, level = _step(at, weight, p, scales, pace, level, here, there, worth)
        if step % LOOK == 0 or step == steps:
            price = there[2].copy()
            bound = _value(at, weight, p, price, worth)
            if bound > top:
                top = bound
                best[:] = price
            if top - mark > LITTLE * (target - top):
                mark, marked = top, step
            if top > target or step - marked >= STILL * LOOK:
                break
        if drawn == 0:
            first = far
        again = drawn > 0 and (far <= 0.2 * first or (far <= 0.8 * first and far > before) or drawn >= 20 + 0.36 * step)
        before = far
        if again:
            moved_x = ((there[0] - start[0]) ** 2 / scales[0]).sum() + ((there[1] - start[1]) ** 2 / scales[1]).sum()
            moved_price = ((there[2] - start[2]) ** 2 / scales[2]).sum()
            if moved_x > 1e-20 and moved_price > 1e-20:
                pace = np.sqrt(pace * np.sqrt(moved_price / moved_x))
            for k in range(3):
                here[k][:] = there[k]
                start[k][:] = there[k]
            drawn = 0
            continue
        share = (drawn + 1.0) / (drawn + 2.0)
        for k in range(3):
            here[k][:] = share * (2.0 * there[k] - here[k]) + (1.0 - share) * start[k]
        drawn += 1
    for k in range(3):
        here[k][:] = there[k]


@njit(cache=True, nogil=True)
def _whole(at: _System, weight: Ints, p: int, price: Ints, worth: Ints) -> int:  # pragma: no cover - compiled
    """Do as :func:`_value` does, in whole numbers."""
    left = weight.copy()
    total = 0
    for k in range(len(weight), len(price)):
        total += at.least[k] * price[k]
        for t in range(at.row_starts[k], at.row_starts[k + 1]):
            left[at.row[t]] -= price[k]
    for i in range(len(weight)):
        price[i] = min(price[i], max(left[i], 0))
        total += price[i] + min(left[i], 0)
    for k in range(len(price)):
        for t in range(at.starts[k], at.starts[k + 1]):
            worth[at.site[t]] += price[k]
    return total - np.sort(worth)[len(worth) - p :].sum()


def ascended(cover: Cover, target: float, point: Point, *, steps: int) -> Saddle:
    """Return what the steps from a point prove.

    Parameters
    ----------
    cover
        What is left to decide; at least one row, at least one site to open, and fewer than there are.
    target
        People uncovered by a known plan; steps end where the bound exceeds it.
    point
        Where to begin.
    steps
        Steps at most.
    """
    at = _system(cover, point.three)
    unit = float(cover.weight.mean())
    here = (point.x.copy(), point.u.copy(), point.price / unit)
    best = here[2].copy()
    _walk(at, cover.weight / unit, cover.p, here, PACE, steps, (target - cover.spent) / unit, best)
    best *= unit
    fine = 1 << max((EXACT // (4 * cover.p * int(cover.weight.sum()))).bit_length() - 1, 0)
    price, worth = np.floor(best * fine).astype(np.int64), np.zeros(cover.sites, dtype=np.int64)
    bound = _whole(at, cover.weight * fine, cover.p, price, worth)
    order = np.argsort(-worth, kind="stable")
    last, following = int(worth[order[cover.p - 1]]), int(worth[order[cover.p]])
    reduced = last - worth
    reduced[order[: cover.p]] = following - worth[order[: cover.p]]
    end = Point(here[0], here[1], here[2] * unit, point.three)
    return Saddle(int(bound) / fine + cover.spent, reduced / fine, end)

"""Side rules as rows: each rule of :mod:`careshed.siting.sides` is one function."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.rows.columns import INF, Columns, Row, merged_row, plain_row
from careshed.siting.sides import Among, Apart, Budget, Company, WorstTime

__all__ = ["among", "apart", "budget", "company", "money", "sites_within", "worst_rows", "worst_time"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
HAIR = 1e-6
MOST_COMPARED = 20_000_000_000
"""Bits compared at most in the search for the least sets of sites; beyond, all rows are given to the solver."""
Kind = TypeVar("Kind")


def among(columns: Columns) -> Iterator[Row]:
    """At least, or at most, so many of some sites."""
    tiers = {t.name: t for t in columns.problem.tiers}
    for side in _of(columns, Among):
        phase = columns.phases if side.phase is None else side.phase
        sites = columns.problem.site_positions(side.site_ids)
        if side.tier:
            index, value = _of_tier(columns, tiers[side.tier], sites, phase - 1)
        else:
            index, value = columns.open(phase - 1, sites), np.ones(len(sites))
        most = INF if side.at_most is None else float(side.at_most)
        yield Row("among", str(side.name), index, value, float(side.at_least), most)


def _of_tier(columns: Columns, tier: Tier, sites: Ints, phase: int) -> tuple[Ints, Floats]:
    """Return index and value of terms that count which of some sites are open in a phase and of a tier.

    Leaders are open from the first phase on; sites outside keep the tier that they came with.
    """
    problem = columns.problem
    inside = sites[problem.inside[sites]]
    outside = [j for j in sites.tolist() if not problem.inside[j] and problem.tiers_of[j] == tier.name]
    names = [t.name for t in problem.leading]
    own = columns.open(phase, np.array(outside, dtype=np.int64))
    if tier.name in names:
        index = np.concatenate([own, columns.leads(names.index(tier.name), inside)])
        return index, np.ones(len(index))
    opened = np.concatenate([own, columns.open(phase, inside)])
    led = [columns.leads(n, inside) for n in range(columns.leading)]
    value = np.concatenate([np.ones(len(opened)), -np.ones(len(inside) * columns.leading)])
    return np.concatenate([opened, *led]), value


def apart(columns: Columns) -> Iterator[Row]:
    """Of two sites too near each other at most one is open."""
    always = columns.problem.existing
    for side in _of(columns, Apart):
        for pair in side.too_near:
            sites = columns.problem.site_positions(pair)
            if len(sites) == 2 and not always[sites].all():
                yield plain_row("apart", str(side.name), [(columns.open(columns.phases - 1, sites), 1.0)], -INF, 1.0)


def company(columns: Columns) -> Iterator[Row]:
    """Each open site has another open one near: ``open[j] ≤ Σ open[near j]``."""
    last = columns.phases - 1
    for side in _of(columns, Company):
        for site_id, near in side.near.items():
            for site in columns.problem.site_positions([site_id]):
                others = columns.open(last, np.setdiff1d(columns.problem.site_positions(near), [site]))
                own = columns.open(last, int(site))
                yield merged_row("company", str(side.name), [(own, np.ones(1)), (others, -np.ones(len(others)))])


def budget(columns: Columns) -> Iterator[Row]:
    """Pay for opening and closing at most a sum; closing a site costs what keeping it open saves.

    The row is a hair too wide, so that no tolerance of the solver forbids a plan that costs just the sum; one
    that costs a unit more is caught by :class:`careshed.siting.rows.purses.Purse`.
    """
    last = columns.phases - 1
    for side in _of(columns, Budget):
        costs, fixed = money(columns.problem, side)
        sites = np.flatnonzero(costs)
        step = int(np.gcd.reduce(costs[sites])) if len(sites) else 1
        room = float((side.at_most - fixed) // step)
        # in units of the sum: the solver's tolerances are absolute
        unit = max(abs(room), float(np.abs(costs // step).max(initial=0)), 1.0)
        yield Row("budget", "", columns.open(last, sites), costs[sites] // step / unit, -INF, room / unit + HAIR)


def money(problem: SitingProblem, side: Budget) -> tuple[Ints, int]:
    """Return each site's cost of being open (less its cost of closing), and the cost with all sites closed."""
    costs = np.zeros(len(problem.site_ids), dtype=np.int64)
    fixed = 0
    closable = np.array(problem.statuses, dtype=object) == "closable"
    for table, sign in ((side.opening, 1), (side.closing, -1)):
        for site_id, cost in table.items():
            for site in problem.site_positions([site_id]):
                if sign > 0 or closable[site]:
                    costs[site] += sign * int(cost)
                    fixed += int(cost) if sign < 0 else 0
    return costs, fixed


def worst_time(columns: Columns) -> Iterator[Row]:
    """Everybody meant has an open site within the time."""
    for side in _of(columns, WorstTime):
        yield from worst_rows(columns, side)


def worst_rows(columns: Columns, side: WorstTime) -> Iterator[Row]:
    """Yield a row for each least set of sites of which one must be open: others hold with these."""
    starts, site = sites_within(columns.problem, side.ms, columns.problem.demand_positions(side.demand_ids))
    seen = {site[a:b].tobytes(): site[a:b] for a, b in itertools.pairwise(starts.tolist())}
    for sites in _least_sets(list(seen.values()), columns.sites):
        index = columns.open(columns.phases - 1, sites)
        yield plain_row("worst time", f"{side.ms}", [(index, 1.0)], 1.0, INF)


def _least_sets(sets: list[Ints], sites: int) -> list[Ints]:
    """Return those of some different sets that contain no other."""
    if len(sets) ** 2 * sites > MOST_COMPARED:
        return sets
    sets = sorted(sets, key=len)
    bits = np.zeros((len(sets), (sites + 63) // 64 * 64), dtype=bool)
    for row, own in enumerate(sets):
        bits[row, own] = True
    words = np.packbits(bits, axis=1).view(np.uint64)
    least = np.zeros(0, dtype=np.int64)
    for row, word in enumerate(words):
        if not ((words[least] & ~word) == 0).all(axis=1).any():
            least = np.append(least, row)
    return [sets[row] for row in least]


def sites_within(problem: SitingProblem, ms: int, demand: Ints) -> tuple[Ints, Ints]:
    """Return, for some demand, the sites within a time: starts, shape (demand + 1,), and sites in order."""
    site, row, took = problem.pairs()
    own = np.full(len(problem.weights), -1, dtype=np.int64)
    own[demand] = np.arange(len(demand))
    keep = (took <= ms) & (own[row] >= 0)
    sites, rows = site[keep].astype(np.int64), own[row[keep]]
    order = np.lexsort((sites, rows))
    return np.searchsorted(rows[order], np.arange(len(demand) + 1)).astype(np.int64), sites[order]


def _of(columns: Columns, kind: type[Kind]) -> list[Kind]:
    """Return the problem's rules of one kind."""
    return [side for side in columns.problem.sides if isinstance(side, kind)]

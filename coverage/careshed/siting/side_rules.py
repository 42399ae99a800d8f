"""Side rules as rows: each rule of :mod:`careshed.siting.sides` is one function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from careshed.siting.columns import INF, Columns, Row, merged_row, plain_row
from careshed.siting.problem import SitingProblem
from careshed.siting.sides import Among, Apart, Budget, Company, WorstTime

__all__ = ["among", "apart", "budget", "company", "sites_within", "worst_time"]

Ints = npt.NDArray[np.int64]
Kind = TypeVar("Kind")


def among(columns: Columns) -> Iterator[Row]:
    """At least, or at most, so many of some sites."""
    tiers = {t.name: t for t in columns.problem.tiers}
    for side in _of(columns, Among):
        phase = columns.phases if side.phase is None else side.phase
        sites = columns.problem.site_positions(side.site_ids)
        if side.tier:
            index, value, _ = columns.of_tier(tiers[side.tier], sites)
        else:
            index, value = columns.open(phase - 1, sites), np.ones(len(sites))
        most = INF if side.at_most is None else float(side.at_most)
        yield Row("among", side.name, index, value, float(side.at_least), most)


def apart(columns: Columns) -> Iterator[Row]:
    """Of two sites too near each other at most one is open."""
    always = columns.problem.existing
    for side in _of(columns, Apart):
        for pair in side.too_near:
            sites = columns.problem.site_positions(pair)
            if len(sites) == 2 and not always[sites].all():
                yield plain_row("apart", side.name, [(columns.open(columns.phases - 1, sites), 1.0)], -INF, 1.0)


def company(columns: Columns) -> Iterator[Row]:
    """Each open site has another open one near: ``open[j] ≤ Σ open[near j]``."""
    last = columns.phases - 1
    for side in _of(columns, Company):
        for site_id, near in side.near.items():
            for site in columns.problem.site_positions([site_id]):
                others = columns.open(last, columns.problem.site_positions(near))
                own = columns.open(last, int(site))
                yield merged_row("company", side.name, [(own, np.ones(1)), (others, -np.ones(len(others)))])


def budget(columns: Columns) -> Iterator[Row]:
    """Pay for opening and closing at most a sum; closing a site costs what keeping it open saves."""
    last = columns.phases - 1
    for side in _of(columns, Budget):
        costs, fixed = money(columns.problem, side)
        sites = np.flatnonzero(costs)
        room = float(side.at_most - fixed)
        # in units of the sum: the solver's tolerances are absolute
        unit = max(abs(room), float(np.abs(costs).max(initial=0)), 1.0)
        yield Row("budget", "", columns.open(last, sites), costs[sites] / unit, -INF, room / unit)


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
    """Everybody meant has an open site within the time; equal sets of sites make one row."""
    for side in _of(columns, WorstTime):
        demand = columns.problem.demand_positions(side.demand_ids)
        starts, site = sites_within(columns.problem, side.ms, demand)
        seen: set[bytes] = set()
        for row in range(len(demand)):
            sites = site[starts[row] : starts[row + 1]]
            if sites.tobytes() not in seen:
                seen.add(sites.tobytes())
                index = columns.open(columns.phases - 1, sites)
                yield plain_row("worst time", f"{side.ms}", [(index, 1.0)], 1.0, INF)


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

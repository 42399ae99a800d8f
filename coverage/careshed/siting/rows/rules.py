"""Planning rules as rows of a linear program: each rule is one function that adds rows.

The columns are those of :class:`careshed.siting.rows.columns.Columns`. Spans and coverage floors are kept by rows that
are made where a plan breaks them (:mod:`careshed.siting.rows.leads`, :mod:`careshed.siting.rows.floors`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from careshed.siting.rows.columns import INF, Columns, Row, eligible, lead_lists, merged_row, plain_row
from careshed.siting.rows.side_rules import among, apart, budget, company, worst_time

__all__ = ["RULES", "rule_rows"]

Ints = npt.NDArray[np.int64]


def nested(columns: Columns) -> Iterator[Row]:
    """Stations stay open: ``open[k, j] ≤ open[k + 1, j]``."""
    for phase in range(columns.phases - 1):
        for site in range(columns.sites):
            terms = [(columns.open(phase, site), 1.0), (columns.open(phase + 1, site), -1.0)]
            yield plain_row("nested", "", terms, -INF, 0.0)


def required(columns: Columns) -> Iterator[Row]:
    """Open required sites in the last phase."""
    for site, status in enumerate(columns.problem.statuses):
        if status == "required":
            yield plain_row("required", str(site), [(columns.open(columns.phases - 1, site), 1.0)], 1.0, 1.0)


def counts(columns: Columns) -> Iterator[Row]:
    """Each phase opens its number of sites of the counted tier, and all of the leading tiers."""
    problem = columns.problem
    if problem.free_count:
        return
    inside = np.flatnonzero(problem.inside)
    others = sum(t.count for t in problem.leading)
    for phase, wanted in enumerate(problem.phases):
        total = float(wanted.count + others)
        yield plain_row("count", str(phase), [(columns.open(phase, inside), 1.0)], total, total)


def quotas(columns: Columns) -> Iterator[Row]:
    """Each group has its least number of open sites, of any tier, in the last phase."""
    for group, sites in _group_sites(columns):
        quota = float(columns.problem.quotas[group])
        yield plain_row("quota", group, [(columns.open(columns.phases - 1, sites), 1.0)], quota, INF)


def early_quotas(columns: Columns) -> Iterator[Row]:
    """In earlier phases ``short`` takes up what a group lacks; its sum is bounded by whoever solves."""
    if not columns.problem.early_quotas:
        return
    short = iter(columns.short())
    for phase in range(columns.phases - 1):
        for group, sites in _group_sites(columns):
            terms = [(columns.open(phase, sites), 1.0), (np.array([next(short)]), 1.0)]
            yield plain_row("early quota", group, terms, float(columns.problem.quotas[group]), INF)


def tiers(columns: Columns) -> Iterator[Row]:
    """Each open site is of one tier that it is eligible for; leading tiers have their number."""
    problem = columns.problem
    every = np.arange(columns.sites)
    for n, tier in enumerate(problem.leading):
        yield plain_row("tier", tier.name, [(columns.leads(n, every), 1.0)], float(tier.count), float(tier.count))
    if not problem.leading:
        return
    names = [t.name for t in problem.leading]
    for site in np.flatnonzero(problem.inside):
        terms = [(columns.leads(n, int(site)), 1.0) for n in range(columns.leading)]
        yield plain_row("one tier", "", [*terms, (columns.open(0, int(site)), -1.0)], -INF, 0.0)
        own = problem.tiers_of[site]
        if own in names:
            last = columns.open(columns.phases - 1, int(site))
            yield plain_row(
                "own tier", own, [(columns.leads(names.index(own), int(site)), -1.0), (last, 1.0)], -INF, 0.0
            )


def leads(columns: Columns) -> Iterator[Row]:
    """Each site of a led tier has an open leader within its time."""
    problem = columns.problem
    for tier in problem.tiers:
        if not tier.led_by:
            continue
        led, leader = lead_lists(problem, tier)
        order = np.lexsort((leader, led))
        led, leader = led[order], leader[order]
        for site in np.flatnonzero(eligible(problem, tier)):
            mine = leader[np.searchsorted(led, site) : np.searchsorted(led, site, side="right")]
            index, value, _ = columns.of_tier(tier, np.array([site]))
            parts = [(index, value)]
            for other in problem.tiers:
                if other.name in tier.led_by:
                    index, value, _ = columns.of_tier(other, mine[eligible(problem, other)[mine]])
                    parts.append((index, -value))
            yield merged_row("lead", tier.name, parts)


RULES: tuple[Callable[[Columns], Iterator[Row]], ...] = (
    nested,
    required,
    counts,
    quotas,
    early_quotas,
    tiers,
    leads,
    among,
    apart,
    company,
    budget,
    worst_time,
)
"""All rules, in the order in which their rows are added."""


def rule_rows(columns: Columns) -> list[Row]:
    """Return the rows of all rules."""
    return [row for rule in RULES for row in rule(columns)]


def _group_sites(columns: Columns) -> Iterator[tuple[str, Ints]]:
    """Yield each group with a quota and its sites."""
    groups = np.array(columns.problem.groups, dtype=object)
    for group in columns.problem.quotas:
        yield group, np.flatnonzero(groups == group).astype(np.int64)

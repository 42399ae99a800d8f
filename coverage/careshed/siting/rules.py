"""Planning rules as rows of a linear program: each rule is one function that adds rows.

Columns, for sites *j*, phases *k*, leading tiers *t* and groups *g*:

- ``open[k, j]``: site *j* is open in phase *k* (in any tier);
- ``leads[t, j]``: site *j* is of leading tier *t* (open from the first phase on);
- ``short[k, g]``: stations that group *g* lacks in the earlier phase *k*.

A site of the counted tier is one that is open and leads no tier. Spans are kept by rows that
:mod:`careshed.siting.leads` adds where a plan breaks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem, Tier

__all__ = ["RULES", "Columns", "Row", "eligible", "lead_lists", "merged_row", "rule_rows"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
INF = float("inf")


@dataclass(frozen=True, slots=True)
class Row:
    """``lower ≤ Σ value · column[index] ≤ upper``, and which rule asks for it.

    `rule` is the rule's name and `key` what it is about (a group, a tier, a phase).
    """

    rule: str
    key: str
    index: Ints
    value: Floats
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Where each column of a problem stands.

    Attributes
    ----------
    problem
        The problem.
    phases, sites, leading, groups
        Numbers of phases, of sites, of leading tiers, and of groups with a quota.
    """

    problem: SitingProblem
    phases: int
    sites: int
    leading: int
    groups: int

    @classmethod
    def of(cls, problem: SitingProblem) -> Columns:
        """Lay out the columns of `problem`."""
        return cls(problem, len(problem.phases), len(problem.site_ids), len(problem.leading), len(problem.quotas))

    @property
    def binaries(self) -> int:
        """Number of columns that are 0 or 1; they come first."""
        return (self.phases + self.leading) * self.sites

    @property
    def count(self) -> int:
        """Number of columns."""
        return self.binaries + (self.phases - 1) * self.groups

    def open(self, phase: int, site: int | Ints) -> Ints:
        """Return the column(s) ``open[phase, site]``."""
        return np.asarray(phase * self.sites + np.asarray(site, dtype=np.int64), dtype=np.int64).reshape(-1)

    def leads(self, tier: int, site: int | Ints) -> Ints:
        """Return the column(s) ``leads[tier, site]``."""
        return self.open(self.phases + tier, site)

    def short(self) -> Ints:
        """Return all columns ``short``, by phase, then group."""
        return np.arange(self.binaries, self.count, dtype=np.int64)

    def of_tier(self, tier: Tier, site: Ints) -> tuple[Ints, Floats, Ints]:
        """Return index, value and owner (position in `site`) of terms whose sum says that a site is of `tier`."""
        site = np.asarray(site, dtype=np.int64).reshape(-1)
        names = [t.name for t in self.problem.leading]
        owner = np.arange(len(site))
        if tier.name in names:
            return self.leads(names.index(tier.name), site), np.ones(len(site)), owner
        index = [self.open(self.phases - 1, site)] + [self.leads(t, site) for t in range(self.leading)]
        value = [np.ones(len(site))] + [-np.ones(len(site))] * self.leading
        return np.concatenate(index), np.concatenate(value), np.tile(owner, self.leading + 1)

    def bounds(self) -> tuple[Floats, Floats]:
        """Return the columns' bounds: who is open anyway, and who can't be of a tier."""
        lower, upper = np.zeros(self.count), np.ones(self.count)
        problem = self.problem
        upper[self.short()] = np.tile(np.array(list(problem.quotas.values()), dtype=float), self.phases - 1)
        for phase in range(self.phases):
            lower[self.open(phase, np.flatnonzero(problem.existing))] = 1.0
        for n, tier in enumerate(problem.leading):
            upper[self.leads(n, np.flatnonzero(~eligible(problem, tier)))] = 0.0
        return lower, upper


def eligible(problem: SitingProblem, tier: Tier) -> npt.NDArray[np.bool_]:
    """Return which sites may be of `tier`: inside, and of that tier or of any."""
    return problem.inside & np.array([t in ("", tier.name) for t in problem.tiers_of], dtype=bool)


def lead_lists(problem: SitingProblem, tier: Tier) -> tuple[Ints, Ints]:
    """Return (led, leader) positions of all pairs in which `leader` may lead `led` of `tier`."""
    led, leader, ms = problem.lead_pairs()
    leading = np.zeros(len(problem.site_ids), dtype=bool)
    for other in problem.tiers:
        if other.name in tier.led_by:
            leading |= eligible(problem, other)
    keep = eligible(problem, tier)[led] & leading[leader] & (led != leader)
    if tier.lead_ms is not None:
        keep &= ms <= tier.lead_ms
    return led[keep].astype(np.int64), leader[keep].astype(np.int64)


def _row(rule: str, key: str, terms: list[tuple[Ints, float]], lower: float, upper: float) -> Row:
    """Return a row of terms (columns, their common value)."""
    index = np.concatenate([i for i, _ in terms])
    value = np.concatenate([np.full(len(i), v) for i, v in terms])
    return Row(rule, key, index, value, lower, upper)


def merged_row(rule: str, key: str, parts: list[tuple[Ints, Floats]]) -> Row:
    """Return the row ``Σ value · column[index] ≤ 0``, each column once."""
    unique, where = np.unique(np.concatenate([i for i, _ in parts]), return_inverse=True)
    summed = np.bincount(where, weights=np.concatenate([v for _, v in parts]), minlength=len(unique))
    return Row(rule, key, unique[summed != 0], summed[summed != 0], -INF, 0.0)


def nested(columns: Columns) -> Iterator[Row]:
    """Stations stay open: ``open[k, j] ≤ open[k + 1, j]``."""
    for phase in range(columns.phases - 1):
        for site in range(columns.sites):
            terms = [(columns.open(phase, site), 1.0), (columns.open(phase + 1, site), -1.0)]
            yield _row("nested", "", terms, -INF, 0.0)


def required(columns: Columns) -> Iterator[Row]:
    """Open required sites in the last phase."""
    for site, status in enumerate(columns.problem.statuses):
        if status == "required":
            yield _row("required", str(site), [(columns.open(columns.phases - 1, site), 1.0)], 1.0, 1.0)


def counts(columns: Columns) -> Iterator[Row]:
    """Each phase opens its number of sites of the counted tier, and all of the leading tiers."""
    problem = columns.problem
    inside = np.flatnonzero(problem.inside)
    others = sum(t.count for t in problem.leading)
    for phase, wanted in enumerate(problem.phases):
        total = float(wanted.count + others)
        yield _row("count", str(phase), [(columns.open(phase, inside), 1.0)], total, total)


def quotas(columns: Columns) -> Iterator[Row]:
    """Each group has its least number of open sites, of any tier, in the last phase."""
    for group, sites in _group_sites(columns):
        quota = float(columns.problem.quotas[group])
        yield _row("quota", group, [(columns.open(columns.phases - 1, sites), 1.0)], quota, INF)


def early_quotas(columns: Columns) -> Iterator[Row]:
    """In earlier phases ``short`` takes up what a group lacks; its sum is bounded by whoever solves."""
    if not columns.problem.early_quotas:
        return
    short = iter(columns.short())
    for phase in range(columns.phases - 1):
        for group, sites in _group_sites(columns):
            terms = [(columns.open(phase, sites), 1.0), (np.array([next(short)]), 1.0)]
            yield _row("early quota", group, terms, float(columns.problem.quotas[group]), INF)


def tiers(columns: Columns) -> Iterator[Row]:
    """Each open site is of one tier that it is eligible for; leading tiers have their number."""
    problem = columns.problem
    every = np.arange(columns.sites)
    for n, tier in enumerate(problem.leading):
        yield _row("tier", tier.name, [(columns.leads(n, every), 1.0)], float(tier.count), float(tier.count))
    if not problem.leading:
        return
    names = [t.name for t in problem.leading]
    for site in np.flatnonzero(problem.inside):
        terms = [(columns.leads(n, int(site)), 1.0) for n in range(columns.leading)]
        yield _row("one tier", "", [*terms, (columns.open(0, int(site)), -1.0)], -INF, 0.0)
        own = problem.tiers_of[site]
        if own in names:
            last = columns.open(columns.phases - 1, int(site))
            yield _row("own tier", own, [(columns.leads(names.index(own), int(site)), -1.0), (last, 1.0)], -INF, 0.0)


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

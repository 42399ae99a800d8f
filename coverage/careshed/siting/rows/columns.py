"""The columns that every siting program begins with, and a row over them.

For sites *j*, phases *k*, leading tiers *t* and groups *g*:

- ``open[k, j]``: site *j* is open in phase *k* (in any tier);
- ``leads[t, j]``: site *j* is of leading tier *t* (open from the first phase on);
- ``short[k, g]``: stations that group *g* lacks in the earlier phase *k*.

A site of the counted tier is one that is open and leads no tier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem, Tier

__all__ = ["INF", "Columns", "Row", "eligible", "lead_lists", "merged_row", "plain_row"]

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


def plain_row(rule: str, key: str, terms: list[tuple[Ints, float]], lower: float, upper: float) -> Row:
    """Return a row of terms (columns, their common value)."""
    index = np.concatenate([i for i, _ in terms])
    value = np.concatenate([np.full(len(i), v) for i, v in terms])
    return Row(rule, key, index, value, lower, upper)


def merged_row(rule: str, key: str, parts: list[tuple[Ints, Floats]]) -> Row:
    """Return the row ``Σ value · column[index] ≤ 0``, each column once."""
    unique, where = np.unique(np.concatenate([i for i, _ in parts]), return_inverse=True)
    summed = np.bincount(where, weights=np.concatenate([v for _, v in parts]), minlength=len(unique))
    return Row(rule, key, unique[summed != 0], summed[summed != 0], -INF, 0.0)

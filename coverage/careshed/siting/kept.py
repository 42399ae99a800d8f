"""The fewest sites that keep all cover: what must be kept as rows, and the one program that is solved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from careshed.siting.rows.columns import Row
from careshed.siting.rows.rulebook import add_rows, new_highs
from careshed.siting.solution import Level

__all__ = ["CoverRules", "fewest", "gapped", "people_needed"]

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CoverRules:
    """What keeps cover: rows over the sites' columns, and over a column between 0 and 1 for each covering set.

    Attributes
    ----------
    covers
        Covering sets: sorted positions of sites, each set once.
    groups
        For each community: the fewest people, and people by covering set. None: each covering set keeps a site.
    """

    covers: tuple[tuple[int, ...], ...]
    groups: tuple[tuple[int, dict[int, int]], ...] | None

    def kept_by(self, is_open: Bools) -> bool:
        """Return whether open sites keep all cover."""
        within = [bool(is_open[list(cover)].any()) for cover in self.covers]
        if self.groups is None:
            return all(within)
        return all(sum(people for row, people in own.items() if within[row]) >= need for need, own in self.groups)

    def rows(self, sites: int) -> list[Row]:
        """Return the rows; column ``sites + r`` is covering set *r*'s."""
        rows = []
        for r, cover in enumerate(self.covers):
            index, value = np.array(cover, dtype=np.int64), np.ones(len(cover))
            if self.groups is None:
                rows.append(Row("cover", str(r), index, value, 1.0, np.inf))
            else:
                own = np.append(index, sites + r)
                rows.append(Row("cover", str(r), own, np.append(value, -1.0), 0.0, np.inf))
        for c, (need, people) in enumerate(self.groups or ()):
            index = np.array(list(people), dtype=np.int64) + sites
            # in shares of what is needed: HiGHS's tolerances are absolute
            value = np.array(list(people.values())) / need
            rows.append(Row("community", str(c), index, value, 1.0 - 0.5 / need, np.inf))
        return rows


def people_needed(people: int, share: float) -> int:
    """Return the fewest people who are at least a share of all, as the coverage figures divide."""
    need = math.ceil(share * people)
    while need and (need - 1) / people >= share:
        need -= 1
    while need / people < share:
        need += 1
    return need


def fewest(
    rules: CoverRules, cost: npt.NDArray[np.float64], held: Bools, among: Bools | None, time_limit_s: float | None
) -> tuple[Bools, Level]:
    """Return the sites to keep that cost least, and what is proven: the one place that solves a set cover.

    Parameters
    ----------
    rules
        What keeps cover.
    cost
        Whole, one for each site.
    held
        Sites that must be kept.
    among
        Sites kept by the level above: as many must be kept here. None: any number.
    time_limit_s
        Seconds.
    """
    sites = len(held)
    extra = 0 if rules.groups is None else len(rules.covers)
    unit = max(float(np.abs(cost).max()), 1.0)
    highs = new_highs()
    highs.addVars(sites + extra, np.append(held.astype(float), np.zeros(extra)), np.ones(sites + extra))
    index = np.arange(sites + extra, dtype=np.int32)
    highs.changeColsCost(sites, index[:sites], cost / unit)
    highs.changeColsIntegrality(sites, index[:sites], np.full(sites, highspy.HighsVarType.kInteger))
    add_rows(highs, rules.rows(sites))
    best = np.ones(sites, dtype=bool) if among is None else among
    if among is not None:
        count = float(among.sum())
        add_rows(highs, [Row("kept", "", index[:sites].astype(np.int64), np.ones(sites), count, count)])
    if time_limit_s is not None:
        highs.setOptionValue("time_limit", time_limit_s)
    highs.run()
    if highs.getInfo().primal_solution_status == 2:
        found = np.array(highs.getSolution().col_value)[:sites] > 0.5
        if rules.kept_by(found) and cost[found].sum() <= cost[best].sum():
            best = found
    value = float(cost[best].sum())
    bound = highs.getInfo().mip_dual_bound * unit
    # costs are whole, and HiGHS counts in binary fractions
    least = math.ceil(bound - max(1e-3, 1e-6 * unit)) if math.isfinite(bound) else float(cost[cost < 0].sum())
    return best, gapped(Level("kept", value, float(min(least, value)), 0.0, ""))


def gapped(level: Level) -> Level:
    """Return a level with its gap and status filled in."""
    proven = level.bound >= level.objective
    gap = 0.0 if proven else (level.objective - level.bound) / max(abs(level.objective), 1.0)
    return Level(level.name, level.objective, level.bound, gap, "optimal" if proven else "feasible")

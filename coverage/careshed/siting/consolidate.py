r"""Consolidation: which existing sites can close without anybody losing cover, the most at once, proven.

Sites *j* exist; demand *i* with :math:`w_i` people is within the standard of the sites :math:`N_i`. With
:math:`y_j = 1` where a site is kept, the fewest sites are

.. math::

    \min \; & Σ_j y_j \\
    & Σ_{j ∈ N_i} y_j ≥ 1 && \text{for all } i \text{ with } N_i ≠ ∅ \text{: nobody loses cover}

a minimum set cover over the sites that there are (Toregas, Swain, ReVelle and Bergman 1971). Where only communities
must not lose their cover, with :math:`z_i ≤ Σ_{j ∈ N_i} y_j`, :math:`0 ≤ z_i ≤ 1`, each community *c* that meets the
standard now keeps it, :math:`Σ_{i ∈ c} w_i z_i ≥ n_c`, where :math:`n_c` is the fewest people that do. Among the
largest sets that can close, the one is taken whose sites the fewest people have as their nearest now, so that the
fewest must change.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.siting.kept import CoverRules, fewest, gapped, people_needed
from careshed.siting.pairs import Pairs, aligned
from careshed.siting.solution import Level, SolverReport
from careshed.siting.tables import clean_sites, clean_weights

__all__ = ["LOSE", "Consolidation", "close_most"]

LOSE = ("people", "communities")
"""What may not lose cover."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Consolidation:
    """The most sites that can close, and what that means for people.

    Attributes
    ----------
    status
        ``optimal``, or ``feasible`` (stopped by a time limit, see `gap`).
    sites
        Index ``site_id``: ``name``, ``closed``, ``alone`` (it could close if no other did), ``held`` (it must be
        kept), ``people`` (who have it as their nearest now), ``only`` (people within the standard of no other).
    demand
        Index ``demand_id``: ``weight``, ``community_id``, ``before_id``, ``before_s``, ``after_id``, ``after_s`` (the
        nearest site and the seconds to it now and afterwards; ``''`` and NaN: none within the cutoff of the times).
    levels
        ``kept`` (sites) and ``moved`` (people whose nearest site closes), in order; the less the better.
    report
        How it was found.
    lose
        What may not lose cover, one of `LOSE`.
    standard_s
        The standard.
    """

    status: str
    sites: pd.DataFrame
    demand: pd.DataFrame
    levels: tuple[Level, ...]
    report: SolverReport
    lose: str
    standard_s: float

    @property
    def gap(self) -> float:
        """The largest gap of the levels."""
        return max(level.gap for level in self.levels)

    @property
    def closed(self) -> list[str]:
        """Ids of the sites that close."""
        return [str(site) for site in self.sites.index[self.sites["closed"]]]

    @property
    def further(self) -> pd.DataFrame:
        """The demand that walks further afterwards, with ``more_s`` (NaN: no site within the cutoff any more)."""
        changed = self.demand["before_s"].notna() & (self.demand["after_s"] != self.demand["before_s"])
        table = self.demand[changed & (self.demand["weight"] > 0)].copy()
        table["more_s"] = table["after_s"] - table["before_s"]
        return table

    def by_community(self) -> pd.DataFrame:
        """Return who walks further, by community.

        Returns
        -------
        pandas.DataFrame
            Index ``community_id``, only those where somebody does: ``people`` who do, their mean time ``before_s`` and
            ``after_s``, the longest ``most_s`` afterwards, and ``beyond``: people with no site within the cutoff any
            more, who are in none of the times.
        """
        table = self.further
        there = table[table["after_s"].notna()]
        sums = pd.DataFrame({when: there["weight"] * there[f"{when}_s"] for when in ("before", "after")})
        sums = sums.groupby(there["community_id"]).sum()
        reached = there.groupby("community_id")["weight"].sum()
        people = table.groupby("community_id")["weight"].sum()
        means = sums.div(reached, axis=0).add_suffix("_s").reindex(people.index)
        means.insert(0, "people", people)
        means["most_s"] = there.groupby("community_id")["after_s"].max()
        means["beyond"] = (people - reached.reindex(people.index, fill_value=0)).astype("int64")
        return means


def close_most(  # noqa: PLR0913 - options, each with its name
    sites: pd.DataFrame,
    weights: pd.Series,
    times: Pairs,
    *,
    standard_ms: int,
    keep: Iterable[str] = (),
    communities: pd.Series | None = None,
    community_share: float = 0.5,
    lose: str = "people",
    time_limit_s: float | None = None,
) -> Consolidation:
    """Find the most existing sites that can close without loss of cover.

    Parameters
    ----------
    sites
        The existing sites by id, with ``name`` where there is one.
    weights
        People of each demand point, whole, by id.
    times
        Milliseconds between sites and demand, as far as anybody is to be followed.
    standard_ms
        Covered means at most this.
    keep
        Ids of sites that stay open.
    communities
        Community of each demand point, ``''`` for none; needed where communities must not lose cover.
    community_share
        A community meets the standard where at least this share of its people do.
    lose
        ``people``: nobody who is within the standard now is beyond it afterwards (so no community loses either).
        ``communities``: no community that meets the standard now fails it afterwards; single people may.
    time_limit_s
        Stop after about so many seconds with the best so far and its true gap; None: go on until proven.

    Raises
    ------
    InputError
        If there are no sites, an id is unknown, or `lose` is another word.
    """
    begin = time.monotonic()
    if lose not in LOSE:
        raise InputError(f"lose is {lose!r}; expected one of {', '.join(LOSE)}")
    if not len(sites.index):
        raise InputError("there are no existing sites; there is nothing that could close")
    if communities is None and lose == "communities":
        raise InputError("lose='communities' needs the community of each demand point")
    case = _Case.of(sites, weights, times, standard_ms)
    group = None if communities is None else communities.set_axis(communities.index.astype(str)).reindex(case.demand)
    held = case.held(keep)
    rules = case.people_rules() if group is None or lose == "people" else case.community_rules(group, community_share)
    limit = None if time_limit_s is None else time_limit_s / 2
    people = case.people()
    kept, first = fewest(rules, np.ones(len(held)), held, None, limit)
    kept, second = fewest(rules, -people.astype(np.float64), held, kept, limit)
    everybody = float(people.sum())
    moved = Level("moved", everybody + second.objective, everybody + second.bound, 0.0, second.status)
    levels = (first, gapped(moved))
    return Consolidation(
        status="optimal" if all(level.status == "optimal" for level in levels) else "feasible",
        sites=case.site_table(kept, held, rules, people),
        demand=case.demand_table(kept, group),
        levels=levels,
        report=_report(begin, rules),
        lose=lose,
        standard_s=standard_ms / 1000,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """Sites, people and times in canonical order."""

    sites: pd.Index
    names: pd.Series
    demand: pd.Index
    weights: Ints
    site: Ints
    row: Ints
    ms: Ints
    standard_ms: int

    @classmethod
    def of(cls, sites: pd.DataFrame, weights: pd.Series, times: Pairs, standard_ms: int) -> _Case:
        table = clean_sites(sites[[c for c in ("name",) if c in sites]])
        people = clean_weights(weights)
        nothing = pd.Index([], dtype=object)
        site, row, ms = aligned(times, table.index, nothing, people.index, cutoff_ms=None, what="times")
        return cls(
            sites=table.index,
            names=table["name"],
            demand=people.index,
            weights=people.to_numpy(dtype=np.int64),
            site=site.astype(np.int64),
            row=row.astype(np.int64),
            ms=ms.astype(np.int64),
            standard_ms=standard_ms,
        )

    def held(self, keep: Iterable[str]) -> Bools:
        """Return which sites must be kept."""
        ids = pd.Index([str(one) for one in keep], dtype=object)
        strange = ids[~ids.isin(self.sites)]
        if len(strange):
            raise InputError(f"keep: {strange[0]!r} is none of the {len(self.sites)} existing sites")
        return np.asarray(self.sites.isin(ids))

    def covers(self) -> list[tuple[int, ...]]:
        """Return the sites within the standard of each demand point, sorted."""
        near = self.ms <= self.standard_ms
        order = np.lexsort((self.site[near], self.row[near]))
        row, site = self.row[near][order], self.site[near][order]
        ends = np.cumsum(np.bincount(row, minlength=len(self.demand)))[:-1]
        return [tuple(part.tolist()) for part in np.split(site, ends)]

    def people_rules(self) -> CoverRules:
        """Every point with people that is covered stays covered; points with equal covering sets are one."""
        lived = [cover for cover, people in zip(self.covers(), self.weights, strict=True) if cover and people]
        return CoverRules(tuple(sorted(set(lived))), None)

    def community_rules(self, community: pd.Series, share: float) -> CoverRules:
        """Every community that meets the standard goes on doing so."""
        covers = self.covers()
        known = tuple(sorted({cover for cover in covers if cover}))
        number = {cover: r for r, cover in enumerate(known)}
        total: dict[str, int] = {}
        own: dict[str, dict[int, int]] = {}
        for name, cover, people in zip(community.fillna(""), covers, self.weights.tolist(), strict=True):
            if name and people:
                total[name] = total.get(name, 0) + people
                if cover:
                    sets = own.setdefault(name, {})
                    sets[number[cover]] = sets.get(number[cover], 0) + people
        needs = {name: people_needed(people, share) for name, people in total.items()}
        met = sorted(name for name, sets in own.items() if sum(sets.values()) >= needs[name] > 0)
        return CoverRules(known, tuple((needs[name], own[name]) for name in met))

    def nearest(self, is_open: Bools) -> tuple[Ints, Ints]:
        """Return each point's nearest open site (−1 none; of equally near ones the least id) and the time in ms."""
        own = is_open[self.site]
        site, row, ms = self.site[own], self.row[own], self.ms[own]
        order = np.lexsort((site, ms, row))
        first = order[np.unique(row[order], return_index=True)[1]]
        nearest, least = np.full(len(self.demand), -1), np.full(len(self.demand), -1)
        nearest[row[first]], least[row[first]] = site[first], ms[first]
        return nearest, least

    def people(self) -> Ints:
        """Return the people whose nearest site each is now."""
        nearest, _ = self.nearest(np.ones(len(self.sites), dtype=bool))
        people = np.zeros(len(self.sites) + 1, dtype=np.int64)
        np.add.at(people, nearest, self.weights)
        return people[:-1]

    def site_table(self, kept: Bools, held: Bools, rules: CoverRules, people: Ints) -> pd.DataFrame:
        """Return the table of sites."""
        alone = []
        for j in range(len(self.sites)):
            rest = np.ones(len(self.sites), dtype=bool)
            rest[j] = False
            alone.append(not held[j] and rules.kept_by(rest))
        only = np.zeros(len(self.sites), dtype=np.int64)
        for cover, weight in zip(self.covers(), self.weights.tolist(), strict=True):
            if len(cover) == 1:
                only[cover[0]] += weight
        return pd.DataFrame(
            {
                "name": self.names,
                "closed": ~kept,
                "alone": alone,
                "held": held,
                "people": people,
                "only": only,
            },
            index=self.sites.rename("site_id"),
        )

    def demand_table(self, kept: Bools, community: pd.Series | None) -> pd.DataFrame:
        """Return everybody's nearest site now and afterwards."""
        ids = np.array([*map(str, self.sites), ""], dtype=object)
        table = pd.DataFrame({"weight": self.weights}, index=self.demand.rename("demand_id"))
        table["community_id"] = "" if community is None else community.fillna("").to_numpy()
        for when, is_open in (("before", np.ones(len(kept), dtype=bool)), ("after", kept)):
            nearest, ms = self.nearest(is_open)
            table[f"{when}_id"] = ids[nearest]
            table[f"{when}_s"] = np.where(nearest < 0, np.nan, ms / 1000)
        return table


def _report(begin: float, rules: CoverRules) -> SolverReport:
    settings: dict[str, float | int | str] = {
        "method": "set cover as a mixed-integer program",
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": 0.0,
    }
    rows = len(rules.covers) + len(rules.groups or ())
    return SolverReport("HiGHS", version("highspy"), settings, time.monotonic() - begin, 2, 0, rows, 0)

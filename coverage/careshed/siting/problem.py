"""What is asked of a plan: sites, people, times between them, and rules.

A :class:`SitingProblem` is independent of roads and areas. It is made by
:meth:`SitingProblem.build` from tables that carry their ids, and it puts
everything into one canonical order, so that the order of rows in a file never
decides between two equally good plans.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.siting.pairs import Pairs, aligned
from careshed.siting.sides import Among, Shortfall, Side, named_ids
from careshed.siting.tables import check_groups, clean_sites, clean_weights, removed_sites

__all__ = ["Phase", "SitingProblem", "Tier", "phase_counts"]

CUTOFF_MS = 3_600_000
"""Demand that no open site serves within an hour counts as an hour."""

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Tier:
    """A rank of stations, and who leads it.

    Attributes
    ----------
    name
        The tier's name, as in the sites' column ``tier``.
    count
        How many sites of this tier are open in the end.
    led_by
        Names of the tiers that may lead a site of this one; empty: led by none.
    lead_ms
        Greatest time from a site of this tier to its leader, in milliseconds;
        None: no limit (any leader with a known time).
    span
        At most so many sites, of all tiers, are led by one site of this one; None: no limit.
    """

    name: str
    count: int
    led_by: tuple[str, ...] = ()
    lead_ms: int | None = None
    span: int | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """A date, and how many stations of the counted tier are open by then."""

    by: str
    count: int


def phase_counts(total: int, shares: Iterable[float]) -> list[int]:
    """Return ⌈share × total⌉ for each share, without binary rounding.

    Examples
    --------
    >>> phase_counts(18, [0.7, 1.0]), phase_counts(30, [0.7])
    ([13, 18], [21])
    """
    return [math.ceil(Fraction(str(share)) * total) for share in shares]


@dataclass(frozen=True, slots=True, eq=False)
class SitingProblem:
    r"""Where to open stations, and under which rules.

    Made by :meth:`build`. With sites *j*, demand *i* of weight :math:`w_i` (people), times
    :math:`c_{ij}` (ms, at most the cutoff) and phases *k*, a plan is a nested family of open
    sets :math:`S_1 ⊆ … ⊆ S_K`. Its levels are, in lexicographic order,

    1. most people within the standard, :math:`\max Σ_k Σ_i w_i [\min_{j∈S_k} c_{ij} ≤ standard]`;
    2. least response, :math:`\min Σ_k Σ_i w_i \min(\text{cutoff}, \min_{j∈S_k} c_{ij})`.

    Rules:

    - sites with status ``existing`` are open in every phase, ``required`` ones at the latest in the
      last;
    - sites whose `group` is ``''`` lie outside: the existing and required ones are open in every phase,
      free, and count for people but neither for `stations` nor for quotas nor as leaders; outside
      candidates are never opened;
    - exactly ``phases[k].count`` sites of the counted tier are open in phase *k*, and all sites of the
      other tiers from the first phase on, so that a leader is there before whom it leads;
    - a site with status ``closable`` is there today and may be closed: it is chosen as a candidate is;
    - each group has at least its `quotas` of open sites of any tier in the last phase. In earlier phases
      that may be impossible (13 stations, 15 groups): there the number of missing stations, summed over
      groups and phases, is the least that the other rules allow (`early_quotas`), or quotas are not
      looked at;
    - each site of a led tier has exactly one leader, an open site of a tier in ``led_by`` within
      ``lead_ms``, and a leader leads at most the ``span`` of its tier.

    Attributes
    ----------
    site_ids, site_names, groups, statuses, tiers_of
        Per site, in the order of `site_ids` (sorted): id, name, group (``''`` outside), status, eligible
        tier (``''`` any).
    demand_ids, weights
        Per demand point, sorted by id: id and people (int64).
    stations
        N: sites of the counted tier in the last phase.
    standard_ms, cutoff_ms
        The standard (``<=`` is within) and the cost of demand that nobody serves, in milliseconds.
    group_names, quotas
        Per group id: its name, and its least number of open sites in the last phase.
    tiers, counted_tier
        The tiers (none: all sites are alike) and the one that `stations` and `phases` count.
    phases
        Nested phases in order; the last has `stations`.
    early_quotas
        Whether quotas are met in earlier phases as far as they can be.
    sides
        Side rules (:mod:`careshed.siting.sides`).
    free_count
        Whether any number of sites may be open: neither `stations` nor `phases` count (set covering).
    removed
        Why sites of the input are not in the problem (series, by site id).
    """

    site_ids: pd.Index
    site_names: tuple[str, ...]
    groups: tuple[str, ...]
    statuses: tuple[str, ...]
    tiers_of: tuple[str, ...]
    demand_ids: pd.Index
    weights: Ints
    stations: int
    standard_ms: int
    cutoff_ms: int
    group_names: Mapping[str, str]
    quotas: Mapping[str, int]
    tiers: tuple[Tier, ...]
    counted_tier: str
    phases: tuple[Phase, ...]
    early_quotas: bool
    sides: tuple[Side, ...]
    free_count: bool
    removed: pd.Series
    _starts: Ints
    _demand: Ints32
    _ms: Ints32
    _lead_site: Ints32
    _lead_leader: Ints32
    _lead_ms: Ints32

    def __post_init__(self) -> None:
        """Check what no table can be trusted with."""
        _check_figures(self)
        _check_tiers(self)
        _check_phases(self)
        _check_sides(self)

    @classmethod
    def build(  # noqa: PLR0913 - a problem has many parts, all but three by name
        cls,
        sites: pd.DataFrame,
        weights: pd.Series,
        times: Pairs,
        *,
        stations: int,
        standard_ms: int,
        cutoff_ms: int = CUTOFF_MS,
        group_names: Mapping[str, str] | None = None,
        min_per_group: int | Mapping[str, int] = 0,
        tiers: Sequence[Tier] = (),
        counted_tier: str = "",
        lead_times: Pairs | None = None,
        phases: Sequence[Phase] = (),
        early_quotas: bool = True,
        sides: Sequence[Side] = (),
    ) -> Self:
        """Make a problem from tables, in any order of rows.

        Parameters
        ----------
        sites
            Index ``site_id``; columns ``status`` (existing, closable, required, candidate, excluded; default
            candidate), ``group`` (``''`` outside; default one group ``all``), ``tier`` (``''`` any) and ``name``.
        weights
            People, whole numbers, by ``demand_id``.
        times
            Response times (drive, call handling and turnout together) between sites and demand; pairs
            beyond the cutoff may be missing. Ids unknown to `sites` or `weights` are refused.
        stations, standard_ms, cutoff_ms, tiers, counted_tier, phases, early_quotas, sides
            See the class. Without `phases` there is one, of all `stations`.
        group_names
            Name of every group, also of those without a site; default: the sites' groups.
        min_per_group
            One number for all groups, or one for each that has a quota.
        lead_times
            Times from a site (``site``) to a possible leader (``other``).

        Raises
        ------
        InputError
            If a figure, an id or a rule can't be meant; a rule that merely can't be *met* is no error
            but the status ``infeasible``.
        """
        sites = clean_sites(sites)
        weights = clean_weights(weights)
        removed = removed_sites(sites)
        kept = sites.drop(index=removed.index)
        names = dict(group_names) if group_names is not None else {g: g for g in sorted({*kept["group"]} - {""})}
        check_groups(kept, names)
        quotas = dict.fromkeys(names, min_per_group) if isinstance(min_per_group, int) else dict(min_per_group)
        site, demand, ms = aligned(times, kept.index, removed.index, weights.index, cutoff_ms=cutoff_ms, what="times")
        if lead_times is None:
            led, leader, lead = np.zeros((3, 0), dtype=np.int32)
        else:
            led, leader, lead = aligned(
                lead_times, kept.index, removed.index, kept.index, cutoff_ms=None, what="lead times"
            )
        return cls(
            site_ids=kept.index,
            site_names=tuple(kept["name"]),
            groups=tuple(kept["group"]),
            statuses=tuple(kept["status"]),
            tiers_of=tuple(kept["tier"]) if tiers else ("",) * len(kept),
            demand_ids=weights.index,
            weights=weights.to_numpy(dtype=np.int64),
            stations=int(stations),
            standard_ms=int(standard_ms),
            cutoff_ms=int(cutoff_ms),
            group_names={g: names[g] for g in sorted(names)},
            quotas={g: int(quotas[g]) for g in sorted(quotas) if quotas[g]},
            tiers=tuple(tiers),
            counted_tier=counted_tier,
            phases=tuple(phases) or (Phase("", int(stations)),),
            early_quotas=early_quotas,
            sides=tuple(sides),
            free_count=False,
            removed=removed,
            _starts=np.searchsorted(site, np.arange(len(kept) + 1)).astype(np.int64),
            _demand=demand,
            _ms=ms,
            _lead_site=led,
            _lead_leader=leader,
            _lead_ms=lead,
        )

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether a site lies in a group and so counts, per site."""
        return np.array([g != "" for g in self.groups], dtype=bool)

    @property
    def existing(self) -> npt.NDArray[np.bool_]:
        """Whether a site is open from the start whatever is decided, per site."""
        return np.array(
            [s == "existing" or (s == "required" and g == "") for s, g in zip(self.statuses, self.groups, strict=True)],
            dtype=bool,
        )

    @property
    def leading(self) -> tuple[Tier, ...]:
        """The tiers other than the counted one."""
        return tuple(t for t in self.tiers if t.name != self.counted_tier)

    def pairs(self) -> tuple[Ints32, Ints32, Ints32]:
        """Return (site position, demand position, ms), sorted by site, then demand."""
        site = np.repeat(np.arange(len(self.site_ids), dtype=np.int32), np.diff(self._starts))
        return site, self._demand, self._ms

    def lead_pairs(self) -> tuple[Ints32, Ints32, Ints32]:
        """Return (site position, leader position, ms), sorted by site, then leader."""
        return self._lead_site, self._lead_leader, self._lead_ms

    def site_positions(self, ids: Iterable[str]) -> Ints:
        """Return the positions of sites by id; removed ones are left out."""
        found = self.site_ids.get_indexer(pd.Index([*ids], dtype=object).astype(str))
        return np.unique(found[found >= 0]).astype(np.int64)

    def demand_positions(self, ids: Iterable[str] | None) -> Ints:
        """Return the positions of demand points by id; None: of all that have people."""
        if ids is None:
            return np.flatnonzero(self.weights > 0).astype(np.int64)
        return np.unique(self.demand_ids.get_indexer(pd.Index([*ids], dtype=object).astype(str))).astype(np.int64)

    def label(self, position: int) -> str:
        """Return a site's name with its id, for messages."""
        name, id_ = self.site_names[position], str(self.site_ids[position])
        return f"{name} ({id_})" if name and name != id_ else id_


def _check_figures(problem: SitingProblem) -> None:
    """Refuse counts and times that can't be meant."""
    if problem.stations < 0:
        raise InputError(f"stations={problem.stations}: expected a whole number from 0 up")
    if not 0 < problem.standard_ms < problem.cutoff_ms:
        raise InputError(
            f"standard_ms={problem.standard_ms} and cutoff_ms={problem.cutoff_ms}: expected 0 < standard < cutoff"
        )
    for group, quota in problem.quotas.items():
        if group not in problem.group_names:
            raise InputError(f"min_per_group names {group!r}, which is not among the groups; correct its id")
        if quota < 0:
            raise InputError(f"min_per_group of {group!r} is {quota}: expected a whole number from 0 up")


def _check_tiers(problem: SitingProblem) -> None:
    """Refuse tiers that are unnamed, unknown, led in a circle by themselves, or miscounted."""
    tiers = {t.name: t for t in problem.tiers}
    if len(tiers) < len(problem.tiers) or "" in tiers:
        raise InputError(f"tiers {[t.name for t in problem.tiers]}: expected different names, none empty")
    if not tiers:
        if problem.counted_tier:
            raise InputError(f"counted_tier={problem.counted_tier!r}, but no tiers are given; add them or leave it out")
        return
    if problem.counted_tier not in tiers:
        raise InputError(f"counted_tier={problem.counted_tier!r}: expected one of {', '.join(tiers)}")
    if tiers[problem.counted_tier].count != problem.stations:
        raise InputError(
            f"tier {problem.counted_tier!r} has count {tiers[problem.counted_tier].count}, stations is "
            f"{problem.stations}: give both the same figure"
        )
    for tier in problem.tiers:
        _check_tier(tier, tiers)
    for position, name in enumerate(problem.tiers_of):
        if name and name not in tiers:
            raise InputError(f"site {problem.label(position)}: tier {name!r} is unknown; expected {', '.join(tiers)}")


def _check_tier(tier: Tier, tiers: Mapping[str, Tier]) -> None:
    """Refuse one tier's figures."""
    if tier.count < 0 or (tier.lead_ms is not None and tier.lead_ms < 0) or (tier.span is not None and tier.span < 0):
        raise InputError(f"tier {tier.name!r}: count, lead_ms and span must be 0 or more")
    for leader in tier.led_by:
        if leader not in tiers or leader == tier.name:
            raise InputError(f"tier {tier.name!r} is led by {leader!r}: expected another of {', '.join(tiers)}")


def _check_phases(problem: SitingProblem) -> None:
    """Refuse phases that shrink or do not end with all stations."""
    counts = [p.count for p in problem.phases]
    if counts != sorted(counts) or counts[0] < 0:
        raise InputError(f"phases open {counts} stations: expected counts that never shrink")
    if counts[-1] != problem.stations:
        raise InputError(
            f"the last phase opens {counts[-1]} of {problem.stations} stations: add a phase with all of them"
        )


def _check_sides(problem: SitingProblem) -> None:
    """Refuse side rules about strangers."""
    known = problem.site_ids.append(problem.removed.index)
    for side in problem.sides:
        for ids, those, what in zip(named_ids(side), (known, problem.demand_ids), ("site", "demand"), strict=True):
            named = pd.Index([*ids], dtype=object).astype(str)
            strange = named[~named.isin(those)]
            if len(strange):
                raise InputError(
                    f"rule {type(side).__name__}: {what} {strange[0]!r} is not in the problem; correct its id"
                )
        if isinstance(side, Shortfall):
            groups, phases = {*side.quotas} - {*problem.group_names}, {*side.phases}
            if groups or not phases <= {*range(1, len(problem.phases) + 1)}:
                raise InputError(
                    f"shortfall of groups {sorted(side.quotas)} in phases {side.phases}: expected some of "
                    f"the problem's {len(problem.group_names)} groups and {len(problem.phases)} phases"
                )
        if isinstance(side, Among):
            if side.tier and side.tier not in {t.name for t in problem.tiers}:
                raise InputError(
                    f"rule {str(side.name)!r}: tier {side.tier!r} is unknown; name one of the problem's tiers"
                )
            if side.phase is not None and not 1 <= side.phase <= len(problem.phases):
                raise InputError(
                    f"rule {str(side.name)!r}: phase {side.phase} of {len(problem.phases)}; name one from 1 up"
                )

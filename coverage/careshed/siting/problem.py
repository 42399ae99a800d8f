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
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed._checks import require_columns, require_unique
from careshed.errors import InputError

__all__ = ["Pairs", "Phase", "SitingProblem", "Tier", "phase_counts"]

CUTOFF_MS = 3_600_000
"""Demand that no open site serves within an hour counts as an hour."""

STATUSES = frozenset({"existing", "required", "candidate", "excluded"})

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
        At most so many sites of this tier to one leader; None: no limit.
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
class Pairs:
    """Sparse times that carry their ids.

    Attributes
    ----------
    site_ids, other_ids
        What `site` and `other` count: unique string ids.
    site, other
        Positions in these, int32, shape (pairs,).
    ms
        Times in milliseconds, int32, shape (pairs,).
    """

    site_ids: pd.Index
    other_ids: pd.Index
    site: Ints32
    other: Ints32
    ms: Ints32

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, other: str = "demand_id") -> Self:
        """Make pairs from a long table with columns ``site_id``, `other` and ``ms``.

        Raises
        ------
        MissingColumnError
            If one of the three is not there.
        """
        require_columns(frame, {"site_id", other, "ms"}, what="the table of times")
        site, site_ids = pd.factorize(frame["site_id"].astype(str), sort=True)
        row, other_ids = pd.factorize(frame[other].astype(str), sort=True)
        ms = _whole(frame["ms"], what="column ms of the table of times").astype(np.int32)
        return cls(pd.Index(site_ids), pd.Index(other_ids), site.astype(np.int32), row.astype(np.int32), ms)

    @classmethod
    def from_times(cls, times: Any, *, sites: str = "origin", add_ms: int = 0) -> Self:
        """Make pairs from :class:`careshed.reach.TravelTimes`.

        Parameters
        ----------
        times
            Travel times; its origins or its destinations are the sites.
        sites
            ``"origin"`` where a vehicle leaves the site (or, for lead times, where the led
            station is the origin); ``"destination"`` where people come to it.
        add_ms
            Added to every time: call handling and turnout, where the times don't have them.
        """
        origin, destination, ms = times.pairs()
        ms = (np.asarray(ms, dtype=np.int64) + add_ms).astype(np.int32)
        if sites == "origin":
            return cls(times.origin_ids, times.destination_ids, origin, destination, ms)
        if sites == "destination":
            return cls(times.destination_ids, times.origin_ids, destination, origin, ms)
        raise InputError(f"sites={sites!r}: expected 'origin' or 'destination'")


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
    - each group has at least its `quotas` of open sites of any tier in the last phase. In earlier phases
      that may be impossible (13 stations, 15 groups): there the number of missing stations, summed over
      groups and phases, is the least that the other rules allow (`early_quotas`), or quotas are not
      looked at;
    - each site of a led tier has exactly one leader, an open site of a leading tier within ``lead_ms``,
      which leads at most ``span`` sites of that tier.

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
    ) -> Self:
        """Make a problem from tables, in any order of rows.

        Parameters
        ----------
        sites
            Index ``site_id``; columns ``status`` (existing, required, candidate, excluded; default
            candidate), ``group`` (``''`` outside; default one group ``all``), ``tier`` (``''`` any) and ``name``.
        weights
            People, whole numbers, by ``demand_id``.
        times
            Response times (drive, call handling and turnout together) between sites and demand; pairs
            beyond the cutoff may be missing. Ids unknown to `sites` or `weights` are refused.
        stations, standard_ms, cutoff_ms, tiers, counted_tier, phases, early_quotas
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
        sites = _clean_sites(sites)
        weights = _clean_weights(weights)
        removed = _removed(sites)
        kept = sites.drop(index=removed.index)
        names = dict(group_names) if group_names is not None else {g: g for g in sorted({*kept["group"]} - {""})}
        _check_groups(kept, names)
        quotas = dict.fromkeys(names, min_per_group) if isinstance(min_per_group, int) else dict(min_per_group)
        site, demand, ms = _aligned(times, kept.index, removed.index, weights.index, cutoff_ms=cutoff_ms, what="times")
        if lead_times is None:
            led, leader, lead = np.zeros((3, 0), dtype=np.int32)
        else:
            led, leader, lead = _aligned(
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

    def label(self, position: int) -> str:
        """Return a site's name with its id, for messages."""
        name, id_ = self.site_names[position], str(self.site_ids[position])
        return f"{name} ({id_})" if name and name != id_ else id_


def _whole(values: pd.Series, *, what: str) -> Ints:
    """Return whole, non-negative numbers, refusing all others by name."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{what}: {int(bad.sum())} values are no whole numbers from 0 up, first {values.iloc[first]!r} at "
            f"{values.index[first]!r}; round or remove them first"
        )
    return numbers.astype(np.int64)


def _clean_sites(sites: pd.DataFrame) -> pd.DataFrame:
    """Return the sites' columns as strings, sorted by id."""
    sites = sites.set_axis(sites.index.astype(str), axis=0)
    require_unique(sites.index, what="sites")
    defaults = {"status": "candidate", "group": "all", "tier": "", "name": ""}
    table = pd.DataFrame(index=sites.index)
    for column, default in defaults.items():
        table[column] = sites[column].fillna("").astype(str) if column in sites else default
    unknown = table.index[~table["status"].isin(STATUSES)]
    if len(unknown):
        raise InputError(
            f"site {unknown[0]}: status {table['status'][unknown[0]]!r} is not known; expected one of "
            f"{', '.join(sorted(STATUSES))}"
        )
    return table.sort_index()


def _clean_weights(weights: pd.Series) -> pd.Series:
    """Return whole weights sorted by id."""
    weights = weights.set_axis(weights.index.astype(str))
    require_unique(weights.index, what="demand")
    whole = pd.Series(_whole(weights, what="the weights of demand"), index=weights.index, name="weight")
    return whole.sort_index()


def _removed(sites: pd.DataFrame) -> pd.Series:
    """Return which sites no plan may open, with the reason."""
    reasons = pd.Series("", index=sites.index, name="reason", dtype=object)
    reasons[(sites["group"] == "") & (sites["status"] == "candidate")] = "outside the area"
    reasons[sites["status"] == "excluded"] = "excluded"
    return reasons[reasons != ""]


def _check_groups(sites: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Refuse a site in a group that nobody named."""
    strange = sites.index[~sites["group"].isin([*names, ""])]
    if len(strange):
        raise InputError(
            f"site {strange[0]}: group {sites['group'][strange[0]]!r} is not among the {len(names)} named groups; "
            "name it in group_names or set the site's group to '' (outside)"
        )


def _positions(ids: pd.Index, known: pd.Index, removed: pd.Index, *, what: str) -> Ints:
    """Return positions of `ids` in `known`, −1 for removed ones, refusing strangers."""
    ids = ids.astype(str)
    positions = known.get_indexer(ids).astype(np.int64)
    strange = ids[(positions < 0) & ~ids.isin(removed)]
    if len(strange):
        raise InputError(f"{what}: id {strange[0]!r} and {len(strange) - 1} more are not in the problem; remove them")
    return positions


def _aligned(  # noqa: PLR0913
    pairs: Pairs, rows: pd.Index, removed: pd.Index, columns: pd.Index, *, cutoff_ms: int | None, what: str
) -> tuple[Ints32, Ints32, Ints32]:
    """Return pairs by canonical position, sorted, the least time of each pair."""
    same = columns.equals(rows)
    site = _positions(pairs.site_ids, rows, removed, what=f"sites of the {what}")[pairs.site]
    gone = removed if same else removed[:0]
    other = _positions(pairs.other_ids, columns, gone, what=f"destinations of the {what}")[pairs.other]
    ms = np.asarray(pairs.ms)
    if len(ms) and ms.min() < 0:
        raise InputError(f"{what}: {int((ms < 0).sum())} pairs have a negative time; leave unreachable pairs out")
    keep = (site >= 0) & (other >= 0)
    if cutoff_ms is not None:
        keep &= ms <= cutoff_ms
    site, other, ms = site[keep], other[keep], ms[keep]
    order = np.lexsort((ms, other, site))
    site, other, ms = site[order], other[order], ms[order]
    first = np.ones(len(site), dtype=bool)
    first[1:] = (site[1:] != site[:-1]) | (other[1:] != other[:-1])
    return site[first].astype(np.int32), other[first].astype(np.int32), ms[first].astype(np.int32)


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

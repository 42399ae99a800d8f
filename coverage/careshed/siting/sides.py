"""Side rules: what a commission asks beside numbers, quotas, tiers and phases.

Each is a small frozen object that names sites and demand by id; :attr:`SitingProblem.sides
<careshed.siting.SitingProblem>` holds them, and :mod:`careshed.siting.rows.rules` makes their rows. All but
:class:`Among` and :class:`Shortfall` bind in the last phase; an upper limit that holds there holds before, since sites
stay open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import pandas as pd
from scipy.spatial import KDTree

from careshed._checks import require_columns
from careshed.errors import InputError
from careshed.words import Label, label

__all__ = ["Among", "Apart", "Budget", "Company", "CoverageFloor", "Shortfall", "Side", "WorstTime"]


@dataclass(frozen=True, slots=True)
class Among:
    """At least, or at most, so many of some sites are open: a quota of a subdistrict, a tier, an owner.

    Attributes
    ----------
    name
        What the sites have in common, for messages.
    site_ids
        The sites.
    at_least, at_most
        Limits on how many of them are open; None: no upper limit.
    tier
        Count only sites of this tier; ``''``: of any.
    phase
        1-based phase in which it binds; None: the last.

    Examples
    --------
    >>> Among("private", ("s1", "s4"), at_most=1).at_least
    0
    """

    name: str | Label
    site_ids: tuple[str, ...]
    at_least: int = 0
    at_most: int | None = None
    tier: str = ""
    phase: int | None = None

    def __post_init__(self) -> None:
        """Refuse limits that can't be meant."""
        if self.at_least < 0 or (self.at_most is not None and self.at_most < 0):
            raise InputError(f"rule {str(self.name)!r}: at_least and at_most must be 0 or more")


@dataclass(frozen=True, slots=True)
class Apart:
    """Sites nearer than a distance are not open together.

    Attributes
    ----------
    name
        The distance in words, for messages.
    too_near
        Pairs of ids. Two sites that are open whatever is decided are left alone.
    """

    name: str | Label
    too_near: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, points: pd.DataFrame, at_least_m: float) -> Self:
        """Make the rule from places.

        Parameters
        ----------
        points
            Index ``site_id``; columns ``x`` and ``y`` in metres.
        at_least_m
            Two open sites are at least so far apart, as the crow flies.

        Examples
        --------
        >>> import pandas as pd
        >>> Apart.of(pd.DataFrame({"x": [0, 300, 900], "y": [0, 0, 0]}, index=["a", "b", "c"]), 500).too_near
        (('a', 'b'),)
        """
        ids, tree = _tree(points)
        near = sorted(
            tuple(sorted((ids[a], ids[b])))
            for a, b in tree.query_pairs(at_least_m)
            if _distance(tree, a, b) < at_least_m
        )
        return cls(label("reasons.sites_apart", metres=f"{at_least_m:g}"), tuple((a, b) for a, b in near))


@dataclass(frozen=True, slots=True)
class Company:
    """Each open site has another one within a distance, which can stand in for it.

    Attributes
    ----------
    name
        The distance in words, for messages.
    near
        For each site, the ids near enough; a site that is not named needs nobody.
    """

    name: str | Label
    near: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, points: pd.DataFrame, at_most_m: float) -> Self:
        """Make the rule from places, as :meth:`Apart.of`."""
        ids, tree = _tree(points)
        lists = tree.query_ball_point(tree.data, at_most_m)
        near = {ids[a]: tuple(sorted(ids[b] for b in some if b != a)) for a, some in enumerate(lists)}
        return cls(label("reasons.sites_near", metres=f"{at_most_m:g}"), near)


@dataclass(frozen=True, slots=True)
class Budget:
    """What open sites cost, and what closing sites costs, is at most a sum.

    Attributes
    ----------
    at_most
        The sum, in whole units of money.
    opening
        Cost of each site that is open in the end, by id; a site that is not named costs nothing.
    closing
        Cost of each ``closable`` site that is not.
    """

    at_most: int
    opening: Mapping[str, int]
    closing: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse sums that can't be meant."""
        for what in (self.opening, self.closing):
            for site, cost in what.items():
                if cost < 0 or cost != int(cost):
                    raise InputError(f"budget: site {site!r} costs {cost}: expected a whole number from 0 up")


@dataclass(frozen=True, slots=True)
class WorstTime:
    """Everybody has an open site within a time.

    Attributes
    ----------
    ms
        The time.
    demand_ids
        Who is meant; None: all demand.
    """

    ms: int
    demand_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class CoverageFloor:
    """At least a share of some people has an open site within a time: no subdistrict is left behind.

    Attributes
    ----------
    name
        Who they are (a subdistrict), for messages.
    demand_ids
        Their demand points.
    share
        0 to 1.
    ms
        The time.
    """

    name: str | Label
    demand_ids: tuple[str, ...]
    share: float
    ms: int

    def __post_init__(self) -> None:
        """Refuse a share that can't be meant."""
        if not 0 <= self.share <= 1:
            raise InputError(f"coverage floor of {str(self.name)!r}: share {self.share:g}, expected 0 to 1")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Groups lack at most so many stations of their quotas, summed over groups and phases: a quota that bends.

    Attributes
    ----------
    at_most
        The most stations lacking.
    quotas
        Per group id, how many open sites it should have.
    phases
        1-based phases that are looked at, each with these quotas.
    """

    at_most: int
    quotas: Mapping[str, int]
    phases: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a number that can't be meant."""
        if self.at_most < 0:
            raise InputError(f"shortfall of at most {self.at_most}: expected a whole number from 0 up")


Side = Among | Apart | Company | Budget | WorstTime | CoverageFloor | Shortfall


def _tree(points: pd.DataFrame) -> tuple[list[str], KDTree]:
    """Return ids and a search tree of places."""
    require_columns(points, {"x", "y"}, what="the table of sites' places")
    return [str(i) for i in points.index], KDTree(points[["x", "y"]].to_numpy(dtype=float))


def _distance(tree: KDTree, a: int, b: int) -> float:
    """Return how far two places are apart, metres."""
    (dx, dy) = tree.data[a] - tree.data[b]
    return float((dx * dx + dy * dy) ** 0.5)


def named_ids(side: Side) -> tuple[Iterable[str], Iterable[str]]:  # noqa: PLR0911 - one for each rule
    """Return the site ids and the demand ids that a rule names."""
    match side:
        case Among():
            return side.site_ids, ()
        case Apart():
            return (i for pair in side.too_near for i in pair), ()
        case Company():
            return (i for some in ([*side.near], *side.near.values()) for i in some), ()
        case Budget():
            return (*side.opening, *side.closing), ()
        case WorstTime():
            return (), side.demand_ids or ()
        case CoverageFloor():
            return (), side.demand_ids
        case Shortfall():
            return (), ()

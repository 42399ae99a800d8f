"""``[service.X.siting]``: how many stations, of which tiers, in which phases, under which rules."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Self

from pydantic import Field, model_validator

from careshed.errors import InputError
from careshed.targets._table import Table
from careshed.targets.rules import QuotaRule, SitingRule

__all__ = ["BUILT_IN", "Phase", "Siting", "Tier"]

BUILT_IN = {
    "min_per_subdistrict": "fewest sites in each subdistrict",
    "phases": "the dated build-out; without it all stations open at once",
    "tiers": "the hierarchy; without it all its sites are stations of one kind",
    "lead": "how near a leader is, and that there is one",
    "span": "how many sites one leads at most",
    "closable": "that existing stations may be closed",
}
"""Rules that are keys of the table, with what they say."""


class Phase(Table):
    """A dated step of the build-out.

    Parameters
    ----------
    by
        The last day of the phase.
    share
        Share of all stations that are open by then (0 to 1]; the last phase's is 1.
    """

    by: dt.date
    share: float = Field(gt=0, le=1)

    def count(self, stations: int) -> int:
        """Return ⌈share × stations⌉, free of binary rounding (0.7 × 30 is 21, not 22).

        Examples
        --------
        >>> import datetime
        >>> Phase(by=datetime.date(2021, 12, 31), share=0.7).count(18)
        13
        """
        return math.ceil(Fraction(str(self.share)) * stations)


class Tier(Table):
    """One level of a hierarchy of stations.

    Parameters
    ----------
    name
        The tier's id, such as ``centre_station``.
    label_zh, label_en
        Its names in text for people.
    count
        How many sites of the tier the plan has.
    led_by
        Tiers of which one site leads each site of this one; empty for the top.
    lead_min
        Most minutes' drive from a site to its leader, None for no limit.
    span
        Most sites that one site of this tier may lead, None for no limit.
    """

    name: str
    label_zh: str = ""
    label_en: str = ""
    count: int = Field(ge=1)
    led_by: tuple[str, ...] = ()
    lead_min: float | None = Field(default=None, gt=0)
    span: int | None = Field(default=None, ge=1)


class Siting(Table):
    """How many stations a service gets, and by which rules.

    Parameters
    ----------
    stations
        Stations in all, existing ones inside the boundary included; of
        `station_tier` where tiers are named.
    min_per_subdistrict
        Fewest sites of any tier in each subdistrict, in the last phase.
    tiers
        The hierarchy, top first; empty for stations of one kind.
    station_tier
        The tier that `stations` and the phases count.
    phases
        The dated build-out; empty for all at once.
    closable
        Whether existing stations inside the boundary may be closed: all, none, or those with these ids.
    rules
        Further rules, see :mod:`careshed.targets.rules`.
    vehicles, busy_fraction, per_site
        For models that place vehicles: how many there are, the share of time that one is busy, and how many stand at
        a station at most. None: said on the command line.
    capacity
        For models with capacities: people whom a station serves at most.
    """

    stations: int = Field(ge=1)
    min_per_subdistrict: int = Field(default=0, ge=0)
    tiers: tuple[Tier, ...] = ()
    station_tier: str = ""
    phases: tuple[Phase, ...] = ()
    closable: bool | tuple[str, ...] = False
    rules: tuple[SitingRule, ...] = ()
    vehicles: int | None = Field(default=None, ge=1)
    busy_fraction: float | None = Field(default=None, gt=0, lt=1)
    per_site: int | None = Field(default=None, ge=1)
    capacity: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [tier.name for tier in self.tiers]
        if len(set(names)) != len(names):
            raise ValueError(f"tiers must have different names, found {', '.join(names)}")
        for tier in self.tiers:
            unknown = set(tier.led_by) - set(names)
            if unknown:
                raise ValueError(f"tier {tier.name} is led by {', '.join(sorted(unknown))}, which is no tier here")
        if self.tiers and self.station_tier not in names:
            raise ValueError(f"station_tier is {self.station_tier!r}; expected one of {', '.join(names)}")
        if self.tiers:
            count = next(tier.count for tier in self.tiers if tier.name == self.station_tier)
            if count != self.stations:
                raise ValueError(f"stations is {self.stations} but tier {self.station_tier} counts {count}")
        _check_phases(self.phases)
        _check_rules(self.rules, {phase.by for phase in self.phases}, {*names})
        return self

    @property
    def named_rules(self) -> dict[str, SitingRule]:
        """The further rules by name; a name that is not given is the rule's kind, numbered from the second on.

        Examples
        --------
        >>> near, far = {"rule": "apart", "distance_m": 500}, {"rule": "company", "distance_m": 3000}
        >>> [*Siting(stations=3, rules=(near, far)).named_rules]
        ['apart', 'company']
        """
        given = {rule.name for rule in self.rules if rule.name}
        named: dict[str, SitingRule] = {}
        for rule in self.rules:
            name, number = rule.name or rule.rule, 1
            while not rule.name and name in given | named.keys():
                number += 1
                name = f"{rule.rule}-{number}"
            named[name] = rule
        return named

    @property
    def rule_names(self) -> tuple[str, ...]:
        """Names of all rules that are on, in the order in which they stand in the table."""
        on = {
            "min_per_subdistrict": self.min_per_subdistrict > 0,
            "phases": bool(self.phases),
            "tiers": bool(self.tiers),
            "lead": any(tier.led_by for tier in self.tiers),
            "span": any(tier.span is not None for tier in self.tiers),
            "closable": bool(self.closable),
        }
        return (*(name for name in BUILT_IN if on[name]), *self.named_rules)

    def without(self, names: Iterable[str]) -> Siting:
        """Return the table with some rules switched off.

        Parameters
        ----------
        names
            Of `rule_names`. Without ``tiers`` no quota of a tier is left; without ``lead`` no ``span`` either.

        Raises
        ------
        InputError
            If a name is unknown; the message lists those there are.
        """
        off = set(names)
        unknown = sorted(off - {*self.rule_names})
        if unknown:
            known = ", ".join(self.rule_names) or "none"
            raise InputError(f"rule {unknown[0]!r} is not among the siting rules of the targets; there are: {known}")
        change: dict[str, object] = {
            "rules": tuple(rule for name, rule in self.named_rules.items() if name not in off),
            **({"min_per_subdistrict": 0} if "min_per_subdistrict" in off else {}),
            **({"closable": False} if "closable" in off else {}),
            **({"phases": ()} if "phases" in off else {}),
        }
        if "tiers" in off:
            change |= {"tiers": (), "station_tier": "", "stations": sum(tier.count for tier in self.tiers)}
            left = (rule for name, rule in self.named_rules.items() if name not in off)
            change["rules"] = tuple(rule for rule in left if not (isinstance(rule, QuotaRule) and rule.tier))
        elif {"lead", "span"} & off:
            alone: dict[str, object] = {"led_by": (), "lead_min": None} if "lead" in off else {}
            alone["span"] = None
            change["tiers"] = tuple(tier.model_copy(update=alone) for tier in self.tiers)
        return self.model_copy(update=change)

    def with_stations(self, stations: int) -> Siting:
        """Return the table with another number of stations."""
        tiers = tuple(
            tier.model_copy(update={"count": stations}) if tier.name == self.station_tier else tier
            for tier in self.tiers
        )
        return self.model_copy(update={"stations": stations, "tiers": tiers})


def _check_phases(phases: tuple[Phase, ...]) -> None:
    """Refuse phases that are out of order or never reach all stations."""
    days = [phase.by for phase in phases]
    shares = [phase.share for phase in phases]
    if days != sorted(days) or shares != sorted(shares):
        raise ValueError("phases must be given in order of date, with shares that do not fall")
    if shares and shares[-1] != 1:
        raise ValueError(f"the last phase has share {shares[-1]}; expected 1, all stations")


def _check_rules(rules: tuple[SitingRule, ...], days: set[dt.date], tiers: set[str]) -> None:
    """Refuse rules with one name, or about a tier or a phase that is not there."""
    names = [rule.name for rule in rules if rule.name]
    twice = [name for n, name in enumerate(names) if name in names[:n]]
    if twice:
        raise ValueError(f"two rules are named {twice[0]!r}; give each its own name")
    taken = [name for name in names if name in BUILT_IN]
    if taken:
        raise ValueError(f"a rule is named {taken[0]!r}, as a key of the table is; give it another name")
    for rule in rules:
        if not isinstance(rule, QuotaRule):
            continue
        if rule.tier and rule.tier not in tiers:
            known = ", ".join(sorted(tiers)) or "none"
            raise ValueError(f"a quota is about tier {rule.tier!r}, which is no tier here; there are: {known}")
        if rule.by is not None and rule.by not in days:
            known = ", ".join(day.isoformat() for day in sorted(days)) or "none"
            raise ValueError(f"a quota is about {rule.by.isoformat()}, which is no phase's date; there are: {known}")

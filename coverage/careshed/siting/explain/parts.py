"""A problem taken apart into rules that can be left out one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from careshed.siting.explain.words import (
    among_words,
    amount,
    floor_words,
    group_words,
    minutes,
    statuses,
)
from careshed.siting.problem import Phase, SitingProblem, Tier
from careshed.siting.rows.columns import Columns, Row, plain_row
from careshed.siting.rows.floors import Floor
from careshed.siting.rows.purses import Purse
from careshed.siting.rows.rulebook import Rulebook
from careshed.siting.rows.rules import leads, nested, quotas, tiers
from careshed.siting.rows.shortfalls import Bend
from careshed.siting.rows.side_rules import among, apart, budget, company, worst_rows
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, Shortfall, Side, WorstTime
from careshed.words import Label, joined, label, plural

__all__ = ["Part", "Parts", "lead_part", "side_part"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_NODES = 2000
"""Nodes after which a question stays open: an explanation must not take longer than a plan."""
MOST_LED = 2000
"""Sites of all tiers together that a plan without counts may open; flows are 32-bit."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A rule that can be left out.

    Attributes
    ----------
    rule
        Short name, as in :class:`careshed.siting.Conflict`.
    key
        What it is about: a group, a tier, a phase.
    text, remedy
        The rule, and what would loosen it, in words.
    rows
        Its rows.
    held
        Columns that it holds open.
    lazy
        The floor or budget of which rows are found when a plan breaks it.
    tier
        The tier whose span or leaders it is.
    side
        The side rule.
    """

    rule: str
    key: str
    text: Label
    remedy: Label
    rows: tuple[Row, ...] = ()
    held: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lazy: Floor | Purse | Bend | None = None
    tier: Tier | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A problem's rules, each by itself, and what holds without any.

    Attributes
    ----------
    problem
        The problem.
    columns
        Its columns, with tiers of any count, without leaders, spans and side rules.
    base
        Rows that are no rules but the meaning of a plan: sites stay open, each is of one tier.
    parts
        The rules by family, in the order in which they are left out.
    """

    problem: SitingProblem
    columns: Columns
    base: tuple[Row, ...]
    parts: tuple[tuple[Part, ...], ...]

    @classmethod
    def of(cls, problem: SitingProblem) -> Self:
        """Take a problem apart."""
        columns = Columns.of(wide(problem, problem.tiers, led=False))
        whole = Columns.of(problem)
        families = (_quotas(whole), _statuses(whole), _tiers(whole), _sides(whole), _counts(whole))
        base = [*nested(columns), *(row for row in tiers(columns) if row.rule != "tier")]
        return cls(problem, columns, tuple(base), tuple(tuple(family) for family in families))

    @property
    def every(self) -> list[Part]:
        """All rules."""
        return [part for family in self.parts for part in family]

    def book(self, parts: Iterable[Part], extra: Sequence[Row] = ()) -> Rulebook:
        """Return the rulebook of some rules and of further rows."""
        parts = list(parts)
        rows = [*self.base, *(row for part in parts for row in part.rows), *extra]
        lower, upper = self.columns.bounds()
        always = self.problem.existing & ~self.problem.inside
        for phase in range(self.columns.phases):
            lower[self.columns.open(phase, np.flatnonzero(~always))] = 0.0
        for part in parts:
            lower[part.held] = 1.0
        lazy = tuple(part.lazy for part in parts if part.lazy is not None)
        return Rulebook(self._with_tiers(parts), rows, lower, upper, lazy)

    def solve(
        self, parts: Iterable[Part], cost: Floats | None = None, extra: Sequence[Row] = (), more: int = 0
    ) -> Floats | None:
        """Return the plan of least cost that keeps some rules; None where none does.

        Parameters
        ----------
        parts
            The rules.
        cost
            Of each column; None: any plan will do.
        extra
            Further rows.
        more
            How many columns, from 0 up to 1, follow those of the problem.

        Raises
        ------
        UndecidedError
            If that takes too many nodes.
        """
        book = self.book(parts, extra)
        cost = np.zeros(self.columns.count + more) if cost is None else cost
        lower, upper = np.append(book.lower, np.zeros(more)), np.append(book.upper, np.ones(more))
        return book.solve(cost, lower=lower, upper=upper, most_nodes=MOST_NODES)

    def feasible(self, parts: Iterable[Part]) -> bool:
        """Whether a plan keeps some rules."""
        return self.solve(parts) is not None

    def without(self, *gone: Part) -> list[Part]:
        """Return all rules but some."""
        return [part for part in self.every if part not in gone]

    def _with_tiers(self, parts: Sequence[Part]) -> Columns:
        """Return the columns with the spans and leaders that some rules ask for."""
        spans = {p.key: p.tier.span for p in parts if p.rule == "span" and p.tier}
        chiefs = {p.key: p.tier for p in parts if p.rule == "lead" and p.tier}
        if not spans:
            return self.columns
        changed = []
        for tier in self.columns.problem.tiers:
            by = chiefs.get(tier.name, tier)
            changed.append(replace(tier, span=spans.get(tier.name), led_by=by.led_by, lead_ms=by.lead_ms))
        return replace(self.columns, problem=replace(self.columns.problem, tiers=tuple(changed)))


def wide(problem: SitingProblem, tiers_: Sequence[Tier], *, led: bool) -> SitingProblem:
    """Return a problem in which any number of sites may be open, without side rules."""
    many = int(min(problem.inside.sum(), MOST_LED // max(len(tiers_), 1)))
    changed = tuple(replace(t, count=many) if led else replace(t, count=many, led_by=(), span=None) for t in tiers_)
    phases = tuple(Phase(p.by, many) for p in problem.phases)
    return replace(problem, tiers=changed, stations=many, phases=phases, sides=(), early_quotas=False)


def _quotas(columns: Columns) -> Iterator[Part]:
    """Yield each group's quota."""
    for row in quotas(columns):
        name = group_words(columns.problem, row.key)
        text = label("reasons.quota", least=f"{row.lower:g}", group=name)
        yield Part("quota", row.key, text, label("reasons.quota_remedy", group=name), (row,))


def _statuses(columns: Columns) -> Iterator[Part]:
    """Yield what keeps each existing and required site open."""
    problem = columns.problem
    existing, both = statuses(problem)
    for site in both:
        early = site in existing
        name = problem.label(int(site))
        text = label("reasons.existing", site=name) if early else label("reasons.required", site=name)
        last = columns.phases - 1
        held = columns.open(0, site) if early else columns.open(last, site)
        remedy = label("reasons.status_remedy", site=name)
        yield Part("existing" if early else "required", str(site), text, remedy, held=held)


def _tiers(columns: Columns) -> Iterator[Part]:
    """Yield each tier's span, then its leaders."""
    for tier in columns.problem.tiers:
        if tier.span is not None:
            yield Part(
                "span",
                tier.name,
                label("reasons.span", span=tier.span, tier=tier.name),
                label("reasons.span_remedy", tier=tier.name),
                tier=tier,
            )
        if tier.led_by:
            yield lead_part(columns.problem, tier)


def lead_part(problem: SitingProblem, tier: Tier) -> Part:
    """Return the rule that each site of a tier has a leader in time."""
    chiefs = joined(tier.led_by, by="or")
    alone = tuple(tier if t.name == tier.name else replace(t, led_by=()) for t in problem.tiers)
    rows = tuple(leads(Columns.of(wide(problem, alone, led=True))))
    return Part(
        "lead",
        tier.name,
        label("reasons.lead", tier=tier.name, within=minutes(tier.lead_ms), chiefs=chiefs),
        label("reasons.lead_remedy", tier=tier.name, chiefs=chiefs),
        rows,
        tier=tier,
    )


def _counts(columns: Columns) -> Iterator[Part]:
    """Yield the tiers' and phases' counts."""
    problem, last = columns.problem, columns.phases - 1
    every, inside = np.arange(columns.sites), np.flatnonzero(problem.inside)
    for n, tier in enumerate(problem.leading):
        row = plain_row("tier", tier.name, [(columns.leads(n, every), 1.0)], float(tier.count), float(tier.count))
        text, remedy = (
            label("reasons.tier", tier=tier.name, count=tier.count),
            label("reasons.tier_remedy", tier=tier.name),
        )
        yield Part("tier", tier.name, text, remedy, (row,), tier=tier)
    for k, phase in enumerate(problem.phases):
        others = [(columns.leads(n, inside), -1.0) for n in range(columns.leading)]
        terms = [(columns.open(k, inside), 1.0), *others]
        row = plain_row("count", str(k), terms, float(phase.count), float(phase.count))
        rule = "stations" if k == last else "phases"
        yield Part(rule, str(k), *_count_words(phase), (row,))


def _count_words(phase: Phase) -> tuple[Label, Label]:
    """Return a phase's count, and what would loosen it."""
    if phase.by:
        facts = {"count": phase.count, "by": phase.by}
        return label("reasons.count_by", **facts), label("reasons.count_by_remedy", **facts)
    return label("reasons.count", count=phase.count), label("reasons.count_remedy", count=phase.count)


def _sides(columns: Columns) -> Iterator[Part]:
    """Yield the side rules; least and greatest numbers by themselves."""
    for n, side in enumerate(columns.problem.sides):
        if isinstance(side, Among):
            if side.at_least:
                yield side_part(columns, replace(side, at_most=None), str(n))
            if side.at_most is not None:
                yield side_part(columns, replace(side, at_least=0), str(n))
        else:
            yield side_part(columns, side, str(n))


def side_part(columns: Columns, side: Side, key: str) -> Part:  # noqa: PLR0911 - one for each rule
    """Return one side rule.

    Parameters
    ----------
    columns
        Columns of the whole problem.
    side
        The rule; :class:`~careshed.siting.sides.Among` with one of its limits.
    key
        Where it stands among the problem's side rules.
    """
    problem = replace(columns.problem, sides=(side,))
    alone = replace(columns, problem=problem)
    match side:
        case Among():
            words = among_words(problem, side)
            if side.at_most is None:
                text = label("reasons.at_least_of", least=side.at_least, words=words)
                remedy = label("reasons.among_least_remedy", words=words)
            else:
                text = label("reasons.at_most_of", most=side.at_most, words=words)
                remedy = label("reasons.among_most_remedy", words=words)
            return Part("among", key, text, remedy, tuple(among(alone)), side=side)
        case Apart():
            text, remedy = label("reasons.apart", name=side.name), label("reasons.apart_remedy")
            return Part("apart", key, text, remedy, tuple(apart(alone)), side=side)
        case Company():
            text, remedy = label("reasons.company", name=side.name), label("reasons.company_remedy")
            return Part("company", key, text, remedy, tuple(company(alone)), side=side)
        case Budget():
            text, remedy = label("reasons.budget", budget=amount(side.at_most)), label("reasons.budget_remedy")
            return Part("budget", key, text, remedy, tuple(budget(alone)), lazy=Purse.of(problem, side), side=side)
        case WorstTime():
            ids = side.demand_ids
            who = label("reasons.everybody") if ids is None else plural(len(ids), "demand point")
            text, remedy = (
                label("reasons.worst_time", who=who, within=minutes(side.ms)),
                label("reasons.worst_time_remedy"),
            )
            return Part("worst time", key, text, remedy, tuple(worst_rows(alone, side)), side=side)
        case CoverageFloor():
            remedy = label("reasons.floor_remedy", name=side.name)
            return Part("floor", key, floor_words(side), remedy, lazy=Floor.of(problem, side), side=side)
        case Shortfall():
            text = label("reasons.shortfall", stations=plural(side.at_most, "station"))
            return Part("shortfall", key, text, label("reasons.shortfall_remedy"), lazy=Bend(side), side=side)

"""A problem's rules one by one, each with the problem that is left without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from careshed.siting.answers.plans import held
from careshed.siting.cut.search import Plan
from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, Shortfall, Side, WorstTime
from careshed.words import Label, joined

__all__ = ["RULES", "Relaxed", "relaxed", "side_text"]


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """A problem without one rule, and a plan of the full problem in it.

    Attributes
    ----------
    rule
        Kind of the rule, one of :data:`RULES`.
    key
        What it is about: a group, a tier, a site, a phase (1-based), or the place of a side rule (1-based); ``''`` all.
    text
        The rule in words, with names.
    problem
        What is left; the full problem's plan keeps its rules.
    plan
        That plan, by the positions of `problem`.
    phase
        Phase of the full problem that it stands for alone (1-based); None: all.
    """

    rule: str
    key: str
    text: str
    problem: SitingProblem
    plan: Plan
    phase: int | None = None


def relaxed(problem: SitingProblem, plan: Plan, rules: tuple[str, ...]) -> Iterator[Relaxed]:
    """Yield the problem without each rule of some kinds, in the order of :data:`RULES`.

    Early quotas are held as far as the plan holds them (:func:`careshed.siting.answers.plans.held`), so that nothing
    but the rule itself is given up.
    """
    for kind, family in _FAMILIES.items():
        if kind in rules:
            yield from family(problem, plan)


def _quotas(problem: SitingProblem, plan: Plan) -> Iterator[Relaxed]:
    """Yield the problem without each group's quota, and without all."""
    for group, quota in problem.quotas.items():
        name = problem.group_names[group]
        left = replace(problem, quotas={g: q for g, q in problem.quotas.items() if g != group})
        yield Relaxed("quota", group, f"at least {quota} in {_label(name, group)}", held(left, plan), plan)
    if len(problem.quotas) > 1:
        text = f"the quotas of all {len(problem.quotas)} groups"
        yield Relaxed("quota", "", text, replace(problem, quotas={}), plan)


def _early(problem: SitingProblem, plan: Plan) -> Iterator[Relaxed]:
    """Yield the problem without quotas in earlier phases."""
    if problem.early_quotas and problem.quotas and len(problem.phases) > 1:
        text = "quotas in earlier phases, as far as they can be met"
        yield Relaxed("early quotas", "", text, replace(problem, early_quotas=False), plan)


def _tiers(problem: SitingProblem, plan: Plan) -> Iterator[Relaxed]:
    """Yield the problem without each tier's span and leaders, and without all tiers."""
    now = held(problem, plan)
    for tier in problem.tiers:
        if tier.span is not None:
            text = f"at most {tier.span} sites led by one of tier {tier.name}"
            yield Relaxed("span", tier.name, text, _with_tier(now, replace(tier, span=None)), plan)
    for tier in problem.tiers:
        if tier.led_by:
            limit = "any time" if tier.lead_ms is None else f"{tier.lead_ms / 60_000:g} min"
            text = f"each of tier {tier.name} within {limit} of its {' or '.join(tier.led_by)}"
            yield Relaxed("lead", tier.name, text, _with_tier(now, replace(tier, led_by=())), plan)
    if problem.tiers:
        tiers = tuple(replace(t, led_by=(), span=None) for t in problem.tiers)
        text = f"all {len(problem.tiers)} tiers: every site may be of any, and nobody is led"
        free = replace(now, tiers=tiers, tiers_of=("",) * len(problem.site_ids))
        yield Relaxed("tiers", "", text, free, plan)


def _statuses(status: str) -> Callable[[SitingProblem, Plan], Iterator[Relaxed]]:
    """Return the family of sites that are kept open, those outside left alone: each, and all of them."""

    def family(problem: SitingProblem, plan: Plan) -> Iterator[Relaxed]:
        own = [j for j, s in enumerate(problem.statuses) if s == status and problem.groups[j]]
        now = held(problem, plan)
        for site in own:
            text = f"{problem.label(site)} is {status}"
            yield Relaxed(status, str(problem.site_ids[site]), text, _as_candidates(now, [site]), plan)
        if len(own) > 1:
            yield Relaxed(status, "", f"all {len(own)} {status} sites", _as_candidates(now, own), plan)

    return family


def _sides(problem: SitingProblem, plan: Plan) -> Iterator[Relaxed]:
    """Yield the problem without each side rule."""
    for n, side in enumerate(problem.sides):
        left = replace(problem, sides=problem.sides[:n] + problem.sides[n + 1 :])
        yield Relaxed("side", str(n + 1), side_text(side), held(left, plan), plan)


def _nesting(problem: SitingProblem, plan: Plan) -> Iterator[Relaxed]:
    """Yield each phase alone, as if no other followed or had gone before."""
    if len(problem.phases) < 2:
        return
    for k, phase in enumerate(problem.phases):
        by = f" (by {phase.by})" if phase.by else ""
        alone = Plan(np.where(plan.phase <= k, 0, 1).astype(np.int64), np.where(plan.phase <= k, plan.rank, -1))
        text = f"phase {k + 1}{by} is nested in the others"
        yield Relaxed("nesting", str(k + 1), text, _alone(problem, plan, k), alone, k + 1)


def _alone(problem: SitingProblem, plan: Plan, k: int) -> SitingProblem:
    """Return one phase as a problem of its own.

    For an earlier phase, rules that the last phase alone has to keep are left out; what may not be exceeded there can't
    be exceeded before, and stays.
    """
    last = len(problem.phases) - 1
    phase = problem.phases[k]
    sides = [now for side in problem.sides if (now := _side_at(side, k, last)) is not None]
    quotas = dict(problem.quotas) if k == last else {}
    statuses = problem.statuses
    if k < last:
        statuses = tuple(
            "candidate" if s == "required" and g else s for s, g in zip(statuses, problem.groups, strict=True)
        )
        if problem.early_quotas and problem.quotas:
            groups = np.array(problem.groups, dtype=object)
            lack = sum(max(q - int((groups[plan.phase <= k] == g).sum()), 0) for g, q in problem.quotas.items())
            sides.append(Shortfall(lack, problem.quotas, (1,)))
    return replace(
        problem,
        stations=phase.count,
        phases=(phase,),
        quotas=quotas,
        statuses=statuses,
        tiers=tuple(replace(t, count=phase.count) if t.name == problem.counted_tier else t for t in problem.tiers),
        sides=(*sides,),
    )


def _side_at(side: Side, k: int, last: int) -> Side | None:
    """Return what a side rule asks of phase `k` when it stands alone; None: nothing."""
    match side:
        case Among():
            own = last if side.phase is None else side.phase - 1
            least = side.at_least if own <= k else 0
            most = side.at_most if own >= k else None
            return replace(side, at_least=least, at_most=most, phase=None)
        case Budget():
            return side if k == last else replace(side, closing={})
        case Shortfall():
            return replace(side, phases=(1,)) if k + 1 in side.phases else None
        case Apart():
            return side
        case _:
            return side if k == last else None


def _with_tier(problem: SitingProblem, tier: Tier) -> SitingProblem:
    """Return the problem with a tier in place of the one of its name."""
    return replace(problem, tiers=tuple(tier if t.name == tier.name else t for t in problem.tiers))


def _as_candidates(problem: SitingProblem, sites: list[int]) -> SitingProblem:
    """Return the problem with some sites as candidates."""
    own = {*sites}
    return replace(problem, statuses=tuple("candidate" if j in own else s for j, s in enumerate(problem.statuses)))


def _label(name: str, id_: str) -> str:
    """Return a name with its id."""
    return name if name == id_ else f"{name} ({id_})"


def _said(name: str | Label) -> str:
    return joined([name]).en


def side_text(side: Side) -> str:  # noqa: PLR0911 - one for each rule
    """Return a side rule in words."""
    match side:
        case Among():
            limits = [f"at least {side.at_least}"] if side.at_least else []
            limits += [f"at most {side.at_most}"] if side.at_most is not None else []
            return f"{' and '.join(limits) or 'any number'} of {_said(side.name)}"
        case Apart():
            return f"open sites {_said(side.name)}"
        case Company():
            return f"each open site {_said(side.name)}"
        case Budget():
            return f"a budget of {side.at_most}"
        case WorstTime():
            whom = "everybody" if side.demand_ids is None else f"{len(side.demand_ids)} demand points"
            return f"{whom} within {side.ms / 60_000:g} min"
        case CoverageFloor():
            return f"at least {side.share:.1%} of {_said(side.name)} within {side.ms / 60_000:g} min"
        case Shortfall():
            return f"at most {side.at_most} stations lacking in phases {', '.join(map(str, side.phases))}"


_FAMILIES: dict[str, Callable[[SitingProblem, Plan], Iterator[Relaxed]]] = {
    "quotas": _quotas,
    "early quotas": _early,
    "tiers": _tiers,
    "nesting": _nesting,
    "required": _statuses("required"),
    "existing": _statuses("existing"),
    "sides": _sides,
}

RULES = tuple(_FAMILIES)
"""Kinds of rules that can be left out."""

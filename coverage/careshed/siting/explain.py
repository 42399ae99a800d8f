"""Why there is no plan: the rules that can't be met together, in words.

Plain shortages are counted first (a group without sites, more existing stations than a phase opens). What they
don't explain is found by dropping rules one by one as long as no plan exists: those that are left form a
smallest set in conflict (deletion filter: Chinneck, Dravnieks 1991).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from careshed.siting.columns import Columns, eligible, lead_lists
from careshed.siting.mip import Rulebook
from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.solution import Conflict

__all__ = ["conflicts"]

SHOWN = 5


def conflicts(problem: SitingProblem) -> list[Conflict]:
    """Return which rules can't be met, for a problem without a plan."""
    found = [conflict for check in CHECKS for conflict in check(problem)]
    return found or [_smallest_conflict(problem)]


def _listed(problem: SitingProblem, sites: npt.NDArray[np.int64]) -> str:
    """Return the first few sites by name."""
    names = ", ".join(problem.label(int(j)) for j in sites[:SHOWN])
    return names + (f" and {len(sites) - SHOWN} more" if len(sites) > SHOWN else "")


def _group(problem: SitingProblem, group: str) -> str:
    """Return a group's name with its id."""
    name = problem.group_names[group]
    return name if name == group else f"{name} ({group})"


def _minutes(ms: int | None) -> str:
    """Return a time in minutes."""
    return "any time" if ms is None else f"{ms / 60_000:g} min"


def _fixed(problem: SitingProblem) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the existing sites inside, and the existing and required ones."""
    inside = problem.inside
    status = np.array(problem.statuses, dtype=object)
    existing = np.flatnonzero(inside & (status == "existing"))
    return existing, np.flatnonzero(inside & np.isin(status, ["existing", "required"]))


def _places(problem: SitingProblem, count: int) -> tuple[int, str]:
    """Return how many sites are opened with `count` of the counted tier, and the words for it."""
    others = sum(t.count for t in problem.leading)
    words = f"{count} stations"
    if problem.leading:
        words += " and " + " and ".join(f"{t.count} of tier {t.name}" for t in problem.leading)
    return count + others, words


def _check_fixed(problem: SitingProblem) -> Iterator[Conflict]:
    """More sites are open anyway than are asked for."""
    existing, both = _fixed(problem)
    phase = problem.phases[0]
    places, words = _places(problem, phase.count)
    if len(existing) > places:
        by = f" (by {phase.by})" if phase.by else ""
        yield Conflict(
            "phases",
            f"{len(existing)} existing sites are open from the start ({_listed(problem, existing)}), but the first "
            f"phase{by} opens exactly {words}",
            f"raise the first phase to {phase.count + len(existing) - places} or mark existing sites as excluded",
        )
    places, words = _places(problem, problem.stations)
    if len(both) > places:
        yield Conflict(
            "stations",
            f"{len(both)} sites are existing or required ({_listed(problem, both)}), but exactly {words} are asked for",
            f"raise the stations to {problem.stations + len(both) - places} or release required sites",
        )


def _check_sites(problem: SitingProblem) -> Iterator[Conflict]:
    """Fewer sites than stations, in all or of a tier."""
    inside = int(problem.inside.sum())
    places, words = _places(problem, problem.stations)
    if inside < places:
        yield Conflict(
            "stations",
            f"{words} are asked for, but only {inside} sites inside the area may be opened",
            f"add {places - inside} candidate sites or ask for fewer stations",
        )
    status = np.array(problem.statuses, dtype=object)
    for tier in problem.tiers:
        able = eligible(problem, tier)
        if int(able.sum()) < tier.count:
            yield Conflict(
                "tier",
                f"tier {tier.name} asks for {tier.count} sites, but only {int(able.sum())} may be of it",
                f"let more sites be of tier {tier.name} (column tier: '{tier.name}' or empty) or lower its count",
            )
        own = np.flatnonzero(
            able & np.isin(status, ["existing", "required"]) & (np.array(problem.tiers_of, dtype=object) == tier.name)
        )
        if len(own) > tier.count:
            yield Conflict(
                "tier",
                f"{len(own)} existing or required sites are of tier {tier.name} ({_listed(problem, own)}), but its "
                f"count is {tier.count}",
                f"raise the count of tier {tier.name} to {len(own)} or clear the sites' tier",
            )


def _check_quotas(problem: SitingProblem) -> Iterator[Conflict]:
    """Find a group without enough sites, or more quotas than stations."""
    groups = np.array(problem.groups, dtype=object)
    for group, quota in problem.quotas.items():
        have = int((groups == group).sum())
        if have < quota:
            yield Conflict(
                "quota",
                f"{_group(problem, group)} is to have at least {quota} stations, but has {have} sites "
                "that may be opened",
                f"add {quota - have} candidate sites in {_group(problem, group)} or lower its quota to {have}",
            )
    places, words = _places(problem, problem.stations)
    wanted = sum(problem.quotas.values())
    _, fixed = _fixed(problem)
    least = {
        g: max(problem.quotas.get(g, 0), int((groups[fixed] == g).sum())) for g in {*problem.quotas, *groups[fixed]}
    }
    if wanted > places:
        yield Conflict(
            "quota",
            f"{len(problem.quotas)} groups ask for {wanted} stations together, but only {words} are opened",
            f"raise the stations by {wanted - places} or lower quotas",
        )
    elif sum(least.values()) > places >= len(fixed):
        crowded = [_group(problem, g) for g in sorted(least) if least[g] > problem.quotas.get(g, 0)]
        yield Conflict(
            "quota",
            f"the quotas of {len(problem.quotas)} groups and the existing and required sites beyond them (in "
            f"{', '.join(crowded[:SHOWN])}) need {sum(least.values())} stations, but only {words} are opened",
            f"raise the stations by {sum(least.values()) - places}, lower quotas or release required sites",
        )


def _check_leads(problem: SitingProblem) -> Iterator[Conflict]:
    """Nobody to lead, too far to be led, or too many to be led."""
    for tier in problem.tiers:
        if tier.led_by and tier.count:
            yield from _check_lead(problem, tier)


def _check_lead(problem: SitingProblem, tier: Tier) -> Iterator[Conflict]:
    """Check one led tier."""
    led, _ = lead_lists(problem, tier)
    able = len(np.unique(led))
    chiefs = " or ".join(tier.led_by)
    chosen = [t for t in problem.tiers if t.name in tier.led_by]
    if able < tier.count and all(eligible(problem, t).sum() >= t.count for t in (tier, *chosen)):
        hint = _nearest_pair(problem, tier)
        yield Conflict(
            "lead",
            f"tier {tier.name} asks for {tier.count} sites within {_minutes(tier.lead_ms)} of a {chiefs}, but only "
            f"{able} sites have a possible {chiefs} so near{hint}",
            f"allow more minutes between tier {tier.name} and its {chiefs}, or add sites for a {chiefs}",
        )


def _check_spans(problem: SitingProblem) -> Iterator[Conflict]:
    """Find more sites to be led than leaders may lead."""
    led = [t for t in problem.tiers if t.led_by]
    for tiers in [[t] for t in led] + ([led] if len(led) > 1 else []):
        leaders = [t for t in problem.tiers if any(t.name in other.led_by for other in tiers)]
        wanted = sum(t.count for t in tiers)
        most = sum(t.count * (wanted if t.span is None else t.span) for t in leaders)
        if wanted > most:
            whom = " and ".join(f"{t.count} of tier {t.name}" for t in tiers)
            who = " and ".join(f"{t.count} of tier {t.name} (span {t.span})" for t in leaders)
            names = " or ".join(t.name for t in leaders)
            yield Conflict(
                "span",
                f"{whom} need leaders, but {who} lead at most {most}",
                f"raise the span of tier {names} or open more of it, for {wanted - most} more sites",
            )
            return


def _nearest_pair(problem: SitingProblem, tier: Tier) -> str:
    """Return how near the nearest possible pair is, in words."""
    led, leader = lead_lists(problem, replace(tier, lead_ms=None))
    site, other, ms = problem.lead_pairs()
    possible = np.isin(site.astype(np.int64) * len(problem.site_ids) + other, led * len(problem.site_ids) + leader)
    return f" (the nearest pair is {_minutes(int(ms[possible].min()))} apart)" if possible.any() else ""


CHECKS: tuple[Callable[[SitingProblem], Iterator[Conflict]], ...] = (
    _check_fixed,
    _check_sites,
    _check_quotas,
    _check_leads,
    _check_spans,
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule that can be dropped.

    `drop` takes it out of a problem; `rows` names those of its rows that a problem without it still has.
    """

    rule: str
    text: str
    remedy: str
    drop: Callable[[SitingProblem], SitingProblem]
    rows: tuple[str, str] | None = None


def _quota_rules(problem: SitingProblem) -> Iterator[_Rule]:
    """Yield each group's quota."""
    for group, quota in problem.quotas.items():
        name = _group(problem, group)
        yield _Rule(
            "quota",
            f"at least {quota} in {name}",
            f"lower the quota of {name}",
            partial(_without_quota, group=group),
        )


def _tier_rules(problem: SitingProblem) -> Iterator[_Rule]:
    """Yield each led tier's span, then its leaders."""
    for tier in problem.tiers:
        chiefs = " or ".join(tier.led_by)
        if tier.span is not None:
            yield _Rule(
                "span",
                f"at most {tier.span} sites led by one of tier {tier.name}",
                f"raise the span of tier {tier.name}",
                partial(_with_tier, tier=replace(tier, span=None), span=True),
            )
        if tier.led_by:
            yield _Rule(
                "lead",
                f"each of tier {tier.name} within {_minutes(tier.lead_ms)} of its {chiefs}",
                f"allow more minutes between tier {tier.name} and its {chiefs}",
                partial(_with_tier, tier=replace(tier, led_by=()), span=False),
            )


def _status_rules(problem: SitingProblem) -> Iterator[_Rule]:
    """Yield what keeps each existing and required site open."""
    existing, both = _fixed(problem)
    for site in both:
        what = "existing" if site in existing else "required"

        name = problem.label(int(site))
        yield _Rule(
            what, f"{name} is {what}", f"mark {name} as a candidate or excluded", partial(_as_candidate, site=int(site))
        )


def _count_rules(problem: SitingProblem) -> Iterator[_Rule]:
    """Yield the tiers' and phases' counts."""
    for tier in problem.leading:
        yield _Rule(
            "tier",
            f"exactly {tier.count} of tier {tier.name}",
            f"change the count of tier {tier.name}",
            _same,
            ("tier", tier.name),
        )
    for k, phase in enumerate(problem.phases):
        by = f" by {phase.by}" if phase.by else ""
        yield _Rule(
            "phases",
            f"exactly {phase.count} stations{by}",
            f"change the {phase.count} stations{by}",
            _same,
            ("count", str(k)),
        )


def _without_quota(problem: SitingProblem, *, group: str) -> SitingProblem:
    """Return the problem without one group's quota."""
    return replace(problem, quotas={g: q for g, q in problem.quotas.items() if g != group})


def _with_tier(problem: SitingProblem, *, tier: Tier, span: bool) -> SitingProblem:
    """Return the problem with a tier's span, or else its leaders, as in `tier`."""
    change = {"span": tier.span} if span else {"led_by": tier.led_by}
    tiers = tuple(replace(t, **change) if t.name == tier.name else t for t in problem.tiers)
    return replace(problem, tiers=tiers)


def _as_candidate(problem: SitingProblem, *, site: int) -> SitingProblem:
    """Return the problem with a fixed site as a candidate."""
    return replace(problem, statuses=tuple("candidate" if j == site else s for j, s in enumerate(problem.statuses)))


def _same(problem: SitingProblem) -> SitingProblem:
    """Return the problem as it is."""
    return problem


def _feasible(problem: SitingProblem, dropped: Sequence[_Rule]) -> bool:
    """Whether a plan exists without the dropped rules."""
    relaxed = replace(problem, early_quotas=False)
    for rule in dropped:
        relaxed = rule.drop(relaxed)
    book = Rulebook.of(Columns.of(relaxed))
    gone = {rule.rows for rule in dropped}
    book.rows = [row for row in book.rows if (row.rule, row.key) not in gone]
    return book.solve(np.zeros(book.columns.count)) is not None


def _smallest_conflict(problem: SitingProblem) -> Conflict:
    """Return a set of rules of which each is needed for the conflict."""
    families = [list(f(problem)) for f in (_quota_rules, _status_rules, _tier_rules, _count_rules)]
    dropped: list[_Rule] = []
    kept: list[_Rule] = []
    for family in families:
        if family and not _feasible(problem, dropped + family):
            dropped += family
            continue
        for rule in family:
            if _feasible(problem, [*dropped, rule]):
                kept.append(rule)
            else:
                dropped.append(rule)
    names = {rule.rule for rule in kept}
    return Conflict(
        names.pop() if len(names) == 1 else "rules",
        "these rules can't be met together, though any one less could: " + "; ".join(rule.text for rule in kept),
        "drop or loosen one of them: " + "; ".join(rule.remedy for rule in kept),
    )

"""Plain shortages, counted: what numbers alone forbid, with names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from careshed.siting.explain.words import SHOWN, group_words, listed, minutes, places, statuses
from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.rows.columns import eligible, lead_lists
from careshed.siting.solution import Conflict
from careshed.words import Label, joined, label

__all__ = ["CHECKS"]


def _check_fixed(problem: SitingProblem) -> Iterator[Conflict]:
    """More sites are open anyway than are asked for."""
    existing, both = statuses(problem)
    phase = problem.phases[0]
    count, words = places(problem, phase.count)
    if len(existing) > count:
        by = label("reasons.by", by=phase.by) if phase.by else ""
        sites = listed(problem, existing)
        yield Conflict(
            "phases",
            label("reasons.fixed_first", existing=len(existing), sites=sites, by=by, words=words),
            label("reasons.fixed_first_remedy", count=phase.count + len(existing) - count),
        )
    count, words = places(problem, problem.stations)
    if len(both) > count:
        yield Conflict(
            "stations",
            label("reasons.fixed_all", both=len(both), sites=listed(problem, both), words=words),
            label("reasons.fixed_all_remedy", count=problem.stations + len(both) - count),
        )


def _check_sites(problem: SitingProblem) -> Iterator[Conflict]:
    """Fewer sites than stations, in all or of a tier."""
    inside = int(problem.inside.sum())
    count, words = places(problem, problem.stations)
    if inside < count:
        yield Conflict(
            "stations",
            label("reasons.few_sites", words=words, inside=inside),
            label("reasons.few_sites_remedy", count=count - inside),
        )
    status = np.array(problem.statuses, dtype=object)
    for tier in problem.tiers:
        able = eligible(problem, tier)
        if int(able.sum()) < tier.count:
            yield Conflict(
                "tier",
                label("reasons.few_of_tier", tier=tier.name, count=tier.count, able=int(able.sum())),
                label("reasons.few_of_tier_remedy", tier=tier.name),
            )
        own = np.flatnonzero(
            able & np.isin(status, ["existing", "required"]) & (np.array(problem.tiers_of, dtype=object) == tier.name)
        )
        if len(own) > tier.count:
            yield Conflict(
                "tier",
                label(
                    "reasons.many_of_tier",
                    own=len(own),
                    tier=tier.name,
                    sites=listed(problem, own),
                    count=tier.count,
                ),
                label("reasons.many_of_tier_remedy", tier=tier.name, own=len(own)),
            )


def _check_quotas(problem: SitingProblem) -> Iterator[Conflict]:
    """Find a group without enough sites, or more quotas than stations."""
    groups = np.array(problem.groups, dtype=object)
    for group, quota in problem.quotas.items():
        have = int((groups == group).sum())
        if have < quota:
            name = group_words(problem, group)
            yield Conflict(
                "quota",
                label("reasons.few_in_group", group=name, quota=quota, have=have),
                label("reasons.few_in_group_remedy", more=quota - have, group=name, have=have),
            )
    count, words = places(problem, problem.stations)
    wanted = sum(problem.quotas.values())
    _, fixed = statuses(problem)
    least = {
        g: max(problem.quotas.get(g, 0), int((groups[fixed] == g).sum())) for g in {*problem.quotas, *groups[fixed]}
    }
    if wanted > count:
        yield Conflict(
            "quota",
            label("reasons.quotas_many", groups=len(problem.quotas), wanted=wanted, words=words),
            label("reasons.quotas_many_remedy", more=wanted - count),
        )
    elif sum(least.values()) > count >= len(fixed):
        crowded = [group_words(problem, g) for g in sorted(least) if least[g] > problem.quotas.get(g, 0)]
        groups_named, needed = joined(crowded[:SHOWN]), sum(least.values())
        yield Conflict(
            "quota",
            label(
                "reasons.quotas_crowded",
                groups=len(problem.quotas),
                crowded=groups_named,
                least=needed,
                words=words,
            ),
            label("reasons.quotas_crowded_remedy", more=needed - count),
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
    chiefs = joined(tier.led_by, by="or")
    chosen = [t for t in problem.tiers if t.name in tier.led_by]
    if able < tier.count and all(eligible(problem, t).sum() >= t.count for t in (tier, *chosen)):
        yield Conflict(
            "lead",
            label(
                "reasons.few_led",
                tier=tier.name,
                count=tier.count,
                within=minutes(tier.lead_ms),
                chiefs=chiefs,
                able=able,
                hint=_nearest_pair(problem, tier),
            ),
            label("reasons.few_led_remedy", tier=tier.name, chiefs=chiefs),
        )


def _check_spans(problem: SitingProblem) -> Iterator[Conflict]:
    """Find more sites to be led than leaders may lead."""
    led = [t for t in problem.tiers if t.led_by]
    for tiers in [[t] for t in led] + ([led] if len(led) > 1 else []):
        leaders = [t for t in problem.tiers if any(t.name in other.led_by for other in tiers)]
        wanted = sum(t.count for t in tiers)
        most = sum(t.count * (wanted if t.span is None else t.span) for t in leaders)
        if wanted > most:
            whom = [label("reasons.of_tier_count", count=t.count, tier=t.name) for t in tiers]
            who = [label("reasons.of_tier_span", count=t.count, tier=t.name, span=t.span) for t in leaders]
            names = joined([t.name for t in leaders], by="tiers_or")
            yield Conflict(
                "span",
                label("reasons.span_short", whom=joined(whom, by="and"), who=joined(who, by="and"), most=most),
                label("reasons.span_short_remedy", tiers=names, more=wanted - most),
            )
            return


def _nearest_pair(problem: SitingProblem, tier: Tier) -> Label:
    """Return how near the nearest possible pair is, in words."""
    led, leader = lead_lists(problem, replace(tier, lead_ms=None))
    site, other, ms = problem.lead_pairs()
    possible = np.isin(site.astype(np.int64) * len(problem.site_ids) + other, led * len(problem.site_ids) + leader)
    if not possible.any():
        return Label("", "")
    return label("reasons.nearest_pair", apart=minutes(int(ms[possible].min())))


CHECKS: tuple[Callable[[SitingProblem], Iterator[Conflict]], ...] = (
    _check_fixed,
    _check_sites,
    _check_quotas,
    _check_leads,
    _check_spans,
)
"""Checks of numbers, quotas and tiers."""

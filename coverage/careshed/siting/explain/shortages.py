"""Plain shortages, counted: what numbers alone forbid, with names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from careshed.siting.explain.words import SHOWN, group_words, listed, minutes, places, statuses
from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.rows.columns import eligible, lead_lists
from careshed.siting.solution import Conflict

__all__ = ["CHECKS"]


def _check_fixed(problem: SitingProblem) -> Iterator[Conflict]:
    """More sites are open anyway than are asked for."""
    existing, both = statuses(problem)
    phase = problem.phases[0]
    count, words = places(problem, phase.count)
    if len(existing) > count:
        by = f" (by {phase.by})" if phase.by else ""
        yield Conflict(
            "phases",
            f"{len(existing)} existing sites are open from the start ({listed(problem, existing)}), but the first "
            f"phase{by} opens exactly {words}",
            f"raise the first phase to {phase.count + len(existing) - count} or mark existing sites as excluded",
        )
    count, words = places(problem, problem.stations)
    if len(both) > count:
        yield Conflict(
            "stations",
            f"{len(both)} sites are existing or required ({listed(problem, both)}), but exactly {words} are asked for",
            f"raise the stations to {problem.stations + len(both) - count} or release required sites",
        )


def _check_sites(problem: SitingProblem) -> Iterator[Conflict]:
    """Fewer sites than stations, in all or of a tier."""
    inside = int(problem.inside.sum())
    count, words = places(problem, problem.stations)
    if inside < count:
        yield Conflict(
            "stations",
            f"{words} are asked for, but only {inside} sites inside the area may be opened",
            f"add {count - inside} candidate sites or ask for fewer stations",
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
                f"{len(own)} existing or required sites are of tier {tier.name} ({listed(problem, own)}), but its "
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
                f"{group_words(problem, group)} is to have at least {quota} stations, but has {have} sites "
                "that may be opened",
                f"add {quota - have} candidate sites in {group_words(problem, group)} or lower its quota to {have}",
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
            f"{len(problem.quotas)} groups ask for {wanted} stations together, but only {words} are opened",
            f"raise the stations by {wanted - count} or lower quotas",
        )
    elif sum(least.values()) > count >= len(fixed):
        crowded = [group_words(problem, g) for g in sorted(least) if least[g] > problem.quotas.get(g, 0)]
        yield Conflict(
            "quota",
            f"the quotas of {len(problem.quotas)} groups and the existing and required sites beyond them (in "
            f"{', '.join(crowded[:SHOWN])}) need {sum(least.values())} stations, but only {words} are opened",
            f"raise the stations by {sum(least.values()) - count}, lower quotas or release required sites",
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
            f"tier {tier.name} asks for {tier.count} sites within {minutes(tier.lead_ms)} of a {chiefs}, but only "
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
    return f" (the nearest pair is {minutes(int(ms[possible].min()))} apart)" if possible.any() else ""


CHECKS: tuple[Callable[[SitingProblem], Iterator[Conflict]], ...] = (
    _check_fixed,
    _check_sites,
    _check_quotas,
    _check_leads,
    _check_spans,
)
"""Checks of numbers, quotas and tiers."""

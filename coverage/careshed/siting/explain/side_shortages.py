"""Plain shortages of side rules: what money, distances and times alone forbid, with names and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.siting.explain.reach import nearest_ms, sites_needed
from careshed.siting.explain.words import (
    among_words,
    amount,
    floor_words,
    listed,
    listed_ids,
    minutes,
    percent_down,
    places,
    plural,
)
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import eligible
from careshed.siting.rows.floors import Floor
from careshed.siting.rows.side_rules import money
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, WorstTime
from careshed.siting.solution import Conflict

__all__ = ["SIDE_CHECKS"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def open_anyway(problem: SitingProblem) -> Bools:
    """Return which sites are open in the last phase whatever is decided."""
    return problem.existing | np.array([s == "required" for s in problem.statuses], dtype=bool)


def _able(problem: SitingProblem, side: Among) -> Ints:
    """Return those sites of a rule that may be open, and of its tier."""
    sites = problem.site_positions(side.site_ids)
    if not side.tier:
        return sites
    tier = next(t for t in problem.tiers if t.name == side.tier)
    own = np.array([t == side.tier for t in problem.tiers_of], dtype=bool)
    return sites[np.where(problem.inside, eligible(problem, tier), own)[sites]]


def _held(problem: SitingProblem, side: Among) -> Ints:
    """Return those sites of a rule that are open anyway when it binds, and of its tier."""
    late = side.phase is None or side.phase == len(problem.phases)
    held = open_anyway(problem) if late else problem.existing
    if side.tier:
        held = held & np.array([t == side.tier for t in problem.tiers_of], dtype=bool)
    sites = problem.site_positions(side.site_ids)
    return sites[held[sites]]


def _check_among(problem: SitingProblem) -> Iterator[Conflict]:
    """Too few sites for a least number, too many open anyway for a greatest."""
    for side in (s for s in problem.sides if isinstance(s, Among)):
        words, able, held = among_words(problem, side), len(_able(problem, side)), _held(problem, side)
        if able < side.at_least:
            yield Conflict(
                "among",
                f"at least {side.at_least} of {words} must be open, but only {able} may be",
                f"add {plural(side.at_least - able, 'candidate site')} of {side.name} or lower the number to {able}",
            )
        if side.at_most is not None and len(held) > side.at_most:
            yield Conflict(
                "among",
                f"{len(held)} existing or required sites are of {words} ({listed(problem, held)}), but at most "
                f"{side.at_most} may be open",
                f"allow {len(held)} of {words} or release existing or required sites",
            )
        if side.at_most is not None and side.at_least > side.at_most:
            yield Conflict(
                "among",
                f"at least {side.at_least} and at most {side.at_most} sites of {words} are asked for",
                "correct one of the two figures",
            )
    yield from _check_disjoint(problem)


def _check_disjoint(problem: SitingProblem) -> Iterator[Conflict]:
    """Least numbers of rules that share no site ask for more places than there are."""
    count, words = places(problem, problem.stations)
    taken = ~problem.inside
    chosen: list[tuple[Among, int]] = []
    sides = [s for s in problem.sides if isinstance(s, Among)]
    for side in sorted(sides, key=lambda s: -s.at_least):
        sites = problem.site_positions(side.site_ids)
        inside = sites[problem.inside[sites]]
        least = side.at_least - (len(sites) - len(inside))
        if least > 0 and not taken[inside].any():
            taken[inside] = True
            chosen.append((side, least))
    wanted = sum(least for _, least in chosen)
    if wanted > count and len(chosen) > 1:
        names = listed_ids([f"at least {least} of {among_words(problem, side)}" for side, least in chosen])
        yield Conflict(
            "among",
            f"{names}: these share no site and ask for {wanted} stations together, but only {words} are opened",
            f"raise the stations by {wanted - count} or ask for fewer of them",
        )


def _near(problem: SitingProblem, side: Apart) -> tuple[Ints, Bools]:
    """Return the pairs too near each other, shape (pairs, 2), and the same as a table of all sites."""
    at = problem.site_ids.get_indexer
    ends = np.array(
        [at(pd.Index([pair[end] for pair in side.too_near], dtype=object)) for end in (0, 1)], dtype=np.int64
    )
    pairs = np.unique(np.sort(ends.T[(ends >= 0).all(axis=0)], axis=1), axis=0)
    always = problem.existing
    pairs = pairs[~always[pairs].all(axis=1) & (pairs[:, 0] != pairs[:, 1])]
    near = np.zeros((len(always), len(always)), dtype=bool)
    near[pairs[:, 0], pairs[:, 1]] = near[pairs[:, 1], pairs[:, 0]] = True
    return pairs, near


def _check_apart(problem: SitingProblem) -> Iterator[Conflict]:
    """Sites open anyway are too near each other, or there is no room for so many."""
    anyway, status = open_anyway(problem), problem.statuses
    for side in (s for s in problem.sides if isinstance(s, Apart)):
        pairs, near = _near(problem, side)
        bad = pairs[anyway[pairs].all(axis=1)]
        named = [f"{problem.label(a)} ({status[a]}) and {problem.label(b)} ({status[b]})" for a, b in bad.tolist()]
        if named:
            yield Conflict(
                "apart",
                f"{listed_ids(named)} are open whatever is decided, but too near each other: sites are to be "
                f"{side.name}",
                "release one of each two, or allow them to be nearer",
            )
            continue
        count, words = places(problem, problem.stations)
        some = problem.inside & ~near[:, anyway & ~problem.inside].any(axis=1)
        most = _cliques(near, np.flatnonzero(some))
        if most < count:
            yield Conflict(
                "apart",
                f"at most {most} of the {int(problem.inside.sum())} sites inside the area can be {side.name}, but "
                f"{words} are asked for",
                f"allow sites to be nearer, add candidate sites or ask for {count - most} fewer",
            )


def _cliques(near: Bools, sites: Ints) -> int:
    """Return into how many sets of mutually near sites some fall, greedily: of each, one at most is open."""
    left = np.zeros(len(near), dtype=bool)
    left[sites] = True
    cliques = 0
    while left.any():
        # the site with fewest near ones first: its set leaves the others whole
        degree = np.where(left, (near & left).sum(axis=1), len(near))
        site = int(np.argmin(degree))
        left[site] = False
        others = near[site] & left
        while others.any():
            site = int(np.argmax(np.where(others, (near & others).sum(axis=1), -1)))
            left[site] = False
            others &= near[site]
        cliques += 1
    return cliques


def _check_company(problem: SitingProblem) -> Iterator[Conflict]:
    """Find sites that are open anyway and have no other near."""
    anyway = open_anyway(problem)
    for side in (s for s in problem.sides if isinstance(s, Company)):
        sites = [(i, problem.site_positions([i]), problem.site_positions(near)) for i, near in side.near.items()]
        alone = [int(own[0]) for _, own, near in sites if len(own) and anyway[own[0]] and not len(near[near != own])]
        if alone:
            named = listed_ids([f"{problem.label(j)} ({problem.statuses[j]})" for j in alone])
            are, have = ("is", "has") if len(alone) == 1 else ("are", "have")
            yield Conflict(
                "company",
                f"{named} {are} open whatever is decided, but {have} no site near: each is to be {side.name}",
                "add a candidate site near, allow more metres, or release the site",
            )


def _check_budget(problem: SitingProblem) -> Iterator[Conflict]:
    """Sites open anyway, or as many as are asked for, cost more than the sum."""
    fixed = open_anyway(problem)
    count, words = places(problem, problem.stations)
    for side in (s for s in problem.sides if isinstance(s, Budget)):
        costs, closed = money(problem, side)
        free = problem.inside & ~fixed
        spent = closed + int(costs[fixed].sum())
        saved = int(np.minimum(costs[free], 0).sum())
        if spent + saved > side.at_most:
            those = plural(int(fixed.sum()), "existing or required site")
            those += ", with what closing others costs," if saved or closed else ""
            yield Conflict(
                "budget",
                f"{those} cost {amount(spent + saved)} at least, but the budget is {amount(side.at_most)}",
                f"raise the budget by {amount(spent + saved - side.at_most)} or release existing or required sites",
            )
            continue
        more = max(count - int((fixed & problem.inside).sum()), 0)
        least = spent + int(np.sort(costs[free])[:more].sum())
        if least > side.at_most and int(free.sum()) >= more:
            yield Conflict(
                "budget",
                f"{words} cost {amount(least)} at least (existing and required sites {amount(spent)}, the cheapest "
                f"{more} others {amount(least - spent)}), but the budget is {amount(side.at_most)}",
                f"raise the budget by {amount(least - side.at_most)} or ask for fewer stations",
            )


def _check_worst_time(problem: SitingProblem) -> Iterator[Conflict]:
    """Somebody has no site within the time, or more sites are needed than are opened."""
    for side in (s for s in problem.sides if isinstance(s, WorstTime)):
        demand = problem.demand_positions(side.demand_ids)
        least = nearest_ms(problem)[demand]
        far, lost = demand[least > side.ms], demand[least < 0]
        if len(far) + len(lost):
            yield _too_far(problem, side, far, lost)
            continue
        needed, (count, words) = sites_needed(problem, side), places(problem, problem.stations)
        if needed is not None and needed > count:
            yield Conflict(
                "worst time",
                f"for everybody to have a site within {minutes(side.ms)} {needed} sites are needed, but {words} are "
                "opened",
                f"raise the stations by {needed - count} or allow more minutes",
            )


def _too_far(problem: SitingProblem, side: WorstTime, far: Ints, lost: Ints) -> Conflict:
    """Return who has no site within the time."""
    both = np.concatenate([far, lost])
    people, ids = int(problem.weights[both].sum()), [str(i) for i in problem.demand_ids[both]]
    one = len(both) == 1
    text = (
        f"no site is within {minutes(side.ms)} of {plural(len(both), 'demand point')} with "
        f"{plural(people, 'inhabitant')} ({listed_ids(ids)})"
    )
    near = int(nearest_ms(problem)[far].max(initial=0))
    if len(lost):
        some = "it" if one else f"{len(lost):,} of them"
        text += f"; no site reaches {some} within the cutoff of {minutes(problem.cutoff_ms)}"
        return Conflict("worst time", text, "add candidate sites near them, or leave them out of the rule")
    text += f"; the nearest {'is' if one else 'are'} {minutes(near)} away{'' if one else ' at most'}"
    return Conflict("worst time", text, f"allow {minutes(near)} or add candidate sites near them")


def _check_floors(problem: SitingProblem) -> Iterator[Conflict]:
    """All sites together reach too few."""
    for side in (s for s in problem.sides if isinstance(s, CoverageFloor)):
        floor = Floor.of(problem, side)
        total = int(floor.weight.sum())
        if floor.most < floor.need:
            share = percent_down(floor.most, total)
            yield Conflict(
                "floor",
                f"{floor_words(side)} are {floor.need:,} of {total:,} people, but all sites together reach only "
                f"{floor.most:,} ({share})",
                f"lower the share of {side.name} to {share}, allow more minutes or add candidate sites near them",
            )


SIDE_CHECKS: tuple[Callable[[SitingProblem], Iterator[Conflict]], ...] = (
    _check_among,
    _check_apart,
    _check_company,
    _check_budget,
    _check_worst_time,
    _check_floors,
)
"""Checks of side rules."""

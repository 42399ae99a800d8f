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
)
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import eligible
from careshed.siting.rows.floors import Floor
from careshed.siting.rows.side_rules import money
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, WorstTime
from careshed.siting.solution import Conflict
from careshed.words import Label, label, plural

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
                label("reasons.among_few", least=side.at_least, words=words, able=able),
                label(
                    "reasons.among_few_remedy",
                    more=plural(side.at_least - able, "candidate site"),
                    name=side.name,
                    able=able,
                ),
            )
        if side.at_most is not None and len(held) > side.at_most:
            yield Conflict(
                "among",
                label(
                    "reasons.among_many",
                    held=len(held),
                    words=words,
                    sites=listed(problem, held),
                    most=side.at_most,
                ),
                label("reasons.among_many_remedy", held=len(held), words=words),
            )
        if side.at_most is not None and side.at_least > side.at_most:
            yield Conflict(
                "among",
                label("reasons.among_crossed", least=side.at_least, most=side.at_most, words=words),
                label("reasons.among_crossed_remedy"),
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
        names = listed_ids(
            [label("reasons.at_least_of", least=least, words=among_words(problem, side)) for side, least in chosen]
        )
        yield Conflict(
            "among",
            label("reasons.among_disjoint", names=names, wanted=wanted, words=words),
            label("reasons.among_disjoint_remedy", more=wanted - count),
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
    anyway = open_anyway(problem)
    for side in (s for s in problem.sides if isinstance(s, Apart)):
        pairs, near = _near(problem, side)
        bad = pairs[anyway[pairs].all(axis=1)]
        named = [
            label("reasons.two", one=_with_status(problem, a), other=_with_status(problem, b)) for a, b in bad.tolist()
        ]
        if named:
            yield Conflict(
                "apart",
                label("reasons.apart_anyway", pairs=listed_ids(named), name=side.name),
                label("reasons.apart_anyway_remedy"),
            )
            continue
        count, words = places(problem, problem.stations)
        some = problem.inside & ~near[:, anyway & ~problem.inside].any(axis=1)
        most = _cliques(near, np.flatnonzero(some))
        if most < count:
            inside = int(problem.inside.sum())
            yield Conflict(
                "apart",
                label("reasons.apart_room", most=most, inside=inside, name=side.name, words=words),
                label("reasons.apart_room_remedy", fewer=count - most),
            )


def _with_status(problem: SitingProblem, site: int) -> Label:
    """Return a site's name with its status."""
    status = {
        "existing": label("reasons.status_existing"),
        "required": label("reasons.status_required"),
        "candidate": label("reasons.status_candidate"),
    }[problem.statuses[site]]
    return label("reasons.with_status", site=problem.label(site), status=status)


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
            facts = {"sites": listed_ids([_with_status(problem, j) for j in alone]), "name": side.name}
            yield Conflict(
                "company",
                label("reasons.alone_one", **facts) if len(alone) == 1 else label("reasons.alone_many", **facts),
                label("reasons.alone_remedy"),
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
            if saved or closed:
                those = label("reasons.budget_with_closing", those=those)
            least = spent + saved
            yield Conflict(
                "budget",
                label("reasons.budget_fixed", those=those, spent=amount(least), budget=amount(side.at_most)),
                label("reasons.budget_fixed_remedy", more=amount(least - side.at_most)),
            )
            continue
        more = max(count - int((fixed & problem.inside).sum()), 0)
        least = spent + int(np.sort(costs[free])[:more].sum())
        if least > side.at_most and int(free.sum()) >= more:
            yield Conflict(
                "budget",
                label(
                    "reasons.budget_short",
                    words=words,
                    least=amount(least),
                    spent=amount(spent),
                    others=more,
                    rest=amount(least - spent),
                    budget=amount(side.at_most),
                ),
                label("reasons.budget_short_remedy", more=amount(least - side.at_most)),
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
                label("reasons.worst_needs", within=minutes(side.ms), needed=needed, words=words),
                label("reasons.worst_needs_remedy", more=needed - count),
            )


def _too_far(problem: SitingProblem, side: WorstTime, far: Ints, lost: Ints) -> Conflict:
    """Return who has no site within the time."""
    both = np.concatenate([far, lost])
    facts = {
        "within": minutes(side.ms),
        "points": plural(len(both), "demand point"),
        "people": plural(int(problem.weights[both].sum()), "inhabitant"),
        "ids": listed_ids([str(i) for i in problem.demand_ids[both]]),
    }
    if len(lost):
        cutoff = minutes(problem.cutoff_ms)
        text = (
            label("reasons.too_far_lost_one", cutoff=cutoff, **facts)
            if len(both) == 1
            else label("reasons.too_far_lost_some", cutoff=cutoff, some=f"{len(lost):,}", **facts)
        )
        return Conflict("worst time", text, label("reasons.too_far_lost_remedy"))
    near = minutes(int(nearest_ms(problem)[far].max(initial=0)))
    text = (
        label("reasons.too_far_one", near=near, **facts)
        if len(both) == 1
        else label("reasons.too_far_many", near=near, **facts)
    )
    return Conflict("worst time", text, label("reasons.too_far_remedy", near=near))


def _check_floors(problem: SitingProblem) -> Iterator[Conflict]:
    """All sites together reach too few."""
    for side in (s for s in problem.sides if isinstance(s, CoverageFloor)):
        floor = Floor.of(problem, side)
        total = int(floor.weight.sum())
        if floor.most < floor.need:
            share = percent_down(floor.most, total)
            yield Conflict(
                "floor",
                label(
                    "reasons.floor_short",
                    floor=floor_words(side),
                    need=f"{floor.need:,}",
                    all=f"{total:,}",
                    most=f"{floor.most:,}",
                    share=share,
                ),
                label("reasons.floor_short_remedy", name=side.name, share=share),
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

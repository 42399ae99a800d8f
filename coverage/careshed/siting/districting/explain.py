"""Why there are no districts, in words with names and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from careshed.siting.districting.problem import NEVER, DistrictProblem
from careshed.siting.districting.search import reached
from careshed.siting.explain.words import listed_ids
from careshed.siting.solution import Conflict
from careshed.words import Label, joined, label

__all__ = ["hopeless", "least_tolerance", "no_pieces", "too_tight"]

Ints = npt.NDArray[np.int64]


def hopeless(problem: DistrictProblem) -> list[Conflict]:
    """Return what rules every answer out, whatever the tolerance."""
    return [*_shared_seats(problem), *_cut_off(problem), *_unreached(problem)]


def _shared_seats(problem: DistrictProblem) -> Iterator[Conflict]:
    """Two cores in one unit."""
    for unit in np.flatnonzero(np.bincount(problem.seats) > 1).tolist():
        names = [problem.core(int(k)) for k in np.flatnonzero(problem.seats == unit)]
        yield Conflict(
            "seat",
            label("districts.shared_seat", cores=len(names), unit=problem.unit(unit), names=listed_ids(names)),
            label("districts.shared_seat_remedy"),
        )


def _cut_off(problem: DistrictProblem) -> Iterator[Conflict]:
    """Units that no chain of neighbours joins to a core's unit."""
    links = problem.neighbours()
    left = set(range(len(problem.unit_ids)))
    for seat in problem.seats.tolist():
        if seat in left:
            left -= reached(seat, left, links)
    while left:
        part = sorted(reached(min(left), left, links))
        left -= set(part)
        people = int(problem.weights[part].sum())
        facts = {"units": listed_ids([problem.unit(i) for i in part]), "people": f"{people:,}"}
        one = len(part) == 1
        yield Conflict(
            "contiguous",
            label("districts.cut_off_one", **facts) if one else label("districts.cut_off_some", **facts),
            label("districts.cut_off_remedy"),
        )


def _unreached(problem: DistrictProblem) -> Iterator[Conflict]:
    """Units that no core's times reach, and cores that their own unit can't reach."""
    never = np.flatnonzero((problem.costs == NEVER).all(axis=1)).tolist()
    if never:
        people = int(problem.weights[never].sum())
        yield Conflict(
            "reach",
            label(
                "districts.unreached",
                units=listed_ids([problem.unit(i) for i in never]),
                people=f"{people:,}",
            ),
            label("districts.unreached_remedy"),
        )
    for core, seat in enumerate(problem.seats.tolist()):
        if problem.costs[seat, core] == NEVER and seat not in never:
            yield Conflict(
                "reach",
                label("districts.own_core", core=problem.core(core), unit=problem.unit(seat)),
                label("districts.own_core_remedy"),
            )


def no_pieces(problem: DistrictProblem) -> Conflict:
    """Return the conflict of a problem whose missing times leave no connected districts."""
    units, cores = np.nonzero(problem.costs == NEVER)
    pairs = [
        label("districts.pair", unit=problem.unit(i), core=problem.core(k))
        for i, k in zip(units.tolist(), cores.tolist(), strict=True)
    ]
    return Conflict(
        "reach",
        label("districts.no_pieces", count=len(pairs), pairs=listed_ids(pairs)),
        label("districts.no_pieces_remedy"),
    )


def least_tolerance(problem: DistrictProblem, spread: float) -> Fraction:
    """Return the tolerance, in hundredths of a percent rounded up, that lets a spread pass."""
    return Fraction(math.ceil(Fraction(spread) / problem.people * 10_000), 10_000)


def too_tight(problem: DistrictProblem, owner: Ints | None, bound: float) -> Conflict:
    """Return the conflict of a tolerance that can't be kept.

    Parameters
    ----------
    problem
        What was asked.
    owner
        The most equal districts found; None where none were found in time.
    bound
        No districts have a smaller spread than this.
    """
    assert problem.tolerance is not None  # noqa: S101 - else nothing is too tight
    cores = len(problem.core_ids)
    mean = problem.people / cores
    tolerance = f"{float(problem.tolerance):.2%}"
    said = [label("districts.too_tight", cores=cores, tolerance=tolerance, mean=f"{mean:,.0f}")]
    heaviest = int(problem.weights.argmax())
    low, high = problem.window(problem.spread or 0)
    if problem.weights[heaviest] > high:
        people = f"{problem.weights[heaviest]:,}"
        said.append(label("districts.heavy_unit", unit=problem.unit(heaviest), people=people, most=f"{high:,}"))
    if low > high:
        said.append(label("districts.no_whole_number", people=problem.people, cores=cores))
    if owner is None:
        remedy = label("districts.more_than", tolerance=f"{float(least_tolerance(problem, bound)):.2%}")
        return Conflict("tolerance", _sentence(said), remedy)
    said.append(_evenest(problem, owner, bound, mean))
    least = float(least_tolerance(problem, problem.spread_of(owner)))
    facts = {"tolerance": f"{least:.4f}", "share": f"{least:.2%}"}
    if proven(problem, owner, bound):
        return Conflict("tolerance", _sentence(said), label("districts.allow", **facts))
    ruled_out = f"{float(Fraction(bound) / problem.people):.2%}"
    return Conflict("tolerance", _sentence(said), label("districts.allow_open", ruled_out=ruled_out, **facts))


def _sentence(said: Sequence[Label]) -> Label:
    """Return clauses as one sentence."""
    return joined(said, by="clauses")


def _evenest(problem: DistrictProblem, owner: Ints, bound: float, mean: float) -> Label:
    """Say how far the most equal districts are from equal."""
    loads = problem.loads(owner)
    worst = int(np.abs(loads * len(problem.core_ids) - problem.people).argmax())
    off = (loads[worst] - mean) / mean
    facts = {
        "which": label("districts.that_there_are") if proven(problem, owner, bound) else label("districts.found"),
        "core": problem.core(worst),
        "people": f"{loads[worst]:,}",
        "off": f"{abs(off):.2%}",
    }
    return label("districts.evenest_more", **facts) if off > 0 else label("districts.evenest_less", **facts)


def proven(problem: DistrictProblem, owner: Ints, bound: float) -> bool:
    """Whether no districts are more equal."""
    return problem.spread_of(owner) <= bound

"""Why there are no districts, in words with names and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from careshed.siting.districting.problem import NEVER, DistrictProblem
from careshed.siting.districting.search import reached
from careshed.siting.solution import Conflict

__all__ = ["hopeless", "least_tolerance", "no_pieces", "too_tight"]

Ints = npt.NDArray[np.int64]
SHOWN = 5


def hopeless(problem: DistrictProblem) -> list[Conflict]:
    """Return what rules every answer out, whatever the tolerance."""
    return [*_shared_seats(problem), *_cut_off(problem), *_unreached(problem)]


def _listed(names: Sequence[str]) -> str:
    """Return the first few names."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _shared_seats(problem: DistrictProblem) -> Iterator[Conflict]:
    """Two cores in one unit."""
    for unit in np.flatnonzero(np.bincount(problem.seats) > 1).tolist():
        names = [problem.core(int(k)) for k in np.flatnonzero(problem.seats == unit)]
        yield Conflict(
            "seat",
            f"{len(names)} cores stand in {problem.unit(unit)} ({_listed(names)}), but a district holds the unit of "
            "its core and a unit is in one district",
            "attach smaller units, or leave all but one of these cores out",
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
        what = f"{_listed([problem.unit(i) for i in part])} ({people:,} people)"
        touch = "touches no other unit" if len(part) == 1 else "touch each other, but no other unit"
        yield Conflict(
            "contiguous",
            f"{what} {touch}, and no core stands there, so no connected district can hold "
            f"{'it' if len(part) == 1 else 'them'}",
            "name a core there, add a pair of neighbours where a road or bridge joins them, or close the gap between "
            "the outlines",
        )


def _unreached(problem: DistrictProblem) -> Iterator[Conflict]:
    """Units that no core's times reach, and cores that their own unit can't reach."""
    never = np.flatnonzero((problem.costs == NEVER).all(axis=1)).tolist()
    if never:
        people = int(problem.weights[never].sum())
        yield Conflict(
            "reach",
            f"no core can be reached from {_listed([problem.unit(i) for i in never])} ({people:,} people)",
            "mend the network there (careshed check lists islands), or name a core that they reach",
        )
    for core, seat in enumerate(problem.seats.tolist()):
        if problem.costs[seat, core] == NEVER and seat not in never:
            yield Conflict(
                "reach",
                f"{problem.core(core)} can't be reached from {problem.unit(seat)}, the unit that it stands in",
                "move the core to a street of the main network (careshed check lists islands)",
            )


def no_pieces(problem: DistrictProblem) -> Conflict:
    """Return the conflict of a problem whose missing times leave no connected districts."""
    units, cores = np.nonzero(problem.costs == NEVER)
    pairs = [f"{problem.unit(i)} to {problem.core(k)}" for i, k in zip(units.tolist(), cores.tolist(), strict=True)]
    return Conflict(
        "reach",
        f"{len(pairs)} pairs of unit and core can't be reached ({_listed(pairs)}), and no connected districts do "
        "without them",
        "mend the network there (careshed check lists islands)",
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
    text = (
        f"no connected districts keep the people of all {cores} cores within {float(problem.tolerance):.2%} of the "
        f"mean, {mean:,.0f}"
    )
    heaviest = int(problem.weights.argmax())
    low, high = problem.window(problem.spread or 0)
    if problem.weights[heaviest] > high:
        text += f"; {problem.unit(heaviest)} alone has {problem.weights[heaviest]:,}, more than the {high:,} allowed"
    if low > high:
        text += f"; no whole number of people lies between {problem.people} / {cores} ∓ the tolerance"
    if owner is None:
        return Conflict("tolerance", text, f"allow more than {float(least_tolerance(problem, bound)):.2%}")
    loads = problem.loads(owner)
    worst = int(np.abs(loads * cores - problem.people).argmax())
    off = (loads[worst] - mean) / mean
    text += (
        f"; the most equal ones {'that there are' if proven(problem, owner, bound) else 'found'} give "
        f"{problem.core(worst)} {loads[worst]:,}, {abs(off):.2%} {'more' if off > 0 else 'less'}"
    )
    least = least_tolerance(problem, problem.spread_of(owner))
    remedy = f"allow a tolerance of {float(least):.4f} ({float(least):.2%}) or more"
    if not proven(problem, owner, bound):
        remedy += f" (less than {float(Fraction(bound) / problem.people):.2%} is ruled out)"
    return Conflict("tolerance", text, remedy)


def proven(problem: DistrictProblem, owner: Ints, bound: float) -> bool:
    """Whether no districts are more equal."""
    return problem.spread_of(owner) <= bound

"""Set covering and backup coverage as programs: LSCP, LSCP-B, BACOP1, BACOP2, and least relocation."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from careshed.siting.milp.program import Formulation, Goal, Program
from careshed.siting.milp.rows import CoverRows
from careshed.siting.models import BACOP1, BACOP2, LSCP, LSCPB
from careshed.siting.rows.columns import INF

__all__ = ["bacop1", "bacop2", "closed_goal", "covered_goal", "lscp", "lscp_b", "standard"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def standard(program: Program, ms: int | None) -> int:
    """Return a model's time, by default the problem's standard."""
    return program.columns.problem.standard_ms if ms is None else ms


def opened(program: Program, phase: int, values: Floats) -> Ints:
    """Return which sites are open in a phase, as 0 and 1."""
    return np.round(values[program.columns.open(phase, np.arange(program.columns.sites))]).astype(np.int64)


def summed(program: Program, measure: Callable[[int, Floats], int]) -> Callable[[Floats], int]:
    """Return a measure summed over the phases."""
    return lambda values: sum(measure(phase, values) for phase in range(program.columns.phases))


def lscp(program: Program, _model: LSCP) -> Formulation:
    """Fewest sites; that all are covered is the problem's rule."""
    return Formulation([_sites_goal(program)])


def lscp_b(program: Program, model: LSCPB) -> Formulation:
    """Fewest sites, then most people covered twice."""
    return Formulation([_sites_goal(program), _backup_goal(program, standard(program, model.within_ms))])


def bacop1(program: Program, model: BACOP1) -> Formulation:
    """Most people covered twice; that all are covered is the problem's rule."""
    return Formulation([_backup_goal(program, standard(program, model.within_ms))])


def bacop2(program: Program, model: BACOP2) -> Formulation:
    """Most people covered, once and twice, each with its weight."""
    rows = CoverRows.of(program.columns.problem, [standard(program, model.within_ms)])
    share = Fraction(str(model.first))
    once, twice = share.numerator, share.denominator - share.numerator
    people = int(rows.weight.sum())
    index = [_chain(program, rows, phase, 2) for phase in range(program.columns.phases)]

    def missed(phase: int, values: Floats) -> int:
        near = rows.near[0].counts(opened(program, phase, values))
        return int(np.dot(rows.weight, once * (near < 1) + twice * (near < 2)))

    cost = np.tile(np.concatenate([-once * rows.weight, -twice * rows.weight]), program.columns.phases)
    most, unit = people * share.denominator, share.denominator
    return Formulation([_maximum(program, "weighed", np.concatenate(index), cost, missed, most, unit)])


def covered_goal(program: Program, ms: int) -> Goal:
    """Return the goal of most people within a time."""
    return _people_goal(program, "covered", ms, 1)


def closed_goal(program: Program) -> Goal:
    """Return the goal of fewest closable sites that are closed in the last phase."""
    problem, last = program.columns.problem, program.columns.phases - 1
    sites = np.flatnonzero(np.array(problem.statuses, dtype=object) == "closable")
    index = program.columns.open(last, sites)

    def measure(values: Floats) -> int:
        return -int(opened(program, last, values)[sites].sum())

    return Goal("closed", index, -np.ones(len(index), dtype=np.int64), measure, 1, len(sites))


def _sites_goal(program: Program) -> Goal:
    """Return the goal of fewest open sites inside."""
    columns = program.columns
    inside = np.flatnonzero(columns.problem.inside)
    index = columns.open(columns.phases - 1, inside)

    def measure(values: Floats) -> int:
        return int(opened(program, columns.phases - 1, values)[inside].sum())

    return Goal("sites", index, np.ones(len(index), dtype=np.int64), measure)


def _backup_goal(program: Program, ms: int) -> Goal:
    """Return the goal of most people covered twice within a time."""
    return _people_goal(program, "backup", ms, 2)


def _people_goal(program: Program, name: str, ms: int, times: int) -> Goal:
    """Return the goal of most people who have so many open sites within a time."""
    rows = CoverRows.of(program.columns.problem, [ms])
    index = [_chain(program, rows, phase, times)[-len(rows.weight) :] for phase in range(program.columns.phases)]

    def missed(phase: int, values: Floats) -> int:
        return int(rows.weight[rows.near[0].counts(opened(program, phase, values)) < times].sum())

    cost = np.tile(-rows.weight, program.columns.phases)
    return _maximum(program, name, np.concatenate(index), cost, missed, int(rows.weight.sum()), 1)


def _maximum(
    program: Program,
    name: str,
    index: Ints,
    cost: Ints,
    missed: Callable[[int, Floats], int],
    most: int,
    divisor: int,
) -> Goal:
    """Return a goal that counts people: the solver's costs are negative, totals are ``missed − most``."""
    phases = program.columns.phases

    def measure(values: Floats) -> int:
        return sum(missed(phase, values) - most for phase in range(phases))

    return Goal(name, index, cost, measure, -1, 0, divisor)


def _chain(program: Program, rows: CoverRows, phase: int, times: int) -> Ints:
    """Add columns *z[k, row]*, open where a row has k sites, and return them, k by k.

    Their sum is at most the open sites near, and each is at most the one before it. Where there are several they
    are whole: half of a first and half of a second site would count as a second.
    """
    count = len(rows.weight)
    columns = [program.add_columns(count, whole=times > 1) for _ in range(times)]
    for row in range(count):
        own = np.array([some[row] for some in columns])
        sites = program.columns.open(phase, rows.near[0].of(row))
        program.add_row([(sites, 1.0), (own, -1.0)], 0.0, INF)
        for earlier, later in pairwise(own):
            program.add_row([(np.array([earlier]), 1.0), (np.array([later]), -1.0)], 0.0, INF)
    return np.concatenate(columns) if columns else np.zeros(0, dtype=np.int64)

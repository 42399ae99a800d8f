"""Roads from a problem to a plan: branch and cut, binary search, and the general program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from careshed.siting.answer import Answer, Effort, Progress, level_of
from careshed.siting.clock import Clock
from careshed.siting.cut.branch import Branching, Outcome
from careshed.siting.cut.levels import CostLevel, cost_level
from careshed.siting.cut.search import improved, plan_of, vector
from careshed.siting.milp.capacity import capacitated_mclp, capacitated_p_median
from careshed.siting.milp.cover import bacop1, bacop2, closed_goal, covered_goal, lscp, lscp_b, standard
from careshed.siting.milp.program import Formulation, Program
from careshed.siting.milp.vehicles import dsm, malp, mexclp
from careshed.siting.models import (
    BACOP1,
    BACOP2,
    DSM,
    LSCP,
    LSCPB,
    MALP,
    MCLP,
    MEXCLP,
    CapacitatedMCLP,
    CapacitatedPMedian,
    Lexicographic,
    PCenter,
    PMedian,
    Relocation,
)
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook
from careshed.siting.shortcuts import shortcut
from careshed.siting.solution import Level
from careshed.siting.worst import least_worst

__all__ = ["branched", "centred", "programmed", "relocated"]

Ints = npt.NDArray[np.int64]
FORMULATIONS: Mapping[type, Callable[[Program, Any], Formulation]] = {
    LSCP: lscp,
    LSCPB: lscp_b,
    BACOP1: bacop1,
    BACOP2: bacop2,
    DSM: dsm,
    MEXCLP: mexclp,
    MALP: malp,
    CapacitatedPMedian: capacitated_p_median,
    CapacitatedMCLP: capacitated_mclp,
}


def branched(
    problem: SitingProblem, model: MCLP | PMedian | Lexicographic, clock: Clock, progress: Progress
) -> Answer | None:
    """Branch and cut over linear programs, level by level; None where no plan keeps the rules."""
    if (found := shortcut(problem, model, clock, progress)) is not None:
        return found
    models = model.models if isinstance(model, Lexicographic) else (model,)
    columns = Columns.of(problem)
    book = Rulebook.of(columns)
    start = book.hold_short()
    if start is None:
        return None
    levels = [cost_level(problem, one) for one in models]
    outcomes: list[Outcome] = []
    costs = [level.costs for level in levels]
    plan = improved(book, costs, plan_of(columns, start))
    for n, level in enumerate(levels):
        late = clock.upto((n + 1) / len(levels))
        run = Branching(book, costs, outcomes, plan, late=late, progress=_shown(progress, level))
        outcomes.append(run.run())
        plan = outcomes[-1].plan
    told = tuple(
        level_of(level.name, level.shown(o.value), level.shown(o.bound), proven=o.bound == o.value)
        for level, o in zip(levels, outcomes, strict=True)
    )
    effort = Effort(
        "branch and cut over linear programs",
        sum(o.master.iterations for o in outcomes),
        sum(o.nodes for o in outcomes),
        max(o.master.rows for o in outcomes),
        max(o.master.size for o in outcomes),
    )
    return Answer(plan, told, effort)


def centred(problem: SitingProblem, model: PCenter, clock: Clock, progress: Progress) -> Answer | None:
    """Binary search over the distinct times, each step a program of the rules alone."""
    if (short := shortcut(problem, model, clock, progress)) is not None:
        return short
    found = least_worst(problem, clock, progress)
    if found is None:
        return None
    level = level_of("worst", found.worst_ms / 1000, found.bound_ms / 1000, proven=found.worst_ms == found.bound_ms)
    return Answer(found.plan, (level,), Effort("binary search over set covers", iterations=found.steps))


def programmed(problem: SitingProblem, model: Any, clock: Clock, progress: Progress) -> Answer | None:
    """Put rules and model in one program, goal after goal; None where nothing keeps them (or the time is up)."""
    if (short := shortcut(problem, model, clock, progress)) is not None:
        return short
    program = _program(problem)
    if program is None:
        return None
    formulation = FORMULATIONS[type(model)](program, model)
    return _pursued(program, formulation, (), clock, progress)


def relocated(problem: SitingProblem, model: Relocation, clock: Clock, progress: Progress) -> Answer | None:
    """Best coverage by branch and cut; then fewest closed and most covered, under what may be lost, as a program."""
    best = branched(problem, MCLP(model.within_ms), clock, progress)
    program = _program(problem)
    if best is None or program is None:
        return None
    goal = covered_goal(program, standard(program, model.within_ms))
    (top,) = best.levels
    program.limit(goal, int(-((1 - Fraction(str(model.loss))) * int(top.objective)) // 1))
    program.start = vector(program.columns, best.plan)
    return _pursued(program, Formulation([closed_goal(program), goal]), best.levels, clock, progress)


def _program(problem: SitingProblem) -> Program | None:
    """Return the program of the rules, with a plan that keeps them; None where there is none."""
    columns = Columns.of(problem)
    book = Rulebook.of(columns)
    start = book.hold_short()
    if start is None:
        return None
    level = cost_level(problem, MCLP())
    plan = plan_of(columns, start) if problem.free_count else improved(book, [level.costs], plan_of(columns, start))
    return Program(book, vector(columns, plan))


def _pursued(
    program: Program, formulation: Formulation, above: tuple[Level, ...], clock: Clock, progress: Progress
) -> Answer | None:
    """Solve goal after goal, each under the totals of those before it."""
    levels = list(above)
    goals = formulation.goals
    found = program.solve(goals[0], clock, 1 / len(goals), progress)
    if found is None:
        return None
    values = found.columns
    for n, goal in enumerate(goals, start=1):
        if found is None:  # the time was up: what there is stays, without a bound
            levels.append(level_of(goal.name, goal.shown(goal.measure(values)), goal.shown(-np.inf), proven=False))
            continue
        values = program.start = found.columns
        proven = found.bound == found.total
        levels.append(level_of(goal.name, goal.shown(found.total), goal.shown(found.bound), proven=proven))
        program.limit(goal, found.total)
        if n < len(goals):
            found = program.solve(goals[n], clock, (n + 1) / len(goals), progress)
    effort = Effort("mixed-integer program", 0, program.nodes, program.rows, program.size)
    plan = plan_of(program.columns, values[: program.columns.count])
    vehicles = formulation.vehicles(values) if formulation.vehicles else None
    shares = formulation.shares(values) if formulation.shares else None
    return Answer(plan, tuple(levels), effort, vehicles, shares)


def _shown(report: Progress, level: CostLevel) -> Progress:
    """Return a progress callable in the level's own figures."""

    def tell(incumbent: float, bound: float, text: str) -> None:
        report(level.shown(incumbent), level.shown(bound), f"{level.name}: {text}")

    return tell

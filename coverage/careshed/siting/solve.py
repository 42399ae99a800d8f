"""site(): from a problem and a model to a proven plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from careshed.errors import InputError
from careshed.siting.answer import Answer, Effort, Progress
from careshed.siting.clock import Clock, stoppable
from careshed.siting.cut.levels import reached
from careshed.siting.explain import conflicts
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
    Model,
    PCenter,
    PMedian,
    Relocation,
)
from careshed.siting.problem import SitingProblem
from careshed.siting.roads import branched, centred, programmed, relocated
from careshed.siting.sides import WorstTime
from careshed.siting.solution import Solution, SolverReport
from careshed.siting.written import PHASE_COLUMNS, assignment_table, no_plan, phase_table, station_table

__all__ = ["REFUSED", "site", "support_table"]

RULES = (
    "status", "count", "quotas", "tiers", "leads", "phases",
    "Among", "Apart", "Company", "Budget", "WorstTime", "CoverageFloor",
)  # fmt: skip
"""Rules as a problem names them; the last ones are its sides."""
REFUSED: Mapping[type, frozenset[str]] = {
    LSCP: frozenset({"count", "phases"}),
    LSCPB: frozenset({"count", "phases"}),
}
"""Rules that a model can't take: where the number of stations is the answer, nothing can be a share of it."""
ROADS: Mapping[type, Callable[[SitingProblem, Any, Clock, Progress], Answer | None]] = {
    MCLP: branched,
    PMedian: branched,
    Lexicographic: branched,
    PCenter: centred,
    Relocation: relocated,
    **dict.fromkeys((LSCP, LSCPB, BACOP1, BACOP2, DSM, MEXCLP, MALP, CapacitatedPMedian, CapacitatedMCLP), programmed),
}


def site(
    problem: SitingProblem,
    model: Model | None = None,
    *,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Find the best plan and prove it, level by level.

    Parameters
    ----------
    problem
        Sites, people, times and rules.
    model
        What is sought (:mod:`careshed.siting.models`); None: most people covered, then least response.
    time_limit_s
        Stop after about so many seconds with the best plan so far and its true gap; None (the default):
        go on until proven, so that the same problem always gives the same plan.
    progress
        Called with the best objective, the bound and a text while it works.

    Returns
    -------
    Solution
        With status ``optimal``, ``feasible`` (time limit, or the first Ctrl-C), ``unknown`` (either, before
        any plan was found) or ``infeasible`` (with `reason`).

    Raises
    ------
    InputError
        If the model can't take a rule of the problem, or a figure can't be meant.

    Notes
    -----
    Costs are whole people and milliseconds, evaluated exactly; a bound is accepted as met when it is less
    than one unit, or one part in 10⁹, from the plan's value.
    """
    model = Lexicographic() if model is None else model
    _check_support(problem, model)
    asked = _prepared(problem, model)
    clock = Clock(time_limit_s)
    with stoppable(clock):
        answer = ROADS[type(model)](asked, model, clock, progress if progress is not None else _silent)
    if answer is None and clock.late():
        return _without_plan(asked, "unknown", clock.begin)
    return _without_plan(asked, "infeasible", clock.begin) if answer is None else _solution(asked, answer, clock.begin)


def support_table() -> pd.DataFrame:
    """Return which model takes which rule: index ``model``, a column for each rule, True where it does."""
    names = [kind.__name__ for kind in ROADS]
    rows = [[rule not in REFUSED.get(kind, ()) for rule in RULES] for kind in ROADS]
    return pd.DataFrame(rows, columns=[*RULES], index=pd.Index(names, name="model"))


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""


def _check_support(problem: SitingProblem, model: Model) -> None:
    """Refuse a rule that the model can't take, by name."""
    if type(model) not in ROADS:
        raise InputError(f"model {model!r} is not known; expected one of {', '.join(kind.__name__ for kind in ROADS)}")
    if "phases" in REFUSED.get(type(model), ()) and len(problem.phases) > 1:
        dates = ", ".join(phase.by or str(phase.count) for phase in problem.phases)
        raise InputError(
            f"{type(model).__name__} decides how many stations there are and can't take phases ({dates}), which are "
            "shares of a known number: leave the phases out, or take another model"
        )


def _prepared(problem: SitingProblem, model: Model) -> SitingProblem:
    """Return the problem with the standards that a model asks of all."""
    if isinstance(model, DSM):
        ms = model.within2_ms
        if ms < (problem.standard_ms if model.within_ms is None else model.within_ms):
            raise InputError(f"within2_ms={ms} is less than the first standard: give the longer time")
    elif isinstance(model, LSCP | LSCPB | BACOP1):
        ms = problem.standard_ms if model.within_ms is None else model.within_ms
    else:
        return problem
    if ms > problem.cutoff_ms:
        raise InputError(f"a standard of {ms} ms is beyond the cutoff of the times, {problem.cutoff_ms} ms; raise it")
    ids = None
    if model.reachable_only:
        _, demand, took = problem.pairs()
        ids = tuple(str(i) for i in problem.demand_ids[np.unique(demand[took <= ms])])
    free = isinstance(model, LSCP | LSCPB)
    return replace(problem, sides=(*problem.sides, WorstTime(ms, ids)), free_count=free)


def _report(begin: float, effort: Effort) -> SolverReport:
    """Return the solver's report."""
    settings: dict[str, float | int | str] = {"method": effort.method, "threads": 1, "random_seed": 0}
    settings |= {"mip_rel_gap": 0.0, "accepted_gap": effort.accepted}
    took = time.monotonic() - begin
    return SolverReport(
        "HiGHS", version("highspy"), settings, took, effort.iterations, effort.nodes, effort.rows, effort.columns
    )


def _without_plan(problem: SitingProblem, status: str, begin: float) -> Solution:
    """Return the solution that says why there is none."""
    served = reached(problem)
    return Solution(
        status=status,
        stations=station_table(problem, no_plan(problem), None),
        assignment=assignment_table(problem, np.zeros(len(problem.site_ids), dtype=bool)),
        phases=pd.DataFrame(columns=PHASE_COLUMNS),
        unreachable=int(problem.weights[~served].sum()),
        unreachable_ids=problem.demand_ids[~served],
        levels=(),
        report=_report(begin, Effort("rules alone")),
        reason=tuple(conflicts(problem)) if status == "infeasible" else (),
    )


def _solution(problem: SitingProblem, answer: Answer, begin: float) -> Solution:
    """Write out the plan."""
    served = reached(problem)
    proven = all(level.status == "optimal" for level in answer.levels)
    return Solution(
        status="optimal" if proven else "feasible",
        stations=station_table(problem, answer.plan, answer.vehicles),
        assignment=assignment_table(problem, answer.plan.phase < len(problem.phases)),
        phases=phase_table(problem, answer.plan),
        unreachable=int(problem.weights[~served].sum()),
        unreachable_ids=problem.demand_ids[~served],
        levels=answer.levels,
        report=_report(begin, answer.effort),
        shares=answer.shares,
    )

"""The least worst time under all rules: binary search over the distinct times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from careshed.siting.clock import Clock
from careshed.siting.cut.search import Plan, plan_of
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook
from careshed.siting.sides import WorstTime
from careshed.siting.written import nearest_open

__all__ = ["Worst", "least_worst"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Worst:
    """A plan, its worst time, and a time below which no plan comes; steps of the search."""

    plan: Plan
    worst_ms: int
    bound_ms: int
    steps: int


def least_worst(problem: SitingProblem, clock: Clock, progress: Callable[[float, float, str], None]) -> Worst | None:
    """Return the plan whose worst time in the last phase is least; None where no plan keeps the rules.

    Whether a time can be kept is a set cover under the rules; each plan found lowers the upper end to its own worst
    time, each proof that there is none raises the lower end (Minieka 1970).
    """
    _, demand, ms = problem.pairs()
    served = np.unique(demand[problem.weights[demand] > 0]).astype(np.int64)
    least = np.full(len(problem.weights), problem.cutoff_ms, dtype=np.int64)
    np.minimum.at(least, demand, ms)
    ids = tuple(str(i) for i in problem.demand_ids[served])
    plan = _plan_within(problem)
    if plan is None:
        return None
    worst = _worst(problem, plan, served)
    # nobody is served sooner than by the nearest of all sites
    bound = int(least[served].max(initial=0))
    times = np.unique(np.append(ms[problem.weights[demand] > 0], bound)).astype(np.int64)
    times = times[times >= bound]
    low, steps = 0, 1
    while bound < worst and not clock.late():
        high = int(np.searchsorted(times, worst))
        at = (low + high) // 2
        trial = _plan_within(replace(problem, sides=(*problem.sides, WorstTime(int(times[at]), ids))))
        steps += 1
        if trial is None:
            low = at + 1
            bound = int(times[low]) if low < len(times) else problem.cutoff_ms
        else:
            plan, worst = trial, _worst(problem, trial, served)
        progress(worst / 1000, bound / 1000, f"worst: step {steps}")
    return Worst(plan, worst, bound, steps)


def _plan_within(problem: SitingProblem) -> Plan | None:
    """Return a plan that keeps the rules."""
    columns = Columns.of(problem)
    values = Rulebook.of(columns).hold_short()
    return None if values is None else plan_of(columns, values)


def _worst(problem: SitingProblem, plan: Plan, served: Ints) -> int:
    """Return a plan's worst time in the last phase."""
    _, least = nearest_open(problem, plan.phase < len(problem.phases))
    return int(least[served].max(initial=0))

r"""Districts: every unit attached to one of some given cores, in one piece, balanced, compact, proven.

Units *i* with :math:`w_i` people touch each other as a graph says; core *k* stands in unit :math:`s_k`. With
:math:`x_{ik} = 1` where unit *i* goes to core *k*, :math:`c_{ik}` the milliseconds of one person of *i* to *k*,
:math:`W = Σ w_i` and :math:`|K|` cores,

.. math::

    \min \; & Σ_i Σ_k w_i c_{ik} x_{ik} \\
    & Σ_k x_{ik} = 1 && \text{each unit has one core} \\
    & x_{s_k k} = 1 && \text{a core's own unit is in its district} \\
    & (1 - τ) W / |K| ≤ Σ_i w_i x_{ik} ≤ (1 + τ) W / |K| && \text{balanced within the tolerance } τ \\
    & x_{vk} ≤ Σ_{c ∈ C} x_{ck} && \text{in one piece: } C \text{ separates } v \text{ from } s_k \\
    & x_{ik} ∈ \{0, 1\}

The objective is compactness (Hess, Weaver, Siegfeldt, Whelan and Zitlau 1965, with times instead of squared
distances). Without a tolerance the largest deviation is made as small as it can be first, and the districts are the
most compact among the most equal ones. Separators are added where a solution breaks them (Oehrlein and Haunert 2017;
the cut model of Validi, Buchanan and Lykhovyd 2022; Shirabe 2009 states the same with flows); the rows "a unit is in a
district only with a unit that it touches" are there from the start. Each program is a relaxation, so its bound holds
for what was asked. A linear program says little about equal districts, since split units make any; up to 62 units,
connected districts are therefore enumerated first (:mod:`careshed.siting.districting.even`), and where they are not
too many that is the proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import pandas as pd

from careshed.siting.clock import Clock, stoppable
from careshed.siting.districting.borders import shared_borders
from careshed.siting.districting.explain import hopeless, no_pieces, too_tight
from careshed.siting.districting.problem import NEVER, DistrictProblem
from careshed.siting.districting.program import ACCEPTED, Outcome, solve
from careshed.siting.solution import Conflict, Level, SolverReport
from careshed.words import label

__all__ = ["DistrictProblem", "Districts", "attach", "shared_borders"]

Progress = Callable[[float, float, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Districts:
    """Districts with their proof, or the reason why there are none.

    Attributes
    ----------
    status
        ``optimal`` (every level proven), ``feasible`` (stopped by a time limit, see `gap`), ``infeasible``, or
        ``unknown`` (stopped before any were found; none are ruled out).
    assignment
        Index ``unit_id``: ``name``, ``core_id``, ``core``, ``weight`` (people), ``cost`` (of one person to the
        core). Empty where there are none.
    loads
        Index ``core_id``: ``name``, ``unit_id`` (where it stands), ``units``, ``weight`` (people), ``deviation``
        (share of the mean, + for more people), ``mean_cost`` (of one person), ``most_cost`` (of one person, in the
        unit where it is most). Empty where there are none.
    levels
        ``deviation`` (people; only without a tolerance) and ``compact`` (people × cost), in order.
    report
        How it was found.
    reason
        Where there are none, why.
    """

    status: str
    assignment: pd.DataFrame
    loads: pd.DataFrame
    levels: tuple[Level, ...]
    report: SolverReport
    reason: tuple[Conflict, ...] = ()

    @property
    def objective(self) -> float:
        """People × cost; infinite where there are no districts."""
        return self.levels[-1].objective if self.levels else float("inf")

    @property
    def bound(self) -> float:
        """No districts (as equal as these) are more compact than this."""
        return self.levels[-1].bound if self.levels else 0.0

    @property
    def gap(self) -> float:
        """The largest gap of the levels; infinite where there are no districts."""
        return max((level.gap for level in self.levels), default=float("inf"))


def attach(
    problem: DistrictProblem, *, time_limit_s: float | None = None, progress: Progress | None = None
) -> Districts:
    """Attach every unit to a core and prove that no districts are better.

    Parameters
    ----------
    problem
        Units, cores, costs, who touches whom, tolerance.
    time_limit_s
        Stop after about so many seconds with the best districts so far and their true gap; None (the default): go
        on until proven, so that the same problem always gives the same districts. Ctrl-C stops it too.
    progress
        Called with the best value, the bound and a text while it works.

    Returns
    -------
    Districts
        Where the tolerance can't be kept, `Districts.reason` names the smallest that can.

    Notes
    -----
    People and costs are whole, and districts are judged in whole numbers; a bound is accepted as met when it is less
    than one unit, or one part in 10⁹, from the value.
    """
    clock = Clock(time_limit_s)
    reason = tuple(hopeless(problem))
    if reason:
        return _none(problem, "infeasible", reason, clock, [])
    with stoppable(clock):
        return _attach(problem, clock, progress if progress is not None else _silent)


def _attach(problem: DistrictProblem, clock: Clock, tell: Progress) -> Districts:
    """Solve level by level; where the tolerance can't be kept, find the smallest that can."""
    if problem.tolerance is None:
        first = solve(problem, None, start=None, clock=clock, share=0.5, tell=tell)
        if first.owner is None:
            reason = _no_time(problem) if first.status == "unknown" else no_pieces(problem)
            return _none(problem, first.status, (reason,), clock, [first])
        second = solve(problem, first.value, start=first.owner, clock=clock, share=1.0, tell=tell)
        return _found(problem, [first, second], clock)
    only = solve(problem, problem.spread, start=None, clock=clock, share=1.0, tell=tell)
    if only.owner is not None:
        return _found(problem, [only], clock)
    if only.status == "unknown":
        return _none(problem, "unknown", (_no_time(problem),), clock, [only])
    # however late it is: without the smallest tolerance the answer would be of no use
    again = Clock(clock.limit_s)
    with stoppable(again):
        evenest = solve(problem, None, start=None, clock=again, share=1.0, tell=tell)
    pieces = evenest.owner is not None or evenest.status == "unknown"
    conflict = too_tight(problem, evenest.owner, evenest.bound) if pieces else no_pieces(problem)
    return _none(problem, "infeasible", (conflict,), clock, [only, evenest])


def _silent(value: float, bound: float, text: str) -> None:
    """Say nothing."""


def _no_time(problem: DistrictProblem) -> Conflict:
    return Conflict(
        "time",
        label("districts.no_time", units=len(problem.unit_ids)),
        label("districts.no_time_remedy"),
    )


def _level(problem: DistrictProblem, outcome: Outcome, name: str) -> Level:
    divisor = len(problem.core_ids) if name == "deviation" else 1
    objective, bound = outcome.value / divisor, outcome.bound / divisor
    gap = 0.0 if outcome.status == "optimal" else abs(objective - bound) / max(abs(objective), 1.0)
    return Level(name, objective, bound, gap, outcome.status)


def _report(clock: Clock, outcomes: list[Outcome]) -> SolverReport:
    settings: dict[str, float | int | str] = {
        "method": "connected districts enumerated; where too many, mixed-integer programs with separators",
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": 0.0,
        "accepted_gap": ACCEPTED,
    }
    return SolverReport(
        "HiGHS",
        version("highspy"),
        settings,
        time.monotonic() - clock.begin,
        sum(one.rounds for one in outcomes),
        sum(one.nodes for one in outcomes),
        max((one.rows for one in outcomes), default=0),
        max((one.columns for one in outcomes), default=0),
    )


def _none(
    problem: DistrictProblem, status: str, reason: tuple[Conflict, ...], clock: Clock, outcomes: list[Outcome]
) -> Districts:
    """Return the answer that there are none."""
    nobody = np.zeros(len(problem.unit_ids), dtype=np.int64)
    assignment, loads = _tables(problem, nobody)
    return Districts(status, assignment.iloc[:0], loads.iloc[:0], (), _report(clock, outcomes), reason)


def _found(problem: DistrictProblem, outcomes: list[Outcome], clock: Clock) -> Districts:
    """Write out the districts."""
    names = ("deviation", "compact")[-len(outcomes) :]
    levels = tuple(_level(problem, one, name) for one, name in zip(outcomes, names, strict=True))
    owner = outcomes[-1].owner
    assert owner is not None  # noqa: S101 - the caller saw to it
    proven = all(level.status == "optimal" for level in levels)
    return Districts("optimal" if proven else "feasible", *_tables(problem, owner), levels, _report(clock, outcomes))


def _tables(problem: DistrictProblem, owner: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of units and of districts."""
    cost = problem.costs[np.arange(len(owner)), owner]
    core_names = np.array(problem.core_names, dtype=object)
    assignment = pd.DataFrame(
        {
            "name": list(problem.unit_names),
            "core_id": problem.core_ids[owner],
            "core": core_names[owner],
            "weight": problem.weights,
            "cost": cost,
        },
        index=problem.unit_ids.rename("unit_id"),
    )
    loads = problem.loads(owner)
    mean = problem.people / len(problem.core_ids)
    total = np.zeros(len(loads), dtype=np.int64)
    np.add.at(total, owner, problem.weights * cost)
    most = np.full(len(loads), NEVER, dtype=np.int64)
    np.maximum.at(most, owner, cost)
    table = pd.DataFrame(
        {
            "name": list(problem.core_names),
            "unit_id": problem.unit_ids[problem.seats],
            "units": np.bincount(owner, minlength=len(loads)),
            "weight": loads,
            "deviation": (loads - mean) / mean,
            "mean_cost": total / np.maximum(loads, 1),
            "most_cost": most,
        },
        index=problem.core_ids.rename("core_id"),
    )
    return assignment, table

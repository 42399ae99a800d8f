"""site(): from a problem to a proven plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.siting.branch import ACCEPTED, Branching, Outcome
from careshed.siting.columns import Columns
from careshed.siting.costs import Costs
from careshed.siting.explain import conflicts
from careshed.siting.leads import assign_leaders
from careshed.siting.mip import Rulebook
from careshed.siting.problem import SitingProblem
from careshed.siting.search import Plan, improved, is_open, plan_of
from careshed.siting.solution import Level, Solution, SolverReport

__all__ = ["site"]

Ints = npt.NDArray[np.int64]
Progress = Callable[[float, float, str], None]
GROUPS = 120
"""Cuts a round and phase: few enough for a small program, enough for few rounds."""


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """One level: its name, its costs, and how a total becomes the figure that is shown.

    `sign`, `offset` and `divisor` turn a total t into ``(offset + sign * t) / divisor``.
    """

    name: str
    costs: Costs
    sign: int
    offset: int
    divisor: int

    def shown(self, total: float) -> float:
        """Return the figure that is shown for a total of `costs`."""
        figure = (self.offset + self.sign * total) / self.divisor
        return int(figure) if self.divisor == 1 and figure == int(figure) else figure


def site(problem: SitingProblem, *, time_limit_s: float | None = None, progress: Progress | None = None) -> Solution:
    """Find the best plan and prove it, level by level.

    Parameters
    ----------
    problem
        Sites, people, times and rules.
    time_limit_s
        Stop after about so many seconds with the best plan so far and its true gap; None (the default):
        go on until proven, so that the same problem always gives the same plan.
    progress
        Called with the best objective, the bound and a text while it works.

    Returns
    -------
    Solution
        With status ``optimal``, ``feasible`` (time limit) or ``infeasible`` (with `reason`).

    Notes
    -----
    Costs are whole people and milliseconds, evaluated exactly; a bound is accepted as met when it is less
    than one unit, or one part in 10⁹, from the plan's value.
    """
    begin = time.monotonic()
    report = progress if progress is not None else _silent
    columns = Columns.of(problem)
    book = Rulebook.of(columns)
    start = book.hold_short()
    if start is None:
        return _infeasible(problem, begin)
    levels = [_covered(problem), _response(problem)]
    outcomes: list[Outcome] = []
    costs = [level.costs for level in levels]
    plan = improved(book, costs, plan_of(columns, start))
    for n, level in enumerate(levels):
        deadline = None if time_limit_s is None else begin + time_limit_s * (n + 1) / len(levels)
        run = Branching(book, costs, outcomes, plan, deadline=deadline, progress=_shown(report, level))
        outcomes.append(run.run())
        plan = outcomes[-1].plan
    return _solution(problem, levels, outcomes, begin)


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""


def _shown(report: Progress, level: _Level) -> Progress:
    """Return a progress callable in the level's own figures."""

    def tell(incumbent: float, bound: float, text: str) -> None:
        report(level.shown(incumbent), level.shown(bound), f"{level.name}: {text}")

    return tell


def _reached(problem: SitingProblem) -> npt.NDArray[np.bool_]:
    """Return which demand some site reaches within the cutoff."""
    reached = np.zeros(len(problem.weights), dtype=bool)
    reached[problem.pairs()[1]] = True
    return reached


def _covered(problem: SitingProblem) -> _Level:
    """Level 1: people without a site within the standard, the fewer the better."""
    site, demand, ms = problem.pairs()
    near = ms <= problem.standard_ms
    zero = np.zeros(int(near.sum()), dtype=np.int32)
    costs = Costs.build(
        site[near],
        demand[near],
        zero,
        base=1,
        weights=problem.weights,
        always=problem.existing,
        groups=GROUPS,
    )
    phases = len(problem.phases)
    return _Level("covered", costs, -1, (int(problem.weights.sum()) - costs.constant) * phases, 1)


def _response(problem: SitingProblem) -> _Level:
    """Level 2: person-milliseconds of response, demand that no site reaches left out."""
    site, demand, ms = problem.pairs()
    weights = np.where(_reached(problem), problem.weights, 0)
    costs = Costs.build(
        site,
        demand,
        ms,
        base=problem.cutoff_ms,
        weights=weights,
        always=problem.existing,
        groups=GROUPS,
    )
    return _Level("response", costs, 1, costs.constant * len(problem.phases), 1000)


def _level(level: _Level, outcome: Outcome) -> Level:
    """Return a level's report; constants are back in."""
    objective, bound = level.shown(outcome.value), level.shown(outcome.bound)
    proven = outcome.bound == outcome.value
    gap = 0.0 if proven else abs(bound - objective) / max(abs(objective), 1.0)
    return Level(level.name, objective, bound, gap, "optimal" if proven else "feasible")


def _report(begin: float, outcomes: Sequence[Outcome]) -> SolverReport:
    """Return the solver's report."""
    settings: dict[str, float | int | str] = {
        "method": "branch and cut over linear programs",
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": 0.0,
        "accepted_gap": ACCEPTED,
    }
    return SolverReport(
        "HiGHS",
        version("highspy"),
        settings,
        time.monotonic() - begin,
        sum(o.master.iterations for o in outcomes),
        sum(o.nodes for o in outcomes),
        max((o.master.rows for o in outcomes), default=0),
        max((o.master.size for o in outcomes), default=0),
    )


def _infeasible(problem: SitingProblem, begin: float) -> Solution:
    """Return the solution that says why there is none."""
    reached = _reached(problem)
    return Solution(
        status="infeasible",
        stations=_stations(problem, Plan(np.full(len(problem.site_ids), 99), np.zeros(0, dtype=np.int64))),
        assignment=_assignment(problem, np.zeros(len(problem.site_ids), dtype=bool)),
        phases=pd.DataFrame(columns=PHASE_COLUMNS),
        unreachable=int(problem.weights[~reached].sum()),
        unreachable_ids=problem.demand_ids[~reached],
        levels=(),
        report=_report(begin, []),
        reason=tuple(conflicts(problem)),
    )


PHASE_COLUMNS = ["by", "stations", "open_sites", "covered", "person_seconds", "beyond", "missing_quota"]


def _solution(problem: SitingProblem, levels: Sequence[_Level], outcomes: Sequence[Outcome], begin: float) -> Solution:
    """Write out the plan."""
    plan = outcomes[-1].plan
    told = tuple(_level(level, outcome) for level, outcome in zip(levels, outcomes, strict=True))
    reached = _reached(problem)
    return Solution(
        status="optimal" if all(level.status == "optimal" for level in told) else "feasible",
        stations=_stations(problem, plan),
        assignment=_assignment(problem, is_open(plan, len(problem.phases) - 1)),
        phases=_phases(problem, plan),
        unreachable=int(problem.weights[~reached].sum()),
        unreachable_ids=problem.demand_ids[~reached],
        levels=told,
        report=_report(begin, outcomes),
    )


def _tier_names(problem: SitingProblem, plan: Plan, sites: Ints) -> list[str]:
    """Return the tier of each open site; outside sites keep the one they came with."""
    names = [t.name for t in problem.leading]
    inside = problem.inside
    return [
        (names[plan.rank[j]] if plan.rank[j] >= 0 else problem.counted_tier) if inside[j] else problem.tiers_of[j]
        for j in sites
    ]


def _stations(problem: SitingProblem, plan: Plan) -> pd.DataFrame:
    """Return the table of open sites."""
    sites = np.flatnonzero(is_open(plan, len(problem.phases) - 1))
    tiers = _tier_names(problem, plan, sites)
    inside = problem.inside[sites]
    leader = assign_leaders(problem, sites[inside], [t for t, own in zip(tiers, inside, strict=True) if own])
    phase = plan.phase[sites]
    return pd.DataFrame(
        {
            "name": [problem.site_names[j] for j in sites],
            "group": [problem.groups[j] for j in sites],
            "status": [problem.statuses[j] for j in sites],
            "tier": tiers,
            "phase": phase + 1,
            "by": [problem.phases[k].by for k in phase],
            "counted": [bool(own) and t == problem.counted_tier for t, own in zip(tiers, inside, strict=True)],
            "leader_id": [str(problem.site_ids[leader[int(j)]]) if int(j) in leader else "" for j in sites],
        },
        index=pd.Index(
            [str(problem.site_ids[j]) for j in sites.tolist()], name="site_id", dtype=problem.site_ids.dtype
        ),
    )


def _nearest(problem: SitingProblem, opened: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return each demand point's nearest open site (−1 none) and the time in ms (cutoff where none)."""
    site, demand, ms = problem.pairs()
    own = opened[site]
    site, demand, ms = site[own], demand[own], ms[own]
    order = np.lexsort((site, ms, demand))
    first = order[np.unique(demand[order], return_index=True)[1]]
    nearest = np.full(len(problem.weights), -1, dtype=np.int64)
    least = np.full(len(problem.weights), problem.cutoff_ms, dtype=np.int64)
    nearest[demand[first]], least[demand[first]] = site[first], ms[first]
    return nearest, least


def _assignment(problem: SitingProblem, opened: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return who serves whom in the last phase."""
    nearest, least = _nearest(problem, opened)
    ids = np.array([*map(str, problem.site_ids), ""], dtype=object)
    return pd.DataFrame(
        {"site_id": ids[nearest], "seconds": np.where(nearest < 0, np.nan, least / 1000.0), "weight": problem.weights},
        index=problem.demand_ids.rename("demand_id"),
    )


def _phases(problem: SitingProblem, plan: Plan) -> pd.DataFrame:
    """Return what each phase holds and reaches."""
    reached, inside = _reached(problem), problem.inside
    groups = np.array(problem.groups, dtype=object)
    counted = inside & (plan.rank < 0)
    rows = []
    for k, phase in enumerate(problem.phases):
        opened = is_open(plan, k)
        nearest, least = _nearest(problem, opened)
        short = sum(max(q - int((opened & (groups == g)).sum()), 0) for g, q in problem.quotas.items())
        rows.append(
            (
                phase.by,
                int((opened & counted).sum()),
                int(opened.sum()),
                int(problem.weights[(nearest >= 0) & (least <= problem.standard_ms)].sum()),
                int(np.dot(problem.weights[reached], least[reached])) / 1000.0,
                int(problem.weights[reached & (nearest < 0)].sum()),
                short,
            )
        )
    return pd.DataFrame(rows, columns=PHASE_COLUMNS, index=pd.RangeIndex(1, len(rows) + 1, name="phase"))

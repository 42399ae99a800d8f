"""Where a problem has no rules but a number of stations: the fast roads, and the way back to a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from careshed.siting.answer import Answer, Effort, Progress, level_of
from careshed.siting.clock import Clock
from careshed.siting.cut.costs import Costs
from careshed.siting.cut.levels import cost_level
from careshed.siting.cut.search import Plan
from careshed.siting.fast.found import Found
from careshed.siting.fast.maxcover import max_cover
from careshed.siting.fast.pcenter import CostRows, p_center
from careshed.siting.fast.pmedian import p_median
from careshed.siting.fast.setcover import Cover, set_cover
from careshed.siting.models import LSCP, MCLP, Lexicographic, PCenter, PMedian
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.side_rules import sites_within
from careshed.siting.sides import WorstTime

__all__ = ["shortcut"]

Ints = npt.NDArray[np.int64]
Rows = TypeVar("Rows", Costs, CostRows)
Of = TypeVar("Of")


def shortcut(problem: SitingProblem, model: object, clock: Clock, progress: Progress) -> Answer | None:
    """Take the fast road of a model; None where there is none, or where the problem has rules."""
    if isinstance(model, Lexicographic) and len(model.models) == 1:
        (model,) = model.models
    if isinstance(model, LSCP):
        return _fewest(problem, clock, progress)
    free = np.flatnonzero(~problem.existing).astype(np.int64)
    count = problem.stations - int((problem.existing & problem.inside).sum())
    if not _bare(problem) or not 0 < count <= len(free):
        return None
    if isinstance(model, PCenter):
        return _centre(problem, free, count, clock, progress)
    if isinstance(model, PMedian):
        return _level(problem, model, free, count, clock, progress)
    if isinstance(model, MCLP) and model.none_ms is None:
        return _level(problem, model, free, count, clock, progress)
    return None


def _bare(problem: SitingProblem) -> bool:
    """Whether a problem asks for a number of stations and nothing else."""
    ruled = problem.sides or problem.quotas or problem.tiers or problem.free_count or len(problem.phases) > 1
    return not ruled and "required" not in problem.statuses


def _fewest(problem: SitingProblem, clock: Clock, progress: Progress) -> Answer | None:
    """Return the fewest sites that serve all in time; None where there are rules, or where somebody can't be served."""
    side, *others = problem.sides
    if others or problem.quotas or problem.tiers or not isinstance(side, WorstTime):
        return None
    starts, site = sites_within(problem, side.ms, problem.demand_positions(side.demand_ids))
    if not np.diff(starts).all():
        return None
    fixed = np.flatnonzero(problem.existing | (np.array(problem.statuses, dtype=object) == "required"))
    inside = problem.inside

    def asked() -> Cover:
        return set_cover(starts, site.astype(np.int32), len(inside), forced=fixed, deadline=clock.deadline)

    cover = _asked(asked, clock)
    if cover is None:
        return None
    outside = int((~inside[cover.opened]).sum())
    value, bound = len(cover.opened) - outside, cover.bound - outside
    progress(value, bound, "sites: set cover")
    phase = np.ones(len(inside), dtype=np.int64)
    phase[problem.existing] = phase[cover.opened] = 0
    plan = Plan(phase, np.full(len(phase), -1, dtype=np.int64))
    effort = Effort("set cover: dominance, linear programs, branch and bound", nodes=cover.nodes, rows=cover.rows)
    return Answer(plan, (level_of("sites", value, bound, proven=cover.proven),), effort)


def _level(
    problem: SitingProblem, model: MCLP | PMedian, free: Ints, count: int, clock: Clock, progress: Progress
) -> Answer | None:
    """Return the best plan for costs of demand."""
    level = cost_level(problem, model)
    costs = _among(level.costs, free)
    road = p_median if isinstance(model, PMedian) else max_cover
    spent = costs.constant if isinstance(model, PMedian) else 0  # covering leaves out who can't be covered

    def tell(value: float, bound: float, text: str) -> None:
        progress(level.shown(value - spent), level.shown(bound - spent), f"{level.name}: {text}")

    found = _asked(lambda: road(costs, count, deadline=clock.deadline, progress=tell), clock)
    if found is None:
        return None
    shown = (level.shown(found.value - spent), level.shown(found.bound - spent))
    return _answer(problem, free, count, found, level.name, shown)


def _centre(problem: SitingProblem, free: Ints, count: int, clock: Clock, progress: Progress) -> Answer | None:
    """Return the plan of least worst time."""
    rows = _among(CostRows.of(problem), free)

    def tell(value: float, bound: float, text: str) -> None:
        progress(value / 1000, bound / 1000, f"worst: {text}")

    found = _asked(lambda: p_center(rows, count, deadline=clock.deadline, progress=tell), clock)
    if found is None:
        return None
    return _answer(problem, free, count, found, "worst", (found.value / 1000, found.bound / 1000))


def _among(rows: Rows, free: Ints) -> Rows:
    """Return rows whose sites are counted among those that are free to choose."""
    place = np.full(rows.sites, -1, dtype=np.int32)
    place[free] = np.arange(len(free), dtype=np.int32)
    return replace(rows, site=place[rows.site], sites=len(free))


def _asked(road: Callable[[], Of], clock: Clock) -> Of | None:
    """Run a fast road; None where somebody pressed Ctrl-C before it had a plan."""
    clock.raises = True
    try:
        return road()
    except KeyboardInterrupt:
        clock.stopped = True
        return None
    finally:
        clock.raises = False


def _answer(
    problem: SitingProblem, free: Ints, count: int, found: Found, name: str, shown: tuple[float, float]
) -> Answer:
    """Return a plan of all `count` sites: where fewer do as well, the first that are left join them."""
    opened = np.zeros(len(free), dtype=bool)
    opened[found.opened] = True
    opened[np.flatnonzero(~opened)[: count - len(found.opened)]] = True
    phase = np.ones(len(problem.site_ids), dtype=np.int64)
    phase[problem.existing] = 0
    phase[free[opened]] = 0
    plan = Plan(phase, np.full(len(phase), -1, dtype=np.int64))
    effort = Effort(found.method, nodes=found.nodes, rows=found.rows, columns=len(free))
    return Answer(plan, (level_of(name, *shown, proven=found.proven),), effort)

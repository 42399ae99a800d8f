"""Plans of one problem seen in another, with early quotas held as far as a plan holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from careshed.siting.cut.search import Plan, vector
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook
from careshed.siting.sides import Shortfall
from careshed.siting.solution import Solution
from careshed.siting.solve import site

__all__ = ["Say", "broken_rules", "has_plan", "held", "plan_in", "quiet", "reasons", "solved"]

Say = Callable[[str], None]
"""Told what is solved next, for whoever waits."""


def quiet(text: str) -> None:
    """Say nothing."""


def solved(problem: SitingProblem, model: Any = None, time_limit_s: float | None = None) -> Solution:
    """Return :func:`careshed.siting.site`'s answer; without a `model` its own levels are sought."""
    options: dict[str, Any] = {} if model is None else {"model": model}
    return site(problem, time_limit_s=time_limit_s, **options)


def has_plan(solution: Solution) -> bool:
    """Return whether a solution holds a plan."""
    return solution.status in ("optimal", "feasible")


def reasons(solution: Solution) -> str:
    """Return in one text why there is no plan; ``''`` where there is one."""
    if solution.status == "unknown":
        return "no plan was found in the time given"
    return "; ".join(conflict.text.en for conflict in solution.reason)


def plan_in(problem: SitingProblem, solution: Solution) -> Plan:
    """Return a solution's plan by positions of a problem with the same sites and tiers."""
    names = [t.name for t in problem.leading]
    phase = np.full(len(problem.site_ids), len(problem.phases), dtype=np.int64)
    rank = np.full(len(problem.site_ids), -1, dtype=np.int64)
    for id_, row in solution.stations.iterrows():
        at = int(problem.site_ids.get_loc(str(id_)))  # type: ignore[arg-type]
        phase[at] = int(row["phase"]) - 1
        if row["group"] != "" and row["tier"] in names:
            rank[at] = names.index(row["tier"])
    return Plan(phase, rank)


def lacking(problem: SitingProblem, plan: Plan, quotas: Mapping[str, int]) -> int:
    """Return how many stations groups lack in the phases before the last."""
    groups = np.array(problem.groups, dtype=object)
    return sum(
        max(quota - int((groups[plan.phase <= k] == group).sum()), 0)
        for k in range(len(problem.phases) - 1)
        for group, quota in quotas.items()
    )


def held(problem: SitingProblem, plan: Plan) -> SitingProblem:
    """Return a problem in which early quotas are held as far as a plan holds them.

    Early quotas ask for the least shortfall that the *other* rules allow. Where rules are added or left out that least
    changes, and plans can't be compared; here it is what the plan has.
    """
    if not (problem.early_quotas and problem.quotas and len(problem.phases) > 1):
        return problem
    early = tuple(range(1, len(problem.phases)))
    side = Shortfall(lacking(problem, plan, problem.quotas), problem.quotas, early)
    return replace(problem, early_quotas=False, sides=(*problem.sides, side))


def broken_rules(problem: SitingProblem, plan: Plan) -> list[str]:
    """Return the names of the rules that a plan breaks (but for early quotas), sorted."""
    columns = Columns.of(replace(problem, early_quotas=False))
    book = Rulebook.of(columns)
    values = vector(columns, plan)
    rows = [*book.broken(values), *book.found(values)]
    names = {f"{row.rule} {row.key}".strip() for row in rows}
    if (values < book.lower).any() or (values > book.upper).any():
        names.add("existing sites and eligible tiers")
    return sorted(names)

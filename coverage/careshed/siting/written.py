"""A plan written out as tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.siting.cut.levels import reached
from careshed.siting.cut.search import Plan, is_open
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.leads import assign_leaders

__all__ = [
    "PHASE_COLUMNS",
    "assignment_table",
    "nearest_open",
    "no_plan",
    "phase_table",
    "share_table",
    "station_table",
]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
PHASE_COLUMNS = ["by", "stations", "open_sites", "covered", "person_seconds", "beyond", "missing_quota"]


def no_plan(problem: SitingProblem) -> Plan:
    """Return the plan that opens nothing."""
    return Plan(np.full(len(problem.site_ids), len(problem.phases)), np.full(len(problem.site_ids), -1))


def _tier_names(problem: SitingProblem, plan: Plan, sites: Ints) -> list[str]:
    """Return the tier of each open site; outside sites keep the one they came with."""
    names = [t.name for t in problem.leading]
    inside = problem.inside
    return [
        (names[plan.rank[j]] if plan.rank[j] >= 0 else problem.counted_tier) if inside[j] else problem.tiers_of[j]
        for j in sites
    ]


def station_table(problem: SitingProblem, plan: Plan, vehicles: Ints | None) -> pd.DataFrame:
    """Return the table of open sites."""
    sites = np.flatnonzero(is_open(plan, len(problem.phases) - 1))
    tiers = _tier_names(problem, plan, sites)
    inside = problem.inside[sites]
    leader = assign_leaders(problem, sites[inside], [t for t, own in zip(tiers, inside, strict=True) if own])
    phase = plan.phase[sites]
    table = pd.DataFrame(
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
    if vehicles is not None:
        table["vehicles"] = vehicles[sites]
    return table


def nearest_open(problem: SitingProblem, opened: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
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


def assignment_table(problem: SitingProblem, opened: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return who serves whom in the last phase."""
    nearest, least = nearest_open(problem, opened)
    ids = np.array([*map(str, problem.site_ids), ""], dtype=object)
    return pd.DataFrame(
        {"site_id": ids[nearest], "seconds": np.where(nearest < 0, np.nan, least / 1000.0), "weight": problem.weights},
        index=problem.demand_ids.rename("demand_id"),
    )


def phase_table(problem: SitingProblem, plan: Plan) -> pd.DataFrame:
    """Return what each phase holds and reaches."""
    served, inside = reached(problem), problem.inside
    groups = np.array(problem.groups, dtype=object)
    counted = inside & (plan.rank < 0)
    rows = []
    for k, phase in enumerate(problem.phases):
        opened = is_open(plan, k)
        nearest, least = nearest_open(problem, opened)
        short = sum(max(q - int((opened & (groups == g)).sum()), 0) for g, q in problem.quotas.items())
        rows.append(
            (
                phase.by,
                int((opened & counted).sum()),
                int(opened.sum()),
                int(problem.weights[(nearest >= 0) & (least <= problem.standard_ms)].sum()),
                int(np.dot(problem.weights[served], least[served])) / 1000.0,
                int(problem.weights[served & (nearest < 0)].sum()),
                short,
            )
        )
    return pd.DataFrame(rows, columns=PHASE_COLUMNS, index=pd.RangeIndex(1, len(rows) + 1, name="phase"))


def share_table(problem: SitingProblem, site: Ints, demand: Ints, people: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Return who serves how many of whom, where capacities decide it."""
    some = np.flatnonzero(people > 0)
    return pd.DataFrame(
        {
            "demand_id": [str(problem.demand_ids[i]) for i in demand[some]],
            "site_id": [str(problem.site_ids[j]) for j in site[some]],
            "people": people[some],
        }
    )

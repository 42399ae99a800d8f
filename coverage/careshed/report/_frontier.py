"""Stations against coverage where no rule holds: the line that a plan is seen beside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from careshed.plan import Plan
from careshed.siting import SitingProblem
from careshed.siting.cut.costs import Costs
from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coverdual import priced
from careshed.siting.fast.coversearch import greedy, searched

__all__ = ["Frontier", "rule_free"]

TRADES = 300
"""Trades of sites that the search makes for each number of stations."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """Share of people within the standard by number of stations inside the boundary, from 1 up.

    Parameters
    ----------
    shares
        Of all people, 0 to 1, by the best sites that were found.
    off
        No plan with as many stations has a share more than so much above.
    full
        The least number found with which all are within the standard who can be; None: none is.
    """

    shares: tuple[float, ...]
    off: float
    full: int | None


def rule_free(plan: Plan) -> Frontier | None:
    """Return the most people that 1, 2, … up to the plan's number of stations have within the standard.

    Parameters
    ----------
    plan
        What was computed.

    Returns
    -------
    Frontier or None
        None where there is no plan. Stations outside the boundary are open and not counted, all other sites are free.

    Notes
    -----
    Sites are found by greedy choice and trades, and judged by the bound of prices (:mod:`careshed.siting.fast`): a
    proof of each number would take longer than the plan itself.
    """
    if plan.brief is None or plan.solution is None or not plan.solution.found:
        return None
    problem = plan.brief.problem
    people, most = int(problem.weights.sum()), int((plan.solution.stations["group"] != "").sum())
    if not people or not most:
        return None
    cover, lost = _cover(problem)
    missed: list[int] = []
    above = 0
    for p in range(1, most + 1):
        now = replace(cover, p=min(p, cover.sites))
        value, _ = searched(now, greedy(now), steps=TRADES)
        value = min([value, *missed[-1:]])
        if cover.rows and now.p < cover.sites and value > cover.spent:
            above = max(above, value - min(value, priced(now, value).bound))
        missed.append(value)
    full = next((p for p, value in enumerate(missed, start=1) if value == cover.spent), None)
    return Frontier(tuple(1 - (value + lost) / people for value in missed), above / people, full)


def _cover(problem: SitingProblem) -> tuple[Cover, int]:
    """Return who is within the standard of which site, and the people whom no site can have within it."""
    site, demand, took_ms = problem.pairs()
    usable = (took_ms <= problem.standard_ms) & (problem.inside | problem.existing)[site]
    site, demand = site[usable], demand[usable]
    costs = Costs.build(
        site,
        demand,
        np.zeros(len(site), dtype=np.int32),
        base=1,
        weights=problem.weights,
        always=~problem.inside & problem.existing,
        groups=1,
    )
    return Cover.of(costs, 1).reduced(), costs.constant

"""Who is near which site, counted for explanations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook, UndecidedError
from careshed.siting.rows.side_rules import worst_rows
from careshed.siting.sides import WorstTime

__all__ = ["nearest_ms", "sites_needed", "worst_ms"]

Ints = npt.NDArray[np.int64]
MOST_NODES = 2000


def nearest_ms(problem: SitingProblem, opened: npt.NDArray[np.bool_] | None = None) -> Ints:
    """Return each demand point's time to the nearest site, of all or of `opened` ones; −1 none in the cutoff."""
    site, demand, ms = problem.pairs()
    if opened is not None:
        demand, ms = demand[opened[site]], ms[opened[site]]
    far = problem.cutoff_ms + 1
    least = np.full(len(problem.weights), far, dtype=np.int64)
    np.minimum.at(least, demand, ms)
    return np.where(least == far, -1, least)


def worst_ms(problem: SitingProblem, side: WorstTime, opened: npt.NDArray[np.bool_]) -> int:
    """Return the longest time of those meant to their nearest open site; −1 where one has none."""
    least = nearest_ms(problem, opened)[problem.demand_positions(side.demand_ids)]
    return -1 if (least < 0).any() else int(least.max(initial=0))


def sites_needed(problem: SitingProblem, side: WorstTime) -> int | None:
    """Return the least number of sites inside with which everybody meant has one in time (set covering).

    None where that is too hard to say. Existing and required sites are open. Toregas, Swain, ReVelle and Bergman 1971.
    """
    columns = Columns.of(problem)
    lower, upper = columns.bounds()
    last = columns.phases - 1
    anyway = problem.existing | np.array([s == "required" for s in problem.statuses], dtype=bool)
    lower[columns.open(last, np.flatnonzero(anyway))] = 1.0
    cost = np.zeros(columns.count)
    cost[columns.open(last, np.flatnonzero(problem.inside))] = 1.0
    try:
        values = Rulebook(columns, list(worst_rows(columns, side)), lower, upper).solve(cost, most_nodes=MOST_NODES)
    except UndecidedError:
        return None
    return None if values is None else round(float(cost @ values))

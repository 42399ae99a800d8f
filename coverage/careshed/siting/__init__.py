"""Where to open stations: a problem, its exact solution, and the proof.

>>> from careshed.siting import Pairs, SitingProblem, site  # doctest: +SKIP
>>> solution = site(SitingProblem.build(sites, weights, times, stations=18, standard_ms=720_000))  # doctest: +SKIP
"""

from careshed.siting.matrix import from_cost_matrix
from careshed.siting.pairs import Pairs
from careshed.siting.problem import Phase, SitingProblem, Tier, phase_counts
from careshed.siting.solution import Conflict, Level, Solution, SolverReport
from careshed.siting.solve import site

__all__ = [
    "Conflict",
    "Level",
    "Pairs",
    "Phase",
    "SitingProblem",
    "Solution",
    "SolverReport",
    "Tier",
    "from_cost_matrix",
    "phase_counts",
    "site",
]

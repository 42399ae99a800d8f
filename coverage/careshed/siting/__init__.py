"""Where to open stations: a problem, its exact solution, and the proof.

>>> from careshed.siting import Pairs, SitingProblem, site  # doctest: +SKIP
>>> solution = site(SitingProblem.build(sites, weights, times, stations=18, standard_ms=720_000))  # doctest: +SKIP
"""

from careshed.siting.matrix import from_cost_matrix
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
    PCenter,
    PMedian,
    Relocation,
)
from careshed.siting.pairs import Pairs
from careshed.siting.problem import Phase, SitingProblem, Tier, phase_counts
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, WorstTime
from careshed.siting.solution import Conflict, Level, Relaxation, Solution, SolverReport
from careshed.siting.solve import site, support_table

__all__ = [
    "BACOP1",
    "BACOP2",
    "DSM",
    "LSCP",
    "LSCPB",
    "MALP",
    "MCLP",
    "MEXCLP",
    "Among",
    "Apart",
    "Budget",
    "CapacitatedMCLP",
    "CapacitatedPMedian",
    "Company",
    "Conflict",
    "CoverageFloor",
    "Level",
    "Lexicographic",
    "PCenter",
    "PMedian",
    "Pairs",
    "Phase",
    "Relaxation",
    "Relocation",
    "SitingProblem",
    "Solution",
    "SolverReport",
    "Tier",
    "WorstTime",
    "from_cost_matrix",
    "phase_counts",
    "site",
    "support_table",
]

"""Models with capacities as programs: who is served where is decided with the sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.siting.milp.cover import standard
from careshed.siting.milp.program import Formulation, Goal, Program
from careshed.siting.models import CapacitatedMCLP, CapacitatedPMedian
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import INF
from careshed.siting.written import share_table

__all__ = ["Shares", "capacitated_mclp", "capacitated_p_median", "capacities"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Which share of a demand point is served at which site.

    Attributes
    ----------
    site, demand, ms
        Pairs that may be, sorted by demand, int64.
    columns
        Column of each pair by phase, int64, shape (phases, pairs).
    """

    site: Ints
    demand: Ints
    ms: Ints
    columns: Ints

    @classmethod
    def add(cls, program: Program, most_ms: int, capacity: Ints, *, whole: bool, all_served: bool) -> Shares:
        """Add the shares of all pairs within a time, and the rows that hold them together."""
        problem, rules = program.columns.problem, program.columns
        site, demand, ms = (part.astype(np.int64) for part in problem.pairs())
        keep = (ms <= most_ms) & (problem.weights[demand] > 0)
        order = np.lexsort((site[keep], demand[keep]))
        site, demand, ms = site[keep][order], demand[keep][order], ms[keep][order]
        table = np.stack([program.add_columns(len(site), whole=whole) for _ in range(rules.phases)])
        starts = np.flatnonzero(np.diff(demand, prepend=-1))
        for phase, own in enumerate(table):
            for row in np.split(own, starts[1:]) if len(own) else []:
                program.add_row([(row, 1.0)], 1.0 if all_served else 0.0, 1.0, "served")
            for n, j in enumerate(site):
                program.add_row([(rules.open(phase, int(j)), 1.0), (own[n : n + 1], -1.0)], 0.0, INF)
            for j in range(rules.sites):
                mine = np.flatnonzero(site == j)
                room = max(float(capacity[j]), 1.0)
                people = problem.weights[demand[mine]] / room
                opening = -float(capacity[j]) / room
                program.add_row([(own[mine], people), (rules.open(phase, j), opening)], -INF, 0.0, "capacity")
        return cls(site, demand, ms, table)

    def people(self, problem: SitingProblem, phase: int, values: Floats) -> Floats:
        """Return the people of each pair in a phase: whole, but for what a solver leaves in the last digits."""
        return np.round(values[self.columns[phase]] * problem.weights[self.demand], 6)

    def reader(self, problem: SitingProblem) -> Callable[[Floats], pd.DataFrame]:
        """Return what writes out the last phase of a solution."""

        def read(values: Floats) -> pd.DataFrame:
            return share_table(problem, self.site, self.demand, self.people(problem, len(self.columns) - 1, values))

        return read


def capacities(problem: SitingProblem, capacity: int | Mapping[str, int]) -> Ints:
    """Return each site's capacity, people."""
    if isinstance(capacity, int):
        given = dict.fromkeys(problem.site_ids, capacity)
    else:
        given = {str(site): int(people) for site, people in capacity.items()}
    missing = [site for site in problem.site_ids if site not in given]
    if missing:
        raise InputError(f"capacity: site {missing[0]!r} and {len(missing) - 1} more have none; give one for each site")
    people = np.array([given[site] for site in problem.site_ids], dtype=np.int64)
    if (people < 0).any():
        raise InputError(f"capacity of {problem.label(int(np.argmin(people)))} is negative: expected people, 0 or more")
    return people


def capacitated_p_median(program: Program, model: CapacitatedPMedian) -> Formulation:
    """Least response of all who can be reached."""
    problem = program.columns.problem
    room = capacities(problem, model.capacity)
    shares = Shares.add(program, problem.cutoff_ms, room, whole=model.whole, all_served=True)
    cost = np.tile(problem.weights[shares.demand] * shares.ms, program.columns.phases)

    def measure(values: Floats) -> int:
        return sum(
            round(float(np.dot(shares.people(problem, phase, values), shares.ms)))
            for phase in range(program.columns.phases)
        )

    goal = Goal("response", shares.columns.ravel(), cost, measure, 1, 0, 1000)
    return Formulation([goal], shares=shares.reader(problem))


def capacitated_mclp(program: Program, model: CapacitatedMCLP) -> Formulation:
    """Most people served within the time."""
    problem = program.columns.problem
    room = capacities(problem, model.capacity)
    shares = Shares.add(program, standard(program, model.within_ms), room, whole=model.whole, all_served=False)
    cost = np.tile(-problem.weights[shares.demand], program.columns.phases)

    def measure(values: Floats) -> int:
        return -sum(
            round(float(shares.people(problem, phase, values).sum())) for phase in range(program.columns.phases)
        )

    goal = Goal("covered", shares.columns.ravel(), cost, measure, -1)
    return Formulation([goal], shares=shares.reader(problem))

"""Models that place vehicles at open sites as programs: DSM, MEXCLP, MALP."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.siting.milp.cover import standard
from careshed.siting.milp.program import Formulation, Goal, Program
from careshed.siting.milp.rows import CoverRows
from careshed.siting.models import DSM, MALP, MEXCLP
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import INF

__all__ = ["Fleet", "dsm", "fleet_sizes", "malp", "mexclp", "needed", "worths"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """Vehicles at sites: whole columns, one a phase and site.

    Attributes
    ----------
    columns
        Columns by phase, int64, shape (phases, sites).
    """

    columns: Ints

    @classmethod
    def add(cls, program: Program, vehicles: int, per_site: int) -> Fleet:
        """Add vehicles: one at least at each open site, `per_site` at most, as many as a phase has.

        Sites outside are others': each has one vehicle, beside those of the fleet.
        """
        rules, many = program.columns, program.columns.sites
        _check_fleet(rules.problem, vehicles, per_site)
        inside = rules.problem.inside
        table = np.empty((rules.phases, many), dtype=np.int64)
        for phase, total in enumerate(fleet_sizes(rules.problem, vehicles)):
            own = program.add_columns(many, upper=float(per_site), whole=True)
            table[phase] = own
            for site in range(many):
                opening, column = rules.open(phase, site), own[site : site + 1]
                most = float(per_site) if inside[site] else 1.0
                program.add_row([(opening, most), (column, -1.0)], 0.0, INF, "per site")
                program.add_row([(opening, -1.0), (column, 1.0)], 0.0, INF, "one each")
            program.add_row([(own[inside], 1.0)], float(total), float(total), "vehicles")
        return cls(table)

    def at(self, phase: int, values: Floats) -> Ints:
        """Return the vehicles at each site in a phase."""
        return np.round(values[self.columns[phase]]).astype(np.int64)


def _check_fleet(problem: SitingProblem, vehicles: int, per_site: int) -> None:
    """Refuse a fleet that the stations can't hold, or that can't man them."""
    stations = problem.phases[-1].count + sum(t.count for t in problem.leading)
    if not stations <= vehicles <= per_site * stations:
        raise InputError(
            f"vehicles={vehicles} for {stations} stations with 1 to {per_site} each: expected {stations} to "
            f"{per_site * stations}; change the vehicles, the stations or per_site"
        )


def fleet_sizes(problem: SitingProblem, vehicles: int) -> list[int]:
    """Return the vehicles of each phase, in proportion to its stations, rounded up."""
    others = sum(t.count for t in problem.leading)
    counts = [phase.count + others for phase in problem.phases]
    return [-(-vehicles * count // counts[-1]) if counts[-1] else vehicles for count in counts]


def worths(busy: float, most: int) -> Ints:
    """Return what the first, second … vehicle near a person is worth, in millionths.

    Examples
    --------
    >>> worths(0.5, 3)
    array([500000, 250000, 125000])
    """
    q = Fraction(str(busy))
    return np.array([round((1 - q) * q**k * MILLION) for k in range(most)], dtype=np.int64)


def needed(busy: float, reliability: float) -> int:
    """Return how many vehicles must be near so that one is free with the reliability asked for.

    Examples
    --------
    >>> needed(0.3, 0.9), needed(0.5, 0.75)
    (2, 2)
    """
    q, miss = Fraction(str(busy)), 1 - Fraction(str(reliability))
    count = max(math.floor(math.log(miss) / math.log(q)) - 1, 1)
    while q**count > miss:  # in fractions: 0.5 ** 2 is just 0.25
        count += 1
    return count


def dsm(program: Program, model: DSM) -> Formulation:
    """Most people with two vehicles within the first time; the second time is the problem's rule."""
    fleet = Fleet.add(program, model.vehicles, model.per_site)
    near_ms = standard(program, model.within_ms)
    rows = CoverRows.of(program.columns.problem, [near_ms])
    chains = [_chain(program, rows, fleet, phase, 2) for phase in range(program.columns.phases)]
    _within_share(program, rows, chains[-1][0], model)

    def missed(values: Floats) -> int:
        return sum(
            int(rows.weight[rows.near[0].counts(fleet.at(phase, values)) < 2].sum())
            for phase in range(program.columns.phases)
        )

    goal = _most(program, "backup", [chain[1] for chain in chains], rows.weight, missed)
    return Formulation([goal], vehicles=partial(fleet.at, program.columns.phases - 1))


def _within_share(program: Program, rows: CoverRows, once: Ints, model: DSM) -> None:
    """Ask that a share of all who can be reached has a vehicle within the first time."""
    problem = program.columns.problem
    everybody = problem.weights.sum()
    reached = CoverRows.of(problem, [model.within2_ms]).weight.sum() if model.reachable_only else everybody
    need = math.ceil(Fraction(str(model.share)) * int(reached))
    unit = max(need, 1)
    program.add_row([(once, rows.weight / unit)], need / unit, INF, "share")


def mexclp(program: Program, model: MEXCLP) -> Formulation:
    """Most people expected to find a free vehicle."""
    fleet = Fleet.add(program, model.vehicles, model.per_site)
    rows = CoverRows.of(program.columns.problem, [standard(program, model.within_ms)])
    worth = worths(model.busy, model.vehicles)
    worth = worth[worth > 0]
    chains = [_chain(program, rows, fleet, phase, len(worth), whole=False) for phase in range(program.columns.phases)]
    sums = np.concatenate(([0], np.cumsum(worth)))

    def missed(values: Floats) -> int:
        total = 0
        for phase in range(program.columns.phases):
            near = np.minimum(rows.near[0].counts(fleet.at(phase, values)), len(worth))
            total += int(np.dot(rows.weight, sums[-1] - sums[near]))
        return total

    flat = [np.concatenate(chain) for chain in chains]
    costs = np.concatenate([rows.weight * each for each in worth])
    goal = _most(program, "expected", flat, costs, missed, divisor=MILLION)
    return Formulation([goal], vehicles=partial(fleet.at, program.columns.phases - 1))


def malp(program: Program, model: MALP) -> Formulation:
    """Most people with as many vehicles near as the reliability asks for."""
    fleet = Fleet.add(program, model.vehicles, model.per_site)
    rows = CoverRows.of(program.columns.problem, [standard(program, model.within_ms)])
    many = needed(model.busy, model.reliability)
    chains = [_chain(program, rows, fleet, phase, many) for phase in range(program.columns.phases)]

    def missed(values: Floats) -> int:
        return sum(
            int(rows.weight[rows.near[0].counts(fleet.at(phase, values)) < many].sum())
            for phase in range(program.columns.phases)
        )

    goal = _most(program, "reliable", [chain[-1] for chain in chains], rows.weight, missed)
    return Formulation([goal], vehicles=partial(fleet.at, program.columns.phases - 1))


def _most(
    program: Program, name: str, index: list[Ints], cost: Ints, missed: Callable[[Floats], int], *, divisor: int = 1
) -> Goal:
    """Return a goal that counts people: totals are what is missed less all that there is."""
    most = int(cost.sum()) * program.columns.phases

    def measure(values: Floats) -> int:
        return missed(values) - most

    return Goal(name, np.concatenate(index), np.tile(-cost, program.columns.phases), measure, -1, 0, divisor)


def _chain(
    program: Program, rows: CoverRows, fleet: Fleet, phase: int, times: int, *, whole: bool = True
) -> list[Ints]:
    """Add columns *z[k][row]*, one where a row has k vehicles near, and return them by k.

    Worths that fall with k need no order and no whole numbers: the solver takes the first ones first.
    """
    count = len(rows.weight)
    columns = [program.add_columns(count, whole=whole and times > 1) for _ in range(times)]
    for row in range(count):
        own = np.array([some[row] for some in columns])
        near = fleet.columns[phase][rows.near[0].of(row)]
        program.add_row([(near, 1.0), (own, -1.0)], 0.0, INF)
        if whole:
            for earlier, later in pairwise(own):
                program.add_row([(np.array([earlier]), 1.0), (np.array([later]), -1.0)], 0.0, INF)
    return columns

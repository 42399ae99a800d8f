r"""Coverage floors: rows that a plan breaks.

The people of a floor whom sites *x* cover are :math:`Σ_i w_i \min(1, Σ_{j∈N_i} x_j)`. For any set *A* of them

.. math:: Σ_{i∈A} w_i Σ_{j∈N_i} x_j ≥ need - Σ_{i∉A} w_i

holds for all plans that keep the floor, and most tightly for those *A* whom *x* does not fully cover (Benders cut
of the covering subproblem: Cordeau, Furini, Ljubić 2019). A coefficient above the right side is lowered to it,
which no whole plan feels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import INF, Columns, Row
from careshed.siting.rows.side_rules import sites_within
from careshed.siting.sides import CoverageFloor

__all__ = ["Floor", "floors_of"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """One floor: its people, the sites near each, and how many must be covered.

    Attributes
    ----------
    side
        The rule.
    weight
        People, int64, shape (rows,).
    row, site
        Pairs within the time, int64.
    need
        People who must be covered.
    """

    side: CoverageFloor
    weight: Ints
    row: Ints
    site: Ints
    need: int

    @classmethod
    def of(cls, problem: SitingProblem, side: CoverageFloor) -> Self:
        """Lay out a floor."""
        demand = problem.demand_positions(side.demand_ids)
        starts, site = sites_within(problem, side.ms, demand)
        weight = problem.weights[demand]
        need = math.ceil(Fraction(str(side.share)) * int(weight.sum()))
        return cls(side, weight, np.repeat(np.arange(len(demand)), np.diff(starts)), site, need)

    @property
    def most(self) -> int:
        """People whom all sites together cover."""
        return int(self.weight[np.unique(self.row)].sum())

    def broken(self, columns: Columns, values: Floats) -> Iterator[Row]:
        """Yield the row that `values` (whole or fractional) break, if they do."""
        last = columns.open(columns.phases - 1, np.arange(columns.sites))
        reached = np.bincount(self.row, weights=values[last][self.site], minlength=len(self.weight))
        full = reached >= 1.0 - TOLERANCE
        missing = float(self.need - self.weight[full].sum())
        # less than half a person, so that a whole plan is judged exactly
        slack = min(TOLERANCE * max(self.need, 1), 0.5)
        if float(np.dot(self.weight[~full], reached[~full])) >= missing - slack:
            return
        some = ~full[self.row]
        coefficient = np.bincount(self.site[some], weights=self.weight[self.row[some]], minlength=columns.sites)
        sites = np.flatnonzero(coefficient)
        value = np.minimum(coefficient[sites], missing) / missing
        yield Row("floor", str(self.side.name), last[sites], value, 1.0, INF)


def floors_of(problem: SitingProblem) -> tuple[Floor, ...]:
    """Return a problem's floors."""
    return tuple(Floor.of(problem, side) for side in problem.sides if isinstance(side, CoverageFloor))

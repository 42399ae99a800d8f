r"""Quotas that bend: rows that a plan breaks.

Groups *g* with quotas :math:`q_g` lack :math:`Σ_k Σ_g \max(0, q_g - Σ_{j∈g} x_{kj})` stations. That this is at most
*m* says the same as

.. math:: Σ_{(k, g)∈A} Σ_{j∈g} x_{kj} ≥ Σ_{(k, g)∈A} q_g - m

for every set *A* of groups and phases, of which the one that lacks most is made of all that lack anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import INF, Columns, Row
from careshed.siting.sides import Shortfall

__all__ = ["Bend", "bends_of"]

Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Bend:
    """One shortfall, of which rows are found when a plan breaks it."""

    side: Shortfall

    def broken(self, columns: Columns, values: Floats) -> Iterator[Row]:
        """Yield the row that `values` (whole or fractional) break, if they do."""
        groups = np.array(columns.problem.groups, dtype=object)
        wanted, lacking = 0, 0.0
        index = [np.zeros(0, dtype=np.int64)]
        for phase in self.side.phases:
            for group, quota in self.side.quotas.items():
                own = columns.open(phase - 1, np.flatnonzero(groups == group))
                lack = quota - float(values[own].sum())
                if lack > TOLERANCE:
                    wanted, lacking = wanted + quota, lacking + lack
                    index.append(own)
        if lacking > self.side.at_most + TOLERANCE:
            every = np.concatenate(index)
            yield Row("shortfall", "", every, np.ones(len(every)), float(wanted - self.side.at_most), INF)


def bends_of(problem: SitingProblem) -> tuple[Bend, ...]:
    """Return a problem's shortfalls."""
    return tuple(Bend(side) for side in problem.sides if isinstance(side, Shortfall))

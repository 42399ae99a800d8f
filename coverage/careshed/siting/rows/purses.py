r"""Budgets kept to the unit: rows that a plan breaks.

A linear program keeps a budget within its tolerances, which in a sum of many millions is more than one unit.
A whole plan is therefore paid exactly, and one that costs too much is cut off by an extended cover (Balas 1975):
of sites whose costs together exceed the sum, and of those at least as dear as each of them, fewer are open than
the first are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import INF, Columns, Row
from careshed.siting.rows.side_rules import money
from careshed.siting.sides import Budget

__all__ = ["Purse", "purses_of"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Purse:
    """One budget.

    Attributes
    ----------
    sites
        Sites that cost or save something when open, int64.
    costs
        What each costs, negative where closing it costs more, int64, shape (sites,).
    room
        Most that the open sites may cost.
    """

    sites: Ints
    costs: Ints
    room: int

    @classmethod
    def of(cls, problem: SitingProblem, side: Budget) -> Self:
        """Lay out a budget."""
        costs, fixed = money(problem, side)
        sites = np.flatnonzero(costs).astype(np.int64)
        return cls(sites, costs[sites], side.at_most - fixed)

    def broken(self, columns: Columns, values: Floats) -> Iterator[Row]:
        """Yield the row that whole `values` break, if they do; fractional ones are left to the budget's own row."""
        last = columns.open(columns.phases - 1, self.sites)
        opened = np.round(values[last])
        if np.abs(values[last] - opened).max(initial=0.0) > WHOLE:
            return
        if int(self.costs[opened > 0].sum()) <= self.room:
            return
        # with every saving site open: an open site costs, and so does a closed one that would save
        gain = np.abs(self.costs)
        spent = np.flatnonzero((opened > 0) == (self.costs > 0))
        spent = spent[np.argsort(-gain[spent], kind="stable")]
        room = self.room - int(self.costs[self.costs < 0].sum())
        over = np.cumsum(gain[spent]) > room
        cover = spent[: int(np.argmax(over)) + 1] if room >= 0 else spent[:0]
        member = gain >= gain[cover].max(initial=0) if len(cover) else np.zeros(len(gain), dtype=bool)
        member[cover] = True
        sign = np.where(self.costs > 0, 1.0, -1.0)[member]
        most = len(cover) - 1.0 - float((sign < 0).sum())
        yield Row("purse", "", last[member], sign, -INF, most)


def purses_of(problem: SitingProblem) -> tuple[Purse, ...]:
    """Return a problem's budgets."""
    return tuple(Purse.of(problem, side) for side in problem.sides if isinstance(side, Budget))

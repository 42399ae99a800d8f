"""A mixed-integer program that begins with the rules, and to which a model adds columns, rows and objectives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.siting.clock import Clock
from careshed.siting.rows.columns import Columns, Row
from careshed.siting.rows.rulebook import Rulebook, add_rows, new_highs

__all__ = ["Formulation", "Goal", "Program", "Solved"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Late = Callable[[], bool]
Tell = Callable[[float, float, str], None]
SIZE = 1e5
"""The objective is scaled so that its greatest coefficient is at most this: HiGHS' tolerances are absolute."""
WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """One level of an objective: whole costs of columns, the less the better.

    `sign`, `offset` and `divisor` turn a total t into the figure that is shown, ``(offset + sign · t) / divisor``.

    Attributes
    ----------
    name
        The level's name.
    index, cost
        Columns and their whole costs.
    measure
        Total of a solution, computed from its sites alone (never from columns that the solver left loose).
    """

    name: str
    index: Ints
    cost: Ints
    measure: Callable[[Floats], int]
    sign: int = 1
    offset: int = 0
    divisor: int = 1

    def shown(self, total: float) -> float:
        """Return the figure that is shown for a total."""
        figure = (self.offset + self.sign * total) / self.divisor
        return int(figure) if self.divisor == 1 and np.isfinite(figure) and figure == int(figure) else figure


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    """What a model adds to the rules.

    Attributes
    ----------
    goals
        Its goals in lexicographic order.
    vehicles
        Reads vehicles at each site in the last phase off a solution; None: the model has none.
    shares
        Reads who is served where in the last phase off a solution; None: everybody at the nearest.
    """

    goals: list[Goal]
    vehicles: Callable[[Floats], Ints] | None = None
    shares: Callable[[Floats], pd.DataFrame] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Best solution of one goal: values of all columns, exact total, and a bound that no solution beats."""

    columns: Floats
    total: int
    bound: float


@dataclass(slots=True, eq=False)
class Program:
    """Rule columns first, then a model's.

    Attributes
    ----------
    book
        The rules.
    start
        A solution of the rule columns that keeps the rules, for a warm start; None: none known.
    """

    book: Rulebook
    start: Floats | None = None
    nodes: int = 0
    rows: int = 0
    _lower: list[Floats] = field(default_factory=list)
    _upper: list[Floats] = field(default_factory=list)
    _whole: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        """Begin with the rules."""
        self.size = self.columns.count
        self._lower, self._upper = [self.book.lower], [self.book.upper]
        self._whole = [np.arange(self.size) < self.columns.binaries]

    @property
    def columns(self) -> Columns:
        """Layout of the rule columns."""
        return self.book.columns

    def add_columns(self, count: int, *, lower: float = 0.0, upper: float = 1.0, whole: bool = False) -> Ints:
        """Add columns with common bounds and return where they stand."""
        self._lower.append(np.full(count, lower))
        self._upper.append(np.full(count, upper))
        self._whole.append(np.full(count, whole))
        self.size += count
        return np.arange(self.size - count, self.size, dtype=np.int64)

    def add_row(self, parts: Sequence[tuple[Ints, Floats | float]], lower: float, upper: float, key: str = "") -> None:
        """Add ``lower ≤ Σ value · column[index] ≤ upper``; `parts` are (index, value) and name each column once."""
        index = np.concatenate([i for i, _ in parts])
        value = np.concatenate([np.zeros(len(i)) + v for i, v in parts])
        self._rows.append(Row("model", key, index, value, lower, upper))

    def limit(self, goal: Goal, most: int) -> None:
        """Hold a goal's total at `most` or less."""
        unit = _unit(goal)
        cost = goal.cost.astype(np.float64) * unit
        self._rows.append(Row("limit", goal.name, goal.index, cost, -np.inf, (most + 0.5) * unit))

    def solve(self, goal: Goal, clock: Clock, share: float, tell: Tell) -> Solved | None:
        """Minimise a goal under all rows; None where nothing keeps them.

        Spans and floors join when a solution breaks them. Where the time is up before any solution is
        known (`share` of the clock's), it is None too: ask the clock.
        """
        highs = self._loaded(goal)
        unit = _unit(goal)
        while True:
            highs.setOptionValue("time_limit", highs.getRunTime() + clock.left_s(share))
            bound = self._run(highs, goal, clock.upto(share), tell)
            values = self._values(highs)
            bound = -np.inf if bound is None else bound / unit
            if values is None:
                return None
            found = self.book.found(values[: self.columns.count])
            if not found:
                total = goal.measure(values)
                proven = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
                # totals are whole: a bound less than one away is met
                met = proven and total - bound < max(1.0 - WHOLE, 1e-9 * abs(total))
                return Solved(values, total, float(total) if met else min(bound, float(total)))
            if clock.late(share):
                return None
            add_rows(highs, found)

    def _loaded(self, goal: Goal) -> highspy.Highs:
        """Return the solver with the whole program."""
        highs = new_highs()
        # totals are whole: a bound less than one away proves a solution
        highs.setOptionValue("mip_abs_gap", 0.999 * _unit(goal))
        highs.addVars(self.size, np.concatenate(self._lower), np.concatenate(self._upper))
        cost = np.zeros(self.size)
        np.add.at(cost, goal.index, goal.cost * _unit(goal))
        index = np.arange(self.size, dtype=np.int32)
        highs.changeColsCost(self.size, index, cost)
        whole = np.flatnonzero(np.concatenate(self._whole)).astype(np.int32)
        highs.changeColsIntegrality(len(whole), whole, np.full(len(whole), highspy.HighsVarType.kInteger))
        add_rows(highs, self.book.rows + self._rows)
        self.rows = max(self.rows, int(highs.getNumRow()))
        if self.start is not None:
            n = self.columns.binaries
            highs.setSolution(n, index[:n], np.round(self.start[:n]))
        return highs

    def _run(self, highs: highspy.Highs, goal: Goal, late: Late, tell: Tell) -> float | None:
        """Run the solver until proven or late; return its bound."""
        unit = _unit(goal)

        def watch(event: highspy.highs.HighsCallbackEvent) -> None:
            if late():
                event.interrupt()

        def told(event: highspy.highs.HighsCallbackEvent) -> None:
            out = event.data_out
            tell(goal.shown(out.mip_primal_bound / unit), goal.shown(out.mip_dual_bound / unit), goal.name)

        highs.cbMipInterrupt.subscribe(watch)
        highs.cbMipImprovingSolution.subscribe(told)
        highs.run()
        info = highs.getInfo()
        self.nodes += max(int(info.mip_node_count), 0)
        bound = float(info.mip_dual_bound)
        return bound if np.isfinite(bound) else None

    def _values(self, highs: highspy.Highs) -> Floats | None:
        """Return the solver's best solution, whole where it must be; None where it has none."""
        if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        values = np.array(highs.getSolution().col_value)
        whole = np.concatenate(self._whole)
        values[whole] = np.round(values[whole])
        return values


def _unit(goal: Goal) -> float:
    """Return by what a goal's costs are scaled."""
    return min(1.0, SIZE / max(float(np.abs(goal.cost).max(initial=0)), 1.0))

"""The linear program of the branch and cut: rules, and cuts for the costs of demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from careshed.siting.cut.costs import Costs, cuts
from careshed.siting.rows.columns import INF, Row
from careshed.siting.rows.rulebook import Rulebook, add_rows, new_highs

__all__ = ["Bound", "Master", "SetBound"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
SIZE = 1e5
"""The objective is scaled so that its greatest value is this: HiGHS' tolerances are absolute."""
VIOLATED = 1e-9
"""Cuts broken by less than this share of `SIZE`, in all, are left alone."""
PATIENCE = 8
"""Cuts that were slack in so many solutions are forgotten; looked at as often."""
INFEASIBLE = (
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """Answer of one linear program.

    Attributes
    ----------
    values
        Values of the rule columns.
    bound
        No plan within the column bounds costs less: computed from the duals, so that it holds
        whatever the solver's tolerance (Neumaier, Shcherbina 2004).
    reduced
        Reduced costs of the rule columns, in the objective's unit.
    """

    values: Floats
    bound: float
    reduced: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SetBound:
    """Bounds of a sum of columns at a node of the tree."""

    row: Row
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The θ columns of one cost function: one a phase and group."""

    costs: Costs
    first: int
    scale: float


class Master:
    """Minimise one cost function under the rules and under limits on others.

    Parameters
    ----------
    book
        The rules.
    objective
        What is minimised, summed over the phases.
    limits
        Cost functions with the greatest value that each may take, constants left out.
    """

    def __init__(self, book: Rulebook, objective: Costs, limits: Sequence[tuple[Costs, int]] = ()) -> None:
        self.book = book
        self.columns = book.columns
        self.iterations = 0
        self.highs = new_highs()
        self.lower, self.upper = [book.lower], [book.upper]
        self.cost = [np.zeros(self.columns.count)]
        self.size = self.columns.count
        self.blocks = [self._block(objective, 1.0)]
        self.unit = self.blocks[0].scale
        rows = [r for r in book.rows if r.rule not in book.lazy]
        for costs, most in limits:
            block = self._block(costs, 0.0)
            self.blocks.append(block)
            index = np.arange(block.first, self.size)
            rows.append(Row("limit", "", index, np.ones(len(index)), -INF, most * block.scale))
        self._lower, self._upper = np.concatenate(self.lower), np.concatenate(self.upper)
        self._cost = np.concatenate(self.cost)
        self.highs.addVars(self.size, self._lower, self._upper)
        self.highs.changeColsCost(self.size, np.arange(self.size, dtype=np.int32), self._cost)
        self._matrix = csr_array((0, self.size), dtype=np.float64)
        self._sides = np.zeros((2, 0))
        self._age = np.zeros(0, dtype=np.int64)
        self._rows: list[Row] = []
        self._known = {id(r) for r in rows}
        self._add(rows)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.highs.getNumRow())

    def _block(self, costs: Costs, cost: float) -> _Block:
        """Add the θ columns of a cost function."""
        most = np.bincount(costs.group, weights=costs.weight * costs.base, minlength=costs.groups)
        scale = SIZE / max(float(most.sum()) * self.columns.phases, 1.0)
        first = self.size
        self.size += self.columns.phases * costs.groups
        self.lower.append(np.zeros(self.size - first))
        self.upper.append(np.tile(most * scale, self.columns.phases))
        self.cost.append(np.full(self.size - first, cost))
        return _Block(costs, first, scale)

    def _add(self, rows: Sequence[Row]) -> None:
        """Add rows to the solver and to our own copy, from which bounds are computed."""
        if not rows:
            return
        add_rows(self.highs, rows)
        starts = np.concatenate(([0], np.cumsum([len(r.index) for r in rows])))
        data = np.concatenate([r.value for r in rows]).astype(np.float64)
        index = np.concatenate([r.index for r in rows])
        part = csr_array((data, index, starts), shape=(len(rows), self.size))
        self._matrix = csr_array(vstack([self._matrix, part], format="csr"))
        self._sides = np.hstack([self._sides, [[r.lower for r in rows], [r.upper for r in rows]]])
        self._age = np.append(self._age, np.zeros(len(rows), dtype=np.int64))
        self._rows += rows

    def _purge(self) -> None:
        """Forget cuts that have long been slack: a small program is solved faster."""
        rule = np.array([r.rule == "cut" for r in self._rows])
        basic = np.array([status == highspy.HighsBasisStatus.kBasic for status in self.highs.getBasis().row_status])
        old = rule & basic & (self._age >= PATIENCE)
        if old.sum() < len(old) // 4:
            return
        basis = self.highs.getBasis()
        keep = np.flatnonzero(~old)
        self.highs.deleteRows(int(old.sum()), np.flatnonzero(old).astype(np.int32))
        status = basis.row_status
        basis.row_status = [status[i] for i in keep]
        self.highs.setBasis(basis)
        self._matrix, self._sides, self._age = self._matrix[keep], self._sides[:, keep], self._age[keep]
        self._rows = [self._rows[i] for i in keep]

    def bound_sets(self, sets: Sequence[SetBound]) -> None:
        """Bound sums of columns as a node asks; sums that it does not name are free."""
        wanted = {id(s.row): s for s in sets}
        known = {id(row): at for at, row in enumerate(self._rows) if row.rule == "set"}
        for key, at in known.items():
            low, high = (wanted[key].low, wanted[key].high) if key in wanted else (-INF, INF)
            if (self._sides[0, at], self._sides[1, at]) != (low, high):
                self._sides[:, at] = low, high
                self.highs.changeRowBounds(at, low, high)
        fresh = [s for s in wanted.values() if id(s.row) not in known]
        self._add([s.row for s in fresh])
        for at, s in enumerate(fresh, start=len(self._rows) - len(fresh)):
            self._sides[:, at] = s.low, s.high
            self.highs.changeRowBounds(at, s.low, s.high)

    def probe(self, iterations: int) -> float:
        """Return about the least cost after some steps of the dual simplex; for comparing branches only."""
        self.highs.setOptionValue("simplex_iteration_limit", iterations)
        self.highs.run()
        self.highs.setOptionValue("simplex_iteration_limit", 2**31 - 1)
        if self.highs.getModelStatus() in INFEASIBLE:
            return INF
        return float(self.highs.getInfo().objective_function_value) / self.unit

    def bound_columns(self, lower: Floats, upper: Floats) -> None:
        """Set the bounds of the rule columns."""
        n = self.columns.count
        changed = np.flatnonzero((self._lower[:n] != lower) | (self._upper[:n] != upper))
        if len(changed):
            self._lower[changed], self._upper[changed] = lower[changed], upper[changed]
            self.highs.changeColsBounds(len(changed), changed.astype(np.int32), lower[changed], upper[changed])

    def solve(self) -> Bound | None:
        """Solve the linear program as it stands; None where it has no solution."""
        self.iterations += 1
        if self.iterations % PATIENCE == 0 and self.iterations > PATIENCE:
            self._purge()
        self.highs.run()
        status = self.highs.getModelStatus()
        if status in INFEASIBLE:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            self.highs.clearSolver()
            self.highs.run()
            if self.highs.getModelStatus() in INFEASIBLE:
                return None
        solution = self.highs.getSolution()
        self.values = np.array(solution.col_value)
        bound, reduced = self._safe(np.array(solution.row_dual))
        n = self.columns.count
        return Bound(self.values[:n], bound / self.unit, reduced[:n] / self.unit)

    def _safe(self, dual: Floats) -> tuple[float, Floats]:
        """Return the bound that the duals prove, and their reduced costs."""
        lower, upper = self._sides
        y = np.where(np.isinf(np.where(dual > 0, lower, upper)), 0.0, dual)
        self._age = np.where(y == 0.0, self._age + 1, 0)
        used = y != 0
        bound = float(np.dot(y[used], np.where(y > 0, lower, upper)[used]))
        reduced = self._cost - self._matrix.T @ y
        bound += float(np.where(reduced > 0, reduced * self._lower, reduced * self._upper).sum())
        return bound, reduced

    def separate(self, point: Floats, *, fallback: Floats | None = None) -> int:
        """Add the cuts and rules that the last solution breaks; return how many.

        Parameters
        ----------
        point
            Where the cuts are taken, values of the rule columns.
        fallback
            Where else, for groups whose cut at `point` the last solution does not break.
        """
        rows = self._broken_rules()
        for block in self.blocks:
            rows += self._broken_cuts(block, point, fallback)
        self._add(rows)
        return len(rows)

    def _broken_rules(self) -> list[Row]:
        """Return rules that the last solution breaks and that are not yet in the program."""
        now = self.values[: self.columns.count]
        rows = [r for r in self.book.broken(now) if id(r) not in self._known]
        if not rows:
            rows = self.book.found(now)
        self._known |= {id(r) for r in rows}
        return rows

    def _broken_cuts(self, block: _Block, point: Floats, fallback: Floats | None) -> list[Row]:
        """Return one cost function's broken cuts."""
        rows: list[Row] = []
        sites, groups = self.columns.sites, block.costs.groups
        tolerance = VIOLATED * SIZE / max(groups * self.columns.phases, 1)
        for phase in range(self.columns.phases):
            own = slice(phase * sites, (phase + 1) * sites)
            first = block.first + phase * groups
            theta = self.values[first : first + groups]
            left = np.ones(groups, dtype=bool)
            for where in (point, fallback):
                if where is None:
                    continue
                const, coefficient = cuts(block.costs, where[own])
                short = (const - coefficient @ self.values[own]) * block.scale - theta
                for g in np.flatnonzero(left & (short > tolerance)):
                    left[g] = False
                    rows.append(_cut(const[g], coefficient[g], own.start, first + int(g), block.scale))
        return rows


def _cut(const: int, coefficient: Ints, start: int, theta: int, scale: float) -> Row:
    """Return ``θ + scale · coefficient · x ≥ scale · const``."""
    some = np.flatnonzero(coefficient)
    index = np.append(some + start, theta)
    return Row("cut", "", index, np.append(coefficient[some] * scale, 1.0), const * scale, INF)

"""Small mixed-integer programs over the rules alone, solved to the end by HiGHS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt

from careshed.siting.rows.columns import INF, Columns, Row
from careshed.siting.rows.floors import Floor, floors_of
from careshed.siting.rows.leads import broken_spans
from careshed.siting.rows.purses import Purse, purses_of
from careshed.siting.rows.rules import rule_rows
from careshed.siting.rows.shortfalls import Bend, bends_of

__all__ = ["Rulebook", "UndecidedError", "add_rows", "new_highs"]

Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-6
MOST_ROUNDS = 30
"""Rounds of found rows after which a question with limited nodes stays open."""
DECIDED = (
    highspy.HighsModelStatus.kOptimal,
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)


class UndecidedError(RuntimeError):
    """A program was not solved within the nodes allowed."""


def new_highs() -> highspy.Highs:
    """Return a silent HiGHS: one thread, fixed seed, no gap allowed."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 1e-6,
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
    }.items():
        highs.setOptionValue(option, value)
    return highs


def add_rows(highs: highspy.Highs, rows: Sequence[Row]) -> None:
    """Add rows in one sparse call."""
    if not rows:
        return
    lengths = np.array([len(r.index) for r in rows])
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int32)
    highs.addRows(
        len(rows),
        np.array([r.lower for r in rows], dtype=np.float64),
        np.array([r.upper for r in rows], dtype=np.float64),
        int(lengths.sum()),
        starts,
        np.concatenate([r.index for r in rows]).astype(np.int32),
        np.concatenate([r.value for r in rows]).astype(np.float64),
    )


@dataclass(slots=True, eq=False)
class Rulebook:
    """The rules' rows of one problem, with those that are found when a plan breaks them.

    Attributes
    ----------
    columns
        Layout of the columns.
    rows
        All rows known so far; `lazy` ones among them are given to a linear program only when broken.
    lower, upper
        Bounds of the columns.
    floors
        Coverage floors and budgets, of which rows are found when a plan breaks them.
    """

    columns: Columns
    rows: list[Row]
    lower: Floats
    upper: Floats
    floors: tuple[Floor | Purse | Bend, ...] = ()
    lazy: tuple[str, ...] = ("lead", "span", "floor", "shortfall", "apart", "company", "worst time", "purse")
    _flat: tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]] | None = field(default=None)
    _limits: tuple[Floats, Floats] | None = field(default=None)
    _between: Floats | None = field(default=None)

    @classmethod
    def of(cls, columns: Columns) -> Rulebook:
        """Collect the rows of all rules."""
        lower, upper = columns.bounds()
        problem = columns.problem
        return cls(
            columns, rule_rows(columns), lower, upper, (*floors_of(problem), *purses_of(problem), *bends_of(problem))
        )

    @property
    def between(self) -> Floats:
        """Lead times between sites both ways, far where unknown; shape (sites, sites)."""
        if self._between is None:
            site, leader, ms = self.columns.problem.lead_pairs()
            far = float(ms.max(initial=0)) * 2.0 + 1.0
            table = np.full((self.columns.sites, self.columns.sites), far)
            table[site, leader] = ms
            np.fill_diagonal(table, 0.0)
            self._between = table + table.T
        return self._between

    def add(self, row: Row) -> None:
        """Add a row that was found."""
        self.rows.append(row)
        self._flat = None

    def found(self, values: Floats) -> list[Row]:
        """Return new rows of spans, floors, shortfalls and budgets that `values` (also fractional) break; keep them."""
        rows = list(broken_spans(self.columns, values))
        rows += [row for floor in self.floors for row in floor.broken(self.columns, values)]
        for row in rows:
            self.add(row)
        return rows

    def broken(self, values: Floats, *, tolerance: float = TOLERANCE) -> list[Row]:
        """Return the known rows that `values` break."""
        if self._flat is None:
            owner = np.repeat(np.arange(len(self.rows)), [len(r.index) for r in self.rows])
            self._flat = (
                np.concatenate([r.index for r in self.rows]),
                np.concatenate([r.value for r in self.rows]),
                owner,
            )
            self._limits = (np.array([r.lower for r in self.rows]), np.array([r.upper for r in self.rows]))
        index, value, owner = self._flat
        assert self._limits is not None  # noqa: S101 - set with _flat
        sums = np.bincount(owner, weights=value * values[index], minlength=len(self.rows))
        bad = (sums < self._limits[0] - tolerance) | (sums > self._limits[1] + tolerance)
        return [self.rows[i] for i in np.flatnonzero(bad)]

    def allows(self, values: Floats) -> bool:
        """Return whether whole `values` keep all rules; spans, floors and budgets that they break are remembered."""
        if (values < self.lower).any() or (values > self.upper).any() or self.broken(values):
            return False
        return not self.found(values)

    def solve(
        self,
        cost: Floats,
        *,
        lower: Floats | None = None,
        upper: Floats | None = None,
        most_nodes: int | None = None,
    ) -> Floats | None:
        """Return the plan of least ``cost · values`` that keeps all rules; None where none does.

        Columns beyond those of `columns` may follow in `cost` and the bounds; they need not be whole.

        Raises
        ------
        UndecidedError
            If `most_nodes` are given and are not enough, or rows must be found in more than `MOST_ROUNDS` rounds.
        """
        lower = self.lower if lower is None else lower
        upper = self.upper if upper is None else upper
        highs = new_highs()
        if most_nodes is not None:
            highs.setOptionValue("mip_max_nodes", most_nodes)
        highs.addVars(len(cost), lower, upper)
        index = np.arange(len(cost), dtype=np.int32)
        highs.changeColsCost(len(index), index, cost)
        whole = np.full(self.columns.binaries, highspy.HighsVarType.kInteger)
        highs.changeColsIntegrality(len(whole), index[: len(whole)], whole)
        add_rows(highs, self.rows)
        rounds = 0
        while True:
            rounds += 1
            if most_nodes is not None and rounds > MOST_ROUNDS:
                raise UndecidedError
            highs.run()
            status = highs.getModelStatus()
            if most_nodes is not None and status not in DECIDED:
                raise UndecidedError
            if status != highspy.HighsModelStatus.kOptimal:
                return None
            values = np.array(highs.getSolution().col_value)
            values[: self.columns.binaries] = np.round(values[: self.columns.binaries])
            found = self.found(values)
            if not found:
                return values
            add_rows(highs, found)

    def hold_short(self) -> Floats | None:
        """Bound the early phases' shortfall at the least that can be; return a plan, None where there is none."""
        short = self.columns.short()
        cost = np.zeros(self.columns.count)
        if not (self.columns.problem.early_quotas and len(short)):
            return self.solve(cost)
        self.add(Row("early total", "", short, np.ones(len(short)), -INF, float(self._least_short())))
        values = self.solve(cost)
        if values is not None:
            return values
        self.rows = [row for row in self.rows if row.rule != "early total"]
        cost[short] = 1.0
        values = self.solve(cost)
        if values is not None:
            least = round(float(values[short].sum()))
            self.add(Row("early total", "", short, np.ones(len(short)), -INF, float(least)))
        return values

    def _least_short(self) -> int:
        """Return what the early phases lack at least, counting places alone."""
        problem = self.columns.problem
        wanted, others = sum(problem.quotas.values()), sum(t.count for t in problem.leading)
        return sum(max(wanted - phase.count - others, 0) for phase in problem.phases[:-1])

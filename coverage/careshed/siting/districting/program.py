"""The mixed-integer program of districts, solved by HiGHS with rows added where a district falls apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt

from careshed.siting.clock import Clock
from careshed.siting.districting.cuts import broken, near_rows, reachable
from careshed.siting.districting.even import MOST_UNITS, enumerated
from careshed.siting.districting.problem import DistrictProblem
from careshed.siting.districting.search import FREE, grow, improved, score
from careshed.siting.rows.columns import Row
from careshed.siting.rows.rulebook import add_rows, new_highs

__all__ = ["ACCEPTED", "Outcome", "solve"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Tell = Callable[[float, float, str], None]

ACCEPTED = 1e-9
"""A bound this close, as a share of the value, counts as met: HiGHS counts in binary fractions."""
LARGEST = 1e5
"""Costs are scaled so that the dearest is this."""
PEOPLE = 1000.0
"""Rows count people in thousands."""
INFEASIBLE = {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}
WARM_UPS = 30
"""Rounds of rows on the linear program, at most, before the first whole one."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one level came to.

    Attributes
    ----------
    owner
        Core of each unit; None where no districts were found.
    value
        Their spread, or their cost, whole.
    bound
        No districts are better than this.
    status
        ``optimal``, ``feasible``, ``infeasible`` or ``unknown`` (stopped before any were found).
    rounds, nodes
        Programs solved, and nodes of their trees; districts that were enumerated are nodes too.
    rows, columns
        Size of the last program.
    """

    owner: Ints | None
    value: int
    bound: float
    status: str
    rounds: int
    nodes: int
    rows: int
    columns: int


def solve(
    problem: DistrictProblem, spread: int | None, *, start: Ints | None, clock: Clock, share: float, tell: Tell
) -> Outcome:
    """Find the least spread, or the least cost within a spread.

    Parameters
    ----------
    problem
        What is asked.
    spread
        The most that is allowed; None: the spread itself is made small.
    start
        Districts to begin with, where some are known.
    clock, share
        Stop when so much of the clock's time is up.
    tell
        Called with value, bound and a text.
    """
    return _Program(problem, spread, clock, share, tell).run(start)


@dataclass(slots=True, eq=False)
class _Program:
    """One level at work. Column ``i · cores + k`` is :math:`x_{ik}`; the last is the spread where that is asked."""

    problem: DistrictProblem
    spread: int | None
    clock: Clock
    share: float
    tell: Tell
    links: list[list[int]] = field(init=False)
    may: npt.NDArray[np.bool_] = field(init=False)
    highs: highspy.Highs = field(init=False)
    unit: float = field(init=False)
    best: Ints | None = None
    bound: float = 0.0
    rounds: int = 0
    nodes: int = 0

    def __post_init__(self) -> None:
        """Lay out columns and rows."""
        problem, may = self.problem, self.problem.allowed()
        self.links = problem.neighbours()
        high = problem.people if self.spread is None else problem.window(self.spread)[1]
        self.may = reachable(problem, may, high)
        dearest = float((problem.weights[:, None] * np.maximum(problem.costs, 0)).max())
        # what one of the program's units of objective is in ours
        self.unit = len(problem.core_ids) * PEOPLE if self.spread is None else max(dearest, 1.0) / LARGEST
        self.highs = new_highs()
        self.highs.setOptionValue("mip_feasibility_tolerance", 1e-9)
        self.highs.cbMipInterrupt.subscribe(self._watch)
        self.highs.cbMipImprovingSolution.subscribe(self._told)
        self._columns()
        add_rows(self.highs, [*self._attached(), *self._balanced(), *near_rows(problem, self.may, self.links)])

    def _columns(self) -> None:
        problem = self.problem
        units, cores = problem.size
        fixed = np.zeros((units, cores))
        fixed[problem.seats, np.arange(cores)] = 1.0
        self.highs.addVars(units * cores, fixed.ravel(), self.may.astype(np.float64).ravel())
        if self.spread is None:
            self.highs.addVar(0.0, highspy.kHighsInf)
            self.highs.changeColCost(units * cores, 1.0)
        else:
            costs = (problem.weights[:, None] * np.maximum(problem.costs, 0)) / self.unit
            self.highs.changeColsCost(units * cores, np.arange(units * cores, dtype=np.int32), costs.ravel())

    def _attached(self) -> list[Row]:
        """Every unit goes to one core."""
        units, cores = self.problem.size
        index = np.arange(units * cores, dtype=np.int64).reshape(units, cores)
        return [Row("attached", self.problem.unit(i), index[i], np.ones(cores), 1.0, 1.0) for i in range(units)]

    def _balanced(self) -> list[Row]:
        """Every district's people are within the window, or within the spread of the mean."""
        problem = self.problem
        units, cores = problem.size
        weights, mean = problem.weights / PEOPLE, problem.people / cores / PEOPLE
        rows = []
        for core in range(cores):
            index = np.arange(units, dtype=np.int64) * cores + core
            if self.spread is None:
                both = np.append(index, units * cores)
                rows += [
                    Row("balance", problem.core(core), both, np.append(weights, -1.0), -np.inf, mean),
                    Row("balance", problem.core(core), both, np.append(weights, 1.0), mean, np.inf),
                ]
            else:
                low, high = problem.window(self.spread)
                rows.append(Row("balance", problem.core(core), index, weights, low / PEOPLE, high / PEOPLE))
        return rows

    def run(self, start: Ints | None) -> Outcome:
        """Solve, add the rows that the answer breaks, and solve again until it breaks none."""
        self._offer(start if start is not None else grow(self.problem, self.may, self.links))
        if len(self.problem.unit_ids) <= MOST_UNITS:
            self.best, proven, looked = enumerated(self.problem, self.may, self.spread, self.best, self._late)
            self.nodes += looked
            if proven and self.best is None:
                return self._outcome(infeasible=True)
            if self.best is not None:
                self.bound = float(self._value(self.best)) if proven else 0.0
                self._say(self._value(self.best), self.bound, "enumeration")
        if not self._done():
            self._warm_up()
        whole = self.problem.size[0] * self.problem.size[1]
        kinds = np.full(whole, highspy.HighsVarType.kInteger)
        self.highs.changeColsIntegrality(whole, np.arange(whole, dtype=np.int32), kinds)
        while not self._done():
            self._narrow()
            self._hand_over()
            status = self._run("program")
            if status in INFEASIBLE:
                return self._outcome(infeasible=True)
            info = self.highs.getInfo()
            self.nodes += max(int(info.mip_node_count), 0)
            self._raise_bound(float(info.mip_dual_bound))
            rows = self._read()
            if status == highspy.HighsModelStatus.kOptimal and not rows:
                break
            if self._late():
                break
            add_rows(self.highs, rows)
        return self._outcome(infeasible=False)

    def _narrow(self) -> None:
        """Leave out what no more equal districts can hold: with the best known, no district may be larger."""
        if self.spread is not None or self.best is None:
            return
        high = self.problem.window(self._value(self.best))[1]
        self.may = reachable(self.problem, self.may, high)
        units, cores = self.problem.size
        fixed = np.flatnonzero(~self.may.ravel()).astype(np.int32)
        self.highs.changeColsBounds(len(fixed), fixed, np.zeros(len(fixed)), np.zeros(len(fixed)))
        self.highs.changeColBounds(units * cores, 0.0, self._value(self.best) / self.unit)

    def _warm_up(self) -> None:
        """Add rows that the linear program breaks: it is solved sooner than the whole one."""
        for _ in range(WARM_UPS):
            if self._late() or self._run("linear program") != highspy.HighsModelStatus.kOptimal:
                return
            self._raise_bound(float(self.highs.getInfo().objective_function_value))
            rows = broken(self.problem, self.may, self.links, self._values())
            if not rows:
                return
            add_rows(self.highs, rows)

    def _run(self, what: str) -> highspy.HighsModelStatus:
        self.highs.setOptionValue("time_limit", max(self.clock.left_s(self.share), 0.1))
        self.rounds += 1
        self.highs.run()
        value = float("inf") if self.best is None else self._value(self.best)
        self._say(value, self.bound, what)
        return self.highs.getModelStatus()

    def _watch(self, event: highspy.highs.HighsCallbackEvent) -> None:
        """Let Ctrl-C in."""
        if self._late():
            event.interrupt()

    def _told(self, event: highspy.highs.HighsCallbackEvent) -> None:
        """Pass on what HiGHS has found; its districts may still fall apart, so they are no value of ours."""
        value = float("inf") if self.best is None else self._value(self.best)
        self._say(value, max(self.bound, event.data_out.mip_dual_bound * self.unit), "program")

    def _say(self, value: float, bound: float, what: str) -> None:
        name, divisor = ("deviation", len(self.problem.core_ids)) if self.spread is None else ("compact", 1)
        self.tell(value / divisor, bound / divisor, f"{name}: {what} {self.rounds}")

    def _values(self) -> Floats:
        units, cores = self.problem.size
        return np.array(self.highs.getSolution().col_value)[: units * cores].reshape(units, cores)

    def _read(self) -> list[Row]:
        """Take the program's districts, mended where they fall apart; return the rows that they break."""
        if self.highs.getInfo().primal_solution_status != 2:
            return []
        values = np.round(self._values())
        owner = values.argmax(axis=1).astype(np.int64)
        rows = broken(self.problem, self.may, self.links, values)
        self._offer(grow(self.problem, self.may, self.links, owner) if rows else owner)
        return rows

    def _offer(self, owner: Ints | None) -> None:
        """Improve districts and keep them where they are the best so far."""
        if owner is None or (owner == FREE).any():
            return
        judge = score(self.problem, self.spread)
        owner = improved(self.problem, self.may, self.links, owner, judge, self._late)
        if self.spread is not None and self.problem.spread_of(owner) > self.spread:
            return
        if self.best is None or self._value(owner) < self._value(self.best):
            self.best = owner

    def _value(self, owner: Ints) -> int:
        return self.problem.spread_of(owner) if self.spread is None else self.problem.total(owner)

    def _raise_bound(self, objective: float) -> None:
        """Keep the best bound, a hair below what binary fractions say, and whole: values are."""
        if math.isfinite(objective):
            bound = objective * self.unit
            self.bound = max(self.bound, float(math.ceil(bound - max(abs(bound) * ACCEPTED, 1e-3))))

    def _done(self) -> bool:
        return self._late() or self._met()

    def _met(self) -> bool:
        if self.best is None:
            return False
        value = self._value(self.best)
        return value - self.bound <= max(value * ACCEPTED, 0.5)

    def _late(self) -> bool:
        return self.clock.late(self.share)

    def _hand_over(self) -> None:
        """Give HiGHS the best districts so far."""
        if self.best is None:
            return
        units, cores = self.problem.size
        values = np.zeros((units, cores))
        values[np.arange(units), self.best] = 1.0
        solution = highspy.HighsSolution()
        spread = [] if self.spread is not None else [self._value(self.best) / self.unit]
        solution.col_value = [*values.ravel().tolist(), *spread]
        self.highs.setSolution(solution)

    def _outcome(self, *, infeasible: bool) -> Outcome:
        size = (self.rounds, self.nodes, self.highs.getNumRow(), self.highs.getNumCol())
        if self.best is None:
            return Outcome(None, 0, self.bound, "infeasible" if infeasible else "unknown", *size)
        value = self._value(self.best)
        met = self._met()
        return Outcome(self.best, value, float(value) if met else self.bound, "optimal" if met else "feasible", *size)

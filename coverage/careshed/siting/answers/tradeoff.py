r"""Mean response against coverage: plans of which none is better in both.

Between the plan of least response (p-median) and the plan of best coverage, for rising coverage *L*

.. math:: \min Σ_k Σ_i w_i c_i(S_k), \quad Σ_k Σ_i w_i [c_i(S_k) ≤ standard] ≥ L,

and then the most coverage at that response (ε-constraint: Haimes, Lasdon, Wismer 1971; in the two-step form of
Mavrotas 2009 every answer is efficient).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from careshed.errors import InputError
from careshed.siting.answers.limited import LimitedBranching, limit_of
from careshed.siting.answers.plans import Say, quiet
from careshed.siting.clock import Clock
from careshed.siting.cut.branch import Branching, Outcome
from careshed.siting.cut.costs import Costs
from careshed.siting.cut.levels import CostLevel, cost_level, reached
from careshed.siting.cut.search import Plan, improved, plan_of, totals
from careshed.siting.explain import conflicts
from careshed.siting.models import MCLP, PMedian
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook

__all__ = ["TRADEOFF_COLUMNS", "tradeoff"]

TRADEOFF_COLUMNS = (
    "covered",
    "covered_share",
    "covered_bound",
    "person_seconds",
    "mean_response_s",
    "response_bound",
    "mean_bound_s",
    "gap",
    "status",
    "sites",
    "reason",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """A plan and what is proven about its two figures; totals with constants left out.

    `least` is a bound on the response of plans that cover as many, `fewest` on the people not covered of plans that
    respond as fast.
    """

    plan: Plan
    uncovered: int
    response: int
    fewest: float
    least: float

    @property
    def proven(self) -> bool:
        """Whether both bounds are met."""
        return self.fewest == self.uncovered and self.least == self.response


def tradeoff(
    problem: SitingProblem, steps: int | None = 8, *, time_limit_s: float | None = None, say: Say = quiet
) -> pd.DataFrame:
    """Return the frontier of mean response against coverage.

    Parameters
    ----------
    problem
        Sites, people, times and rules.
    steps
        At so many levels of coverage between its two ends a plan is sought, evenly spaced; several may give the same
        plan. None: every efficient pair of figures (many, on large problems).
    time_limit_s
        Stop after about so many seconds for each point, with its true gap.
    say
        Called with a text before each point.

    Returns
    -------
    pandas.DataFrame
        Index ``point`` 1 …, coverage rising and response with it; no row is as good as another in both. Columns

        - ``covered`` (people within the standard, summed over phases), ``covered_share`` (of all people in all
          phases), ``covered_bound`` (no plan that responds as fast covers more);
        - ``person_seconds`` (summed over phases), ``mean_response_s`` (of reachable people), ``response_bound`` and
          ``mean_bound_s`` (no plan that covers as many responds faster);
        - ``gap`` (of the response, and of the coverage where that is larger), ``status``, ``sites`` (ids open in the
          last phase), ``reason``.

        Where no plan keeps the rules, one row of status ``infeasible`` with the reason.
    """
    if steps is not None and steps < 0:
        raise InputError(f"steps={steps}: expected a whole number from 0 up, or None for all")
    run = _Run.of(problem, time_limit_s, say)
    if run is None:
        why = "; ".join(c.text.en for c in conflicts(problem))
        return _frame([{"status": "infeasible", "reason": why}])
    points = sorted(run.points(steps), key=lambda p: (p.response, p.uncovered))
    kept: list[_Point] = []
    for point in points:
        if not kept or point.uncovered < kept[-1].uncovered:
            kept.append(point)
    return _frame([run.row(point) for point in kept])


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return the table."""
    return pd.DataFrame(rows, columns=[*TRADEOFF_COLUMNS], index=pd.RangeIndex(1, len(rows) + 1, name="point"))


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """The rules, both figures, and a plan to begin with."""

    problem: SitingProblem
    book: Rulebook
    coverage: CostLevel
    response: CostLevel
    start: Plan
    time_limit_s: float | None
    say: Say

    @classmethod
    def of(cls, problem: SitingProblem, time_limit_s: float | None, say: Say) -> _Run | None:
        """Lay out a problem; None where no plan keeps the rules."""
        columns = Columns.of(problem)
        book = Rulebook.of(columns)
        start = book.hold_short()
        if start is None:
            return None
        coverage, response = cost_level(problem, MCLP()), cost_level(problem, PMedian())
        return cls(problem, book, coverage, response, plan_of(columns, start), time_limit_s, say)

    def points(self, steps: int | None) -> Iterator[_Point]:
        """Yield the two ends and the plans between them."""
        uncovered, response = self.coverage.costs, self.response.costs
        self.say("best coverage")
        most = self._level([uncovered, response], [], self.start)
        best = self._level([uncovered, response], [most], most.plan)
        self.say("least response")
        least = self._level([response, uncovered], [], best.plan)
        widest = self._level([response, uncovered], [least], least.plan)
        yield _Point(best.plan, most.value, best.value, most.bound, best.bound)
        yield _Point(widest.plan, widest.value, least.value, widest.bound, least.bound)
        now = widest.value
        for level in _levels(most.value, widest.value, steps):
            if now <= level:
                continue
            point = self._between(level, most, best.plan)
            yield point
            now = point.uncovered
        while steps is None and now - 1 > most.value:
            point = self._between(now - 1, most, best.plan)
            yield point
            now = point.uncovered

    def _between(self, level: int, most: Outcome, plan: Plan) -> _Point:
        """Return the least response with at most so many people not covered, and then the fewest of them."""
        self.say(f"least response with {self.coverage.shown(level):,.0f} people covered or more")
        costs = [self.coverage.costs, self.response.costs, self.coverage.costs]
        limit = limit_of(self.book, self.coverage.costs, level, plan, most.master)
        least = self._limited(costs, [limit], plan)
        fewest = self._limited(costs, [limit, least], least.plan)
        return _Point(fewest.plan, fewest.value, least.value, fewest.bound, least.bound)

    def _level(self, costs: list[Costs], above: list[Outcome], plan: Plan) -> Outcome:
        """Return the best of one level in lexicographic order."""
        plan = plan if above else improved(self.book, costs, plan)
        return Branching(self.book, costs, above, plan, late=self._clock().late, progress=_silent).run()

    def _limited(self, costs: list[Costs], above: list[Outcome], plan: Plan) -> Outcome:
        """Return the best of one level under limits."""
        return LimitedBranching(self.book, costs, above, plan, late=self._clock().late, progress=_silent).run()

    def _clock(self) -> Clock:
        """Return a clock of half of a point's time: each point has two steps."""
        return Clock(None if self.time_limit_s is None else self.time_limit_s / 2)

    def row(self, point: _Point) -> dict[str, object]:
        """Return a point's row."""
        uncovered, response = totals(self.book.columns, [self.coverage.costs, self.response.costs], point.plan)
        covered, seconds = self.coverage.shown(uncovered), self.response.shown(response)
        covered_bound, bound_s = self.coverage.shown(point.fewest), self.response.shown(point.least)
        everybody = int(self.problem.weights.sum()) * len(self.problem.phases)
        people = int(self.problem.weights[reached(self.problem)].sum()) * len(self.problem.phases)
        gaps = [abs(covered_bound - covered) / max(covered, 1), abs(seconds - bound_s) / max(seconds, 1)]
        opened = (point.plan.phase < len(self.problem.phases)).nonzero()[0].tolist()
        return {
            "covered": int(covered),
            "covered_share": covered / everybody if everybody else float("nan"),
            "covered_bound": covered_bound,
            "person_seconds": seconds,
            "mean_response_s": seconds / people if people else float("nan"),
            "response_bound": bound_s,
            "mean_bound_s": bound_s / people if people else float("nan"),
            "gap": 0.0 if point.proven else max(gaps),
            "status": "optimal" if point.proven else "feasible",
            "sites": " ".join(str(self.problem.site_ids[j]) for j in opened),
            "reason": "",
        }


def _levels(best: int, worst: int, steps: int | None) -> list[int]:
    """Return falling numbers of people not covered between two ends, evenly spaced."""
    if steps is None:
        return []
    inner = [worst - -(-(n * (worst - best)) // (steps + 1)) for n in range(1, steps + 1)]
    return [level for level in dict.fromkeys(inner) if best < level < worst]


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""

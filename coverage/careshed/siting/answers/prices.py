r"""What a rule costs: the plan without it against the plan with it.

With *R* the rules and *r* one of them, the price of *r* is

.. math:: \max_{R ∖ r} \text{covered} - \max_R \text{covered} ≥ 0

in people: every plan that keeps *R* keeps *R ∖ r*. For phases it is the price of nesting: each phase planned alone, as
if no other followed or had gone before, against what the joint plan reaches in that phase.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from careshed.errors import InputError
from careshed.siting.answers.limited import LimitedBranching, limit_of
from careshed.siting.answers.plans import Say, has_plan, plan_in, quiet, solved
from careshed.siting.answers.relaxed import RULES, Relaxed, relaxed
from careshed.siting.clock import Clock
from careshed.siting.cut.branch import Outcome
from careshed.siting.cut.levels import cost_level, reached
from careshed.siting.cut.search import Plan, totals
from careshed.siting.models import MCLP, PMedian
from careshed.siting.problem import SitingProblem
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook
from careshed.siting.solution import Solution

__all__ = ["PRICE_COLUMNS", "rule_prices"]

PRICE_COLUMNS = (
    "rule",
    "key",
    "text",
    "people",
    "people_most",
    "people_last",
    "response_s",
    "level",
    "gain",
    "status",
    "opened",
    "closed",
)


def rule_prices(
    problem: SitingProblem,
    solution: Solution,
    *,
    rules: Iterable[str] = RULES,
    model: Any = None,
    time_limit_s: float | None = None,
    say: Say = quiet,
) -> pd.DataFrame:
    """Return what each rule costs in people and seconds: the problem is solved again without it.

    Parameters
    ----------
    problem
        Sites, people, times and rules.
    solution
        Its best plan, as ``site(problem, model)`` gives it.
    rules
        Kinds of rules, of :data:`careshed.siting.answers.relaxed.RULES`: ``quotas``, ``early quotas``, ``tiers``,
        ``nesting``, ``required``, ``existing``, ``sides``.
    model
        What was sought; None: coverage, then response.
    time_limit_s
        Stop after about so many seconds for each of the two steps of a rule.
    say
        Called with a text before each rule.

    Returns
    -------
    pandas.DataFrame
        One row for each rule, and for all rules of a kind together where there are several; columns

        - ``rule`` (``quota``, ``early quotas``, ``span``, ``lead``, ``tiers``, ``nesting``, ``required``, ``existing``,
          ``side``), ``key`` (what it is about; ``''`` all of the kind), ``text`` (in words, with names);
        - ``people``: people covered more without it, summed over phases (nesting: in that phase; all phases under the
          key ``''``); never negative without a `model`. ``people_most``: it is not more than this; more than
          `people` only where a plan is not proven;
        - ``people_last``: of the same two plans, in the last phase; negative where earlier phases gain at its cost;
        - ``response_s``: mean response saved without the rule by a plan that covers no fewer people than the plan with
          it, seconds; never negative; NaN with a `model`;
        - ``level``, ``gain``: the first level of the model that is better without the rule, and by how much (its unit);
          ``''`` and 0 where the rule costs nothing;
        - ``status`` (``optimal`` where both figures are proven; ``unknown`` where no plan was found in time);
        - ``opened`` and ``closed`` (ids of the last phase that change without the rule).

    Notes
    -----
    Where early quotas are met as far as they can be, they are held as far as the plan holds them.
    """
    kinds = (*rules,)
    strange = {*kinds} - {*RULES}
    if strange:
        raise InputError(f"rules {sorted(strange)}: expected some of {', '.join(RULES)}")
    if not has_plan(solution):
        raise InputError("no plan keeps the rules, so none has a price; loosen those that the solution's reason names")
    rows = []
    for case in relaxed(problem, plan_in(problem, solution), kinds):
        say(f"without: {case.text}")
        rows.append(_row(case, solution, model, time_limit_s))
        if case.rule == "nesting" and case.phase == len(problem.phases):
            rows.append(_nesting_in_all(rows[-case.phase :]))
    return pd.DataFrame(rows, columns=[*PRICE_COLUMNS])


def _row(case: Relaxed, solution: Solution, model: Any, time_limit_s: float | None) -> dict[str, Any]:
    """Return one rule's price."""
    free = solved(case.problem, model, time_limit_s)
    if not has_plan(free):
        # the joint plan is the best that is known without the rule, too
        names = {"rule": case.rule, "key": case.key, "text": case.text, "status": free.status}
        zero = {"people": 0, "people_most": float("nan"), "people_last": 0, "response_s": 0.0, "level": "", "gain": 0.0}
        return names | zero | {"opened": "", "closed": ""}
    phases = solution.phases if case.phase is None else solution.phases.loc[[case.phase]]
    last = int(free.phases["covered"].iloc[-1] - phases["covered"].iloc[-1])
    people, most = _people(free, int(phases["covered"].sum()), default=model is None)
    response, proven = _response(case, free, people, time_limit_s) if model is None else (float("nan"), True)
    level, gain = _gain(free, solution, phases) if case.phase is None or model is None else ("", float("nan"))
    fine = free.status == "optimal" and proven and (solution.status == "optimal" or case.phase is not None)
    now, best = set(solution.open_ids(case.phase)), set(free.open_ids())
    return {
        "rule": case.rule,
        "key": case.key,
        "text": case.text,
        "people": people,
        "people_most": most,
        "people_last": 0 if case.phase is not None and case.phase < len(solution.phases) else last,
        "response_s": response,
        "level": level,
        "gain": gain,
        "status": "optimal" if fine else "feasible",
        "opened": " ".join(sorted(best - now)),
        "closed": " ".join(sorted(now - best)),
    }


def _people(free: Solution, joint: int, *, default: bool) -> tuple[int, float]:
    """Return people gained, and at most gained.

    The joint plan is among the plans without the rule: where time was too short to find it again, it is the better one.
    """
    covered = int(free.phases["covered"].sum())
    if not default:
        return covered - joint, float("nan")
    level = free.levels[0]
    if level.status == "optimal" and covered < joint:
        raise AssertionError(f"{covered} people covered without a rule, {joint} with it: the proof is wrong")
    return max(covered - joint, 0), max(level.bound - joint, 0)


def _gain(free: Solution, solution: Solution, phases: pd.DataFrame) -> tuple[str, float]:
    """Return the first level that is better without the rule in these phases, and by how much."""
    for own, other in zip(solution.levels, free.levels, strict=True):
        before = own.objective
        if len(phases) < len(solution.phases):
            before = phases["covered" if own.name == "covered" else "person_seconds"].sum()
        if before != other.objective:
            return own.name, abs(round(before - other.objective, 3))
    return "", 0.0


def _response(case: Relaxed, free: Solution, people: int, time_limit_s: float | None) -> tuple[float, bool]:
    """Return the mean response saved without fewer people covered, seconds, and whether it is proven."""
    problem = case.problem
    columns = Columns.of(problem)
    costs = [cost_level(problem, MCLP()).costs, cost_level(problem, PMedian()).costs]
    uncovered, joint = totals(columns, costs, case.plan)
    proven = free.status == "optimal"
    if people > 0 or not proven:
        found = _least(problem, case.plan, uncovered, time_limit_s)
        proven = found.bound == found.value
        least = found.value
    else:
        least = totals(columns, costs, plan_in(problem, free))[1]
    people_in_all = int(problem.weights[reached(problem)].sum()) * len(problem.phases)
    return (max(joint - least, 0) / people_in_all / 1000.0 if people_in_all else 0.0), proven


def _least(problem: SitingProblem, plan: Plan, uncovered: int, time_limit_s: float | None) -> Outcome:
    """Return the least response of plans that leave no more people uncovered."""
    book = Rulebook.of(Columns.of(problem))
    book.hold_short()
    costs = [cost_level(problem, MCLP()).costs, cost_level(problem, PMedian()).costs]
    limit = limit_of(book, costs[0], uncovered, plan)
    clock = Clock(time_limit_s)
    return LimitedBranching(book, costs, [limit], plan, late=clock.late, progress=_silent).run()


def _nesting_in_all(own: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of all phases' price of nesting."""
    names = [row["level"] for row in own]
    level = "covered" if "covered" in names else max(names)
    return own[-1] | {
        "key": "",
        "text": f"all {len(own)} phases are nested",
        "people": sum(row["people"] for row in own),
        "people_most": sum(row["people_most"] for row in own),
        "response_s": sum(row["response_s"] for row in own) / len(own),
        "level": level,
        "gain": sum(row["gain"] for row in own if row["level"] == level),
        "status": "optimal" if all(row["status"] == "optimal" for row in own) else "feasible",
        "opened": "",
        "closed": "",
    }


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""

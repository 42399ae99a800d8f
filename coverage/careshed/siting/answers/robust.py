"""How well a plan holds when things are not as assumed: other speeds, a station closed, the peak hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from careshed.errors import InputError
from careshed.siting.answers.evaluate import Figures, evaluate, evaluate_phases
from careshed.siting.answers.kbest import k_best
from careshed.siting.answers.marginal import marginal_values
from careshed.siting.answers.plans import Say, broken_rules, has_plan, held, plan_in, quiet, reasons, solved
from careshed.siting.problem import SitingProblem
from careshed.siting.sides import Among
from careshed.siting.solution import Solution

__all__ = ["Robustness", "Scenario", "at_speed", "robustness", "speeds"]

Scenario = SitingProblem | Callable[[SitingProblem], SitingProblem]
"""A problem with the same sites, or what makes one of the plan's own problem."""


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """What becomes of a plan.

    Attributes
    ----------
    scenarios
        Index ``scenario``, the plan's own problem first (``as planned``); columns

        - ``covered`` (people within the standard under the plan, summed over phases), ``covered_share`` (of all people,
          last phase), ``mean_response_s`` (of reachable people, last phase), ``beyond`` (people without a site within
          the cutoff, last phase);
        - ``best_covered``, ``best_mean_response_s``: the same of the scenario's own best plan (summed; last phase);
        - ``regret``: people that it covers beyond the plan, summed over phases; ``regret_most``: not more than this;
          ``regret_response_s``: seconds by which its mean response is less (it may be negative: coverage comes first);
        - ``keeps_rules``, ``broken``: whether the plan keeps the scenario's rules, and which it breaks. Where it keeps
          them, and no other model is sought, `regret` is never negative;
        - ``status``, ``reason`` (of the scenario's own best plan), ``opened``, ``closed`` (ids in which it differs).
    closures
        Index ``site_id``, each open site closed in turn, worst first; columns ``name``, ``group``, ``status``,
        ``tier``, ``load`` (people it serves), ``covered_lost`` (people), ``covered_share`` (what is left),
        ``response_lost_s`` (mean response more), ``left_alone`` (people without any site within the cutoff), all in the
        last phase if no other site replaces it; ``replanned_lost`` (people, summed over phases, that the best plan
        without the site covers less; negative only where the site is existing and stands in a poor place; NaN where
        not asked, or where no plan without it keeps the rules) and ``replanned_status``.
    sites
        Index ``site_id``, every site of a good plan; columns ``name``, ``group``, ``plans`` (in how many good plans),
        ``share`` (0 to 1), ``core`` (in all), ``fixed`` (existing or required: it could not be left out), ``planned``
        (in the plan itself); most frequent first. Good plans are the plan, the k best, and the best of each scenario.
    good_plans
        How many good plans there are.
    """

    scenarios: pd.DataFrame
    closures: pd.DataFrame
    sites: pd.DataFrame
    good_plans: int

    @property
    def core(self) -> list[str]:
        """Ids of the sites that are in every good plan."""
        return [str(i) for i in self.sites.index[self.sites["core"]]]


def at_speed(problem: SitingProblem, factor: float, *, delay_ms: int = 0) -> SitingProblem:
    r"""Return a problem whose vehicles drive at another speed.

    Parameters
    ----------
    problem
        The problem.
    factor
        New speed over old: 0.8 is a fifth slower. A response of *c* becomes
        :math:`\text{delay} + (c - \text{delay}) / \text{factor}`, rounded half up to whole milliseconds.
    delay_ms
        Call handling and turnout, which every response time holds and which stay.

    Notes
    -----
    Pairs beyond the cutoff are not in a problem, so what is beyond it stays beyond when vehicles are faster. Times
    between leaders and led stay as they are: tiers are laid down once, at the speeds of the plan.
    """
    ratio = Fraction(str(factor))
    if ratio <= 0:
        raise InputError(f"factor={factor:g}: expected a speed ratio above 0, such as 0.8")
    site, demand, ms = problem.pairs()
    drive = ms.astype(np.int64) - delay_ms
    if len(drive) and drive.min() < 0:
        raise InputError(f"delay_ms={delay_ms}: a response takes only {int(ms.min())} ms; give the delay it holds")
    up, down = ratio.denominator, ratio.numerator
    now = delay_ms + (2 * drive * up + down) // (2 * down)
    keep = now <= problem.cutoff_ms
    starts = np.searchsorted(site[keep], np.arange(len(problem.site_ids) + 1)).astype(np.int64)
    return replace(problem, _starts=starts, _demand=demand[keep], _ms=now[keep].astype(np.int32))


def speeds(factors: Iterable[float] = (0.8, 1.2), *, delay_ms: int = 0) -> dict[str, Scenario]:
    """Return scenarios of other speeds, by name (``speed 0.8`` …).

    Parameters
    ----------
    factors, delay_ms
        As in :func:`at_speed`.
    """

    def scenario(factor: float) -> Scenario:
        return lambda problem: at_speed(problem, factor, delay_ms=delay_ms)

    return {f"speed {factor:g}": scenario(factor) for factor in factors}


def robustness(  # noqa: PLR0913 - all but three by name
    problem: SitingProblem,
    solution: Solution,
    scenarios: Mapping[str, Scenario],
    *,
    k: int = 5,
    differ_by: int = 1,
    replan: int = 0,
    model: Any = None,
    time_limit_s: float | None = None,
    say: Say = quiet,
) -> Robustness:
    """Judge a plan under scenarios, with each of its sites closed, and among all good plans.

    Parameters
    ----------
    problem, solution
        The problem, and its best plan as ``site(problem, model)`` gives it.
    scenarios
        Problems with the same sites and demand by name (the peak hour), or what makes them (:func:`speeds`).
    k, differ_by
        So many best plans count as good, as in :func:`careshed.siting.answers.kbest.k_best`; k = 1: the plan alone.
    replan
        For so many of the worst closures the best plan without the site is sought.
    model
        What is sought; None: coverage, then response. Figures are coverage and response under every model.
    time_limit_s
        Stop after about so many seconds for each plan that is sought.
    say
        Called with a text before each scenario, and before each of the k best plans.

    Returns
    -------
    Robustness
        Tables of scenarios, closures and sites.
    """
    if not has_plan(solution):
        raise InputError("there is no plan to judge; loosen the rules that the solution's reason names")
    rows = {"as planned": _planned(problem, solution)}
    good = [solution]
    for name, scenario in scenarios.items():
        say(f"scenario {name}")
        there = scenario if isinstance(scenario, SitingProblem) else scenario(problem)
        _check_same(problem, there, name)
        rows[name], best = _judged(there, solution, model, time_limit_s)
        good += [best] if has_plan(best) else []
    if k > 1:
        options: dict[str, Any] = {"model": model, "time_limit_s": time_limit_s, "say": say}
        others = k_best(problem, k, differ_by=differ_by, best=solution, **options)
        good += others.plans[1:]
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="scenario")
    closures = _closures(problem, solution, replan, model, time_limit_s)
    return Robustness(table, closures, _appearance(problem, solution, good), len(good))


def _check_same(problem: SitingProblem, there: SitingProblem, name: str) -> None:
    """Refuse a scenario of other sites, phases or tiers."""
    same = problem.site_ids.equals(there.site_ids) and len(problem.phases) == len(there.phases)
    if not same or [t.name for t in problem.tiers] != [t.name for t in there.tiers]:
        raise InputError(
            f"scenario {name!r} has {len(there.site_ids)} sites, {len(there.phases)} phases and {len(there.tiers)} "
            f"tiers: expected the same as the plan's problem ({len(problem.site_ids)}, {len(problem.phases)}, "
            f"{len(problem.tiers)}), with other times"
        )


def _planned(problem: SitingProblem, solution: Solution) -> dict[str, Any]:
    """Return the row of the plan's own problem."""
    now = evaluate(problem, solution.open_ids())
    covered = int(solution.phases["covered"].sum())
    most = solution.levels[0].bound - covered if solution.levels[0].name == "covered" else float("nan")
    return _row(now, covered, (covered, now.mean_response_s, most), [], solution, solution)


def _judged(
    there: SitingProblem, solution: Solution, model: Any, time_limit_s: float | None
) -> tuple[dict[str, Any], Solution]:
    """Return a scenario's row and its own best plan."""
    plan = plan_in(there, solution)
    broken = broken_rules(there, plan)
    best = solved(there if broken else held(there, plan), model, time_limit_s)
    now = evaluate(there, solution.open_ids())
    covered = int(evaluate_phases(there, solution)["covered"].sum())
    if not has_plan(best):
        return _row(now, covered, (float("nan"),) * 3, broken, best, solution), best
    found = int(best.phases["covered"].sum())
    if model is None and not broken:
        # the plan is one of the scenario's: with too little time it may be the best one known
        found = max(found, covered)
    most = best.levels[0].bound - covered if best.levels[0].name == "covered" else float("nan")
    mean = evaluate(there, best.open_ids()).mean_response_s
    return _row(now, covered, (found, mean, most), broken, best, solution), best


def _row(
    now: Figures,
    covered: int,
    best_figures: tuple[float, float, float],
    broken: list[str],
    best: Solution,
    solution: Solution,
) -> dict[str, Any]:
    """Return a row of the table of scenarios; `best_figures` are covered, mean response, and most regret."""
    found, mean, most = best_figures
    own, other = set(solution.open_ids()), set(best.open_ids())
    some = has_plan(best)
    return {
        "covered": covered,
        "covered_share": now.covered_share,
        "mean_response_s": now.mean_response_s,
        "beyond": now.beyond,
        "best_covered": found,
        "best_mean_response_s": mean,
        "regret": found - covered,
        "regret_most": most,
        "regret_response_s": now.mean_response_s - mean,
        "keeps_rules": not broken,
        "broken": "; ".join(broken),
        "status": best.status,
        "reason": reasons(best),
        "opened": " ".join(sorted(other - own)) if some else "",
        "closed": " ".join(sorted(own - other)) if some else "",
    }


def _closures(
    problem: SitingProblem, solution: Solution, replan: int, model: Any, time_limit_s: float | None
) -> pd.DataFrame:
    """Return the table of closures."""
    values = marginal_values(problem, solution)
    now = evaluate(problem, solution.open_ids())
    table = values[["name", "group", "status", "tier", "load"]].copy()
    table["covered_lost"] = values["only_cover"]
    table["covered_share"] = (now.covered - values["only_cover"]) / max(now.people, 1)
    table["response_lost_s"] = values["mean_lost_s"]
    table["left_alone"] = values["left_alone"]
    table = table.sort_values(
        ["covered_lost", "response_lost_s", "left_alone"], ascending=False, kind="stable"
    )  # ties stay in the order of ids
    table["replanned_lost"], table["replanned_status"] = float("nan"), ""
    for site in table.index[:replan]:
        lost, status = _replanned(problem, solution, str(site), model, time_limit_s)
        table.loc[site, "replanned_lost"], table.loc[site, "replanned_status"] = lost, status
    return table


def _replanned(
    problem: SitingProblem, solution: Solution, site_id: str, model: Any, time_limit_s: float | None
) -> tuple[float, str]:
    """Return what the best plan without a site covers less, summed over phases, and its status."""
    own = int(problem.site_ids.get_loc(site_id))  # type: ignore[arg-type]
    if not problem.groups[own]:
        return float("nan"), "outside: not ours to replace"
    statuses = tuple("candidate" if j == own else s for j, s in enumerate(problem.statuses))
    side = Among(f"without {problem.label(own)}", (site_id,), at_most=0)
    now = held(problem, plan_in(problem, solution))
    there = replace(now, statuses=statuses, sides=(*now.sides, side))
    best = solved(there, model, time_limit_s)
    if not has_plan(best):
        return float("nan"), best.status
    return float(solution.phases["covered"].sum() - best.phases["covered"].sum()), best.status


def _appearance(problem: SitingProblem, solution: Solution, good: list[Solution]) -> pd.DataFrame:
    """Return in how many good plans each site appears."""
    every = pd.Series([i for plan in good for i in plan.open_ids()], dtype=object)
    plans = every.value_counts().rename_axis(index="site_id").sort_index().sort_values(ascending=False, kind="stable")
    at = problem.site_ids.get_indexer(plans.index)
    own = {*solution.open_ids()}
    return pd.DataFrame(
        {
            "name": [problem.site_names[j] for j in at],
            "group": [problem.groups[j] for j in at],
            "plans": plans.to_numpy(),
            "share": plans.to_numpy() / len(good),
            "core": plans.to_numpy() == len(good),
            "fixed": [problem.statuses[j] in ("existing", "required") for j in at],
            "planned": [str(i) in own for i in plans.index],
        },
        index=plans.index,
    )

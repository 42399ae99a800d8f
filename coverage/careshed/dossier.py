"""Answers beyond a plan's sites, as tables: other plans, frontier, prices of rules, worth of stations, robustness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from careshed.brief import Brief, siting_problem
from careshed.errors import InputError
from careshed.plan import Plan
from careshed.services import service_network, station_times
from careshed.siting import Lexicographic, Solution
from careshed.siting.answers.frontier import frontier
from careshed.siting.answers.kbest import k_best
from careshed.siting.answers.marginal import communities_served, marginal_values
from careshed.siting.answers.prices import rule_prices
from careshed.siting.answers.robust import Scenario, robustness, speeds
from careshed.siting.answers.tradeoff import tradeoff

__all__ = ["FACTORS", "Dossier", "Wanted", "dossier"]

FACTORS = (0.8, 1.2)
"""Speeds that a plan is judged at, beside its own."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which answers are asked for.

    Attributes
    ----------
    k_best
        How many best plans; 0: none.
    frontier
        Least and greatest number of stations; None: no frontier.
    explain
        Whether rules are priced, stations judged and speeds varied.
    time_limit_s
        Seconds for each plan that is sought; None: until proven.
    """

    k_best: int = 0
    frontier: tuple[int, int] | None = None
    explain: bool = False
    time_limit_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dossier:
    """Tables by the name of their file, and what is to be said about them.

    Attributes
    ----------
    tables
        Of ``kbest``, ``frontier``, ``tradeoff``, ``prices``, ``marginal``, ``served``, ``robustness``,
        ``robustness-closures`` and ``robustness-sites`` those that were asked for.
    notes
        Sentences for people.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> list[str]:
        """Names of the files that it is written into."""
        drawn = [f"{name}.svg" for name in ("frontier", "tradeoff") if "covered_bound" in self.tables.get(name, ())]
        return [*(f"{name}.csv" for name in self.tables), *drawn]


def dossier(plan: Plan, wanted: Wanted, progress: Progress | None = None) -> Dossier:
    """Answer what is asked beyond the sites.

    Parameters
    ----------
    plan
        A plan with the part ``siting``. Where it has no sites the frontier alone is answered: with another number of
        stations there may be a plan.
    wanted
        What is asked.
    progress
        Called with a sentence at each step.

    Raises
    ------
    InputError
        If the plan has no siting.
    """
    if plan.brief is None or plan.solution is None:
        raise InputError("the plan has no siting, so nothing can be said beyond it; see its left_out")
    say = progress or (lambda _: None)
    clerk = _Clerk(plan, plan.brief, plan.solution, wanted, say)
    if wanted.frontier is not None:
        clerk.draw_frontier(*wanted.frontier)
    if plan.solution.found and wanted.frontier is not None and clerk.usual:
        clerk.weigh()
    if plan.solution.found and wanted.k_best:
        clerk.find_others()
    if plan.solution.found and wanted.explain:
        clerk.price()
        clerk.judge_stations()
        clerk.vary()
    return Dossier(clerk.tables, tuple(clerk.notes))


class _Clerk:
    """Holds the tables in the making."""

    def __init__(self, plan: Plan, brief: Brief, solution: Solution, wanted: Wanted, say: Progress) -> None:
        self.plan, self.brief, self.solution, self.wanted, self.say = plan, brief, solution, wanted, say
        self.problem = brief.problem
        # prices know more of the plan that is sought where no model is named
        self.usual = plan.model in (None, Lexicographic())
        model = None if self.usual else plan.model
        self.options: dict[str, Any] = {"model": model, "time_limit_s": wanted.time_limit_s}
        self.tables: dict[str, pd.DataFrame] = {}
        self.notes: list[str] = []

    def draw_frontier(self, least: int, most: int) -> None:
        """Solve each number of stations."""
        self.say(f"frontier of {least} to {most} stations")
        self.tables["frontier"] = frontier(self.problem, range(least, most + 1), **self.options)

    def weigh(self) -> None:
        """Weigh response against coverage with the plan's own stations."""
        self.say("response against coverage")
        self.tables["tradeoff"] = tradeoff(self.problem, time_limit_s=self.wanted.time_limit_s)

    def find_others(self) -> None:
        """Find the k best plans."""
        self.say(f"the {self.wanted.k_best} best plans")
        best = k_best(self.problem, self.wanted.k_best, **self.options)
        self.tables["kbest"] = best.to_frame()
        if best.reason:
            self.notes.append(f"{len(best)} of {best.asked} best plans: {best.reason}")

    def price(self) -> None:
        """Find what each rule costs."""
        self.say("what each rule costs")
        self.tables["prices"] = rule_prices(self.problem, self.solution, **self.options)

    def judge_stations(self) -> None:
        """Find what each station adds, and who serves whom."""
        self.say("what each station adds")
        communities = self.plan.area.demand["community_id"]
        given = communities if (communities != "").any() else None
        self.tables["marginal"] = marginal_values(self.problem, self.solution, communities=given)
        if given is not None:
            served = communities_served(self.problem, self.solution, given)
            names = self.plan.area.communities["name"].reindex(served.index)
            served.insert(0, "name", names.fillna(""))
            self.tables["served"] = served

    def vary(self) -> None:
        """Judge the plan at other speeds, at other hours, and with each station closed."""
        self.say("robustness: speeds, hours, each station closed")
        delay_ms = round(self.brief.service.delay_s * 1000)
        scenarios = {**speeds(FACTORS, delay_ms=delay_ms), **self._hours()}
        others = max(self.wanted.k_best, 1)
        found = robustness(self.problem, self.solution, scenarios, k=others, **self.options)
        self.tables["robustness"] = found.scenarios
        self.tables["robustness-closures"] = found.closures
        self.tables["robustness-sites"] = found.sites

    def _hours(self) -> dict[str, Scenario]:
        """Return the problem at the profile's other periods; leaders stay as near as they were."""
        plan, brief = self.plan, self.brief
        if brief.service.mode != "drive":
            return {}
        # leaders are laid down once, at the hour of the plan
        usual = service_network(plan.area, brief.service, profile=plan.profile, hour=plan.hour)
        found: dict[str, Scenario] = {}
        for name, period in plan.profile.period.items():
            if name == plan.profile.period_at(plan.hour):
                continue
            network = service_network(plan.area, brief.service, profile=plan.profile, hour=period.hours[0])
            times = station_times(plan.area, brief.service, network, brief.sites)
            found[name] = siting_problem(plan.area, brief.service, brief.rules, brief.sites, times, usual)
        return found

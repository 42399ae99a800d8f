"""Figures of open sites, what each adds, and the k best plans, against counting by hand and going through all plans."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careshed.errors import InputError
from careshed.siting import Pairs, Phase, SitingProblem, site
from careshed.siting.answers import plans
from careshed.siting.answers.evaluate import evaluate, evaluate_phases
from careshed.siting.answers.frontier import frontier
from careshed.siting.answers.kbest import k_best
from careshed.siting.answers.marginal import communities_served, marginal_values
from careshed.siting.answers.prices import rule_prices
from careshed.siting.sides import Shortfall

_spec = importlib.util.spec_from_file_location("siting_cases", Path(__file__).with_name("test_siting.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


def best_by_last_set(case):
    """Return the best figures (shortfall held at its least) of each set of sites open in the last phase."""
    found = list(cases.plans(case))
    if case["early_quotas"] and found:
        least = min(lacking for _, lacking in found)
        found = [(o, lacking) for o, lacking in found if lacking == least]
    best = {}
    for opened, _ in found:
        covered, cost = cases.figures(cases.Plain(case), opened)
        key = frozenset(opened[-1])
        best[key] = min(best.get(key, (1, 0)), (-covered, cost))
    return best


def free(case, sites):
    """Return the sites of a set that are not open whatever is decided."""
    table = case["sites"]
    return {
        j
        for j in sites
        if table["status"][j] != "existing" and not (table["group"][j] == "" and table["status"][j] == "required")
    }


@settings(max_examples=12, **QUICK)
@given(cases.problems(), st.integers(1, 2))
def test_k_best_equals_enumeration(case, differ_by):
    best = best_by_last_set(case)
    found = k_best(cases.build(case), 5, differ_by=differ_by)
    before: list[set[str]] = []
    for plan in found:
        opened = set(plan.open_ids())
        left = {
            s: value
            for s, value in best.items()
            if all(len(free(case, other) - s) >= differ_by for other in before) and s not in before
        }
        assert plan.status == "optimal"
        assert (-plan.levels[0].objective, round(plan.levels[1].objective * 1000)) == min(left.values())
        assert frozenset(opened) in left
        before.append(opened)
    if len(found) < 5:
        assert found.reason
        assert not any(
            all(len(free(case, other) - s) >= differ_by for other in before) and s not in before for s in best
        )
    else:
        assert found.reason == ""
    values = [(-p.levels[0].objective, p.levels[1].objective) for p in found]
    assert values == sorted(values)
    frame = found.to_frame()
    assert list(frame.index) == list(range(1, len(found) + 1))
    if len(found):
        assert frame.loc[1, "opened"] == frame.loc[1, "closed"] == ""
        assert found[0] is found.plans[0]


@settings(max_examples=12, **QUICK)
@given(cases.problems())
def test_figures_equal_those_of_the_solution(case):
    problem = cases.build(case)
    solution = site(problem)
    if solution.status == "infeasible":
        return
    table = evaluate_phases(problem, solution)
    for name in ("covered", "person_seconds", "beyond"):
        assert table[name].tolist() == solution.phases[name].tolist()
    now = evaluate(problem, solution.open_ids())
    assert now.people - now.reachable == solution.unreachable
    assert now.person_seconds == table["person_seconds"].iloc[-1]


@settings(max_examples=12, **QUICK)
@given(cases.problems())
def test_each_site_adds_what_is_lost_without_it(case):
    problem = cases.build(case)
    solution = site(problem)
    if solution.status == "infeasible":
        return
    own = solution.open_ids()
    now = evaluate(problem, own)
    values = marginal_values(problem, solution)
    assert list(values.index) == own
    served = solution.assignment[solution.assignment["site_id"] != ""].groupby("site_id")["weight"].sum()
    for j in own:
        without = evaluate(problem, [i for i in own if i != j])
        row = values.loc[j]
        assert row["only_cover"] == now.covered - without.covered
        assert row["response_lost"] == pytest.approx(without.person_seconds - now.person_seconds)
        assert row["left_alone"] == without.beyond - now.beyond
        assert row["load"] == served.get(j, 0)
        assert row["within"] == evaluate(problem, [j]).covered == row["only_cover"] + row["backed_up"]
    assert values["load"].sum() == now.reachable - now.beyond


def street(**options):
    """Return sites a, b, c at 0, 4 and 10 minutes along a street, and people along it."""
    places = {"a": 0, "b": 4, "c": 10}
    people = {"d0": (0, 10), "d1": (3, 20), "d2": (5, 30), "d3": (9, 40), "d4": (200, 7)}
    rows = [(s, d, abs(x - y) * 60_000) for s, x in places.items() for d, (y, _) in people.items()]
    times = Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"]))
    weights = pd.Series({d: w for d, (_, w) in people.items()})
    sites = pd.DataFrame({"name": ["甲站", "乙站", "丙站"]}, index=[*places])
    return SitingProblem.build(sites, weights, times, standard_ms=180_000, **({"stations": 2} | options))


def test_a_street_by_hand():
    problem = street()
    solution = site(problem)
    assert solution.open_ids() == ["b", "c"]
    values = marginal_values(problem, solution, communities=pd.Series(list("xxyyz"), index=[f"d{i}" for i in range(5)]))
    assert values.loc["b", ["name", "load", "points", "communities", "only_cover"]].tolist() == ["乙站", 60, 3, 2, 50]
    assert values.loc["b", "mean_s"] == pytest.approx((10 * 240 + 20 * 60 + 30 * 60) / 60)
    assert values.loc["b", "worst_s"] == 240.0
    # without b, c serves those at 0, 3 and 5: 10, 7 and 5 minutes away
    assert values.loc["b", "response_lost"] == 10 * 360 + 20 * 360 + 30 * 240
    assert values.loc["c", ["load", "within", "backed_up", "left_alone"]].tolist() == [40, 40, 0, 0]
    served = communities_served(
        problem, solution, pd.Series(["x", "x", "y", "y", ""], index=[f"d{i}" for i in range(5)])
    )
    assert served.loc["y"].tolist() == ["c", 40 / 70, 2, 70, 70, 0, pytest.approx((30 * 60 + 40 * 60) / 70)]
    assert served.loc["x", ["site_id", "share", "sites", "covered"]].tolist() == ["b", 1.0, 1, 20]
    assert evaluate(problem, ["b", "c"]).mean_response_s == pytest.approx(
        (10 * 240 + 20 * 60 + 30 * 60 + 40 * 60) / 100
    )


def test_strangers_are_refused():
    problem = street()
    with pytest.raises(InputError, match="'nobody' is not in the problem"):
        evaluate(problem, ["a", "nobody"])
    with pytest.raises(InputError, match="1 demand points have none, first 'd4'"):
        marginal_values(problem, site(problem), communities=pd.Series("x", index=["d0", "d1", "d2", "d3"]))
    with pytest.raises(InputError, match="k=0"):
        k_best(problem, 0)


def test_too_few_plans_say_so():
    found = k_best(street(), 9)
    assert [p.open_ids() for p in found] == [["b", "c"], ["a", "c"], ["a", "b"]]
    assert found.reason == "only 3 plans keep the rules and differ from one another in 1 sites or more"
    assert k_best(street(), 9, differ_by=3).reason == "plan 1 has fewer than 3 sites that could be closed"
    none = k_best(street(stations=5), 2)
    assert len(none) == 0
    assert none.reason.startswith("there is no plan: 5 stations are asked for")


def shortfall_cases():
    """Return problems in which early quotas can't be met in full."""
    rng = np.random.default_rng(5)
    for _ in range(2):
        n, m = 6, 8
        sites = pd.DataFrame({"group": list("xxyyzz")}, index=[f"s{j}" for j in range(n)])
        ms = pd.DataFrame(rng.integers(0, 900, (n, m)), index=sites.index, columns=[f"d{i}" for i in range(m)])
        weights = pd.Series(rng.integers(1, 9, m), index=ms.columns)
        yield sites, weights, ms


@pytest.mark.parametrize("at_most", [0, 1, 2, 3])
def test_shortfalls_bend_as_far_as_they_say(at_most):
    for sites, weights, ms in shortfall_cases():
        case = {
            "sites": sites.assign(status="candidate", tier=""),
            "weights": weights,
            "ms": ms,
            "stations": 3,
            "quotas": {},
            "tiers": (),
            "phases": (Phase("1", 2), Phase("2", 3)),
            "early_quotas": False,
            "sides": (),
            "lead": ms,
        }
        side = Shortfall(at_most, {"x": 1, "y": 1, "z": 1}, (1, 2))
        problem = SitingProblem.build(
            sites, weights, cases.long(ms), stations=3, standard_ms=500, cutoff_ms=1000, phases=case["phases"],
            sides=[side],
        )  # fmt: skip
        fit = [
            figures
            for opened, _ in cases.plans(case)
            if sum(3 - sites["group"][sorted(now)].nunique() for now in opened) <= at_most
            for figures in [cases.figures(cases.Plain(case), opened)]
        ]
        solution = site(problem)
        if not fit:
            assert solution.status == "infeasible"
            assert f"at most {at_most} station" in " ".join(conflict.text.en for conflict in solution.reason)
            continue
        covered, cost = min((-a, b) for a, b in fit)
        assert (solution.levels[0].objective, solution.levels[1].objective) == (-covered, cost / 1000)


def test_shortfalls_of_strangers_are_refused():
    with pytest.raises(InputError, match="1 groups and 1 phases"):
        street(sides=[Shortfall(0, {"nowhere": 1}, (1,))])
    with pytest.raises(InputError, match="at most -1"):
        Shortfall(-1, {}, (1,))


def test_a_model_is_passed_on_only_where_it_is_given(monkeypatch):
    given = []

    def recorded(problem, **options):
        given.append(options.pop("model", "none"))
        return site(problem, **options)

    monkeypatch.setattr(plans, "site", recorded)
    problem = street(min_per_group={"all": 1})
    best = site(problem)
    assert len(k_best(problem, 2)) == 2
    assert given == ["none", "none"]
    said: list[str] = []
    k_best(problem, 2, model="any", say=said.append)
    assert said == ["plan 2 of 2"]
    assert frontier(problem, [1, 2], model="any").loc[2, "covered"] == best.levels[0].objective
    prices = rule_prices(problem, best, model="any")
    assert prices[["people", "gain"]].to_numpy().tolist() == [[0, 0]]
    assert prices[["people_most", "response_s"]].isna().to_numpy().all()
    assert set(given[2:]) == {"any"}

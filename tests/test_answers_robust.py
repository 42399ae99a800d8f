"""A plan under scenarios: regret is never negative, closures are as evaluated, speeds give whole milliseconds."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careshed.errors import InputError
from careshed.siting import Pairs, Phase, SitingProblem, site
from careshed.siting.answers.evaluate import evaluate
from careshed.siting.answers.robust import at_speed, robustness, speeds
from careshed.siting.sides import WorstTime

_spec = importlib.util.spec_from_file_location("siting_cases", Path(__file__).with_name("test_siting.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@settings(max_examples=12, **QUICK)
@given(cases.problems())
def test_regret_is_never_negative(case):
    problem = cases.build(case)
    solution = site(problem)
    if solution.status == "infeasible":
        return
    peak = at_speed(problem, 0.6)
    found = robustness(problem, solution, speeds((0.8, 1.2)) | {"peak": peak}, k=2, replan=1)
    table = found.scenarios
    assert table.index.tolist() == ["as planned", "speed 0.8", "speed 1.2", "peak"]
    assert table["keeps_rules"].all()
    assert (table["regret"] >= 0).all()
    assert (table["regret_most"] == table["regret"]).all()
    assert table.loc["as planned", "regret"] == 0
    assert (table["best_covered"] - table["covered"] == table["regret"]).all()
    own = solution.open_ids()
    assert table.loc["peak", "covered_share"] == pytest.approx(evaluate(peak, own).covered_share, nan_ok=True)
    # early quotas are held as far as the plan holds them
    assert table.loc["peak", "best_covered"] >= site(peak).levels[0].objective
    assert found.closures.index.sort_values().tolist() == own
    lost = found.closures["covered_lost"].tolist()
    assert lost == sorted(lost, reverse=True)
    for j, row in found.closures.iterrows():
        left = evaluate(problem, [i for i in own if i != j])
        assert row["covered_lost"] == evaluate(problem, own).covered - left.covered
    again = found.closures.iloc[:1]
    # an existing site may stand where nobody would open one
    assert not ((again["status"] != "existing") & (again["replanned_lost"] < 0)).any()
    assert set(found.core) <= set(own)
    assert (found.sites["plans"] <= found.good_plans).all()
    assert found.sites["planned"].sum() == len(own)
    assert found.sites.loc[found.sites["fixed"] & found.sites["core"]].index.isin(own).all()


@given(st.lists(st.integers(0, 900), min_size=1, max_size=20), st.sampled_from([0.8, 1.2, 0.95, 1.0, 3]), st.booleans())
@settings(max_examples=20, **QUICK)
def test_speeds_are_exact(times, factor, late):
    delay = 40
    frame = pd.DataFrame(
        {"site_id": "s", "demand_id": [f"d{i:02}" for i in range(len(times))], "ms": [delay + t for t in times]}
    )
    weights = pd.Series(1, index=frame["demand_id"])
    problem = SitingProblem.build(
        pd.DataFrame(index=["s"]), weights, Pairs.from_frame(frame), stations=1, standard_ms=100,
        cutoff_ms=600 if late else 2_000,
    )  # fmt: skip
    now = at_speed(problem, factor, delay_ms=delay)
    of = dict(zip(*(a.tolist() for a in now.pairs()[1:]), strict=True))
    for i, t in enumerate(times):
        exact = delay + int(Fraction(t) / Fraction(str(factor)) + Fraction(1, 2))
        known = delay + t <= problem.cutoff_ms
        assert of.get(i) == (exact if known and exact <= problem.cutoff_ms else None)
    if factor == 1.0:
        assert [a.tolist() for a in now.pairs()] == [a.tolist() for a in problem.pairs()]


def street(**options):
    """Return four sites along a street and people between them."""
    places = {"a": 0, "b": 4, "c": 10, "d": 14}
    people = {"d0": (0, 10), "d1": (3, 20), "d2": (5, 30), "d3": (9, 40), "d4": (14, 35)}
    rows = [(s, d, abs(x - y) * 60_000) for s, x in places.items() for d, (y, _) in people.items()]
    times = Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"]))
    weights = pd.Series({d: w for d, (_, w) in people.items()})
    sites = pd.DataFrame({"name": ["甲站", "乙站", "丙站", "丁站"]}, index=[*places])
    return SitingProblem.build(sites, weights, times, **({"stations": 2, "standard_ms": 180_000} | options))


def test_closures_by_hand():
    problem = street()
    solution = site(problem)
    assert solution.open_ids() == ["b", "c"]
    found = robustness(problem, solution, {}, k=3, replan=2)
    closures = found.closures
    assert closures.index.tolist() == ["b", "c"]
    assert closures["covered_lost"].tolist() == [50, 40]
    assert closures["covered_share"].tolist() == [40 / 135, 50 / 135]
    assert closures["replanned_status"].tolist() == ["optimal", "optimal"]
    # of 90: without b, c and d cover 75; without c, b and d cover 85
    assert closures["replanned_lost"].tolist() == [15, 5]
    assert found.good_plans == 3
    assert found.sites["plans"].to_dict() == {"b": 2, "c": 2, "d": 2}
    assert found.core == []
    assert robustness(problem, solution, {}, k=1).core == ["b", "c"]


def test_a_plan_that_breaks_a_scenarios_rules_says_so():
    problem = street(sides=[WorstTime(600_000)])
    solution = site(problem)
    found = robustness(problem, solution, speeds((0.3, 0.1)), k=1).scenarios
    assert found["keeps_rules"].tolist() == [True, False, False]
    assert found["broken"].tolist() == ["", "worst time 600000", "worst time 600000"]
    assert found["status"].tolist() == ["optimal", "infeasible", "infeasible"]
    assert np.isnan(found.loc["speed 0.3", "regret"])
    assert found.loc["speed 0.3", "reason"]


def test_what_can_not_be_judged_is_refused():
    problem = street()
    solution = site(problem)
    other = street(phases=[Phase("a", 1), Phase("b", 2)])
    with pytest.raises(InputError, match="scenario 'peak' has 4 sites, 2 phases and 0 tiers"):
        robustness(problem, solution, {"peak": other})
    with pytest.raises(InputError, match="factor=0"):
        at_speed(problem, 0)
    with pytest.raises(InputError, match="a response takes only 0 ms"):
        at_speed(problem, 1.2, delay_ms=1_000)
    none = street(stations=9)
    with pytest.raises(InputError, match="no plan to judge"):
        robustness(none, site(none), {})

"""Prices of rules are never negative and are those of the problem without the rule."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from careshed.errors import InputError
from careshed.siting import Pairs, Phase, SitingProblem, Tier, site
from careshed.siting.answers.plans import broken_rules, held, plan_in
from careshed.siting.answers.prices import PRICE_COLUMNS, rule_prices
from careshed.siting.answers.relaxed import RULES, relaxed, side_text
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, Shortfall, WorstTime

_spec = importlib.util.spec_from_file_location("siting_cases", Path(__file__).with_name("test_siting.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@settings(max_examples=16, **QUICK)
@given(cases.problems(cases.KINDS))
def test_prices_are_never_negative(case):
    problem = cases.build(case)
    solution = site(problem)
    if solution.status == "infeasible":
        return
    plan = plan_in(problem, solution)
    assert broken_rules(problem, plan) == []
    for one in relaxed(problem, plan, RULES):
        assert broken_rules(one.problem, one.plan) == [], one.text
    prices = rule_prices(problem, solution)
    assert tuple(prices.columns) == PRICE_COLUMNS
    assert (prices["people"] >= 0).all()
    assert (prices["people_most"] == prices["people"]).all()
    assert (prices["response_s"] >= 0).all()
    assert (prices["status"] == "optimal").all()
    assert (prices["text"] != "").all()
    free = prices[(prices["people"] == 0) & (prices["response_s"] == 0) & (prices["rule"] != "nesting")]
    assert (free["gain"] == 0).all()
    for rule in ("quota", "required", "existing"):
        own = prices[prices["rule"] == rule]
        if (own["key"] == "").any():
            assert own["people"].iloc[-1] >= own["people"].iloc[:-1].max() or problem.early_quotas


@settings(max_examples=10, **QUICK)
@given(cases.problems(cases.KINDS))
def test_prices_equal_brute_force(case):
    case = case | {"early_quotas": False}
    problem = cases.build(case)
    solution = site(problem)
    best = cases.brute_force(case)
    if best is None:
        return
    prices = rule_prices(problem, solution, rules=("quotas", "required", "existing", "tiers", "sides"))
    for row in prices.itertuples():
        there = dict(case)
        if row.rule == "quota":
            there["quotas"] = {g: q for g, q in case["quotas"].items() if row.key not in (g, "")}
        elif row.rule in ("required", "existing"):
            sites = case["sites"].copy()
            own = sites.index[(sites["status"] == row.rule) & (sites["group"] != "")] if row.key == "" else [row.key]
            sites.loc[own, "status"] = "candidate"
            there["sites"] = sites
        elif row.rule == "span":
            there["tiers"] = tuple(replace(t, span=None) if t.name == row.key else t for t in case["tiers"])
        elif row.rule == "lead":
            there["tiers"] = tuple(replace(t, led_by=()) if t.name == row.key else t for t in case["tiers"])
        elif row.rule == "side":
            there["sides"] = [side for n, side in enumerate(case["sides"], 1) if n != int(row.key)]
        else:
            there["tiers"] = tuple(Tier(t.name, t.count) for t in case["tiers"])
            there["sites"] = case["sites"].assign(tier="")
        assert row.people == cases.brute_force(there)[0] - best[0]
        plans = [cases.figures(cases.Plain(there), opened) for opened, _ in cases.plans(there)]
        least = min(cost for covered, cost in plans if covered >= best[0])
        everybody = sum(
            w for i, w in case["weights"].items() if (case["ms"].loc[problem.site_ids, i] <= cases.CUTOFF_MS).any()
        )
        phases = len(problem.phases)
        saved = (best[1] - least) / everybody / phases / 1000 if everybody else 0.0
        assert row.response_s == pytest.approx(saved)


def two_banks(**options):
    """Return two towns with a river between: six sites, people mostly in the west."""
    places = {"w1": 0.0, "w2": 6.0, "w3": 12.0, "e1": 40.0, "e2": 46.0, "e3": 52.0}
    people = {"w0": (0.0, 500), "w6": (6.0, 400), "w12": (12.0, 300), "e40": (40.0, 60), "e46": (46.0, 30)}
    rows = [(s, d, round(abs(x - y) * 60_000)) for s, x in places.items() for d, (y, _) in people.items()]
    lead = [(s, t, round(abs(x - y) * 60_000)) for s, x in places.items() for t, y in places.items()]
    sites = pd.DataFrame({"group": ["west"] * 3 + ["east"] * 3, "name": [f"站{j}" for j in places]}, index=[*places])
    return SitingProblem.build(
        sites,
        pd.Series({d: w for d, (_, w) in people.items()}),
        Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"])),
        lead_times=Pairs.from_frame(pd.DataFrame(lead, columns=["site_id", "leader", "ms"]), other="leader"),
        group_names={"west": "河西", "east": "河东"},
        standard_ms=180_000,
        **options,
    )


def test_prices_by_hand():
    problem = two_banks(stations=2, min_per_group={"east": 1})
    solution = site(problem)
    assert solution.open_ids() == ["e1", "w1"]
    (price,) = rule_prices(problem, solution).to_dict("records")
    assert price["text"] == "at least 1 in 河东 (east)"
    assert (price["people"], price["people_last"], price["opened"], price["closed"]) == (340, 340, "w2", "e1")
    assert (price["level"], price["gain"]) == ("covered", 340)
    # 560 covered: e1 and w1 respond in 370,800 person-seconds, w1 and w2, which cover 900, in 302,400
    assert price["response_s"] == pytest.approx((370_800 - 302_400) / 1290)


def test_price_of_nesting_by_hand():
    places = {"left": 0.0, "middle": 5.0, "right": 10.0}
    people = {"l": (0.0, 70), "r": (10.0, 70), "lm": (4.0, 80), "rm": (6.0, 80), "lo": (2.0, 1), "ro": (8.0, 1)}
    rows = [(s, d, round(abs(x - y) * 60_000)) for s, x in places.items() for d, (y, _) in people.items()]
    problem = SitingProblem.build(
        pd.DataFrame(index=[*places]),
        pd.Series({d: w for d, (_, w) in people.items()}),
        Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"])),
        stations=2,
        standard_ms=240_000,
        phases=[Phase("2021", 1), Phase("2025", 2)],
    )
    solution = site(problem)
    # the middle alone covers 162, but left and right together 302, of which the left has 151
    assert solution.phases["covered"].tolist() == [151, 302]
    prices = rule_prices(problem, solution)
    assert prices["key"].tolist() == ["1", "2", ""]
    assert prices["text"].tolist() == [
        "phase 1 (by 2021) is nested in the others",
        "phase 2 (by 2025) is nested in the others",
        "all 2 phases are nested",
    ]
    assert prices["people"].tolist() == [11, 0, 11]
    assert prices["opened"].tolist() == ["middle", "", ""]


def test_tiers_and_early_quotas_have_prices():
    tiers = (Tier("hub", 1, span=1), Tier("post", 2, ("hub",), 360_000))
    problem = two_banks(
        stations=2, tiers=tiers, counted_tier="post", phases=[Phase("a", 1), Phase("b", 2)], min_per_group=1
    )
    assert site(problem).status == "infeasible"
    with pytest.raises(InputError, match="no plan keeps the rules"):
        rule_prices(problem, site(problem))
    tiers = (Tier("hub", 1, span=2), Tier("post", 2, ("hub",), 2_400_000))
    problem = two_banks(
        stations=2, tiers=tiers, counted_tier="post", phases=[Phase("a", 1), Phase("b", 2)], min_per_group=1
    )
    solution = site(problem)
    prices = rule_prices(problem, solution)
    assert prices["rule"].tolist() == [
        "quota", "quota", "quota", "early quotas", "span", "lead", "tiers", "nesting", "nesting", "nesting",
    ]  # fmt: skip
    assert prices["text"].iloc[4:7].tolist() == [
        "at most 2 sites led by one of tier hub",
        "each of tier post within 40 min of its hub",
        "all 2 tiers: every site may be of any, and nobody is led",
    ]
    with pytest.raises(InputError, match=r"'colour'.*expected some of quotas"):
        rule_prices(problem, solution, rules=["colour"])


def test_holding_early_quotas_needs_some():
    problem = two_banks(stations=2)
    assert held(problem, plan_in(problem, site(problem))) is problem


def test_side_rules_in_words():
    words = [
        side_text(s)
        for s in (
            Among("private owners", ("a",), at_least=1, at_most=3),
            Among("old sites", ("a",)),
            Apart("500 m apart", ()),
            Company("within 900 m of another", {}),
            Budget(70, {}),
            WorstTime(1_200_000),
            WorstTime(1_200_000, ("d", "e")),
            CoverageFloor("河东", ("d",), 0.85, 720_000),
            Shortfall(2, {}, (1, 2)),
        )
    ]
    assert words == [
        "at least 1 and at most 3 of private owners",
        "any number of old sites",
        "open sites 500 m apart",
        "each open site within 900 m of another",
        "a budget of 70",
        "everybody within 20 min",
        "2 demand points within 20 min",
        "at least 85.0% of 河东 within 12 min",
        "at most 2 stations lacking in phases 1, 2",
    ]


def test_a_time_limit_leaves_prices_open_but_not_negative():
    rng = np.random.default_rng(3)
    n, m = 24, 100
    ms = rng.integers(100, 3_000, (n, m))
    sites = pd.DataFrame({"group": [f"g{j % 5}" for j in range(n)]}, index=[f"s{j:02}" for j in range(n)])
    table = pd.DataFrame(ms, index=sites.index, columns=[f"d{i:03}" for i in range(m)])
    problem = SitingProblem.build(
        sites, pd.Series(rng.integers(1, 99, m), index=table.columns), cases.long(table), stations=8, standard_ms=500,
        cutoff_ms=3_000, min_per_group=1,
    )  # fmt: skip
    solution = site(problem, time_limit_s=0.05)
    prices = rule_prices(problem, solution, time_limit_s=0.02)
    assert (prices["people"] >= 0).all()
    assert (prices["people_most"] >= prices["people"]).all()
    assert (prices["response_s"] >= 0).all()

"""Frontiers are those that going through all plans gives, and figures of them are drawn."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from careshed.errors import InputError, MissingColumnError
from careshed.siting import Phase, SitingProblem, Tier, site
from careshed.siting.answers.frontier import frontier, with_stations
from careshed.siting.answers.kbest import k_best
from careshed.siting.answers.plots import FRONTIER, draw_frontier, draw_tradeoff, save_figure
from careshed.siting.answers.tradeoff import TRADEOFF_COLUMNS, tradeoff
from careshed.siting.models import PMedian

_spec = importlib.util.spec_from_file_location("siting_cases", Path(__file__).with_name("test_siting.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


def efficient(case):
    """Return all efficient pairs (covered, cost) of plans with the least early shortfall, coverage rising."""
    found = list(cases.plans(case))
    if case["early_quotas"] and found:
        least = min(lacking for _, lacking in found)
        found = [(o, lacking) for o, lacking in found if lacking == least]
    pairs = sorted({cases.figures(cases.Plain(case), opened) for opened, _ in found}, key=lambda p: (p[1], -p[0]))
    kept = []
    for covered, cost in pairs:
        if not kept or covered > kept[-1][0]:
            kept.append((covered, cost))
    return kept


@settings(max_examples=15, **QUICK)
@given(cases.problems())
def test_tradeoff_is_every_efficient_pair(case):
    problem = cases.build(case)
    table = tradeoff(problem, None)
    assert tuple(table.columns) == TRADEOFF_COLUMNS
    want = efficient(case)
    if not want:
        assert table["status"].tolist() == ["infeasible"]
        assert table["reason"].iloc[0]
        return
    assert list(zip(table["covered"], table["person_seconds"], strict=True)) == [(a, b / 1000) for a, b in want]
    assert (table["status"] == "optimal").all()
    assert (table["gap"] == 0).all()
    assert (table["covered_bound"] == table["covered"]).all()
    assert (table["response_bound"] == table["person_seconds"]).all()
    few = tradeoff(problem, 2)
    pairs = set(zip(few["covered"], few["person_seconds"], strict=True))
    assert pairs <= {(a, b / 1000) for a, b in want}
    assert few["covered"].iloc[[0, -1]].tolist() == table["covered"].iloc[[0, -1]].tolist()


def plain(seed=0, *, sites=9, points=40, **options):
    """Return a problem without rules."""
    rng = np.random.default_rng(seed)
    xy, at = rng.uniform(0, 1_000, (points, 2)), rng.uniform(0, 1_000, (sites, 2))
    ms = np.hypot(*(at[:, None] - xy[None]).T).T.round().astype(int)
    table = pd.DataFrame(ms, index=[f"s{j}" for j in range(sites)], columns=[f"d{i:02}" for i in range(points)])
    weights = pd.Series(rng.integers(1, 90, points), index=table.columns)
    options = {"stations": 4, "standard_ms": 250, "cutoff_ms": 900} | options
    return SitingProblem.build(pd.DataFrame(index=table.index), weights, cases.long(table), **options)


def test_frontier_rises_and_is_each_number_alone():
    problem = plain()
    table = frontier(problem, range(11))
    assert table.index.tolist() == list(range(11))
    whole = table[table["status"] == "optimal"]
    assert whole.index.tolist() == list(range(10))
    assert whole["covered"].is_monotonic_increasing
    assert (whole["covered"] == whole["covered_bound"]).all()
    assert (whole["people_covered"] == whole["covered"]).all()
    assert whole.loc[0, ["people_covered", "mean_response_s"]].tolist() == [0, 0.9]
    # two more are worth less than twice one more, never more than all
    assert whole["covered_share"].iloc[-1] <= 1.0
    assert table.loc[10, ["status", "gap", "sites"]].tolist() == ["infeasible", np.inf, ""]
    assert table.loc[10, "reason"].startswith("10 stations are asked for, but only 9 sites")
    one = site(with_stations(problem, 3))
    assert table.loc[3, "covered"] == one.levels[0].objective
    assert table.loc[3, "response"] == one.levels[1].objective
    assert table.loc[3, "sites"] == " ".join(one.open_ids())


def test_frontier_scales_phases_and_tiers():
    tiers = (Tier("hub", 1), Tier("post", 18))
    problem = plain(sites=30, stations=18, tiers=tiers, counted_tier="post", phases=[Phase("a", 13), Phase("b", 18)])
    half = with_stations(problem, 9)
    assert [p.count for p in half.phases] == [7, 9]
    assert [t.count for t in half.tiers] == [1, 9]
    assert [p.count for p in with_stations(problem, 10, shares=[0.7, 1]).phases] == [7, 10]
    assert [p.count for p in with_stations(problem, 29, shares=[Fraction(7, 10), 1]).phases] == [21, 29]
    assert with_stations(problem, 18).phases == problem.phases
    with pytest.raises(InputError, match="1 shares for 2 phases"):
        with_stations(problem, 9, shares=[1])
    with pytest.raises(InputError, match="stations=-1"):
        with_stations(problem, -1)


def test_tradeoff_steps_are_proven_and_ordered():
    problem = plain(seed=4, sites=15, points=80)
    table = tradeoff(problem, 5)
    best = site(problem)
    assert table["covered"].iloc[-1] == best.levels[0].objective
    assert table["person_seconds"].iloc[-1] == best.levels[1].objective
    assert table["covered"].is_monotonic_increasing
    assert table["covered"].is_unique
    assert table["person_seconds"].is_monotonic_increasing
    assert (table["status"] == "optimal").all()
    with pytest.raises(InputError, match="steps=-1"):
        tradeoff(problem, -1)


def test_a_time_limit_leaves_a_gap():
    problem = plain(seed=2, sites=40, points=300, stations=9, standard_ms=150)
    table = tradeoff(problem, 2, time_limit_s=0.0)
    assert (table["response_bound"] <= table["person_seconds"]).all()
    assert (table["covered_bound"] >= table["covered"]).all()
    assert (table.loc[table["status"] == "feasible", "gap"] > 0).all()


def test_figures_are_the_same_bytes_each_time(tmp_path):
    problem = plain()
    table, curve = frontier(problem, [1, 2, 3, 10]), tradeoff(problem, 3)
    first = save_figure(draw_frontier(table, chosen=2), tmp_path / "frontier.svg")
    again = save_figure(draw_frontier(table, chosen=2), tmp_path / "again.svg")
    assert first.read_bytes() == again.read_bytes()
    assert b"<svg" in first.read_bytes()
    png = save_figure(draw_tradeoff(curve), tmp_path / "tradeoff.png")
    assert png.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match="figures are written as"):
        save_figure(draw_tradeoff(curve), tmp_path / "tradeoff.jpg")
    with pytest.raises(MissingColumnError, match="covered_bound"):
        draw_frontier(table.drop(columns="covered_bound"))


def test_plans_that_are_not_proven_have_a_band():
    table = frontier(plain(), [1, 2, 3])
    open_ = table.assign(status=["optimal", "feasible", "feasible"], covered_bound=table["covered"] + [0, 40, 90])
    figure = draw_frontier(open_, words=replace(FRONTIER, second=""))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "not ruled out",
        "proven plan",
        "plan, not proven",
    ]
    (band,) = axes.collections
    low, high = band.get_datalim(axes.transData).intervaly
    assert (low, high) == (table["covered"].iloc[0], table["covered"].iloc[2] + 90)


def test_frontier_and_ranking_of_a_p_median():
    problem = plain(seed=7)
    table = frontier(problem, range(1, 6), model=PMedian())
    assert table["response"].is_monotonic_decreasing
    assert (table["response"] == table["response_bound"]).all()
    found = k_best(problem, 4, model=PMedian())
    values = [plan.levels[0].objective for plan in found]
    assert values == sorted(values)
    assert values[0] == table.loc[4, "response"]
    assert len({tuple(plan.open_ids()) for plan in found}) == 4
    # the least response is one end of the trade-off
    assert tradeoff(problem, 0)["person_seconds"].iloc[0] == values[0]

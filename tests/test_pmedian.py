"""The p-median's fast road: equal to brute force and to HiGHS, the published optima, bounds that hold."""

import importlib
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from careshed.errors import InputError
from careshed.siting.cut.costs import Costs, total
from careshed.siting.fast.interchange import greedy, improved, total_of
from careshed.siting.fast.pmedian import p_median
from careshed.siting.fast.rows import CLOSED, FREE, OPEN, rest_of, rows_of
from careshed.siting.fast.table import costs_of

SCRIPT = Path(__file__).parent / "benchmarks" / "siting.py"
TEN = [1, 2, 4, 5, 10, 15, 20, 25, 30, 34]


def value_of(costs, opened):
    is_open = np.zeros(costs.sites, dtype=bool)
    is_open[list(opened)] = True
    return total(costs, is_open) + costs.constant


def brute(costs, p):
    return min(value_of(costs, chosen) for chosen in itertools.combinations(range(costs.sites), p))


@st.composite
def instances(draw, most_sites=8):
    """Draw sparse rows with a base, weights (also none) and few distinct costs, so that ties are common."""
    rows, sites = draw(st.integers(0, 9)), draw(st.integers(1, most_sites))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    step = draw(st.sampled_from([1, 40, 300]))
    table = rng.integers(0, 1200, (rows, sites)) // step * step
    listed = rng.random((rows, sites)) < draw(st.sampled_from([0.3, 0.8, 1.0]))
    demand, site = np.nonzero(listed)
    costs = Costs.build(
        site.astype(np.int32),
        demand.astype(np.int32),
        table[listed].astype(np.int32),
        base=draw(st.sampled_from([1, 500, 1000, 1300])),
        weights=rng.integers(0, 9, rows) * draw(st.sampled_from([1, 1000])),
        always=rng.random(sites) < draw(st.sampled_from([0.0, 0.2])),
        groups=0,
    )
    return costs, draw(st.integers(1, sites))


def random_table(seed, rows, sites, reach=1000):
    """Return rounded distances in a square, demand and sites at random."""
    rng = np.random.default_rng(seed)
    people, places = rng.random((rows, 1, 2)), rng.random((1, sites, 2))
    return np.rint(np.hypot(*np.moveaxis(people - places, -1, 0)) * reach).astype(np.int64)


def by_highs(table, weights, p):
    """Return the optimum by the classic model (ReVelle and Swain 1970)."""
    rows, sites = table.shape
    n = rows * sites
    x = np.arange(n).reshape(rows, sites)
    served = coo_array((np.ones(n), (np.repeat(np.arange(rows), sites), x.ravel())), (rows, n + sites))
    ends = np.tile(np.arange(n), 2), np.concatenate([x.ravel(), n + np.tile(np.arange(sites), rows)])
    only_open = coo_array((np.repeat([1.0, -1.0], n), ends), (n, n + sites))
    count = np.concatenate([np.zeros(n), np.ones(sites)])
    found = milp(
        np.concatenate([(weights[:, None] * table).ravel(), np.zeros(sites)]),
        integrality=count,
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(served.tocsr(), 1, 1),
            LinearConstraint(only_open.tocsr(), -np.inf, 0),
            LinearConstraint(count[None, :], p, p),
        ],
    )
    return round(found.fun)


@given(instances())
@settings(deadline=None, max_examples=200)
def test_it_equals_brute_force(instance):
    costs, p = instance
    found = p_median(costs, p)
    assert found.proven
    assert len(np.unique(found.opened)) == len(found.opened) == p
    assert found.value == value_of(costs, found.opened) == brute(costs, p) == found.bound


@given(instances(), st.data())
@settings(deadline=None, max_examples=150)
def test_decided_sites_leave_a_problem_with_the_same_totals(instance, data):
    costs, _ = instance
    state = np.array(data.draw(st.lists(st.sampled_from([FREE, OPEN, CLOSED]), min_size=8, max_size=8)), np.int8)
    state = state[: costs.sites]
    rest = rest_of(rows_of(costs), state)
    assert rest.sites.tolist() == np.flatnonzero(state == FREE).tolist()
    assert (np.diff(rest.rows.starts) > 0).all()
    for chosen in itertools.product([False, True], repeat=len(rest.sites)):
        whole = state == OPEN
        whole[rest.sites] = chosen
        assert total(costs, whole) == rest.constant + total_of(rest.rows, np.array(chosen, dtype=bool))


@given(instances(), st.integers(0, 99))
@settings(deadline=None, max_examples=150)
def test_interchange_ends_where_no_swap_helps_and_never_below_the_optimum(instance, seed):
    costs, p = instance
    rows = rows_of(costs)
    by_greed = greedy(rows, costs.sites, p)
    assert len(set(by_greed.tolist())) == p
    by_chance = np.random.default_rng(seed).permutation(costs.sites)[:p].astype(np.int64)
    for begun in (by_greed, by_chance):
        opened, least = improved(rows, costs.sites, begun)
        assert brute(costs, p) <= least + costs.constant == value_of(costs, opened) <= value_of(costs, begun)
        for leaves, comes in itertools.product(opened, set(range(costs.sites)) - set(opened.tolist())):
            assert value_of(costs, (set(opened.tolist()) - {leaves}) | {comes}) >= least + costs.constant


@pytest.mark.parametrize(("seed", "p"), [(1, 3), (2, 6), (3, 12)])
def test_it_equals_the_classic_model_in_highs(seed, p):
    table = random_table(seed, 45, 30)
    weights = np.random.default_rng(seed).integers(1, 50, 45)
    found = p_median(costs_of(table, weights), p)
    assert found.proven
    assert found.value == by_highs(table, weights, p)


def test_more_sites_never_cost_more():
    costs = costs_of(random_table(4, 60, 40))
    values = [p_median(costs, p).value for p in (1, 2, 3, 5, 8, 13, 39, 40)]
    assert values == sorted(values, reverse=True)


def test_the_same_again():
    costs = costs_of(random_table(5, 150, 120))
    once, again = p_median(costs, 9), p_median(costs, 9)
    assert once.opened.tolist() == again.opened.tolist()
    assert (once.value, once.bound, once.nodes) == (again.value, again.bound, again.nodes)


def test_a_limit_of_time_leaves_a_plan_and_a_bound_that_holds():
    costs = costs_of(random_table(6, 200, 200))
    cut_short, whole = p_median(costs, 8, deadline=time.monotonic()), p_median(costs, 8)
    assert whole.proven
    assert not cut_short.proven
    assert len(cut_short.opened) == 8
    assert 0 <= cut_short.bound <= whole.value <= cut_short.value == value_of(costs, cut_short.opened)


def test_progress_tells_bounds_that_close_in():
    costs, told = costs_of(random_table(7, 150, 150)), []
    found = p_median(costs, 7, progress=lambda value, bound, text: told.append((value, bound, text)))
    assert told
    assert all(bound <= found.value <= value for value, bound, _ in told)
    assert [t[1] for t in told] == sorted(t[1] for t in told)
    assert [t[0] for t in told] == sorted((t[0] for t in told), reverse=True)


def test_an_interrupt_leaves_a_plan_and_a_bound_that_holds():
    costs, told = costs_of(random_table(6, 200, 200)), []

    def interrupt(value, bound, text):
        told.append(bound)
        raise KeyboardInterrupt

    cut_short, whole = p_median(costs, 8, progress=interrupt), p_median(costs, 8)
    assert len(told) == 1
    assert not cut_short.proven
    assert told[0] == cut_short.bound <= whole.value <= cut_short.value == value_of(costs, cut_short.opened)


def test_a_plan_to_start_from_is_never_made_worse():
    costs = costs_of(random_table(8, 150, 150))
    best = p_median(costs, 7)
    found = p_median(costs, 7, start=best.opened, deadline=time.monotonic())
    assert found.value == best.value


@pytest.mark.parametrize("p", [0, 4])
def test_a_number_of_sites_that_cannot_be_is_refused(p):
    with pytest.raises(InputError, match="3 sites"):
        p_median(costs_of(np.ones((2, 3))), p)


def test_costs_too_large_for_exact_sums_are_refused():
    costs = costs_of(np.full((2, 2), 2**31 - 2) * [[0, 1]], np.array([2**31, 2**31]))
    with pytest.raises(InputError, match="units"):
        p_median(costs, 1)


def test_ten_published_optima(shared, tmp_path):
    files = [shared / "or-library" / f"pmed{n}.txt" for n in TEN]
    if not all(f.exists() for f in files):
        pytest.skip("the OR-Library instances are not beside this checkout")
    out = tmp_path / "pmedian.json"
    subprocess.run([sys.executable, SCRIPT, "pmedian", *files, "--json", out], check=True)
    rows = json.loads(out.read_text())
    assert [row["instance"] for row in rows] == [f"pmed{n}" for n in TEN]
    for row in rows:
        assert row["matches"]
        assert row["objective"] == row["published"] == row["bound"]
        assert row["status"] == "optimal"
        assert row["covered_share"] is None
        assert row["rows"] == row["n"]


def test_an_edge_given_twice_costs_what_its_last_line_says(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    orlib = importlib.import_module("orlib")
    path = tmp_path / "twice.txt"
    path.write_text(" 3 4 1 \n 1 2 5 \n 2 3 1 \n 2 1 9 \n 3 1 30 \n")
    instance = orlib.read(path)
    assert (instance.n, instance.p) == (3, 1)
    assert orlib.paths(instance).tolist() == [[0, 9, 10], [9, 0, 1], [10, 1, 0]]
    path.write_text(" 3 4 1 \n 1 2 5 \n")
    with pytest.raises(ValueError, match="4 edges announced, 1 found"):
        orlib.read(path)

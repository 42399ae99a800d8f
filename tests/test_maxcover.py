"""Maximal covering at scale: lossless where it says so, equal to brute force, bounds that hold."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.errors import InputError
from careshed.siting.cut.costs import Costs, total
from careshed.siting.fast import coverbranch
from careshed.siting.fast.collapse import dominated_sites, equal_rows, rows_of, transposed
from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coveranneal import annealed, united
from careshed.siting.fast.coverbranch import Node, branched, raised
from careshed.siting.fast.coverlp import Program
from careshed.siting.fast.coverodd import broken_triples, odd_value
from careshed.siting.fast.coversaddle import Point, ascended, first_point, set_aside, widened
from careshed.siting.fast.coversearch import greedy, searched
from careshed.siting.fast.covertree import Incumbent
from careshed.siting.fast.maxcover import max_cover
from careshed.siting.fast.setcover import cover_of

BENCHMARKS = Path(__file__).parent / "benchmarks"
PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "mclp"


def costs_of(reach: np.ndarray, weights: np.ndarray) -> Costs:
    """Return coverage costs of a table (rows of demand, sites)."""
    demand, site = (ends.astype(np.int32) for ends in np.nonzero(reach))
    none = np.zeros(reach.shape[1], dtype=bool)
    return Costs.build(site, demand, np.zeros_like(site), base=1, weights=weights, always=none, groups=3)


def uncovered(reach, weights, opened) -> int:
    """Return the people whom no open site reaches."""
    return int(weights[~reach[:, list(opened)].any(axis=1)].sum())


def least(reach, weights, p) -> int:
    """Return the fewest people uncovered, by trying all plans."""
    return min(uncovered(reach, weights, some) for some in itertools.combinations(range(reach.shape[1]), p))


@st.composite
def tables(draw, most_sites=9, most_rows=24):
    """Draw a random table of who is reached by whom; sparse or dense, with equal rows and columns."""
    rows, sites = draw(st.integers(1, most_rows)), draw(st.integers(2, most_sites))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    reach = rng.random((rows, sites)) < draw(st.sampled_from([0.15, 0.3, 0.6]))
    reach = reach[rng.integers(0, rows, rows)][:, rng.integers(0, sites, sites)]
    return reach, rng.integers(0, draw(st.sampled_from([2, 9, 1000])), rows), draw(st.integers(1, sites))


def scattered(rows: int, sites: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return people and sites strewn on a square, each reached within a radius."""
    rng = np.random.default_rng(seed)
    people, places = rng.random((rows, 2)), rng.random((sites, 2))
    apart = np.hypot(*(people[:, None] - places[None]).transpose(2, 0, 1))
    return apart < 0.16, rng.integers(1, 50, rows)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_the_best_plan_is_that_of_brute_force(case):
    reach, weights, p = case
    costs = costs_of(reach, weights)
    found = max_cover(costs, p)
    assert found.proven
    assert len(found.opened) == p == len(set(found.opened.tolist()))
    assert found.value + costs.constant == uncovered(reach, weights, found.opened) == least(reach, weights, p)


@pytest.mark.parametrize("p", [3, 6])
def test_the_best_plan_is_that_of_highs(p):
    reach, weights = scattered(300, 60, seed=p)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    opened = [highs.addBinary() for _ in range(reach.shape[1])]
    missed = [highs.addVariable(lb=0, ub=1) for _ in weights]
    for i, row in enumerate(reach):
        highs.addConstr(missed[i] + sum(opened[j] for j in np.flatnonzero(row)) >= 1)
    highs.addConstr(sum(opened) <= p)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.minimize(sum(int(w) * u for w, u in zip(weights, missed, strict=True)))
    costs = costs_of(reach, weights)
    found = max_cover(costs, p)
    assert found.proven
    assert found.value + costs.constant == round(highs.getInfo().objective_function_value)


def test_more_sites_never_cover_fewer_and_greedy_keeps_its_promise():
    reach, weights = scattered(400, 50, seed=8)
    costs = costs_of(reach, weights)
    total_weight = int(weights.sum())
    before = 0
    for p in range(1, 15):
        found = max_cover(costs, p)
        covered = total_weight - costs.constant - found.value
        cover = Cover.of(costs, p)
        quick = total_weight - costs.constant - cover.uncovered(greedy(cover))
        assert found.proven
        assert covered >= before
        assert quick >= (1 - 1 / math.e) * covered
        before = covered


@settings(max_examples=100, deadline=None)
@given(tables())
def test_the_search_counts_right(case):
    reach, weights, p = case
    costs = costs_of(reach, weights)
    value, opened = searched(Cover.of(costs, p), np.zeros(0, dtype=np.int64), steps=30)
    is_open = np.isin(np.arange(costs.sites), opened)
    assert len(opened) == p
    assert value == total(costs, is_open) == uncovered(reach, weights, opened) - costs.constant


@settings(max_examples=100, deadline=None)
@given(tables())
def test_annealing_keeps_its_books_and_its_best_plan(case):
    reach, weights, p = case
    cover = Cover.of(costs_of(reach, weights), p)
    met, last = annealed(cover, np.zeros(0, dtype=np.int64), moves=3000, hot=0.5)
    for plan in (met, last):
        assert len(set(plan.tolist())) == len(plan) == p
    assert cover.uncovered(met) <= cover.uncovered(last)
    again, _ = annealed(cover, np.zeros(0, dtype=np.int64), moves=3000, hot=0.5)
    assert again.tolist() == met.tolist()


def test_annealing_finds_the_best_plan_of_a_small_problem():
    reach, weights = scattered(300, 60, seed=4)
    costs = costs_of(reach, weights)
    met, _ = annealed(Cover.of(costs, 6), np.arange(6), moves=50_000, hot=0.1)
    assert Cover.of(costs, 6).uncovered(met) == max_cover(costs, 6).value


def test_annealing_stops_when_it_is_late():
    reach, weights = scattered(300, 60, seed=4)
    cover = Cover.of(costs_of(reach, weights), 6)
    begin = np.arange(6)
    met, last = annealed(cover, begin, moves=10**12, hot=0.1, late=lambda: True)
    assert met.tolist() == last.tolist() == begin.tolist()


def test_plans_are_united_as_long_as_they_are_small():
    plans = [np.array(sites) for sites in ([1, 5], [5, 9], [2, 3, 4], [1, 7])]
    assert united(plans, 4).tolist() == [1, 5, 7, 9]
    assert united(plans, 99).tolist() == [1, 2, 3, 4, 5, 7, 9]
    assert united(plans, 1).tolist() == []


def test_where_plans_are_annealed_and_united_the_best_plan_is_the_same(monkeypatch):
    reach, weights = scattered(400, 90, seed=7)
    costs = costs_of(reach, weights)
    proven = max_cover(costs, 9)
    monkeypatch.setattr(coverbranch, "FEW", 20)
    assert max_cover(costs, 9).value == proven.value


def test_a_plan_that_reaches_all_is_found():
    """Pairs of sites that reach nothing in common: one plan of eight reaches all, some rows weigh next to nothing."""
    rng = np.random.default_rng(3)
    owner = rng.integers(0, 8, 400)
    reach = rng.random((400, 72)) < 0.1
    reach[:, :8] = owner[:, None] == np.arange(8)
    costs = costs_of(reach, rng.choice([1, 1000], 400))
    found = max_cover(costs, 8)
    assert found.proven
    assert found.value == 0
    opened = cover_of(costs.starts, costs.site, costs.sites, size=8, work=10_000_000)
    assert reach[:, opened].any(axis=1).all()
    assert cover_of(costs.starts, costs.site, costs.sites, size=1, work=10_000) is None


def test_a_program_that_is_stopped_proves_no_more_than_it_may():
    reach, weights = scattered(300, 60, seed=5)
    cover = Cover.of(costs_of(reach, weights), 6)
    program = Program(cover, 20, deadline=time.monotonic())
    for _ in range(3):
        last = program.solve()
        assert last.bound <= max_cover(costs_of(reach, weights), 6).value
        program.separate(last.x)
    assert program.stopped


@settings(max_examples=100, deadline=None)
@given(tables(), st.data())
def test_what_is_left_to_decide_counts_what_is_decided(case, data):
    reach, weights, p = case
    costs = costs_of(reach, weights)
    whole = Cover.of(costs, p)
    fate = np.array(data.draw(st.lists(st.sampled_from("oc?"), min_size=costs.sites, max_size=costs.sites)))
    cover = whole.without(fate == "c", fate == "o").reduced()
    some = np.array(sorted(data.draw(st.sets(st.integers(0, costs.sites)))), dtype=np.int64)
    some = some[some < cover.sites]
    assert cover.uncovered(some) == whole.uncovered(cover.outside(some))
    assert cover.p == p - (fate == "o").sum()


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([0, 1, 3, 64]))
def test_equal_rows_are_those_of_a_dict_whatever_the_hash(case, bits):
    reach, weights, _ = case
    rng = np.random.default_rng(len(weights))
    cost = rng.integers(0, 2, reach.shape)
    demand, site = (ends.astype(np.int32) for ends in np.nonzero(reach))
    floor = np.where(weights % 2 == 0, 5, 1)
    starts, site, cost = rows_of(
        site, demand, cost[demand, site].astype(np.int32), usable=np.ones(reach.shape[1], dtype=bool), floor=floor
    )
    first, which = equal_rows(starts, site, cost, floor, bits=bits)
    seen = {}
    for i, (a, b) in enumerate(itertools.pairwise(starts.tolist())):
        key = (tuple(site[a:b].tolist()), tuple(cost[a:b].tolist()), int(floor[i]))
        assert which[i] == seen.setdefault(key, len(seen))
        assert list(cost[a:b]) == sorted(cost[a:b])
    assert len(first) == len(seen)
    assert (which[first] == np.arange(len(first))).all()


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_merged_costs_say_what_the_table_said(case, data):
    reach, weights, _ = case
    rng = np.random.default_rng(int(weights.sum()))
    cost = rng.integers(0, 7, reach.shape).astype(np.int32)
    always = rng.random(reach.shape[1]) < 0.2
    demand, site = (ends.astype(np.int32) for ends in np.nonzero(reach))
    mixed = rng.permutation(len(site))
    costs = Costs.build(
        site[mixed], demand[mixed], cost[demand, site][mixed], base=5, weights=weights, always=always, groups=2
    )
    is_open = np.array(data.draw(st.lists(st.booleans(), min_size=len(always), max_size=len(always)))) | always
    table = np.where(reach & is_open, cost, 5).min(axis=1)
    assert total(costs, is_open) + costs.constant == int((weights * np.minimum(table, 5)).sum())


@settings(max_examples=100, deadline=None)
@given(tables())
def test_dominated_sites_reach_nothing_of_their_own(case):
    reach, weights, _ = case
    cover = Cover.of(costs_of(reach, weights), 1)
    out = dominated_sites(cover.starts, cover.site, *transposed(cover.starts, cover.site, cover.sites))
    rows = [set(cover.row[a:b].tolist()) for a, b in itertools.pairwise(cover.at.tolist())]
    for j, own in enumerate(rows):
        above = [k for k, other in enumerate(rows) if own < other or (own == other and k < j)]
        assert out[j] == (bool(above) or not own)


def pointing(cover: Cover, rng: np.random.Generator) -> Point:
    """Return a point with any prices and, where there are three rows, triples."""
    kinds = [sorted(rng.choice(cover.rows, 3, replace=False)) for _ in range(4 if cover.rows >= 3 else 0)]
    three = np.unique(np.array(kinds, dtype=np.int64).reshape(-1, 3), axis=0)
    price = rng.random(cover.rows + len(three)) * cover.weight.max()
    return Point(rng.random(cover.sites), rng.random(cover.rows), price, three)


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1), st.sampled_from([1, 30, 300]))
def test_any_prices_of_rows_and_odd_sets_prove_a_bound(case, seed, steps):
    reach, weights, p = case
    costs = costs_of(reach, weights)
    cover = Cover.of(costs, p)
    if not cover.rows or p == cover.sites:
        return
    point = pointing(cover, np.random.default_rng(seed))
    last = ascended(cover, 1e9, point, steps=steps)
    values = {some: cover.uncovered(np.array(some)) for some in itertools.combinations(range(cover.sites), p)}
    assert last.bound <= min(values.values())
    for j in range(cover.sites):
        opened = [value for some, value in values.items() if (j in some)]
        closed = [value for some, value in values.items() if (j not in some)]
        assert last.bound + max(last.reduced[j], 0) <= min(opened)
        assert last.bound + max(-last.reduced[j], 0) <= min(closed)
    aside = set_aside(cover, last.point)
    assert (aside.left(cover.weight) >= 0).all()


@settings(max_examples=100, deadline=None)
@given(tables(most_rows=40), st.integers(0, 2**32 - 1))
def test_odd_sets_hold_for_all_plans_and_are_broken_where_found(case, seed):
    reach, weights, p = case
    cover = Cover.of(costs_of(reach, weights), p)
    x = np.random.default_rng(seed).choice([0.0, 0.5, 0.5, 1.0], cover.sites)
    times = np.zeros(cover.sites, dtype=np.int32)
    for a, b, c in broken_triples(cover, x).tolist():
        base, odd = odd_value(a, b, c, cover.starts, cover.site, x, times)
        assert odd > base
        for whole in itertools.product([0.0, 1.0], repeat=cover.sites):
            base, odd = odd_value(a, b, c, cover.starts, cover.site, np.array(whole), times)
            assert odd <= base


@pytest.mark.parametrize("rings", [2, 4])
def test_odd_rings_are_found_and_close_the_distance(rings):
    """Half-open sites reach all three rows of a ring with 1.5 sites, whole ones need two."""
    ring = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=bool)
    reach, p = np.kron(np.eye(rings, dtype=bool), ring), 3 * rings // 2
    weights = np.full(3 * rings, 100)
    cover = Cover.of(costs_of(reach, weights), p)
    best = least(reach, weights, p)
    plain = ascended(cover, best, first_point(cover), steps=1500)
    assert plain.bound < 1.0
    assert len(broken_triples(cover, plain.point.x)) == rings
    tighter = ascended(cover, best, widened(cover, plain.point), steps=1500)
    assert best - 1.0 < tighter.bound <= best


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_branching_ends_with_the_best_plan(case, data):
    reach, weights, p = case
    cover = Cover.of(costs_of(reach, weights), p)
    best = Incumbent(cover.uncovered(np.arange(p)), np.arange(p), None, lambda *_: None)
    constant = costs_of(reach, weights).constant
    node = Node(float(cover.spent), cover, first_point(cover))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverbranch, "FEW", data.draw(st.sampled_from([0, 3])))
        bound = branched(raised(node, best, rounds=2, steps=100), best)
    assert bound == best.value == least(reach, weights, p) - constant


def test_a_time_limit_gives_a_plan_and_a_bound_that_holds():
    reach, weights = scattered(500, 70, seed=2)
    costs = costs_of(reach, weights)
    found = max_cover(costs, 8, deadline=time.monotonic())
    best = max_cover(costs, 8, start=found.opened)
    assert best.proven
    assert found.bound <= best.value <= found.value == total(costs, np.isin(np.arange(70), found.opened))
    assert not found.proven or found.value == best.value


def test_progress_is_told_and_never_crosses():
    reach, weights = scattered(600, 80, seed=3)
    told = []
    found = max_cover(costs_of(reach, weights), 8, progress=lambda *say: told.append(say))
    assert told
    assert all(bound <= found.value <= value for value, bound, _ in told)


def test_other_costs_and_counts_are_refused():
    reach, weights = scattered(20, 5, seed=1)
    costs = costs_of(reach, weights)
    with pytest.raises(InputError, match="p=-1: expected 0 to 5"):
        max_cover(costs, -1)
    with pytest.raises(InputError, match="p=6: expected 0 to 5"):
        max_cover(costs, 6)
    one = np.zeros(2, dtype=np.int32)
    dear = Costs.build(
        np.array([0, 1], dtype=np.int32),
        one,
        np.array([0, 3], dtype=np.int32),
        base=9,
        weights=np.ones(1, dtype=np.int64),
        always=np.zeros(2, dtype=bool),
        groups=1,
    )
    with pytest.raises(InputError, match="between 0 and the base"):
        max_cover(dear, 1)


def test_no_sites_to_open_leave_all_uncovered():
    reach, weights = scattered(20, 5, seed=1)
    costs = costs_of(reach, weights)
    found = max_cover(costs, 0)
    assert found.proven
    assert found.value + costs.constant == int(weights.sum())


def test_new_york_is_reached_and_proven():
    path = PUBLISHED / "NewYork.txt"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    spec = importlib.util.spec_from_file_location("clusters", BENCHMARKS / "clusters.py")
    clusters = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        sys.modules["clusters"] = clusters
        spec.loader.exec_module(clusters)
    finally:
        sys.path.remove(str(BENCHMARKS))
        del sys.modules["clusters"]
    pairs = clusters.published(path, 400.0)
    costs = clusters.rows_of(pairs)
    found = max_cover(costs, 50, deadline=time.monotonic() + 90)
    assert int(pairs.weights.sum()) - costs.constant - found.value == 1_153_640
    assert found.gap < 0.005


def test_the_benchmark_says_what_it_should(tmp_path):
    out = tmp_path / "mclp.json"
    size = ["--points", "2000", "--candidates", "40", "--nodes", "3000", "--p", "4", "--within", "60"]
    script = BENCHMARKS / "siting.py"
    subprocess.run([sys.executable, script, "mclp", *size, "--quiet", "--json", out], check=True, capture_output=True)
    (row,) = json.loads(out.read_text())
    wanted = {"instance", "n", "p", "objective", "bound", "status", "seconds", "rows", "covered_share"}
    assert wanted | {"aggregate_s", "peak_mb"} <= row.keys()
    assert row["n"] == 2000
    assert row["status"] == "optimal"
    assert row["bound"] == row["objective"]

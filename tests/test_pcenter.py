"""p-center: equal to brute force and HiGHS, to the published optima, monotone in p."""

import itertools
import time

import numpy as np
import pandas as pd
import pytest
import scipy.optimize as so
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.errors import InputError
from careshed.siting import Pairs, SitingProblem
from careshed.siting.fast.pcenter import CostRows, p_center

BASE = 50


def case(seed, demand, sites, most, share):
    """Return a table of costs, demand × sites, −1 where there is no pair."""
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, most + 1, (demand, sites))
    cost[rng.random((demand, sites)) > share] = -1
    return cost


def rows(cost, *, base=BASE, weights=None, always=None):
    demand, site = np.nonzero(cost >= 0)
    return CostRows.build(
        site.astype(np.int32),
        demand.astype(np.int32),
        cost[demand, site].astype(np.int32),
        base=base,
        weights=np.ones(len(cost), dtype=np.int64) if weights is None else weights,
        always=np.zeros(cost.shape[1], dtype=bool) if always is None else always,
    )


def value(cost, opened, *, base=BASE):
    """Return the greatest cost over demand that some site reaches."""
    cost = np.where(cost < 0, base, np.minimum(cost, base))[(cost >= 0).any(axis=1)]
    served = cost[:, list(opened)].min(axis=1, initial=base)
    return int(served.max(initial=0))


small = st.builds(
    case,
    st.integers(0, 10**9),
    st.integers(0, 9),
    st.integers(1, 7),
    st.sampled_from([2, 9, 45, 70]),
    st.sampled_from([0.4, 0.8, 1.0]),
)


@settings(max_examples=150, deadline=None)
@given(small, st.integers(0, 8))
def test_value_is_that_of_brute_force(cost, p):
    found = p_center(rows(cost), p)
    p = min(p, cost.shape[1])
    best = min(value(cost, chosen) for chosen in itertools.combinations(range(cost.shape[1]), p))
    assert found.proven
    assert found.value == best == found.bound == value(cost, found.opened)
    assert len(found.opened) == len(set(found.opened.tolist())) == p


@settings(max_examples=60, deadline=None)
@given(small, st.data())
def test_open_sites_and_weights_count(cost, data):
    """Sites that are open anyway lower what is left to p; demand without weight asks for nothing."""
    always = np.array(data.draw(st.lists(st.booleans(), min_size=cost.shape[1], max_size=cost.shape[1])), dtype=bool)
    weights = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(cost), max_size=len(cost))), dtype=np.int64)
    found = p_center(rows(cost, weights=weights, always=always), 1)
    own = set(np.flatnonzero(always).tolist())
    asking = cost[weights > 0]
    best = min(value(asking, sorted(own | {j})) for j in range(cost.shape[1]))
    assert found.value == best == value(asking, sorted(own | set(found.opened.tolist())))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([(40, 20, 4), (30, 30, 5), (20, 40, 3)]))
def test_value_is_that_of_highs_and_falls_with_p(seed, size):
    demand, sites, p = size
    rng = np.random.default_rng(seed)
    here, there = rng.integers(0, 100, (demand, 2)), rng.integers(0, 100, (sites, 2))
    cost = np.abs(here[:, None] - there[None]).sum(axis=2)
    table = CostRows.of_matrix(cost)
    values = [p_center(table, n).value for n in range(1, 7)]
    assert values == sorted(values, reverse=True)
    radii = np.unique(cost).tolist()
    assert within(cost, values[p - 1], p)
    assert not within(cost, radii[radii.index(values[p - 1]) - 1], p)


def within(cost, radius, p):
    """Return whether p sites serve all within a radius, by a plain program."""
    near = sp.csr_array((cost <= radius).astype(float))
    if (np.diff(near.indptr) == 0).any():
        return False
    sites = cost.shape[1]
    rule = so.LinearConstraint(near, lb=1)
    return round(so.milp(np.ones(sites), constraints=rule, integrality=np.ones(sites), bounds=so.Bounds(0, 1)).fun) <= p


def test_one_site_more_than_there_are_and_none():
    cost = np.array([[0, 4, 9], [4, 0, 5], [9, 5, 0]])
    table = CostRows.of_matrix(cost)
    assert [p_center(table, p).value for p in range(5)] == [10, 5, 4, 0, 0]
    with pytest.raises(InputError, match="p=-1"):
        p_center(table, -1)


def test_who_is_not_reached_is_told():
    cost = np.array([[3, 8], [-1, -1], [7, 2]])
    table = rows(cost)
    assert table.unreached.tolist() == [1]
    assert table.demand.tolist() == [0, 2]
    found = p_center(table, 2)
    assert (found.value, found.opened.tolist()) == (3, [0, 1])
    assert "1 demand points that no site reaches left out" in found.method


def test_nobody_to_serve():
    found = p_center(rows(np.full((2, 3), -1)), 2)
    assert (found.value, found.opened.tolist(), found.proven) == (0, [0, 1], True)


def test_rows_of_a_problem():
    """The cutoff counts where an open site is too far; existing sites are open for nothing."""
    frame = pd.DataFrame(
        [("a", "d1", 100), ("b", "d1", 300), ("b", "d2", 200), ("c", "d2", 250)], columns=["site_id", "demand_id", "ms"]
    )
    weights = pd.Series({"d1": 4, "d2": 1, "d3": 9})
    sites = pd.DataFrame({"status": ["candidate", "candidate", "existing"]}, index=["a", "b", "c"])
    problem = SitingProblem.build(sites, weights, Pairs.from_frame(frame), stations=2, standard_ms=150, cutoff_ms=1000)
    table = CostRows.of(problem)
    assert problem.demand_ids[table.unreached].tolist() == ["d3"]
    found = p_center(table, 1)
    assert (found.value, problem.site_ids[found.opened].tolist()) == (250, ["a"])
    assert p_center(table, 0).value == 1000


def test_a_deadline_gives_a_choice_and_a_true_bound():
    rng = np.random.default_rng(3)
    cost = rng.integers(0, 1000, (30, 20))
    table = CostRows.of_matrix(cost)
    late = p_center(table, 4, deadline=time.monotonic())
    best = p_center(table, 4)
    assert len(late.opened) == 4
    assert late.bound <= best.value <= late.value == value(cost, late.opened, base=10**6)


def test_progress_closes():
    rng = np.random.default_rng(3)
    told = []
    found = p_center(CostRows.of_matrix(rng.integers(0, 1000, (30, 20))), 5, progress=lambda *said: told.append(said))
    assert told
    assert all(bound <= found.value <= best for best, bound, _ in told)
    assert [bound for _, bound, _ in told] == sorted(bound for _, bound, _ in told)


def test_an_interrupt_gives_the_best_so_far():
    table = CostRows.of_matrix(np.random.default_rng(3).integers(0, 1000, (30, 20)))
    best = p_center(table, 4).value

    def interrupt(value, bound, text):
        raise KeyboardInterrupt

    stopped = p_center(table, 4, progress=interrupt)
    assert stopped.bound <= best <= stopped.value == table.served(stopped.opened).max()


def published(folder, name):
    """Return all-pairs shortest paths and p of an OR-Library instance, and its published optimum."""
    words = (folder / f"{name}.txt").read_text(encoding="ascii").split()
    n, m, p = map(int, words[:3])
    edges = {}
    for u, v, cost in np.array(words[3 : 3 + 3 * m], dtype=np.int64).reshape(-1, 3).tolist():
        edges[min(u, v) - 1, max(u, v) - 1] = cost
    ends = np.array(list(edges))
    graph = sp.csr_array((np.array(list(edges.values()), dtype=float), ends.T), shape=(n, n))
    table = sp.csgraph.shortest_path(graph, directed=False).astype(np.int64)
    optima = pd.read_csv(folder / "pcenteropt.txt", sep=r"\s+", index_col="instance")["optimum_p_center"]
    return table, p, int(optima[name])


@pytest.mark.parametrize("name", ["pmed1", "pmed5", "pmed6", "pmed10", "pmed15", "pmed20"])
def test_published_optima(shared, name):
    table, p, optimum = published(shared / "or-library", name)
    found = p_center(CostRows.of_matrix(table), p)
    assert (found.value, found.bound, len(found.opened)) == (optimum, optimum, p)
    assert table[:, found.opened].min(axis=1).max() == optimum

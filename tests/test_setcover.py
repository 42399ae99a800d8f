"""Least covers equal those of brute force and HiGHS; what can't be covered is told."""

import itertools
import time

import numpy as np
import pytest
import scipy.optimize as so
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.errors import InputError
from careshed.siting.fast.dominance import Kernel
from careshed.siting.fast.setcover import set_cover
from careshed.siting.fast.trades import traded


def table(seed, rows, sites, share):
    return np.random.default_rng(seed).random((rows, sites)) < share


def lists(covers):
    """Return starts and sites of a boolean table, each row's sites shuffled."""
    rng = np.random.default_rng(0)
    rows = [rng.permutation(np.flatnonzero(row)) for row in covers]
    starts = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
    return starts, np.concatenate([*rows, np.zeros(0)]).astype(np.int32)


def least(covers, forced=()):
    """Return the least number of sites by trying all."""
    covers = covers[covers.any(axis=1)]
    sites = covers.shape[1]
    sizes = (
        len(chosen)
        for size in range(sites + 1)
        for chosen in itertools.combinations(range(sites), size)
        if set(forced) <= set(chosen) and covers[:, list(chosen)].any(axis=1).all()
    )
    return next(sizes)


def least_by_highs(covers):
    """Return the least number of sites by a plain program."""
    covers = covers[covers.any(axis=1)]
    rule = so.LinearConstraint(sp.csr_array(covers.astype(float)), lb=1)
    sites = covers.shape[1]
    found = so.milp(np.ones(sites), constraints=rule, integrality=np.ones(sites), bounds=so.Bounds(0, 1))
    return round(found.fun)


small = st.builds(table, st.integers(0, 10**9), st.integers(0, 9), st.integers(1, 7), st.sampled_from([0.15, 0.3, 0.6]))


@settings(max_examples=100, deadline=None)
@given(small, st.sets(st.integers(0, 6), max_size=2))
def test_least_cover_is_that_of_brute_force(covers, forced):
    forced = sorted(j for j in forced if j < covers.shape[1])
    cover = set_cover(*lists(covers), covers.shape[1], forced=np.array(forced, dtype=np.int64))
    assert cover.proven
    assert cover.bound == len(cover.opened) == least(covers, forced)
    assert cover.uncovered.tolist() == np.flatnonzero(~covers.any(axis=1)).tolist()
    assert covers[covers.any(axis=1)][:, cover.opened].any(axis=1).all()
    assert set(forced) <= set(cover.opened.tolist())
    assert (np.diff(cover.opened) > 0).all()


@settings(max_examples=100, deadline=None)
@given(small, st.integers(0, 7))
def test_at_most_decides(covers, at_most):
    cover = set_cover(*lists(covers), covers.shape[1], at_most=at_most)
    optimum = least(covers)
    assert cover.bound <= optimum <= len(cover.opened)
    assert (len(cover.opened) <= at_most) == (optimum <= at_most)
    assert (cover.bound > at_most) == (optimum > at_most)


@pytest.mark.parametrize(("rows", "sites", "share"), [(40, 40, 0.1), (60, 30, 0.15), (25, 60, 0.12)])
@pytest.mark.parametrize("seed", range(3))
def test_larger_covers_are_those_of_highs(rows, sites, share, seed):
    covers = table(seed, rows, sites, share)
    cover = set_cover(*lists(covers), sites)
    optimum = least_by_highs(covers)
    assert cover.bound == len(cover.opened) == optimum
    for at_most in (optimum - 1, optimum):
        decided = set_cover(*lists(covers), sites, at_most=at_most)
        assert (decided.bound > at_most) == (at_most < optimum)
        assert (len(decided.opened) <= at_most) == (at_most >= optimum)


@settings(max_examples=100, deadline=None)
@given(small)
def test_the_kernel_loses_nothing(covers):
    covers = covers[covers.any(axis=1)]
    sites = covers.shape[1]
    kernel = Kernel.of(sp.csr_array(covers.astype(np.int8)), np.arange(sites), np.zeros(0, dtype=np.int64))
    left = kernel.table.toarray() > 0
    assert len(kernel.opened) + (least(left) if kernel.rows else 0) == least(covers)
    inside = (left[:, None, :] <= left[None, :, :]).all(axis=2) & ~np.eye(len(left), dtype=bool)
    assert not inside.any(), "a row contains another"
    inside = (left.T[:, None, :] <= left.T[None, :, :]).all(axis=2) & ~np.eye(left.shape[1], dtype=bool)
    assert not inside.any(), "a column is contained in another"
    assert (left.sum(axis=1) >= 2).all()
    assert sum(part.rows for part in kernel.parts()) == kernel.rows


@settings(max_examples=100, deadline=None)
@given(small, st.integers(1, 7))
def test_without_branching_bounds_hold(covers, at_most):
    cover = set_cover(*lists(covers), covers.shape[1], at_most=at_most, branch=False)
    assert cover.bound <= least(covers) <= len(cover.opened)
    assert covers[covers.any(axis=1)][:, cover.opened].any(axis=1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 8))
def test_trades_find_covers_that_are_there(seed, less):
    covers = table(seed, 40, 20, 0.2)
    covers = covers[covers.any(axis=1)]
    by_row, by_column = sp.csr_array(covers.astype(np.int8)), sp.csc_array(covers.astype(np.int8))
    lists = (by_row.indptr, by_row.indices, by_column.indptr, by_column.indices)
    size = 20 - less
    chosen = traded(*lists, np.ones(20, dtype=bool), size=size, work=10**5)
    again = traded(*lists, np.ones(20, dtype=bool), size=size, work=10**5)
    optimum = len(set_cover(by_row.indptr.astype(np.int64), by_row.indices, 20).opened)
    assert (chosen is not None) == (size >= optimum)
    if chosen is not None:
        assert np.count_nonzero(chosen) <= size
        assert covers[:, chosen].any(axis=1).all()
        assert (chosen == again).all()
    assert traded(*lists, np.ones(20, dtype=bool), size=optimum, work=10**5) is not None
    assert traded(*lists, np.ones(20, dtype=bool), size=optimum - 1, work=10**5) is None


def test_a_row_covers_another_and_a_site_stands_for_another():
    """Three rows of a chain: the middle site covers all, so nothing is left to decide."""
    cover = set_cover(np.array([0, 2, 5, 7]), np.array([0, 1, 0, 1, 2, 1, 2], dtype=np.int32), 3)
    assert (cover.opened.tolist(), cover.bound, cover.rows, cover.nodes) == ([1], 1, 0, 0)


def test_uncovered_rows_are_told():
    cover = set_cover(np.array([0, 0, 1, 1]), np.array([4], dtype=np.int32), 5)
    assert cover.uncovered.tolist() == [0, 2]
    assert cover.opened.tolist() == [4]
    nothing = set_cover(np.array([0, 0]), np.zeros(0, dtype=np.int32), 5)
    assert (nothing.uncovered.tolist(), nothing.opened.tolist(), nothing.bound) == ([0], [], 0)


def test_strange_sites_are_refused():
    with pytest.raises(InputError, match="names site 7: expected positions from 0 to 4"):
        set_cover(np.array([0, 1]), np.array([7], dtype=np.int32), 5)
    with pytest.raises(InputError, match="names site 5"):
        set_cover(np.array([0, 1]), np.array([0], dtype=np.int32), 5, forced=np.array([5]))


def test_a_deadline_gives_a_cover_and_a_true_bound():
    covers = table(5, 80, 60, 0.06)
    cover = set_cover(*lists(covers), 60, deadline=time.monotonic())
    assert covers[covers.any(axis=1)][:, cover.opened].any(axis=1).all()
    assert 0 < cover.bound <= least_by_highs(covers) <= len(cover.opened)

"""Maximal covering without side rules, proven (Church, ReVelle 1974)."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.siting.costs import Costs
from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coverdual import priced
from careshed.siting.fast.coverlp import Program, Relaxed
from careshed.siting.fast.coversearch import greedy, searched
from careshed.siting.fast.coverodd import found_triples
from careshed.siting.fast.covertree import Incumbent, Tree
from careshed.siting.fast.found import Found

__all__ = ["max_cover"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Progress = Callable[[float, float, str], None]
GROUPS = 200
STEPS = 1500
SHRINK = 0.8
ODD = 0
PRICED = 400
if True:
    import os
    ODD = int(os.environ.get("ODD", ODD))
    GROUPS = int(os.environ.get("GROUPS", GROUPS))


def max_cover(
    costs: Costs,
    p: int,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    start: Ints | None = None,
) -> Found:
    if not 0 <= p <= costs.sites:
        raise InputError(f"p={p}: expected 0 to {costs.sites}, the number of sites")
    if costs.cost.any():
        raise InputError("costs: some lie between 0 and the base; maximal covering knows reached and not reached only")
    best_of = Incumbent(1 << 62, np.zeros(0, dtype=np.int64), deadline, progress or _silent)
    whole = Cover.of(costs, p)
    cover = whole.reduced()
    rows = cover.rows
    value, opened = searched(cover, greedy(cover) if start is None else cover.inside(start), steps=STEPS, patience=STEPS)
    best_of.offer(cover, opened, value)
    bound = _proven(cover, best_of)
    opened = best_of.opened
    if len(opened) < p:
        rest = np.setdiff1d(np.arange(costs.sites), opened)
        opened = np.sort(np.concatenate([opened, rest[: p - len(opened)]]))
    return Found(opened, best_of.value, bound, best_of.nodes, rows, "")


def _proven(cover: Cover, best: Incumbent) -> float:
    """Shrink, cut, branch; return the bound."""
    bound = float(cover.spent)
    cover, bound = _shrunk(cover, best, bound)
    mean = None
    while cover.rows and cover.p and not best.hopeless(bound):
        program = Program(cover, GROUPS)
        lower, upper = np.zeros(cover.sites), np.ones(cover.sites)
        last = _root(program, best, lower, upper, mean)
        for n in range(ODD):
            if last is None or best.late:
                break
            _say(best, last.bound, program, lower, upper)
            triples = found_triples(cover, last.x, program.triples)
            best.progress(float(best.value), last.bound, f"{len(triples.weight)} triples of {triples.weight.sum()} people")
            program = Program(cover, GROUPS, triples)
            last = _root(program, best, lower, upper, last.x)
        if last is None:
            return float(best.value)
        bound = max(bound, last.bound)
        _say(best, bound, program, lower, upper)
        if best.late:
            return min(bound, float(best.value))
        left = (lower < upper).sum()
        if left > SHRINK * cover.sites:
            return Tree(program, best).run(bound, lower, upper)
        cover = cover.without(upper < 1.0, lower > 0.0).reduced()
        value, opened = searched(cover, cover.inside(best.opened), steps=STEPS)
        best.offer(cover, opened, value)
        mean = None
    return min(bound, float(best.value)) if cover.rows and cover.p and not best.hopeless(bound) else float(best.value)


def _say(best, bound, program, lower, upper):
    best.progress(float(best.value), bound, f"root of {program.cover.sites} sites, {(lower < upper).sum()} left, {program.cover.rows} rows, {program.groups} groups, {program.highs.getNumRow()} cuts, {program.solved} lps")


def _shrunk(cover: Cover, best: Incumbent, bound: float) -> tuple[Cover, float]:
    """Leave out what prices show to be in no better plan, and search again in what is left."""
    while cover.rows and 0 < cover.p < cover.sites and not best.late:
        prices = priced(cover, best.value, steps=PRICED)
        bound = max(bound, float(prices.bound))
        best.round(cover, prices.mean, steps=200)
        room = best.value - 1 - prices.bound
        out, into = prices.reduced > room, -prices.reduced > room
        best.progress(float(best.value), bound, f"prices of {cover.sites} sites, {cover.rows} rows, {out.sum()} out {into.sum()} in")
        if best.hopeless(bound) or not (out | into).any():
            break
        before = cover.sites
        cover = cover.without(out, into).reduced()
        value, opened = searched(cover, cover.inside(best.opened), steps=STEPS)
        best.offer(cover, opened, value)
        if cover.sites > SHRINK * before:
            break
    return cover, bound


def _root(program: Program, best: Incumbent, lower: Floats, upper: Floats, core) -> Relaxed | None:
    """Cut until the bound stalls; fix sites (in place). None where nothing better is left."""
    cover = program.cover
    kept = None
    stalled = 0
    for n in range(10**9):
        program.limit(lower, upper)
        last = program.solve()
        if last is None:
            return None
        if kept is None or last.bound > kept.bound:
            stalled = 0 if kept is None or last.bound - kept.bound > 1e-3 * (best.value - kept.bound) else stalled + 1
            kept = last
        if best.hopeless(kept.bound):
            return None
        fixed = best.fix(last, lower, upper)
        if n % 5 == 4:
            best.round(cover, last.x)
        if best.late or stalled > 10:
            return kept
        core = last.x if core is None else 0.5 * (core + last.x)
        if not program.separate(core, last.x) and not fixed:
            return kept


def _silent(incumbent: float, bound: float, text: str) -> None:
    """Say nothing."""

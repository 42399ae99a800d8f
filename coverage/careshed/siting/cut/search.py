"""Good plans fast: local search that trades places and keeps every rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from careshed.siting.cut.costs import Costs, total, totals_by_swap
from careshed.siting.rows.columns import Columns
from careshed.siting.rows.rulebook import Rulebook

__all__ = ["Plan", "improved", "plan_of", "totals", "vector"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_TRIES = 300
"""Improving moves tried against the rules before a local optimum is declared."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which sites open when, and as what.

    Attributes
    ----------
    phase
        First phase (0-based) in which each site is open; the number of phases: never. int64.
    rank
        Position of each site's leading tier; −1: of the counted tier, or closed. int64.
    """

    phase: Ints
    rank: Ints


def plan_of(columns: Columns, values: Floats) -> Plan:
    """Read a plan off whole `values`."""
    table = np.round(values[: columns.binaries]).astype(np.int64).reshape(-1, columns.sites)
    rank = np.full(columns.sites, -1, dtype=np.int64)
    for n in range(columns.leading):
        rank[table[columns.phases + n] == 1] = n
    return Plan(columns.phases - table[: columns.phases].sum(axis=0), rank)


def is_open(plan: Plan, phase: int) -> npt.NDArray[np.bool_]:
    """Return which sites are open in a phase."""
    return plan.phase <= phase


def vector(columns: Columns, plan: Plan) -> Floats:
    """Return a plan as values of all columns; ``short`` is what groups lack."""
    parts = [is_open(plan, k).astype(np.float64) for k in range(columns.phases)]
    parts += [(plan.rank == n).astype(np.float64) for n in range(columns.leading)]
    groups = np.array(columns.problem.groups, dtype=object)
    quotas = columns.problem.quotas.items()
    for k in range(columns.phases - 1):
        held = [int((is_open(plan, k) & (groups == g)).sum()) for g, _ in quotas]
        parts.append(np.array([max(q - n, 0) for n, (_, q) in zip(held, quotas, strict=True)], dtype=np.float64))
    return np.concatenate(parts)


def totals(columns: Columns, levels: Sequence[Costs], plan: Plan) -> tuple[int, ...]:
    """Return each level's exact total over the phases, constants left out."""
    return tuple(sum(total(c, is_open(plan, k)) for k in range(columns.phases)) for c in levels)


def _changes(columns: Columns, costs: Costs, plan: Plan, leaving: Ints) -> Ints:
    """Return the change of a level's total when two sites trade places, shape (leaving, sites).

    Row *a* is the site that opens earlier: from its phase on until *b*'s, *b* is open in its stead.
    """
    change = np.zeros((len(leaving), columns.sites), dtype=np.int64)
    for k in range(columns.phases):
        now = is_open(plan, k)
        if now.any() and not now.all():
            change += np.where(now[leaving, None] & ~now[None, :], totals_by_swap(costs, now, leaving), 0)
    return change


def _traded(plan: Plan, a: int, b: int) -> Plan:
    """Return the plan with the places of two sites exchanged."""
    phase, rank = plan.phase.copy(), plan.rank.copy()
    phase[[a, b]], rank[[a, b]] = phase[[b, a]], rank[[b, a]]
    return replace(plan, phase=phase, rank=rank)


def _better(book: Rulebook, levels: Sequence[Costs], plan: Plan) -> Plan | None:
    """Return the best neighbour that keeps the rules and is better in lexicographic order."""
    columns = book.columns
    movable = ~columns.problem.existing
    leaving = np.flatnonzero(movable & (plan.phase < columns.phases)).astype(np.int64)
    changes = [_changes(columns, c, plan, leaving).ravel() for c in levels]
    pair = (plan.phase[leaving, None] < plan.phase[None, :]) & movable[None, :]
    gain = np.zeros(pair.size, dtype=bool)
    tied = pair.ravel()
    for change in changes:
        gain |= tied & (change < 0)
        tied = tied & (change == 0)
    moves = np.flatnonzero(gain)
    order = np.lexsort(tuple(c[moves] for c in reversed(changes)))
    for move in moves[order[:MOST_TRIES]]:
        a, b = divmod(int(move), columns.sites)
        trial = _traded(plan, int(leaving[a]), b)
        if book.allows(vector(columns, trial)):
            return trial
    return None


def improved(book: Rulebook, levels: Sequence[Costs], plan: Plan) -> Plan:
    """Return a local optimum reached from `plan` by the best trade at each step."""
    while (following := _better(book, levels, plan)) is not None:
        plan = following
    return plan

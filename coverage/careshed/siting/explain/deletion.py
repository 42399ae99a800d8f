"""The smallest set of rules in conflict."""

from __future__ import annotations

from collections.abc import Sequence

from careshed.siting.explain.parts import Part, Parts
from careshed.siting.rows.rulebook import UndecidedError
from careshed.siting.solution import Conflict
from careshed.words import joined, label

__all__ = ["conflict_of", "conflicting"]


def conflicting(parts: Parts) -> tuple[list[Part], bool]:
    """Return rules that can't be met together, and whether any of them left out the others could.

    Deletion filter (Chinneck, Dravnieks 1991): a rule is left out for good if the others are still in conflict.
    Whole families are tried first, then halves, so that rules that don't matter go many at a time. A rule that
    was needed among more rules is needed among fewer, so each is tried once. What is returned is in conflict in any
    case, and smallest unless some question about a single rule took too many nodes.
    """
    left, smallest = parts.every, True
    for family in parts.parts:
        left, decided = _filtered(parts, left, family)
        smallest &= decided
    return left, smallest


def _filtered(parts: Parts, left: list[Part], some: Sequence[Part]) -> tuple[list[Part], bool]:
    """Return what is left once those of `some` that the conflict doesn't need are gone, and whether all is decided."""
    if not some:
        return left, True
    others = [part for part in left if part not in some]
    try:
        if not parts.feasible(others):
            return others, True
    except UndecidedError:
        if len(some) == 1:
            return left, False
    if len(some) == 1:
        return left, True
    half = len(some) // 2
    left, first = _filtered(parts, left, some[:half])
    left, second = _filtered(parts, left, some[half:])
    return left, first and second


def conflict_of(found: Sequence[Part], *, smallest: bool) -> Conflict:
    """Return rules in conflict in words.

    Parameters
    ----------
    found
        The rules.
    smallest
        Whether it is proven that each of them is needed.
    """
    rules = joined([part.text for part in found], by="clauses")
    names = {"phases" if part.rule == "stations" else part.rule for part in found}
    return Conflict(
        names.pop() if len(names) == 1 else "rules",
        label("reasons.conflict", rules=rules) if smallest else label("reasons.conflict_open", rules=rules),
        label("reasons.conflict_remedy", remedies=joined([part.remedy for part in found], by="clauses")),
    )

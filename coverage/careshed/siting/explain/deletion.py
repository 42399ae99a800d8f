"""The smallest set of rules in conflict."""

from __future__ import annotations

from collections.abc import Sequence

from careshed.siting.explain.parts import Part, Parts
from careshed.siting.solution import Conflict

__all__ = ["conflict_of", "conflicting"]


def conflicting(parts: Parts) -> list[Part]:
    """Return rules that can't be met together, though any of them left out the others could.

    Deletion filter (Chinneck, Dravnieks 1991): a rule is left out for good if the others are still in conflict.
    Whole families are tried first, then halves, so that rules that don't matter go many at a time. A rule that
    was needed among more rules is needed among fewer, so each is tried once.
    """
    left = parts.every
    for family in parts.parts:
        left = _filtered(parts, left, family)
    return left


def _filtered(parts: Parts, left: list[Part], some: Sequence[Part]) -> list[Part]:
    """Return what is left once those of `some` that the conflict doesn't need are gone."""
    if not some:
        return left
    others = [part for part in left if part not in some]
    if not parts.feasible(others):
        return others
    if len(some) == 1:
        return left
    half = len(some) // 2
    return _filtered(parts, _filtered(parts, left, some[:half]), some[half:])


def conflict_of(found: Sequence[Part]) -> Conflict:
    """Return rules in conflict in words."""
    names = {"phases" if part.rule == "stations" else part.rule for part in found}
    return Conflict(
        names.pop() if len(names) == 1 else "rules",
        "these rules can't be met together, though any one less could: " + "; ".join(part.text for part in found),
        "drop or loosen one of them: " + "; ".join(part.remedy for part in found),
    )

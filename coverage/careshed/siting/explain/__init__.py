"""Why there is no plan: the rules that can't be met together, in words, and what would help.

Plain shortages are counted first (a group without sites, more existing stations than a phase opens, people whom no
site reaches in time). What they don't explain is found by leaving out rules as long as no plan exists: those that
are left form a smallest set in conflict. For each kind of rule in it, the smallest change with which a plan exists
is found by optimisation.
"""

from __future__ import annotations

from dataclasses import replace

from careshed.siting.explain.deletion import conflict_of, conflicting
from careshed.siting.explain.parts import Parts
from careshed.siting.explain.relaxation import relaxations
from careshed.siting.explain.shortages import CHECKS
from careshed.siting.explain.side_shortages import SIDE_CHECKS
from careshed.siting.problem import SitingProblem
from careshed.siting.solution import Conflict

__all__ = ["conflicts"]


def conflicts(problem: SitingProblem) -> list[Conflict]:
    """Return which rules can't be met, for a problem without a plan; the first says which changes help alone."""
    counted = [conflict for check in (*CHECKS, *SIDE_CHECKS) for conflict in check(problem)]
    parts = Parts.of(problem)
    if counted:
        # what numbers explain needs no search for a smallest set
        found, (first, *others) = parts.every, counted
    else:
        found, smallest = conflicting(parts)
        first, others = conflict_of(found, smallest=smallest), []
    return [replace(first, relaxations=relaxations(parts, found)), *others]

"""Why there is no plan: the rules that can't be met together, in words."""

from __future__ import annotations
from careshed.siting.problem import SitingProblem
from careshed.siting.solution import Conflict

__all__ = ["conflicts"]


def conflicts(problem: SitingProblem) -> list[Conflict]:
    """Return the conflicts."""
    return [Conflict("rules", "the rules can't be met together", "relax one of them")]

r"""The k best plans that differ.

After plans with open sets :math:`S^1, …, S^n` (last phase, existing sites left out) the next one is the best that
keeps the rules and

.. math:: Σ_{j ∈ S^m} x_j ≤ |S^m| - d, \quad m = 1 … n:

it closes at least *d* of each better plan's sites (canonical cuts: Balas, Jeroslow 1972).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from careshed.errors import InputError
from careshed.siting.answers.plans import Say, has_plan, held, plan_in, quiet, reasons, solved
from careshed.siting.problem import SitingProblem
from careshed.siting.sides import Among
from careshed.siting.solution import Solution

__all__ = ["KBest", "k_best"]


@dataclass(frozen=True, slots=True, eq=False)
class KBest:
    """Plans from the best down; it can be gone through and counted like a list.

    Attributes
    ----------
    plans
        The plans found.
    asked
        How many were asked for.
    reason
        Why there are fewer; ``''`` where there are not.
    """

    plans: tuple[Solution, ...]
    asked: int
    reason: str

    def __iter__(self) -> Iterator[Solution]:
        """Go through the plans, best first."""
        return iter(self.plans)

    def __len__(self) -> int:
        """Return how many plans were found."""
        return len(self.plans)

    def __getitem__(self, at: int) -> Solution:
        """Return a plan by place, 0 the best."""
        return self.plans[at]

    def to_frame(self) -> pd.DataFrame:
        """Return a table of the plans.

        Returns
        -------
        pandas.DataFrame
            Index ``rank`` 1 …; for each level of the model its figure under its name; ``gap`` (largest of the levels),
            ``status``, ``opened`` and ``closed`` (ids of the sites that the best plan lacks, and has beyond it).
        """
        rows = []
        for plan in self.plans:
            now, best = set(plan.open_ids()), set(self.plans[0].open_ids())
            row: dict[str, Any] = {level.name: level.objective for level in plan.levels}
            row |= {"gap": plan.gap, "status": plan.status}
            row |= {"opened": " ".join(sorted(now - best)), "closed": " ".join(sorted(best - now))}
            rows.append(row)
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))


def k_best(
    problem: SitingProblem,
    k: int,
    *,
    differ_by: int = 1,
    model: Any = None,
    time_limit_s: float | None = None,
    best: Solution | None = None,
    say: Say = quiet,
) -> KBest:
    """Return the k best plans of which each closes at least `differ_by` sites of every better one.

    Parameters
    ----------
    problem
        Sites, people, times and rules.
    k
        How many plans.
    differ_by
        In so many sites of the last phase each plan differs from each better one. Sites that are opened beside all
        of a better plan's make no other plan.
    model
        What is sought (:mod:`careshed.siting.models`); None: coverage, then response.
    time_limit_s
        Stop after about so many seconds for each plan. A plan that is not proven may be worse than a later one.
    best
        The best plan, as ``site(problem, model)`` gives it, where it is known.
    say
        Called with a text before each plan is sought.

    Returns
    -------
    KBest
        The plans, never better than the one before where they are proven, and why there are fewer than k.

    Notes
    -----
    Early quotas are held as far as the best plan holds them, so that all plans keep the same rules.
    """
    if k < 1 or differ_by < 1:
        raise InputError(f"k={k}, differ_by={differ_by}: expected whole numbers from 1 up")
    best = solved(problem, model, time_limit_s) if best is None else best
    if not has_plan(best):
        return KBest((), k, f"there is no plan: {reasons(best)}")
    plans = [best]
    now = held(problem, plan_in(problem, best))
    while len(plans) < k:
        side = _unlike(problem, plans[-1], len(plans), differ_by)
        if side is None:
            return KBest((*plans,), k, f"plan {len(plans)} has fewer than {differ_by} sites that could be closed")
        now = replace(now, sides=(*now.sides, side))
        say(f"plan {len(plans) + 1} of {k}")
        following = solved(now, model, time_limit_s)
        if following.status == "unknown":
            return KBest((*plans,), k, f"plan {len(plans) + 1}: {reasons(following)}")
        if following.status == "infeasible":
            words = f"only {len(plans)} plans keep the rules and differ from one another in {differ_by} sites or more"
            return KBest((*plans,), k, words)
        plans.append(following)
    return KBest((*plans,), k, "")


def _unlike(problem: SitingProblem, plan: Solution, rank: int, differ_by: int) -> Among | None:
    """Return the rule that closes enough of a plan's sites; None where it has too few."""
    always = {str(problem.site_ids[j]) for j in problem.existing.nonzero()[0].tolist()}
    own = tuple(i for i in plan.open_ids() if i not in always)
    if len(own) < differ_by:
        return None
    return Among(f"unlike plan {rank} in {differ_by} sites", own, at_most=len(own) - differ_by)

"""Objectives of the branch and cut: each level as costs of demand at its best open site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.siting.cut.costs import Costs
from careshed.siting.models import MCLP, PMedian
from careshed.siting.problem import SitingProblem

__all__ = ["CostLevel", "cost_level", "reached"]

Ints32 = npt.NDArray[np.int32]
GROUPS = 120
"""Cuts a round and phase: few enough for a small program, enough for few rounds."""
THOUSAND = 1000


@dataclass(frozen=True, slots=True, eq=False)
class CostLevel:
    """One level: its name, its costs, and how a total becomes the figure that is shown.

    `sign`, `offset` and `divisor` turn a total t into ``(offset + sign * t) / divisor``.
    """

    name: str
    costs: Costs
    sign: int
    offset: int
    divisor: int

    def shown(self, total: float) -> float:
        """Return the figure that is shown for a total of `costs`."""
        figure = (self.offset + self.sign * total) / self.divisor
        return int(figure) if self.divisor == 1 and figure == int(figure) else figure


def reached(problem: SitingProblem) -> npt.NDArray[np.bool_]:
    """Return which demand some site reaches within the cutoff."""
    found = np.zeros(len(problem.weights), dtype=bool)
    found[problem.pairs()[1]] = True
    return found


def cost_level(problem: SitingProblem, model: MCLP | PMedian) -> CostLevel:
    """Return a model's level."""
    return _response(problem) if isinstance(model, PMedian) else _covered(problem, model)


def _covered(problem: SitingProblem, model: MCLP) -> CostLevel:
    """People without a site within the time, the fewer the better; in thousandths where cover is gradual."""
    site, demand, ms = problem.pairs()
    within = problem.standard_ms if model.within_ms is None else model.within_ms
    least = np.zeros(len(ms), dtype=np.int32)
    base, last = 1, within + 1
    if model.none_ms is not None:
        if model.none_ms <= within:
            raise InputError(f"none_ms={model.none_ms}: expected more than within_ms={within}, where cover is full")
        base, last = THOUSAND, model.none_ms
        late = np.clip(ms.astype(np.int64) - within, 0, None)
        least = np.minimum(late * THOUSAND // (model.none_ms - within), THOUSAND).astype(np.int32)
    near = ms < last
    costs = _costs(problem, site[near], demand[near], least[near], base=base, weights=problem.weights)
    offset = (int(problem.weights.sum()) * base - costs.constant) * len(problem.phases)
    return CostLevel("covered", costs, -1, offset, base)


def _response(problem: SitingProblem) -> CostLevel:
    """Person-milliseconds of response, demand that no site reaches left out."""
    site, demand, ms = problem.pairs()
    weights = np.where(reached(problem), problem.weights, 0)
    costs = _costs(problem, site, demand, ms, base=problem.cutoff_ms, weights=weights)
    return CostLevel("response", costs, 1, costs.constant * len(problem.phases), 1000)


def _costs(
    problem: SitingProblem,
    site: Ints32,
    demand: Ints32,
    cost: Ints32,
    *,
    base: int,
    weights: npt.NDArray[np.int64],
) -> Costs:
    """Return the costs of some pairs."""
    return Costs.build(site, demand, cost, base=base, weights=weights, always=problem.existing, groups=GROUPS)

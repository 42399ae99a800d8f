"""Relaxations searched by halves: of these figures more never harms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from careshed.siting.explain.parts import Part, Parts, lead_part, side_part
from careshed.siting.explain.reach import nearest_ms, worst_ms
from careshed.siting.problem import Tier
from careshed.siting.rows.columns import lead_lists
from careshed.siting.sides import WorstTime

__all__ = ["least_lead", "least_span", "least_worst_time"]


def _least(figures: Sequence[int], enough: Callable[[int], bool]) -> int | None:
    """Return the least of some rising figures that is enough; None where the last is not."""
    if not figures or not enough(figures[-1]):
        return None
    low, high = 0, len(figures) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(figures[middle]) else (middle + 1, high)
    return figures[low]


def least_worst_time(parts: Parts, part: Part, side: WorstTime) -> int | None:
    """Return the least time within which a plan serves all who are meant (Minieka 1970: a cover for each time)."""
    problem, others = parts.problem, parts.without(part)
    demand = problem.demand_positions(side.demand_ids)
    least = nearest_ms(problem)[demand]
    if (least < 0).any():
        return None
    values = parts.solve(others)
    if values is None:
        return None
    last = parts.columns.open(parts.columns.phases - 1, np.arange(parts.columns.sites))
    worst = worst_ms(problem, side, values[last] > 0.5)
    _, row, ms = problem.pairs()
    meant = np.zeros(len(problem.weights), dtype=bool)
    meant[demand] = True
    times = np.unique(ms[meant[row]])
    times = times[(times > side.ms) & (times >= least.max(initial=0)) & ((times <= worst) | (worst < 0))]

    def enough(time: int) -> bool:
        later = side_part(parts.columns, replace(side, ms=time), part.key)
        return time == worst or parts.feasible([*others, later])

    return _least(times.tolist(), enough)


def least_lead(parts: Parts, part: Part, tier: Tier) -> int | None:
    """Return the least time to a leader with which a plan exists; None where no time is enough."""
    if tier.lead_ms is None:
        return None
    site, other, ms = parts.problem.lead_pairs()
    n = len(parts.problem.site_ids)
    led, leader = lead_lists(parts.problem, replace(tier, lead_ms=None))
    times = np.unique(ms[np.isin(site.astype(np.int64) * n + other, led * n + leader) & (ms > tier.lead_ms)])
    others = parts.without(part)
    return _least(
        times.tolist(),
        lambda time: parts.feasible([*others, lead_part(parts.problem, replace(tier, lead_ms=time))]),
    )


def least_span(parts: Parts, part: Part, tier: Tier) -> int | None:
    """Return the least span of a tier with which a plan exists; None where none is enough."""
    if tier.span is None:
        return None
    most = sum(t.count for t in parts.problem.tiers if t.led_by)
    others = parts.without(part)

    def enough(span: int) -> bool:
        return parts.feasible([*others, replace(part, tier=replace(tier, span=span))])

    return _least(range(tier.span + 1, most + 1), enough)

r"""Whether leaders can lead: rows that a plan breaks, found by maximum flow.

Sites of a led tier flow to leaders within their time, at most `span` through each. By max-flow
min-cut (Ford, Fulkerson 1956) a plan can be led if and only if for each set *A* of sites

.. math:: Σ_{i∈A} s_i ≤ Σ_j \min(span, |A ∩ N(j)|) · l_j

where :math:`N(j)` are the sites within reach of leader *j*. The minimum cut names the set.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.rules import Columns, Row, lead_lists, merged_row

__all__ = ["assign_leaders", "broken_spans"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
UNIT = 1_000_000
"""Flow of one whole site; capacities are whole numbers."""


def broken_spans(columns: Columns, values: Floats) -> Iterator[Row]:
    """Yield one row for each tier whose span `values` break (whole or fractional)."""
    for tier in columns.problem.tiers:
        if tier.led_by and tier.span is not None:
            row = _broken(columns, tier, values)
            if row is not None:
                yield row


def _share(columns: Columns, tiers: list[Tier], values: Floats) -> Floats:
    """Return how much of each site is of one of `tiers`."""
    share = np.zeros(columns.sites)
    for tier in tiers:
        index, value, owner = columns.of_tier(tier, np.arange(columns.sites))
        np.add.at(share, owner, value * values[index])
    share[~columns.problem.inside] = 0.0
    return np.clip(share, 0.0, 1.0)


def _flow(columns: Columns, tier: Tier, values: Floats) -> tuple[Ints, Ints, csr_array, csr_array, int]:
    """Return led, leader, the network, its greatest flow and the flow asked for."""
    n, span = columns.sites, int(tier.span if tier.span is not None else columns.sites)
    led, leader = lead_lists(columns.problem, tier)
    own = np.floor(_share(columns, [tier], values) * UNIT).astype(np.int64)
    lead = np.ceil(_share(columns, [t for t in columns.problem.tiers if t.name in tier.led_by], values) * UNIT)
    lead = lead.astype(np.int64)
    used = (own[led] > 0) & (lead[leader] > 0)
    a, b = led[used], leader[used]
    sites = np.arange(n)
    tail = np.concatenate([np.full(n, 2 * n), a, n + sites])
    head = np.concatenate([sites, n + b, np.full(n, 2 * n + 1)])
    capacity = np.concatenate([own, lead[b], span * lead]).astype(np.int32)
    some = capacity > 0
    network = csr_array((capacity[some], (tail[some], head[some])), shape=(2 * n + 2, 2 * n + 2))
    flow = maximum_flow(network, 2 * n, 2 * n + 1)
    return led, leader, network, flow.flow, int(own.sum()) - int(flow.flow_value)


def _broken(columns: Columns, tier: Tier, values: Floats) -> Row | None:
    """Return the row of the minimum cut, made as wide as it stays violated."""
    led, leader, network, flow, missing = _flow(columns, tier, values)
    if missing <= UNIT // 1000:
        return None
    n, span = columns.sites, int(tier.span or 0)
    residual = csr_array(network - flow)
    residual.eliminate_zeros()
    reached = np.zeros(2 * n + 2, dtype=bool)
    reached[breadth_first_order(residual, 2 * n, return_predecessors=False)] = True
    member = reached[:n].copy()
    full = reached[n : 2 * n]
    # sites not open now whose open leaders are all full anyway add nothing to the right side
    lead = _share(columns, [t for t in columns.problem.tiers if t.name in tier.led_by], values) > 0.0
    other = np.zeros(n, dtype=bool)
    other[led[lead[leader] & ~full[leader]]] = True
    own = _share(columns, [tier], values) > 0.0
    eligible = np.zeros(n, dtype=bool)
    eligible[led] = True
    member |= ~own & ~other & eligible
    return _span_row(columns, tier, member, led, leader, span)


def _span_row(columns: Columns, tier: Tier, member: npt.NDArray[np.bool_], led: Ints, leader: Ints, span: int) -> Row:
    """Return the row of a set of led sites."""
    reach = np.minimum(np.bincount(leader[member[led]], minlength=columns.sites), span)
    index, value, _ = columns.of_tier(tier, np.flatnonzero(member))
    parts = [(index, value)]
    sites = np.flatnonzero(reach)
    for other in columns.problem.tiers:
        if other.name in tier.led_by:
            index, value, owner = columns.of_tier(other, sites)
            parts.append((index, -value * reach[sites][owner]))
    return merged_row("span", tier.name, parts)


def assign_leaders(problem: SitingProblem, tier: Tier, led: Ints, leaders: Ints) -> dict[int, int]:
    """Return a leader for each open site of a led tier: the least total time, then the least id.

    The spans are kept (assignment problem: each leader stands `span` times).
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - only where tiers are led

    a, b, ms = problem.lead_pairs()
    span = min(tier.span if tier.span is not None else len(led), len(led))
    limit = tier.lead_ms if tier.lead_ms is not None else int(ms.max(initial=0))
    forbidden = (limit + 1) * (len(led) + 1)
    cost = np.full((len(problem.site_ids), len(problem.site_ids)), forbidden, dtype=np.int64)
    near = ms <= limit
    cost[a[near], b[near]] = ms[near]
    table = np.repeat(cost[np.ix_(led, leaders)], max(span, 1), axis=1).astype(np.float64)
    rows, chosen = linear_sum_assignment(table)
    return {int(led[r]): int(leaders[c // max(span, 1)]) for r, c in zip(rows, chosen, strict=True)}

r"""Whether leaders can lead: rows that a plan breaks, found by maximum flow.

Sites of led tiers flow to leaders within their time, at most a leader's span through each. By max-flow
min-cut (Ford, Fulkerson 1956) a plan can be led if and only if for each set *A* of led sites

.. math:: Σ_{i∈A} s_i ≤ Σ_j \min(span_j, |A ∩ N(j)|) · l_j

where :math:`N(j)` are the sites that leader *j* may lead. The minimum cut names the set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from careshed.siting.problem import SitingProblem, Tier
from careshed.siting.rows.columns import Columns, Row, eligible, lead_lists, merged_row

__all__ = ["assign_leaders", "broken_spans"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
UNIT = 1_000_000
"""Flow of one whole site; capacities are whole numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class _Network:
    """Who may lead whom: a node for each (tier, site), tier by tier.

    Attributes
    ----------
    columns
        The columns.
    led, leader
        Nodes at the ends of each arc, int64.
    span
        Most sites led, per node, int64.
    is_led
        Whether a node needs a leader.
    """

    columns: Columns
    led: Ints
    leader: Ints
    span: Ints
    is_led: Bools

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """Lay out the network of a problem."""
        problem, n = columns.problem, columns.sites
        led, leader = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for t, tier in enumerate(problem.tiers):
            if not tier.led_by:
                continue
            a, b = lead_lists(problem, tier)
            for u, other in enumerate(problem.tiers):
                if other.name in tier.led_by:
                    own = eligible(problem, other)[b]
                    led.append(t * n + a[own])
                    leader.append(u * n + b[own])
        many = sum(t.count for t in problem.tiers)
        span = np.repeat([many if t.span is None else min(t.span, many) for t in problem.tiers], n)
        is_led = np.repeat([bool(t.led_by) for t in problem.tiers], n)
        return cls(columns, np.concatenate(led), np.concatenate(leader), span.astype(np.int64), is_led)

    def shares(self, values: Floats) -> Floats:
        """Return how much of each node is open."""
        columns, shares = self.columns, []
        for tier in columns.problem.tiers:
            share = np.zeros(columns.sites)
            index, value, owner = columns.of_tier(tier, np.arange(columns.sites))
            np.add.at(share, owner, value * values[index])
            shares.append(np.where(eligible(columns.problem, tier), np.clip(share, 0.0, 1.0), 0.0))
        return np.concatenate(shares)

    def cut(self, share: Floats) -> tuple[int, Bools, Bools]:
        """Return the missing flow, and which led nodes and leaders are on the source's side of the cut."""
        n = len(self.span)
        own = np.where(self.is_led, np.floor(share * UNIT), 0).astype(np.int64)
        lead = np.ceil(share * UNIT).astype(np.int64)
        used = (own[self.led] > 0) & (lead[self.leader] > 0)
        a, b = self.led[used], self.leader[used]
        nodes = np.arange(n)
        tail = np.concatenate([np.full(n, 2 * n), a, n + nodes])
        head = np.concatenate([nodes, n + b, np.full(n, 2 * n + 1)])
        capacity = np.concatenate([own, lead[b], self.span * lead]).astype(np.int32)
        some = capacity > 0
        network = csr_array((capacity[some], (tail[some], head[some])), shape=(2 * n + 2, 2 * n + 2))
        flow = maximum_flow(network, 2 * n, 2 * n + 1)
        residual = csr_array(network - flow.flow)
        residual.eliminate_zeros()
        reached = np.zeros(2 * n + 2, dtype=bool)
        reached[breadth_first_order(residual, 2 * n, return_predecessors=False)] = True
        return int(own.sum()) - int(flow.flow_value), reached[:n], reached[n : 2 * n]

    def row(self, member: Bools) -> Row:
        """Return the row of a set of led nodes."""
        reach = np.minimum(np.bincount(self.leader[member[self.led]], minlength=len(member)), self.span)
        problem, n = self.columns.problem, self.columns.sites
        parts: list[tuple[Ints, Floats]] = []
        for t, tier in enumerate(problem.tiers):
            own = slice(t * n, (t + 1) * n)
            weight = member[own].astype(np.float64) - reach[own]
            sites = np.flatnonzero(weight)
            index, value, owner = self.columns.of_tier(tier, sites)
            parts.append((index, value * weight[sites][owner]))
        return merged_row("span", "", parts)


def broken_spans(columns: Columns, values: Floats) -> Iterator[Row]:
    """Yield the row of the spans that `values` (whole or fractional) break, if they do."""
    if all(tier.span is None for tier in columns.problem.tiers):
        return
    network = _Network.of(columns)
    share = network.shares(values)
    missing, member, full = network.cut(share)
    if missing <= UNIT // 1000:
        return
    # closed sites that only full leaders could lead widen the set and add nothing to its right side
    free = np.zeros(len(share), dtype=bool)
    free[network.led[(share[network.leader] > 0.0) & ~full[network.leader]]] = True
    known = np.zeros(len(share), dtype=bool)
    known[network.led] = True
    yield network.row((member & network.is_led) | (known & ~free & (share == 0.0)))


def assign_leaders(problem: SitingProblem, sites: Ints, tiers: list[str]) -> dict[int, int]:
    """Return a leader for each open site of a led tier: the least total time under the spans.

    Parameters
    ----------
    problem
        The problem.
    sites, tiers
        Positions of the open sites inside, and the tier of each.

    Notes
    -----
    An assignment problem in which each leader stands as often as its span.
    """
    of = {t.name: t for t in problem.tiers}
    led = [n for n, t in enumerate(tiers) if t in of and of[t].led_by]
    chiefs = {name for n in led for name in of[tiers[n]].led_by}
    leaders = [n for n, t in enumerate(tiers) if t in chiefs]
    slots = np.repeat(leaders, [_span(of[tiers[n]], len(led)) for n in leaders]).astype(np.int64)
    site, leader, ms = problem.lead_pairs()
    known = {(int(a), int(b)): int(c) for a, b, c in zip(site, leader, ms, strict=True)} if led else {}
    never = (int(ms.max(initial=0)) + 1.0) * (len(led) + 1.0)
    cost = np.full((len(led), len(slots)), never)
    for row, n in enumerate(led):
        tier = of[tiers[n]]
        for column, m in enumerate(slots):
            time = known.get((int(sites[n]), int(sites[m])))
            if time is not None and tiers[m] in tier.led_by and (tier.lead_ms is None or time <= tier.lead_ms):
                cost[row, column] = time
    rows, chosen = linear_sum_assignment(cost)
    return {int(sites[led[r]]): int(sites[slots[c]]) for r, c in zip(rows, chosen, strict=True)}


def _span(tier: Tier, many: int) -> int:
    """Return how many sites a site of `tier` may lead, `many` at most."""
    return many if tier.span is None else min(tier.span, many)

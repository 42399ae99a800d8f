"""The optimum of small problems equals brute force, with every rule at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careshed.siting import Pairs, Phase, SitingProblem, Solution, Tier, site

STANDARD_MS, CUTOFF_MS = 500, 1000


@st.composite
def problems(draw):
    """Draw the tables of a small problem; few distinct times, so that ties are common."""
    n, m = draw(st.integers(3, 7)), draw(st.integers(1, 9))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    step = draw(st.sampled_from([1, 50, 250]))
    sites = pd.DataFrame(
        {
            "status": rng.choice(["candidate", "existing", "required", "excluded"], n, p=[0.75, 0.1, 0.1, 0.05]),
            "group": rng.choice(["east", "west", "north", ""], n, p=[0.3, 0.3, 0.3, 0.1]),
            "tier": rng.choice(["", "post", "hub"], n, p=[0.8, 0.1, 0.1]),
        },
        index=[f"s{j}" for j in rng.permutation(n)],
    )
    weights = pd.Series(rng.integers(0, 9, m), index=[f"d{i}" for i in rng.permutation(m)])
    ms = np.maximum(rng.integers(0, 1200, (n, m)) // step * step, 0)
    lead = rng.integers(0, 1000, (n, n))
    stations = draw(st.integers(1, 3))
    tiered = draw(st.booleans())
    early = draw(st.integers(0, stations))
    phases = draw(st.sampled_from([(), (Phase("early", early), Phase("late", stations))]))
    tiers: tuple[Tier, ...] = ()
    if tiered:
        span = draw(st.sampled_from([None, 1, 2]))
        limit = draw(st.sampled_from([None, 400, 800]))
        tiers = (Tier("hub", draw(st.integers(1, 2))), Tier("post", stations, ("hub",), limit, span))
        if draw(st.booleans()):
            tiers = (
                Tier("top", 1),
                Tier("hub", 1, ("top",), limit, span),
                Tier("post", stations, ("hub", "top"), limit, span),
            )
    return {
        "sites": sites,
        "weights": weights,
        "ms": pd.DataFrame(ms, index=sites.index, columns=weights.index),
        "lead": pd.DataFrame(lead, index=sites.index, columns=sites.index),
        "stations": stations,
        "quotas": {g: draw(st.integers(0, 1)) for g in ("east", "west", "north")},
        "tiers": tiers,
        "phases": phases,
        "early_quotas": draw(st.booleans()),
    }


def long(table: pd.DataFrame) -> Pairs:
    """Return a square table as pairs."""
    frame = table.rename_axis(index="site_id", columns="demand_id").stack().rename("ms").reset_index()
    return Pairs.from_frame(frame)


def build(case) -> SitingProblem:
    """Build the problem of a case."""
    tiers = case["tiers"]
    return SitingProblem.build(
        case["sites"],
        case["weights"],
        long(case["ms"]),
        stations=case["stations"],
        standard_ms=STANDARD_MS,
        cutoff_ms=CUTOFF_MS,
        group_names={g: g.title() for g in ("east", "west", "north")},
        min_per_group=case["quotas"],
        tiers=tiers,
        counted_tier="post" if tiers else "",
        lead_times=long(case["lead"]) if tiers else None,
        phases=case["phases"],
        early_quotas=case["early_quotas"],
    )


def led(case, tier: Tier, own: list[str], leaders: list[str]) -> bool:
    """Whether each of `own` finds a leader, by trying all ways."""
    limit = np.inf if tier.lead_ms is None else tier.lead_ms
    span = len(own) if tier.span is None else tier.span
    for chosen in itertools.product(leaders, repeat=len(own)):
        near = all(case["lead"].loc[i, j] <= limit for i, j in zip(own, chosen, strict=True))
        if near and all(chosen.count(j) <= span for j in leaders):
            return True
    return not own


def plans(case) -> Iterator[tuple[list[set[str]], int]]:
    """Yield all plans that keep the rules but for early quotas: open sets by phase, and stations lacking early."""
    sites, tiers = case["sites"], case["tiers"]
    sites = sites[sites["status"] != "excluded"]
    outside = sites.index[(sites["group"] == "") & sites["status"].isin(["existing", "required"])]
    inside = sites[sites["group"] != ""]
    counts = [p.count for p in case["phases"]] or [case["stations"]]
    others = [t for t in tiers if t.name != "post"]
    names = ["post"] if tiers else [""]
    kinds = [None, *[(names[0], k) for k in range(len(counts))], *[(t.name, 0) for t in others]]
    for choice in itertools.product(kinds, repeat=len(inside)):
        plan = dict(zip(inside.index, choice, strict=True))
        if keeps(case, inside, plan, counts, others):
            opened = [{j for j, c in plan.items() if c is not None and c[1] <= k} for k in range(len(counts))]
            lacking = sum(
                max(q - sum(inside["group"][j] == g for j in now), 0)
                for now in opened[:-1]
                for g, q in case["quotas"].items()
            )
            yield [now | set(outside) for now in opened], lacking


def keeps(case, inside, plan, counts, others) -> bool:
    """Whether a plan keeps all rules but for early quotas."""
    base = "post" if case["tiers"] else ""
    for k, count in enumerate(counts):
        if sum(c is not None and c[0] == base and c[1] <= k for c in plan.values()) != count:
            return False
    for t in others:
        if sum(c is not None and c[0] == t.name for c in plan.values()) != t.count:
            return False
    for j, c in plan.items():
        status, own = inside["status"][j], inside["tier"][j]
        if (c is None and status in ("existing", "required")) or (c and status == "existing" and c[1] > 0):
            return False
        if case["tiers"] and c and own not in ("", c[0]):
            return False
    for g, q in case["quotas"].items():
        if sum(c is not None and inside["group"][j] == g for j, c in plan.items()) < q:
            return False
    of = {t.name: [j for j, c in plan.items() if c and c[0] == t.name] for t in case["tiers"]}
    return all(led(case, t, of[t.name], [j for u in t.led_by for j in of[u]]) for t in case["tiers"] if t.led_by)


def figures(case, opened: list[set[str]]) -> tuple[int, int]:
    """Return people within the standard and person-milliseconds, summed over phases."""
    sites, ms, weights = case["sites"], case["ms"], case["weights"]
    usable = sites.index[(sites["status"] != "excluded") & ~((sites["group"] == "") & (sites["status"] == "candidate"))]
    covered = cost = 0
    for now in opened:
        for i, w in weights.items():
            if not (ms.loc[usable, i] <= CUTOFF_MS).any():
                continue
            least = min([int(ms.loc[j, i]) for j in now] + [CUTOFF_MS])
            covered += int(w) * (least <= STANDARD_MS)
            cost += int(w) * least
    return covered, cost


def brute_force(case) -> tuple[int, int] | None:
    """Return the best figures; None where no plan keeps the rules."""
    found = list(plans(case))
    if not found:
        return None
    if case["early_quotas"]:
        least = min(lacking for _, lacking in found)
        found = [(o, lacking) for o, lacking in found if lacking == least]
    covered, cost = min((-a, b) for a, b in (figures(case, o) for o, _ in found))
    return -covered, cost


def check(case, solution: Solution) -> None:
    """Check the figures that a solution states against its own open sites."""
    phases = max(len(case["phases"]), 1)
    covered, cost = figures(case, [set(solution.open_ids(k + 1)) for k in range(phases)])
    assert solution.levels[0].objective == covered
    assert solution.levels[1].objective == cost / 1000
    assert solution.phases["covered"].sum() == covered
    assert round(solution.phases["person_seconds"].sum() * 1000) == cost


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(problems())
def test_equals_brute_force(case):
    best = brute_force(case)
    solution = site(build(case))
    if best is None:
        assert solution.status == "infeasible"
        assert solution.reason
        return
    assert solution.status == "optimal"
    assert solution.gap == 0.0
    assert (solution.levels[0].objective, solution.levels[1].objective) == (best[0], best[1] / 1000)
    check(case, solution)

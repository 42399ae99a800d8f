"""The optimum of small problems equals brute force, with every rule at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careshed.siting import Pairs, Phase, SitingProblem, Solution, Tier, site
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, Side, WorstTime

STANDARD_MS, CUTOFF_MS = 500, 1000


STATUSES = {"candidate": 0.74, "existing": 0.06, "closable": 0.1, "required": 0.06, "excluded": 0.04}
KINDS = (Among, Apart, Budget, Company, CoverageFloor, WorstTime)


def a_side(kind: type, rng: np.random.Generator, sites: list[str], demand: list[str], case) -> Side:
    """Return a random side rule, loose enough that often a plan keeps it."""

    def some(ids: list[str]) -> tuple[str, ...]:
        return tuple(i for i in ids if rng.random() < 0.6)

    ms = int(rng.choice([450, 700, 900, 1000, 1100]))
    if kind is Among:
        tier = str(rng.choice(["", *[t.name for t in case["tiers"]]]))
        phase = rng.choice([None, *range(1, len(case["phases"]) + 1)])
        least, most = int(rng.integers(0, 3)), rng.choice([None, 0, 1, 2, 3])
        return Among("some", some(sites), least, None if most is None else int(most), tier, phase)
    if kind is Apart:
        return Apart("apart", tuple((a, b) for a, b in itertools.combinations(sites, 2) if rng.random() < 0.2))
    if kind is Budget:
        unit = int(rng.choice([1, 3, 10**9 + 7]))
        costs = [{j: unit * int(rng.integers(0, 6)) for j in some(sites)} for _ in range(2)]
        return Budget(unit * int(rng.integers(3, 14)) + int(rng.integers(-1, 2)), *costs)
    if kind is Company:
        return Company("near", {j: some(sites) for j in some(sites)})
    if kind is CoverageFloor:
        return CoverageFloor("floor", some(demand), float(rng.choice([0.25, 0.5, 0.75, 0.9, 1.0])), ms)
    return WorstTime(ms, None if rng.random() < 0.5 else some(demand))


@st.composite
def problems(draw, kinds: tuple[type, ...] = (), most: int = 7):
    """Draw the tables of a small problem; few distinct times, so that ties are common."""
    n, m = draw(st.integers(4, most)), draw(st.integers(1, 9))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    step = draw(st.sampled_from([1, 50, 250]))
    sites = pd.DataFrame(
        {
            "status": rng.choice([*STATUSES], n, p=[*STATUSES.values()]),
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
        tiers = (Tier("hub", draw(st.integers(1, 2)), span=span), Tier("post", stations, ("hub",), limit))
        if draw(st.booleans()):
            tiers = (
                Tier("top", 1, span=draw(st.sampled_from([None, 1, 2]))),
                Tier("hub", 1, ("top",), limit, span),
                Tier("post", stations, ("hub", "top"), limit),
            )
    case = {
        "sites": sites,
        "weights": weights,
        "ms": pd.DataFrame(ms, index=sites.index, columns=weights.index),
        "lead": pd.DataFrame(lead, index=sites.index, columns=sites.index),
        "stations": stations,
        "quotas": {g: draw(st.sampled_from([0, 0, 1])) for g in ("east", "west", "north")},
        "tiers": tiers,
        "phases": phases,
        "early_quotas": draw(st.booleans()),
    }
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)) if kinds else []
    case["sides"] = [a_side(kind, rng, [*sites.index], [*weights.index], case) for kind in chosen]
    return case


def long(table: pd.DataFrame) -> Pairs:
    """Return a square table as pairs."""
    frame = table.rename_axis(index="site_id").reset_index().melt("site_id", var_name="demand_id", value_name="ms")
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
        sides=case["sides"],
    )


class Plain:
    """A case in plain dictionaries: pandas is slow at single figures."""

    def __init__(self, case) -> None:
        sites = case["sites"]
        self.group, self.status, self.tier = ({**sites[c]} for c in ("group", "status", "tier"))
        self.ms, self.lead = ({j: {**row} for j, row in case[c].iterrows()} for c in ("ms", "lead"))
        self.weight = {i: int(w) for i, w in case["weights"].items()}
        usable = [j for j in sites.index if self.status[j] != "excluded"]
        self.inside = [j for j in usable if self.group[j] != ""]
        self.outside = [j for j in usable if self.group[j] == "" and self.status[j] != "candidate"]
        usable = self.inside + self.outside
        self.reached = [i for i in self.weight if any(self.ms[j][i] <= CUTOFF_MS for j in usable)]
        self.counts = [p.count for p in case["phases"]] or [case["stations"]]
        self.tiers, self.quotas, self.sides = case["tiers"], case["quotas"], case["sides"]
        self.always = {*self.outside, *(j for j in self.inside if self.status[j] == "existing")}


def led(plain: Plain, of: dict[str, list[str]]) -> bool:
    """Whether each led site finds a leader, by trying all ways."""
    tiers = {t.name: t for t in plain.tiers}
    own = [(t, i) for t in of for i in of[t] if tiers[t].led_by]
    span = {j: tiers[t].span for t in of for j in of[t]}
    ways = [
        [j for u in tiers[t].led_by for j in of[u] if tiers[t].lead_ms is None or plain.lead[i][j] <= tiers[t].lead_ms]
        for t, i in own
    ]
    return any(
        all(span[j] is None or chosen.count(j) <= span[j] for j in chosen) for chosen in itertools.product(*ways)
    )


def arrangements(left: dict, places: int) -> Iterator[tuple]:
    """Yield all sequences in which each key stands as often as `left` says."""
    if not places:
        yield ()
    for key, count in left.items():
        if count > 0:
            for rest in arrangements(left | {key: count - 1}, places - 1):
                yield key, *rest


def plans(case) -> Iterator[tuple[list[set[str]], int]]:
    """Yield all plans that keep the rules but for early quotas: open sets by phase, and stations lacking early."""
    plain = Plain(case)
    base = "post" if plain.tiers else ""
    fresh = np.diff(plain.counts, prepend=0)
    left = {(base, k): int(count) for k, count in enumerate(fresh)}
    left |= {(t.name, 0): t.count for t in plain.tiers if t.name != base}
    left[None] = len(plain.inside) - sum(left.values())
    if left[None] < 0:
        return
    for choice in arrangements(left, len(plain.inside)):
        plan = dict(zip(plain.inside, choice, strict=True))
        if keeps(plain, plan) and all(keeps_side(plain, side, plan) for side in plain.sides):
            opened = [{j for j, c in plan.items() if c and c[1] <= k} for k in range(len(plain.counts))]
            lacking = sum(
                max(q - sum(plain.group[j] == g for j in now), 0)
                for now in opened[:-1]
                for g, q in plain.quotas.items()
            )
            yield [now | {*plain.outside} for now in opened], lacking


def keeps(plain: Plain, plan) -> bool:
    """Whether a plan of the right counts keeps all other rules but for early quotas and side rules."""
    for j, c in plan.items():
        status, own = plain.status[j], plain.tier[j]
        if (c is None and status in ("existing", "required")) or (c and status == "existing" and c[1] > 0):
            return False
        if plain.tiers and c and own not in ("", c[0]):
            return False
    for g, q in plain.quotas.items():
        if sum(c is not None and plain.group[j] == g for j, c in plan.items()) < q:
            return False
    of = {t.name: [j for j, c in plan.items() if c and c[0] == t.name] for t in plain.tiers}
    return led(plain, of)


def keeps_side(plain: Plain, side: Side, plan) -> bool:
    """Whether a plan keeps a side rule."""
    tiers = {j: c[0] for j, c in plan.items() if c} | {j: plain.tier[j] for j in plain.outside}
    begins = {j: c[1] for j, c in plan.items() if c} | dict.fromkeys(plain.outside, 0)

    def served(i: str) -> bool:
        return any(plain.ms[j][i] <= min(side.ms, CUTOFF_MS) for j in begins)

    match side:
        case Among():
            last = (side.phase or len(plain.counts)) - 1
            held = [j for j in {*side.site_ids} if begins.get(j, last + 1) <= last and side.tier in ("", tiers[j])]
            return side.at_least <= len(held) and (side.at_most is None or len(held) <= side.at_most)
        case Apart():
            return not any({a, b} <= {*begins} and not {a, b} <= plain.always for a, b in side.too_near)
        case Budget():
            spent = sum(side.opening.get(j, 0) for j in begins)
            closed = [j for j in plan if plain.status[j] == "closable" and j not in begins]
            return spent + sum(side.closing.get(j, 0) for j in closed) <= side.at_most
        case Company():
            return all(({*side.near[j]} - {j}) & {*begins} for j in begins if j in side.near)
        case WorstTime():
            people = [i for i, w in plain.weight.items() if w] if side.demand_ids is None else side.demand_ids
            return all(map(served, people))
        case CoverageFloor():
            people = {i: plain.weight[i] for i in side.demand_ids}
            return sum(w for i, w in people.items() if served(i)) >= Fraction(str(side.share)) * sum(people.values())


def figures(plain: Plain, opened: list[set[str]]) -> tuple[int, int]:
    """Return people within the standard and person-milliseconds, summed over phases."""
    covered = cost = 0
    for now in opened:
        for i in plain.reached:
            least = min([int(plain.ms[j][i]) for j in now] + [CUTOFF_MS])
            covered += plain.weight[i] * (least <= STANDARD_MS)
            cost += plain.weight[i] * least
    return covered, cost


def brute_force(case) -> tuple[int, int] | None:
    """Return the best figures; None where no plan keeps the rules."""
    found = list(plans(case))
    if not found:
        return None
    if case["early_quotas"]:
        least = min(lacking for _, lacking in found)
        found = [(o, lacking) for o, lacking in found if lacking == least]
    plain = Plain(case)
    covered, cost = min((-a, b) for a, b in (figures(plain, o) for o, _ in found))
    return -covered, cost


def check(case, solution: Solution) -> None:
    """Check the figures that a solution states against its own open sites."""
    phases = max(len(case["phases"]), 1)
    covered, cost = figures(Plain(case), [set(solution.open_ids(k + 1)) for k in range(phases)])
    assert solution.levels[0].objective == covered
    assert solution.levels[1].objective == cost / 1000
    assert solution.phases["covered"].sum() == covered
    assert round(solution.phases["person_seconds"].sum() * 1000) == cost


def equals_brute_force(case) -> None:
    """Check that the plan found is the best of all."""
    best = brute_force(case)
    solution = site(build(case))
    if best is None:
        assert solution.status == "infeasible"
        assert solution.reason
        return
    assert solution.status == "optimal", [c.text.en for c in solution.reason]
    assert solution.gap == 0.0
    assert (solution.levels[0].objective, solution.levels[1].objective) == (best[0], best[1] / 1000)
    check(case, solution)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(problems())
def test_equals_brute_force(case):
    equals_brute_force(case)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_a_side_rule_equals_brute_force(kind, data):
    equals_brute_force(data.draw(problems((kind,))))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(problems(KINDS))
def test_side_rules_together_equal_brute_force(case):
    equals_brute_force(case)


def pair_of_phases(*sides: Side, **options) -> Solution:
    """Solve three sites with two phases, led by a hub."""
    case = {
        "sites": pd.DataFrame({"status": "candidate", "group": "east", "tier": ""}, index=["a", "b", "c"]),
        "weights": pd.Series({"p": 5}),
        "ms": pd.DataFrame({"p": [100, 200, 300]}, index=["a", "b", "c"]),
        "lead": pd.DataFrame(100, index=["a", "b", "c"], columns=["a", "b", "c"]),
        "stations": 2,
        "quotas": {},
        "tiers": (Tier("hub", 1), Tier("post", 2, ("hub",))),
        "phases": (Phase("early", 1), Phase("late", 2)),
        "early_quotas": False,
        "sides": sides,
    } | options
    equals_brute_force(case)
    return site(build(case))


def test_a_tier_is_counted_in_the_phase_named():
    early = Among("best", ("a",), at_most=0, tier="post", phase=1)
    solution = pair_of_phases(early, Among("best", ("a",), at_least=1, tier="post"))
    assert solution.stations.loc["a", ["tier", "phase"]].to_list() == ["post", 2]


@pytest.mark.parametrize("room", [0, -1])
def test_a_budget_is_kept_to_the_unit(room):
    costs = {"a": 2_000_000_011, "b": 2_000_000_001, "c": 2_000_000_010}
    budget = Budget(4_000_000_012 + room, costs)
    solution = pair_of_phases(budget, tiers=(), phases=())
    assert solution.open_ids() == (["a", "b"] if room == 0 else ["b", "c"])

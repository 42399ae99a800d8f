"""Every model, with every rule it takes, equals brute force over all plans of a small problem."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careshed.errors import InputError
from careshed.siting import Pairs, Phase, SitingProblem, site
from careshed.siting.models import (
    BACOP1,
    BACOP2,
    DSM,
    LSCP,
    LSCPB,
    MALP,
    MCLP,
    MEXCLP,
    CapacitatedMCLP,
    CapacitatedPMedian,
    Lexicographic,
    PCenter,
    PMedian,
    Relocation,
)
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, WorstTime
from careshed.siting.solve import REFUSED, RULES, support_table

STANDARD, LONG, CUTOFF = 500, 800, 1000
VEHICLES = 4


@dataclass(frozen=True)
class Case:
    """A small problem as plain tables."""

    status: pd.Series
    group: pd.Series
    weights: pd.Series
    ms: pd.DataFrame
    counts: tuple[int, ...]
    quota: int
    sides: tuple

    @property
    def problem(self) -> SitingProblem:
        frame = self.ms.rename_axis("site_id").reset_index().melt("site_id", var_name="demand_id", value_name="ms")
        return SitingProblem.build(
            pd.DataFrame({"status": self.status, "group": self.group}),
            self.weights,
            Pairs.from_frame(frame),
            stations=self.counts[-1],
            standard_ms=STANDARD,
            cutoff_ms=CUTOFF,
            group_names={"east": "East", "west": "West"},
            min_per_group={"east": self.quota},
            phases=[Phase(f"{2021 + k}", count) for k, count in enumerate(self.counts)],
            early_quotas=False,
            sides=self.sides,
        )

    def plans(self, *, free: bool = False):
        """Yield all nested plans that keep the rules."""
        ids = list(self.status.index)
        always = {j for j in ids if self.status[j] == "existing"}
        needed = {j for j in ids if self.status[j] in ("existing", "required")}
        for phases in itertools.product(range(len(self.counts) + 1), repeat=len(ids)):
            opened = [{j for j, k in zip(ids, phases, strict=True) if k <= p} for p in range(len(self.counts))]
            if not free and any(len(now) != count for now, count in zip(opened, self.counts, strict=True)):
                continue
            if always <= opened[0] and needed <= opened[-1] and self.kept(opened):
                yield opened

    def kept(self, opened) -> bool:
        """Whether quotas and side rules are kept."""
        last = opened[-1]
        if sum(self.group[j] == "east" for j in last) < self.quota:
            return False
        return all(self.keeps(side, opened) for side in self.sides)

    def keeps(self, side, opened) -> bool:
        """Whether one side rule is kept, as its text says it."""
        last = opened[-1]
        match side:
            case Among():
                now = opened[-1 if side.phase is None else side.phase - 1]
                many = len(now & set(side.site_ids))
                return side.at_least <= many and (side.at_most is None or many <= side.at_most)
            case Apart():
                fixed = {j for j in last if self.status[j] == "existing"}
                return not any({a, b} <= last and not {a, b} <= fixed for a, b in side.too_near)
            case Company():
                return all(j not in side.near or last & set(side.near[j]) for j in last)
            case Budget():
                spent = sum(side.opening.get(j, 0) for j in last)
                shut = {j for j in self.status.index if self.status[j] == "closable"} - last
                return spent + sum(side.closing.get(j, 0) for j in shut) <= side.at_most
            case WorstTime():
                who = (
                    [i for i in self.weights.index if self.weights[i] > 0]
                    if side.demand_ids is None
                    else side.demand_ids
                )
                return all(self.near(i, last, side.ms) for i in who)
            case CoverageFloor():
                own = self.weights[list(side.demand_ids)]
                held = sum(int(w) for i, w in own.items() if self.near(i, last, side.ms))
                return held >= side.share * int(own.sum()) - 1e-9
        raise AssertionError(side)

    def near(self, i, now, ms) -> int:
        """Return how many open sites a demand point has within a time."""
        return sum(self.ms.loc[j, i] <= ms for j in now)

    def people(self, opened, worth) -> float:
        """Return people weighed with `worth` of their open sites, summed over phases."""
        return sum(int(w) * worth(i, now) for now in opened for i, w in self.weights.items())

    def response(self, opened) -> int:
        """Return person-milliseconds of all whom any site reaches, summed over phases."""
        total = 0
        for now in opened:
            for i, w in self.weights.items():
                if (self.ms[i] <= CUTOFF).any():
                    total += int(w) * min([CUTOFF, *(int(self.ms.loc[j, i]) for j in now)])
        return total


@st.composite
def cases(draw, *, phases=True, sites=5, demand=6):
    """Draw a case; few distinct times, so that ties are common."""
    n, m = draw(st.integers(3, sites)), draw(st.integers(1, demand))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ids, who = [f"s{j}" for j in range(n)], [f"d{i}" for i in range(m)]
    status = pd.Series(rng.choice(["candidate", "closable", "existing", "required"], n, p=[0.6, 0.2, 0.1, 0.1]), ids)
    group = pd.Series(rng.choice(["east", "west"], n), ids)
    weights = pd.Series(rng.integers(0, 9, m), who)
    ms = pd.DataFrame(rng.integers(0, 13, (n, m)) * 100, ids, who)
    stations = draw(st.integers(1, min(3, n)))
    counts = (draw(st.integers(1, stations)), stations) if phases and draw(st.booleans()) else (stations,)
    sides = [side for side in every_side(rng, ids, who, len(counts)) if draw(st.integers(0, 4)) == 0]
    return Case(status, group, weights, ms, counts, draw(st.sampled_from([0, 0, 1])), tuple(sides))


def every_side(rng, ids, who, phases) -> list:
    """Return one rule of each kind."""
    some = tuple(rng.choice(ids, rng.integers(1, len(ids) + 1), replace=False))
    near = {j: tuple(k for k in ids if k != j and rng.random() < 0.6) for j in some}
    costs = {j: int(rng.integers(0, 9)) for j in ids}
    return [
        Among("north", some, at_least=int(rng.integers(0, 2)), at_most=int(rng.integers(1, 4))),
        Among("early", some, at_most=1, phase=int(rng.integers(1, phases + 1))),
        Apart("far", tuple(pair for pair in itertools.combinations(ids, 2) if rng.random() < 0.2)),
        Company("pairs", near),
        Budget(int(rng.integers(4, 24)), costs, {j: int(rng.integers(0, 5)) for j in ids}),
        WorstTime(int(rng.integers(6, 12)) * 100, tuple(rng.choice(who, rng.integers(1, len(who) + 1), replace=False))),
        CoverageFloor("unit", tuple(rng.choice(who, rng.integers(1, len(who) + 1), replace=False)), 0.5, 600),
    ]


def best(case, figures, *, free=False, allowed=lambda _: True):
    """Return the least tuple of figures over all plans; None where there is none."""
    found = [figures(opened) for opened in case.plans(free=free) if allowed(opened)]
    found = [figure for figure in found if figure is not None]
    return min(found) if found else None


def check(case, model, expected, *, signs=(1,)):
    """Compare a model's plan with what brute force found, level by level."""
    solution = site(case.problem, model)
    if expected is None:
        assert solution.status == "infeasible", (solution.levels, solution.open_ids())
        return solution
    assert solution.status == "optimal"
    found = tuple(sign * level.objective for sign, level in zip(signs, solution.levels, strict=True))
    assert found == pytest.approx(expected, abs=1e-9)
    assert all(level.bound == level.objective and level.gap == 0 for level in solution.levels)
    phases = [set(solution.open_ids(k + 1)) for k in range(len(case.counts))]
    assert case.kept(phases)
    return solution


SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@SOME
@given(cases())
def test_mclp(case):
    check(
        case,
        MCLP(),
        best(case, lambda o: (-case.people(o, lambda i, now: case.near(i, now, STANDARD) > 0),)),
        signs=(-1,),
    )


@SOME
@given(cases())
def test_gradual_mclp(case):
    def worth(i, now):
        late = [max(int(case.ms.loc[j, i]) - 300, 0) for j in now]
        return max([1000 - min(t * 1000 // 500, 1000) for t in late], default=0) / 1000

    check(case, MCLP(300, 800), best(case, lambda o: (-case.people(o, worth),)), signs=(-1,))


@SOME
@given(cases())
def test_p_median(case):
    check(case, PMedian(), best(case, lambda o: (case.response(o) / 1000,)))


@SOME
@given(cases())
def test_response_first(case):
    def figures(o):
        return case.response(o) / 1000, -case.people(o, lambda i, now: case.near(i, now, STANDARD) > 0)

    check(case, Lexicographic((PMedian(), MCLP())), best(case, figures), signs=(1, -1))


@SOME
@given(cases())
def test_p_center(case):
    served = [i for i, w in case.weights.items() if w > 0 and (case.ms[i] <= CUTOFF).any()]

    def figures(o):
        return (max((min([CUTOFF, *(int(case.ms.loc[j, i]) for j in o[-1])]) for i in served), default=0) / 1000,)

    check(case, PCenter(), best(case, figures))


@SOME
@given(cases(phases=False))
def test_fast_roads_of_problems_without_rules(case):
    bare = replace(case, quota=0, sides=(), status=case.status.replace("required", "candidate"))
    served = [i for i, w in bare.weights.items() if w > 0 and (bare.ms[i] <= CUTOFF).any()]

    def worst(o):
        return (max((min([CUTOFF, *(int(bare.ms.loc[j, i]) for j in o[-1])]) for i in served), default=0) / 1000,)

    def uncovered(o):
        return (-bare.people(o, lambda i, now: bare.near(i, now, STANDARD) > 0),)

    free = (bare.status != "existing").sum()
    count = bare.counts[-1] - (bare.status == "existing").sum()
    for model, figures, sign in (
        (MCLP(), uncovered, -1),
        (PMedian(), lambda o: (bare.response(o) / 1000,), 1),
        (PCenter(), worst, 1),
    ):
        solution = check(bare, model, best(bare, figures), signs=(sign,))
        if 0 < count <= free:
            assert solution.report.settings["method"] not in (
                "branch and cut over linear programs",
                "binary search over set covers",
            )


def all_near(case, ms, *, reachable_only):
    """Return whether all who are meant have an open site within a time."""
    who = [i for i, w in case.weights.items() if (case.ms[i] <= ms).any() or (w > 0 and not reachable_only)]
    return lambda o: all(case.near(i, o[-1], ms) for i in who)


@SOME
@given(cases(phases=False), st.booleans())
def test_lscp_and_backup(case, reachable_only):
    allowed = all_near(case, STANDARD, reachable_only=reachable_only)

    def figures(o):
        return len(o[-1]), -case.people(o, lambda i, now: case.near(i, now, STANDARD) > 1)

    expected = best(case, figures, free=True, allowed=allowed)
    check(case, LSCP(reachable_only=reachable_only), expected and expected[:1])
    check(case, LSCPB(reachable_only=reachable_only), expected, signs=(1, -1))


@SOME
@given(cases(), st.booleans())
def test_bacop1(case, reachable_only):
    allowed = all_near(case, LONG, reachable_only=reachable_only)
    expected = best(case, lambda o: (-case.people(o, lambda i, now: case.near(i, now, LONG) > 1),), allowed=allowed)
    check(case, BACOP1(LONG, reachable_only=reachable_only), expected, signs=(-1,))


@SOME
@given(cases(), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_bacop2(case, first):
    def worth(i, now):
        near = case.near(i, now, STANDARD)
        return first * (near > 0) + (1 - first) * (near > 1)

    check(case, BACOP2(first=first), best(case, lambda o: (-case.people(o, worth),)), signs=(-1,))


def fleets(case, opened, vehicles, per_site):
    """Yield all ways to place the vehicles of each phase."""
    sizes = [math.ceil(vehicles * len(now) / len(opened[-1])) for now in opened]
    ways = []
    for now, size in zip(opened, sizes, strict=True):
        spread = itertools.product(range(1, per_site + 1), repeat=len(now))
        ways.append([dict(zip(sorted(now), some, strict=True)) for some in spread if sum(some) == size])
    return itertools.product(*ways)


def with_fleet(case, opened, worth, vehicles, *, allowed=lambda _: True):
    """Return the most people over all ways to place the vehicles, negative; None where there is no way."""
    found = [
        -sum(
            int(w) * worth(sum(n for j, n in at.items() if case.ms.loc[j, i] <= STANDARD))
            for at in way
            for i, w in case.weights.items()
        )
        for way in fleets(case, opened, vehicles, 2)
        if allowed(way)
    ]
    return (min(found),) if found else None


def fleet_of(case):
    """Return a number of vehicles that the stations hold."""
    return min(case.counts[-1] + 1, 2 * case.counts[-1])


@SOME
@given(cases(sites=4), st.sampled_from([0.1, 0.4, 0.8]))
def test_mexclp(case, busy):
    many = fleet_of(case)

    def worth(near):
        return sum(round((1 - busy) * busy**k * 1e6) for k in range(near)) / 1e6

    solution = check(case, MEXCLP(many, busy), best(case, lambda o: with_fleet(case, o, worth, many)), signs=(-1,))
    assert solution.status == "infeasible" or solution.stations["vehicles"].sum() == many


@SOME
@given(cases(sites=4), st.sampled_from([(0.3, 0.9), (0.5, 0.75), (0.2, 0.75)]))
def test_malp(case, figures):
    busy, reliability = figures
    needed = next(b for b in range(1, 20) if 1 - busy**b >= reliability - 1e-12)
    many = fleet_of(case)
    model = MALP(many, busy, reliability)
    check(case, model, best(case, lambda o: with_fleet(case, o, lambda near: near >= needed, many)), signs=(-1,))


@SOME
@given(cases(sites=4), st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
def test_dsm(case, share, reachable_only):
    many = fleet_of(case)
    reached = [i for i in case.weights.index if (case.ms[i] <= LONG).any()]
    base = case.weights[reached].sum() if reachable_only else case.weights.sum()

    def allowed(way):
        once = sum(int(w) for i, w in case.weights.items() if any(case.ms.loc[j, i] <= STANDARD for j in way[-1]))
        return once >= share * int(base) - 1e-9

    everybody = all_near(case, LONG, reachable_only=reachable_only)
    expected = best(
        case, lambda o: with_fleet(case, o, lambda near: near > 1, many, allowed=allowed), allowed=everybody
    )
    check(case, DSM(many, LONG, share=share, reachable_only=reachable_only), expected, signs=(-1,))


def assigned(case, now, room, most_ms, *, must):
    """Yield all ways to serve each demand point with people at one open site (or none) within capacities."""
    who = [i for i, w in case.weights.items() if w > 0 and (case.ms[i] <= most_ms).any()]
    ways = [[j for j in now if case.ms.loc[j, i] <= most_ms] + ([] if must else [None]) for i in who]
    for way in itertools.product(*ways):
        load = {j: sum(int(case.weights[i]) for i, k in zip(who, way, strict=True) if k == j) for j in now}
        if all(load[j] <= room for j in now):
            yield [(i, j) for i, j in zip(who, way, strict=True) if j is not None]


@SOME
@given(cases(sites=4, demand=4), st.integers(3, 20))
def test_capacitated(case, room):
    def response(o):
        total = 0
        for now in o:
            costs = [
                sum(int(case.weights[i]) * int(case.ms.loc[j, i]) for i, j in way)
                for way in assigned(case, now, room, CUTOFF, must=True)
            ]
            if not costs:
                return None
            total += min(costs)
        return (total / 1000,)

    def served(o):
        return (
            -sum(
                max(
                    sum(int(case.weights[i]) for i, _ in way) for way in assigned(case, now, room, STANDARD, must=False)
                )
                for now in o
            ),
        )

    check(case, CapacitatedPMedian(room), best(case, response))
    whole = check(case, CapacitatedMCLP(room), best(case, served), signs=(-1,))
    if whole.status == "optimal":
        parts = site(case.problem, CapacitatedMCLP(room, whole=False))
        assert parts.levels[0].objective >= whole.levels[0].objective
        assert whole.shares.groupby("site_id")["people"].sum().max() <= room if len(whole.shares) else True


@SOME
@given(cases(), st.sampled_from([0.0, 0.2, 0.5]))
def test_relocation(case, loss):
    def covered(o):
        return case.people(o, lambda i, now: case.near(i, now, STANDARD) > 0)

    top = best(case, lambda o: (-covered(o),))
    shut = {j for j in case.status.index if case.status[j] == "closable"}
    expected = top and best(
        case, lambda o: (len(shut - o[-1]), -covered(o)), allowed=lambda o: covered(o) >= (1 - loss) * -top[0] - 1e-9
    )
    check(case, Relocation(loss), expected and (top[0], *expected), signs=(-1, 1, -1))


def test_refuses_a_rule_by_name():
    weights = pd.Series([1], ["d"])
    frame = pd.DataFrame({"site_id": ["a", "b"], "demand_id": "d", "ms": [1, 2]})
    problem = SitingProblem.build(
        pd.DataFrame(index=["a", "b"]), weights, Pairs.from_frame(frame), stations=2, standard_ms=5,
        phases=[Phase("2021-12-31", 1), Phase("2022-12-31", 2)],
    )  # fmt: skip
    with pytest.raises(InputError, match=r"LSCP decides .* can't take phases \(2021-12-31, 2022-12-31\)"):
        site(problem, LSCP())
    with pytest.raises(InputError, match="expected 2 to 4"):
        site(problem, MEXCLP(9, 0.3))
    with pytest.raises(InputError, match="more than within_ms=5"):
        site(problem, MCLP(none_ms=5))


def test_the_table_says_what_is_refused():
    table = support_table()
    assert list(table.columns) == list(RULES)
    assert not table.loc["LSCP", "phases"]
    assert table.loc["MCLP"].all()
    assert {kind.__name__ for kind in REFUSED} == set(table.index[~table.all(axis=1)])

"""What a plan states, on problems made by hand and of middle size."""

from __future__ import annotations

import highspy
import numpy as np
import pandas as pd
import pytest

from careshed.errors import DuplicateIdError, InputError
from careshed.siting import Pairs, Phase, SitingProblem, Tier, phase_counts, site

STANDARD_MS = 720_000


def line(places: dict[str, float], demand: dict[str, tuple[float, int]], *, ms_per_m: float = 100.0, **options):
    """Return a problem along a road: sites and demand at metres from its start."""
    sites = options.pop("sites", pd.DataFrame(index=list(places)))
    rows = [(s, d, round(abs(x - y) * ms_per_m)) for s, x in places.items() for d, (y, _) in demand.items()]
    lead = [(s, t, round(abs(x - y) * ms_per_m)) for s, x in places.items() for t, y in places.items()]
    times = Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"]))
    lead_times = Pairs.from_frame(pd.DataFrame(lead, columns=["site_id", "leader_id", "ms"]), other="leader_id")
    weights = pd.Series({d: w for d, (_, w) in demand.items()})
    options = {"standard_ms": STANDARD_MS, "lead_times": lead_times} | options
    return SitingProblem.build(sites, weights, times, **options)


def clustered(seed: int, n_demand: int, n_sites: int, stations: int, **options):
    """Return a problem of clustered people with six groups, and its dense times."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 20_000, (8, 2))
    people = centres[rng.integers(0, 8, n_demand)] + rng.normal(0, 2_000, (n_demand, 2))
    places = np.concatenate(
        [people[rng.integers(0, n_demand, n_sites // 2)], rng.uniform(0, 20_000, (n_sites - n_sites // 2, 2))]
    )
    ms = (np.hypot(*(places[:, None] - people[None]).T).T * 1.3 / 8.0 * 1000 + 240_000).round().astype(int)
    sites = pd.DataFrame(
        {
            "group": [f"g{int(x > 10_000) + 2 * int(y // 7_000)}" for x, y in places],
            "status": ["existing" if j % 17 == 3 else "candidate" for j in range(n_sites)],
        },
        index=[f"s{j:03d}" for j in range(n_sites)],
    )
    weights = pd.Series(rng.integers(1, 900, n_demand), index=[f"d{i:04d}" for i in range(n_demand)])
    table = pd.DataFrame(ms, index=sites.index, columns=weights.index)
    frame = table.rename_axis(index="site_id").reset_index().melt("site_id", var_name="demand_id", value_name="ms")
    frame = frame[frame["ms"] <= 3_600_000]
    options = {"min_per_group": 1, "standard_ms": STANDARD_MS} | options
    return sites, weights, frame, {"stations": stations} | options


def built(case, *, seed: int | None = None) -> SitingProblem:
    """Build a clustered problem, its rows in another order where a seed is given."""
    sites, weights, frame, options = case
    if seed is not None:
        rng = np.random.default_rng(seed)
        sites, weights, frame = (t.iloc[rng.permutation(len(t))] for t in (sites, weights, frame))
    return SitingProblem.build(sites, weights, Pairs.from_frame(frame), **options)


def plain_milp(
    problem: SitingProblem, cost: np.ndarray, limit: tuple[np.ndarray, float] | None
) -> tuple[float, np.ndarray]:
    """Solve the assignment model of nested phases and quotas in HiGHS as the textbooks write it."""
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    h.setOptionValue("mip_rel_gap", 0.0)
    n, m = cost.shape
    phases = range(len(problem.phases))
    opened = [[h.addBinary() for _ in range(n)] for _ in phases]
    served = [[[h.addVariable(0, 1) for _ in range(n + 1)] for _ in range(m)] for _ in phases]
    groups = np.array(problem.groups)
    for k in phases:
        h.addConstr(sum(opened[k]) == problem.phases[k].count)
        for j in range(n):
            if problem.statuses[j] == "existing":
                h.addConstr(opened[k][j] >= 1)
            if k:
                h.addConstr(opened[k - 1][j] <= opened[k][j])
        for i in range(m):
            h.addConstr(sum(served[k][i]) == 1)
            for j in range(n):
                h.addConstr(served[k][i][j] <= opened[k][j])
    for group, quota in problem.quotas.items():
        h.addConstr(sum(opened[-1][j] for j in np.flatnonzero(groups == group)) >= quota)

    def total(table: np.ndarray):
        table = np.vstack([table, table.max(axis=0)])
        return sum(
            float(problem.weights[i] * table[j, i]) * served[k][i][j]
            for k in phases
            for i in range(m)
            for j in range(n + 1)
        )

    if limit is not None:
        h.addConstr(total(limit[0]) <= limit[1])
    h.minimize(total(cost))
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return h.getObjectiveValue(), np.array([[h.val(v) for v in row] for row in opened])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_equals_the_plain_model(seed):
    problem = built(clustered(seed, 60, 24, 7, phases=[Phase("2021", 5), Phase("2022", 7)], early_quotas=False))
    site_, demand, ms = problem.pairs()
    table = np.full((len(problem.site_ids), len(problem.demand_ids)), problem.cutoff_ms)
    table[site_, demand] = ms
    far = (table > STANDARD_MS).astype(float)
    far = np.vstack([far, np.ones(far.shape[1])])
    outside, _ = plain_milp(problem, far[:-1], None)
    seconds, _ = plain_milp(problem, table / 1000.0, (far[:-1], round(outside) + 0.5))
    solution = site(problem)
    assert solution.status == "optimal"
    people = int(problem.weights.sum())
    assert solution.levels[0].objective == 2 * people - round(outside)
    assert solution.levels[1].objective == pytest.approx(seconds, rel=1e-7)


@pytest.mark.parametrize("seed", [3, 4])
def test_same_plan_in_any_order_of_rows(seed):
    case = clustered(seed, 150, 40, 10, phases=[Phase("2021", 7), Phase("2022", 10)])
    first, second, again = site(built(case)), site(built(case, seed=1)), site(built(case))
    for other in (second, again):
        pd.testing.assert_frame_equal(first.stations, other.stations)
        pd.testing.assert_frame_equal(first.assignment, other.assignment)
        pd.testing.assert_frame_equal(first.phases, other.phases)
        assert first.levels == other.levels


def test_tables_of_a_plan():
    problem = line(
        {"a": 0, "b": 5_000, "c": 9_000},
        {"p": (100, 10), "q": (8_000, 5)},
        standard_ms=120_000,
        stations=2,
        phases=[Phase("2021", 1), Phase("2022", 2)],
    )
    solution = site(problem)
    assert solution.status == "optimal"
    assert solution.gap == 0.0
    assert solution.open_ids() == ["a", "c"]
    assert solution.open_ids(1) == ["a"]
    assert list(solution.stations["by"]) == ["2021", "2022"]
    assert solution.stations.index.name == "site_id"
    assert list(solution.phases["stations"]) == [1, 2]
    assert list(solution.phases["covered"]) == [10, 15]
    assert list(solution.phases["person_seconds"]) == [10 * 10 + 5 * 800, 10 * 10 + 5 * 100]
    assert solution.assignment.loc["q"].to_dict() == {"site_id": "c", "seconds": 100.0, "weight": 5}
    covered, response = solution.levels
    assert (covered.name, covered.objective, covered.bound, covered.status) == ("covered", 25, 25, "optimal")
    assert (response.name, response.objective, response.bound) == ("response", 4_700.0, 4_700.0)
    assert solution.report.solver == "HiGHS"
    assert solution.report.settings["mip_rel_gap"] == 0.0


def test_within_means_up_to_and_with():
    at, beyond = ({"p": (d, 1)} for d in (7_200, 7_201))
    assert site(line({"a": 0}, at, stations=1)).levels[0].objective == 1
    assert site(line({"a": 0}, beyond, stations=1)).levels[0].objective == 0


def test_equal_times_go_to_the_least_id():
    demand = {"p": (500, 3), "q": (500, 4)}
    solution = site(line({"b": 0, "a": 1_000, "c": 0, "d": 1_000}, demand, stations=4))
    assert set(solution.assignment["site_id"]) == {"a"}
    assert (
        site(line({"b": 0, "a": 1_000, "c": 0, "d": 1_000}, demand, stations=1)).open_ids()
        == site(line({"d": 1_000, "c": 0, "a": 1_000, "b": 0}, demand, stations=1)).open_ids()
    )


def test_unreachable_demand_is_counted_apart():
    demand = {"near": (0, 10), "beyond": (39_000, 7), "lost": (90_000, 4)}
    solution = site(line({"a": 0, "b": 4_000}, demand, stations=1))
    assert (solution.unreachable, list(solution.unreachable_ids)) == (4, ["lost"])
    assert solution.levels[1].objective == 10 * 0 + 7 * 3_600
    assert solution.phases["beyond"].sum() == 7
    assert solution.assignment.loc["lost", "site_id"] == ""
    assert np.isnan(solution.assignment.loc["lost", "seconds"])


def test_outside_sites_serve_and_do_not_count():
    sites = pd.DataFrame(
        {"status": ["existing", "candidate", "candidate", "candidate"], "group": ["", "", "g", "g"]}, index=list("abcd")
    )
    demand = {"p": (0, 10), "q": (20_000, 1)}
    problem = line({"a": 0, "b": 20_000, "c": 100, "d": 15_000}, demand, stations=1, sites=sites, min_per_group=1)
    solution = site(problem)
    assert problem.removed.to_dict() == {"b": "outside the area"}
    assert solution.open_ids() == ["a", "d"]
    assert solution.stations["counted"].to_dict() == {"a": False, "d": True}
    assert list(solution.phases["stations"]) == [1]
    assert list(solution.phases["open_sites"]) == [2]


def test_required_and_excluded():
    sites = pd.DataFrame({"status": ["excluded", "candidate", "required"]}, index=list("abc"))
    demand = {"p": (0, 10)}
    phases = [Phase("early", 1), Phase("late", 2)]
    solution = site(line({"a": 0, "b": 10, "c": 9_000}, demand, stations=2, sites=sites, phases=phases))
    assert solution.stations["phase"].to_dict() == {"b": 1, "c": 2}


def test_early_phases_meet_quotas_as_far_as_they_can():
    sites = pd.DataFrame({"group": ["x", "x", "y", "z"]}, index=list("abcd"))
    demand = {"p": (0, 100), "q": (9_000, 90), "r": (30_000, 1), "s": (60_000, 2)}
    places = {"a": 0, "b": 9_000, "c": 30_000, "d": 60_000}
    options = {"stations": 4, "sites": sites, "min_per_group": 1, "phases": [Phase("1", 2), Phase("2", 4)]}
    held = site(line(places, demand, **options))
    free = site(line(places, demand, early_quotas=False, **options))
    assert held.open_ids(1) == ["a", "d"]
    assert free.open_ids(1) == ["a", "b"]
    assert list(held.phases["missing_quota"]) == [1, 0]
    assert list(free.phases["missing_quota"]) == [2, 0]


def test_tiers_with_leaders_and_span():
    tiers = (Tier("centre", 1), Tier("hub", 2, ("centre",), 2_000_000, 2), Tier("post", 4, ("hub",), 400_000))
    places = {c: 1_000.0 * n for n, c in enumerate("abcdefghijklm")}
    demand = {f"d{n}": (1_000.0 * n, 10) for n in range(13)}
    solution = site(
        line(places, demand, stations=4, tiers=tiers, counted_tier="post", phases=[Phase("1", 3), Phase("2", 4)])
    )
    assert solution.status == "optimal"
    tiers_of = solution.tier_ids()
    assert {t: len(ids) for t, ids in tiers_of.items()} == {"centre": 1, "hub": 2, "post": 4}
    posts = solution.stations[solution.stations["tier"] == "post"]
    assert set(posts["leader_id"]) <= set(tiers_of["hub"])
    assert posts["leader_id"].value_counts().max() <= 2
    assert all(abs(places[p] - places[lead]) * 100 <= 400_000 for p, lead in posts["leader_id"].items())
    assert set(solution.stations.loc[tiers_of["hub"], "leader_id"]) == set(tiers_of["centre"])
    assert set(solution.stations.loc[[*tiers_of["hub"], *tiers_of["centre"]], "phase"]) == {1}
    assert list(solution.phases["stations"]) == [3, 4]


def test_time_limit_never_claims_a_proof():
    case = clustered(5, 400, 60, 12, phases=[Phase("1", 8), Phase("2", 12)])
    best = site(built(case))
    short = site(built(case), time_limit_s=0.0)
    assert best.status == "optimal"
    assert short.status in {"optimal", "feasible"}
    assert short.levels[0].objective <= best.levels[0].objective <= short.levels[0].bound
    if short.status == "feasible":
        assert short.gap > 0.0


def test_progress_tells_incumbent_and_bound():
    told: list[tuple[float, float, str]] = []
    solution = site(built(clustered(6, 200, 40, 8)), progress=lambda a, b, text: told.append((a, b, text)))
    assert {text.split(":")[0] for _, _, text in told} == {"covered", "response"}
    for incumbent, bound, text in told:
        if text.startswith("response"):
            assert bound <= solution.levels[1].objective <= incumbent + 1e-6


def test_phase_counts_round_up_without_binary_noise():
    assert phase_counts(18, [0.7, 1.0]) == [13, 18]
    assert phase_counts(29, [0.7]) == [21]
    assert phase_counts(30, [0.7]) == [21]
    assert phase_counts(10, [0.1, 0.3, 1]) == [1, 3, 10]


def test_nobody_to_serve_and_nothing_to_open():
    solution = site(line({"a": 0}, {"p": (0, 0)}, stations=0))
    assert solution.status == "optimal"
    assert solution.open_ids() == []
    assert solution.levels[0].objective == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"standard_ms": 3_600_000}, "expected 0 < standard < cutoff"),
        ({"phases": [Phase("1", 2), Phase("2", 1)]}, "counts that never shrink"),
        ({"phases": [Phase("1", 0)]}, "add a phase with all of them"),
        ({"counted_tier": "post"}, "no tiers are given"),
        ({"tiers": (Tier("post", 2),), "counted_tier": "post"}, "give both the same figure"),
        ({"tiers": (Tier("post", 1, ("hub",)),), "counted_tier": "post"}, "is led by 'hub'"),
        ({"min_per_group": {"nowhere": 1}}, "not among the groups"),
        ({"group_names": {"g": "G"}}, "group 'all' is not among the 1 named groups"),
        ({"sites": pd.DataFrame({"status": ["open"]}, index=["a"])}, "status 'open' is not known"),
    ],
)
def test_what_can_not_be_meant_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        line({"a": 0}, {"p": (0, 1)}, **({"stations": 1} | options))


def test_strange_ids_and_weights_are_refused():
    times = Pairs.from_frame(pd.DataFrame({"site_id": ["a"], "demand_id": ["p"], "ms": [5]}))
    sites = pd.DataFrame(index=["a"])
    options = {"stations": 1, "standard_ms": STANDARD_MS}
    with pytest.raises(InputError, match="no whole numbers"):
        SitingProblem.build(sites, pd.Series({"p": 1.5}), times, **options)
    with pytest.raises(InputError, match="'p' and 0 more are not in the problem"):
        SitingProblem.build(sites, pd.Series({"q": 1}), times, **options)
    with pytest.raises(DuplicateIdError, match="occur more than once"):
        SitingProblem.build(pd.DataFrame(index=["a", "a"]), pd.Series({"p": 1}), times, **options)

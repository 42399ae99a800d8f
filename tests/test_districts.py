"""Districts: equal to brute force, in one piece, with a bound that holds, and words where there are none."""

import itertools
import signal
from fractions import Fraction
from unittest import mock

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.errors import CRSError, InputError, MissingColumnError
from careshed.siting.districting import DistrictProblem, attach, even, shared_borders

CRS = pyproj.CRS(32650)


def stated(weights, seats, costs, edges, tolerance):
    """State a problem of units u0, u1 … and cores k0, k1 …."""
    units = pd.DataFrame({"weight": weights}, index=[f"u{i}" for i in range(len(weights))])
    cores = pd.DataFrame({"unit_id": [f"u{i}" for i in seats]}, index=[f"k{k}" for k in range(len(seats))])
    table = pd.DataFrame(costs, index=units.index, columns=cores.index)
    return DistrictProblem.build(units, cores, table, [(f"u{i}", f"u{j}") for i, j in edges], tolerance=tolerance)


def in_pieces(problem, owner):
    """Return whether networkx finds a district in more than one piece, or without its seat."""
    graph = nx.Graph(problem.edges.tolist())
    graph.add_nodes_from(range(len(owner)))
    parts = [np.flatnonzero(owner == k).tolist() for k in range(len(problem.core_ids))]
    return not all(
        seat in part and nx.is_connected(graph.subgraph(part))
        for part, seat in zip(parts, problem.seats.tolist(), strict=True)
    )


def brute(problem):
    """Return the best (spread, cost) over all districts, judged as the problem asks; None where there are none."""
    best = None
    for choice in itertools.product(range(len(problem.core_ids)), repeat=len(problem.unit_ids)):
        owner = np.array(choice)
        if (owner[problem.seats] != np.arange(len(problem.seats))).any():
            continue
        if (problem.costs[np.arange(len(owner)), owner] < 0).any():
            continue
        spread, total = problem.spread_of(owner), problem.total(owner)
        if problem.tolerance is not None:
            if spread > problem.tolerance * problem.people:
                continue
            spread = 0
        if (best is None or (spread, total) < best) and not in_pieces(problem, owner):
            best = (spread, total)
    return best


def owner_of(problem, found):
    return problem.core_ids.get_indexer(found.assignment["core_id"])


@st.composite
def problems(draw):
    units = draw(st.integers(3, 7))
    cores = draw(st.integers(2, 3))
    pairs = list(itertools.combinations(range(units), 2))
    edges = draw(st.lists(st.sampled_from(pairs), min_size=units - 1, max_size=2 * units))
    weights = draw(st.lists(st.integers(0, 9), min_size=units, max_size=units).filter(sum))
    seats = draw(st.permutations(range(units)))[:cores]
    never = st.integers(0, 19).map(lambda cost: np.nan if cost == 0 else float(cost))
    costs = draw(st.lists(st.lists(never, min_size=cores, max_size=cores), min_size=units, max_size=units))
    tolerance = draw(st.sampled_from([None, 0, 0.1, 0.4, 1, 3]))
    return stated(weights, seats, costs, edges, tolerance)


@settings(max_examples=60, deadline=None)
@given(problem=problems(), enumerated=st.booleans())
def test_districts_equal_brute_force(problem, enumerated):
    with mock.patch.object(even, "BUDGET", even.BUDGET if enumerated else 0):
        _equal_brute_force(problem)


def _equal_brute_force(problem):
    found = attach(problem)
    wanted = brute(problem)
    if wanted is None:
        assert found.status == "infeasible"
        assert found.assignment.empty
        assert found.loads.empty
        assert found.reason
        assert found.reason[0].text.en
        _smallest_tolerance_is_true(problem, found)
        return
    assert found.status == "optimal"
    owner = owner_of(problem, found)
    assert not in_pieces(problem, owner)
    assert found.objective == found.bound == problem.total(owner) == wanted[1]
    assert found.gap == 0
    if problem.tolerance is None:
        assert found.levels[0].objective * len(problem.core_ids) == pytest.approx(wanted[0])
    assert found.loads["weight"].tolist() == problem.loads(owner).tolist()
    again = attach(problem)
    pd.testing.assert_frame_equal(found.assignment, again.assignment)


def _smallest_tolerance_is_true(problem, found):
    """What the remedy allows works, and a hair less doesn't."""
    (first, *_) = found.reason
    if first.rule != "tolerance":
        return
    named = Fraction(first.remedy.en.split("tolerance of ")[1].split()[0])
    for tolerance, status in ((named, "optimal"), (named - Fraction(1, 10_000), "infeasible")):
        other = DistrictProblem(
            problem.unit_ids, problem.core_ids, problem.unit_names, problem.core_names, problem.weights,
            problem.seats, problem.costs, problem.edges, tolerance,
        )  # fmt: skip
        assert attach(other).status == status


def grid(side, seed):
    """Return a grid of units with random people, and straight-line costs to four cores."""
    rng = np.random.default_rng(seed)
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    weights = rng.integers(200, 2000, side * side)
    seats = rng.choice(side * side, 4, replace=False)
    xy = np.array([divmod(i, side) for i in range(side * side)])
    costs = np.round(np.linalg.norm(xy[:, None] - xy[seats], axis=2) * 60_000)
    return weights, seats, costs, list(graph.edges)


def test_larger_districts_are_proven_and_in_one_piece():
    found = attach(problem := stated(*grid(8, 3), 0.05))
    assert found.status == "optimal"
    assert not in_pieces(problem, owner_of(problem, found))
    assert found.loads["deviation"].abs().max() <= 0.05
    assert found.loads["units"].sum() == 64
    loose = attach(stated(*grid(8, 3), 0.3))
    assert loose.objective <= found.objective


@pytest.fixture
def programs_alone(monkeypatch):
    """Leave enumeration out, as with more units than it takes."""
    monkeypatch.setattr(even, "BUDGET", 0)


def test_a_time_limit_gives_the_best_so_far_with_a_bound_that_holds(programs_alone):
    best = attach(stated(*grid(7, 5), 0.02))
    hurried = attach(problem := stated(*grid(7, 5), 0.02), time_limit_s=1e-3)
    assert best.status == "optimal"
    assert hurried.status in {"feasible", "unknown", "optimal"}
    assert hurried.bound <= best.objective
    if hurried.status == "feasible":
        assert hurried.gap > 0
        assert hurried.objective >= best.objective
        assert not in_pieces(problem, owner_of(problem, hurried))
    if hurried.status == "unknown":
        assert "none are ruled out" in hurried.reason[0].text.en


def test_the_most_equal_of_36_units_are_proven_by_enumeration():
    found = attach(problem := stated(*grid(6, 1), None))
    assert [level.status for level in found.levels] == ["optimal", "optimal"]
    owner = owner_of(problem, found)
    assert problem.spread_of(owner) == found.levels[0].objective * 4 == 57
    assert not in_pieces(problem, owner)
    tighter = DistrictProblem(
        problem.unit_ids, problem.core_ids, problem.unit_names, problem.core_names, problem.weights,
        problem.seats, problem.costs, problem.edges, Fraction(56, problem.people),
    )  # fmt: skip
    (conflict,) = attach(tighter).reason
    assert "the most equal ones that there are" in conflict.text.en


def test_ids_in_another_order_give_the_same_districts():
    weights, seats, costs, edges = grid(5, 1)
    units = pd.DataFrame({"weight": weights}, index=[f"u{i:02}" for i in range(25)])
    cores = pd.DataFrame({"unit_id": [f"u{i:02}" for i in seats]}, index=list("abcd"))
    table = pd.DataFrame(costs, index=units.index, columns=cores.index)
    pairs = [(f"u{i:02}", f"u{j:02}") for i, j in edges]
    one = attach(DistrictProblem.build(units, cores, table, pairs))
    other = attach(DistrictProblem.build(units[::-1], cores[::-1], table[::-1], [(b, a) for a, b in pairs[::-1]]))
    pd.testing.assert_frame_equal(one.assignment, other.assignment)
    pd.testing.assert_frame_equal(one.loads, other.loads)


LINE = [(0, 1), (1, 2), (2, 3)]


def test_a_tolerance_too_tight_names_the_smallest_that_works():
    found = attach(stated([100, 0, 0, 300], [0, 3], np.ones((4, 2)), LINE, 0.1))
    assert found.status == "infeasible"
    assert found.gap == float("inf")
    (conflict,) = found.reason
    assert conflict.rule == "tolerance"
    assert conflict.text.en == (
        "no connected districts keep the people of all 2 cores within 10.00% of the mean, 200; u3 alone has 300, more "
        "than the 220 allowed; the most equal ones that there are give k0 100, 50.00% less"
    )
    assert conflict.remedy.en == "allow a tolerance of 0.5000 (50.00%) or more"


def test_units_that_touch_nothing_are_named():
    found = attach(stated([10, 20, 30, 40], [0, 1], np.ones((4, 2)), [(0, 1)], 1))
    texts = [conflict.text.en for conflict in found.reason]
    assert texts == [
        "u2 (30 people) touches no other unit, and no core stands there, so no connected district can hold it",
        "u3 (40 people) touches no other unit, and no core stands there, so no connected district can hold it",
    ]
    assert "name a core there" in found.reason[0].remedy.en
    found = attach(stated([10, 20, 30, 40], [0, 1], np.ones((4, 2)), [(0, 1), (2, 3)], 1))
    assert "u2, u3 (70 people) touch each other, but no other unit" in found.reason[0].text.en


def test_two_cores_in_one_unit_are_named():
    found = attach(stated([10, 20], [1, 1], np.ones((2, 2)), [(0, 1)], 1))
    assert found.reason[0].rule == "seat"
    assert "2 cores stand in u1 (k0, k1)" in found.reason[0].text.en


def test_what_no_core_reaches_is_named():
    costs = np.ones((4, 2))
    costs[2] = np.nan
    found = attach(stated([10, 20, 30, 40], [0, 3], costs, LINE, None))
    assert "no core can be reached from u2 (30 people)" in found.reason[0].text.en
    costs = np.ones((4, 2))
    costs[0, 0] = np.nan
    found = attach(stated([10, 20, 30, 40], [0, 3], costs, LINE, None))
    assert found.reason[0].text.en == "k0 can't be reached from u0, the unit that it stands in"
    # u2 goes to k0 alone, u1 between them to k1 alone
    costs = np.array([[1, 1], [np.nan, 1], [1, np.nan], [1, 1]])
    for tolerance in (None, 5):
        found = attach(stated([10, 20, 30, 40], [0, 3], costs, LINE, tolerance))
        assert found.status == "infeasible"
        assert "2 pairs of unit and core can't be reached (u1 to k0, u2 to k1)" in found.reason[0].text.en


def test_names_stand_in_reasons():
    units = pd.DataFrame({"weight": [1, 9], "name": ["东街", ""]}, index=["A", "B"])
    cores = pd.DataFrame({"unit_id": ["A", "B"], "name": ["一院", "二院"]}, index=["h1", "h2"])
    costs = pd.DataFrame(1.0, index=units.index, columns=cores.index)
    (conflict,) = attach(DistrictProblem.build(units, cores, costs, [("A", "B")], tolerance=0.2)).reason
    assert "B alone has 9, more than the 6 allowed" in conflict.text.en
    assert "一院 (h1) 1, 80.00% less" in conflict.text.en


def test_wrong_tables_are_refused_by_name():
    units = pd.DataFrame({"weight": [1, 2]}, index=["A", "B"])
    cores = pd.DataFrame({"unit_id": ["A"]}, index=["h"])
    costs = pd.DataFrame(1.0, index=["A", "B"], columns=["h"])
    build = DistrictProblem.build
    with pytest.raises(MissingColumnError, match="weight"):
        build(units.rename(columns={"weight": "people"}), cores, costs, [])
    with pytest.raises(InputError, match="stands in unit 'Z', which is none of the units"):
        build(units, cores.assign(unit_id="Z"), costs, [])
    with pytest.raises(InputError, match="no row for unit B"):
        build(units, cores, costs.iloc[:1], [])
    with pytest.raises(InputError, match="no column for core h"):
        build(units, cores, costs.rename(columns={"h": "g"}), [])
    with pytest.raises(InputError, match="whole numbers"):
        build(units, cores, costs + 0.5, [])
    with pytest.raises(InputError, match="'Z' is none of the 2 units"):
        build(units, cores, costs, [("A", "Z")])
    with pytest.raises(InputError, match=r"tolerance is -0\.1"):
        build(units, cores, costs, [], tolerance=-0.1)
    with pytest.raises(InputError, match="0 people"):
        build(units * 0, cores, costs, [])


def boxes(*corners, crs=CRS):
    return gpd.GeoSeries([shapely.box(*c) for c in corners], index=[f"b{i}" for i in range(len(corners))], crs=crs)


def test_borders_are_shared_along_a_line_and_not_in_a_corner():
    four = boxes((0, 0, 500, 500), (500, 0, 1000, 500), (0, 500, 500, 1000), (500, 500, 1000, 1000))
    assert shared_borders(four) == [("b0", "b1"), ("b0", "b2"), ("b1", "b3"), ("b2", "b3")]
    assert shared_borders(four[::-1]) == shared_borders(four)
    slivers = boxes((0, 0, 500, 500), (504, 0, 1000, 500), (1006, 0, 1500, 500))
    assert shared_borders(slivers) == [("b0", "b1")]
    assert shared_borders(slivers, gap_m=6.0) == [("b0", "b1"), ("b1", "b2")]
    assert shared_borders(slivers, gap_m=0.0) == []
    overlap = boxes((0, 0, 500, 500), (490, 0, 1000, 500))
    assert shared_borders(overlap, gap_m=0.0) == [("b0", "b1")]


def test_borders_want_outlines_in_metres():
    with pytest.raises(CRSError, match="projected"):
        shared_borders(boxes((0, 0, 1, 1), crs=4326))
    with pytest.raises(InputError, match="b0: is no polygon"):
        shared_borders(gpd.GeoSeries([shapely.Point(0, 0)], index=["b0"], crs=CRS))
    with pytest.raises(InputError, match="border_m is 1"):
        shared_borders(boxes((0, 0, 1, 1)), border_m=1)


def test_ctrl_c_gives_the_best_so_far(programs_alone):
    def press(value, bound, text):
        signal.raise_signal(signal.SIGINT)

    problem = stated(*grid(7, 5), 0.02)
    found = attach(problem, progress=press)
    assert found.status in {"feasible", "unknown"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert found.bound <= attach(problem).objective


def test_progress_is_told_with_value_and_bound():
    said = []
    found = attach(stated(*grid(5, 1), None), progress=lambda *told: said.append(told))
    assert said
    assert all(bound <= value or "deviation" in text for value, bound, text in said)
    assert {text.split(":")[0] for *_, text in said} <= {"deviation", "compact"}
    assert said[-1][1] <= found.objective


@pytest.mark.parametrize(("district", "units"), [("xicheng", 15), ("tongzhou", 15), ("pinggu", 18)])
def test_public_outlines_hang_together(shared, district, units):
    outlines = gpd.read_file(shared / district / "subdistricts.geojson").to_crs(CRS)
    shapes = gpd.GeoSeries(outlines.geometry.to_numpy(), index=[f"{i:02}" for i in range(len(outlines))], crs=CRS)
    graph = nx.Graph(shared_borders(shapes))
    assert len(graph) == units == len(shapes)
    assert nx.is_connected(graph)
    assert max(degree for _, degree in graph.degree) < units - 1

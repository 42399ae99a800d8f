"""The whole chain on a small town: what it computes, what it writes, what it leaves out."""

import dataclasses
import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from careshed.area import empty_layer
from careshed.compare import compare_plans
from careshed.errors import FileFaultError, MissingLayerError
from careshed.output import plan_facts, write_layers
from careshed.plan import make_plan
from careshed.reach import TravelTimes
from careshed.scorecard import scorecard, scorecard_table

KEYS = {
    "area", "synthetic", "provenance", "careshed_version", "inputs", "assumptions",
    "coverage", "response", "siting", "targets", "runtime_s",
}  # fmt: skip


@pytest.fixture
def plan(town):
    return make_plan(town)


def _changed(area, **changes):
    return dataclasses.replace(area, **changes)


def test_a_plan_follows_the_rules_and_is_proven(town, plan):
    solution = plan.solution
    assert solution.status == "optimal"
    assert solution.gap == 0
    assert "S1" in solution.open_ids()
    stations = plan.stations
    assert len(stations) == 4
    assert stations["subdistrict_id"].value_counts().to_dict() == dict.fromkeys(["Q1", "Q2", "Q3", "Q4"], 1)
    assert solution.phases["stations"].tolist() == [3, 4]
    assert stations.loc["S1", "status"] == "existing"
    assert (stations.drop(index="S1")["status"] == "new").all()
    assert stations["people"].sum() == town.people


def test_more_stations_never_respond_later(plan):
    assert plan.after.total["mean_s"] < plan.before.total["mean_s"]
    assert (plan.after.demand["seconds"] <= plan.before.demand["seconds"]).all()


def test_plan_json_has_the_keys_that_others_read(plan):
    facts = json.loads(json.dumps(plan_facts(plan)))
    assert facts.keys() >= KEYS
    assert facts["coverage"].keys() >= {"cutoff_s", "communities", "population", "area", "street", "by_subdistrict"}
    assert facts["coverage"]["communities"].keys() == {"covered", "total", "share", "target", "met"}
    for stage in ("before", "after"):
        wanted = {"mean_s", "median_s", "p90_s", "share_within_target", "target_s", "unreachable"}
        assert facts["response"][stage].keys() >= wanted
    siting = facts["siting"]
    wanted = {"model", "stations", "tiers", "phases", "levels", "gap", "status", "runtime_s", "subdistrict_counts"}
    assert siting.keys() >= wanted
    assert len(siting["stations"]) == 4
    assert [len(phase["stations"]) for phase in siting["phases"]] == [3, 4]
    assert set(siting["phases"][0]["stations"]) < set(siting["phases"][1]["stations"])
    assert siting["phases"][0]["by"] == "2021-12-31"
    assert [level.keys() for level in siting["levels"]] == [{"name", "objective", "bound", "gap", "status"}] * 2
    assert siting["subdistrict_counts"] == {"一街道": 1, "二街道": 1, "三街道": 1, "四街道": 1}
    assert facts["synthetic"] is True


def test_targets_are_judged_and_none_is_faked(plan):
    rows = {row.id: row for row in scorecard(plan)}
    assert rows.keys() == {"X1", "X2", "X3", "T2", "B1"}
    assert rows["X2"].value == 4
    assert rows["X3"].value == 0.75
    assert rows["X3"].met
    assert rows["B1"].value == 0.5
    assert not rows["B1"].met
    assert rows["T2"].target == 720
    assert rows["T2"].value == plan.after.total["mean_s"]
    assert rows["X1"].value == plan.coverage.total["community_share"]


def test_the_same_area_gives_the_same_bytes(town, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_layers(make_plan(town), tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        first, second = file.read_bytes(), (tmp_path / "b" / file.name).read_bytes()
        if file.name == "plan.json":
            first, second = (_timeless(json.loads(text)) for text in (first, second))
        assert first == second, file.name


def _timeless(value):
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key != "runtime_s"}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def test_a_plan_does_not_depend_on_the_order_of_rows(town, plan):
    shuffled = _changed(
        town,
        candidates=town.candidates.sample(frac=1, random_state=1),
        demand=town.demand.sample(frac=1, random_state=2),
    )
    again = make_plan(shuffled)
    assert again.solution.open_ids() == plan.solution.open_ids()


def test_files_come_back(town, plan, tmp_path):
    write_layers(plan, tmp_path)
    stations = gpd.read_file(tmp_path / "stations.geojson")
    assert stations.crs.to_epsg() == 4326
    assert set(stations["site_id"]) == set(plan.solution.open_ids())
    times = TravelTimes.from_parquet(tmp_path / "times-ems.parquet")
    pd.testing.assert_frame_equal(times.to_frame(), plan.times["ems"].to_frame())
    card = pd.read_csv(tmp_path / "scorecard.csv")
    assert card["id"].tolist() == ["X1", "X2", "X3", "T2", "B1"]


@pytest.mark.parametrize(
    ("layer", "left_out", "absent"),
    [
        ("communities", "community share", {"X1"}),
        ("facilities", "coverage", {"X1", "B1"}),
        ("candidates", "plan", {"X2", "X3", "T2"}),
    ],
)
def test_what_is_missing_is_left_out_with_a_reason(town, layer, left_out, absent):
    bare = _changed(town, **{layer: empty_layer(layer, town.crs)}, missing={layer: f"no {layer} were given"})
    plan = make_plan(bare)
    assert left_out in plan.left_out
    assert not absent & {row.id for row in scorecard(plan)}
    table = scorecard_table(plan)
    assert left_out in set(table.loc[table["reason"] != "", "text"])
    json.dumps(plan_facts(plan), allow_nan=False)


def test_without_people_nothing_can_be_planned(town):
    bare = _changed(town, demand=empty_layer("demand", town.crs))
    with pytest.raises(MissingLayerError, match="no people"):
        make_plan(bare)


def test_points_far_from_any_street_are_listed_and_counted(town, tmp_path):
    town.demand.loc["D000", "geometry"] = shapely.Point(439_000, 4_420_000)
    plan = make_plan(town)
    write_layers(plan, tmp_path)
    table = pd.read_csv(tmp_path / "unjoined.csv")
    assert table[["service", "role", "id"]].to_numpy().tolist() == [
        ["chc", "origin", "D000"],
        ["ems", "destination", "D000"],
    ]
    assert plan_facts(plan)["unjoined"] == {"chc": 1, "ems": 1}
    # still in the denominators
    assert plan.coverage.total["people"] == 1440
    assert plan.after.total["unreachable"] == 10


def test_facilities_far_from_any_street_leave_coverage_out(town):
    town.facilities.loc[["F1", "F2"], "geometry"] = shapely.Point(400_000, 4_420_000)
    plan = make_plan(town)
    assert "too far from any street" in plan.left_out["coverage"].en
    assert plan.solution.status == "optimal"


def test_an_unknown_service_is_named_with_those_there_are(town):
    with pytest.raises(MissingLayerError, match=r"'fire' is not in the targets.*chc, ems"):
        make_plan(town, coverage_service="fire")


def test_too_few_stations_for_the_quota_is_infeasible_and_says_why(town):
    plan = make_plan(town, stations=3)
    assert plan.solution.status == "infeasible"
    assert plan.after is None
    assert plan.left_out["plan"]
    facts = plan_facts(plan)
    assert facts["siting"]["status"] == "infeasible"
    assert facts["siting"]["stations"] == []
    assert facts["siting"]["reason"][0]["remedy"]


def test_two_plans_side_by_side(town, plan, tmp_path):
    for name, made in (("four", plan), ("five", make_plan(town, stations=5))):
        (tmp_path / name).mkdir()
        write_layers(made, tmp_path / name)
    table = compare_plans(tmp_path / "four", tmp_path / "five")
    assert table.loc["stations", ["first", "second", "change"]].tolist() == [4, 5, 1]
    assert table.loc["mean response, s", "change"] < 0
    assert table.loc["X2 station_count", "second"] == 5
    with pytest.raises(FileFaultError, match=r"has no plan\.json"):
        compare_plans(tmp_path / "four", tmp_path)

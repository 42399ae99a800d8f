"""The commands that divide an area and close facilities: what they write, and how they refuse."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from careshed.area import StudyArea
from careshed.cli import main
from careshed.districts import district_units, make_districts, read_cores
from careshed.errors import InputError, MissingLayerError

TARGETS = Path(__file__).parents[1] / "data" / "xicheng" / "targets.toml"


@pytest.fixture
def careshed(monkeypatch, capsys, town, tmp_path):
    town.write(tmp_path / "town", targets_toml=TARGETS)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["careshed", words[0], str(tmp_path / "town"), *map(str, words[1:])])
        monkeypatch.setenv("COLUMNS", "200")
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


@pytest.fixture
def cores(tmp_path):
    path = tmp_path / "cores.csv"
    path.write_text("编号\nF1\nF2\n", encoding="utf-8")
    return path


def test_districts_of_the_town(careshed, cores, tmp_path):
    out = tmp_path / "out"
    code, said = careshed("districts", "--cores", cores, "-o", out)
    assert code == 0, said
    assert "SYNTHETIC" in said
    assert "proof: optimal, gap 0" in said
    names = {file.name for file in out.iterdir()}
    assert names == {"districts.json", "districts.csv", "districts.geojson", "units.geojson", "districts.html"}
    facts = json.loads((out / "districts.json").read_text(encoding="utf-8"))
    assert facts["status"] == "optimal"
    assert facts["levels"][0]["objective"] == facts["levels"][0]["bound"]
    assert facts["synthetic"] is True
    assert facts["assignment"]["Q1"] == "F1"
    assert facts["assignment"]["Q4"] == "F2"
    assert [row["people"] for row in facts["districts"]] == [720, 720]
    table = pd.read_csv(out / "districts.csv", index_col="unit_id", encoding="utf-8-sig")
    assert table["core_id"].to_dict() == facts["assignment"]
    assert (table["nearest_s"] <= table["seconds"]).all()
    shapes = gpd.read_file(out / "districts.geojson")
    assert shapes["core_id"].tolist() == ["F1", "F2"]
    assert (shapely.get_num_geometries(shapes.geometry.to_numpy()) == 1).all()
    assert len(gpd.read_file(out / "units.geojson")) == 4
    page = (out / "districts.html").read_text(encoding="utf-8")
    assert "一中心" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    first = (out / "districts.html").read_bytes()
    assert careshed("districts", "--cores", cores, "-o", out)[0] == 0
    assert (out / "districts.html").read_bytes() == first


def test_districts_of_communities_and_centres_by_coordinates(careshed, tmp_path):
    places = tmp_path / "places.csv"
    places.write_text("id,name,lon,lat\nA,甲,116.3020,39.9290\nB,乙,116.3150,39.9400\n", encoding="utf-8")
    options = ("--cores", f"{places}:wgs84", "-o", tmp_path / "out", "--mode", "walk", "--most-equal")
    code, said = careshed("districts", *options, "--units", "communities")
    assert code == 0, said
    assert "deviation, people" in said
    facts = json.loads((tmp_path / "out" / "districts.json").read_text(encoding="utf-8"))
    assert len(facts["assignment"]) == 16
    assert [row["people"] for row in facts["districts"]] == [720, 720]
    code, said = careshed("districts", *options[:-1], "--units", "centres", "--tolerance", "1")
    assert code == 0, said


def test_no_districts_ends_with_3_and_the_smallest_tolerance(careshed, cores, tmp_path, town):
    area = tmp_path / "town" / "demand.parquet"
    demand = gpd.read_parquet(area)
    demand.loc[demand["subdistrict_id"] == "Q1", "population"] = 100
    demand.to_parquet(area)
    out = tmp_path / "out"
    assert careshed("districts", "--cores", cores, "-o", out, "--tolerance", "2")[0] == 0
    code, said = careshed("districts", "--cores", cores, "-o", out, "--tolerance", "0.1")
    assert code == 3
    assert "一街道 (Q1) alone has 3,600, more than the 2,574 allowed" in said
    assert "allow a tolerance of 0.5385 (53.85%) or more" in said
    # what the earlier run wrote would contradict this one
    assert {file.name for file in out.iterdir()} == {"districts.json", "districts.html"}
    assert "0.5385" in (out / "districts.html").read_text(encoding="utf-8")
    assert json.loads((out / "districts.json").read_text(encoding="utf-8"))["reason"][0]["rule"] == "tolerance"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("id\nF1\nF9\n", (), "line 3: 'F9' is no facility of 小城 Town"),
        ("id\nF1\nF1\n", (), "F1 is named twice"),
        ("size\n3\n", (), "no column id (编号) or name (名称)"),
        ("id,lon,lat\nA,116.30,39.93\nB,116.40,39.93\n", (), "core B (B) lies outside the subdistricts of 小城 Town"),
        ("id,lon,lat\nA,116.30,39.93\nB,x,39.93\n", (), "'x' is no number"),
        ("id\nF1\nF2\n", ("--units", "streets"), "expected one of subdistricts, communities, centres"),
        ("id\nF1\nF2\n", ("--mode", "fly"), "walk or drive"),
        ("", (), "empty"),
    ],
)
def test_wrong_cores_end_with_2_and_one_sentence(careshed, tmp_path, text, options, words):
    path = tmp_path / "cores.csv"
    path.write_text(text, encoding="utf-8")
    code, said = careshed("districts", "--cores", path, "-o", tmp_path / "out", *options)
    assert code == 2, said
    assert words in said
    assert not (tmp_path / "out").exists()


def test_two_cores_in_one_unit_are_said_so(careshed, tmp_path):
    path = tmp_path / "cores.csv"
    path.write_text("name\n一中心\n老站\n", encoding="utf-8")
    code, said = careshed("districts", "--cores", path, "-o", tmp_path / "out")
    assert code == 3
    assert "2 cores stand in 一街道 (Q1) (一中心 (F1), 老站 (S1))" in said


def test_markup_in_names_stays_text(careshed, cores, tmp_path, town):
    path = tmp_path / "town" / "subdistricts.parquet"
    units = gpd.read_parquet(path)
    units["name"] = ["{{ 7 * 7 }}", "<script>alert(1)</script>", "[bold]", "四"]
    units.to_parquet(path)
    code, said = careshed("districts", "--cores", cores, "-o", tmp_path / "out")
    assert code == 0, said
    assert "[bold]" in said
    page = (tmp_path / "out" / "districts.html").read_text(encoding="utf-8")
    assert "{{ 7 * 7 }}" in page
    assert "<script>alert(1)" not in page


def test_points_get_the_ground_nearest_to_them(town):
    units, unit_of = district_units(town, "centres")
    assert units["people"].tolist() == [780, 660]
    assert set(unit_of) == {"F1", "F2"}
    assert units.geometry.area.sum() == pytest.approx(town.boundary.area)
    bare = town.facilities.iloc[:0]
    without = StudyArea(**{name: getattr(town, name) for name in town.__slots__} | {"facilities": bare})
    with pytest.raises(MissingLayerError, match="it has no centres"):
        district_units(without, "centres")
    moved = town.facilities.copy()
    moved.loc["F2", "geometry"] = moved.geometry["F1"]
    twice = StudyArea(**{name: getattr(town, name) for name in town.__slots__} | {"facilities": moved})
    with pytest.raises(InputError, match="lie at one spot"):
        district_units(twice, "centres")


def test_a_unit_without_people_goes_somewhere(town, tmp_path, cores):
    demand = town.demand.copy()
    demand.loc[demand["subdistrict_id"] == "Q2", "population"] = 0
    empty = StudyArea(**{name: getattr(town, name) for name in town.__slots__} | {"demand": demand})
    places, _ = read_cores(empty, cores)
    made = make_districts(empty, places, tolerance=None)
    assert made.units["people"].to_dict() == {"Q1": 360, "Q2": 0, "Q3": 360, "Q4": 360}
    assert made.found.status == "optimal"
    assert made.units["seconds"].notna().all()


@pytest.mark.parametrize(("district", "count", "units"), [("tongzhou", 4, 22), ("xicheng", 5, 15)])
def test_the_embedded_areas_are_divided_as_their_plans_ask(embedded, district, count, units):
    area = StudyArea.read(embedded / district)
    places, _ = read_cores(area, embedded / district / "cores.csv")
    made = make_districts(area, places)
    assert made.found.status == "optimal"
    assert len(made.found.loads) == count
    assert len(made.units) == units
    assert made.found.loads["deviation"].abs().max() <= 0.15
    assert (shapely.get_num_geometries(made.districts.geometry.to_numpy()) == 1).all()
    assert made.found.loads["weight"].sum() == area.people


def test_consolidate_the_town(careshed, tmp_path):
    out = tmp_path / "out"
    code, said = careshed("consolidate", "-o", out)
    assert code == 0, said
    assert "proof: optimal, gap 0" in said
    assert "no person loses cover" in said
    facts = json.loads((out / "consolidate.json").read_text(encoding="utf-8"))
    assert facts["lose"] == "people"
    assert facts["covered"]["now"]["people"] == facts["covered"]["then"]["people"]
    table = pd.read_csv(out / "consolidate.csv", index_col="facility_id", encoding="utf-8-sig")
    assert table.index[table["closed"]].tolist() == facts["close"]
    assert (out / "consolidate-communities.csv").exists()


def test_consolidate_says_who_walks_further(careshed, tmp_path):
    path = tmp_path / "town" / "facilities.parquet"
    facilities = gpd.read_parquet(path)
    facilities.loc["F3"] = facilities.loc["F1"]
    facilities.loc["F3", "name"] = "一中心旁"
    facilities.loc["F3", "geometry"] = shapely.transform(facilities.geometry["F1"], lambda xy: np.add(xy, (5.0, 0.0)))
    facilities.rename_axis("facility_id").to_parquet(path)
    for lose in ("people", "communities"):
        code, said = careshed("consolidate", "-o", tmp_path / "out", "--lose", lose)
        assert code == 0, said
        assert f"no {'person' if lose == 'people' else 'community'} loses cover" in said
        assert "1 of 3 can close together" in said
        assert "go further" in said
    keep = tmp_path / "keep.csv"
    keep.write_text("名称\n一中心\n一中心旁\n四中心\n", encoding="utf-8")
    code, said = careshed("consolidate", "-o", tmp_path / "out", "--keep", keep)
    assert code == 0, said
    assert "0 of 3 can close together, 0 one at a time" in said
    assert "nobody walks further" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--service", "aed"), "service 'aed' is not in the targets"),
        (("--lose", "all"), "lose is 'all'; expected one of people, communities"),
        (("--keep", "absent.csv"), "no such file"),
    ],
)
def test_wrong_options_of_consolidate_end_with_2(careshed, tmp_path, options, words):
    code, said = careshed("consolidate", "-o", tmp_path / "out", *options)
    assert code == 2
    assert words in said


def test_what_is_kept_must_be_of_the_service(careshed, tmp_path):
    keep = tmp_path / "keep.csv"
    keep.write_text("id\nS1\n", encoding="utf-8")
    code, said = careshed("consolidate", "-o", tmp_path / "out", "--keep", keep)
    assert code == 2
    assert "S1 (first_aid_station) is to be kept, but is no existing facility of service chc" in said


def test_a_service_without_facilities_is_refused(careshed, tmp_path):
    path = tmp_path / "town" / "facilities.parquet"
    gpd.read_parquet(path).iloc[2:].to_parquet(path)
    code, said = careshed("consolidate", "-o", tmp_path / "out")
    assert code == 2
    assert "has no facility of the service" in said

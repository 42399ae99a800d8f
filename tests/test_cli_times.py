"""The commands about travel times: what they write, and how they refuse."""

import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from careshed.cli import main

TARGETS = Path(__file__).parents[1] / "data" / "xicheng" / "targets.toml"


@pytest.fixture
def careshed(monkeypatch, capsys, town, tmp_path):
    town.write(tmp_path / "town", targets_toml=TARGETS)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["careshed", words[0], str(tmp_path / "town"), *map(str, words[1:])])
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def test_isochrones_of_a_service_and_of_a_file(careshed, tmp_path):
    out = tmp_path / "iso.geojson"
    code, said = careshed("isochrones", "-o", out)
    assert code == 0, said
    contours = gpd.read_file(out)
    assert contours.crs.to_epsg() == 4326
    assert contours["minutes"].tolist() == [5, 10, 15]
    shapes = contours.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.covers(shapes[1:], shapes[:-1]).all()
    places = tmp_path / "places.csv"
    places.write_text("id,name,lon,lat\nA,甲,116.3047,39.9317\nB,乙,10,10\n", encoding="utf-8")
    options = ("--facilities", places, "--mode", "drive", "--minutes", "3", "--no-dissolve", "--hour", "8")
    code, said = careshed("isochrones", *options, "-o", tmp_path / "iso.parquet")
    assert code == 0, said
    assert "morning_peak" in said
    assert gpd.read_parquet(tmp_path / "iso.parquet")["facility_id"].unique().tolist() == ["A"]


def test_lines_come_with_kilometres_by_unit(careshed, tmp_path):
    code, said = careshed("isochrones", "--lines", "--minutes", "10", "-o", tmp_path / "lines.gpkg")
    assert code == 0, said
    assert "一街道" in said
    lines = gpd.read_file(tmp_path / "lines.gpkg")
    assert set(lines["reached"]) == {True, False}
    assert lines["length_m"].sum() == pytest.approx(9 * 8 * 2 * 250)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "x.shp"), "x.shp"),
        (("--minutes", "five", "-o", "x.geojson"), "--minutes is 'five'"),
        (("--mode", "fly", "-o", "x.geojson"), "walk or drive"),
        (("--direction", "up", "-o", "x.geojson"), "to (people come)"),
        (("--service", "none", "-o", "x.geojson"), "'none' is not in the targets"),
        (("--buffer-m", "-1", "-o", "x.geojson"), "buffer_m"),
        (("--facilities", "absent.csv", "-o", "x.geojson"), "no such file"),
    ],
)
def test_wrong_options_end_with_2_and_one_sentence(careshed, options, words):
    code, said = careshed("isochrones", *options)
    assert code == 2
    assert words in said


def test_calibrate_with_little_data_says_so_and_keeps_the_default(careshed, tmp_path):
    trips = tmp_path / "trips.csv"
    head = "id,origin_lon,origin_lat,destination_lon,destination_lat,departure,seconds\n"
    rows = [f"t{i},116.299,39.925,116.31,39.94,2024-03-05 08:1{i},400\n" for i in range(5)]
    trips.write_text(head + "".join(rows) + "bad,116.299,39.925,116.31,39.94,8,-1\n", encoding="utf-8")
    code, said = careshed("calibrate", trips, "-o", tmp_path / "profile.toml")
    assert code == 0, said
    assert "too little" in said
    assert "line 7 (bad)" in said
    assert "trips.csv" in (tmp_path / "profile.toml").read_text(encoding="utf-8")
    assert careshed("calibrate", trips, "--strict")[0] == 2

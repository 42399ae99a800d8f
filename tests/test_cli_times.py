"""The commands about travel times: what they write, and how they refuse."""

import io
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from rich.console import Console

from careshed.cli import base, main
from careshed.network import RoadNetwork
from careshed.reach import Streaming, travel_times

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


def test_times_of_a_service_are_a_table_of_ids(careshed, town, tmp_path):
    out = tmp_path / "times.parquet"
    code, said = careshed("times", "--service", "chc", "--minutes", "15", "--chunk", "7", "-o", out)
    assert code == 0, said
    network = RoadNetwork.from_streets(town.streets, "walk", crs=town.crs, walk_speed_mps=1.25)
    facilities = town.facilities_of(town.targets.service["chc"].kinds)
    wanted = travel_times(network, town.demand, facilities, cutoff_s=900).to_frame()
    found = pd.read_parquet(out)
    assert found["seconds"].tolist() == wanted["seconds"].tolist()
    for side in ("origin_id", "destination_id"):
        assert found[side].astype("str").tolist() == wanted[side].tolist()
    assert f"{len(wanted):,} pairs within 15 min" in said
    assert f"of {len(town.demand):,} origins" in said
    assert {path.name for path in tmp_path.iterdir()} == {"times.parquet", "town"}


def test_times_between_layers_and_files_at_an_hour(careshed, town, tmp_path):
    places = tmp_path / "places.csv"
    places.write_text("id,name,lon,lat\nA,甲,116.3047,39.9317\nB,乙,10,10\n", encoding="utf-8")
    out = tmp_path / "times.parquet"
    options = ("--mode", "drive", "--origins", places, "--destinations", "candidates", "--minutes", "3")
    code, said = careshed("times", *options, "-o", out)
    assert code == 0, said
    free = pd.read_parquet(out)
    assert free["origin_id"].unique().tolist() == ["A"]
    assert set(free["destination_id"]) <= set(town.candidates.index)
    rejected = pd.read_csv(tmp_path / "times.rejected.csv")
    assert rejected[["id", "role", "line"]].to_numpy().tolist() == [["B", "origin", 3]]
    assert careshed("times", *options, "--hour", "8", "-o", out)[0] == 0
    peak = pd.read_parquet(out)
    assert len(peak) <= len(free)
    assert peak["seconds"].mean() > free["seconds"][: len(peak)].mean() or len(peak) < len(free)
    code, said = careshed("times", "--service", "ems", "--minutes", "8", "-o", out)
    assert code == 0, said
    assert set(pd.read_parquet(out)["origin_id"]) <= set(town.facilities.index)
    assert not (tmp_path / "times.rejected.csv").exists()


def test_a_killed_command_goes_on_and_a_changed_input_starts_over(careshed, tmp_path):
    words = ["times", str(tmp_path / "town"), "--service", "chc", "--minutes", "15", "--chunk", "20"]
    out = tmp_path / "times.parquet"
    code = f"""
        import os, signal, sys
        from contextlib import contextmanager
        from careshed.cli import main, times

        @contextmanager
        def streaming():
            def tell(at):
                if at.done == 60:
                    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            yield tell

        times.streaming = streaming
        sys.argv = ["careshed", *{words!r}, "-o", {str(out)!r}]
        main()
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode != 0
    assert not out.exists()
    parts = tmp_path / "times.parquet.part"
    assert len(list(parts.glob("times-*.parquet"))) == 3
    killed = {path.name: path.read_bytes() for path in parts.iterdir()}
    rest = [words[0], *words[2:]]
    # another limit is another question: nothing is kept
    code, said = careshed(*rest[:-3], "14", "--chunk", "20", "-o", out)
    assert code == 0, said
    assert "kept" not in said
    parts.mkdir()
    for name, content in killed.items():
        (parts / name).write_bytes(content)
    code, said = careshed(*rest, "--resume", "-o", out)
    assert code == 0, said
    assert "kept 60 origins" in said
    assert not parts.exists()
    whole = tmp_path / "whole.parquet"
    assert careshed(*rest, "--no-resume", "-o", whole)[0] == 0
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--minutes", "5", "-o", "x.parquet"), "give --service (there are: "),
        (("--minutes", "5", "--mode", "walk", "-o", "x.csv"), "ends in .parquet"),
        (("--minutes", "0", "--mode", "walk", "-o", "x.parquet"), "the time limit is 0"),
        (("--minutes", "5", "--mode", "walk", "--origins", "absent.csv", "-o", "x.parquet"), "no such file"),
        (("--minutes", "5", "--service", "fire", "-o", "x.parquet"), "'fire' is not in the targets"),
    ],
)
def test_wrong_options_of_times_end_with_2(careshed, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    code, said = careshed("times", *options)
    assert code == 2
    assert words in said
    assert {path.name for path in tmp_path.iterdir()} == {"town"}


def test_a_terminal_gets_a_bar_others_get_lines(monkeypatch, capsys):
    for terminal, words in (
        (False, ["40 of 100 origins, 2,000 pairs", "s left"]),
        (True, ["41/100 origins, 2,050 pairs", "kept 20 origins"]),
    ):
        monkeypatch.setattr(base, "stderr", Console(file=(text := io.StringIO()), force_terminal=terminal, width=120))
        with base.streaming() as tell:
            for done in (20, 40, 41):
                tell(Streaming(done, 100, 50 * done, 20))
        said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.getvalue())
        assert all(word in said for word in words), said

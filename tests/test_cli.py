"""The commands as a newcomer types them: output, exit codes, one sentence for a fault."""

import json
import sys

import pandas as pd
import pytest

from careshed.cli import main


@pytest.fixture
def careshed(monkeypatch, capsys):
    """Return a function that runs a command line: exit code, standard output, standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["careshed", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def folder(town, tmp_path):
    import tomllib

    town.write(tmp_path / "town")
    text = json.dumps(town.targets.model_dump(mode="json", exclude_none=True))
    lines = _toml(json.loads(text))
    tomllib.loads(lines)
    (tmp_path / "town" / "targets.toml").write_text(lines, encoding="utf-8")
    return tmp_path / "town"


def _toml(table):
    """Write nested data as TOML with inline tables only."""

    def value(item):
        if isinstance(item, dict):
            return "{" + ", ".join(f"{key} = {value(inner)}" for key, inner in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        if isinstance(item, str) and item[:4].isdigit() and item[4:5] == "-":
            return item
        return json.dumps(item, ensure_ascii=False)

    return "\n".join(f"{key} = {value(item)}" for key, item in table.items()) + "\n"


def test_plan_writes_what_a_planner_hands_on(careshed, folder, tmp_path):
    code, out, err = careshed("plan", folder, "--output", tmp_path / "out")
    assert code == 0
    names = {file.name for file in (tmp_path / "out").iterdir()}
    wanted = {
        "plan.json", "scorecard.csv", "map.html", "report.html",
        "stations.geojson", "communities.geojson", "isochrones.geojson", "times-chc.parquet", "times-ems.parquet",
    }  # fmt: skip
    assert names >= wanted
    assert "scorecard" in out
    assert "optimal" in out
    assert "SYNTHETIC" in err
    assert json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))["siting"]["status"] == "optimal"


def test_each_part_has_its_command(careshed, folder, tmp_path):
    for command in ("coverage", "response", "site"):
        code, out, _ = careshed(command, folder, "-o", tmp_path / "out")
        assert code == 0, command
        assert (tmp_path / "out" / f"{command}.json").exists()
    code, out, _ = careshed("check", folder)
    assert code == 0
    assert "can be planned" in out


def test_no_plan_is_exit_3_with_the_rule_and_the_remedy(careshed, folder, tmp_path):
    code, _, err = careshed("site", folder, "--stations", 3, "-o", tmp_path / "out")
    assert code == 3
    assert "no plan meets the rules" in err
    assert "remedy" in err


def test_an_infeasible_plan_leaves_no_stations_of_an_earlier_run(careshed, folder, tmp_path):
    careshed("plan", folder, "-o", tmp_path / "out")
    code, _, _ = careshed("plan", folder, "-o", tmp_path / "out", "--stations", 3)
    assert code == 3
    assert not (tmp_path / "out" / "response-after.csv").exists()
    assert json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))["siting"]["stations"] == []


def test_compare_prints_both(careshed, folder, tmp_path):
    careshed("plan", folder, "-o", tmp_path / "a")
    careshed("plan", folder, "-o", tmp_path / "b", "--stations", 5)
    code, out, _ = careshed("compare", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "both.csv")
    assert code == 0
    assert "mean response" in out
    assert pd.read_csv(tmp_path / "both.csv", index_col="figure").loc["stations", "change"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("plan", "nowhere", "-o", "out"), "is no study area"),
        (("plan", "TOWN", "-o", "FILE"), "is a file; expected a folder"),
        (("coverage", "TOWN", "-o", "OUT", "--service", "fire"), "there are: chc, ems"),
        (("compare", "nowhere", "TOWN"), "has no plan.json"),
        (("build", "-o", "OUT"), "--pbf FILE or the name of a --place"),
        (("build", "-o", "OUT", "--pbf", "nowhere.osm.pbf"), "no such file"),
        (("score", "TOWN", "nowhere.csv", "-o", "scores.parquet"), "no such file"),
        (("score", "TOWN", "FILE", "-o", "scores.txt"), "neither .parquet nor .csv"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_2(careshed, folder, tmp_path, words, sentence, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    before = {file.name for file in tmp_path.iterdir()}
    places = {"TOWN": folder, "FILE": tmp_path / "file", "OUT": tmp_path / "out"}
    code, out, err = careshed(*(places.get(word, word) for word in words))
    assert code == 2
    said = [line for line in err.splitlines() if line.startswith("careshed:")]
    assert len(said) == 1
    assert sentence in said[0]
    assert "Traceback" not in out + err
    assert {file.name for file in tmp_path.iterdir()} == before


def test_wrong_words_get_usage_and_exit_2(careshed):
    assert careshed("plan")[0] == 2
    assert careshed("plan", "a", "--stations", "many", "-o", "b")[0] == 2
    assert careshed("nonsense")[0] == 2
    code, out, _ = careshed("--version")
    assert code == 0
    assert out.startswith("careshed ")


def test_help_needs_no_heavy_room(careshed):
    code, out, _ = careshed("--help")
    assert code == 0
    for command in ("build", "check", "coverage", "response", "site", "plan", "compare", "score", "times", "template"):
        assert command in out


def test_an_hour_and_a_profile_change_the_answer_and_are_said(careshed, folder, tmp_path):
    code, free, _ = careshed("response", folder, "-o", tmp_path / "free")
    assert code == 0
    assert "free flow" in free
    _, peak, _ = careshed("response", folder, "--hour", "8", "-o", tmp_path / "peak")
    assert "morning_peak (8:00 to 8:59)" in " ".join(peak.split())
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "mine"\n[drive.kmh]\nresidential = 12.5\n', encoding="utf-8")
    _, mine, _ = careshed("response", folder, "--profile", profile, "-o", tmp_path / "mine")
    assert "profile mine" in mine
    means = {
        name: json.loads((tmp_path / name / "response.json").read_text("utf-8"))["response"]["before"]["mean_s"]
        for name in ("free", "peak", "mine")
    }
    assert means["free"] < means["peak"] < means["mine"]
    assert careshed("coverage", folder, "--hour", "24", "-o", tmp_path / "x")[0] == 2
    profile.write_text("speed = 3", encoding="utf-8")
    code, _, said = careshed("coverage", folder, "--profile", profile, "-o", tmp_path / "x")
    assert code == 2
    assert "mine.toml" in said


def test_scores_at_an_hour_and_by_a_profile_say_so(careshed, folder, town, tmp_path):
    sites = tmp_path / "sites.csv"
    degrees = town.candidates.geometry.to_crs(4326)
    pd.DataFrame({"id": degrees.index, "lon": degrees.x, "lat": degrees.y}).to_csv(sites, index=False)
    profile = tmp_path / "slow.toml"
    profile.write_text('name = "slow"\n[drive.kmh]\nresidential = 6\nother = 6\n', encoding="utf-8")
    people = {}
    for name, options, words in (
        ("free", (), "free flow"),
        ("peak", ("--hour", "8"), "morning_peak (8:00 to 8:59)"),
        ("slow", ("--profile", profile), "profile slow"),
    ):
        out = tmp_path / f"{name}.parquet"
        code, said, _ = careshed("score", folder, sites, "--service", "ems", *options, "-o", out)
        assert code == 0, said
        assert words in " ".join(said.split())
        people[name] = pd.read_parquet(out)["people_within"].sum()
    assert people["free"] >= people["peak"] > people["slow"]
    assert careshed("score", folder, sites, "--hour", "24", "-o", tmp_path / "x.csv")[0] == 2


def test_the_report_is_in_the_language_that_is_asked_for(careshed, folder, tmp_path):
    assert careshed("plan", folder, "-o", tmp_path / "out", "--lang", "en")[0] == 0
    assert '<html lang="en">' in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert careshed("plan", folder, "-o", tmp_path / "out", "--lang", "fr")[0] == 2


def test_a_pdf_that_nothing_can_print_is_refused_before_anything_is_computed(careshed, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = careshed("plan", folder, "-o", tmp_path / "out", "--pdf")
    assert (code, out) == (2, "")
    assert err.startswith("careshed: no Chromium was found on the path")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()

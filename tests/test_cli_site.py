"""The command that sites stations: models, rules switched off, answers, and how it refuses."""

import importlib.util
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from careshed.cli import main
from careshed.cli.sitemodels import ModelName, model_of, parse_minutes, parse_range, specs
from careshed.errors import InputError, UnsupportedError
from careshed.siting import MALP, MCLP, MEXCLP, CapacitatedMCLP, Lexicographic, PMedian

ROOT = Path(__file__).parents[1]
TARGETS = """
title = "Town"
[service.chc]
label_zh = "社区卫生服务"
label_en = "community health"
kinds = ["community_health_centre"]
mode = "walk"
direction = "to"
minutes = 10

[service.ems]
label_zh = "院前急救"
label_en = "first aid"
kinds = ["first_aid_station"]
mode = "drive"
direction = "from"
minutes = 6
call_handling_s = 60
turnout_s = 180

[service.ems.siting]
stations = 4
min_per_subdistrict = 1
phases = [{ by = 2021-12-31, share = 0.7 }, { by = 2022-12-31, share = 1.0 }]
"""
RULES = """
[[service.ems.siting.rules]]
rule = "apart"
distance_m = 600
[[service.ems.siting.rules]]
rule = "new"
name = "few"
at_most = 3
"""


@pytest.fixture
def run(monkeypatch, capsys, town, tmp_path):
    """Return a function that runs ``careshed site`` on the town: exit code, all that was said, the output's folder."""
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.chdir(tmp_path)

    def careshed_site(*words, targets=TARGETS):
        (tmp_path / "targets.toml").write_text(targets, encoding="utf-8")
        town.write(tmp_path / "town", targets_toml=tmp_path / "targets.toml")
        monkeypatch.setattr(sys, "argv", ["careshed", "site", "town", "-o", "out", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split()), tmp_path / "out"

    return careshed_site


def siting(out):
    return json.loads((out / "site.json").read_text(encoding="utf-8"))["siting"]


def test_a_plan_with_all_its_answers(run):
    code, said, out = run("--explain", "--k-best", "2", "--frontier", "4-5", targets=TARGETS + RULES)
    assert code == 0, said
    facts = siting(out)
    assert facts["model"] == "maximal covering, then least response (lexicographic)"
    assert facts["rules"] == {"on": ["min_per_subdistrict", "phases", "apart", "few"], "off": []}
    assert facts["status"] == "optimal"
    assert [level["name"] for level in facts["levels"]] == ["covered", "response"]
    assert all(level["bound"] == level["objective"] for level in facts["levels"])
    tables = {file.stem: pd.read_csv(file) for file in out.glob("*.csv")}
    assert tables["frontier"]["stations"].tolist() == [4, 5]
    assert tables["frontier"]["status"].tolist() == ["optimal", "infeasible"]  # one existing and at most three new
    assert len(tables["kbest"]) == 2
    assert set(tables["marginal"]["site_id"]) == set(facts["stations"])
    assert {"open sites 600 m apart", "at most 3 of new sites"} <= set(tables["prices"]["text"])
    assert {"as planned", "speed 0.8", "speed 1.2", "morning_peak"} <= set(tables["robustness"]["scenario"])
    assert len(tables["robustness-closures"]) == 4
    assert tables["served"]["people"].sum() == 1440
    for drawn in ("frontier.svg", "tradeoff.svg"):
        assert (out / drawn).read_text(encoding="utf-8").startswith("<?xml")
    efficient = pd.read_csv(out / "tradeoff.csv")
    assert efficient["covered"].is_monotonic_increasing
    assert efficient["person_seconds"].is_monotonic_increasing
    for words in ("frontier", "what each rule costs", "best plans that differ", "if one station closed"):
        assert words in said
    # a later run without questions leaves no answers to them
    code, _, out = run("--without", "phases")
    assert code == 0
    answers = {"frontier.csv", "frontier.svg", "tradeoff.csv", "kbest.csv", "prices.csv"}
    assert not answers & {file.name for file in out.iterdir()}
    assert siting(out)["rules"] == {"on": ["min_per_subdistrict"], "off": ["phases"]}
    assert len(siting(out)["phases"]) == 1


@pytest.mark.parametrize(
    ("options", "level"),
    [
        (("--model", "p-median"), "response"),
        (("--model", "p-center"), "worst"),
        (("--model", "lscp", "--within", "6min", "--without", "phases"), "sites"),
        (("--model", "dsm", "--vehicles", "5", "--within2", "7min", "--alpha", "0.5"), "backup"),
        (("--model", "mexclp", "--vehicles", "5", "--busy-fraction", "0.3"), "expected"),
        (
            ("--model", "capacitated-mclp", "--capacity", "500", "--within", "6", "--split", "--without", "phases"),
            "covered",
        ),
    ],
)
def test_models_are_chosen_by_name(run, options, level):
    code, said, out = run(*options)
    assert code == 0, said
    facts = siting(out)
    assert facts["status"] == "optimal"
    assert facts["levels"][0]["name"] == level
    stations = pd.read_csv(out / "stations.csv")
    if "--vehicles" in options:
        assert stations["vehicles"].sum() == sum(facts["vehicles"].values()) == 5
    if "--capacity" in options:
        assert stations["people"].max() <= 500
        assert stations["people"].sum() == facts["levels"][0]["objective"]


def test_relocation_closes_what_may_be_closed(run):
    closable = TARGETS + "closable = true\n"
    code, said, out = run("--model", "relocation", "--loss", "0.1", targets=closable)
    assert code == 0, said
    assert [level["name"] for level in siting(out)["levels"]] == ["covered", "closed", "covered"]
    assert siting(out)["closed"] == []
    code, said, _ = run("--model", "relocation")
    assert code == 2
    assert "closable = true" in said


def test_required_and_excluded_sites_come_from_files(run, tmp_path):
    (tmp_path / "must.json").write_text('{"stations": ["K05"]}', encoding="utf-8")
    (tmp_path / "never.csv").write_text("编号,备注\nS1,老\nK00,\n", encoding="utf-8")
    code, said, out = run("--required", "must.json", "--exclude", "never.csv")
    assert code == 0, said
    assert "K05" in siting(out)["stations"]
    assert not {"S1", "K00"} & set(siting(out)["stations"])
    assert siting(out)["closed"] == ["S1"]
    # the plan's own file can be handed back
    code, said, again = run("--required", "out/site.json", "--exclude", "never.csv", "--stations", "4")
    assert code == 0, said
    assert siting(again)["stations"] == siting(out)["stations"]


def test_fewer_plans_than_asked_for_are_explained(run, tmp_path):
    kept = {"K02", "K08", "K10", "K11"}
    ids = "\n".join(f"K{i:02}" for i in range(16) if f"K{i:02}" not in kept)
    (tmp_path / "never.csv").write_text(f"site_id\n{ids}\n", encoding="utf-8")
    code, said, out = run("--exclude", "never.csv", "--k-best", "5")
    assert code == 0, said
    assert len(pd.read_csv(out / "kbest.csv")) == 2
    assert "2 of 5 best plans: only 2 plans keep the rules" in said


def test_no_plan_is_said_with_its_reason_and_exit_3(run):
    code, said, out = run("--explain", targets=TARGETS + RULES.replace("at_most = 3", "at_most = 1"))
    assert code == 3
    assert "no plan meets the rules" in said
    assert "remedy" in said
    assert siting(out)["status"] == "infeasible"
    (reason, *_) = siting(out)["reason"]
    assert reason["relaxations"]
    assert f"this alone would do: {reason['relaxations'][0]['text']}" in said
    code, said, _ = run("--without", "few", targets=TARGETS + RULES.replace("at_most = 3", "at_most = 1"))
    assert code == 0, said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--model", "magic"), "'mexclp'"),
        (
            ("--model", "p-median", "--vehicles", "3"),
            "model p-median takes no --vehicles; it takes no option of its own",
        ),
        (("--model", "dsm", "--vehicles", "3"), "model dsm needs --within2: give it, such as --within2 20min"),
        (("--model", "mexclp"), "model mexclp needs --vehicles and --busy-fraction: give it, such as --vehicles 20"),
        (("--model", "lscp", "--stations", "3"), "takes no --stations (how many stations there are is its answer)"),
        (("--model", "lscp"), "add --without phases"),
        (("--model", "lscp", "--without", "phases", "--frontier", "3-5"), "leave out --frontier"),
        (("--model", "mexclp", "--vehicles", "3", "--busy-fraction", "1.5"), "busy=1.5"),
        (("--within", "soon"), "--within is 'soon'; expected a time such as 12min, 720s or 12 (minutes)"),
        (("--within", "720"), "write 720s"),
        (("--within2", "5min"), "--within2 is 5 min; expected more than --within (6 min, the service's own)"),
        (("--frontier", "30-5"), "--frontier is '30-5'; expected two whole numbers"),
        (("--without", "budgets"), "there are: min_per_subdistrict, phases, apart, few"),
        (("--required", "nowhere.csv"), "nowhere.csv: no such file"),
        (("--required", "ids.csv"), "no site has the id 'K99' (line 3)"),
        (("--required", "more.csv"), "no column for site_id"),
        (("--exclude", "list.json"), "holds no list of site ids"),
        (("--exclude", "broken.json"), "is no JSON"),
        (("--required", "one.json", "--exclude", "one.json"), "site K00 is both required and excluded"),
        (("--service", "chc"), "no [service.chc.siting]"),
        (("--service", "fire"), "there are: chc, ems"),
        (("--hour", "8", "--profile", "nowhere.toml"), "no such file"),
    ],
)
def test_a_newcomer_s_faults_are_one_sentence_and_exit_2(run, tmp_path, words, sentence):
    files = {
        "ids.csv": "site_id\nK01\nK99\n",
        "more.csv": "colour,shape\nred,round\n",
        "list.json": '{"stations": 3}',
        "broken.json": "{",
        "one.json": '["K00"]',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    code, said, out = run(*words, targets=TARGETS + RULES)
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said
    assert not out.exists()


def test_options_become_models(town):
    service = town.targets.service["ems"]
    assert model_of(ModelName.MCLP, service, {"stations": 5}) == Lexicographic()
    sought = model_of(ModelName.MCLP, service, {"within": 5.0, "within2": 10.0})
    assert sought == Lexicographic((MCLP(300_000, 600_000), PMedian()))
    table = service.siting.model_copy(update={"vehicles": 9, "busy_fraction": 0.4, "capacity": 70})
    service = service.model_copy(update={"siting": table})
    assert model_of(ModelName.MEXCLP, service, {"busy_fraction": 0.2}) == MEXCLP(9, 0.2)
    assert model_of(ModelName.MALP, service, {"reliability": 0.8, "within": None}) == MALP(9, 0.4, 0.8)
    assert model_of(ModelName.CAPACITATED_MCLP, service, {"split": True}) == CapacitatedMCLP(70, whole=False)
    with pytest.raises(UnsupportedError, match="--loss"):
        model_of(ModelName.MALP, service, {"loss": 0.1})
    assert specs().keys() == set(ModelName)


def test_times_and_ranges_are_read_as_people_write_them():
    assert [parse_minutes(text, "--within") for text in ("12min", "720s", "12", " 12 分钟", "0.5 min")] == [
        12.0, 12.0, 12.0, 12.0, 0.5,
    ]  # fmt: skip
    assert parse_minutes(None, "--within") is None
    for wrong in ("-3", "0", "12 hours", "min", "61"):
        with pytest.raises(InputError, match="--within"):
            parse_minutes(wrong, "--within")
    assert [parse_range(text, "--frontier") for text in ("5-30", "5–30", "5..5", None)] == [
        (5, 30),
        (5, 30),
        (5, 5),
        None,
    ]
    for wrong in ("5", "0-3", "a-b"):
        with pytest.raises(InputError, match="--frontier"):
            parse_range(wrong, "--frontier")


def test_the_page_s_tables_are_those_of_the_code():
    spec = importlib.util.spec_from_file_location("siting_tables", ROOT / "docs" / "siting_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    text = tables.PAGE.read_text(encoding="utf-8")
    assert tables.page(text) == text, "run docs/siting_tables.py"
    assert "`--busy-fraction`" in text
    assert "| `LSCP` | yes | **no** |" in text


def test_ctrl_c_keeps_the_best_plan_so_far(run, monkeypatch):
    import signal

    from careshed.plan import _bench

    told = []

    def pressed(self, incumbent, bound, text):
        if not told:
            signal.raise_signal(signal.SIGINT)
        told.append(text)

    monkeypatch.setattr(_bench.Bench, "_watch", pressed)
    code, said, out = run("--model", "p-median")
    assert told
    assert code == 0, said
    facts = siting(out)
    assert len(facts["stations"]) == 4
    if facts["status"] == "feasible":
        assert "stopped: the best plan so far, gap" in said


def test_figures_of_a_solver_are_said_now_and_then(capsys):
    from careshed.cli.base import _Steps

    say = _Steps()
    for text in ("first aid: network", "first aid: travel times", "covered: node 1, best 3, bound 4"):
        say(text)
    say("covered: node 2, best 3, bound 4")
    say("response: node 1, best 3, bound 4")
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "first aid: network", "first aid: travel times", "covered: node 1", "response: node 1",
    ]  # fmt: skip

"""What-if on the map: the figures that the page computes are those that Python computes for the same sites."""

import base64
import dataclasses
import functools
import json
import random
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

import careshed.maps._whatif as whatif
from careshed.area import StudyArea
from careshed.cli import app
from careshed.indicators import demand_weights, response_times
from careshed.maps import write_map
from careshed.maps._shapes import Shapes
from careshed.plan import make_plan
from careshed.scorecard import judged, scorecard
from careshed.siting import Solution
from careshed.words import pages

IMG = "<img src=x onerror=alert(1)>"
FIGURES = ("mean_s", "median_s", "p90_s", "share_within_target", "unreachable")
SCRIPTS = files("careshed.maps")


@pytest.fixture
def plan(town):
    return make_plan(town)


@functools.lru_cache(maxsize=2)
def facts_of(plan):
    return whatif.what_if(plan, Shapes(plan.area.crs))


def page_of(plan, tmp_path, visit, **options):
    write_map(plan, tmp_path / "map.html")
    return visit(tmp_path / "map.html", **options)


def opened(plan, tmp_path, visit, **options):
    """Open a plan's map with the what-if switched on."""
    map_ = page_of(plan, tmp_path, visit, **options)
    map_.page.locator(".cs-try-switch").click()
    return map_


def figures(map_, sites=None):
    if sites is not None:
        map_.page.evaluate("(sites) => careshed.whatif.set(sites)", list(sites))
    return map_.page.evaluate("careshed.whatif.figures()")


def mark(map_, plan, site):
    return map_.page.locator(".cs-site").nth(_tab_order(plan).index(site))


def _tab_order(plan):
    sites = facts_of(plan)["sites"]
    return [site["id"] for site in sorted(sites, key=lambda site: not site["planned"])]


def stations_of(plan, ids):
    """Return open sites as a solution has them, each with the tier that what-if says it has."""
    sites = {site["id"]: site for site in facts_of(plan)["sites"]}
    service = plan.area.targets.service[plan.siting_service]
    group = whatif.siting_sites(plan.area, service)["group"]
    counted = "" if service.siting is None else service.siting.station_tier
    tier = [sites[one]["tier"] for one in ids]
    inside = [group[one] != "" for one in ids]
    return pd.DataFrame(
        {
            "group": [group[one] for one in ids],
            "tier": tier,
            "counted": [own and name == counted for own, name in zip(inside, tier, strict=True)],
            "by": "",
        },
        index=pd.Index(ids, name="site_id", dtype="str"),
    )


def planned_with(plan, ids):
    """Return the plan with other stations open, as Python judges it."""
    area, service = plan.area, plan.area.targets.service[plan.siting_service]
    weights, _ = demand_weights(area)
    times = plan.times[plan.siting_service].select(origins=pd.Index(ids, dtype="str"))
    after = response_times(area, times, delay_s=service.delay_s, target_s=service.standard_s, weights=weights)
    solution = dataclasses.replace(plan.solution, status="feasible", stations=stations_of(plan, ids))
    return dataclasses.replace(plan, after=after, solution=solution)


def assert_same(found, plan, ids):
    """Compare the page's figures with Python's: whole numbers and judgements exactly, means to a billionth."""
    other = planned_with(plan, ids)
    total = other.after.total
    near = other.after.demand["seconds"] <= other.after.target_s
    people = plan.area.demand["population"]
    assert found["open"] == list(ids)
    assert found["people_within"] == people[near].sum()
    assert found["population_share"] == people[near].sum() / people.sum()
    for name in FIGURES:
        # sums of whole people are exact, sums of fractions of calls are not
        exact = name in {"median_s", "p90_s"} or (name != "mean_s" and plan.weight == "people")
        close = pytest.approx(total[name], rel=0 if exact else 1e-9, abs=0 if exact else 1e-9, nan_ok=True)
        assert found[name] == close, name
    inside = other.solution.stations[other.solution.stations["group"] != ""]
    assert found["stations"] == inside["counted"].sum()
    assert {tier: n for tier, n in found["tiers"].items() if n} == inside.groupby("tier").size().to_dict()
    same = set(ids) == set(plan.solution.stations.index)
    shown = [target for target in plan.area.targets.target if whatif._row(plan, target)]
    assert len(found["rows"]) == len(shown)
    for target, row in zip(shown, found["rows"], strict=True):
        assert (row["id"], row["statistic"]) == (target.id, target.statistic)
        if target.statistic == "phase_share" and not same:
            assert row["value"] is row["met"] is None
            continue
        expected = judged(plan if target.statistic == "phase_share" else other, target)
        assert row["met"] == (None if expected is None else expected.met), target.text
        assert row["value"] == (None if expected is None else pytest.approx(expected.value, rel=1e-9))


def plans_own(plan):
    return [one for one in plan.times["ems"].origin_ids if one in plan.stations.index]


def random_sets(plan, number, seed=5):
    """Return sets of sites of all sizes, in the order of the times."""
    chance, ids = random.Random(seed), plan.times[plan.siting_service].origin_ids
    for _ in range(number):
        some = set(chance.sample(list(ids), chance.randint(0, min(len(ids), 40))))
        yield [one for one in ids if one in some]


def test_the_page_opens_with_the_plans_own_figures(plan, tmp_path, visit):
    map_ = opened(plan, tmp_path, visit)
    found = figures(map_)
    assert_same(found, plan, plans_own(plan))
    judgements = {row.id: row.met for row in scorecard(plan)}
    assert {row["id"]: row["met"] for row in found["rows"]} == judgements
    assert "与方案相同" in map_.page.locator(".cs-try-news").inner_text()
    assert map_.faults == []


def with_calls(town):
    calls = np.round(np.random.default_rng(3).gamma(2.0, 1.7, len(town.demand)), 2)
    return dataclasses.replace(town, demand=town.demand.assign(calls=calls))


def with_an_outside_site_and_no_road(town):
    """Return the town with a candidate that counts for no ward, and one too far from any street."""
    candidates = town.candidates.copy()
    candidates.loc["K03", "subdistrict_id"] = ""
    candidates.loc["K12", "geometry"] = shapely.affinity.translate(candidates.geometry["K12"], -40_000)
    return dataclasses.replace(town, candidates=candidates)


def quick(town):
    """Return the town under a standard that only few are within, so that every set has other figures."""
    targets = town.targets.model_dump()
    targets["service"]["ems"]["minutes"] = 4.8
    targets["target"] = [
        *targets["target"],
        {"id": "S", "text": "share", "service": "ems", "statistic": "share_within_target", "at_least": 0.5},
        {"id": "P", "text": "p90", "service": "ems", "statistic": "p90_response", "at_most_min": 5.0},
        {"id": "M", "text": "median", "service": "ems", "statistic": "median_response", "at_most_min": 4.6},
        {"id": "F", "text": "fewest", "service": "ems", "statistic": "min_stations_per_subdistrict", "at_least": 1},
    ]
    return dataclasses.replace(town, targets=type(town.targets).model_validate(targets))


def with_tiers(town):
    """Return the town with a centre that leads three stations; one candidate can be nothing but a centre."""
    targets = town.targets.model_dump()
    centre = {"name": "centre", "label_en": "centre", "count": 1}
    station = {"name": "station", "label_en": "station", "count": 3, "led_by": ["centre"]}
    siting = {"stations": 3, "min_per_subdistrict": 1, "tiers": [centre, station], "station_tier": "station"}
    targets["service"]["ems"]["siting"] = siting
    count = {"service": "ems", "statistic": "tier_count", "text": "count", "at_least": 1}
    rows = [{**count, "id": "C", "tier": "centre"}, {**count, "id": "D", "tier": "station", "at_least": 3}]
    targets["target"] = [*(row for row in targets["target"] if row["statistic"] != "phase_share"), *rows]
    candidates = town.candidates.copy()
    candidates.loc["K15", "tier"] = "centre"
    return dataclasses.replace(town, candidates=candidates, targets=type(town.targets).model_validate(targets))


CHANGES = [quick, lambda town: with_calls(quick(town)), with_an_outside_site_and_no_road, with_tiers]


@pytest.mark.parametrize("change", CHANGES, ids=["quick", "calls", "outside", "tiers"])
def test_any_set_of_sites_has_the_figures_that_python_computes(town, tmp_path, visit, change):
    plan = make_plan(change(town))
    assert plan.solution.found
    map_ = page_of(plan, tmp_path, visit)
    for ids in [[], plans_own(plan), *random_sets(plan, 24)]:
        assert_same(figures(map_, ids), plan, ids)
    assert map_.faults == []


@pytest.mark.slow
@pytest.mark.parametrize("district", ["xicheng", "tongzhou"])
def test_an_embedded_area_has_the_figures_that_python_computes(embedded, district, tmp_path, visit):
    area = StudyArea.read(embedded / district)
    plan = make_plan(area, parts=("response",))
    service = area.targets.service["ems"]
    nothing = stations_like_today(plan, service)
    plan = dataclasses.replace(plan, solution=nothing, after=plan.before)
    map_ = page_of(plan, tmp_path, visit)
    # what it adds to the page
    assert len(facts_of(plan)["times"]) < 3e6
    for ids in random_sets(plan, 20):
        assert_same(figures(map_, ids), plan, ids)
    assert map_.faults == []


def stations_like_today(plan, service):
    """Return a solution that leaves everything as it is, so that no solver is needed."""
    blank = {field.name: None for field in dataclasses.fields(Solution)}
    today = [str(one) for one in plan.area.facilities_of(service.kinds).index]
    bare = Solution(**blank | {"status": "unknown", "levels": (), "stations": pd.DataFrame()})
    held = stations_of(dataclasses.replace(plan, solution=bare), today)
    phases = pd.DataFrame({"by": [""], "stations": [0]}, index=[1])
    return dataclasses.replace(bare, status="feasible", stations=held, phases=phases)


def test_mouse_and_keyboard_open_and_close(plan, tmp_path, visit):
    map_ = opened(plan, tmp_path, visit)
    closed = next(site for site in plan.stations.index if site.startswith("K"))
    idle = next(site for site in plan.times["ems"].origin_ids if site not in plan.stations.index)
    station, candidate = mark(map_, plan, closed), mark(map_, plan, idle)
    assert (station.get_attribute("aria-pressed"), station.get_attribute("data-state")) == ("true", "new")
    station.click()
    assert (station.get_attribute("aria-pressed"), station.get_attribute("data-state")) == ("false", "shut")
    candidate.focus()
    map_.page.keyboard.press("Enter")
    assert (candidate.get_attribute("aria-pressed"), candidate.get_attribute("data-state")) == ("true", "opened")
    wanted = (set(plan.stations.index) - {closed}) | {idle}
    assert set(figures(map_)["open"]) == wanted
    news = map_.page.locator(".cs-try-news")
    assert news.get_attribute("aria-live") == "polite"
    assert "1 处新开、1 处关闭" in news.inner_text()
    map_.page.keyboard.press(" ")
    assert set(figures(map_)["open"]) == wanted - {idle}
    # three stations where four are asked for
    assert any("X2" in text and "未达标" in text for text in map_.page.locator(".cs-try-turn").all_inner_texts())
    map_.page.locator(".cs-try-chip").first.click()
    assert set(figures(map_)["open"]) == set(plan.stations.index)
    assert map_.faults == []


def test_the_plan_and_todays_stations_come_back(plan, tmp_path, visit):
    map_ = opened(plan, tmp_path, visit)
    map_.page.locator(".cs-try-buttons button", has_text="Existing only").click()
    assert figures(map_)["open"] == ["S1"]
    assert figures(map_)["mean_s"] == pytest.approx(plan.before.total["mean_s"], rel=1e-9)
    table = map_.page.locator(".cs-try-table").first.inner_text()
    assert f"{plan.after.total['mean_s'] / 60:.2f}\t{plan.before.total['mean_s'] / 60:.2f}" in table
    map_.page.locator(".cs-try-buttons button", has_text="Reset to plan").click()
    assert set(figures(map_)["open"]) == set(plan.stations.index)
    # switched off, the map is as it was
    assert not map_.page.locator(".leaflet-marker-pane").is_visible()
    map_.page.locator(".cs-try-switch").click()
    assert map_.page.locator(".leaflet-marker-pane .cs-station").count() == 4
    assert map_.page.locator(".leaflet-marker-pane .cs-station").first.is_visible()
    assert map_.count(".cs-site") == 0
    assert map_.faults == []


def test_measuring_turns_no_site(plan, tmp_path, visit):
    map_ = opened(plan, tmp_path, visit)
    station = mark(map_, plan, "S1").bounding_box()
    map_.page.locator("[data-tool=measure]").click()
    map_.page.mouse.click(station["x"] + 11, station["y"] + 11)
    map_.page.mouse.click(station["x"] + 111, station["y"] + 91)
    assert " m" in map_.page.locator("#cs-measured").inner_text()
    assert set(figures(map_)["open"]) == set(plan.stations.index)
    map_.page.keyboard.press("Escape")
    mark(map_, plan, "S1").click()
    assert "S1" not in figures(map_)["open"]
    assert map_.faults == []


def test_layers_and_phase_are_as_they_were_when_it_is_left(plan, tmp_path, visit):
    map_ = page_of(plan, tmp_path, visit)
    map_.page.locator(".cs-steps label").nth(1).click()
    map_.page.locator(".cs-legend label:has([type=radio])").nth(3).click()
    state = """[...document.querySelectorAll(".cs-panel input")].map((input) => input.checked)
        .concat(document.querySelectorAll(".leaflet-fills-pane path, .leaflet-marker-pane > *").length)"""
    before = map_.page.evaluate(state)
    map_.page.locator(".cs-try-switch").click()
    assert not map_.page.locator(".cs-phases").is_visible()
    assert not map_.page.locator(".cs-legend").is_visible()
    idle = next(site for site in plan.times["ems"].origin_ids if site not in plan.stations.index)
    mark(map_, plan, idle).click()
    box = map_.page.get_by_role("combobox")
    box.fill(idle)
    box.press("Enter")
    assert map_.page.locator(".cs-card h2").inner_text() == plan.area.candidates["name"][idle]
    map_.page.locator(".cs-try-switch").click()
    assert map_.page.evaluate(state) == before
    assert map_.serious_faults() == []
    assert map_.faults == []


def test_a_copied_plan_is_taken_back_by_the_command(plan, town, tmp_path, visit):
    town.write(tmp_path / "area", targets_toml=_toml(tmp_path))
    map_ = opened(plan, tmp_path, visit)
    closed = next(site for site in plan.stations.index if site.startswith("K"))
    near = next(  # another site of the same ward, so that every ward keeps its station
        site
        for site in town.candidates.index
        if site not in plan.stations.index
        and town.candidates["subdistrict_id"][site] == town.candidates["subdistrict_id"][closed]
    )
    for site in (closed, near):
        mark(map_, plan, site).click()
    map_.page.locator(".cs-try-buttons button", has_text="Copy plan").click()
    text, command = (field.input_value() for field in map_.page.locator(".cs-try-copied textarea").all())
    assert set(json.loads(text)["stations"]) == (set(plan.stations.index) - {closed}) | {near}
    (tmp_path / "whatif.json").write_text(text, encoding="utf-8")
    words = command.replace("AREA", str(tmp_path / "area")).replace("OUT", str(tmp_path / "out"))
    words = words.replace("whatif.json", str(tmp_path / "whatif.json")).split()
    assert words[0] == "careshed"
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, done.output
    stations = json.loads((tmp_path / "out" / "site.json").read_text(encoding="utf-8"))["siting"]["stations"]
    assert set(stations) == set(json.loads(text)["stations"])
    assert map_.faults == []


def test_closed_stations_of_today_are_copied_apart(plan, tmp_path, visit):
    map_ = opened(plan, tmp_path, visit)
    mark(map_, plan, "S1").click()
    map_.page.locator(".cs-try-buttons button", has_text="Copy plan").click()
    fields = [field.input_value() for field in map_.page.locator(".cs-try-copied textarea").all()]
    assert json.loads(fields[1]) == {"stations": ["S1"]}
    assert fields[2].endswith("--required whatif.json --stations 3 --exclude closed.json")


def _toml(tmp_path):
    from test_cli_site import TARGETS

    path = tmp_path / "targets.toml"
    path.write_text(TARGETS, encoding="utf-8")
    return path


def test_without_a_plan_it_starts_from_todays_stations(town, tmp_path, visit):
    targets = town.targets.model_dump()
    targets["service"]["ems"]["siting"]["rules"] = [{"rule": "new", "at_most": 0}]
    plan = make_plan(dataclasses.replace(town, targets=type(town.targets).model_validate(targets)))
    assert plan.solution.status == "infeasible"
    map_ = opened(plan, tmp_path, visit)
    assert figures(map_)["open"] == ["S1"]
    assert "与现状相同" in map_.page.locator(".cs-try-news").inner_text()
    assert map_.count(".cs-try-buttons button") == 2
    assert map_.serious_faults() == []
    assert map_.faults == []


@pytest.mark.parametrize("parts", [("coverage",), ("response",)])
def test_only_times_of_sites_make_a_what_if(town, parts, tmp_path):
    write_map(make_plan(town, parts=parts), tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert ("careshed.whatif" in page) == (parts == ("response",))


def test_too_many_times_are_left_out_and_the_page_says_so(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(whatif, "MOST_TIMES", 100)
    write_map(plan, tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "careshed.whatif" not in page
    assert "17 个站址 × 144 个人口点" in page


def test_readers_with_disabilities_find_no_serious_fault(plan, tmp_path, visit):
    map_ = opened(plan, tmp_path, visit)
    mark(map_, plan, "S1").click()
    map_.page.locator(".cs-try-buttons button", has_text="Copy plan").click()
    assert map_.serious_faults() == []
    names = [one.get_attribute("aria-label") for one in map_.page.locator("[data-state].leaflet-marker-icon").all()]
    assert len(names) == 17
    assert all(names)


def test_a_name_that_is_markup_stays_text(town, tmp_path, visit):
    layers = ("subdistricts", "communities", "facilities", "candidates")
    area = dataclasses.replace(town, **{layer: getattr(town, layer).assign(name=IMG) for layer in layers})
    plan = make_plan(area)
    map_ = opened(plan, tmp_path, visit)
    site = mark(map_, plan, "S1")
    site.hover()
    assert IMG in map_.page.locator(".cs-try-tip").inner_text()
    site.click()
    assert map_.page.locator(".cs-try-chip").inner_text() == IMG
    assert map_.count("body img") == 0
    assert map_.faults == []


def test_times_are_whole_milliseconds_with_the_delay(plan):
    facts, times = facts_of(plan), plan.times["ems"]
    held = np.frombuffer(base64.b64decode(facts["times"]), dtype=np.uint8).reshape(-1, 3).astype(np.int64)
    ms = (held * [1, 256, 65536]).sum(axis=1).reshape(len(times.origin_ids), -1)
    frame = times.to_frame()
    row, column = (
        times.origin_ids.get_indexer(frame["origin_id"]),
        times.destination_ids.get_indexer(frame["destination_id"]),
    )
    assert (ms[row, column] == np.rint(frame["seconds"] * 1000) + 240_000).all()
    assert (ms == facts["unreached"]).sum() == ms.size - len(frame)


def test_the_script_asks_for_every_text_and_for_no_other():
    script = SCRIPTS.joinpath("whatif.js").read_text(encoding="utf-8")
    python = SCRIPTS.joinpath("_whatif.py").read_text(encoding="utf-8")
    asked = {
        *re.findall(r"whatif\.([a-z0-9_]+)\b(?!\.|\()", script),
        *re.findall(r'label\("whatif\.([a-z_]+)"', python),
    }
    kinds = {key for key in pages()["whatif"] if key.startswith(("mark_", "dot_"))}
    assert asked - {"mark_", "dot_", "json"} | kinds == set(pages()["whatif"])

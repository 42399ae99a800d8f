"""Map and report in a browser with no network: what is on the screen, what is asked for, what goes wrong."""

import dataclasses
from pathlib import Path

import pytest

from careshed.area import Provenance, StudyArea
from careshed.maps import write_map
from careshed.plan import make_plan
from careshed.report import write_report

DATA = Path(__file__).parents[1] / "data"
IMG = "<img src=x onerror=alert(1)>"
BREAK_OUT = "</script><script>alert(2)</script>"


@pytest.fixture
def plan(town):
    return make_plan(town)


def test_the_map_opens_without_a_network_and_shows_every_feature(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html")
    assert map_.count(".leaflet-units-pane path") == 4
    assert map_.count(".leaflet-fills-pane path") == 4
    assert map_.count(".leaflet-points-pane path") == 16
    assert map_.count(".leaflet-marker-pane .cs-care") == 2
    assert map_.count(".leaflet-marker-pane .cs-station") == 4
    assert sorted(map_.shown(".cs-name span")) == sorted(plan.area.subdistricts["name"])
    assert map_.page.title() == "小城 Town · careshed"
    assert map_.faults == []


def test_fills_replace_one_another_and_the_legend_follows(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html")
    seen = []
    for choice in map_.page.locator(".cs-legend label:has([type=radio])").all():
        choice.click()
        headings = map_.shown(".cs-legend section:has(:checked) h3")
        seen.append((headings[0].split()[0], map_.count(".leaflet-fills-pane path")))
    names = [name for name, _ in seen]
    assert names[0] == "10"
    assert names[1:4] == ["步行等时圈", "反应时间（现状）", "反应时间（方案）"]
    drawn = dict(seen)
    assert drawn.pop("道路覆盖") == 0  # on the canvas of streets
    assert [name for name, paths in drawn.items() if not paths] == [seen[-1][0]]
    assert map_.faults == []


def test_on_a_narrow_screen_the_list_of_layers_folds(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html", width=760)
    choice = map_.page.locator(".cs-legend label").first
    assert not choice.is_visible()
    map_.page.locator(".cs-fold").click()
    assert choice.is_visible()
    assert map_.faults == []


def test_a_phase_can_be_taken_off(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html")
    map_.page.locator(".cs-legend label", has_text="2022-12-31").click()
    assert map_.count(".leaflet-marker-pane .cs-station") == 3
    assert map_.count(".leaflet-marker-pane .cs-phase-2") == 0
    assert map_.faults == []


def test_a_station_tells_its_date_when_asked_by_mouse_or_keyboard(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html")
    pin = map_.page.locator(".leaflet-marker-pane .cs-phase-2")
    pin.focus()
    map_.page.keyboard.press("Enter")
    card = map_.page.locator(".cs-card")
    card.wait_for()
    assert plan.stations.loc[plan.stations["phase"] == 2, "name"].iloc[0] in card.inner_text()
    assert "2022-12-31" in card.inner_text()
    assert map_.faults == []


@pytest.mark.parametrize("name", [IMG, BREAK_OUT, "a'\"`\\${alert(3)}{{ 7*7 }}"])
def test_a_name_that_is_markup_is_shown_as_text(town, tmp_path, visit, name):
    changes = {
        layer: getattr(town, layer).assign(name=name)
        for layer in ("subdistricts", "communities", "facilities", "candidates")
    }
    provenance = {"streets": Provenance("synthetic", name, name)}
    plan = make_plan(dataclasses.replace(town, name=name, provenance=provenance, **changes))
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html")
    assert map_.count("body img") == 0
    assert set(map_.page.locator(".cs-name span").all_inner_texts()) == {name}
    dot = map_.page.locator(".leaflet-points-pane path").first
    dot.hover(force=True)
    assert map_.page.locator(".leaflet-tooltip").first.inner_text() == name
    dot.click(force=True)
    assert map_.page.locator(".cs-card h2").inner_text() == name
    assert map_.page.locator(".cs-panel h1").inner_text() == name
    assert map_.faults == []
    write_report(plan, tmp_path / "report.html")
    report = visit(tmp_path / "report.html")
    assert report.count("img") == 0
    assert name in report.page.locator("#stations ~ div tbody").first.locator("xpath=../../..").inner_text()
    assert report.faults == []


def test_the_report_opens_without_a_network(plan, tmp_path, visit):
    write_report(plan, tmp_path / "report.html")
    report = visit(tmp_path / "report.html")
    assert report.count("figure svg") == 4
    assert report.page.locator("h1").inner_text() == "Town"
    assert report.page.locator("html").get_attribute("lang") == "zh-CN"
    wide = report.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
    assert report.faults == []


@pytest.mark.slow
@pytest.mark.parametrize(("district", "megabytes"), [("xicheng", 8), ("tongzhou", 15)])
def test_an_embedded_area_is_small_and_opens_soon(district, megabytes, tmp_path, visit):
    if not (DATA / district / "area.json").exists():
        pytest.skip(f"data/{district} is not built")
    area = StudyArea.read(DATA / district)
    write_map(make_plan(area, parts=("coverage", "response")), tmp_path / "map.html")
    assert (tmp_path / "map.html").stat().st_size < megabytes * 1e6
    map_ = visit(tmp_path / "map.html")
    assert map_.count(".leaflet-points-pane path") == len(area.communities)
    assert map_.count(".leaflet-units-pane path") == len(area.subdistricts)
    assert map_.faults == []
    # three seconds is the budget on an idle machine; a busy one gets some slack
    assert map_.seconds < 6

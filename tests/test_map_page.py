"""The page around a map: search, phases, measuring, printing, base maps and their policy."""

import dataclasses
import json
import re
import sys

import numpy as np
import pypdfium2
import pyproj
import pytest
import shapely

from careshed.area import Provenance
from careshed.cli import main
from careshed.datums import from_wgs84
from careshed.errors import InputError
from careshed.maps import coverage_map, write_map
from careshed.maps._basemap import BASEMAPS, basemap_of
from careshed.maps._phases import phases
from careshed.plan import make_plan
from careshed.words import Label

KEY = "0123456789abcdef0123456789abcdef"
NAMES = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "{{ 7*7 }}")


@pytest.fixture
def plan(town):
    return make_plan(town)


@pytest.fixture
def opened(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    return visit(tmp_path / "map.html")


def _policy(html):
    return re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")


def _numbers(html):
    """Return every coordinate of the page's layers, pins and labels, in order."""
    points = []
    for part in re.findall(r'"coordinates":(\[[^a-z"]*\])', html):
        points += np.asarray(re.findall(r"-?\d+\.\d+", part), dtype=float).reshape(-1, 2).tolist()
    facts = re.findall(r'"names":(\[\[.*?\]\])', html)[-1]
    return np.array(points + [row[:2] for row in json.loads(facts)])


def test_search_by_keyboard_shows_what_was_off(opened, plan):
    name = plan.area.candidates.index.difference(plan.stations.index)[0]
    title = plan.area.candidates.loc[name, "name"]
    box = opened.page.get_by_role("combobox")
    box.press_sequentially(title)
    assert box.get_attribute("aria-expanded") == "true"
    option = opened.page.locator("[role=option][aria-selected=true]")
    assert title in option.inner_text()
    assert box.get_attribute("aria-activedescendant") == option.get_attribute("id")
    box.press("Enter")
    opened.page.locator(".cs-card").wait_for()
    assert opened.page.locator(".cs-card h2").inner_text() == title
    assert box.get_attribute("aria-expanded") == "false"
    assert opened.faults == []


def test_search_moves_with_the_arrows_and_escape_closes_it(opened):
    box = opened.page.get_by_role("combobox")
    box.press_sequentially("社区1")
    options = opened.page.locator("[role=option]")
    assert options.first.get_attribute("aria-selected") == "true"
    box.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    box.press("ArrowUp")
    box.press("ArrowUp")
    assert options.last.get_attribute("aria-selected") == "true"
    box.press("Escape")
    assert not opened.page.locator(".cs-hits").is_visible()
    box.fill("没有这个地方")
    assert "nothing found" in opened.page.locator("#cs-search-news").inner_text()


@pytest.mark.parametrize("text", ["一中心", "老站", "First", "社区7"])
def test_search_finds_facilities_stations_subdistricts_and_communities(opened, text):
    box = opened.page.get_by_role("combobox")
    box.press_sequentially(text)
    box.press("Enter")
    assert text in opened.page.locator(".cs-card h2").inner_text()
    assert opened.faults == []


def test_search_by_id_finds_places_of_every_layer(opened, plan):
    idle = plan.area.candidates.index.difference(plan.stations.index)[0]
    new = plan.stations.index[plan.stations["status"] != "existing"][0]
    centre = plan.area.facilities.index[plan.area.facilities["kind"] == "community_health_centre"][0]
    names = {
        "C07": plan.area.communities["name"]["C07"],
        "Q2": str(Label(plan.area.subdistricts["name"]["Q2"], plan.area.subdistricts["name_en"]["Q2"])),
        "S1": plan.area.facilities["name"]["S1"],
        centre: plan.area.facilities["name"][centre],
        idle: plan.area.candidates["name"][idle] or idle,
        new: plan.stations["name"][new] or new,
    }
    box = opened.page.get_by_role("combobox")
    for id_, name in names.items():
        box.fill(id_.lower())
        box.press("Enter")
        assert opened.page.locator(".cs-card h2").last.inner_text() == name, id_
    assert opened.faults == []


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_text_in_search_and_on_phases(town, tmp_path, visit, name):
    changes = {
        layer: getattr(town, layer).assign(name=name)
        for layer in ("subdistricts", "communities", "facilities", "candidates")
    }
    provenance = {"streets": Provenance("synthetic", name, name)}
    write_map(make_plan(dataclasses.replace(town, name=name, provenance=provenance, **changes)), tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html")
    box = map_.page.get_by_role("combobox")
    box.press_sequentially(name[:6])
    assert map_.page.locator("[role=option] span").first.inner_text() == name
    map_.page.locator(".cs-steps label").first.click()
    assert map_.count("body img") == 0
    assert name in map_.page.locator(".cs-source").inner_text()
    assert map_.faults == []


def test_phases_are_cumulative_and_tell_their_figures(opened, plan):
    steps = opened.page.get_by_role("group", name="分期").get_by_role("radio")
    assert steps.count() == 3
    found = []
    for step in steps.all():
        step.check(force=True)
        figures = opened.shown(".cs-phases dd")
        found.append((opened.count(".leaflet-marker-pane .cs-station"), int(figures[0])))
    assert found == [(1, 1), (3, 3), (4, 4)]
    assert figures[2] == f"{plan.after.total['mean_s'] / 60:.1f} min"
    assert opened.faults == []


def test_a_layer_switched_by_hand_leaves_no_phase_chosen(opened):
    opened.page.locator(".cs-legend label", has_text="2021-12-31").click()
    assert opened.count("[name=cs-phase]:checked") == 0
    assert opened.shown(".cs-phases dd") == []
    opened.page.get_by_role("radio", name=re.compile("2021")).focus()
    opened.page.keyboard.press("Space")
    assert opened.page.locator("[name=cs-phase]:checked").get_attribute("value") == "2021-12-31"
    assert opened.count(".leaflet-marker-pane .cs-station") == 3


def test_figures_of_phases_are_those_of_the_plan(plan):
    now, *later = phases(plan)
    assert now.by == ""
    assert now.figures[2][1] == f"{plan.before.total['mean_s'] / 60:.1f} min"
    assert [step.by for step in later] == list(plan.solution.phases["by"])
    assert later[-1].figures[2][1] == f"{plan.after.total['mean_s'] / 60:.1f} min"
    shares = plan.solution.phases["covered"] / plan.solution.assignment["weight"].sum()
    assert [step.figures[1][1].split("(")[1] for step in later] == [f"{share:.1%})" for share in shares]


def test_a_plan_without_sites_has_no_phases(plan):
    assert phases(dataclasses.replace(plan, solution=None)) == []


def _click(page, at):
    spot = page.evaluate("([lat, lng]) => careshed.map.latLngToContainerPoint([lat, lng])", at)
    box = page.locator(".leaflet-container").bounding_box()
    page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
    return page.evaluate("([x, y]) => careshed.map.containerPointToLatLng([x, y])", [spot["x"], spot["y"]])


def _square(page):
    south, west, north, east = page.evaluate(
        "(() => { const b = careshed.map.getBounds().pad(-0.3);"
        " return [b.getSouth(), b.getWest(), b.getNorth(), b.getEast()]; })()"
    )
    return [(south, west), (north, west), (north, east), (south, east)]


@pytest.mark.parametrize("basemap", ["none", "amap"])
def test_a_measured_length_and_area_are_geodesic(plan, tmp_path, visit, basemap):
    write_map(plan, tmp_path / "map.html", basemap=basemap)
    map_ = visit(tmp_path / "map.html")
    map_.page.locator("[data-tool=measure]").click()
    points = _square(map_.page)
    clicked = []
    for point in [*points, points[0]]:
        clicked.append(_click(map_.page, point))
        map_.page.wait_for_timeout(350)  # two clicks at once would be a double click
    told = map_.page.locator("#cs-measured").inner_text()
    length_km = float(re.search(r"([\d.]+) km(?!²)", told)[1])
    area_km2 = float(re.search(r"([\d.]+) km²", told)[1])
    ring = shapely.Polygon([(at["lng"], at["lat"]) for at in clicked[:4]])
    area_m2, length_m = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(ring)
    assert length_km * 1000 == pytest.approx(length_m, rel=0.005)
    assert area_km2 * 1e6 == pytest.approx(abs(area_m2), rel=0.006)
    map_.page.keyboard.press("Escape")
    assert not map_.page.locator("#cs-measured").is_visible()


def test_measuring_passes_over_places_and_a_double_click_ends_it(opened):
    button = opened.page.locator("[data-tool=measure]")
    button.click()
    opened.page.locator(".leaflet-container").dblclick(position={"x": 300, "y": 300})
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    button.click()
    dot = opened.page.locator(".leaflet-marker-pane .cs-station").first.bounding_box()
    opened.page.mouse.click(dot["x"] + 8, dot["y"] + 8)
    assert opened.count(".cs-card") == 0
    opened.page.locator(".leaflet-container").focus()
    opened.page.keyboard.press("Enter")
    assert re.search(r"\d+ m", opened.page.locator("#cs-measured").inner_text())
    assert opened.faults == []


def test_on_paper_legend_and_note_stand_beside_the_map_and_buttons_go(opened):
    before = opened.page.evaluate("careshed.map.getZoom()")
    opened.page.emulate_media(media="print")
    opened.page.locator("html.cs-paper").wait_for()
    for gone in (".cs-bar", ".leaflet-control-zoom", ".cs-fold", ".cs-legend input"):
        assert opened.shown(gone) == []
    note = opened.page.locator(".cs-source").inner_text()
    assert "SYNTHETIC" in note
    assert "EPSG:32650" in note
    assert re.search(r"\d{4}-\d\d-\d\d$", note)
    panel, map_ = (opened.page.locator(part).bounding_box() for part in (".cs-panel", ".cs-map"))
    assert panel["x"] + panel["width"] <= map_["x"]
    assert map_["y"] + map_["height"] < 200 / 25.4 * 96
    assert len(opened.shown(".cs-legend section")) == opened.count(".cs-legend input:checked")
    opened.page.emulate_media(media="screen")
    opened.page.locator(".cs-bar").wait_for()
    assert opened.page.evaluate("careshed.map.getZoom()") == before
    assert opened.faults == []


def _printed(map_):
    """Print a page, and return its sheets as pictures."""
    paper = map_.page.pdf(prefer_css_page_size=True, print_background=True)
    return [sheet.render(scale=1).to_pil().convert("RGB") for sheet in pypdfium2.PdfDocument(paper)]


def _share(sheet, colour, *, within=4):
    """Return the share of a sheet that has a colour, or nearly so."""
    return (np.abs(np.asarray(sheet, dtype=int) - colour).max(axis=-1) <= within).mean()


def test_a_printed_sheet_has_the_fills_of_the_screen(opened):
    css = opened.page.locator(".leaflet-fills-pane path").first.get_attribute("fill")
    fill, ground = (np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) for code in (css, "#f6f6f4"))
    before = opened.page.evaluate("[careshed.map.getZoom(), document.querySelectorAll('canvas').length]")
    (sheet,) = _printed(opened)
    assert (sheet.width, sheet.height) == (842, 595)
    assert _share(sheet, 0.75 * fill + 0.25 * ground) > 0.1
    opened.page.locator(".cs-bar").wait_for()
    after = opened.page.evaluate("[careshed.map.getZoom(), document.querySelectorAll('canvas').length]")
    assert after == before
    assert opened.faults == []


def test_dots_of_the_what_if_hide_nothing_on_paper(opened):
    opened.page.locator(".cs-try-switch").click()
    opened.page.locator(".cs-site").first.wait_for()
    ground = np.array([0xF6, 0xF6, 0xF4])
    assert _share(_printed(opened)[0], ground) > 0.2
    assert opened.faults == []


def test_a_legend_too_long_for_the_sheet_gets_its_own(opened):
    for box in opened.page.locator(".cs-legend [type=checkbox]:not(:checked)").all():
        box.check()
    opened.page.evaluate("document.querySelector('.cs-legend').style.minHeight = '200mm'")
    map_sheet, legend_sheet = _printed(opened)
    ground = np.array([0xF6, 0xF6, 0xF4])
    assert _share(map_sheet, ground, within=0) > 0.2 > _share(legend_sheet, ground, within=0)
    assert opened.faults == []


@pytest.mark.parametrize("width", [1400, 760])
def test_axe_finds_nothing_serious(plan, tmp_path, visit, width):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html", width=width)
    assert map_.serious_faults() == []
    map_.page.get_by_role("combobox").press_sequentially("社区")
    map_.page.locator(".leaflet-marker-pane .cs-station").first.press("Enter")
    map_.page.get_by_role("combobox").press_sequentially("1")
    map_.page.wait_for_timeout(600)  # a card fades in
    assert map_.serious_faults() == []
    assert map_.faults == []


def test_when_folded_the_note_is_still_there(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html")
    map_ = visit(tmp_path / "map.html", width=760)
    assert not map_.page.locator(".cs-legend").is_visible()
    assert "SYNTHETIC" in map_.page.locator(".cs-source").inner_text()
    map_.page.locator(".cs-fold").click()
    assert map_.page.locator(".cs-legend").is_visible()


def test_the_offline_page_lets_nothing_through_and_an_online_one_its_tiles_only(plan, monkeypatch):
    monkeypatch.setenv("TIANDITU_KEY", KEY)
    offline = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:"
    hosts = {
        "none": [],
        "osm": ["https://tile.openstreetmap.org"],
        "carto": [f"https://{one}.basemaps.cartocdn.com" for one in "abcd"],
        "amap": [f"https://webrd0{one}.is.autonavi.com" for one in "1234"],
        "tianditu": [f"https://t{one}.tianditu.gov.cn" for one in "01234567"],
    }
    assert hosts.keys() == BASEMAPS.keys()
    for name, allowed in hosts.items():
        html = coverage_map(plan, basemap=name).get_root().render()
        assert _policy(html) == offline.replace("img-src data:", " ".join(["img-src data:", *allowed]))
        urls = basemap_of(name).urls
        assert all("{z}" in url and "{x}" in url and "{y}" in url and url.startswith("https://") for url in urls)
        assert all(f'"url":"{url}"'.replace("&", "\\u0026") in html for url in urls)


def test_without_a_network_an_online_map_still_shows_its_features(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html", basemap="osm")
    map_ = visit(tmp_path / "map.html")
    assert map_.count(".leaflet-units-pane path") == 4
    assert map_.count(".leaflet-marker-pane .cs-station") == 4
    assert "OpenStreetMap" in map_.page.locator(".leaflet-control-attribution").inner_text()
    asked = [fault for fault in map_.faults if fault.startswith("request: ")]
    assert asked
    assert all(fault.startswith("request: https://tile.openstreetmap.org/") for fault in asked)
    assert all("ERR_FAILED" in fault for fault in map_.faults if fault not in asked)


def test_over_amap_every_coordinate_is_moved_to_its_datum(plan):
    plain = coverage_map(plan).get_root().render()
    moved = coverage_map(plan, basemap="amap").get_root().render()
    before, after = _numbers(plain), _numbers(moved)
    assert len(before) == len(after) > 500
    expected = np.column_stack(from_wgs84(before[:, 0], before[:, 1], "gcj02"))
    assert np.abs(after - expected).max() < 2.1e-5  # rounded twice, to a metre
    assert np.abs(after - before).min() > 1e-3
    corners = [json.loads(re.findall(r'"bounds":(\[\[.*?\]\])', html)[-1]) for html in (plain, moved)]
    assert np.abs(np.subtract(*corners)).min() > 1e-3
    assert "GCJ-02" in moved
    assert "GCJ-02" not in plain


def test_search_over_amap_goes_to_where_the_pin_is(plan, tmp_path, visit):
    write_map(plan, tmp_path / "map.html", basemap="amap")
    map_ = visit(tmp_path / "map.html")
    box = map_.page.get_by_role("combobox")
    box.press_sequentially("老站")
    box.press("Enter")
    centre = map_.page.evaluate("careshed.map.getCenter()")
    place = pyproj.Transformer.from_crs(plan.area.crs, 4326, always_xy=True).transform(440_500, 4_420_500)
    (lon,), _ = from_wgs84([place[0]], [place[1]], "gcj02")
    assert abs(centre["lng"] - lon) < 0.005
    assert map_.page.locator(".cs-card h2").inner_text() == "老站"


@pytest.mark.parametrize(
    ("key", "said"), [(None, "TIANDITU_KEY"), ("", "TIANDITU_KEY"), ('x"><script>secret', "letters and digits")]
)
def test_a_missing_or_malformed_key_is_refused_and_not_repeated(monkeypatch, key, said):
    monkeypatch.delenv("TIANDITU_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("TIANDITU_KEY", key)
    with pytest.raises(InputError, match=said) as refused:
        basemap_of("tianditu")
    assert "secret" not in str(refused.value)
    with pytest.raises(InputError, match="expected one of none, osm"):
        basemap_of("google")


def test_the_key_stands_in_the_map_and_nowhere_else(town, tmp_path, monkeypatch, capsys):
    town.write(tmp_path / "town")
    (tmp_path / "town" / "targets.toml").write_text(_targets(), encoding="utf-8")
    words = ["careshed", "coverage", str(tmp_path / "town"), "-o", str(tmp_path / "out"), "--basemap", "tianditu"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.delenv("TIANDITU_KEY", raising=False)
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == 2
    assert "TIANDITU_KEY" in said.err
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("TIANDITU_KEY", KEY)
    try:
        main()
    except SystemExit as done:
        assert not done.code  # noqa: PT017 - typer leaves with 0
    said = capsys.readouterr()
    assert KEY not in said.out + said.err
    assert KEY not in repr(basemap_of("tianditu"))
    held = {file.name for file in (tmp_path / "out").iterdir() if KEY.encode() in file.read_bytes()}
    assert held == {"map.html"}


def _targets():
    return (
        'title = "Town"\n[service.chc]\nlabel_zh = "社区卫生服务"\nlabel_en = "community health"\n'
        'kinds = ["community_health_centre"]\nmode = "walk"\ndirection = "to"\nminutes = 10\n'
    )

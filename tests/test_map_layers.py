"""Layers of the map: what they show is what was computed, and it is on the screen."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.area import StudyArea
from careshed.brief import Ask
from careshed.indicators import response_times
from careshed.maps import coverage_map
from careshed.maps._candidates import candidate_layer, candidate_scores
from careshed.maps._layer import STATIONS, THEMES
from careshed.maps._places import place_layers
from careshed.maps._shapes import Shapes
from careshed.maps._stations import station_layers
from careshed.maps._surface import cover_layer, response_layers
from careshed.maps._themes import density, theme_layers
from careshed.plan import make_plan

DISTRICTS = ("xicheng", "tongzhou", "pinggu")


@pytest.fixture
def plan(town):
    return make_plan(town)


@pytest.fixture
def shapes(town):
    return Shapes(town.crs)


def named(layers, name):
    return next(layer for layer in layers if name in str(layer.name))


def drawn(layer):
    """Return a layer's shapes as they go into the page, with their classes."""
    rows = layer.element.rows
    return pd.Series(
        [shapely.geometry.shape(row["geometry"]) for row in rows], [row["properties"]["k"] for row in rows]
    )


def first_number(text):
    return float(re.search(r"[\d.,]+", text)[0].replace(",", ""))


@pytest.mark.parametrize("district", DISTRICTS)
def test_outlines_of_neighbours_share_their_borders_exactly(embedded, district):
    area = StudyArea.read(embedded / district)
    outlines = [shapely.geometry.shape(own) for own in Shapes(area.crs).outlines(area.subdistricts.geometry.to_numpy())]
    assert shapely.is_valid(outlines).all()
    assert shapely.coverage_is_valid(outlines)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 120), st.integers(1, 6))
def test_a_mosaic_fills_its_frame_without_gaps_or_overlaps(seed, points, kinds):
    rng = np.random.default_rng(seed)
    quarters = [shapely.box(x, y, x + 700, y + 500) for x in (440_000, 440_700) for y in (4_420_000, 4_420_500)]
    spots = shapely.MultiPoint(rng.uniform((440_000, 4_420_000), (441_400, 4_421_000), (points, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(spots, extend_to=shapely.union_all(quarters), ordered=True))
    kind = rng.integers(0, kinds, points)
    parts = np.array([shapely.coverage_union_all(cells[kind == own]) for own in np.unique(kind)])
    made = Shapes(gpd.GeoSeries(quarters, crs=32650).crs).mosaic(parts, np.array(quarters))
    assert shapely.is_valid(made).all()
    assert shapely.coverage_is_valid(made)
    coordinates = shapely.get_coordinates(made)
    assert np.abs(coordinates - coordinates.round(5)).max() < 1e-12
    back = gpd.GeoSeries(made, crs=4326).to_crs(32650)
    # a metre of rounding along two kilometres and a half of edge
    assert abs(back.area.sum() - 1.4e6) < 5000
    inner = [shapely.get_num_interior_rings(part) for part in shapely.get_parts(shapely.coverage_union_all(made))]
    assert sum(inner) == 0


def test_a_district_s_response_is_a_mosaic_too(plan, shapes):
    for layer in response_layers(plan, shapes):
        ground = drawn(layer).drop("target", errors="ignore")
        assert shapely.coverage_is_valid(ground.to_numpy())
        assert gpd.GeoSeries(ground.to_numpy(), crs=4326).to_crs(32650).area.sum() == pytest.approx(4e6, rel=0.003)


def test_response_now_and_planned_have_the_same_classes_and_the_shares_of_the_indicators(plan, shapes):
    layers = response_layers(plan, shapes)
    texts = [[str(key.text) for key in layer.keys] for layer in layers]
    assert len(layers) == 2
    assert texts[0] == texts[1]
    assert any("目标 6 分钟 target 6 min" in text for text in texts[0])
    for layer, response in zip(layers, (plan.before, plan.after), strict=True):
        figures = {key.style: first_number(key.figure) for key in layer.keys}
        assert figures.pop("target") == pytest.approx(100 * response.total["share_within_target"], abs=0.05)
        assert sum(figures.values()) == pytest.approx(100, abs=0.5)
        shown = set(drawn(layer).index) - {"target"}
        assert shown == {style for style, share in figures.items() if share > 0}


def test_the_target_is_marked_after_the_class_that_ends_with_it(plan, shapes):
    keys = response_layers(plan, shapes)[0].keys
    place = [key.style for key in keys].index("target")
    before = str(keys[place - 1].text)
    assert place == len(keys) - 1 or before.endswith(" 6 min")


def test_first_and_second_cover_count_the_stations_that_reach_each_point(plan, shapes):
    layer = cover_layer(plan, shapes)
    service = plan.area.targets.service["ems"]
    times = plan.times["ems"].to_frame()
    times = times[times["origin_id"].isin(plan.stations.index)]
    soon = times[times["seconds"] + service.delay_s <= service.standard_s]
    number = soon.groupby("destination_id").size().reindex(plan.area.demand.index, fill_value=0).clip(upper=2)
    people = plan.area.demand["population"].groupby(number).sum()
    told = [first_number(key.figure) for key in layer.keys]
    assert told == [people.get(own, 0) for own in range(3)]
    assert sum(told[1:]) == pytest.approx(plan.after.total["share_within_target"] * sum(told))


def test_streets_are_as_long_as_the_street_share_says(plan, shapes):
    layer = named(theme_layers(plan, shapes), "道路覆盖")
    total = plan.coverage.total
    figures = {key.style: key.figure for key in layer.keys}
    beyond_m = total["street_m"] - total["street_m_covered"]
    assert figures["reached"] == f"{total['street_m_covered'] / 1000:,.1f} km ({total['street_share']:.1%})"
    assert figures["beyond"] == f"{beyond_m / 1000:,.1f} km ({1 - total['street_share']:.1%})"
    metres = gpd.GeoSeries(drawn(layer), crs=4326).to_crs(plan.area.crs).length
    assert metres["reached"] == pytest.approx(total["street_m_covered"], rel=0.002)
    assert metres["beyond"] == pytest.approx(beyond_m, rel=0.002)


def test_density_is_people_by_square_kilometre(plan, shapes):
    assert density(plan) == pytest.approx([360.0] * 4)
    layer = named(theme_layers(plan, shapes), "人口密度")
    assert [str(key.text) for key in layer.keys] == ["360 – 360"]
    assert "1,440" in str(layer.note)


def test_isochrones_are_thirds_of_the_minutes(plan, shapes):
    keys = named(theme_layers(plan, shapes), "等时圈").keys
    assert [str(key.text) for key in keys] == ["0 – 3.33333 min", "3.33333 – 6.66667 min", "6.66667 – 10 min"]


def test_stations_tell_their_phase_to_the_page(plan, shapes):
    layers = station_layers(plan, shapes)
    assert [layer.phase for layer in layers] == ["", "2021-12-31", "2022-12-31"]


def test_a_required_station_has_a_mark_of_its_own(town, shapes):
    plan = make_plan(town, ask=Ask(required=("K10",)))
    layers = station_layers(plan, shapes)
    marked = [
        row["properties"]["t"]
        for layer in layers
        for row in layer.element.rows
        if "cs-required" in row["properties"]["k"]
    ]
    assert marked == ["候选10"]
    assert ["指定" in str(key.text) for layer in layers for key in layer.keys if "cs-required" in key.style] == [True]


def test_a_candidate_s_score_is_what_one_station_more_would_bring(plan):
    scores = candidate_scores(plan)
    assert set(scores.index) == set(plan.area.candidates.index) - set(plan.stations.index)
    service = plan.area.targets.service["ems"]
    people = plan.area.demand["population"]
    for site, row in scores.iterrows():
        times = plan.times["ems"].select(origins=plan.stations.index.union([site]))
        weights = people.astype("float64")
        more = response_times(
            plan.area, times, delay_s=service.delay_s, target_s=service.standard_s, weights=weights
        ).total
        assert row["saved_s"] == pytest.approx(plan.after.total["mean_s"] - more["mean_s"], abs=1e-9)
        gained = (more["share_within_target"] - plan.after.total["share_within_target"]) * people.sum()
        assert row["people_gained"] == pytest.approx(gained, abs=1e-6)
    assert list(scores["rank"]) == sorted(scores["rank"])
    ordered = scores.sort_values(["people_gained", "saved_s"], ascending=False)
    assert list(ordered["people_gained"]) == list(scores["people_gained"])


def test_candidates_are_graded_dots_with_the_best_on_top(plan, shapes):
    layer = candidate_layer(plan, shapes)
    best = candidate_scores(plan).index[0]
    last = layer.element.rows[-1]["properties"]
    assert last["k"] == "score-0"
    assert last["v"][0] == best
    assert last["v"][2].startswith("1 / ")
    assert str(layer.keys[0].text).startswith("第 1–")


def test_communities_tell_who_comes_first_in_first_aid(plan, shapes):
    rows = named(place_layers(plan, shapes), "社区达标").element.rows
    demand = plan.after.demand.assign(community=plan.area.demand["community_id"])
    names = plan.stations["name"]
    for row, (_, own) in zip(rows, demand.groupby("community"), strict=True):
        station, minutes = row["properties"]["v"][5:]
        assert station in set(names[own["station_id"].unique()])
        assert minutes == f"{own['seconds'].mean() / 60:.1f} min"


def test_layers_of_a_group_stand_together(town):
    page = coverage_map(make_plan(town))
    assert str(THEMES).startswith("专题")
    assert str(STATIONS) == "急救站点 Stations"
    controlled = [child for child in page._children.values() if getattr(child, "control", False)]
    themes = [layer for layer in controlled if not getattr(layer, "overlay", True)]
    assert controlled[: len(themes)] == themes


def test_every_layer_comes_onto_the_screen_with_all_its_features(plan, tmp_path, visit):
    page = coverage_map(plan)
    (tmp_path / "map.html").write_text(page.get_root().render(), encoding="utf-8")
    map_ = visit(tmp_path / "map.html")
    layers = {child.get_name(): len(child.rows) for child in page._children.values() if hasattr(child, "rows")}
    assert len(layers) >= 14
    # what is drawn as SVG has an element, what is drawn on a canvas has none
    show = """name => {
        careshed.map.addLayer(window[name]);
        const drawn = (one) => careshed.map.hasLayer(one) && (!one.options.renderer || one.getElement());
        return window[name].getLayers().filter(drawn).length;
    }"""
    assert {name: map_.page.evaluate(show, name) for name in layers} == layers
    assert map_.faults == []


def test_a_candidate_s_card_tells_its_rank(plan, tmp_path, visit):
    page = coverage_map(plan)
    (tmp_path / "map.html").write_text(page.get_root().render(), encoding="utf-8")
    map_ = visit(tmp_path / "map.html")
    name = next(c.get_name() for c in page._children.values() if "候选" in str(getattr(c, "layer_name", "")))
    map_.page.evaluate(
        "name => { careshed.map.addLayer(window[name]); window[name].getLayers().at(-1).openPopup(); }", name
    )
    card = map_.page.locator(".cs-card")
    card.wait_for()
    text = card.inner_text()
    assert "排名 Rank" in text
    assert f"1 / {len(candidate_scores(plan))}" in text
    assert map_.faults == []

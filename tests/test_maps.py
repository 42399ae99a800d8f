"""Maps: what is drawn, that the file stands alone, that names stay text."""

import dataclasses
import json
import re

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from careshed.area import Provenance, StudyArea, empty_layer
from careshed.maps import coverage_map, write_map
from careshed.maps._shapes import Shapes
from careshed.maps._style import NO_FIGURE, STYLES, breaks, classes, decile_breaks, fifths, ramp
from careshed.plan import make_plan

IMG = "<img src=x onerror=alert(1)>"
BREAK_OUT = "</script><script>alert(2)</script>"


@pytest.fixture
def plan(town):
    return make_plan(town)


@pytest.fixture
def html(plan):
    return coverage_map(plan).get_root().render()


def _layers(drawn):
    return {
        re.sub(r" <.*", "", child.layer_name): child
        for child in drawn._children.values()
        if isinstance(child, folium.map.Layer) and child.control
    }


def _features(layer):
    return layer.rows


def test_every_part_of_a_plan_has_its_layer(plan):
    drawn = coverage_map(plan)
    assert isinstance(drawn, folium.Map)
    assert list(_layers(drawn)) == [
        "10 分钟人口覆盖率",
        "步行等时圈",
        "反应时间（现状）",
        "反应时间（方案）",
        "一次、二次覆盖",
        "道路覆盖",
        "人口密度",
        "不填色",
        "现有院前急救站点 (1)",
        "2021-12-31 前新增站点 (2)",
        "2022-12-31 前新增站点 (1)",
        "社区达标",
        "社区卫生服务机构",
        "候选站址（未选）",
        "道路",
    ]


def test_only_one_fill_is_shown_at_first_and_candidates_are_off(plan):
    layers = _layers(coverage_map(plan))
    themes = [layer for layer in layers.values() if not layer.overlay]
    assert [layer.show for layer in themes] == [True, *[False] * 7]
    assert not layers["候选站址（未选）"].show
    assert layers["社区达标"].show


def test_communities_carry_name_people_minutes_share_and_who_serves(plan):
    found = _features(_layers(coverage_map(plan))["社区达标"])
    assert len(found) == 16
    first = found[0]["properties"]
    assert first["t"] == "社区0"
    row = plan.coverage.communities.iloc[0]
    assert first["k"] == ("met" if row["covered"] else "unmet")
    assert first["v"][1:5] == ["90", f"{row['seconds'] / 60:.1f} min", f"{row['share']:.1%}", "一中心"]
    states = [feature["properties"]["k"] for feature in found]
    assert states.count("met") == plan.coverage.total["communities_covered"]
    assert 0 < states.count("met") < 16


def test_new_stations_stand_in_the_layer_of_their_phase_with_their_date(plan):
    layers = _layers(coverage_map(plan))
    second = _features(layers["2022-12-31 前新增站点 (1)"])
    assert [feature["properties"]["v"][2] for feature in second] == ["2022-12-31"]
    ids = plan.stations[plan.stations["phase"] == 2]
    assert second[0]["properties"]["t"] == ids["name"].iloc[0]
    place = gpd.GeoSeries(ids.geometry, crs=plan.area.crs).to_crs(4326).iloc[0]
    assert np.allclose(second[0]["geometry"]["coordinates"], (place.x, place.y), atol=1e-6)


def test_the_widest_isochrone_is_drawn_first_and_bands_are_cumulative(plan):
    bands = _features(_layers(coverage_map(plan))["步行等时圈"])
    areas = [shapely.geometry.shape(feature["geometry"]).area for feature in bands]
    assert areas == sorted(areas, reverse=True)
    assert [feature["properties"]["k"] for feature in bands] == ["band-4", "band-2", "band-0"]


def test_neighbours_share_their_borders_after_rounding(plan):
    units = _features(_layers(coverage_map(plan))["10 分钟人口覆盖率"])
    first, second = (shapely.geometry.shape(feature["geometry"]) for feature in units[:2])
    shared = shapely.intersection(first.boundary, second.boundary)
    assert shared.length > 0
    assert shapely.intersection(first, second).area == 0


def test_the_same_plan_gives_the_same_bytes(town, tmp_path):
    for name in ("one.html", "two.html"):
        write_map(make_plan(town), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_rendering_twice_changes_nothing(plan):
    page = coverage_map(plan).get_root()
    assert page.render() == page.render()


def test_time_that_the_computation_took_is_not_on_the_map(plan):
    late = dataclasses.replace(plan, runtime_s=987654.0)
    assert coverage_map(late).get_root().render() == coverage_map(plan).get_root().render()


def test_nothing_is_fetched(html):
    assert "default-src 'none'" in html
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*", html)
    assert [tag for tag in tags if "src=" in tag or "href=" in tag] == ['<link rel="icon" href="data:,"']
    assert "url(images/" not in html
    assert "sourceMappingURL" not in html
    assert "user-scalable" not in html
    assert "bootstrap" not in html.lower()
    assert "jquery" not in html.lower()
    assert html.index("Content-Security-Policy") < html.index("<script>")


def test_coordinates_have_at_most_six_decimals(html):
    data = html[html.rindex("careshed.styles =") :]
    assert re.search(r"\b11\d\.\d{5}\b", data)
    assert not re.search(r"\b(?:11\d|3\d|4\d)\.\d{7,}", data)


def test_a_synthetic_area_says_so_and_a_real_one_does_not(plan, html):
    assert "SYNTHETIC" in html
    real = dict.fromkeys(plan.area.provenance, Provenance("real", "survey", "2024-05"))
    other = dataclasses.replace(plan, area=dataclasses.replace(plan.area, provenance=real))
    page = coverage_map(other).get_root().render()
    assert "SYNTHETIC" not in page
    assert "2024-05" in page


def test_openstreetmap_is_credited_where_it_is_the_source_only(plan, html):
    assert '"openstreetmap":false' in html
    osm = {**plan.area.provenance, "streets": Provenance("real", "OpenStreetMap contributors (ODbL)", "2025")}
    other = dataclasses.replace(plan, area=dataclasses.replace(plan.area, provenance=osm))
    assert '"openstreetmap":true' in coverage_map(other).get_root().render()


@pytest.mark.parametrize("name", [IMG, BREAK_OUT, "{{ 7*7 }}", "{% if", "{#"])
def test_markup_in_names_is_no_markup_on_the_page(town, name):
    area = _renamed(town, name)
    page = coverage_map(make_plan(area)).get_root().render()
    if "<" in name:
        assert name not in page
    else:
        assert page.count(name) > 30
    plain = coverage_map(make_plan(town)).get_root().render()
    assert page.count("<script") == plain.count("<script")
    assert page.count("<img") == plain.count("<img")


def _renamed(area, name):
    """Return the area with a name like `name` wherever data has one."""
    changes = {"name": name, "missing": {"x": name}, "inputs": {name: "0"}}
    for layer in ("subdistricts", "communities", "facilities", "candidates"):
        changes[layer] = getattr(area, layer).assign(name=name)
    changes["provenance"] = {key: Provenance("synthetic", name, name) for key in area.provenance}
    return dataclasses.replace(area, **changes)


def test_what_was_left_out_is_not_drawn_and_the_page_says_why(town):
    bare = dataclasses.replace(
        town,
        communities=empty_layer("communities", town.crs),
        facilities=empty_layer("facilities", town.crs),
        missing={"facilities": "no file of facilities was given", "communities": "no communities"},
    )
    plan = make_plan(bare)
    drawn = coverage_map(plan)
    names = list(_layers(drawn))
    assert not [name for name in names if "人口覆盖" in name or "道路覆盖" in name or "等时圈" in name]
    assert not [name for name in names if "现状" in name or "社区" in name]
    assert "反应时间（方案）" in names
    assert "no file of facilities was given" in drawn.get_root().render()


def test_an_area_of_streets_and_people_alone_can_be_drawn(town):
    plan = dataclasses.replace(make_plan(town), coverage=None, isochrones=None, before=None, after=None, solution=None)
    plan = dataclasses.replace(plan, stations=plan.stations.iloc[:0])
    names = list(_layers(coverage_map(plan)))
    assert names == ["人口密度", "不填色", "现有院前急救站点 (1)", "社区卫生服务机构", "候选站址（未选）", "道路"]


def test_backdrop_of_any_kind_is_drawn_and_in_the_legend(town, plan):
    shapes = [
        shapely.box(440_100, 4_420_100, 440_300, 4_420_300),
        shapely.LineString([(440_000, 4_420_000), (441_000, 4_421_000)]),
    ]
    backdrop = gpd.GeoDataFrame(
        {"kind": ["water", "moat <b>"], "name": ["", ""]},
        geometry=shapes,
        crs=town.crs,
        index=pd.Index(["b1", "b2"], name="backdrop_id"),
    )
    drawn = coverage_map(dataclasses.replace(plan, area=dataclasses.replace(town, backdrop=backdrop)))
    assert len(_features(_layers(drawn)["底图"])) == 2
    html = drawn.get_root().render()
    assert '水面 <span class="en" lang="en">Water' in html
    assert "moat &lt;b&gt;" in html


def test_streets_are_a_few_features_by_class(plan):
    found = _features(_layers(coverage_map(plan))["道路"])
    assert [feature["properties"]["k"] for feature in found] == ["minor"]
    assert found[0]["geometry"]["type"] == "MultiLineString"


def test_half_a_file_is_never_left(plan, tmp_path):
    (tmp_path / "map.html").mkdir()
    with pytest.raises(ValueError, match="folder"):
        write_map(plan, tmp_path / "map.html")
    assert list(tmp_path.iterdir()) == [tmp_path / "map.html"]


def test_classes_take_a_value_at_the_limit():
    limits = [0.5, 0.8, 1.0]
    styles = ramp("share", 3)
    assert classes(np.array([0.5, 0.51, 1.0, np.nan]), limits, styles) == [styles[0], styles[1], styles[2], NO_FIGURE]


def test_deciles_hold_a_tenth_each_and_one_limit_is_the_target():
    seconds, weights = np.arange(60.0, 660.0, 6.0), np.ones(100)
    assert decile_breaks(seconds, weights, target_s=9999.0) == [54.0 + 60 * tenth for tenth in range(1, 10)]
    assert decile_breaks(seconds, weights, target_s=301.0)[3:6] == [301.0, 354.0, 414.0]
    assert decile_breaks(np.array([np.nan]), np.ones(1), target_s=60.0) == []
    assert decile_breaks(np.full(5, 90.0), np.ones(5), target_s=60.0) == [90.0]


def test_fifths_have_two_digits_and_hold_every_value():
    assert fifths(np.array([596.0, 1111.0, 1873.0, 8299.0, 10_871.0, 28_345.0]))[-1] == 29_000.0
    assert fifths(np.array([360.0, 360.0])) == [360.0]
    for limits in (fifths(np.array([0.0, 3.0])), fifths(np.arange(1.0, 40.0))):
        assert limits == sorted(set(limits))


@pytest.mark.parametrize(
    "values", [[0.2], [0.0, 0.0], [0.69, 0.75, 0.99, 1.0], [0.0, 1.0], list(np.linspace(0.03, 0.97, 30))]
)
def test_breaks_are_few_and_hold_every_value(values):
    limits = breaks(np.array(values))
    assert 1 <= len(limits) <= 5
    assert limits == sorted(limits)
    assert limits[-1] >= max(values)
    assert set(classes(np.array(values), limits, ramp("share", len(limits)))) <= STYLES.keys()


def test_shapes_are_where_they_should_be():
    shapes = Shapes(pyproj.CRS(32650))
    point = shapes.geojson(shapely.Point(500_000, 4_419_592.0))
    assert point["coordinates"][0] == 117.0
    south_west, north_east = shapes.bounds(shapely.box(440_000, 4_420_000, 442_000, 4_422_000))
    assert south_west[0] < north_east[0]
    assert south_west[1] < north_east[1]
    assert 39 < south_west[0] < 40
    assert 116 < south_west[1] < 117


def test_data_in_the_page_is_json_that_a_browser_reads(plan, html):
    start = html.index("careshed.styles = ") + len("careshed.styles = ")
    assert json.loads(html[start : html.index(";</script>", start)]).keys() == STYLES.keys()
    assert isinstance(plan.area, StudyArea)

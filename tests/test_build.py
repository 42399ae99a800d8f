"""Building areas from small files; the real ones where they are at hand."""

import dataclasses
import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from careshed.area import StudyArea
from careshed.build import build_area, build_place
from careshed.build.units import overlaps
from careshed.errors import FileFaultError, RowFaultError
from careshed.osm import MapServices, read_osm

SHARED = Path(__file__).parents[2] / "shared" / "data" / "xicheng"
WEST, SOUTH, STEP, SIDE = 116.35, 39.90, 0.002, 9

TARGETS = """
title = "town"
[service.chc]
label_zh = "社区卫生"
label_en = "community health"
kinds = ["community_health_centre"]
mode = "walk"
direction = "to"
minutes = 15
[service.ems]
label_zh = "急救"
label_en = "first aid"
kinds = ["first_aid_station"]
mode = "drive"
direction = "from"
minutes = 12
[service.ems.siting]
stations = 4
min_per_subdistrict = 1
"""


def write_roads(path):
    """A grid of streets some 200 m apart, as OpenStreetMap XML."""
    grid = [(i, j) for i in range(SIDE) for j in range(SIDE)]
    nodes = [
        f'<node id="{i * SIDE + j + 1}" lon="{WEST + i * STEP:.6f}" lat="{SOUTH + j * STEP:.6f}"/>' for i, j in grid
    ]
    lines = [[i * SIDE + j + 1 for j in range(SIDE)] for i in range(SIDE)]
    lines += [[i * SIDE + j + 1 for i in range(SIDE)] for j in range(SIDE)]
    ways = [
        f'<way id="{k}">' + "".join(f'<nd ref="{n}"/>' for n in line) + '<tag k="highway" v="residential"/></way>'
        for k, line in enumerate(lines, 1)
    ]
    station = (
        f'<node id="9001" lon="{WEST + 0.0041:.6f}" lat="{SOUTH + 0.004:.6f}">'
        '<tag k="emergency" v="ambulance_station"/><tag k="name" v="站"/></node>'
    )
    text = "".join([*nodes, station, *ways])
    path.write_text(f'<?xml version="1.0"?><osm version="0.6">{text}</osm>', encoding="utf-8")
    return path


@pytest.fixture
def roads(tmp_path):
    return write_roads(tmp_path / "roads.osm")


@pytest.fixture
def subdistricts(tmp_path):
    span = STEP * (SIDE - 1)
    middle = WEST + span / 2
    boxes = [
        shapely.box(WEST + 0.001, SOUTH + 0.001, middle, SOUTH + span),
        shapely.box(middle, SOUTH + 0.001, WEST + span - 0.001, SOUTH + span),
    ]
    frame = gpd.GeoDataFrame(
        {"编号": ["u1", "u2"], "名称": ["东城街道", "西城街道"], "population_est": [1000, 501]},
        geometry=boxes,
        crs=4326,
    )
    frame.to_file(tmp_path / "units.geojson")
    return tmp_path / "units.geojson"


@pytest.fixture
def targets(tmp_path):
    (tmp_path / "targets.toml").write_text(TARGETS, encoding="utf-8")
    return tmp_path / "targets.toml"


def table(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_roads_alone_make_one_unit(roads):
    area = build_area(roads)
    assert area.name == "roads"
    assert len(area.subdistricts) == 1
    assert area.boundary.buffer(0.02).covers(shapely.union_all(area.streets.geometry))
    assert "convex hull of the roads" in area.assumptions["subdistricts"]
    assert {"communities", "demand", "population", "calls", "targets"} <= area.missing.keys()
    assert not len(area.demand)
    # the station comes with the roads
    assert area.facilities["kind"].tolist() == ["first_aid_station"]
    assert len(area.candidates) == SIDE * SIDE


def test_subdistricts_are_filled_along_streets(roads, subdistricts, targets):
    steps = []
    area = build_area(roads, subdistricts=subdistricts, targets=targets, n_candidates=10, progress=steps.append)
    assert area.people == 1501
    assert area.demand.groupby("subdistrict_id")["population"].sum().to_dict() == {"u1": 1000, "u2": 501}
    assert area.provenance["population"].status == "estimated"
    assert area.provenance["candidates"].status == "synthetic"
    assert area.provenance["streets"].status == "real"
    assert len(area.candidates) == 10
    assert set(area.candidates["subdistrict_id"]) == {"u1", "u2"}
    assert area.missing["communities"] == "no communities are given (--communities): no community share"
    assert "community_health_centre" in area.missing["facilities of chc"]
    assert "facilities of ems" not in area.missing
    assert area.inputs == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (roads, subdistricts, targets)
    }
    assert any("placing people" in step for step in steps)
    assert not area.synthetic


def test_it_goes_to_disk_and_back_and_is_the_same_twice(tmp_path, roads, subdistricts, targets):
    for name in ("one", "two"):
        build_area(roads, subdistricts=subdistricts, targets=targets, n_candidates=10).write(
            tmp_path / name, targets_toml=targets
        )
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert StudyArea.read(tmp_path / "one").people == 1501


def test_communities_as_points_carry_their_people(tmp_path, roads, subdistricts):
    path = table(
        tmp_path / "c.csv",
        "社区,经度,纬度,人口,老年人口\n甲,116.353,39.905,40,10\n乙,116.355,39.907,60,\n丙,116.353,39.903,-5,\n",
    )
    area = build_area(roads, subdistricts=subdistricts, communities=path)
    # of the west the communities' people, of the east those along streets, as no community is there
    people = area.demand.groupby("subdistrict_id")["population"].sum().to_dict()
    assert people == {"u1": 100, "u2": 501}
    assert area.demand.loc[area.demand["community_id"] != "", "elderly"].tolist() == [10, 0]
    assert area.rejected[["file", "line", "reason"]].to_numpy().tolist() == [
        ["c.csv", "4", "population '-5' is negative"]
    ]
    assert "communities have 100 people where subdistricts state 1,000" in area.assumptions["people"]


def test_communities_without_people_share_those_of_their_subdistrict(tmp_path, roads, subdistricts):
    path = table(tmp_path / "c.csv", "name,x,y\nA,116.353,39.903\nB,116.353,39.913\n")
    area = build_area(roads, subdistricts=subdistricts, communities=path)
    assert area.people == 1501
    assert area.communities["population"].sum() == 1000
    assert (area.communities["population"] > 300).all()
    assert set(area.communities["population_status"]) == {"estimated"}
    assert set(area.demand["community_id"]) == {"", "community-01", "community-02"}


def test_communities_as_polygons(tmp_path, roads, subdistricts):
    box = shapely.box(WEST + 0.001, SOUTH + 0.001, WEST + 0.004, SOUTH + 0.004)
    gpd.GeoDataFrame({"name": ["P"], "population": [77]}, geometry=[box], crs=4326).to_file(tmp_path / "c.gpkg")
    area = build_area(roads, subdistricts=subdistricts, communities=tmp_path / "c.gpkg")
    inside = area.demand[area.demand["community_id"] == "community-01"]
    assert inside["population"].sum() == 77
    assert len(inside) > 1


def test_population_as_totals(tmp_path, roads, subdistricts):
    path = table(tmp_path / "p.csv", "街道,人口,老年人口\n东城,300,30\n")
    area = build_area(roads, subdistricts=subdistricts, population=path)
    assert area.subdistricts["population"].to_dict() == {"u1": 300, "u2": 501}
    assert area.subdistricts["population_status"].to_dict() == {"u1": "real", "u2": "estimated"}
    assert area.demand["elderly"].sum() == 30


def test_population_as_points_says_where(tmp_path, roads, subdistricts):
    path = table(tmp_path / "p.csv", "x,y,pop\n116.353,39.903,7\n116.354,39.907,21\n116.36,39.907,3\n")
    area = build_area(roads, subdistricts=subdistricts, population=path)
    assert area.demand["population"].tolist() == [250, 750, 501]
    alone = build_area(roads, population=path)
    assert alone.people == 31
    assert alone.provenance["population"].source == "p.csv"
    assert alone.subdistricts["population"].tolist() == [31]


def test_calls_are_weights(tmp_path, roads, subdistricts):
    path = table(tmp_path / "calls.csv", "lng,lat,次数\n116.353,39.903,3\n116.354,39.907,\n")
    area = build_area(roads, subdistricts=subdistricts, calls=path)
    assert area.demand["calls"].sum() == 4
    assert "4 calls" in area.assumptions["calls"]


def test_facilities_outside_are_kept_where_roads_reach(tmp_path, roads, subdistricts):
    path = table(
        tmp_path / "f.csv",
        "id,类型,状态,x,y\nin,社区卫生服务中心,现有,116.355,39.905\nnear,医院,,116.3502,39.9002\nfar,医院,,116.30,39.90\n",
    )
    area = build_area(roads, subdistricts=subdistricts, facilities=path)
    assert area.facilities["outside"].to_dict() == {"in": False, "near": True}
    assert area.facilities["subdistrict_id"].to_dict() == {"in": "u1", "near": ""}
    assert area.rejected["id"].tolist() == ["far"]
    with pytest.raises(RowFaultError, match="1 of 3 rows can't be used"):
        build_area(roads, subdistricts=subdistricts, facilities=path, strict=True)


def test_candidates_given_are_taken(tmp_path, roads, subdistricts):
    path = table(tmp_path / "s.csv", "编号,状态,x,y\na,候选,116.355,39.905\nb,必建,116.357,39.905\n")
    area = build_area(roads, subdistricts=subdistricts, candidates=path)
    assert area.candidates["status"].to_dict() == {"a": "candidate", "b": "required"}
    assert area.provenance["candidates"].status == "real"


def test_two_files_of_one_name_both_have_their_hash(tmp_path, roads, subdistricts):
    for layer, row in (("facilities", "kind,x,y\naed,116.355,39.905\n"), ("candidates", "x,y\n116.355,39.905\n")):
        (tmp_path / layer).mkdir()
        table(tmp_path / layer / "a.csv", row)
    area = build_area(roads, facilities=tmp_path / "facilities" / "a.csv", candidates=tmp_path / "candidates" / "a.csv")
    assert {"a.csv", "candidates/a.csv"} <= area.inputs.keys()


def test_overlapping_outlines_are_said_and_settled(tmp_path, roads):
    boxes = [shapely.box(116.351, 39.901, 116.36, 39.915), shapely.box(116.356, 39.901, 116.365, 39.915)]
    path = tmp_path / "units.geojson"
    gpd.GeoDataFrame({"id": ["b", "a"], "name": ["B", "A"], "population": [10, 20]}, geometry=boxes, crs=4326).to_file(
        path
    )
    area = build_area(roads, subdistricts=path)
    assert "1 pairs of outlines overlap" in area.assumptions["overlapping subdistricts"]
    both = shapely.intersection(*area.subdistricts.geometry)
    assert set(area.demand.loc[area.demand.within(both), "subdistrict_id"]) <= {"a"}
    assert area.demand.groupby("subdistrict_id")["population"].sum().to_dict() == {"a": 20, "b": 10}
    assert len(overlaps(area.subdistricts)) == 1


def test_targets_are_read_before_the_roads(tmp_path, roads):
    with pytest.raises(FileFaultError, match="no such file"):
        build_area(tmp_path / "none.osm", targets=tmp_path / "none.toml")


def test_a_place_takes_outlines_from_the_map(monkeypatch, roads, targets):
    extract = read_osm(roads)
    west = shapely.box(WEST, SOUTH, WEST + 0.008, SOUTH + 0.016)
    units = gpd.GeoDataFrame(
        {"name": ["西"], "name_en": ["West"], "population": [99.0]},
        geometry=[west],
        crs=4326,
        index=pd.Index(["relation/1"], name="osm_id"),
    )
    asked = {}

    def download(place, **options):
        asked.update(options, place=place)
        return dataclasses.replace(extract, outline=west, boundaries=units, source=f"OpenStreetMap, {place}")

    monkeypatch.setattr("careshed.build.download_place", download)
    services = MapServices(timeout_s=7, overpass_url="http://127.0.0.1:1/api")
    area = build_place("某区", targets=targets, admin_level=9, services=services)
    assert asked["place"] == "某区"
    assert asked["admin_level"] == 9
    assert asked["services"].overpass_url == "http://127.0.0.1:1/api"
    assert asked["services"].timeout_s == 7
    assert area.name == "某区"
    assert area.subdistricts["name_en"].to_dict() == {"relation/1": "West"}
    assert area.people == 99
    assert area.provenance["population"].status == "estimated"
    monkeypatch.setattr("careshed.build.download_place", lambda *_, **__: dataclasses.replace(extract, outline=west))
    area = build_place("某区", name="town")
    assert area.name == "town"
    assert "the outline of town" in area.assumptions["subdistricts"]
    assert len(area.subdistricts) == 1


@pytest.mark.skipif(not SHARED.exists(), reason="the real data is not beside the checkout")
def test_real_xicheng(tmp_path):
    area = build_area(SHARED / "roads.osm.pbf", subdistricts=SHARED / "subdistricts.geojson", name="西城区")
    assert len(area.subdistricts) == 15
    assert area.people == int(area.subdistricts["population"].sum()) == 1_106_212
    assert 3_000 < len(area.demand) < 10_000
    assert len(area.candidates) == 150
    assert not len(area.rejected)
    by_unit = area.demand.groupby("subdistrict_id")["population"].sum()
    pd.testing.assert_series_equal(by_unit.astype(float), area.subdistricts["population"], check_names=False)
    assert area.demand.within(area.boundary.buffer(0.02)).all()
    assert np.isnan(area.demand["calls"]).all()

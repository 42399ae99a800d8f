"""What other programs read: the GeoPackage with its styles, GeoParquet, CSV, and the record of all of it."""

import hashlib
import json
import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyogrio
import pytest

from careshed.geopackage import LAYERS, write_geopackage
from careshed.plan import make_plan
from careshed.publish import write_plan
from careshed.qml import Symbol, categorized, graduated, single
from careshed.words import pages

QGIS_COLUMNS = [
    "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML",
    "styleSLD", "useAsDefault", "description", "owner", "ui", "update_time",
]  # fmt: skip


@pytest.fixture
def plan(town):
    return make_plan(town)


@pytest.fixture
def package(plan, tmp_path):
    write_geopackage(plan, tmp_path / "plan.gpkg")
    return tmp_path / "plan.gpkg"


def rows(path, query):
    with closing(sqlite3.connect(path)) as file:
        return file.execute(query).fetchall()


def styles(path):
    return {name: ET.fromstring(qml) for name, qml in rows(path, "SELECT f_table_name, styleQML FROM layer_styles")}  # noqa: S314


def test_every_layer_is_there_with_its_type_and_crs(package, plan):
    found = {name: kind for name, kind in pyogrio.list_layers(package) if kind is not None}
    assert list(found) == list(LAYERS)
    assert found["stations"] == found["candidates"] == found["facilities"] == "Point"
    assert found["subdistricts"] == found["isochrones"] == "MultiPolygon"
    for name in LAYERS:
        frame = gpd.read_file(package, layer=name)
        assert frame.crs == plan.area.crs
        assert len(frame)
    assert dict(pyogrio.list_layers(package))["layer_styles"] is None


def test_the_figures_are_those_of_the_plan(package, plan):
    units = gpd.read_file(package, layer="subdistricts").set_index("subdistrict_id")
    share = plan.coverage.subdistricts["population_share"]
    assert np.allclose(units["population_share"], share.reindex(units.index))
    assert np.allclose(units["mean_s_after"], plan.after.subdistricts["mean_s"].reindex(units.index))
    stations = gpd.read_file(package, layer="stations").set_index("site_id")
    assert list(stations.index) == list(plan.stations.index)
    assert stations.geometry.geom_equals_exact(plan.stations.geometry, 1e-9).all()
    communities = gpd.read_file(package, layer="communities")
    assert communities["covered"].sum() == plan.coverage.total["communities_covered"]
    bands = gpd.read_file(package, layer="isochrones")["minutes"]
    assert bands.is_monotonic_decreasing, "the widest would hide the others"


def test_the_same_plan_gives_the_same_bytes(package, plan, tmp_path):
    write_geopackage(plan, tmp_path / "again.gpkg")
    assert (tmp_path / "again.gpkg").read_bytes() == package.read_bytes()
    assert rows(package, "PRAGMA integrity_check") == [("ok",)]
    assert rows(package, "SELECT DISTINCT last_change FROM gpkg_contents") == [("2000-01-01T00:00:00.000Z",)]


def test_styles_are_where_qgis_looks_for_them(package):
    assert [row[1] for row in rows(package, "PRAGMA table_info(layer_styles)")] == QGIS_COLUMNS
    found = rows(
        package,
        "SELECT f_table_name FROM layer_styles "
        "WHERE f_table_schema = '' AND f_geometry_column = 'geom' AND useAsDefault",
    )
    assert [name for (name,) in found] == list(LAYERS)
    registered = rows(package, "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'")
    assert registered == [("attributes",)]
    columns = rows(package, "SELECT table_name, column_name FROM gpkg_geometry_columns")
    assert set(columns) == {(name, "geom") for name in LAYERS}


def test_each_class_of_a_style_has_its_symbol(package):
    for name, root in styles(package).items():
        renderer = root.find("renderer-v2")
        symbols = [symbol.get("name") for symbol in renderer.iterfind("symbols/symbol")]
        kinds = {symbol.get("type") for symbol in renderer.iterfind("symbols/symbol")}
        assert len(kinds) == 1, name
        assert root.findtext("layerGeometryType") == {"marker": "0", "fill": "2"}[kinds.pop()]
        used = [row.get("symbol") for row in renderer if row.tag != "symbols" for row in row]
        assert used == symbols or renderer.get("type") == "singleSymbol"
        for layer in renderer.iterfind("symbols/symbol/layer"):
            options = {option.get("name"): option.get("value") for option in layer.iterfind("Option/Option")}
            assert layer.get("class") in {"SimpleMarker", "SimpleFill"}
            assert all(0 <= int(part) <= 255 for part in options["color"].split(","))


def test_the_classes_of_styles_hold_every_value(package):
    found = {name: root.find("renderer-v2") for name, root in styles(package).items()}
    shares = gpd.read_file(package, layer="subdistricts")["population_share"]
    ranges = [
        (float(row.get("lower")), float(row.get("upper"))) for row in found["subdistricts"].iterfind("ranges/range")
    ]
    assert all(any(low <= share <= high for low, high in ranges) for share in shares)
    values = {name: {row.get("value") for row in root.iterfind("categories/category")} for name, root in found.items()}
    assert values["communities"] == {"met", "unmet", "unknown"}
    assert values["facilities"] == set(gpd.read_file(package, layer="facilities")["kind"])
    assert values["isochrones"] == {f"{m:g}" for m in gpd.read_file(package, layer="isochrones")["minutes"]}
    query = "SELECT DISTINCT {} FROM {}"
    for name in ("communities", "stations"):
        # what the style tells apart is asked of SQLite, whose words for it are the same
        told = {value for (value,) in rows(package, query.format(found[name].get("attr"), name))}
        assert told <= values[name]


def test_a_part_of_a_plan_has_the_layers_it_can(town, tmp_path):
    write_geopackage(make_plan(town, parts=("coverage",)), tmp_path / "coverage.gpkg")
    names = [name for name, kind in pyogrio.list_layers(tmp_path / "coverage.gpkg") if kind is not None]
    assert names == [name for name in LAYERS if name != "stations"]
    write_geopackage(make_plan(town, parts=("response",)), tmp_path / "response.gpkg")
    root = styles(tmp_path / "response.gpkg")["communities"].find("renderer-v2")
    assert root.get("type") == "singleSymbol"


def test_names_are_escaped_in_styles():
    text = categorized("kind", [("<a>&\"'", "<b>&", Symbol("marker", "#010203", "#ffffff", 2))])
    (row,) = ET.fromstring(text).iterfind("renderer-v2/categories/category")  # noqa: S314
    assert (row.get("value"), row.get("label")) == ("<a>&\"'", "<b>&")
    fill = Symbol("fill", "#010203", "#ffffff", 0, 0.5)
    assert fill.properties()["color"] == "1,2,3,128"
    assert fill.properties()["outline_style"] == "no"
    for text in (single(fill), graduated("x", [(0.0, 0.5, "low", fill)])):
        assert text.startswith("<!DOCTYPE qgis")


@pytest.fixture
def folder(plan, tmp_path):
    write_plan(plan, tmp_path / "out")
    return tmp_path / "out"


def test_the_record_lists_every_file_with_its_hash_and_columns(folder, plan):
    record = json.loads((folder / "metadata.json").read_text("utf-8"))
    listed = {row["file"]: row for row in record["distribution"]}
    assert set(listed) == {file.name for file in folder.iterdir()} - {"metadata.json"}
    for name, row in listed.items():
        held = (folder / name).read_bytes()
        assert row["sha256"] == hashlib.sha256(held).hexdigest()
        assert row["byte_size"] == len(held)
        assert row["description"]["zh"]
        assert row["description"]["en"]
        assert row["media_type"] != "application/octet-stream"
    known = pages()["columns"]
    columns = [c for row in listed.values() for c in row.get("columns", [])]
    columns += [c for layer in listed["plan.gpkg"]["layers"].values() for c in layer]
    assert {column["name"] for column in columns} <= set(known)
    units = {column["name"]: column.get("unit") for column in columns}
    assert (units["mean_s"], units["street_m"], units["population_share"]) == ("s", "m", "1")
    assert (units["minutes"], units["name"], units["share_within_target_after"]) == ("min", None, "1")


def test_the_record_says_where_when_and_from_what(folder, plan):
    record = json.loads((folder / "metadata.json").read_text("utf-8"))
    west, south, east, north = record["spatial"]["bbox_wgs84"]
    assert west < east
    assert south < north
    assert 116 < west < 117
    assert record["spatial"]["crs"] == "EPSG:32650"
    assert record["synthetic"]
    assert record["temporal"]["dates_of_data"] == ["2021"]
    assert {row["layer"] for row in record["lineage"]["layers"]} == {"streets", "facilities", "demand"}
    assert record["software"]["careshed"]
    assert record["title"]["en"].startswith(plan.area.name)


def test_tables_open_in_spreadsheets_and_parquet_holds_what_geojson_holds(folder, plan):
    for file in folder.glob("*.csv"):
        assert file.read_bytes().startswith(b"\xef\xbb\xbf"), file.name
    for name, figures in (("stations", plan.stations), ("communities", plan.coverage.communities)):
        exact = gpd.read_parquet(folder / f"{name}.parquet")
        assert exact.crs == plan.area.crs
        assert list(exact.index) == list(figures.index)
        rounded = gpd.read_file(folder / f"{name}.geojson").to_crs(exact.crs)
        assert exact.geometry.geom_equals_exact(rounded.geometry.set_axis(exact.index), 0.05).all()
    assert "index" not in gpd.read_file(folder / "isochrones.geojson")

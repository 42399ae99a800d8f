"""Tables: each format gives the same places, headings and values go by one table."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from careshed.errors import CRSError, FileFaultError, MissingColumnError, RowFaultError
from careshed.tables import (
    FIELDS,
    LAYERS,
    canonical,
    decode,
    match_headings,
    plain,
    read_places,
    read_places_in_chunks,
    read_table,
    read_totals,
)
from careshed.tables.schema import KINDS, STATUSES

CRS = pyproj.CRS("EPSG:32650")
SHEET = pd.DataFrame(
    {
        "编号": ["a1", "a2", "a3"],
        "名称": ["月坛社区卫生服务中心", "<script>alert(1)</script>", "展览路急救工作站"],
        "类型": ["社区卫生服务中心", "社区卫生服务站", "急救工作站"],
        "状态": ["现有", "", "必建"],
        "经度": ["116.35", "116.36", "116.35"],
        "纬度": ["39.91", "39.92", "39.93"],
        "容量": ["12", "", "3.5"],
    }
)


@pytest.fixture
def units():
    west, east = shapely.box(116.34, 39.90, 116.36, 39.94), shapely.box(116.36, 39.90, 116.38, 39.94)
    frame = gpd.GeoDataFrame(
        {"name": ["月坛街道", "展览路街道"], "name_en": ["Yuetan", ""], "population": [1000.0, 2000.0]},
        geometry=[west, east],
        crs="EPSG:4326",
        index=pd.Index(["u1", "u2"], name="subdistrict_id"),
    )
    return frame.to_crs(CRS)


def write(sheet, path):
    """Write the sheet in the format that the extension names."""
    points = gpd.points_from_xy(sheet["经度"].astype(float), sheet["纬度"].astype(float))
    shapes = gpd.GeoDataFrame(sheet.drop(columns=["经度", "纬度"]), geometry=points, crs="EPSG:4326")
    if path.suffix == ".csv":
        sheet.to_csv(path, index=False, encoding="utf-8")
    elif path.suffix == ".xlsx":
        sheet.to_excel(path, index=False)
    elif path.name.startswith("plain"):
        sheet.to_parquet(path)
    elif path.suffix == ".parquet":
        shapes.to_parquet(path)
    else:
        shapes.to_file(path, encoding="UTF-8")
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.geojson", "a.gpkg", "a.shp", "a.parquet", "plain.parquet"])
def test_every_format_gives_the_same_places(tmp_path, units, name):
    places = read_places(write(SHEET, tmp_path / name), "facilities", crs=CRS, units=units)
    frame = places.frame
    assert frame.index.tolist() == ["a1", "a2", "a3"]
    assert frame["name"].tolist() == SHEET["名称"].tolist()
    assert frame["kind"].tolist() == ["community_health_centre", "community_health_station", "first_aid_station"]
    assert frame["status"].tolist() == ["existing", "existing", "required"]
    np.testing.assert_array_equal(frame["capacity"], [12, np.nan, 3.5])
    assert frame["subdistrict_id"].tolist() == ["u1", "u1", "u1"]
    assert not frame["outside"].any()
    assert frame.crs == CRS
    back = frame.to_crs("EPSG:4326").geometry
    np.testing.assert_allclose(back.x, [116.35, 116.36, 116.35], atol=2e-7)
    assert not len(places.rejected)
    first = 2 if name.endswith((".csv", ".xlsx")) else 1
    assert places.lines.tolist() == [first, first + 1, first + 2]


@pytest.mark.parametrize(("encoding", "noted"), [("utf-8", False), ("utf-8-sig", False), ("gb18030", True)])
def test_csv_encodings(tmp_path, encoding, noted):
    path = tmp_path / "a.csv"
    SHEET.to_csv(path, index=False, encoding=encoding)
    table = read_table(path)
    assert table.frame.columns.tolist() == SHEET.columns.tolist()
    assert table.frame["名称"].tolist() == SHEET["名称"].tolist()
    assert any("GB18030" in note for note in table.notes) is noted


@given(st.text(alphabet="东城西街道社区卫生服务站一二三四五六七八九十月坛,abc\n", min_size=1))
def test_decode_gives_back_what_was_written(text):
    path, text = Path("x.csv"), "名称,经度,纬度,人口\n" + text  # a sheet's heading, or two bytes could be either
    assert decode(text.encode("utf-8"), path=path)[0] == text
    assert decode(text.encode("gb18030"), path=path)[0] == text


def test_shapefile_without_cpg_is_gb18030(tmp_path, units):
    path = write(SHEET, tmp_path / "a.shp")
    (tmp_path / "a.cpg").unlink()
    shapes = gpd.read_file(write(SHEET, tmp_path / "b.gpkg"))
    shapes.to_file(path, encoding="GB18030")
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    places = read_places(path, "facilities", crs=CRS, units=units)
    assert places.frame["kind"].iloc[2] == "first_aid_station"
    assert any("GB18030" in note for note in places.notes)


@pytest.mark.parametrize("code", [4490, 4548, 4509, 32650, 3857])
def test_a_declared_crs_is_read_as_what_it_is(tmp_path, code):
    point = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(116.36, 39.92)], crs="EPSG:4326")
    path = tmp_path / "a.gpkg"
    point.to_crs(code).to_file(path)
    found = read_places(path, "candidates", crs=CRS).frame.geometry.iloc[0]
    assert found.distance(point.to_crs(CRS).geometry.iloc[0]) < 0.02


def test_datum_is_taken_from_the_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,lng,lat\na,116.366242,39.921403\n")
    plain_point = read_places(path, "candidates", crs=CRS).frame.geometry.iloc[0]
    moved = read_places(f"{path}:gcj02", "candidates", crs=CRS)
    assert 400 < moved.frame.geometry.iloc[0].distance(plain_point) < 700
    assert any("gcj02" in note for note in moved.notes)


def test_gcj02_polygons(tmp_path):
    path = tmp_path / "a.geojson"
    box = shapely.box(116.35, 39.90, 116.36, 39.91)
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[box], crs="EPSG:4326").to_file(path)
    moved = read_places(f"{path}:gcj02", "subdistricts", crs=CRS).frame.geometry.iloc[0]
    here = gpd.GeoSeries([box], crs="EPSG:4326").to_crs(CRS).iloc[0]
    assert 400 < moved.centroid.distance(here.centroid) < 700


def test_datum_behind_a_projected_file_is_an_error(tmp_path):
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(445000, 4420000)], crs=CRS).to_file(path)
    with pytest.raises(CRSError, match="can't be in gcj02"):
        read_places(f"{path}:gcj02", "candidates", crs=CRS)


def test_headings_ignore_case_width_joints_and_units():
    found, notes = match_headings(["Facility ID", "ＬＯＮ", "纬度（°）", "Kind", "x", "备注"], LAYERS["facilities"])
    assert found == {"id": "Facility ID", "longitude": "ＬＯＮ", "latitude": "纬度（°）", "kind": "Kind"}
    assert notes == ["column 'x' is not read: 'ＬＯＮ' is the longitude"]


def test_the_same_heading_means_the_layers_own():
    assert match_headings(["街道"], LAYERS["subdistricts"])[0] == {"name": "街道"}
    assert match_headings(["社区", "街道"], LAYERS["communities"])[0] == {"name": "社区", "subdistrict": "街道"}


def test_no_alias_names_two_columns():
    for layer in LAYERS.values():
        own = {plain(name): target for name, target in layer.own.items()}
        seen = {}
        for column in layer.columns:
            for alias in FIELDS[column].accepted:
                if own.get(plain(alias), column) == column:
                    assert seen.setdefault(plain(alias), column) == column
    for choices in (KINDS, STATUSES):
        names = [plain(name) for key, aliases in choices.items() for name in {key, *aliases}]
        assert len(names) == len(set(names))


def test_values_have_aliases():
    assert canonical("社区卫生服务站", KINDS) == "community_health_station"
    assert canonical("Community-Health Centre", KINDS) == "community_health_centre"
    assert canonical("候选", STATUSES) == "candidate"
    assert canonical("动物园", KINDS) is None


def test_an_unknown_kind_is_taken_as_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("kind,x,y\nzoo,116.35,39.91\n,116.35,39.92\n")
    places = read_places(path, "facilities", crs=CRS)
    assert places.frame["kind"].tolist() == ["zoo"]
    assert any("zoo" in note for note in places.notes)
    assert places.rejected["reason"].tolist() == ["kind is missing"]


def test_ids_are_made_the_same_way_each_time(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,x,y\nsite-02,116.35,39.91\n,116.35,39.92\n")
    first, second = (read_places(path, "candidates", crs=CRS) for _ in range(2))
    assert first.frame.index.tolist() == second.frame.index.tolist() == ["site-02", "site-02*"]


def test_population_real_fills_estimated(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('name,x,y,人口（人）,population_est\nA,116.35,39.91,"1,200",9\nB,116.35,39.92,,33.6\n')
    frame = read_places(path, "communities", crs=CRS).frame
    assert frame["population"].tolist() == [1200, 34]
    assert frame["population_status"].tolist() == ["real", "estimated"]


def test_subdistrict_without_population_is_kept(tmp_path):
    path = tmp_path / "a.geojson"
    boxes = [shapely.box(116.3, 39.9, 116.31, 39.91), shapely.box(116.31, 39.9, 116.32, 39.91)]
    gpd.GeoDataFrame({"name": ["A", "B"], "population_est": [5, None]}, geometry=boxes, crs=4326).to_file(path)
    frame = read_places(path, "subdistricts", crs=CRS).frame
    assert frame["population"].tolist()[0] == 5
    assert np.isnan(frame["population"].tolist()[1])
    assert set(frame["population_status"]) == {"estimated"}


def test_units_by_name_place_and_nearness(tmp_path, units):
    path = tmp_path / "a.csv"
    path.write_text(
        "name,街道,x,y,pop\n"
        "by place,,116.35,39.91,1\n"
        "by name,展览路,116.35,39.91,1\n"
        "by English,yuetan,116.35,39.91,1\n"
        "by id,u2,116.37,39.91,1\n"
        "on the edge,,116.3390,39.91,1\n"
        "far,,116.30,39.91,1\n"
        "unknown,大兴,116.35,39.91,1\n",
        encoding="utf-8",
    )
    places = read_places(path, "communities", crs=CRS, units=units)
    assert places.frame["subdistrict_id"].tolist() == ["u1", "u2", "u1", "u2", "u1"]
    assert places.rejected["line"].tolist() == ["7", "8"]
    assert "outside" in places.rejected["reason"].iloc[0]
    assert "subdistrict '大兴' is unknown; expected one of 月坛街道, 展览路街道" in places.rejected["reason"].iloc[1]
    assert any("another subdistrict" in note for note in places.notes)
    assert any("outside the outlines and join the nearest" in note for note in places.notes)


def test_facilities_outside_are_flagged(tmp_path, units):
    path = tmp_path / "a.csv"
    path.write_text("id,kind,x,y\nin,aed,116.35,39.91\nout,aed,116.3385,39.91\nfar,aed,116.2,39.91\n")
    near = gpd.GeoSeries([shapely.union_all(units.geometry).buffer(1000)], crs=CRS)
    places = read_places(path, "facilities", crs=CRS, units=units, near=near, max_away_m=500)
    assert places.frame["outside"].tolist() == [False, True]
    assert places.frame["subdistrict_id"].tolist() == ["u1", ""]
    assert places.rejected["id"].tolist() == ["far"]


def test_extra_columns_are_carried_along(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,lon,lat,租金\na,116.35,39.91,77\n", encoding="utf-8")
    frame = read_places(path, "candidates", crs=CRS, extra=True).frame
    assert frame["租金"].tolist() == ["77"]
    assert frame.columns[-1] == "geometry"
    assert "租金" not in read_places(path, "candidates", crs=CRS).frame


def test_lines_count_quoted_line_breaks_and_blank_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,name,x,y\na,"two\nlines",116.35,39.91\n\n,,,\nb,ok,116.35,\n')
    places = read_places(path, "candidates", crs=CRS)
    assert places.frame["name"].tolist() == ["two lines"]
    assert places.lines.tolist() == [2]
    assert places.rejected["line"].tolist() == ["6"]
    assert places.rejected["reason"].tolist() == ["latitude is missing"]


def test_workbook_shows_values_and_names_other_sheets(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["编号", "经度", "纬度"])
    sheet.append([110102001, 116.35, 39.91])
    sheet.append(["b", "=1+1", 39.91])
    book.create_sheet("说明")
    book.save(tmp_path / "a.xlsx")
    places = read_places(tmp_path / "a.xlsx", "candidates", crs=CRS)
    assert places.frame.index.tolist() == ["110102001"]
    assert places.rejected["reason"].tolist() == ["longitude is missing"]
    assert any("说明" in note for note in places.notes)


def test_totals(tmp_path, units):
    path = tmp_path / "a.csv"
    path.write_text("街道,常住人口,老年人口\n展览路,120,30\n月坛街道,80,\n金融街,9,\n", encoding="utf-8")
    places = read_totals(path, units=units)
    assert places.frame["population"].to_dict() == {"u2": 120, "u1": 80}
    assert places.frame.loc["u2", "elderly"] == 30
    assert places.rejected["line"].tolist() == ["4"]
    path.write_text("人口\n3\n", encoding="utf-8")
    with pytest.raises(MissingColumnError, match="no column for subdistrict"):
        read_totals(path, units=units)


def test_strict(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n116.35,39.91\n116.35,\n")
    assert len(read_places(path, "candidates", crs=CRS).frame) == 1
    with pytest.raises(RowFaultError, match=r"1 of 2 rows can't be used \(first: line 3: latitude is missing\)"):
        read_places(path, "candidates", crs=CRS, strict=True)


def test_a_repaired_outline_is_said(tmp_path):
    path = tmp_path / "a.geojson"
    # a spike of no width, as digitising leaves
    spike = shapely.Polygon(
        [
            (116.30, 39.90),
            (116.32, 39.90),
            (116.32, 39.92),
            (116.31, 39.92),
            (116.31, 39.93),
            (116.31, 39.92),
            (116.30, 39.92),
        ]
    )
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[spike], crs=4326).to_file(path)
    places = read_places(path, "subdistricts", crs=CRS)
    assert places.frame.geometry.is_valid.all()
    assert any("repaired" in note for note in places.notes)


def test_semicolons(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id;x;y\na;116.35;39.91\n")
    assert len(read_places(path, "candidates", crs=CRS).frame) == 1


def test_subdistricts_need_outlines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,population\nA,3\n")
    with pytest.raises(FileFaultError, match="no outlines"):
        read_places(path, "subdistricts", crs=CRS)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.geojson", "plain.parquet", "a.parquet"])
def test_chunks_hold_what_the_whole_file_holds(tmp_path, name):
    sheet = pd.DataFrame({"经度": [str(116.3 + i / 1000) for i in range(25)], "纬度": "39.9", "note": "x"})
    path = write(sheet, tmp_path / name)
    whole = read_places(path, "candidates", crs=CRS, extra=True)
    chunks = list(read_places_in_chunks(path, "candidates", rows=10, crs=CRS))
    assert [len(chunk.frame) for chunk in chunks] == [10, 10, 5]
    assert pd.concat([chunk.lines for chunk in chunks]).tolist() == whole.lines.tolist()
    together = pd.concat([chunk.frame for chunk in chunks])
    assert together.index.tolist() == whole.frame.index.tolist()
    assert (together.geometry == whole.frame.geometry).all()
    assert set(together["note"]) == {"x"}
    assert chunks[0].file == name


def test_a_chunk_may_have_no_good_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n116.3,\n116.3,\n116.3,39.9\n")
    chunks = list(read_places_in_chunks(path, "candidates", rows=2, crs=CRS))
    assert [len(chunk.frame) for chunk in chunks] == [0, 1]
    assert chunks[0].rejected["line"].tolist() == ["2", "3"]


def test_a_facility_over_the_border_may_name_its_own_subdistrict(tmp_path, units):
    path = tmp_path / "a.csv"
    path.write_text("id,kind,街道,x,y\nin,aed,外街道,116.35,39.91\nout,aed,外街道,116.3385,39.91\n", encoding="utf-8")
    near = gpd.GeoSeries([shapely.union_all(units.geometry).buffer(1000)], crs=CRS)
    places = read_places(path, "facilities", crs=CRS, units=units, near=near)
    assert places.frame["outside"].to_dict() == {"out": True}
    assert places.rejected["id"].tolist() == ["in"]


def test_elderly_are_not_more_than_all(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,x,y,pop,elderly\nA,116.35,39.91,4,5\nB,116.35,39.92,4,4\n")
    places = read_places(path, "communities", crs=CRS)
    assert places.rejected["reason"].tolist() == ["elderly 5 is more than the population 4"]


def test_specks_and_collections(tmp_path):
    speck = shapely.box(116.35, 39.91, 116.35 + 1e-9, 39.91 + 1e-9)
    mixed = shapely.GeometryCollection([shapely.box(116.35, 39.91, 116.36, 39.92), shapely.Point(116.3, 39.9)])
    gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=[speck, mixed], crs=4326).to_file(tmp_path / "a.geojson")
    places = read_places(tmp_path / "a.geojson", "subdistricts", crs=CRS)
    assert places.rejected["reason"].tolist() == ["its outline is smaller than a centimetre"]
    assert places.frame.geom_type.tolist() == ["Polygon"]

"""Bad input, each a file of ``tests/malformed``: one sentence that says what, where and how to mend it.

A fault of the file is an error; a row that can't be used is rejected with its
line. In either case nothing half-written is left behind.
"""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from careshed.area import StudyArea
from careshed.build import build_area
from careshed.cli import main
from careshed.errors import (
    CareshedError,
    CRSError,
    DuplicateIdError,
    FileFaultError,
    MissingColumnError,
    RowFaultError,
)

HERE = Path(__file__).parent / "malformed"


def build(folder, **files):
    """Build and write an area of two subdistricts, with some files in place of good ones."""
    files = {name: f"{HERE / file}" for name, file in files.items()}
    files = {"roads": str(HERE / "roads.osm"), "subdistricts": str(HERE / "units.geojson"), **files}
    area = build_area(files.pop("roads"), n_candidates=4, name="town", **files)
    area.write(folder / "area")
    return area


def lines(area):
    """The rejected rows, line by line."""
    return dict(zip(area.rejected["line"], area.rejected["reason"], strict=True))


FILE_FAULTS = [
    ("communities", "empty.csv", FileFaultError, r"the file is empty \(0 bytes\); export or download it again"),
    ("communities", "nowhere.csv", FileFaultError, r"no such file; check the name"),
    ("communities", "header_only.csv", FileFaultError, r"a heading and no row; fill it in"),
    (
        "communities",
        "broken_bytes.csv",
        FileFaultError,
        r"byte 60 \(line 2\) is neither UTF-8 nor GB18030; .* save it again",
    ),
    ("communities", "broken_gb18030.csv", FileFaultError, r"byte \d+ \(line \d\) is neither UTF-8 nor GB18030"),
    ("communities", "utf16.csv", FileFaultError, r"UTF-16 or no text at all; save it as CSV in UTF-8"),
    ("communities", "unclosed_quote.csv", FileFaultError, r"row that begins on line 2 .* check its quotation marks"),
    ("communities", "no_heading.csv", FileFaultError, r"its first row is no heading"),
    ("communities", "twice.csv", FileFaultError, r"the heading 'longitude' stands twice"),
    ("communities", "not_a_workbook.xlsx", FileFaultError, r"no workbook, or cut off .* save it again as \.xlsx"),
    ("communities", "not_parquet.parquet", FileFaultError, r"no Parquet file, or cut off .* write it again"),
    ("communities", "not_a_geopackage.gpkg", FileFaultError, r"can't be read .* export or download it again"),
    ("communities", "truncated.geojson", FileFaultError, r"no GeoJSON, or cut off \(line \d+\); export or download"),
    ("communities", "roads.osm", FileFaultError, r"\.osm is not read; expected \.csv, "),
    ("population", "not_a_raster.tif", FileFaultError, r"no GeoTIFF, or cut off .* download it again"),
    ("subdistricts", "gb18030.csv", FileFaultError, r"no outlines; subdistricts need polygons: GeoJSON"),
    ("roads", "empty.osm.pbf", FileFaultError, r"the file is empty"),
    ("roads", "truncated.osm.pbf", FileFaultError, r"download or export it again"),
    ("roads", "not_pbf.osm.pbf", FileFaultError, r"download or export it again"),
    (
        "communities",
        "no_longitude.csv",
        MissingColumnError,
        r"no column for longitude \(longitude, 经度, lng, .* rename or add",
    ),
    ("facilities", "no_kind.csv", MissingColumnError, r"no column for kind \(kind, 类型, "),
    (
        "communities",
        "duplicate_ids.csv",
        DuplicateIdError,
        r"1 ids occur more than once \('a' on lines 2, 4\); give each row its own",
    ),
    (
        "communities",
        "swapped.csv",
        CRSError,
        r"longitude and latitude are swapped in 2 of 2 rows \(first: line 2: .* exchange",
    ),
    (
        "subdistricts",
        "swapped.geojson",
        CRSError,
        r"longitude and latitude are swapped in 1 of 1 rows \(first: feature 1",
    ),
    ("communities", "mixed_crs.csv", CRSError, r"1 of 2 rows are in metres, not degrees .* so CRS are mixed; export"),
    ("communities", "metres.geojson", CRSError, r"all 1 rows are in metres, not degrees"),
    ("communities", "no_prj.shp", CRSError, r"has no CRS \(a shapefile's \.prj\); add one, or name the datum"),
    ("facilities", "helsinki.csv:gcj02", MissingColumnError, r"no column for kind"),
    ("communities", "helsinki.csv:gcj02", CRSError, r"1 of 1 rows lie outside China, where gcj02 is not defined; name"),
    ("communities", "gb18030.csv:gcj2", CRSError, r"'gcj2' is no datum; expected FILE:wgs84"),
    (
        "communities",
        "all_outside.csv",
        RowFaultError,
        r"none of its 1 rows can be used \(first: line 2: .* outside the area",
    ),
    ("subdistricts", "all_crossing.geojson", RowFaultError, r"none of its 1 rows .* outline crosses itself"),
]


@pytest.mark.parametrize(
    ("layer", "file", "error", "sentence"), FILE_FAULTS, ids=[f"{a}-{b}" for a, b, *_ in FILE_FAULTS]
)
def test_a_bad_file_is_one_sentence_and_leaves_nothing(tmp_path, layer, file, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        build(tmp_path, **{layer: file})
    message = str(caught.value)
    assert isinstance(caught.value, CareshedError)
    assert file.partition(":")[0] in message, "it names the file"
    assert "\n" not in message
    assert not re.search(r"Traceback|Error\(|object at 0x", message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layer", "file"), [row[:2] for row in FILE_FAULTS], ids=[f"{a}-{b}" for a, b, *_ in FILE_FAULTS]
)
def test_the_command_says_it_in_one_sentence_too(tmp_path, monkeypatch, capsys, layer, file):
    files = {"pbf": HERE / "roads.osm", "subdistricts": HERE / "units.geojson"}
    files |= {"pbf" if layer == "roads" else layer: f"{HERE / file}"}
    words = [str(word) for name, path in files.items() for word in (f"--{name}", path)]
    monkeypatch.setattr("sys.argv", ["careshed", "build", *words, "-o", str(tmp_path / "area")])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr()
    assert [line.startswith("careshed: ") for line in said.err.splitlines()].count(True) == 1
    assert "Traceback" not in said.out + said.err
    assert not list(tmp_path.iterdir())


def test_gb18030_is_read_and_said(tmp_path):
    area = build(tmp_path, communities="gb18030.csv")
    assert area.communities["name"].tolist() == ["三里河社区", "百万庄社区"]
    assert area.communities["population"].tolist() == [900, 800]
    assert "gb18030.csv: read as GB18030" in area.assumptions["communities file"]


ROW_FAULTS = [
    (
        "communities",
        "outside.csv",
        {
            "3": r"it lies \d+\.\d km outside the area",
            "4": r"out of bounds: longitude 0, latitude 0",
            "5": r"out of bounds: longitude 1163.5, latitude 39.91",
        },
    ),
    (
        "communities",
        "nan_population.csv",
        {
            "3": r"population is missing",
            "4": r"population is missing",
            "5": r"population 'many' is no number",
            "6": r"population 'inf' is no number",
        },
    ),
    (
        "communities",
        "negative_population.csv",
        {"3": r"population '-5' is negative", "4": r"population '12.5' is no whole number"},
    ),
    ("communities", "no_coordinates.csv", {"3": r"longitude is missing", "4": r"latitude 'east' is no number"}),
    ("communities", "unknown_subdistrict.csv", {"3": r"subdistrict '亚运村街道' is unknown; expected one of 月坛街道"}),
    (
        "communities",
        "one_swapped.csv",
        {"3": r"longitude and latitude are swapped: longitude 39.925, latitude 116.366"},
    ),
    ("communities", "ragged.csv", {"3": r"it has more cells than the heading"}),
    ("candidates", "unknown_status.csv", {"3": r"status '或许' is unknown; expected candidate \(候选\)"}),
    ("subdistricts", "crossing.geojson", {"2": r"outline crosses itself \(Self-intersection.*\) .* redraw it"}),
]


@pytest.mark.parametrize(("layer", "file", "rejected"), ROW_FAULTS, ids=[file for _, file, _ in ROW_FAULTS])
def test_a_bad_row_is_rejected_with_its_line(tmp_path, layer, file, rejected):
    area = build(tmp_path, **{layer: file})
    assert set(area.rejected["file"]) == {file}
    assert lines(area).keys() == rejected.keys()
    for line, reason in rejected.items():
        assert re.search(reason, lines(area)[line]), lines(area)[line]
    kept = StudyArea.read(tmp_path / "area")
    pd.testing.assert_frame_equal(kept.rejected, area.rejected)
    assert len(getattr(kept, layer)) >= 1


@pytest.mark.parametrize(("layer", "file", "rejected"), ROW_FAULTS, ids=[file for _, file, _ in ROW_FAULTS])
def test_strict_refuses_a_bad_row(tmp_path, layer, file, rejected):
    with pytest.raises(RowFaultError, match=rf"{file}: {len(rejected)} of \d+ rows can't be used \(first: .*--strict"):
        build_area(
            HERE / "roads.osm",
            strict=True,
            **{"subdistricts": HERE / "units.geojson", layer: HERE / file},
        ).write(tmp_path / "area")
    assert not list(tmp_path.iterdir())


def test_an_outline_with_a_spike_is_repaired_and_said(tmp_path):
    area = build(tmp_path, subdistricts="spike.geojson")
    assert len(area.subdistricts) == 2
    assert area.subdistricts.is_valid.all()
    assert "feature 2: the outline is not valid" in area.assumptions["subdistricts file"]


def test_markup_is_text(tmp_path):
    area = build(tmp_path, facilities="script.csv")
    assert area.facilities.loc["x", "name"] == "<script>alert(1)</script>"
    assert area.facilities.loc["x", "address"] == '=1+1,"&<b>'
    assert StudyArea.read(tmp_path / "area").facilities.loc["x", "name"] == "<script>alert(1)</script>"


def test_an_area_that_was_there_stays_when_a_build_fails(tmp_path):
    build(tmp_path)
    before = {file.name: file.read_bytes() for file in (tmp_path / "area").iterdir()}
    with pytest.raises(FileFaultError):
        build(tmp_path, communities="empty.csv")
    assert {file.name: file.read_bytes() for file in (tmp_path / "area").iterdir()} == before


def test_a_shapefile_without_its_parts(tmp_path):
    shutil.copy(HERE / "no_prj.shp", tmp_path / "alone.shp")
    with pytest.raises(FileFaultError, match=r"alone\.shx is not beside it; copy all parts of the shapefile"):
        build_area(HERE / "roads.osm", communities=tmp_path / "alone.shp")

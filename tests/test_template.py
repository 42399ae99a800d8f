"""Blank sheets can be filled in and read back."""

import openpyxl
import pandas as pd
import pyproj
import pytest

from careshed.tables import FIELDS, KINDS, LAYERS, match_headings, read_places
from careshed.template import write_templates


def test_every_layer_has_its_sheets(tmp_path):
    files = write_templates(tmp_path / "sheets")
    assert sorted(file.name for file in files) == sorted(file.name for file in (tmp_path / "sheets").iterdir())
    assert len(files) == 2 * len(LAYERS) + 1


@pytest.mark.parametrize("layer", LAYERS)
def test_headings_are_understood(tmp_path, layer):
    write_templates(tmp_path)
    text = (tmp_path / f"{layer}.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    heading = text.decode("utf-8-sig").strip().split(",")
    found, notes = match_headings(heading, LAYERS[layer])
    assert tuple(found) == LAYERS[layer].columns
    assert not notes
    sheet = openpyxl.load_workbook(tmp_path / f"{layer}.xlsx").worksheets[0]
    assert [cell.value for cell in sheet[1]] == heading


def test_the_dictionary_names_every_column_and_kind(tmp_path):
    write_templates(tmp_path)
    text = (tmp_path / "DICTIONARY.md").read_text(encoding="utf-8")
    for layer in LAYERS.values():
        assert f"`{layer.name}`" in text
        for name in layer.columns:
            assert f"| {FIELDS[name].zh} | `{name}` |" in text
    for kind, aliases in KINDS.items():
        assert f"{aliases[0]} = `{kind}`" in text


def test_a_filled_sheet_is_read(tmp_path):
    write_templates(tmp_path)
    sheet = pd.read_excel(tmp_path / "facilities.xlsx")
    sheet.loc[0, ["类型", "经度", "纬度"]] = ["急救工作站", 116.35, 39.9]
    sheet.to_excel(tmp_path / "filled.xlsx", index=False)
    frame = read_places(tmp_path / "filled.xlsx", "facilities", crs=pyproj.CRS(32650)).frame
    assert frame["kind"].tolist() == ["first_aid_station"]

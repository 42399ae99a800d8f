"""Blank sheets for planners, with a data dictionary in Chinese and English.

Written from the same table that the reader looks headings up in
(:mod:`careshed.tables.schema`), so a filled-in sheet is always read.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
from openpyxl.styles import Font

from careshed._checks import new_file
from careshed.tables import FIELDS, LAYERS, Layer

__all__ = ["write_templates"]

BOM = "\ufeff"
"""Tells Excel that a CSV is UTF-8."""


def write_templates(folder: Path | str) -> list[Path]:
    """Write a blank CSV and XLSX sheet for each layer, and the data dictionary.

    Parameters
    ----------
    folder
        Where to write; made where it is not there. Sheets of an earlier run
        are replaced, so fill in copies.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Examples
    --------
    >>> len(write_templates("sheets"))  # doctest: +SKIP
    13
    """
    folder = Path(folder)
    written = []
    for layer in LAYERS.values():
        heading = [FIELDS[name].zh for name in layer.columns]
        with new_file(folder / f"{layer.name}.csv") as new:
            new.write_text(BOM + _csv_row(heading), encoding="utf-8", newline="")
        with new_file(folder / f"{layer.name}.xlsx") as new:
            _workbook(layer, heading).save(new)
        written += [folder / f"{layer.name}.csv", folder / f"{layer.name}.xlsx"]
    dictionary = folder / "DICTIONARY.md"
    with new_file(dictionary) as new:
        new.write_text(data_dictionary(), encoding="utf-8", newline="\n")
    return [*written, dictionary]


def data_dictionary() -> str:
    """Return the data dictionary, in Chinese and English, as Markdown."""
    parts = [
        "# 数据字典 Data dictionary",
        "",
        (
            "表头用中文或英文均可，大小写、空格、全角半角不限。文件可为 CSV（UTF-8 或 GB18030）、XLSX、GeoJSON、"
            "GeoPackage、Shapefile、Parquet。坐标系随文件名给出：`文件.csv:gcj02`（高德、腾讯）、`:bd09`（百度）、"
            "`:wgs84`、`:cgcs2000`。"
        ),
        "",
        (
            "Headings may be Chinese or English, in any case and width. Files may be CSV (UTF-8 or GB18030), XLSX, "
            "GeoJSON, GeoPackage, Shapefile or Parquet. The datum is named behind the file: `FILE:gcj02` (Amap), "
            "`:bd09` (Baidu), `:wgs84`, `:cgcs2000`."
        ),
    ]
    for layer in LAYERS.values():
        parts += ["", f"## {layer.zh} `{layer.name}`", "", layer.about, "", layer.en, "", *_rows(layer)]
    return "\n".join(parts) + "\n"


def _rows(layer: Layer) -> list[str]:
    """Return the table of a layer's columns."""
    rows = [
        "| 表头 heading | column | 必填 needed | 说明 | what it holds | 也可写作 also read |",
        "|---|---|---|---|---|---|",
    ]
    for name in layer.columns:
        column = FIELDS[name]
        own = [alias for alias, target in layer.own.items() if target == name]
        taken = {alias for alias, target in layer.own.items() if target != name}
        others = dict.fromkeys([*own, *(alias for alias in column.aliases if alias not in taken)])
        values = {key: value for key, value in column.choices.items() if not layer.statuses or name != "status"}
        values |= {key: column.choices[key] for key in layer.statuses if name == "status"}
        choices = "; ".join(f"{zh[0]} = `{key}`" for key, zh in values.items())
        needed = "是 yes" if name in layer.required else ""
        english = f"{column.en} {choices}" if choices else column.en
        others.pop(column.zh, None)
        also = ", ".join(alias for alias in others if alias != name)
        rows.append(f"| {column.zh} | `{name}` | {needed} | {column.about} | {english} | {also} |")
    return rows


def _csv_row(cells: list[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _workbook(layer: Layer, heading: list[str]) -> openpyxl.Workbook:
    """Return a workbook: the blank sheet first, the dictionary of its columns behind."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = layer.zh
    sheet.append(heading)
    sheet.freeze_panes = "A2"
    about = book.create_sheet("说明 About")
    about.append([layer.about])
    about.append([layer.en])
    about.append(["表头", "column", "说明", "what it holds"])
    for name in layer.columns:
        column = FIELDS[name]
        about.append([column.zh, name, column.about, column.en])
    for cell in (*sheet[1], *about[3]):
        cell.font = Font(bold=True)
    for letter, width in (("A", 16), ("B", 18), ("C", 60), ("D", 80)):
        about.column_dimensions[letter].width = width
    return book

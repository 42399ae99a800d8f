"""Files of points, polygons and totals, read as they are: CSV, XLSX, GeoJSON, GeoPackage, Shapefile, Parquet."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import itertools
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
from openpyxl.utils.exceptions import InvalidFileException

from careshed._checks import readable_file
from careshed.errors import CareshedError, FileFaultError

__all__ = ["FORMATS", "Table", "decode", "read_table", "read_table_in_chunks"]

MAX_UNPACKED_BYTES = 1 << 30
"""A workbook that unpacks to more is refused: a district's tables are a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds, before anything is made of it.

    Attributes
    ----------
    path
        Where it was read.
    frame
        The cells under their own headings, one row each; text as text.
    geometry
        The shapes, or None where the file is a plain table. Its CRS is the
        file's, or None where the file names none.
    lines
        Where each row stands: line of a CSV, row of a sheet, else the
        feature's number, from 1.
    unit
        What `lines` counts: "line", "row" or "feature".
    ragged
        For each row, how many cells it has beyond the heading.
    notes
        What a person should know about how it was read.
    before
        How many rows of the file came in earlier chunks.
    """

    path: Path
    frame: pd.DataFrame
    geometry: gpd.GeoSeries | None
    lines: npt.NDArray[np.int64]
    unit: str
    ragged: npt.NDArray[np.int64]
    notes: tuple[str, ...]
    before: int = 0


def read_table(path: Path | str, *, layer: str = "") -> Table:
    """Read a table or a map layer in any format of :data:`FORMATS`.

    Parameters
    ----------
    path
        The file; its extension tells the format.
    layer
        Which layer of a GeoPackage is meant, where it has several and one of
        that name.

    Raises
    ------
    FileFaultError
        If the file is absent, empty, truncated, undecodable, of another
        format than its extension says, or has a heading and no row.
    """
    path = readable_file(path)
    table = next(_reader(path)(path, layer, None), None)
    if table is None:
        raise _no_row(path)
    return table


def read_table_in_chunks(path: Path | str, *, rows: int, layer: str = "") -> Iterator[Table]:
    """Read a table as :func:`read_table` does, some rows at a time.

    CSV, XLSX and plain Parquet are streamed; of the other formats a slice is
    cut from the file, or from memory.

    Parameters
    ----------
    path, layer
        As :func:`read_table`.
    rows
        Rows of a chunk, at most.

    Raises
    ------
    FileFaultError
        As :func:`read_table`, when the bad part is reached.
    """
    path = readable_file(path)
    before = 0
    for table in _reader(path)(path, layer, rows):
        yield dataclasses.replace(table, before=before, notes=() if before else table.notes)
        before += len(table.frame)
    if not before:
        raise _no_row(path)


def _reader(path: Path) -> Callable[[Path, str, int | None], Iterator[Table]]:
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise FileFaultError(f"{path}: {path.suffix or 'no extension'} is not read; expected {', '.join(FORMATS)}")
    return reader


def _no_row(path: Path) -> FileFaultError:
    return FileFaultError(f"{path}: it has a heading and no row; fill it in or leave the file out")


def decode(data: bytes, *, path: Path) -> tuple[str, str]:
    """Decode text that is UTF-8, with or without BOM, or GB18030.

    GB18030 gives a meaning to nearly every byte, so a damaged UTF-8 file would
    pass for it. A file is GB18030 only if it has more bytes that UTF-8 can't
    read than characters that it can, and if what comes out is Chinese text.

    Returns
    -------
    text, encoding

    Raises
    ------
    FileFaultError
        Naming the byte and the line where decoding stops.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4096]:
        raise FileFaultError(f"{path}: it is UTF-16 or no text at all; save it as CSV in UTF-8")
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        broken = error
    loose = data.decode("utf-8", errors="replace")
    bad = loose.count("�")
    good = sum(ord(letter) > 0x7F for letter in loose) - bad
    if bad > good:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            broken = error
        else:
            wide = [letter for letter in text if ord(letter) > 0x7F]
            if sum(_common(letter) for letter in wide) >= 0.9 * len(wide):
                return text, "GB18030"
    line = data.count(b"\n", 0, broken.start) + 1
    raise FileFaultError(
        f"{path}: byte {broken.start} (line {line}) is neither UTF-8 nor GB18030; "
        "the file is damaged or in another encoding: save it again as CSV in UTF-8"
    )


def _common(letter: str) -> bool:
    """Whether a letter is in GB 2312, as nearly all of a Chinese sheet is."""
    try:
        return len(letter.encode("gb2312")) > 0
    except UnicodeEncodeError:
        return False


def _from_rows(
    path: Path, rows: Iterator[tuple[int, list[object]]], unit: str, notes: tuple[str, ...], size: int | None
) -> Iterator[Table]:
    """Make tables of `size` rows from numbered rows of cells, of which the first is the heading."""
    _, first = next(rows, (0, None))
    if first is None:
        raise FileFaultError(f"{path}: it has no heading; expected a first row with the names of the columns")
    heading = ["" if cell is None else str(cell).strip() for cell in first]
    if all(_number(name) for name in heading if name):
        raise FileFaultError(f"{path}: its first row is no heading; expected the names of the columns there")
    twice = sorted({name for name in heading if name and heading.count(name) > 1})
    if twice:
        raise FileFaultError(f"{path}: the heading {twice[0]!r} stands twice; give each column its own")
    width = len(heading)
    named = [bool(name) for name in heading]
    while chunk := list(itertools.islice(rows, size)):
        cells = [[*row[:width], *[None] * (width - len(row))] for _, row in chunk]
        frame = pd.DataFrame(cells, columns=pd.Index(heading, dtype=object), dtype=object).loc[:, named]
        lines = np.array([line for line, _ in chunk], np.int64)
        ragged = np.array([sum(cell not in (None, "") for cell in row[width:]) for _, row in chunk], np.int64)
        yield Table(path, frame, None, lines, unit, ragged, notes)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_csv(path: Path, _layer: str, size: int | None) -> Iterator[Table]:
    encoding = _encoding(path)
    notes = () if encoding == "UTF-8" else (f"{path.name}: read as {encoding}",)
    yield from _from_rows(path, _csv_rows(path, encoding), "line", notes, size)


def _csv_rows(path: Path, encoding: str) -> Iterator[tuple[int, list[object]]]:
    """Yield the rows that are not blank, each with the line that it begins on."""
    with path.open(encoding="utf-8-sig" if encoding == "UTF-8" else encoding, newline="") as file:
        heading = next((line for line in file if line.strip()), "")
        delimiter = max(",;\t", key=heading.count)
        file.seek(0)
        source = csv.reader(file, delimiter=delimiter, strict=True)
        start = 1
        try:
            for row in source:
                if any(cell.strip() for cell in row):
                    yield start, list(row)
                start = source.line_num + 1
        except csv.Error as error:
            raise FileFaultError(
                f"{path}: the row that begins on line {start} can't be read ({error}); "
                "check its quotation marks, or whether the file is cut off"
            ) from None


def _encoding(path: Path) -> str:
    """Return UTF-8 or GB18030, reading the whole file into memory only where it is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        part = file.read(1 << 20)
        if b"\0" in part or part[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return decode(part, path=path)[1]
        try:
            while part:
                decoder.decode(part)
                part = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return decode(path.read_bytes(), path=path)[1]
    return "UTF-8"


def _read_xlsx(path: Path, _layer: str, size: int | None) -> Iterator[Table]:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise FileFaultError(f"{path}: it unpacks to {unpacked >> 20} MB, more than 1024; save it as CSV")
        with warnings.catch_warnings():
            # about drop-down lists and styles, which are not read
            warnings.simplefilter("ignore")
            # data_only: what the sheet shows, never a formula worked out here
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            names = [sheet.title for sheet in book.worksheets]
            notes = () if len(names) == 1 else (f"{path.name}: sheet {names[0]!r} is read, not {', '.join(names[1:])}",)
            yield from _from_rows(path, _xlsx_rows(book.worksheets[0]), "row", notes, size)
            book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, EOFError, OSError, SyntaxError) as error:
        raise FileFaultError(f"{path}: it is no workbook, or cut off ({error}); save it again as .xlsx") from None


def _xlsx_rows(sheet: Any) -> Iterator[tuple[int, list[object]]]:
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(str(cell).strip() for cell in row if cell is not None):
            yield number, list(row)


def _read_geojson(path: Path, layer: str, size: int | None) -> Iterator[Table]:
    text, encoding = decode(path.read_bytes(), path=path)
    try:
        json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise FileFaultError(f"{path}: it is no GeoJSON, or cut off ({where}); export or download it again") from None
    notes = () if encoding == "UTF-8" else (f"{path.name}: read as {encoding}",)
    yield from _cut(_read_ogr(path, text.encode(), layer, notes), size)


def _read_gpkg(path: Path, layer: str, size: int | None) -> Iterator[Table]:
    yield from _cut(_read_ogr(path, path, layer, ()), size)


def _read_shapefile(path: Path, layer: str, size: int | None) -> Iterator[Table]:
    parts = {part.suffix.lower(): part for part in path.parent.glob(f"{_escape(path.stem)}.*")}
    lacking = [name for name in (".shx", ".dbf") if name not in parts]
    if lacking:
        raise FileFaultError(f"{path}: {path.stem}{lacking[0]} is not beside it; copy all parts of the shapefile")
    if ".cpg" in parts:
        yield from _cut(_read_ogr(path, path, layer, ()), size)
        return
    # without .cpg GDAL takes Latin-1, which no Chinese shapefile is
    _, encoding = decode(parts[".dbf"].read_bytes()[32:].replace(b"\0", b" "), path=parts[".dbf"])
    notes = () if encoding == "UTF-8" else (f"{path.name}: no .cpg, read as {encoding}",)
    yield from _cut(_read_ogr(path, path, layer, notes, encoding=encoding), size)


def _escape(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)


_OGR_FAULTS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FieldError)


def _read_ogr(
    path: Path, source: Path | bytes, layer: str, notes: tuple[str, ...], *, encoding: str | None = None
) -> Table:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # bytes are given another name each time that they are opened
            names = [0] if isinstance(source, bytes) else [str(row[0]) for row in pyogrio.list_layers(source)]
            if not names:
                raise FileFaultError(f"{path}: it has no layer; export or download it again")
            chosen = layer if layer in names else names[0]
            frame = pyogrio.read_dataframe(source, layer=chosen, encoding=encoding, on_invalid="warn")
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FieldError,
        ValueError,
    ) as error:
        if isinstance(error, FileFaultError):
            raise
        reason = str(error).partition(";")[0].partition("\n")[0].replace(str(path), path.name)
        raise FileFaultError(f"{path}: it can't be read ({reason}); export or download it again") from None
    if len(names) > 1:
        others = ", ".join(str(name) for name in names if name != chosen)
        notes = (*notes, f"{path.name}: layer {chosen!r} is read, not {others}")
    return _from_frame(path, frame, notes)


def _read_parquet(path: Path, _layer: str, size: int | None) -> Iterator[Table]:
    try:
        geo = b"geo" in (pq.read_schema(path).metadata or {})
        if geo:
            yield from _cut(_from_frame(path, gpd.read_parquet(path), ()), size)
            return
        before = 0
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=size or max(file.metadata.num_rows, 1)):
                table = _from_frame(path, batch.to_pandas(), ())
                yield dataclasses.replace(table, lines=table.lines + before)
                before += len(table.frame)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, CareshedError):
            raise
        reason = str(error).partition("\n")[0].replace(str(path), path.name)
        raise FileFaultError(f"{path}: it is no Parquet file, or cut off ({reason}); write it again") from None


def _cut(table: Table, size: int | None) -> Iterator[Table]:
    """Cut a table that is in memory into tables of `size` rows."""
    count = len(table.frame)
    for start in range(0, count, size or max(count, 1)):
        part = slice(start, start + (size or count))
        yield dataclasses.replace(
            table,
            frame=table.frame.iloc[part].reset_index(drop=True),
            geometry=None if table.geometry is None else table.geometry.iloc[part].reset_index(drop=True),
            lines=table.lines[part],
            ragged=table.ragged[part],
        )


def _from_frame(path: Path, frame: pd.DataFrame, notes: tuple[str, ...]) -> Table:
    if frame.index.name:
        frame = frame.reset_index()
    shapes = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else None
    plain = pd.DataFrame(frame.drop(columns=[shapes.name])) if shapes is not None else frame
    plain = plain.reset_index(drop=True).astype(object)
    if shapes is not None:
        crs = pyproj.CRS(shapes.crs) if shapes.crs is not None else None
        shapes = gpd.GeoSeries(shapes.to_numpy(), crs=crs)
    count = len(frame)
    return Table(path, plain, shapes, np.arange(1, count + 1), "feature", np.zeros(count, np.int64), notes)


FORMATS: dict[str, Callable[[Path, str, int | None], Iterator[Table]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".xlsx": _read_xlsx,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
    ".gpkg": _read_gpkg,
    ".shp": _read_shapefile,
    ".parquet": _read_parquet,
    ".geoparquet": _read_parquet,
}
"""The reader of each extension."""

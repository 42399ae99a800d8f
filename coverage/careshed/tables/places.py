"""Places out of tables: rows checked one by one, located, and given their subdistrict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from careshed._checks import require_projected
from careshed.datums import Datum, split_datum
from careshed.errors import DuplicateIdError, FileFaultError, InputError, MissingColumnError, RowFaultError
from careshed.tables._locate import Region, locate
from careshed.tables._rows import Rows
from careshed.tables.files import Table, read_table, read_table_in_chunks
from careshed.tables.schema import FIELDS, LAYERS, match_headings
from careshed.tables.units import join_units, match_units

__all__ = ["Places", "has_coordinates", "read_places", "read_places_in_chunks", "read_totals"]

MAX_AWAY_M = 200.0
"""A place this far outside the outlines still belongs: public outlines are that rough."""


@dataclass(frozen=True, slots=True)
class Places:
    """Rows of a file that can be used, and those that can't.

    Attributes
    ----------
    frame
        The good rows under the layer's columns and index, in the CRS asked
        for, coordinates rounded to 0.01 m. `read_totals` gives no geometry.
    rejected
        The bad rows: ``file``, ``line``, ``id``, ``reason``, all text.
    lines
        Where each good row stands in the file, by id.
    notes
        What a person should know about how the file was read.
    file
        The file's name.
    """

    frame: gpd.GeoDataFrame
    rejected: pd.DataFrame
    lines: pd.Series
    notes: tuple[str, ...]
    file: str


def has_coordinates(table: Table, layer: str) -> bool:
    """Whether a table has shapes, or headings for both coordinates."""
    found, _ = match_headings(table.frame.columns, LAYERS[layer])
    return table.geometry is not None or {"longitude", "latitude"} <= found.keys()


def read_places(  # noqa: PLR0913 - each is a choice of the caller, all but two by keyword
    path: Path | str,
    layer: str,
    *,
    crs: pyproj.CRS,
    datum: Datum | None = None,
    units: gpd.GeoDataFrame | None = None,
    near: gpd.GeoSeries | None = None,
    max_away_m: float = MAX_AWAY_M,
    strict: bool = False,
    extra: bool = False,
) -> Places:
    """Read a layer of places from a file that a planner made.

    Faults of the file raise. A row that can't be used is rejected with its
    line: coordinates missing, not numeric, out of bounds or far from the area;
    a population that is missing, negative or not whole; a subdistrict that is
    unknown; an outline that can't be repaired. A self-intersecting outline is
    repaired with :func:`shapely.make_valid` where that leaves its area as it
    was (within 1 %), else rejected, as nobody can tell what was meant.

    A place whose row names a subdistrict belongs to it; another belongs to the
    unit that it lies in (in an overlap, the first by id), or within
    `max_away_m` of the outlines to the nearest. Facilities and candidates
    beyond are kept with ``outside`` set, other places are rejected.

    Parameters
    ----------
    path
        The file, with or without ``:datum`` behind it.
    layer
        A key of :data:`LAYERS`.
    crs
        The projected CRS, in metres, that the places come back in.
    datum
        What longitudes and latitudes are in; WGS-84, or what the file says,
        where None.
    units
        Subdistricts in `crs`, with a ``name``; None leaves ``subdistrict_id`` blank.
    near
        What a place must be near to be kept, in `crs`; the outlines of `units`
        where None, and anywhere where that is None too.
    max_away_m
        How far from `near` is near.
    strict
        Whether one bad row is an error.
    extra
        Whether columns that the layer does not know are carried along.

    Raises
    ------
    FileFaultError
        If the file can't be read.
    MissingColumnError
        If the layer can't do without a column that the file lacks.
    DuplicateIdError
        If two rows have one id.
    CRSError
        If CRS or datum is missing, mixed or wrong, or the axes are swapped.
    RowFaultError
        If no row is left, or any was rejected and `strict` is set.
    """
    require_projected(crs, what=f"the CRS to read {layer} into")
    path, named = split_datum(path)
    region = Region.around(near if near is not None else units, crs, max_away_m)
    table = read_table(path, layer=layer)
    rows, frame = _places(table, layer, region, units, datum=datum or named, extra=extra)
    _refuse(rows, strict=strict)
    return _close(rows, frame)


def read_places_in_chunks(
    path: Path | str,
    layer: str,
    *,
    rows: int,
    crs: pyproj.CRS,
    datum: Datum | None = None,
    units: gpd.GeoDataFrame | None = None,
    near: gpd.GeoSeries | None = None,
    max_away_m: float = MAX_AWAY_M,
) -> Iterator[Places]:
    """Read a layer of places as :func:`read_places` does, some rows at a time, for files of any length.

    Columns that the layer does not know are carried along. What takes the
    whole file to see is left to the caller: ids that two chunks share, and
    whether any row is left.

    Parameters
    ----------
    path, layer, crs, datum, units, near, max_away_m
        As :func:`read_places`.
    rows
        Rows of a chunk, at most.

    Raises
    ------
    FileFaultError, MissingColumnError, DuplicateIdError, CRSError
        As :func:`read_places`, when the bad chunk is reached.
    """
    require_projected(crs, what=f"the CRS to read {layer} into")
    path, named = split_datum(path)
    region = Region.around(near if near is not None else units, crs, max_away_m)
    for table in read_table_in_chunks(path, rows=rows, layer=layer):
        checked, frame = _places(table, layer, region, units, datum=datum or named, extra=True)
        yield _close(checked, frame)


def _places(
    table: Table,
    layer: str,
    region: Region,
    units: gpd.GeoDataFrame | None,
    *,
    datum: Datum | None,
    extra: bool,
) -> tuple[Rows, gpd.GeoDataFrame]:
    """Check and locate the rows of a table; bad ones are still among them."""
    rows = _open(table, layer)
    shapes = locate(rows, table, region, datum=datum)
    _check_values(rows)
    frame = gpd.GeoDataFrame(_columns(rows, shapes, units, region), geometry=shapes, crs=region.crs)
    frame.index = pd.Index(rows.ids(), dtype="str", name=rows.layer.index)
    if extra:
        known = set(rows.found.values())
        for heading in [name for name in table.frame.columns if name not in known and name not in frame.columns]:
            frame.insert(len(frame.columns) - 1, str(heading), table.frame[heading].to_numpy())
    return rows, frame


def read_totals(path: Path | str, *, units: gpd.GeoDataFrame, strict: bool = False) -> Places:
    """Read totals of subdistricts from a plain table: one row each, by name or id.

    Parameters
    ----------
    path
        A table without coordinates.
    units
        The subdistricts.
    strict
        Whether one bad row is an error.

    Returns
    -------
    Places
        Its frame has ``population``, ``population_status`` and ``elderly`` on
        the subdistricts' ids, and no geometry.

    Raises
    ------
    MissingColumnError
        If it names no subdistrict or has no population.
    FileFaultError, DuplicateIdError, RowFaultError
        As :func:`read_places`.
    """
    path, _ = split_datum(path)
    rows = _open(read_table(path), "population", need=False)
    if "subdistrict" not in rows.found:
        found, _ = match_headings(rows.table.frame.columns, LAYERS["subdistricts"])
        name = found.get("name")
        if name is None:
            raise _lacks(rows.table, ("subdistrict",))
        rows.found["subdistrict"] = name
    if not {"population", "population_est"} & rows.found.keys():
        raise _lacks(rows.table, ("population",))
    unit = match_units(rows, units)
    rows.reject(unit == "", "subdistrict is blank")
    population, status = rows.population(required=True)
    _check_elderly(rows)
    elderly = rows.count("elderly")
    keep = rows.good
    twice = unit[keep][unit[keep].duplicated()].unique()
    if len(twice):
        names = ", ".join(str(units.loc[one, "name"]) for one in twice[:5])
        raise DuplicateIdError(f"{path}: {len(twice)} subdistricts have more than one row ({names}); give each one row")
    frame = pd.DataFrame({"population": population, "population_status": status, "elderly": elderly})
    frame.index = pd.Index(unit, dtype="str", name="subdistrict_id")
    _refuse(rows, strict=strict)
    return _close(rows, frame)


def _open(table: Table, layer: str, *, need: bool = True) -> Rows:
    schema = LAYERS.get(layer)
    if schema is None:
        raise InputError(f"{layer!r} is no layer; expected one of {', '.join(LAYERS)}")
    found, notes = match_headings(table.frame.columns, schema)
    if need:
        wanted = [name for name in schema.required if name not in found]
        if table.geometry is not None:
            wanted = [name for name in wanted if name not in {"longitude", "latitude"}]
        if layer == "subdistricts" and table.geometry is None:
            raise FileFaultError(
                f"{table.path}: it has no outlines; subdistricts need polygons: GeoJSON, GeoPackage, Shapefile or "
                "GeoParquet (their totals alone go with --population)"
            )
        if wanted:
            raise _lacks(table, tuple(wanted))
    rows = Rows(table, schema, found, notes=[*table.notes, *(f"{table.path.name}: {note}" for note in notes)])
    rows.reject(pd.Series(table.ragged > 0), "it has more cells than the heading")
    rows.require_unique_ids()
    return rows


def _lacks(table: Table, columns: tuple[str, ...]) -> MissingColumnError:
    """Say which headings would have done."""
    wanted = "; ".join(f"{name} ({', '.join(FIELDS[name].accepted)})" for name in columns)
    has = ", ".join(map(str, table.frame.columns)) or "none"
    return MissingColumnError(f"{table.path}: no column for {wanted}; it has {has}: rename or add one")


def _check_values(rows: Rows) -> None:
    """Reject what the layer's own columns do not allow."""
    layer = rows.layer
    if "population" in layer.columns:
        rows.population(required=layer.name != "subdistricts")
    if "elderly" in layer.columns:
        _check_elderly(rows)
    if "status" in layer.columns:
        rows.status()
    for name in ("capacity", "calls"):
        if name in layer.columns:
            rows.amount(name)
    for name in ("cost", "closing_cost"):
        if name in layer.columns:
            rows.count(name)


def _check_elderly(rows: Rows) -> None:
    elderly = rows.count("elderly")
    people, _ = rows.population(required=False)
    pairs = zip(elderly, people, strict=True)
    more = [f"elderly {old:.0f} is more than the population {everybody:.0f}" for old, everybody in pairs]
    rows.reject(elderly > people, pd.Series(more, dtype=object))


def _columns(rows: Rows, shapes: gpd.GeoSeries, units: gpd.GeoDataFrame | None, region: Region) -> dict[str, object]:
    """Lay out the layer's columns, in the order of its schema."""
    layer = rows.layer
    columns: dict[str, object] = {name: rows.text(name) for name in ("name", "name_en") if name in layer.columns}
    if "kind" in layer.columns:
        columns["kind"] = rows.kind()
    if "status" in layer.columns:
        columns["status"] = rows.status()
        columns["tier"] = rows.text("tier")
    if layer.name == "facilities":
        columns["capacity"] = rows.amount("capacity")
    if layer.name != "subdistricts":
        flagged = bool(layer.statuses)
        columns["subdistrict_id"] = join_units(rows, shapes, units, region, keep_outside=flagged)
    if layer.name == "facilities":
        columns["outside"] = np.zeros(len(shapes), bool) if units is None else columns["subdistrict_id"] == ""
        columns["address"] = rows.text("address")
    if layer.name in {"subdistricts", "communities", "population"}:
        columns["population"], columns["population_status"] = rows.population(required=layer.name != "subdistricts")
    if "elderly" in layer.columns:
        columns["elderly"] = rows.count("elderly")
    if layer.name == "calls":
        columns["calls"] = rows.amount("calls").fillna(1.0)
    # columns that only some siting rules ask for are there where the file has them
    columns |= {name: rows.text(name) for name in ("owner",) if name in rows.found}
    columns |= {name: rows.count(name) for name in ("cost", "closing_cost") if name in rows.found}
    return columns


def _refuse(rows: Rows, *, strict: bool) -> None:
    """Refuse a file without a good row, or under `strict` with a bad one."""
    bad = np.flatnonzero(rows.reasons != "")
    if not len(bad) or (len(bad) < len(rows.reasons) and not strict):
        return
    table, total = rows.table, len(rows.reasons)
    where = f"first: {table.unit} {table.lines[bad[0]]}: {rows.reasons[bad[0]]}"
    if len(bad) == total:
        raise RowFaultError(f"{table.path}: none of its {total} rows can be used ({where}); mend them")
    raise RowFaultError(
        f"{table.path}: {len(bad)} of {total} rows can't be used ({where}); "
        "mend them, or read without --strict to leave them out"
    )


def _close(rows: Rows, frame: pd.DataFrame) -> Places:
    """Part the good rows from the bad."""
    keep = rows.good.to_numpy()
    frame = frame[keep]
    lines = pd.Series(rows.table.lines[keep], index=frame.index, name="line")
    return Places(frame, rows.rejected(), lines, tuple(rows.notes), rows.table.path.name)

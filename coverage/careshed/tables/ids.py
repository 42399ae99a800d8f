"""Lists of ids: a table's column, or the JSON that a map or a plan gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from careshed._checks import readable_file
from careshed.errors import FileFaultError, InputError, MissingColumnError
from careshed.tables.files import read_table
from careshed.tables.schema import LAYERS, match_headings, plain

__all__ = ["read_site_ids"]

_HEADINGS = ("id", "site_id", "facility_id", "station_id", "station")
_SHOWN = 5


def read_site_ids(path: Path | str, *, known: Iterable[str]) -> list[str]:
    """Read ids of sites.

    Parameters
    ----------
    path
        A table with a column ``site_id`` (or ``id``, ``facility_id``, 编号; a table of one column needs no such
        heading), or JSON: a list of ids, ``{"stations": [...]}``, or the ``site.json`` or ``plan.json`` of a plan.
    known
        Ids that are accepted.

    Returns
    -------
    list of str
        In the order of the file, each once.

    Raises
    ------
    FileFaultError
        If the file can't be read or holds no list of ids.
    MissingColumnError
        If a table has no column of ids.
    InputError
        If an id is unknown; the message says where it stands.
    """
    path = Path(path)
    found = _from_json(path) if path.suffix.lower() == ".json" else _from_table(path)
    accepted = {str(one) for one in known}
    strange = [(where, one) for where, one in found if one not in accepted]
    if strange:
        shown = ", ".join(f"{one!r} ({where})" for where, one in strange[:_SHOWN])
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        some = ", ".join(sorted(accepted)[:3]) or "none"
        raise InputError(f"{path}: no site has the id {shown}{more}; ids are those of stations.csv, such as {some}")
    return [*dict.fromkeys(one for _, one in found)]


def _from_json(path: Path) -> list[tuple[str, str]]:
    """Return ids of a JSON file, each with where it stands."""
    try:
        held = json.loads(readable_file(path).read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FileFaultError(f"{path}: is no JSON in UTF-8 ({error}); copy the plan again") from None
    listed = held
    for key in ("siting", "stations"):
        if isinstance(listed, dict):
            listed = listed.get(key, listed)
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise FileFaultError(f'{path}: holds no list of site ids; expected ["id", …] or {{"stations": ["id", …]}}')
    return [(f"entry {n}", one) for n, one in enumerate(listed, start=1)]


def _from_table(path: Path) -> list[tuple[str, str]]:
    """Return ids of a table, each with its line."""
    table = read_table(path)
    headings = [str(name) for name in table.frame.columns]
    wanted = {plain(name) for name in _HEADINGS}
    own = match_headings(headings, LAYERS["candidates"])[0].get("id")
    column = next((name for name in headings if plain(name) in wanted), own)
    if column is None and len(headings) == 1:
        column = headings[0]
    if column is None:
        raise MissingColumnError(
            f"{path}: no column for site_id ({', '.join(_HEADINGS)}, 编号); it has {', '.join(headings)}: rename one"
        )
    cells = table.frame[column]
    filled = cells.notna() & (cells.astype(str).str.strip() != "")
    text = [_text(cell) for cell in cells[filled]]
    lines = pd.Series(table.lines)[filled.to_numpy()]
    return [(f"{table.unit} {line}", one) for line, one in zip(lines, text, strict=True)]


def _text(cell: object) -> str:
    """Return an id as text: a sheet may have made a whole number of it."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()

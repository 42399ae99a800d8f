"""Places that a table names instead of locating: by id, or by a name that only one has."""

from __future__ import annotations

import pandas as pd

from careshed.errors import FileFaultError, InputError
from careshed.tables.files import Table
from careshed.tables.schema import LAYERS, match_headings

__all__ = ["named_places"]


def named_places(table: Table, names: pd.Series, *, what: str) -> list[str]:
    """Return the ids of the known places that a table names.

    Parameters
    ----------
    table
        A table with a column of ids or of names.
    names
        Names of the known places, by id.
    what
        What they are, with the area's name, for the message: ``facility of Xicheng``.

    Returns
    -------
    list of str
        In the order of the table.

    Raises
    ------
    FileFaultError
        If it has no such column.
    InputError
        If a row names none of them, or two rows name one.
    """
    found, _ = match_headings(table.frame.columns, LAYERS["facilities"])
    heading = found.get("id") or found.get("name")
    if heading is None:
        raise FileFaultError(
            f"{table.path}: it has no column id (编号) or name (名称) of each {what}; it has "
            f"{', '.join(map(str, table.frame.columns)) or 'none'}"
        )
    sole = names.drop_duplicates(keep=False)
    ids = {str(name): str(own) for own, name in sole.items() if name} | {str(own): str(own) for own in names.index}
    cells = [str(cell).strip() for cell in table.frame[heading]]
    unknown = [(line, cell) for line, cell in zip(table.lines, cells, strict=True) if cell not in ids]
    if unknown:
        line, cell = unknown[0]
        raise InputError(
            f"{table.path}, {table.unit} {line}: {cell!r} is no {what} ({len(unknown)} unknown in all); expected ids "
            f"such as {', '.join(map(str, names.index[:3])) or 'none: there are none'}"
        )
    chosen = [ids[cell] for cell in cells]
    twice = [one for one in chosen if chosen.count(one) > 1]
    if twice:
        raise InputError(f"{table.path}: {twice[0]} is named twice; name each once")
    return chosen

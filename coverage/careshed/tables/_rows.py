"""The rows of a table under a layer's columns, with the reason where one is rejected."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import DuplicateIdError
from careshed.tables.files import Table
from careshed.tables.schema import FIELDS, STATUSES, Layer, canonical

__all__ = ["Rows"]

_BLANK = {"", "nan", "none", "null", "na", "n/a", "#n/a", "<na>", "nat", "-", "--", "—", "——", "/", "无", "不详"}


@dataclass(slots=True)
class Rows:
    """Cells by column, and for each row why it can't be used ('' if it can).

    Positions, not ids, are the index of every Series in here.
    """

    table: Table
    layer: Layer
    found: dict[str, str]
    notes: list[str] = field(default_factory=list)
    reasons: npt.NDArray[np.object_] = field(init=False)
    _cache: dict[str, pd.Series] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with every row good."""
        self.reasons = np.full(len(self.table.frame), "", dtype=object)

    @property
    def good(self) -> pd.Series:
        """Which rows can be used so far."""
        return pd.Series(self.reasons == "")

    def note(self, text: str) -> None:
        """Keep a sentence about the file for a person, once."""
        sentence = f"{self.table.path.name}: {text}"
        if sentence not in self.notes:
            self.notes.append(sentence)

    def reject(self, bad: pd.Series, reason: str | pd.Series) -> None:
        """Give `reason` to the rows that are `bad` and still good."""
        fresh = bad.to_numpy(bool) & (self.reasons == "")
        if fresh.any():
            self.reasons[fresh] = reason.to_numpy()[fresh] if isinstance(reason, pd.Series) else reason

    def rejected(self) -> pd.DataFrame:
        """Return the bad rows: file, line, id, reason."""
        bad = self.reasons != ""
        return pd.DataFrame(
            {
                "file": self.table.path.name,
                "line": self.table.lines[bad].astype(str),
                "id": self.text("id").to_numpy()[bad],
                "reason": self.reasons[bad],
            },
            dtype="str",
        )

    def text(self, column: str) -> pd.Series:
        """Return a column as text: no surrounding or doubled spaces, '' where blank."""
        if column in self._cache:
            return self._cache[column]
        if column not in self.found:
            return pd.Series("", index=range(len(self.reasons)), dtype=object)
        cells = self.table.frame[self.found[column]].tolist()
        self._cache[column] = pd.Series([_clean(cell) for cell in cells], dtype=object)
        return self._cache[column]

    def number(self, column: str) -> tuple[pd.Series, pd.Series]:
        """Return a column as floats, NaN where it can't be read, and its text."""
        text = self.text(column)
        key = f"{column} as number"
        if key not in self._cache:
            wide = text.map(lambda cell: unicodedata.normalize("NFKC", cell))
            if FIELDS[column].holds != "degrees":
                grouped = wide.str.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
                wide = wide.where(~grouped, wide.str.replace(",", ""))
            self._cache[key] = pd.to_numeric(wide, errors="coerce").astype(float)
        return self._cache[key], text

    def count(self, column: str) -> pd.Series:
        """Return a column of whole numbers ≥ 0, NaN where blank; other rows are rejected."""
        value, text = self.number(column)
        self._reject_numbers(column, value, text)
        self.reject(value.notna() & (value != np.floor(value)), _says(column, text, "is no whole number"))
        return value

    def amount(self, column: str) -> pd.Series:
        """Return a column of numbers ≥ 0, NaN where blank; other rows are rejected."""
        value, text = self.number(column)
        self._reject_numbers(column, value, text)
        return value

    def population(self, *, required: bool) -> tuple[pd.Series, pd.Series]:
        """Return people and whether each figure is real or estimated.

        Where both columns are given, the real figure is taken and the estimate
        fills its blanks. An estimate is rounded to whole people.
        """
        value = self.count("population")
        estimate = self.amount("population_est").round()
        real = value.notna() | estimate.isna()
        merged = value.where(real, estimate)
        if required and {"population", "population_est"} & self.found.keys():
            self.reject(merged.isna(), "population is missing")
        given = "population" in self.found or "population_est" not in self.found
        status = real.map({True: "real", False: "estimated"}) if given else pd.Series("estimated", index=real.index)
        return merged, status.astype(object)

    def status(self) -> pd.Series:
        """Return the status by its own name; the layer's first where blank."""
        names = {
            text: canonical(text, STATUSES) if text else self.layer.statuses[0] for text in self.text("status").unique()
        }
        status = self.text("status").map(names)
        allowed = status.isin(self.layer.statuses)
        expected = ", ".join(f"{name} ({STATUSES[name][0]})" for name in self.layer.statuses)
        self.reject(~allowed, _says("status", self.text("status"), f"is unknown; expected {expected}"))
        return status.where(allowed, "")

    def kind(self) -> pd.Series:
        """Return the kind by its own name, or as it is written where the table has none."""
        text = self.text("kind")
        names = {value: canonical(value, FIELDS["kind"].choices) for value in text.unique()}
        other = sorted(value for value, name in names.items() if name is None and value)
        if other:
            shown = ", ".join(other[:5]) + (" …" if len(other) > 5 else "")
            self.note(f"{len(other)} kinds are taken as written ({shown}); they count where targets.toml names them")
        self.reject(text == "", "kind is missing")
        return text.map(lambda value: names[value] or value)

    def ids(self) -> pd.Series:
        """Return each row's id; where blank, the layer's prefix and the row's number."""
        given = self.text("id")
        blank = given == ""
        if not blank.any():
            return given
        number = np.arange(1, len(given) + 1) + self.table.before
        width = max(len(str(self.table.before + len(given))), 2)
        made = pd.Series([f"{self.layer.prefix}-{one:0{width}d}" for one in number], dtype=object)
        taken = set(given[~blank])
        made = made.map(lambda name: name if name not in taken else f"{name}*")
        self.note(f"{int(blank.sum())} rows have no id and are numbered {made[blank].iloc[0]} and on")
        return given.where(~blank, made)

    def require_unique_ids(self) -> None:
        """Refuse a file in which two rows have one id."""
        given = self.text("id")
        given = given[given != ""]
        twice = given[given.duplicated(keep=False)]
        if not len(twice):
            return
        shown = []
        for name, same in list(twice.groupby(twice, sort=False))[:3]:
            shown.append(
                f"{name!r} on {self.table.unit}s {', '.join(str(self.table.lines[row]) for row in same.index[:4])}"
            )
        raise DuplicateIdError(
            f"{self.table.path}: {twice.nunique()} ids occur more than once ({'; '.join(shown)}); give each row its own"
        )

    def _reject_numbers(self, column: str, value: pd.Series, text: pd.Series) -> None:
        self.reject((value.isna() | np.isinf(value)) & (text != ""), _says(column, text, "is no number"))
        self.reject(value < 0, _says(column, text, "is negative"))


def _says(column: str, text: pd.Series, fault: str) -> pd.Series:
    return text.map(lambda cell: f"{column} {cell[:40]!r} {fault}")


def _clean(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    text = " ".join(str(cell).split())
    return "" if text.casefold() in _BLANK else text

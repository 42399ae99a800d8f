"""What a table of the report is made of; the template lays it out in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from careshed.area import StudyArea
from careshed.wording import NOTHING, Label, percent
from careshed.words import label

__all__ = ["Cell", "Mark", "Noted", "Share", "Table", "listed", "share", "unit_name", "whole"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share that is drawn as a bar too."""

    text: str
    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Met or not, by sign, word and colour."""

    met: bool


@dataclass(frozen=True, slots=True)
class Noted:
    """A text with a smaller one below."""

    text: str | Label
    note: str | Label


Cell = str | Label | Share | Mark | Noted


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Parameters
    ----------
    caption
        What it shows.
    columns
        Headings.
    rows
        Cells.
    total
        A last row that sums up, where there is one.
    figures
        Positions of the columns that hold figures.
    wraps
        Positions of the columns of long text, which get the room that is left.
    """

    caption: Label
    columns: list[Label]
    rows: list[list[Cell]]
    total: list[Cell] | None = None
    figures: frozenset[int] = field(default_factory=frozenset)
    wraps: frozenset[int] = field(default_factory=frozenset)


def share(value: float) -> Cell:
    """Return a share (0 to 1) with its bar, a dash where there is none."""
    return NOTHING if pd.isna(value) else Share(percent(value), round(100 * min(max(value, 0.0), 1.0), 1))


def whole() -> Label:
    """Return the heading of a row that sums up."""
    return label("report.all")


def unit_name(area: StudyArea, unit_id: str) -> Label:
    """Return the name of a subdistrict; in English the English one where the data has it."""
    unit = area.subdistricts.loc[unit_id]
    return Label(str(unit["name"]), str(unit["name_en"]))


def listed(names: Sequence[Label]) -> Label:
    """Return several names as one text."""
    return Label("、".join(name.read("zh") for name in names), ", ".join(name.read("en") for name in names))

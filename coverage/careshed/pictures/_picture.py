"""What a picture holds, before it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import shapely

from careshed.words import Label

__all__ = ["Fill", "Key", "Marks", "Picture", "Section"]


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend.

    Parameters
    ----------
    kind
        How its sample is drawn.
    style
        As matplotlib takes it: ``color`` of a fill, options of a line or a mark.
    text
        What stands beside it.
    digit
        What is written into a mark.
    """

    kind: Literal["fill", "line", "mark"]
    style: dict[str, Any]
    text: Label
    digit: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the legend: its heading and its lines."""

    title: Label
    keys: Sequence[Key]


@dataclass(frozen=True, slots=True)
class Fill:
    """Ground of one colour, in the area's CRS."""

    shapes: Sequence[shapely.Geometry]
    colour: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Points that look alike, in the area's CRS; a digit may stand in each."""

    points: Sequence[shapely.Geometry]
    style: dict[str, Any]
    digit: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that one picture shows and says.

    Parameters
    ----------
    title, figures
        Its heading, and the figures that a reader wants to know first.
    sections
        The legend, from the top.
    fills, marks
        Each drawn over those before it.
    values
        Subdistrict → the figure that stands under its name.
    """

    title: Label
    figures: Label
    sections: Sequence[Section]
    fills: Sequence[Fill] = ()
    marks: Sequence[Marks] = ()
    values: dict[str, str] = field(default_factory=dict)

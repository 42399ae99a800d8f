"""Styles of QGIS as QML: one symbol, one for each category, or one for each class of a figure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Symbol", "categorized", "graduated", "single"]

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
VERSION = "3.28.0"
"""The oldest that the styles are written for."""

GEOMETRY = {"marker": "0", "fill": "2"}
"""What QGIS calls the geometry of a symbol's layer."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a thing looks.

    Parameters
    ----------
    kind
        Of a point or of a polygon.
    colour, outline
        As ``#rrggbb``.
    size
        Diameter of a marker, or width of a polygon's outline (0: none), millimetres.
    alpha
        0 is clear, 1 is full.
    """

    kind: Literal["marker", "fill"]
    colour: str
    outline: str
    size: float
    alpha: float = 1.0

    def properties(self) -> dict[str, str]:
        """Return what QGIS calls them."""
        if self.kind == "marker":
            return {
                "name": "circle",
                "color": _rgba(self.colour, self.alpha),
                "outline_color": _rgba(self.outline, 1.0),
                "outline_style": "solid",
                "outline_width": "0.3",
                "outline_width_unit": "MM",
                "scale_method": "diameter",
                "size": f"{self.size:g}",
                "size_unit": "MM",
            }
        return {
            "style": "solid",
            "color": _rgba(self.colour, self.alpha),
            "outline_color": _rgba(self.outline, 1.0),
            "outline_style": "solid" if self.size else "no",
            "outline_width": f"{self.size:g}",
            "outline_width_unit": "MM",
        }


def single(symbol: Symbol) -> str:
    """Return a style that draws all alike."""
    renderer = _renderer("singleSymbol")
    _symbols(renderer, [symbol])
    return _document(renderer, symbol.kind)


def categorized(attribute: str, classes: Sequence[tuple[str, str, Symbol]]) -> str:
    """Return a style with a symbol for each value.

    Parameters
    ----------
    attribute
        A column, or an expression of QGIS.
    classes
        Value, label and symbol of each.
    """
    renderer = _renderer("categorizedSymbol", attr=attribute)
    categories = ET.SubElement(renderer, "categories")
    for place, (value, text, _) in enumerate(classes):
        ET.SubElement(categories, "category", value=value, label=text, symbol=str(place), render="true")
    _symbols(renderer, [symbol for *_, symbol in classes])
    return _document(renderer, classes[0][-1].kind)


def graduated(attribute: str, classes: Sequence[tuple[float, float, str, Symbol]]) -> str:
    """Return a style with a symbol for each class of a figure.

    Parameters
    ----------
    attribute
        A column.
    classes
        Lower limit, upper limit, label and symbol of each.
    """
    renderer = _renderer("graduatedSymbol", attr=attribute, graduatedMethod="GraduatedColor")
    ranges = ET.SubElement(renderer, "ranges")
    for place, (low, high, text, _) in enumerate(classes):
        ET.SubElement(
            ranges, "range", lower=f"{low:.15f}", upper=f"{high:.15f}", label=text, symbol=str(place), render="true"
        )
    _symbols(renderer, [symbol for *_, symbol in classes])
    return _document(renderer, classes[0][-1].kind)


def _renderer(kind: str, **attributes: str) -> ET.Element:
    return ET.Element("renderer-v2", {"type": kind, "symbollevels": "0", "enableorderby": "0", **attributes})


def _symbols(renderer: ET.Element, symbols: Iterable[Symbol]) -> None:
    held = ET.SubElement(renderer, "symbols")
    for place, symbol in enumerate(symbols):
        drawn = ET.SubElement(held, "symbol", type=symbol.kind, name=str(place), alpha="1", clip_to_extent="1")
        kind = "SimpleMarker" if symbol.kind == "marker" else "SimpleFill"
        layer = ET.SubElement(drawn, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
        options = ET.SubElement(layer, "Option", type="Map")
        for name, value in symbol.properties().items():
            ET.SubElement(options, "Option", type="QString", name=name, value=value)


def _document(renderer: ET.Element, kind: str) -> str:
    root = ET.Element("qgis", version=VERSION, styleCategories="Symbology")
    root.append(renderer)
    ET.SubElement(root, "layerGeometryType").text = GEOMETRY[kind]
    ET.indent(root, " ")
    return DOCTYPE + ET.tostring(root, encoding="unicode")


def _rgba(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * alpha)}"

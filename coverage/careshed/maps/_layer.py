"""What a layer of the map is: what draws it, what its legend says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import folium
from folium.utilities import JsCode
from markupsafe import Markup

from careshed.maps._page import Text, figure_of, to_json
from careshed.maps._shapes import features
from careshed.words import Label, label

__all__ = [
    "CHECKS",
    "GROUND",
    "PLACES",
    "STATIONS",
    "THEMES",
    "DataLayer",
    "Key",
    "MapLayer",
    "listed",
    "numbered",
    "pin_layer",
    "shape_layer",
]


@dataclass(frozen=True, slots=True)
class Key:
    """One line of a legend.

    Parameters
    ----------
    style
        Class of the table of styles, or CSS classes of a pin.
    text
        What it stands for; what reads the same in both languages has no English.
    shape
        ``area``, ``fill`` (of a theme, half clear), ``line``, ``dot`` or ``pin``.
    figure
        How much of it there is, shown after the text.
    """

    style: str
    text: Label
    shape: str = "area"
    figure: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class MapLayer:
    """One layer of the map.

    Parameters
    ----------
    name
        Its name in the list of layers; None for one that is always shown.
    element
        What draws it.
    keys
        Its legend.
    note
        A sentence or two that say what is shown; None where the name says it.
    group
        Heading in the list of layers under which it stands, one of those below; None for none. Layers of one group
        stand together, and groups in the order of the list, so a heading goes before the first layer of its group.
        Those of ``THEMES`` exclude one another (`folium.map.Layer.overlay` is False).
    phase
        The day by which its stations are open, as an ISO date, or the phase's number where no date is given; ``""``
        for what is there in all phases. What is shown of a phase is the layers up to it.
    """

    name: Label | None
    element: folium.map.Layer
    keys: tuple[Key, ...] = ()
    note: Label | None = None
    group: Label | None = None
    phase: str = ""


THEMES = label("map.group_themes")
STATIONS = label("map.group_stations")
PLACES = label("map.group_places")
CHECKS = label("map.group_checks")
GROUND = label("map.group_ground")


def listed(name: Label) -> str:
    """Return a name as HTML for the list of layers, English in small beside."""
    html = str(Markup('{} <small lang="en">{}</small>').format(name.zh, name.en))
    # folium would take braces for a template's
    return html.replace("{", "&#123;")


def numbered(name: Label, count: int) -> Label:
    """Return a layer's name with how many it holds."""
    return Label(f"{name.zh} ({count})", name.en)


class DataLayer(folium.GeoJson):
    """A GeoJSON layer whose features go into the page as they are.

    folium renders what it has rendered once more, as a template: a community
    called ``{{ 7 * 7 }}`` would become 49, and worse could be asked for.

    Parameters
    ----------
    rows
        The features.
    options
        As `folium.GeoJson` takes them.
    """

    def __init__(self, rows: list[dict[str, Any]], **options: Any) -> None:
        super().__init__(features([]), **options)
        self.rows = rows

    def render(self, **kwargs: Any) -> str:
        """Add the layer, then its features, to the page's script; nothing stands where this is."""
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        name = self.get_name()
        script = f"{name}.addData({to_json(features(self.rows))});"
        if not self.show and not self.on_each_feature:
            # fills and lines that are off are made when they are first shown; what has cards can be looked for at once
            script = f"{name}.once('add', () => {{ {script} }});"
        figure_of(self).script.add_child(Text(script), name=f"{name}_data")
        return ""


def shape_layer(
    data: list[dict[str, Any]],
    *,
    pane: str,
    name: Label | None = None,
    theme: bool = False,
    show: bool = True,
    svg: bool = False,
    titles: Sequence[str] | None = None,
) -> DataLayer:
    """Return features as a folium layer, styled by their class ``k``.

    Parameters
    ----------
    data
        Features with ``k`` (class), and where they have a card ``t`` (title) and ``v`` (values).
    pane
        Where it is drawn.
    name, show
        In the list of layers, None for one that is always shown.
    theme
        One of those of which only one is shown at a time.
    svg
        Draw it as SVG: those that take the mouse are, so that none hides another.
    titles
        Labels of the card's values; None for no card.
    """
    options: dict[str, Any] = {
        "pane": pane,
        "interactive": titles is not None,
        "style": JsCode("careshed.style"),
        "point_to_layer": JsCode(f"careshed.point({pane!r}, {'true' if titles is not None else 'false'})"),
    }
    if svg:
        options["renderer"] = JsCode(f"careshed.svg({pane!r})")
    return DataLayer(
        data,
        name=None if name is None else listed(name),
        overlay=not theme,
        control=name is not None,
        show=show,
        smooth_factor=1.0,
        on_each_feature=None if titles is None else JsCode(f"careshed.card({to_json(titles)})"),
        **options,
    )


def pin_layer(
    rows: list[dict[str, Any]], *, name: Label, titles: Sequence[str], show: bool = True, above: int = 0
) -> DataLayer:
    """Return points as pins: small HTML marks, shaped by CSS, that the keyboard reaches too.

    Parameters
    ----------
    rows
        Features whose ``k`` is the pin's CSS classes and ``s`` what stands in it.
    name, show
        In the list of layers.
    titles
        Labels of the card's values.
    above
        How far it stands before other pins.
    """
    return DataLayer(
        rows,
        name=listed(name),
        show=show,
        on_each_feature=JsCode(f"careshed.card({to_json(titles)})"),
        point_to_layer=JsCode(f"careshed.pin({above})"),
    )

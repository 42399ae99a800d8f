"""The last script of a map: what holds its layers, legend, labels and notes together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from branca.element import Element

from careshed.maps._basemap import Basemap
from careshed.maps._layer import MapLayer
from careshed.maps._page import Text, figure_of, to_json
from careshed.maps._style import STYLES
from careshed.words import label

__all__ = ["Start"]


class Start(Element):
    """Hands the map to our script, after all layers are on it.

    Parameters
    ----------
    drawn
        The map.
    layers
        The layers of the list, in its order.
    bounds
        Corners that the map is fitted to.
    names
        Longitude, latitude and text of each label.
    credit
        Whether OpenStreetMap's attribution is shown.
    tiles
        Base map under the layers.
    """

    def __init__(
        self,
        drawn: Element,
        layers: Sequence[MapLayer],
        bounds: list[list[float]],
        names: list[list[object]],
        *,
        credit: bool,
        tiles: Basemap,
    ) -> None:
        super().__init__()
        self._name = "Start"
        self.drawn = drawn
        self.layers = layers
        self.bounds = bounds
        self.names = names
        self.credit = credit
        self.tiles = tiles

    def render(self, **_: Any) -> str:
        """Add the styles to the page's head and the call to its script; nothing stands where this is."""
        page = figure_of(self)
        facts = {
            "bounds": self.bounds,
            "names": self.names,
            "openstreetmap": self.credit,
            "layers": [{"name": layer.name, "phase": layer.phase} for layer in self.layers],
            "tiles": self.tiles.facts,
            "credit": str(self.tiles.credit),
            "words": _words(),
        }
        layers = ", ".join(layer.element.get_name() for layer in self.layers)
        call = f"careshed.start({self.drawn.get_name()}, [{layers}], {to_json(facts)});"
        page.header.add_child(Text(f"<script>careshed.styles = {to_json(STYLES)};</script>"), name="careshed_styles")
        page.script.add_child(Text(call), name=self.get_name())
        return ""


def _words() -> dict[str, str]:
    """Return what the script says; it fills in the braces itself."""
    return {
        "nothing": str(label("panel.nothing_found")),
        "found": str(label("panel.found", n="{n}")),
        "more": str(label("panel.more", n="{n}")),
        "hint": str(label("panel.measure_hint")),
        "length": str(label("panel.length")),
        "surface": str(label("panel.surface")),
        "zoomIn": str(label("panel.zoom_in")),
        "zoomOut": str(label("panel.zoom_out")),
        "close": str(label("panel.close_card")),
    }

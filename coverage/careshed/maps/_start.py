"""The last script of a map: what holds its layers, legend, labels and notes together."""

from __future__ import annotations

from branca.element import MacroElement
from folium.map import Layer
from folium.template import Template

from careshed.maps._style import STYLES

__all__ = ["Start"]


class Start(MacroElement):
    """Hands the map to our script, after all layers are on it.

    Parameters
    ----------
    layers
        Name and layer of each entry of the legend, in its order.
    bounds
        Corners that the map is fitted to.
    names
        Longitude, latitude and text of each label.
    credit
        Whether OpenStreetMap's attribution is shown.
    """

    _template = Template(
        """
        {% macro header(this, kwargs) %}
            <script>careshed.styles = {{ this.styles|tojson }};</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            careshed.start({{ this._parent.get_name() }}, {
                layers: [{% for layer in this.layers %}{{ layer.get_name() }}, {% endfor %}],
                bounds: {{ this.bounds|tojson }},
                names: {{ this.names|tojson }},
                openstreetmap: {{ this.credit|tojson }}
            });
        {% endmacro %}
        """
    )

    def __init__(
        self,
        layers: list[Layer],
        bounds: list[list[float]],
        names: list[list[object]],
        *,
        credit: bool,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Start"
        self.styles = STYLES
        self.layers = layers
        self.bounds = bounds
        self.names = names
        self.credit = credit

"""Maps: a plan as one HTML file that opens with the network cable out.

folium draws it; Leaflet comes from a package and is written into the file, the
base map is the area's own streets, water and outlines. What comes from data is
put on the page as text, never as markup.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import folium
import shapely
from folium.map import CustomPane
from markupsafe import Markup

from careshed._checks import new_file
from careshed.maps._ground import ground_layers
from careshed.maps._layer import MapLayer
from careshed.maps._page import OfflineMap, Page, number, panel_template
from careshed.maps._places import place_layers
from careshed.maps._shapes import Shapes
from careshed.maps._start import Start
from careshed.maps._stations import station_layers
from careshed.maps._stranded import stranded_layers
from careshed.maps._style import PANES, STYLES
from careshed.maps._themes import theme_layers
from careshed.plan import Plan
from careshed.wording import LAYERS, PROVENANCE, Label, key_figures, openstreetmap

__all__ = ["coverage_map", "write_map"]


def coverage_map(plan: Plan) -> folium.Map:
    """Draw a plan.

    Parameters
    ----------
    plan
        What was computed. A part that was left out is not drawn, and the page says why.

    Returns
    -------
    folium.Map
        In WGS-84, all layers on it, in a page that holds everything it needs.
        More layers may be added before it is shown or saved.

    Examples
    --------
    >>> coverage_map(plan).save("map.html")  # doctest: +SKIP
    """
    shapes = Shapes(plan.area.crs)
    bounds = shapes.bounds(_extent(plan))
    centre = [round((low + high) / 2, 6) for low, high in zip(*bounds, strict=True)]
    drawn = OfflineMap(location=centre, tiles=None, prefer_canvas=True, zoom_control="bottomright", zoom_snap=0.25)
    for pane, (height, mouse) in PANES.items():
        drawn.add_child(CustomPane(pane, z_index=height, pointer_events=mouse))
    # panes say what lies above what; this order is that of the list and the legend
    layers = [
        *theme_layers(plan, shapes),
        *station_layers(plan, shapes),
        *place_layers(plan, shapes),
        *stranded_layers(plan, shapes),
        *ground_layers(plan, shapes),
    ]
    for layer in layers:
        drawn.add_child(layer.element)
    drawn.add_child(folium.LayerControl(position="topright", collapsed=False))
    names = [
        [*point["coordinates"], name]
        for point, name in zip(
            shapes.points(plan.area.subdistricts.geometry), plan.area.subdistricts["name"], strict=True
        )
    ]
    listed = [layer for layer in layers if layer.name is not None]
    elements = [layer.element for layer in listed]
    drawn.add_child(Start(drawn, elements, bounds, names, credit=openstreetmap(plan.area)))
    page = Page(f"{plan.area.name} · careshed", _panel(plan, listed))
    page.add_child(drawn)
    number(page)
    return drawn


def write_map(plan: Plan, path: Path | str) -> None:
    """Write a plan's map as one HTML file; the same plan gives the same bytes.

    Parameters
    ----------
    plan
        What was computed.
    path
        The file; it is there in full or not at all.
    """
    html = coverage_map(plan).get_root().render()
    with new_file(path) as new:
        new.write_text(html, encoding="utf-8", newline="\n")


def _extent(plan: Plan) -> shapely.Geometry:
    """Return what the map is fitted to: the district, else all that is known of it."""
    area = plan.area
    for layer in (area.subdistricts, area.streets, area.demand, area.facilities):
        if not layer.empty:
            return shapely.box(*layer.total_bounds)
    return plan.stations.union_all()


def _panel(plan: Plan, layers: list[MapLayer]) -> Markup:
    """Return the panel beside the map: name, figures, legend, and where the data comes from."""
    area = plan.area
    sources = [
        (LAYERS.get(name, Label(name, "")), PROVENANCE[row.status], row.status, row.source, row.date)
        for name, row in sorted(area.provenance.items())
    ]
    html = panel_template().render(
        name=area.name,
        title=area.targets.title,
        synthetic=area.synthetic,
        figures=key_figures(plan),
        layers=layers,
        styles=STYLES,
        sources=sources,
        left_out=sorted(plan.left_out.items()),
        crs=f"{area.crs.to_string()} {area.crs.name}",
        version=version("careshed"),
    )
    return Markup(html)  # noqa: S704 - the template escapes what it is given

"""Maps: a plan as one HTML file that opens with the network cable out.

folium draws it; Leaflet comes from a package and is written into the file, the
base map is the area's own streets, water and outlines. What comes from data is
put on the page as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import folium
import shapely
from folium.map import CustomPane
from markupsafe import Markup

from careshed._checks import new_file
from careshed.area import StudyArea
from careshed.districts import Districting
from careshed.maps._districts import district_figures, district_layers
from careshed.maps._ground import base_layers, ground_layers
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
from careshed.wording import LAYERS, PROVENANCE, Label, Verdict, key_figures, openstreetmap

__all__ = ["coverage_map", "district_map", "write_map"]

Figures = list[tuple[Label, Verdict | None, str]]


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
    # panes say what lies above what; this order is that of the list and the legend
    layers = [
        *theme_layers(plan, shapes),
        *station_layers(plan, shapes),
        *place_layers(plan, shapes),
        *stranded_layers(plan, shapes),
        *ground_layers(plan, shapes),
    ]
    return _drawn(plan.area, shapes, layers, _extent(plan), key_figures(plan), dict(plan.left_out))


def district_map(made: Districting) -> folium.Map:
    """Draw districts around their cores.

    Parameters
    ----------
    made
        The districts. Where there are none, units and cores are drawn, and the page says why.

    Returns
    -------
    folium.Map
        As `coverage_map`.
    """
    shapes = Shapes(made.area.crs)
    layers = [*district_layers(made, shapes), *base_layers(made.area, shapes)]
    reasons = {conflict.rule: f"{conflict.text}; {conflict.remedy}" for conflict in made.found.reason}
    extent = shapely.box(*made.units.total_bounds)
    return _drawn(made.area, shapes, layers, extent, district_figures(made), reasons)


def _drawn(
    area: StudyArea,
    shapes: Shapes,
    layers: list[MapLayer],
    extent: shapely.Geometry,
    figures: Figures,
    left_out: Mapping[str, object],
) -> folium.Map:
    """Put layers on a map, and the map on a page beside its panel."""
    bounds = shapes.bounds(extent)
    centre = [round((low + high) / 2, 6) for low, high in zip(*bounds, strict=True)]
    drawn = OfflineMap(location=centre, tiles=None, prefer_canvas=True, zoom_control="bottomright", zoom_snap=0.25)
    for pane, (height, mouse) in PANES.items():
        drawn.add_child(CustomPane(pane, z_index=height, pointer_events=mouse))
    for layer in layers:
        drawn.add_child(layer.element)
    drawn.add_child(folium.LayerControl(position="topright", collapsed=False))
    names = [
        [*point["coordinates"], name]
        for point, name in zip(shapes.points(area.subdistricts.geometry), area.subdistricts["name"], strict=True)
    ]
    listed = [layer for layer in layers if layer.name is not None]
    elements = [layer.element for layer in listed]
    drawn.add_child(Start(drawn, elements, bounds, names, credit=openstreetmap(area)))
    page = Page(f"{area.name} · careshed", _panel(area, listed, figures, left_out))
    page.add_child(drawn)
    number(page)
    return drawn


def write_map(made: Plan | Districting, path: Path | str) -> None:
    """Write a map as one HTML file; the same plan gives the same bytes.

    Parameters
    ----------
    made
        A plan, or districts.
    path
        The file; it is there in full or not at all.
    """
    drawn = coverage_map(made) if isinstance(made, Plan) else district_map(made)
    html = drawn.get_root().render()
    with new_file(path) as new:
        new.write_text(html, encoding="utf-8", newline="\n")


def _extent(plan: Plan) -> shapely.Geometry:
    """Return what the map is fitted to: the district, else all that is known of it."""
    area = plan.area
    for layer in (area.subdistricts, area.streets, area.demand, area.facilities):
        if not layer.empty:
            return shapely.box(*layer.total_bounds)
    return plan.stations.union_all()


def _panel(area: StudyArea, layers: list[MapLayer], figures: Figures, left_out: Mapping[str, object]) -> Markup:
    """Return the panel beside the map: name, figures, legend, and where the data comes from."""
    sources = [
        (LAYERS.get(name, Label(name, "")), PROVENANCE[row.status], row.status, row.source, row.date)
        for name, row in sorted(area.provenance.items())
    ]
    html = panel_template().render(
        name=area.name,
        title=area.targets.title,
        synthetic=area.synthetic,
        figures=figures,
        layers=layers,
        styles=STYLES,
        sources=sources,
        left_out=sorted(left_out.items()),
        crs=f"{area.crs.to_string()} {area.crs.name}",
        version=version("careshed"),
    )
    return Markup(html)  # noqa: S704 - the template escapes what it is given

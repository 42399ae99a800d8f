"""Maps: a plan as one HTML file that opens with the network cable out.

folium draws it; Leaflet comes from a package and is written into the file, the
base map is the area's own streets, water and outlines. What comes from data is
put on the page as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import folium
import shapely
from folium.map import CustomPane

from careshed._checks import new_file
from careshed.area import StudyArea
from careshed.districts import Districting
from careshed.maps._basemap import Basemap, basemap_of
from careshed.maps._districts import district_figures, district_layers
from careshed.maps._ground import base_layers, ground_layers
from careshed.maps._layer import CHECKS, GROUND, PLACES, STATIONS, THEMES, MapLayer
from careshed.maps._page import OfflineMap, Page, number
from careshed.maps._phases import phases
from careshed.maps._places import place_layers
from careshed.maps._shapes import Shapes
from careshed.maps._start import Start
from careshed.maps._stations import station_layers
from careshed.maps._stranded import stranded_layers
from careshed.maps._style import PANES, STYLES
from careshed.maps._themes import theme_layers
from careshed.maps._whatif import WhatIf, why_no_what_if
from careshed.plan import Plan
from careshed.wording import LAYERS, PROVENANCE, key_figures, openstreetmap
from careshed.words import Label, term

__all__ = ["basemap_of", "coverage_map", "district_map", "write_map"]

DATUM_NAMES = {"wgs84": "WGS 84", "cgcs2000": "CGCS2000 / WGS 84", "gcj02": "GCJ-02"}
"""What the page calls the datum of its coordinates."""


def coverage_map(plan: Plan, *, basemap: str = "none") -> folium.Map:
    """Draw a plan.

    Parameters
    ----------
    plan
        What was computed. A part that was left out is not drawn, and the page says why.
    basemap
        One of ``none``, ``osm``, ``carto``, ``amap``, ``tianditu``: online tiles under the plan. ``none`` asks
        nothing of any host.

    Returns
    -------
    folium.Map
        In WGS-84 (over Amap's tiles in GCJ-02), all layers on it, in a page that holds everything it needs but
        tiles. More layers may be added before it is shown or saved.

    Raises
    ------
    InputError
        If the base map is unknown, or its key is missing.

    Examples
    --------
    >>> coverage_map(plan).save("map.html")  # doctest: +SKIP
    """
    tiles = basemap_of(basemap)
    shapes = Shapes(plan.area.crs, tiles.datum)
    # panes say what lies above what; this order is that of the list and the legend
    groups = {
        THEMES: theme_layers(plan, shapes),
        STATIONS: station_layers(plan, shapes),
        PLACES: place_layers(plan, shapes),
        CHECKS: stranded_layers(plan, shapes),
        GROUND: ground_layers(plan, shapes),
    }
    layers = [replace(layer, group=group) for group, own in groups.items() for layer in own]
    left_out = dict(plan.left_out)
    if (why := why_no_what_if(plan)) is not None:
        left_out["what-if"] = why
    facts = {"figures": key_figures(plan), "phases": phases(plan), "left_out": _left_out(left_out)}
    drawn = _drawn(plan.area, shapes, layers, _extent(plan), tiles, facts)
    if (what_if := WhatIf.of(drawn, plan, shapes)) is not None:
        drawn.add_child(what_if)
    return drawn


def district_map(made: Districting, *, basemap: str = "none") -> folium.Map:
    """Draw districts around their cores.

    Parameters
    ----------
    made
        The districts. Where there are none, units and cores are drawn, and the page says why.
    basemap
        As `coverage_map`.

    Returns
    -------
    folium.Map
        As `coverage_map`.
    """
    tiles = basemap_of(basemap)
    shapes = Shapes(made.area.crs, tiles.datum)
    layers = [*district_layers(made, shapes), *base_layers(made.area, shapes)]
    reasons = {
        conflict.rule: Label(f"{conflict.text.zh};{conflict.remedy.zh}", f"{conflict.text.en}; {conflict.remedy.en}")
        for conflict in made.found.reason
    }
    facts = {"figures": district_figures(made), "left_out": _left_out(reasons)}
    return _drawn(made.area, shapes, layers, shapely.box(*made.units.total_bounds), tiles, facts)


def _left_out(reasons: Mapping[str, Label]) -> list[tuple[str | Label, Label]]:
    return [(term("parts", part) or part, reason) for part, reason in sorted(reasons.items())]


def _drawn(
    area: StudyArea,
    shapes: Shapes,
    layers: list[MapLayer],
    extent: shapely.Geometry,
    tiles: Basemap,
    facts: Mapping[str, object],
) -> folium.Map:
    """Put layers on a map, and the map on a page beside its panel."""
    bounds = shapes.bounds(extent)
    centre = [round((low + high) / 2, 6) for low, high in zip(*bounds, strict=True)]
    drawn = OfflineMap(location=centre, tiles=None, prefer_canvas=True, zoom_control=False, zoom_snap=0.25)
    for pane, (height, mouse) in PANES.items():
        drawn.add_child(CustomPane(pane, z_index=height, pointer_events=mouse))
    for layer in layers:
        # the tiles show streets, water and parks too
        if tiles.urls and layer.group == GROUND and layer.name is not None:
            layer.element.show = False
        drawn.add_child(layer.element)
    listed = [layer for layer in layers if layer.name is not None]
    names = [
        [*point["coordinates"], name]
        for point, name in zip(shapes.points(area.subdistricts.geometry), area.subdistricts["name"], strict=True)
    ]
    drawn.add_child(Start(drawn, listed, bounds, names, credit=openstreetmap(area), tiles=tiles))
    around = {**_around(area), "datum": DATUM_NAMES[tiles.datum], "groups": _groups(listed), **facts}
    page = Page(f"{area.name} · careshed", around, hosts=tiles.hosts)
    page.add_child(drawn)
    number(page)
    return drawn


def write_map(made: Plan | Districting, path: Path | str, *, basemap: str = "none") -> None:
    """Write a map as one HTML file; the same plan gives the same bytes.

    Parameters
    ----------
    made
        A plan, or districts.
    path
        The file; it is there in full or not at all.
    basemap
        As `coverage_map`.
    """
    drawn = coverage_map(made, basemap=basemap) if isinstance(made, Plan) else district_map(made, basemap=basemap)
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


def _groups(layers: list[MapLayer]) -> list[tuple[Label | None, list[dict[str, object]]]]:
    """Return the layers of the list under their headings, each with its place in the script's list."""
    rows: list[tuple[Label | None, dict[str, object]]] = [
        (layer.group, {"place": place, "name": layer.name, "note": layer.note, "lines": layer.keys, "theme": theme})
        for place, layer in enumerate(layers)
        for theme in (not layer.element.overlay,)
    ]
    return [(group, [row for _, row in part]) for group, part in groupby(rows, key=lambda row: row[0])]


def _around(area: StudyArea) -> dict[str, object]:
    """Return what the page says of an area: its name, and where the data comes from."""
    sources = [
        (LAYERS.get(name, Label(name, "")), PROVENANCE[row.status], row.status, row.source, row.date)
        for name, row in sorted(area.provenance.items())
    ]
    dates = sorted({row.date[:10] for row in area.provenance.values() if row.date})
    return {
        "name": area.name,
        "title": area.targets.title,
        "synthetic": area.synthetic,
        "sources": sources,
        "dates": " – ".join(dict.fromkeys((*dates[:1], *dates[-1:]))),
        "styles": STYLES,
        "crs": f"{area.crs.to_string()} {area.crs.name}",
        "version": version("careshed"),
    }

"""What fills the map: coverage, isochrones, response, cover, streets, population. One is shown at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import folium
import numpy as np
import numpy.typing as npt
import shapely

from careshed.isolines import covered_streets
from careshed.maps._layer import Key, MapLayer, listed, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.maps._style import NO_FIGURE, breaks, classes, fifths, ramp
from careshed.maps._surface import cover_layer, response_layers
from careshed.plan import Plan
from careshed.services import service_network
from careshed.wording import count, percent, service_label
from careshed.words import Label, label

__all__ = ["density", "theme_layers"]

Floats = npt.NDArray[np.float64]


def theme_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return what fills the map, one at a time, the first at first.

    Parameters
    ----------
    plan
        What was computed; themes of parts that were left out are not there.
    shapes
        Of the area's CRS.
    """
    made = [
        _coverage(plan, shapes),
        _isochrones(plan, shapes),
        *response_layers(plan, shapes),
        cover_layer(plan, shapes),
        _streets(plan, shapes),
        _population(plan, shapes),
    ]
    layers = [layer for layer in made if layer is not None]
    for layer in layers[1:]:
        layer.element.show = False
    if layers:
        name = label("map.no_fill")
        layers.append(MapLayer(name, folium.FeatureGroup(listed(name), overlay=False, show=False)))
    return layers


def density(plan: Plan) -> Floats:
    """Return people per square kilometre of each subdistrict, NaN where its people aren't known."""
    units = plan.area.subdistricts
    return np.asarray(units["population"].to_numpy("float64") / (units.area.to_numpy() / 1e6))


def _coverage(plan: Plan, shapes: Shapes) -> MapLayer | None:
    if plan.coverage is None:
        return None
    shares = plan.coverage.subdistricts["population_share"].reindex(plan.area.subdistricts.index).to_numpy("float64")
    within = f"{plan.coverage.cutoff_s / 60:g}"
    name = label("map.coverage", within=within)
    note = label("map.coverage_note", service=service_label(plan, plan.coverage_service), within=within)
    return _choropleth(plan, shares, "share", breaks, _percents, name, note, shapes)


def _population(plan: Plan, shapes: Shapes) -> MapLayer | None:
    figures = density(plan)
    if np.isnan(figures).all():
        return None
    name = label("map.population")
    note = label("map.population_note", people=count(plan.area.subdistricts["population"].sum()))
    return _choropleth(plan, figures, "density", fifths, _counts, name, note, shapes)


def _percents(ends: Sequence[float]) -> list[str]:
    decimals = 0 if len(ends) < 3 or min(np.diff(ends[1:])) >= 0.0099 else 1
    return [percent(end, decimals=decimals) for end in ends]


def _counts(ends: Sequence[float]) -> list[str]:
    return [count(end) for end in ends]


def _choropleth(
    plan: Plan,
    figures: Floats,
    colours: str,
    split: Callable[[Floats], list[float]],
    tell: Callable[[Sequence[float]], list[str]],
    name: Label,
    note: Label,
    shapes: Shapes,
) -> MapLayer:
    """Fill each subdistrict by its figure."""
    known = figures[~np.isnan(figures)]
    limits = split(known) if len(known) else [1.0]
    styles = ramp(colours, len(limits))
    outlines = shapes.outlines(plan.area.subdistricts.geometry.to_numpy())
    rows = [feature(outline, k=k) for outline, k in zip(outlines, classes(figures, limits, styles), strict=True)]
    ends = tell([float(known.min()) if len(known) else 0.0, *limits])
    keys = [
        Key(style, Label(f"{low} – {high}", ""), "fill")
        for style, low, high in zip(styles, ends[:-1], ends[1:], strict=True)
    ]
    if len(known) < len(figures):
        keys.append(Key(NO_FIGURE, label("map.no_figure"), "fill"))
    return MapLayer(name, shape_layer(rows, pane="fills", name=name, theme=True, svg=True), tuple(keys), note)


def _isochrones(plan: Plan, shapes: Shapes) -> MapLayer | None:
    if plan.isochrones is None or plan.isochrones.empty:
        return None
    bands = plan.isochrones.set_index("minutes").geometry.sort_index()
    if bands.index.has_duplicates:
        bands = bands.groupby(level=0).agg(lambda part: shapely.union_all(part.array))
    styles = ramp("band", len(bands))
    # each band holds those before it: the widest is drawn first, the pane as a whole lets the ground through
    widest_first = reversed(list(zip(bands, styles, strict=True)))
    rows = [feature(shapes.polygon(shape, exact=False), k=style) for shape, style in widest_first]
    service = plan.area.targets.service.get(plan.coverage_service)
    drives = service is not None and service.mode == "drive"
    name = label("map.isochrones_drive") if drives else label("map.isochrones_walk")
    lower = [0.0, *bands.index]
    keys = tuple(
        Key(k, Label(f"{low:g} – {high:g} min", ""), "fill")
        for k, low, high in zip(styles, lower, bands.index, strict=False)
    )
    note = label("map.isochrones_note", service=service_label(plan, plan.coverage_service))
    return MapLayer(name, shape_layer(rows, pane="fills", name=name, theme=True, svg=True), keys, note)


def _streets(plan: Plan, shapes: Shapes) -> MapLayer | None:
    """Draw the district's streets by whether the service is within its minutes, as the street share counts them."""
    area = plan.area
    if plan.coverage is None or area.subdistricts.empty:
        return None
    service = area.targets.service[plan.coverage_service]
    network = service_network(area, service, profile=plan.profile, hour=plan.hour)
    way_min = (service.standard_s - service.delay_s) / 60
    places = area.facilities_of(service.kinds).geometry
    parts = covered_streets(network, places, minutes=way_min, direction=service.direction)
    lines = shapely.intersection(parts.geometry.to_numpy(), area.boundary)
    within = f"{plan.coverage.cutoff_s / 60:g}"
    total = plan.coverage.total
    reached_m = total["street_m_covered"]
    rows, keys = [], []
    for k, word, own, metres in (
        ("beyond", label("map.beyond", within=within), ~parts["reached"], total["street_m"] - reached_m),
        ("reached", label("map.reached", within=within), parts["reached"], reached_m),
    ):
        inside = shapely.get_parts(lines[own.to_numpy()])
        inside = inside[shapely.length(inside) > 0]
        if len(inside):
            rows.append(feature(shapes.lines(inside), k=k))
        share = percent(metres / total["street_m"] if total["street_m"] > 0 else np.nan)
        keys.append(Key(k, word, "line", f"{metres / 1000:,.1f} km ({share})"))
    name = label("map.covered_streets")
    note = label("map.covered_streets_note", service=service_label(plan, plan.coverage_service))
    return MapLayer(name, shape_layer(rows, pane="streets", name=name, theme=True), tuple(keys[::-1]), note)

"""The ground of the map: backdrop, streets, the veil outside, outlines with their cards."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from careshed.area import StudyArea
from careshed.maps._layer import Key, MapLayer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.maps._style import ROADS
from careshed.maps._themes import density
from careshed.plan import Plan
from careshed.wording import BACKDROPS, count, minutes, percent
from careshed.words import Label, label

__all__ = ["base_layers", "ground_layers"]

VIEW_BUFFER_M = 1500.0
"""Streets are drawn so far beyond the boundary."""


def ground_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return the base map: backdrop, streets, the veil outside, outlines with their cards."""
    layers = base_layers(plan.area, shapes)
    return layers if plan.area.subdistricts.empty else [*layers, _units(plan, shapes)]


def base_layers(area: StudyArea, shapes: Shapes) -> list[MapLayer]:
    """Return backdrop, streets and the veil outside."""
    layers = []
    if not area.backdrop.empty:
        layers.append(_backdrop(area.backdrop, shapes))
    if not area.streets.empty:
        layers.append(_streets(area, shapes))
    if not area.subdistricts.empty:
        layers.append(_veil(area, shapes))
    return layers


def _backdrop(frame: gpd.GeoDataFrame, shapes: Shapes) -> MapLayer:
    rows, keys = [], []
    for kind in [*BACKDROPS, *sorted(set(frame["kind"]) - set(BACKDROPS))]:
        parts = frame.geometry[frame["kind"] == kind]
        style = kind if kind in BACKDROPS else "other"
        rows += [feature(shapes.polygon(part), k=style) for part in parts]
        if len(parts):
            line = shapely.get_dimensions(parts.iloc[0]) == 1
            keys.append(Key(style, BACKDROPS.get(kind, Label(kind, "")), "line" if line or kind == "rail" else "area"))
    name = label("map.backdrop")
    return MapLayer(name, shape_layer(rows, pane="backdrop", name=name), tuple(keys))


def _streets(area: StudyArea, shapes: Shapes) -> MapLayer:
    streets = area.streets
    if not area.subdistricts.empty:
        near = shapely.buffer(area.boundary, VIEW_BUFFER_M)
        streets = streets.iloc[np.sort(streets.sindex.query(near, predicate="intersects"))]
    plain = streets["highway"].str.removesuffix("_link")
    known = {value: road for road, values in ROADS.items() for value in values}
    road = plain.map(known).fillna("minor")
    rows = [
        feature(shapes.lines(streets.geometry[road == kind].to_numpy()), k=kind)
        for kind in ("path", "minor", "middle", "major")
        if (road == kind).any()
    ]
    words = {
        "major": label("map.major"),
        "middle": label("map.middle"),
        "minor": label("map.minor"),
        "path": label("map.path"),
    }
    keys = tuple(Key(kind, word, "line") for kind, word in words.items() if (road == kind).any())
    name = label("map.streets")
    return MapLayer(name, shape_layer(rows, pane="streets", name=name), keys)


def _veil(area: StudyArea, shapes: Shapes) -> MapLayer:
    west, south, east, north = area.subdistricts.total_bounds
    reach = 2 * max(east - west, north - south)
    outside = shapely.difference(shapely.box(west - reach, south - reach, east + reach, north + reach), area.boundary)
    return MapLayer(None, shape_layer([feature(shapes.polygon(outside), k="veil")], pane="veil", svg=True))


def _units(plan: Plan, shapes: Shapes) -> MapLayer:
    """Outline every subdistrict; its card holds all figures, whatever else is shown."""
    units = plan.area.subdistricts
    table = pd.DataFrame(index=units.index)
    table[str(label("map.people"))] = [count(people) for people in units["population"]]
    table[str(label("map.density"))] = [
        None if np.isnan(figure) else f"{count(figure)} / km²" for figure in density(plan)
    ]
    if plan.coverage is not None:
        shares = plan.coverage.subdistricts.reindex(units.index)
        within = f"{plan.coverage.cutoff_s / 60:g}"
        for column, text in (
            ("community_share", label("map.communities_within", within=within)),
            ("population_share", label("map.population_within", within=within)),
            ("area_share", label("map.area_within", within=within)),
            ("street_share", label("map.streets_within", within=within)),
        ):
            table[str(text)] = [percent(share) for share in shares[column]]
    for response, text in ((plan.before, label("map.mean_now")), (plan.after, label("map.mean_plan"))):
        if response is not None:
            means = response.subdistricts["mean_s"].reindex(units.index)
            table[str(text)] = [f"{minutes(mean)} min" for mean in means]
    if len(plan.stations):
        held = plan.stations.groupby("subdistrict_id").size().reindex(units.index, fill_value=0)
        table[str(label("map.stations_held"))] = [count(number) for number in held]
    rows = []
    for outline, (unit, values) in zip(shapes.outlines(units.geometry.to_numpy()), table.iterrows(), strict=True):
        name = str(Label(units["name"][unit], units["name_en"][unit]))
        rows.append(feature(outline, k="unit", i=unit, t=name, v=list(values)))
    layer = shape_layer(rows, pane="units", svg=True, titles=list(table.columns))
    return MapLayer(None, layer)

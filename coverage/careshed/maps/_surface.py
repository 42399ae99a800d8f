"""The ground filled by what its people have: response time in classes, first and second cover."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from careshed.indicators import Response
from careshed.maps._layer import Key, MapLayer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.maps._style import NO_FIGURE, classes, decile_breaks, ramp
from careshed.plan import Plan
from careshed.wording import count, minutes, percent
from careshed.words import Label, label

__all__ = ["cover_layer", "response_layers"]

LATE = " late"
"""Ends the class of ground that help reaches after the target."""


def response_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return response time now and planned, in the same classes, so that they can be compared.

    Parameters
    ----------
    plan
        What was computed.
    shapes
        Of the area's CRS.
    """
    stages = ((plan.before, label("map.response_now")), (plan.after, label("map.response_plan")))
    known = [(response, name) for response, name in stages if response is not None]
    if not known or plan.area.subdistricts.empty:
        return []
    first = known[0][0]
    seconds, weights = (first.demand[column].to_numpy("float64") for column in ("seconds", "weight"))
    limits = decile_breaks(seconds, weights, target_s=first.target_s)
    return [_response(plan, response, limits, name, shapes) for response, name in known]


def _response(plan: Plan, response: Response, limits: list[float], name: Label, shapes: Shapes) -> MapLayer:
    demand = response.demand.reindex(plan.area.demand.index)
    seconds = demand["seconds"].to_numpy("float64")
    found = np.array(classes(seconds, limits, ramp("decile", len(limits) + 1)))
    late = np.where(seconds <= response.target_s, "", LATE)
    ground = _ground(plan, np.char.add(found, late), shapes)
    rows = [feature(shapely.geometry.mapping(shape), k=k.removesuffix(LATE)) for k, shape in ground.items()]
    rows += _border(ground)
    shares = demand["weight"].groupby(found).sum() / demand["weight"].sum()
    note = label("map.response_note_calls") if plan.weight == "calls" else label("map.response_note_people")
    layer = shape_layer(rows, pane="fills", name=name, theme=True, svg=True)
    return MapLayer(name, layer, _response_keys(response, limits, shares), note)


def _border(ground: dict[str, BaseGeometry]) -> list[dict[str, object]]:
    """Return the line at which the target is passed, where there is one."""
    late = [shape for k, shape in ground.items() if k.endswith(LATE)]
    soon = [shape for k, shape in ground.items() if not k.endswith(LATE)]
    if not late or not soon:
        return []
    before, after = (shapely.coverage_union_all(shapes).boundary for shapes in (soon, late))
    line = shapely.line_merge(before.intersection(after))
    return [feature(shapely.geometry.mapping(line), k="target")]


def _response_keys(response: Response, limits: list[float], shares: pd.Series) -> tuple[Key, ...]:
    """Return the classes with their shares, and the target in its place among them."""
    ends = [minutes(limit).removesuffix(".0") for limit in limits]
    texts = [f"{low} – {high} min" for low, high in pairwise(ends)]
    texts = [f"≤ {ends[0]} min", *texts, f"> {ends[-1]} min"] if ends else ["≤ 60 min"]
    styles = ramp("decile", len(texts))
    keys = [
        Key(k, Label(text, ""), "fill", f"({percent(shares.get(k, 0.0))})")
        for k, text in zip(styles, texts, strict=True)
    ]
    if NO_FIGURE in shares:
        keys.append(Key(NO_FIGURE, label("map.unreachable"), "fill", f"({percent(shares[NO_FIGURE])})"))
    target = label("map.target", minutes=minutes(response.target_s).removesuffix(".0"))
    within = f"({percent(response.total['share_within_target'])})"
    # after the class that holds it
    keys.insert(int(np.searchsorted(limits, response.target_s)) + 1, Key("target", target, "line", within))
    return tuple(keys)


def cover_layer(plan: Plan, shapes: Shapes) -> MapLayer | None:
    """Return how many stations of the plan reach people within the standard: none, one, or more.

    Parameters
    ----------
    plan
        What was computed.
    shapes
        Of the area's CRS.
    """
    area = plan.area
    if plan.after is None or plan.stations.empty or area.subdistricts.empty:
        return None
    service = area.targets.service[plan.siting_service]
    times = plan.times[plan.siting_service].select(origins=plan.stations.index)
    covering = times.within(service.standard_s - service.delay_s).groupby("destination_id").size()
    number = covering.reindex(area.demand.index, fill_value=0).clip(upper=2).to_numpy()
    people = area.demand["population"].groupby(number).sum().reindex(range(3), fill_value=0)
    words = (label("map.cover_0"), label("map.cover_1"), label("map.cover_2"))
    found = np.array([f"cover-{own}" for own in range(3)])[number]
    rows = [feature(shapely.geometry.mapping(shape), k=k) for k, shape in _ground(plan, found, shapes).items()]
    keys = tuple(
        Key(f"cover-{own}", word, "fill", f"{count(people[own])} ({percent(share)})")
        for own, (word, share) in enumerate(zip(words, people / max(people.sum(), 1), strict=True))
    )
    name = label("map.cover")
    note = label("map.cover_note", minutes=f"{service.minutes:g}")
    return MapLayer(name, shape_layer(rows, pane="fills", name=name, theme=True, svg=True), keys, note)


def _ground(plan: Plan, found: npt.NDArray[np.str_], shapes: Shapes) -> dict[str, BaseGeometry]:
    """Return by class the ground that is nearest to its demand points, cut to the district, in WGS-84."""
    spots, first = np.unique(shapely.get_coordinates(plan.area.demand.geometry), axis=0, return_index=True)
    here = np.unique(found[first])
    if len(spots) < 2:
        parts = np.array([shapely.envelope(plan.area.boundary)])
    else:
        cells = shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=plan.area.boundary, ordered=True)
        own = shapely.get_parts(cells)
        parts = np.array([shapely.coverage_union_all(own[found[first] == k]) for k in here])
    ground = shapes.mosaic(parts, plan.area.subdistricts.geometry.to_numpy())
    return {str(k): shape for k, shape in zip(here, ground, strict=True) if not shape.is_empty}

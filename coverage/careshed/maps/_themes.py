"""What fills the map: coverage, isochrones, response. One is shown at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import folium
import numpy as np
import numpy.typing as npt
import shapely

from careshed.indicators import Response
from careshed.maps._layer import Key, MapLayer, listed, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.maps._style import NO_FIGURE, breaks, classes, ramp, time_breaks
from careshed.plan import Plan
from careshed.wording import Label, minutes, percent, service_label

__all__ = ["theme_layers"]

Floats = npt.NDArray[np.float64]


def theme_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return what fills the map, one at a time: coverage, isochrones, response now and planned."""
    makers: list[Callable[[], MapLayer | None]] = [
        lambda: _coverage(plan, shapes),
        lambda: _isochrones(plan, shapes),
        lambda: _response(plan, plan.before, Label("反应时间(现状)", "Response now"), shapes),
        lambda: _response(plan, plan.after, Label("反应时间(方案)", "Response, plan"), shapes),
    ]
    layers = [layer for layer in (make() for make in makers) if layer is not None]
    for layer in layers[1:]:
        layer.element.show = False
    if layers:
        name = Label("不填色", "No fill")
        layers.append(MapLayer(name, folium.FeatureGroup(listed(name), overlay=False, show=False)))
    return layers


def _coverage(plan: Plan, shapes: Shapes) -> MapLayer | None:
    if plan.coverage is None:
        return None
    units = plan.area.subdistricts
    shares = plan.coverage.subdistricts["population_share"].reindex(units.index).to_numpy("float64")
    known = shares[~np.isnan(shares)]
    limits = breaks(known) if len(known) else [1.0]
    styles = ramp("share", len(limits))
    found = classes(shares, limits, styles)
    rows = [feature(outline, k=k) for outline, k in zip(shapes.outlines(units.geometry.to_numpy()), found, strict=True)]
    within = f"{plan.coverage.cutoff_s / 60:g}"
    name = Label(f"{within} 分钟人口覆盖率", f"People within {within} min")
    layer = shape_layer(rows, pane="fills", name=name, theme=True, svg=True)
    service = service_label(plan, plan.coverage_service)
    note = f"各街道(乡镇)到最近{service.zh}机构不超过 {within} 分钟的人口比例 Share of people by subdistrict"
    return MapLayer(name, layer, _share_keys(known, limits, styles, has_gaps=len(known) < len(shares)), note)


def _share_keys(known: Floats, limits: list[float], styles: list[str], *, has_gaps: bool) -> tuple[Key, ...]:
    lower = [float(known.min()) if len(known) else 0.0, *limits]
    decimals = 0 if len(limits) < 2 or min(np.diff(limits)) >= 0.0099 else 1
    keys = [
        Key(style, f"{percent(low, decimals=decimals)} – {percent(high, decimals=decimals)}", "fill")
        for style, low, high in zip(styles, lower, limits, strict=False)
    ]
    if has_gaps:
        keys.append(Key(NO_FIGURE, str(Label("无数据", "no figure")), "fill"))
    return tuple(keys)


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
    verb = Label("驾车", "drive") if service is not None and service.mode == "drive" else Label("步行", "walk")
    name = Label(f"{verb.zh}等时圈", f"Isochrones ({verb.en})")
    lower = [0.0, *bands.index]
    keys = tuple(
        Key(k, f"{low:g} – {high:g} min", "fill") for k, low, high in zip(styles, lower, bands.index, strict=False)
    )
    note = f"到最近{service_label(plan, plan.coverage_service).zh}机构的时间 Time to the nearest existing facility"
    return MapLayer(name, shape_layer(rows, pane="fills", name=name, theme=True, svg=True), keys, note)


def _response(plan: Plan, response: Response | None, name: Label, shapes: Shapes) -> MapLayer | None:
    """Fill the district with the response time at the nearest place where people live."""
    if response is None or plan.area.subdistricts.empty:
        return None
    demand = response.demand.reindex(plan.area.demand.index)
    seconds = demand["seconds"].to_numpy("float64")
    limits = time_breaks(response.target_s)
    styles = [*ramp("minutes", len(limits) + 1), NO_FIGURE]
    found = np.asarray(classes(seconds, limits, styles))
    cells = _cells(plan)
    here = [style for style in styles if (found == style).any()]
    merged = [shapely.coverage_union_all(cells[found == style]) for style in here]
    clipped = shapely.intersection(shapely.make_valid(merged), plan.area.boundary)
    rows = [feature(shape, k=style) for style, shape in zip(here, shapes.outlines(clipped), strict=True)]
    ends = [minutes(limit).removesuffix(".0") for limit in limits]
    middle = [f"{low} – {high} min" for low, high in pairwise(ends)]
    texts = [f"≤ {ends[0]} min", *middle, f"> {ends[-1]} min", str(Label("一小时内不可达", "not within the hour"))]
    shares = demand["weight"].groupby(found).sum() / demand["weight"].sum()
    keys = [
        Key(k, f"{text} ({percent(shares[k])})", "fill") for k, text in zip(styles, texts, strict=True) if k in here
    ]
    by = Label("呼叫", "calls") if plan.weight == "calls" else Label("人口", "people")
    note = (
        f"从呼叫到到达;括号内为{by.zh}比例;目标 {minutes(response.target_s, decimals=0)} 分钟 "
        f"From call to arrival at the nearest place where people live; in brackets the share of {by.en}"
    )
    return MapLayer(name, shape_layer(rows, pane="fills", name=name, theme=True, svg=True), tuple(keys), note)


def _cells(plan: Plan) -> npt.NDArray[np.object_]:
    """Return for each demand point the ground that it is nearest to; points at one spot share a cell."""
    points = plan.area.demand.geometry.to_numpy()
    spots, spot_of_point = np.unique(shapely.get_coordinates(points), axis=0, return_inverse=True)
    if len(spots) < 2:
        return np.full(len(points), shapely.envelope(plan.area.boundary), dtype=object)
    cells = shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=plan.area.boundary, ordered=True)
    parts: npt.NDArray[np.object_] = shapely.get_parts(cells)[spot_of_point]
    return parts

"""What the network leaves out: islands, points far from any street, people whom no place reaches. Off at first."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from careshed.area import StudyArea
from careshed.maps._layer import Key, MapLayer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.network import MAX_SNAP_M, Mode, RoadNetwork
from careshed.plan import Plan
from careshed.stranded import FAR_SHARE, far_points, reach_cutoff_s, unreached
from careshed.wording import LAYERS, Label, count

__all__ = ["stranded_layers"]

_MODES: dict[Mode, Label] = {"walk": Label("步行", "walk"), "drive": Label("驾车", "drive")}
_TITLES = ["问题 What", "方式 Mode", "图层 Layer", "距最近道路 To the nearest street", "人口 People", "服务 Service"]
_WORDS = {
    "far": Label("距道路较远", "far from a street"),
    "rejected": Label("过远，未接入", "too far, left out"),
    "unreached": Label("时限内不可达", "reached by no place"),
}


def stranded_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return islands as lines and doubtful points as dots, both off at first."""
    area = plan.area
    if area.streets.empty:
        return []
    networks = {
        mode: RoadNetwork.from_streets(area.streets, mode, crs=area.crs, junctions=area.junctions, turns=area.turns)
        for mode in _MODES
        if (area.streets[mode] > 0).any()
    }
    layers = [_islands(networks, shapes), _points(area, networks, shapes)]
    return [layer for layer in layers if layer is not None]


def _islands(networks: dict[Mode, RoadNetwork], shapes: Shapes) -> MapLayer | None:
    rows, keys = [], []
    for mode, network in networks.items():
        lost = network.islands()
        if not len(lost):
            continue
        style = f"island-{mode}"
        rows.append(feature(shapes.lines(lost.geometry.to_numpy()), k=style))
        keys.append(Key(style, f"{_MODES[mode]}: {count(len(lost))} ({lost['length_m'].sum() / 1000:,.1f} km)", "line"))
    if not rows:
        return None
    name = Label("路网孤岛", "Islands of streets")
    note = (
        "与主路网不相连的道路段，任何点都不接入 "
        "Streets that nothing joins to the rest of their mode; no point is joined to them"
    )
    return MapLayer(name, shape_layer(rows, pane="units", name=name, show=False, svg=True), tuple(keys), note)


def _points(area: StudyArea, networks: dict[Mode, RoadNetwork], shapes: Shapes) -> MapLayer | None:
    rows: list[dict[str, Any]] = []
    for mode, network in networks.items():
        points = far_points(area, network)
        for at, row in zip(shapes.points(points.geometry), points.to_dict("records"), strict=True):
            k = "far" if row["joined"] else "rejected"
            layer = str(LAYERS.get(row["layer"], Label(row["layer"], "")))
            people = count(row["population"]) if row["layer"] == "demand" else None
            values = [str(_WORDS[k]), str(_MODES[mode]), layer, f"{row['leg_m']:.0f} m", people, None]
            rows.append(feature(at, k=k, t=row["id"], v=values))
        rows += _unreached_rows(area, network, shapes)
    if not rows:
        return None
    found = [row["properties"]["k"] for row in rows]
    keys = tuple(Key(k, f"{label} ({found.count(k)})", "dot") for k, label in _WORDS.items() if k in found)
    name = Label("未接入或不可达的点", "Far and unreachable points")
    limits = "; ".join(
        f"{_MODES[mode].en} {FAR_SHARE * MAX_SNAP_M[mode]:g}, {MAX_SNAP_M[mode]:g} m" for mode in networks
    )
    note = f"较远与过远的界限 Limits of far and too far: {limits}"
    layer_ = shape_layer(rows, pane="points", name=name, show=False, svg=True, titles=_TITLES)
    return MapLayer(name, layer_, keys, note)


def _unreached_rows(area: StudyArea, network: RoadNetwork, shapes: Shapes) -> list[dict[str, Any]]:
    rows = []
    for service in area.targets.service.values():
        if service.mode != network.mode or area.demand.empty:
            continue
        lost: gpd.GeoDataFrame = unreached(area, service, network)
        what = f"{_WORDS['unreached']} ({reach_cutoff_s(service) / 60:g} min)"
        label = str(Label(service.label_zh, service.label_en))
        for at, (name, people) in zip(shapes.points(lost.geometry), lost["population"].items(), strict=True):
            values = [what, str(_MODES[network.mode]), str(LAYERS["demand"]), None, count(people), label]
            rows.append(feature(at, k="unreached", t=str(name), v=values))
    return rows

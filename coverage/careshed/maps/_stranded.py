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
from careshed.wording import LAYERS, count
from careshed.words import Label, label

__all__ = ["stranded_layers"]

_MODES: dict[Mode, Label] = {"walk": label("map.walk"), "drive": label("map.drive")}
_TITLES = [
    str(text)
    for text in (
        label("map.problem"),
        label("map.mode"),
        label("map.layer"),
        label("map.to_street"),
        label("map.people"),
        label("map.service"),
    )
]
_WORDS = {"far": label("map.far"), "rejected": label("map.rejected"), "unreached": label("map.unreached")}


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
        figures = f"{count(len(lost))} ({lost['length_m'].sum() / 1000:,.1f} km)"
        keys.append(Key(style, _MODES[mode], "line", figures))
    if not rows:
        return None
    name, note = label("map.islands"), label("map.islands_note")
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
    keys = tuple(Key(k, word, "dot", f"({found.count(k)})") for k, word in _WORDS.items() if k in found)
    name = label("map.stranded")
    limits = [
        (word, f"{FAR_SHARE * MAX_SNAP_M[mode]:g}, {MAX_SNAP_M[mode]:g} m")
        for mode, word in _MODES.items()
        if mode in networks
    ]
    told = Label("; ".join(f"{word.zh} {own}" for word, own in limits), "; ".join(f"{w.en} {own}" for w, own in limits))
    note = label("map.stranded_note", limits=told)
    layer_ = shape_layer(rows, pane="points", name=name, show=False, svg=True, titles=_TITLES)
    return MapLayer(name, layer_, keys, note)


def _unreached_rows(area: StudyArea, network: RoadNetwork, shapes: Shapes) -> list[dict[str, Any]]:
    rows = []
    for service in area.targets.service.values():
        if service.mode != network.mode or area.demand.empty:
            continue
        lost: gpd.GeoDataFrame = unreached(area, service, network)
        what = f"{_WORDS['unreached']} ({reach_cutoff_s(service) / 60:g} min)"
        name_of_service = str(Label(service.label_zh, service.label_en))
        for at, (name, people) in zip(shapes.points(lost.geometry), lost["population"].items(), strict=True):
            values = [what, str(_MODES[network.mode]), str(LAYERS["demand"]), None, count(people), name_of_service]
            rows.append(feature(at, k="unreached", t=str(name), v=values))
    return rows

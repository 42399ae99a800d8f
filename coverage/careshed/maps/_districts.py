"""Districts on the map: units filled by the core they go to, borders, cores with their numbers."""

from __future__ import annotations

import shapely

from careshed.districts import Districting
from careshed.maps._layer import Key, MapLayer, numbered, pin_layer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.maps._style import DISTRICTS
from careshed.wording import VERDICTS, Verdict, count, minutes, percent
from careshed.words import Label, label

__all__ = ["district_figures", "district_layers"]

PIN = "cs-pin cs-station cs-tier-1 cs-phase-2"
KINDS = {
    "subdistricts": label("map.subdistricts"),
    "communities": label("map.units_communities"),
    "centres": label("map.centres"),
}


def district_layers(made: Districting, shapes: Shapes) -> list[MapLayer]:
    """Return the filled units, the borders of districts, the units' cards and the cores."""
    layers = [_cores(made, shapes)]
    if len(made.found.loads):
        layers = [_fills(made, shapes), _borders(made, shapes), *layers]
    return [*layers, _units(made, shapes)]


def district_figures(made: Districting) -> list[tuple[Label, Verdict | None, str]]:
    """Return what a reader wants to know first."""
    found, kind = made.found, KINDS[made.kind]
    figures: list[tuple[Label, Verdict | None, str]] = [
        (kind, None, f"{count(len(made.units))} → {count(len(made.cores))}")
    ]
    status = VERDICTS.get(found.status)
    text = str(status) if status is not None else found.status
    if len(found.loads):
        loads = found.loads
        mean = (loads["mean_cost"] * loads["weight"]).sum() / loads["weight"].sum() / 1000
        worst = loads["deviation"].abs().max()
        asked = "" if made.tolerance is None else f" (≤ {percent(made.tolerance)})"
        figures += [
            (label("map.deviation"), None, f"{percent(worst)}{asked}"),
            (label("map.mean_to_core"), None, f"{minutes(mean)} min"),
        ]
        text += f" (gap {found.gap:.2%})" if found.gap else " (gap 0)"
    return [*figures, (label("map.plan"), None, text)]


def _style(number: int) -> str:
    return f"district-{number % DISTRICTS}"


def _numbers(made: Districting) -> dict[str, int]:
    return {str(core): number for number, core in enumerate(made.cores.index.sort_values())}


def _fills(made: Districting, shapes: Shapes) -> MapLayer:
    numbers = _numbers(made)
    outlines = shapes.outlines(made.units.geometry.to_numpy())
    rows = [
        feature(outline, k=_style(numbers[core])) for outline, core in zip(outlines, made.units["core_id"], strict=True)
    ]
    loads = made.found.loads
    keys = tuple(
        Key(
            _style(numbers[core]),
            Label(
                f"{numbers[core] + 1} {row['name']}: {count(row['weight'])} ({row['deviation']:+.1%}), "
                f"{minutes(row['mean_cost'] / 1000)} min",
                "",
            ),
            "fill",
        )
        for core, row in zip(loads.index, loads.to_dict("records"), strict=True)
    )
    name, note = label("map.districts"), label("map.districts_note")
    return MapLayer(name, shape_layer(rows, pane="fills", name=name, svg=True), keys, note)


def _borders(made: Districting, shapes: Shapes) -> MapLayer:
    lines = shapely.boundary(made.districts.geometry.to_numpy())
    name = label("map.borders")
    layer = shape_layer([feature(shapes.lines(lines), k="border")], pane="units", name=name, svg=True)
    return MapLayer(name, layer, (Key("border", name, "line"),))


def _units(made: Districting, shapes: Shapes) -> MapLayer:
    words = (
        label("map.core"),
        label("map.people"),
        label("map.to_core"),
        label("map.nearest_core"),
        label("map.to_nearest"),
    )
    titles = [str(word) for word in words]
    names = made.cores["name"]
    rows = []
    outlines = shapes.outlines(made.units.geometry.to_numpy())
    units = made.units.drop(columns="geometry")
    for outline, unit, row in zip(outlines, units.index, units.to_dict("records"), strict=True):
        other = row["nearest_id"] if row["nearest_id"] != row["core_id"] else None
        values = [
            _text(row["core"]),
            count(row["people"]),
            f"{minutes(row['seconds'])} min" if _text(row["core"]) else None,
            names.get(other) if _text(other) else None,
            f"{minutes(row['nearest_s'])} min" if _text(other) else None,
        ]
        rows.append(feature(outline, k="unit", i=unit, t=row["name"], v=values))
    return MapLayer(None, shape_layer(rows, pane="units", svg=True, titles=titles))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _cores(made: Districting, shapes: Shapes) -> MapLayer:
    numbers = _numbers(made)
    unit_names = made.units["name"]
    name = numbered(label("map.cores"), len(made.cores))
    rows = [
        feature(point, k=PIN, i=core, s=str(numbers[core] + 1), t=row["name"], v=[unit_names[row["unit_id"]]])
        for point, core, row in zip(
            shapes.points(made.cores.geometry),
            made.cores.index,
            made.cores.drop(columns="geometry").to_dict("records"),
            strict=True,
        )
    ]
    keys = (Key(PIN, label("map.cores_key"), "pin"),)
    return MapLayer(name, pin_layer(rows, name=name, titles=[str(label("map.stands_in"))], above=2000), keys)

"""Stations on the map: existing ones, and those of the plan by phase and tier."""

from __future__ import annotations

from typing import Any

import pandas as pd

from careshed.maps._layer import Key, MapLayer, numbered, pin_layer
from careshed.maps._shapes import Shapes, feature
from careshed.plan import Plan
from careshed.targets import Tier
from careshed.wording import OUTSIDE, STATUSES, count, minutes, service_label
from careshed.words import Label, label

__all__ = ["station_layers"]


def station_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return a layer of existing stations and one for each phase, with what that phase adds.

    Existing stations that the plan does not count stay on the map: they are there.

    Parameters
    ----------
    plan
        What was computed.
    shapes
        Of the area's CRS.
    """
    tiers = _tiers(plan)
    stations = plan.stations
    layers = []
    rows = _plan_rows(plan, stations[stations["status"] == "existing"], tiers, shapes) + _other_rows(plan, shapes)
    service = service_label(plan, plan.siting_service)
    if rows:
        name = numbered(label("map.existing_stations", service=service), len(rows))
        layers.append(MapLayer(name, pin_layer(rows, name=name, titles=_titles(), above=1000), _keys(rows, tiers)))
    added = stations[stations["status"] != "existing"]
    for phase, part in added.groupby("phase"):
        by = str(part["by"].iloc[0])
        rows = _plan_rows(plan, part, tiers, shapes)
        what = label("map.new_stations_by", by=by) if by else label("map.new_stations")
        name = numbered(what, len(part))
        layer = pin_layer(rows, name=name, titles=_titles(), above=2000)
        layers.append(MapLayer(name, layer, _keys(rows, tiers), phase=by or str(phase)))
    return layers


def _tiers(plan: Plan) -> dict[str, tuple[int, Label]]:
    """Return each tier's height above the stations that the plan counts, and its name."""
    service = plan.area.targets.service.get(plan.siting_service)
    rules = None if service is None else service.siting
    if rules is None:
        return {}
    heights = {tier.name: _height(tier, rules.tiers) for tier in rules.tiers}
    return {tier.name: (heights[tier.name], Label(tier.label_zh or tier.name, tier.label_en)) for tier in rules.tiers}


def _height(tier: Tier, tiers: tuple[Tier, ...]) -> int:
    led = [other for other in tiers if tier.name in other.led_by]
    return min(2, 1 + max((_height(other, tiers) for other in led), default=-1))


def _plan_rows(
    plan: Plan, stations: pd.DataFrame, tiers: dict[str, tuple[int, Label]], shapes: Shapes
) -> list[dict[str, Any]]:
    names = plan.stations["name"]
    rows = []
    for point, row in zip(
        shapes.points(stations["geometry"]),
        stations.rename_axis("site_id").reset_index().to_dict("records"),
        strict=True,
    ):
        height, tier = tiers.get(row["tier"], (0, Label(row["tier"], "")))
        old = row["status"] == "existing"
        values = [
            str(STATUSES.get(row["status"], Label(row["status"], ""))),
            str(tier) or None,
            None if old else row["by"] or None,
            row["subdistrict"] if row["subdistrict_id"] else str(OUTSIDE),
            count(row["people"]),
            f"{minutes(row['mean_s'])} min",
            count(row["people_gained"]),
            names.get(row["leader_id"], row["leader_id"]) or None,
        ]
        style = f"cs-pin cs-station cs-tier-{height} cs-phase-{0 if old else min(int(row['phase']), 3)}"
        if row["status"] == "required":
            style += " cs-required"
        site, shown = row["site_id"], "" if old else str(row["phase"])
        rows.append(feature(point, k=style, i=site, s=shown, t=row["name"] or site, v=values))
    return rows


def _other_rows(plan: Plan, shapes: Shapes) -> list[dict[str, Any]]:
    """Return existing stations that are not in the plan, as where only coverage or response was computed."""
    service = plan.area.targets.service.get(plan.siting_service)
    if service is None:
        return []
    others = plan.area.facilities_of(service.kinds)
    others = others[~others.index.isin(plan.stations.index)]
    units = plan.area.subdistricts["name"]
    return [
        feature(
            point,
            k="cs-pin cs-station cs-tier-0 cs-phase-0",
            i=site,
            s="",
            t=row["name"] or site,
            v=[str(STATUSES["existing"]), None, None, units.get(row["subdistrict_id"], str(OUTSIDE))],
        )
        for point, site, row in zip(
            shapes.points(others.geometry), others.index, others.to_dict("records"), strict=True
        )
    ]


def _keys(rows: list[dict[str, Any]], tiers: dict[str, tuple[int, Label]]) -> tuple[Key, ...]:
    """Return one legend line for each kind of pin that is there, top tier first."""
    names = dict(tiers.values())
    styles = {row["properties"]["k"]: row["properties"]["s"] for row in rows}
    keys = []
    for style in sorted(styles, reverse=True):
        phase = styles[style]
        if "cs-required" in style:
            what = label("map.required_phase", phase=phase)
        else:
            what = label("map.new_phase", phase=phase) if phase else label("map.existing")
        tier = names.get(int(style.split("cs-tier-")[1][0]))
        keys.append(Key(style, what if tier is None else label("map.tier_key", tier=tier, what=what), "pin"))
    return tuple(keys)


def _titles() -> list[str]:
    texts = (
        label("map.status"),
        label("map.tier"),
        label("map.open_by"),
        label("map.unit"),
        label("map.people_served"),
        label("map.mean_response"),
        label("map.people_alone"),
        label("map.led_by"),
    )
    return [str(text) for text in texts]

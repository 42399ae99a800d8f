"""Communities, facilities and candidate sites."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

from careshed.maps._layer import Key, MapLayer, pin_layer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.plan import Plan
from careshed.wording import OUTSIDE, Label, count, kind_label, minutes, percent, service_label

__all__ = ["place_layers"]


def place_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return communities, facilities and candidate sites; stations stand in a file of their own."""
    layers = [_communities(plan, shapes), *_facilities(plan, shapes), _candidates(plan, shapes)]
    return [layer for layer in layers if layer is not None]


def _communities(plan: Plan, shapes: Shapes) -> MapLayer | None:
    area = plan.area
    if plan.coverage is None or area.communities.empty:
        return None
    table = plan.coverage.communities.reindex(area.communities.index)
    kinds = np.where(table["share"].isna(), "unknown", np.where(table["covered"], "met", "unmet"))
    words = {
        "met": Label("达标", "met"),
        "unmet": Label("未达标", "not met"),
        "unknown": Label("无人口数据", "no people known"),
    }
    servers = table["facility_id"].map(area.facilities["name"]).fillna(table["facility_id"])
    titles = ["标准 Standard", "人口 People", "时间 Time", "达标人口 People within", "服务机构 Served by"]
    rows = []
    for point, k, server, row in zip(
        shapes.points(area.communities.geometry), kinds, servers, table.to_dict("records"), strict=True
    ):
        reached = None if np.isnan(row["seconds"]) else f"{minutes(row['seconds'])} min"
        values = [str(words[k]), count(row["people"]), reached, percent(row["share"]), server or None]
        rows.append(feature(point, k=k, t=row["name"], v=values))
    name = Label("社区达标", "Communities")
    keys = tuple(Key(k, f"{label} ({(kinds == k).sum()})", "dot") for k, label in words.items() if (kinds == k).any())
    share = area.targets.service[plan.coverage_service].community_share
    within = f"{plan.coverage.cutoff_s / 60:g}"
    note = (
        f"至少 {share:.0%} 的居民在 {within} 分钟内即达标 "
        f"Met when {share:.0%} of its people or more are within {within} minutes"
    )
    return MapLayer(name, shape_layer(rows, pane="points", name=name, svg=True, titles=titles), keys, note)


def _facilities(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return the facilities of the coverage's service as pins, and others as dots that are off at first."""
    facilities = plan.area.facilities[plan.area.facilities["status"] == "existing"]
    services = plan.area.targets.service
    covering = services[plan.coverage_service].kinds if plan.coverage_service in services else ()
    sited = services[plan.siting_service].kinds if plan.siting_service in services else ()
    layers = []
    own = facilities[facilities["kind"].isin(covering)]
    if len(own):
        name = Label(f"{service_label(plan, plan.coverage_service).zh}机构", "Existing facilities")
        ranks = {kind: rank for rank, kind in enumerate(covering)}
        pins = [f"cs-pin cs-care cs-care-{min(ranks[kind], 1)}" for kind in own["kind"]]
        keys = tuple(
            Key(f"cs-pin cs-care cs-care-{min(ranks[k], 1)}", str(kind_label(k)), "pin")
            for k in covering
            if (own["kind"] == k).any()
        )
        layers.append(
            MapLayer(name, pin_layer(_facility_rows(own, pins, shapes), name=name, titles=_FACILITY_TITLES), keys)
        )
    other = facilities[~facilities["kind"].isin([*covering, *sited])]
    if len(other):
        name = Label("其他卫生机构", "Other facilities")
        rows = _facility_rows(other, ["facility"] * len(other), shapes)
        layer = shape_layer(rows, pane="points", name=name, show=False, svg=True, titles=_FACILITY_TITLES)
        layers.append(MapLayer(name, layer, (Key("facility", str(name), "dot"),)))
    return layers


_FACILITY_TITLES = ["类别 Kind", "地址 Address", "位置 Where"]


def _facility_rows(frame: gpd.GeoDataFrame, styles: list[str], shapes: Shapes) -> list[dict[str, Any]]:
    rows = []
    for point, k, row in zip(shapes.points(frame.geometry), styles, frame.to_dict("records"), strict=True):
        where = str(OUTSIDE) if row["outside"] else None
        rows.append(feature(point, k=k, t=row["name"], v=[str(kind_label(row["kind"])), row["address"] or None, where]))
    return rows


def _candidates(plan: Plan, shapes: Shapes) -> MapLayer | None:
    sites = plan.area.candidates
    sites = sites[~sites.index.isin(plan.stations.index)]
    if sites.empty:
        return None
    rows = []
    units = plan.area.subdistricts["name"]
    for point, row in zip(shapes.points(sites.geometry), sites.reset_index().to_dict("records"), strict=True):
        style = "excluded" if row["status"] == "excluded" else "candidate"
        rows.append(
            feature(
                point,
                k=style,
                t=row["name"] or row["site_id"],
                v=[row["site_id"], units.get(row["subdistrict_id"], str(OUTSIDE))],
            )
        )
    name = Label("候选站址(未选)", "Sites not chosen")
    titles = ["编号 Id", "街道 Subdistrict"]
    layer = shape_layer(rows, pane="points", name=name, show=False, svg=True, titles=titles)
    return MapLayer(name, layer, (Key("candidate", str(Label("候选", "candidate")), "dot"),))

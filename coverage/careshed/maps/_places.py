"""Communities and facilities."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from careshed.maps._candidates import candidate_layer
from careshed.maps._layer import Key, MapLayer, pin_layer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.plan import Plan
from careshed.wording import OUTSIDE, count, kind_label, minutes, percent, service_label
from careshed.words import label

__all__ = ["place_layers"]


def place_layers(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return communities, facilities and sites not chosen; stations stand in a file of their own.

    Parameters
    ----------
    plan
        What was computed.
    shapes
        Of the area's CRS.
    """
    layers = [_communities(plan, shapes), *_facilities(plan, shapes), candidate_layer(plan, shapes)]
    return [layer for layer in layers if layer is not None]


def _communities(plan: Plan, shapes: Shapes) -> MapLayer | None:
    area = plan.area
    if plan.coverage is None or area.communities.empty:
        return None
    table = plan.coverage.communities.reindex(area.communities.index)
    kinds = np.where(table["share"].isna(), "unknown", np.where(table["covered"], "met", "unmet"))
    words = {"met": label("map.met"), "unmet": label("map.unmet"), "unknown": label("map.unknown")}
    table["server"] = table["facility_id"].map(area.facilities["name"]).fillna(table["facility_id"])
    table = table.join(_first_aid(plan))
    rows = []
    points = shapes.points(area.communities.geometry)
    for point, i, k, row in zip(points, table.index, kinds, table.to_dict("records"), strict=True):
        values = [
            str(words[k]),
            count(row["people"]),
            _min(row["seconds"]),
            percent(row["share"]),
            row["server"] or None,
            row["station"] if isinstance(row["station"], str) else None,
            _min(row["response_s"]),
        ]
        rows.append(feature(point, k=k, i=i, t=row["name"], v=values))
    name = label("map.communities")
    keys = tuple(Key(k, word, "dot", f"({(kinds == k).sum()})") for k, word in words.items() if (kinds == k).any())
    share = f"{area.targets.service[plan.coverage_service].community_share:.0%}"
    note = label("map.communities_note", share=share, within=f"{plan.coverage.cutoff_s / 60:g}")
    layer = shape_layer(rows, pane="points", name=name, svg=True, titles=_community_titles(plan))
    return MapLayer(name, layer, keys, note)


def _community_titles(plan: Plan) -> list[str]:
    stage = label("map.base_now") if plan.after is None else label("map.base_plan")
    texts = (
        label("map.standard"),
        label("map.people"),
        label("map.time"),
        label("map.people_within"),
        label("map.served_by"),
        label("map.first_aid_by", stage=stage),
        label("map.first_aid_time", stage=stage),
    )
    return [str(text) for text in texts]


def _first_aid(plan: Plan) -> pd.DataFrame:
    """Return for each community the station that comes first to most of its people, and their mean response."""
    area, response = plan.area, plan.after or plan.before
    if response is None:
        return pd.DataFrame({"station": None, "response_s": np.nan}, index=area.communities.index)
    served = response.demand.dropna(subset=["station_id"])
    own = pd.DataFrame(
        {
            "community_id": area.demand["community_id"].reindex(served.index),
            "station_id": served["station_id"],
            "people": area.demand["population"].reindex(served.index).astype("float64"),
            "seconds": served["seconds"],
        }
    )
    own["person_s"] = own["people"] * own["seconds"]
    sums = own.groupby("community_id")[["people", "person_s"]].sum()
    most = own.groupby(["community_id", "station_id"])["people"].sum().reset_index()
    most = most.sort_values(["community_id", "people", "station_id"], ascending=[True, False, True])
    names = area.facilities["name"].to_dict() | plan.stations["name"].to_dict()
    first = most.drop_duplicates("community_id").set_index("community_id")["station_id"]
    means = sums["person_s"] / sums["people"].where(sums["people"] > 0)
    table = pd.DataFrame({"station": first.map(lambda site: names.get(site) or site), "response_s": means})
    return table.reindex(area.communities.index)


def _min(seconds: float) -> str | None:
    return None if np.isnan(seconds) else f"{minutes(seconds)} min"


def _facilities(plan: Plan, shapes: Shapes) -> list[MapLayer]:
    """Return the facilities of the coverage's service as pins, and others as dots that are off at first."""
    facilities = plan.area.facilities[plan.area.facilities["status"] == "existing"]
    services = plan.area.targets.service
    covering = services[plan.coverage_service].kinds if plan.coverage_service in services else ()
    sited = services[plan.siting_service].kinds if plan.siting_service in services else ()
    titles = [str(text) for text in (label("map.kind"), label("map.address"), label("map.where"))]
    layers = []
    own = facilities[facilities["kind"].isin(covering)]
    if len(own):
        name = label("map.own_facilities", service=service_label(plan, plan.coverage_service))
        ranks = {kind: rank for rank, kind in enumerate(covering)}
        pins = [f"cs-pin cs-care cs-care-{min(ranks[kind], 1)}" for kind in own["kind"]]
        keys = tuple(
            Key(f"cs-pin cs-care cs-care-{min(ranks[k], 1)}", kind_label(k), "pin")
            for k in covering
            if (own["kind"] == k).any()
        )
        layers.append(MapLayer(name, pin_layer(_facility_rows(own, pins, shapes), name=name, titles=titles), keys))
    other = facilities[~facilities["kind"].isin([*covering, *sited])]
    if len(other):
        name = label("map.other_facilities")
        rows = _facility_rows(other, ["facility"] * len(other), shapes)
        layer = shape_layer(rows, pane="points", name=name, show=False, svg=True, titles=titles)
        layers.append(MapLayer(name, layer, (Key("facility", name, "dot"),)))
    return layers


def _facility_rows(frame: gpd.GeoDataFrame, styles: list[str], shapes: Shapes) -> list[dict[str, Any]]:
    rows = []
    points = shapes.points(frame.geometry)
    for point, i, k, row in zip(points, frame.index, styles, frame.to_dict("records"), strict=True):
        where = str(OUTSIDE) if row["outside"] else None
        values = [str(kind_label(row["kind"])), row["address"] or None, where]
        rows.append(feature(point, k=k, i=i, t=row["name"], v=values))
    return rows

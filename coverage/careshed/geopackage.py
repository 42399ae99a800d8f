"""A plan as one GeoPackage: layers for QGIS and other programs, each with the style it opens with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from careshed._checks import new_file
from careshed.plan import Plan
from careshed.qml import Symbol, categorized, graduated, single
from careshed.shades import RAMPS, breaks, steps
from careshed.wording import STATUSES, kind_label, percent
from careshed.words import Label, label

__all__ = ["LAYERS", "write_geopackage"]

LAYERS = ("subdistricts", "isochrones", "communities", "candidates", "facilities", "stations")
"""Layers of a plan, the lowest first; one that would be empty is left out."""

NO_TIME = "2000-01-01T00:00:00.000Z"
"""Stands for the time of writing, so that the same plan gives the same bytes."""

STYLES_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256),
    f_table_schema TEXT(256),
    f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30),
    styleQML TEXT,
    styleSLD TEXT,
    useAsDefault BOOLEAN,
    description TEXT,
    owner TEXT(30),
    ui TEXT(30),
    update_time DATETIME
)
"""
"""The table that QGIS looks for, with its columns."""

PHASES = ("#0072b2", "#d55e00", "#8a4f7d")
KINDS = ("#7a5195", "#b07aa1", "#4e79a7", "#59a14f", "#9c755f", "#bab0ac")
MET, UNMET, UNKNOWN = "#0072b2", "#c2410c", "#8a8a8a"


def write_geopackage(plan: Plan, path: Path | str) -> None:
    """Write a plan's layers, in the area's CRS, with a style for each; the same plan gives the same bytes.

    Parameters
    ----------
    plan
        What was computed. Layers that it has no rows for are left out.
    path
        A ``.gpkg`` file; it is there in full or not at all.

    Notes
    -----
    Styles are in the table ``layer_styles``, from which QGIS takes the one marked as default when a layer is added.
    """
    layers = {name: frame for name, frame in _layers(plan).items() if len(frame)}
    with new_file(path) as new:
        new.unlink()  # an empty file is no GeoPackage that could be added to
        for name, frame in layers.items():
            title = _layer_label(name)
            pyogrio.write_dataframe(
                frame, new, layer=name, driver="GPKG", geometry_type=_geometry_type(frame),
                layer_options={"GEOMETRY_NAME": "geom", "IDENTIFIER": str(title), "DESCRIPTION": title.en},
            )  # fmt: skip
        _write_styles(new, {name: (_style(name, frame), str(_layer_label(name))) for name, frame in layers.items()})


def _layer_label(layer: str) -> Label:
    """Return the name of a layer for people."""
    names = {
        "subdistricts": label("record.layer_subdistricts"),
        "isochrones": label("record.layer_isochrones"),
        "communities": label("record.layer_communities"),
        "candidates": label("record.layer_candidates"),
        "facilities": label("record.layer_facilities"),
        "stations": label("record.layer_stations"),
    }
    return names[layer]


def _layers(plan: Plan) -> dict[str, gpd.GeoDataFrame]:
    """Return each layer with its figures, ids as a column."""
    area = plan.area
    units, communities = area.subdistricts, area.communities
    if plan.coverage is not None:
        units = units.join(plan.coverage.subdistricts.drop(columns="name"))
        communities = communities.join(
            plan.coverage.communities[["people", "share", "covered", "seconds", "facility_id"]]
        )
    for stage, response in (("before", plan.before), ("after", plan.after)):
        if response is not None:
            figures = response.subdistricts[["mean_s", "median_s", "p90_s", "share_within_target"]]
            units = units.join(figures.add_suffix(f"_{stage}"))
    found = {
        "subdistricts": units,
        "communities": communities,
        "candidates": area.candidates,
        "facilities": area.facilities,
        "stations": plan.stations,
    }
    frames = {name: frame.reset_index() for name, frame in found.items()}
    if plan.isochrones is not None:
        # the widest first: programs draw rows in their order, and it would hide the others
        frames["isochrones"] = plan.isochrones.sort_values("minutes", ascending=False, ignore_index=True)
    return {name: _geometry_last(frames[name]) for name in LAYERS if name in frames}


def _geometry_last(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame[[*(column for column in frame.columns if column != "geometry"), "geometry"]]


def _geometry_type(frame: gpd.GeoDataFrame) -> str:
    """Return the one type of a layer: Multi… where some are, as a column holds one type only."""
    kinds = set(shapely.get_type_id(frame.geometry.to_numpy()).tolist())
    if kinds <= {0}:
        return "Point"
    return "MultiPolygon" if kinds <= {3, 6} else "Unknown"


def _write_styles(path: Path, styles: Mapping[str, tuple[str, str]]) -> None:
    """Add the table of styles, and take the time of writing out."""
    with closing(sqlite3.connect(path)) as file:
        file.execute(STYLES_TABLE)
        for name, (qml, description) in styles.items():
            file.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
                "VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', NULL, ?)",
                (name, name, qml, description, NO_TIME),
            )
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', 'styles of QGIS')"
        )
        file.execute("UPDATE gpkg_contents SET last_change = ?", (NO_TIME,))
        file.commit()
        file.execute("VACUUM")


def _style(layer: str, frame: gpd.GeoDataFrame) -> str:
    """Return a layer's style as QML."""
    styles = {
        "subdistricts": _subdistricts,
        "isochrones": _isochrones,
        "communities": _communities,
        "candidates": lambda _: single(Symbol("marker", "#ffffff", "#5b4b8a", 1.6)),
        "facilities": _facilities,
        "stations": _stations,
    }
    return styles[layer](frame)


def _subdistricts(frame: gpd.GeoDataFrame) -> str:
    known = frame["population_share"].dropna().to_numpy("float64") if "population_share" in frame else np.array([])
    if not len(known):
        return single(Symbol("fill", "#ffffff", "#4a4a4a", 0.4))
    limits = breaks(known)
    lower = [min(float(known.min()), limits[0]), *limits]
    colours = [RAMPS["share"][step] for step in steps("share", len(limits))]
    classes = [
        (low, high, f"{percent(low)} – {percent(high)}", Symbol("fill", colour, "#4a4a4a", 0.4))
        for low, high, colour in zip(lower, limits, colours, strict=False)
    ]
    return graduated("population_share", classes)


def _isochrones(frame: gpd.GeoDataFrame) -> str:
    limits = sorted(frame["minutes"].unique())
    colours = [RAMPS["band"][step] for step in steps("band", len(limits))]
    return categorized(
        "minutes",
        [
            (f"{limit:g}", f"≤ {limit:g} min", Symbol("fill", colour, colour, 0.0))
            for limit, colour in zip(limits, colours, strict=True)
        ],
    )


def _communities(frame: gpd.GeoDataFrame) -> str:
    points = _geometry_type(frame) == "Point"

    def symbol(colour: str) -> Symbol:
        return Symbol("marker", colour, "#ffffff", 2.0) if points else Symbol("fill", colour, "#ffffff", 0.2, 0.35)

    if "covered" not in frame:
        return single(symbol(UNKNOWN))
    # an expression, as versions differ in how they write a truth value
    attribute = "CASE WHEN \"covered\" THEN 'met' WHEN NOT \"covered\" THEN 'unmet' ELSE 'unknown' END"
    classes = [
        ("met", str(label("record.met")), symbol(MET)),
        ("unmet", str(label("record.unmet")), symbol(UNMET)),
        ("unknown", str(label("record.unknown")), symbol(UNKNOWN)),
    ]
    return categorized(attribute, classes)


def _facilities(frame: gpd.GeoDataFrame) -> str:
    kinds = sorted(frame["kind"].unique())
    return categorized(
        "kind",
        [
            (kind, str(kind_label(kind)), Symbol("marker", KINDS[place % len(KINDS)], "#ffffff", 2.2))
            for place, kind in enumerate(kinds)
        ],
    )


def _stations(frame: gpd.GeoDataFrame) -> str:
    attribute = "CASE WHEN \"status\" = 'existing' THEN 'existing' ELSE 'phase ' || \"phase\" END"
    new = frame[frame["status"] != "existing"]
    classes = [("existing", str(STATUSES["existing"]), Symbol("marker", "#1f2328", "#ffffff", 3.4))]
    for phase, by in new.groupby("phase")["by"].first().items():
        colour = PHASES[min(int(phase), len(PHASES)) - 1]
        text = str(label("record.new_by", by=by)) if by else str(STATUSES["new"])
        classes.append((f"phase {phase}", text, Symbol("marker", colour, "#ffffff", 3.4)))
    return categorized(attribute, classes)

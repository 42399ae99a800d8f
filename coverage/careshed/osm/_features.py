"""Features of OpenStreetMap that planning needs beside roads, and how their tags are read.

Sources: OpenStreetMap wiki, "Healthcare", "Key:healthcare", "Key:emergency",
"Key:building", "Key:building:levels", "Tag:boundary=administrative" (in China
level 6 is a district, 8 a subdistrict or township, 10 a community or village).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from careshed.streets import utm_crs

__all__ = [
    "BUILDING_LEVELS",
    "FEATURE_KEYS",
    "FEATURE_QUERIES",
    "Feature",
    "facility_kind",
    "feature_class",
    "frame_boundaries",
    "frame_buildings",
    "frame_facilities",
    "frame_water",
]

BUILDING_LEVELS = MappingProxyType(
    {
        "apartments": 6,
        "dormitory": 6,
        "residential": 4,
        "terrace": 2,
        "semidetached_house": 2,
        "detached": 2,
        "house": 1,
        "bungalow": 1,
        "farm": 1,
        "cabin": 1,
        "hut": 1,
        "static_caravan": 1,
        "houseboat": 1,
    }
)
"""Residential values of ``building`` → storeys assumed where ``building:levels`` is missing.

Six is the height up to which China's residential code long asked for no lift;
the others are the plain meaning of the word. They are assumptions, to be shown.
"""

_MOST_LEVELS = 163
_WATER_KINDS = MappingProxyType(
    {"natural": frozenset({"water"}), "waterway": frozenset({"riverbank", "dock"}), "landuse": frozenset({"reservoir"})}
)

FEATURE_KEYS = ("amenity", "healthcare", "emergency", "building", "boundary", "natural", "waterway", "landuse")
"""Keys that a feature has at least one of."""

FEATURE_QUERIES: Mapping[str, Mapping[str, bool | list[str]]] = MappingProxyType(
    {
        "facilities": {
            "amenity": ["clinic", "hospital", "doctors"],
            "healthcare": True,
            "emergency": ["ambulance_station", "defibrillator"],
        },
        "buildings": {"building": list(BUILDING_LEVELS)},
        "water": {key: sorted(values) for key, values in _WATER_KINDS.items()},
    }
)
"""Class of feature → the tags that fetch it from Overpass, in OSMnx's form."""

_KIND_BY_NAME = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"卫生(健康)?监督", "supervision_branch"),
        (r"^(?!.*医院).*(急救(中心|分中心|站|分站|工作站|网点)|120站)", "first_aid_station"),
        (r"服务站|community health (service )?station", "community_health_station"),
        (r"社区卫生|卫生服务中心|卫生院|community health|township health", "community_health_centre"),
        (r"卫生室|village clinic", "village_clinic"),
    )
)
_KIND_BY_TAG = MappingProxyType(
    {
        ("emergency", "ambulance_station"): "first_aid_station",
        ("emergency", "defibrillator"): "aed",
        ("amenity", "hospital"): "hospital",
        ("healthcare", "hospital"): "hospital",
        ("amenity", "clinic"): "clinic",
        ("amenity", "doctors"): "clinic",
        ("healthcare", "clinic"): "clinic",
        ("healthcare", "centre"): "clinic",
        ("healthcare", "doctor"): "clinic",
        ("healthcare", "yes"): "clinic",
    }
)
_FIXED_KINDS = frozenset({"first_aid_station", "aed"})


class Feature(NamedTuple):
    """A tagged thing with a place.

    Attributes
    ----------
    osm_id
        Such as ``node/42`` or ``relation/7``.
    tags
        Its tags.
    geometry
        Point or (Multi)Polygon, WGS-84.
    """

    osm_id: str
    tags: Mapping[str, str]
    geometry: BaseGeometry


def feature_class(tags: Mapping[str, str]) -> str | None:
    """Say which frame a feature belongs to: facilities, boundaries, buildings, water or none."""
    if facility_kind(tags) is not None:
        return "facilities"
    if tags.get("boundary") == "administrative":
        return "boundaries"
    if tags.get("building") in BUILDING_LEVELS:
        return "buildings"
    if any(tags.get(key) in values for key, values in _WATER_KINDS.items()):
        return "water"
    return None


def facility_kind(tags: Mapping[str, str]) -> str | None:
    """Name the kind of health facility that tags speak of, None if of none.

    The name decides between a hospital, a community health centre and a
    station, because OpenStreetMap has no tag of its own for the latter two.
    Other values of ``healthcare`` (``pharmacy``, ``dentist``) are kept as kinds.
    """
    if "yes" in {tags.get("disused"), tags.get("abandoned")}:
        return None
    kind = next((_KIND_BY_TAG[pair] for pair in _KIND_BY_TAG if tags.get(pair[0]) == pair[1]), None)
    kind = kind or (tags.get("healthcare", "").split(";")[0].strip() or None)
    if kind is None or kind in _FIXED_KINDS:
        return kind
    names = " / ".join(tags[key] for key in ("name", "name:zh", "name:en", "official_name") if key in tags)
    return next((named for pattern, named in _KIND_BY_NAME if pattern.search(names)), kind)


def frame_facilities(features: Sequence[Feature]) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Lay out health facilities: ``name``, ``kind``, ``address``, ``capacity`` (beds), a point each.

    A facility mapped twice (a node inside the outline of the same kind and
    name) is kept once, as the outline.
    """
    ids = [feature.osm_id for feature in features]
    areas = gpd.GeoSeries([feature.geometry for feature in features], index=ids, crs=4326)
    frame = _frame(
        features,
        {
            "name": [_name(feature.tags) for feature in features],
            "kind": [facility_kind(feature.tags) or "" for feature in features],
            "address": [_address(feature.tags) for feature in features],
            "capacity": [_number(feature.tags, "capacity:beds", "beds") for feature in features],
        },
        areas.representative_point(),
    )
    twice = _mapped_twice(frame, areas)
    notes = [f"{twice.sum()} facilities are mapped twice (a point inside its own outline); kept once"]
    return frame[~twice], notes if twice.any() else []


def frame_boundaries(features: Sequence[Feature], *, admin_level: int) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Lay out administrative units of one level: ``name``, ``name_en``, ``population``, a polygon each."""
    areas = [feature for feature in features if feature.geometry.geom_type.endswith("Polygon")]
    chosen = [feature for feature in areas if feature.tags.get("admin_level") == str(admin_level)]
    levels = sorted({feature.tags.get("admin_level", "unknown") for feature in areas})
    frame = _frame(
        chosen,
        {
            "name": [_name(feature.tags) for feature in chosen],
            "name_en": [feature.tags.get("name:en", "") for feature in chosen],
            "population": [_number(feature.tags, "population") for feature in chosen],
        },
        gpd.GeoSeries([feature.geometry for feature in chosen], crs=4326),
    )
    others = ", ".join(levels) or "none"
    note = f"no boundary of admin_level={admin_level} is there and whole; of other levels there are {others}"
    return frame, [] if chosen else [note]


def frame_buildings(features: Sequence[Feature]) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Lay out residential buildings: ``building``, ``levels`` (NaN unknown), ``floor_area_m2``, a point each.

    Floor area is ground area times storeys; where no storeys are tagged,
    `BUILDING_LEVELS` is taken, and the number of such buildings is told.
    """
    chosen = [feature for feature in features if feature.geometry.geom_type.endswith("Polygon")]
    areas = gpd.GeoSeries([feature.geometry for feature in chosen], crs=4326)
    levels = np.array([_levels(feature.tags) for feature in chosen], np.float64)
    assumed = np.array([BUILDING_LEVELS[feature.tags["building"]] for feature in chosen], np.float64)
    ground = np.zeros(0)
    if chosen:
        west, south, east, north = areas.total_bounds
        ground = areas.to_crs(utm_crs((west + east) / 2, (south + north) / 2)).area.to_numpy()
    frame = _frame(
        chosen,
        {
            "building": [feature.tags["building"] for feature in chosen],
            "levels": levels,
            "floor_area_m2": np.round(ground * np.where(np.isnan(levels), assumed, levels), 1),
        },
        areas.representative_point(),
    )
    unknown = int(np.isnan(levels).sum())
    note = f"{unknown} of {len(chosen)} residential buildings have no building:levels; storeys assumed by type"
    return frame[frame["floor_area_m2"] > 0], [note] if unknown else []


def frame_water(features: Sequence[Feature]) -> gpd.GeoDataFrame:
    """Lay out lakes and wide rivers for the backdrop: ``kind``, ``name``, a polygon each."""
    chosen = [feature for feature in features if feature.geometry.geom_type.endswith("Polygon")]
    columns = {"kind": ["water"] * len(chosen), "name": [_name(feature.tags) for feature in chosen]}
    return _frame(chosen, columns, gpd.GeoSeries([feature.geometry for feature in chosen], crs=4326))


def _frame(
    features: Sequence[Feature], columns: Mapping[str, Sequence[object] | np.ndarray], geometry: gpd.GeoSeries
) -> gpd.GeoDataFrame:
    """Make a WGS-84 frame indexed by `osm_id`, in its order."""
    index = pd.Index([feature.osm_id for feature in features], dtype="str", name="osm_id")
    frame = gpd.GeoDataFrame(dict(columns), geometry=geometry.array, index=index, crs=4326)
    numbers = {"population", "capacity", "levels", "floor_area_m2"}
    kinds = {name: "float64" if name in numbers else "str" for name in columns}
    order = sorted(range(len(features)), key=lambda k: _sort_key(features[k].osm_id))
    return frame.astype(kinds).iloc[order]


def _sort_key(osm_id: str) -> tuple[str, int]:
    kind, _, number = osm_id.partition("/")
    return kind, int(number)


def _mapped_twice(frame: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> pd.Series:
    """Mark facilities whose point lies in a larger outline of the same name and kind."""
    outlines = frame[["name", "kind"]].set_geometry(shapes.reindex(frame.index))
    size = pd.Series(shapely.area(outlines.geometry.array), index=frame.index)
    pairs = gpd.sjoin(frame[["name", "kind", "geometry"]], outlines[size > 0], predicate="within")
    inner, outer = pairs.index, pd.Index(pairs["osm_id_right"])
    same = (pairs["name_left"] == pairs["name_right"]) & (pairs["kind_left"] == pairs["kind_right"])
    smaller = size.loc[inner].to_numpy() < size.loc[outer].to_numpy()
    return pd.Series(frame.index.isin(inner[same & (pairs["name_left"] != "") & smaller]), index=frame.index)


def _name(tags: Mapping[str, str]) -> str:
    return next((tags[key] for key in ("name", "name:zh", "official_name", "operator") if tags.get(key)), "")


def _address(tags: Mapping[str, str]) -> str:
    if tags.get("addr:full"):
        return tags["addr:full"]
    parts = [tags[key] for key in ("addr:city", "addr:district", "addr:street", "addr:housenumber") if tags.get(key)]
    return " ".join(parts)


def _number(tags: Mapping[str, str], *keys: str) -> float:
    """Read the first of some tags that is a plain number; NaN if none is."""
    for key in keys:
        text = tags.get(key, "").replace(",", "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text):
            return float(text)
    return math.nan


def _levels(tags: Mapping[str, str]) -> float:
    levels = _number(tags, "building:levels")
    return levels if 0 < levels <= _MOST_LEVELS else math.nan

"""A place by its name: roads and features downloaded through OSMnx (Boeing, 2025)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import pyproj
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from careshed.errors import DownloadError, InputError
from careshed.osm._edges import Floats, Ints, graph_ways
from careshed.osm._extract import OsmExtract
from careshed.osm._features import FEATURE_QUERIES, Feature
from careshed.osm._services import MapServices, asking, step
from careshed.streets import Way, utm_crs

__all__ = ["download_place"]

MOST_KM2 = 20_000
"""Beyond this (Beijing has 16,400 km²) a download of every street takes hours: use a file."""

Outline = Polygon | MultiPolygon

_WAY_FILTER = '["highway"]["area"!~"^yes$"]'
_TOLERANCE_M = 20.0
"""Outlines are simplified by this much before they become part of a question, which lists every vertex."""


def download_place(
    place: str,
    *,
    admin_level: int = 8,
    buffer_m: float = 3000,
    services: MapServices | None = None,
    progress: Callable[[str], None] | None = None,
) -> OsmExtract:
    """Download a place from OpenStreetMap.

    Asks Nominatim for the outline, then Overpass for roads (within a buffer),
    health facilities (within the buffer), boundaries, homes and water.

    Parameters
    ----------
    place
        Its name, such as ``北京市西城区``.
    admin_level
        Level of the boundaries inside it; in China 8 is a subdistrict or township.
    buffer_m
        How far roads and facilities are fetched beyond the outline (m).
    services
        Whom to ask, and how; by default the public servers.
    progress
        Is told each step.

    Returns
    -------
    extract
        The same as `read_osm` gives, with `OsmExtract.outline`.

    Raises
    ------
    DownloadError
        If a server fails, is too busy, answers with nonsense or not in time,
        or knows no such place.
    InputError
        If the place is too large or an option out of range.
    """
    if not place.strip() or not 0 <= buffer_m <= 100_000 or not 1 <= admin_level <= 12:
        raise InputError(
            f"place {place!r}, buffer {buffer_m:g} m, admin_level {admin_level}; "
            "expected a name, 0 to 100,000 m and a level from 1 to 12"
        )
    services = services or MapServices()
    tell = progress or _silent
    with asking(services, tell) as watch:
        outline = _outline(place, services, tell)
        around = _grown(outline, buffer_m)
        tell(f"roads of {place} and {buffer_m:g} m around it")
        with step(f"roads of {place}", services):
            ids, lon, lat, ways = _roads(around)
        features: dict[str, Feature] = {}
        for name, tags in FEATURE_QUERIES.items():
            tell(f"{name} of {place}")
            with step(f"{name} of {place}", services):
                features |= _features(around if name == "facilities" else _grown(outline, 0), tags)
        tell(f"boundaries of {place} at admin_level={admin_level}")
        with step(f"boundaries of {place}", services):
            units = _features(_grown(outline, 0), {"admin_level": str(admin_level)})
        features |= {key: unit for key, unit in units.items() if outline.contains(unit.geometry.representative_point())}
    return OsmExtract.from_parts(
        source=f"OpenStreetMap, {place}",
        date=min(watch.dates, default=""),
        nodes=(ids, lon, lat),
        ways=ways,
        features=list(features.values()),
        admin_level=admin_level,
        outline=outline,
        notes=("turn restrictions, signals and barriers are not downloaded by place: a file .osm.pbf has them",),
    )


def _silent(_: str) -> None:
    return None


def _outline(place: str, services: MapServices, tell: Callable[[str], None]) -> Outline:
    """Return a place's outline in WGS-84."""
    import osmnx  # noqa: PLC0415

    tell(f"outline of {place}")
    with step(f"the outline of {place}", services):
        try:
            found = osmnx.geocode_to_gdf(place)
        except osmnx._errors.InsufficientResponseError:  # noqa: SLF001
            raise DownloadError(f"Nominatim knows no place {place!r}: write it as on openstreetmap.org") from None
        except TypeError as error:
            if "(Multi)Polygon" not in str(error):
                raise
            raise DownloadError(f"Nominatim knows {place!r} as a point only: name the district that holds it") from None
    valid = shapely.make_valid(found.geometry.iloc[0])
    outline = MultiPolygon([part for part in shapely.get_parts(valid) if part.geom_type == "Polygon"])
    area_km2 = float(gpd.GeoSeries([outline], crs=4326).to_crs(_zone(outline)).area.iloc[0]) / 1e6
    if area_km2 > MOST_KM2:
        raise InputError(
            f"{place} has {area_km2:,.0f} km², more than the {MOST_KM2:,} km² that are downloaded; "
            "name a district, or download an extract and use careshed build --pbf"
        )
    return outline


def _zone(outline: Outline) -> pyproj.CRS:
    center = outline.centroid
    return utm_crs(center.x, center.y)


def _grown(outline: Outline, buffer_m: float) -> Outline:
    """Return the outline with a buffer (m), with few vertices, and nowhere smaller than it was."""
    zone = _zone(outline)
    flat = gpd.GeoSeries([outline], crs=4326).to_crs(zone)
    grown: Outline = flat.buffer(buffer_m + _TOLERANCE_M).simplify(_TOLERANCE_M).to_crs(4326).iloc[0]
    return grown


def _roads(around: Outline) -> tuple[Ints, Floats, Floats, list[Way]]:
    import osmnx  # noqa: PLC0415

    try:
        graph = osmnx.graph_from_polygon(
            around, simplify=False, retain_all=True, truncate_by_edge=True, custom_filter=_WAY_FILTER
        )
    except osmnx._errors.InsufficientResponseError:  # noqa: SLF001
        raise DownloadError("OpenStreetMap has none there") from None
    return graph_ways(graph)


def _features(polygon: Outline, tags: Mapping[str, Any]) -> dict[str, Feature]:
    """Return what carries some of `tags` in a polygon; nothing is no fault."""
    import osmnx  # noqa: PLC0415

    try:
        frame = osmnx.features_from_polygon(polygon, dict(tags))
    except osmnx._errors.InsufficientResponseError:  # noqa: SLF001
        return {}
    geometry = [_closed(shape) for shape in frame.geometry]
    rows = frame.drop(columns="geometry").to_dict("records")
    ids = [f"{element}/{number}" for element, number in frame.index]
    return {
        key: Feature(key, {str(name): value for name, value in row.items() if isinstance(value, str)}, shape)
        for key, row, shape in zip(ids, rows, geometry, strict=True)
    }


def _closed(shape: BaseGeometry) -> BaseGeometry:
    """Make an area of a ring: OSMnx does so for some tags only, and a clinic's outline is one of the others."""
    return Polygon(shape.coords) if shape.geom_type == "LineString" and shape.is_ring else shape

"""Where the rows of a table lie: axes, datum and CRS, then each row's own faults."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from careshed.datums import Datum, geometry_to_wgs84, inside_china
from careshed.errors import CRSError
from careshed.tables._rows import Rows
from careshed.tables.files import Table

__all__ = ["Region", "locate"]

COORDINATE_STEP_M = 0.01
"""Coordinates are rounded to it, so that files are the same on every machine."""

SAME_AREA = 0.01
"""A repaired outline may differ by this share of its area."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Region:
    """Where places are expected: a box in degrees and a shape in metres, both or neither.

    Attributes
    ----------
    crs
        The projected CRS of `shapes`.
    shapes
        What a place must be near, or None for anywhere.
    max_away_m
        How far is near.
    box
        West, south, east and north of `shapes` and `max_away_m` around them, degrees.
    """

    crs: pyproj.CRS
    shapes: gpd.GeoSeries | None
    max_away_m: float
    box: tuple[float, float, float, float] | None

    @classmethod
    def around(cls, shapes: gpd.GeoDataFrame | gpd.GeoSeries | None, crs: pyproj.CRS, max_away_m: float) -> Region:
        """Return the region around the outlines of `shapes`."""
        if shapes is None or not len(shapes):
            return cls(crs, None, max_away_m, None)
        series = shapes.geometry
        west, south, east, north = series.total_bounds
        back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        box = back.transform_bounds(west - max_away_m, south - max_away_m, east + max_away_m, north + max_away_m)
        return cls(crs, series, max_away_m, box)

    def distance_m(self, points: gpd.GeoSeries) -> npt.NDArray[np.float64]:
        """Return how far each point is from the nearest shape, 0 inside."""
        if self.shapes is None:
            return np.zeros(len(points))
        nearest, distance = self.shapes.sindex.nearest(points.to_numpy(), return_all=False, return_distance=True)
        found = np.full(len(points), np.inf)
        found[nearest[0]] = distance
        return found


def locate(rows: Rows, table: Table, region: Region, *, datum: Datum | None) -> gpd.GeoSeries:
    """Return each row's shape in the region's CRS; None where the row is rejected."""
    degrees = _shapes(rows, table.geometry) if table.geometry is not None else _points(rows)
    crs = table.geometry.crs if table.geometry is not None else None
    projected = crs is not None and crs.is_projected
    if crs is not None and projected and datum is not None:
        raise CRSError(
            f"{table.path}: it is in {crs.name}, so it can't be in {datum}; name no datum behind a file in metres"
        )
    if table.geometry is not None and crs is None and datum is None:
        raise CRSError(
            f"{table.path}: it has no CRS (a shapefile's .prj); add one, or name the datum as {table.path.name}:wgs84"
        )
    if not projected:
        _check_axes(rows, degrees, region)
    moved = _to_wgs84(rows, degrees, crs, datum) if not projected else degrees
    metres = _round(moved.set_crs(crs, allow_override=True) if projected else moved, region.crs)
    _reject_far(rows, metres, region)
    return metres


def _points(rows: Rows) -> gpd.GeoSeries:
    """Points from the columns of coordinates, None where they can't be read."""
    values = []
    for column in ("longitude", "latitude"):
        value, text = rows.number(column)
        rows.reject(text == "", f"{column} is missing")
        rows.reject(~np.isfinite(value), text.map(lambda cell, name=column: f"{name} {cell[:40]!r} is no number"))
        values.append(value.to_numpy())
    x, y = values
    fine = np.isfinite(x) & np.isfinite(y)
    shapes = np.full(len(x), None, dtype=object)
    shapes[fine] = shapely.points(x[fine], y[fine])
    return gpd.GeoSeries(shapes, crs="EPSG:4326")


def _shapes(rows: Rows, geometry: gpd.GeoSeries) -> gpd.GeoSeries:
    """Shapes of the right kind, repaired; None where there is none."""
    shapes = geometry.to_numpy().copy()
    shapes[shapely.is_empty(shapes)] = None
    rows.reject(pd.Series(shapely.is_missing(shapes)), "it has no geometry")
    shapes = shapely.force_2d(shapes)
    dimension = shapely.get_dimensions(shapes)
    polygons = dimension == 2
    if rows.layer.name == "subdistricts":
        rows.reject(pd.Series((dimension >= 0) & ~polygons), "it is no polygon")
        shapes[~polygons] = None
        mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
        shapes[mixed] = [_polygonal(shape) for shape in shapes[mixed]]
    elif not rows.layer.polygons:
        # a facility drawn as its building stands where the building does
        drawn = dimension > 0
        if drawn.any():
            rows.note(f"{int(drawn.sum())} shapes are read as a point inside them")
        shapes[drawn] = shapely.point_on_surface(shapely.make_valid(shapes[drawn]))
    else:
        lines = dimension == 1
        rows.reject(pd.Series(lines), "it is a line; expected a point or a polygon")
        several = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT
        shapes[several] = shapely.centroid(shapes[several])
        shapes[lines] = None
    _repair(rows, shapes)
    return gpd.GeoSeries(shapes, crs=geometry.crs)


def _repair(rows: Rows, shapes: npt.NDArray[np.object_]) -> None:
    """Mend self-intersecting outlines in place where their area stays the same."""
    for row in np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)):
        where = shapely.is_valid_reason(shapes[row])
        mended = _polygonal(shapely.make_valid(shapes[row]))
        line = rows.table.lines[row]
        area = float(shapely.area(mended))
        if area > 0 and abs(area - shapely.area(shapes[row])) <= SAME_AREA * area:
            rows.note(f"{rows.table.unit} {line}: the outline is not valid ({where}) and was repaired, area unchanged")
            shapes[row] = mended
        else:
            only = pd.Series(np.arange(len(shapes)) == row)
            rows.reject(only, f"the outline crosses itself ({where}) and repair would change its area; redraw it")
            shapes[row] = None


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 2]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _check_axes(rows: Rows, shapes: gpd.GeoSeries, region: Region) -> None:
    """Tell metres and swapped axes from degrees, for the file or for single rows."""
    west, south, east, north = shapes.bounds.to_numpy().T
    there = np.isfinite(west)
    count = int(there.sum())
    path = rows.table.path
    metres = there & (np.abs(west) > 360) & (np.abs(north) > 360)
    if metres.any():
        first = int(np.argmax(metres))
        every = "all" if metres.sum() == count else f"{int(metres.sum())} of"
        raise CRSError(
            f"{path}: {every} {count} rows are in metres, not degrees (first: {rows.table.unit} "
            f"{rows.table.lines[first]}: {west[first]:.0f}, {south[first]:.0f})"
            + ("" if metres.sum() == count else ", so CRS are mixed")
            + "; export longitude and latitude in one CRS, WGS-84"
        )
    swapped = there & (np.abs(north) > 90) & (np.abs(west) <= 90) & (np.abs(east) <= 90)
    if region.box is not None:
        swapped |= there & ~_in_box(west, south, region.box) & _in_box(south, west, region.box)
    if swapped.any() and 2 * swapped.sum() >= count:
        first = int(np.argmax(swapped))
        raise CRSError(
            f"{path}: longitude and latitude are swapped in {int(swapped.sum())} of {count} rows (first: "
            f"{rows.table.unit} {rows.table.lines[first]}: longitude {west[first]:g}, latitude {south[first]:g}); "
            "exchange the two columns or axes"
        )
    spoken = _spoken(west, south)
    rows.reject(pd.Series(swapped), "longitude and latitude are swapped: " + spoken)
    out = there & ((west < -180) | (east > 180) | (south < -90) | (north > 90))
    rows.reject(pd.Series(out), "out of bounds: " + spoken)
    rows.reject(pd.Series(there & (west == 0) & (south == 0) & (east == 0) & (north == 0)), "out of bounds: " + spoken)
    shapes[(swapped | out) & there] = None


def _in_box(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], box: tuple[float, float, float, float]) -> Bools:
    west, south, east, north = box
    inside: Bools = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return inside


def _spoken(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> pd.Series:
    pairs = [f"longitude {a:g}, latitude {b:g}" for a, b in zip(x, y, strict=True)]
    return pd.Series(pairs, dtype=object)


def _to_wgs84(rows: Rows, shapes: gpd.GeoSeries, crs: pyproj.CRS | None, datum: Datum | None) -> gpd.GeoSeries:
    """Bring degrees of a datum, or of a declared geographic CRS, to something PROJ can reproject."""
    if datum in {"gcj02", "bd09"}:
        here = ~shapes.isna() & (rows.reasons == "")
        bounds = shapes.bounds.fillna(0.0)
        inside = inside_china(bounds["minx"], bounds["miny"]) & inside_china(bounds["maxx"], bounds["maxy"])
        out = here.to_numpy() & ~inside
        if out.any() and 2 * out.sum() >= here.sum():
            raise CRSError(
                f"{rows.table.path}: {int(out.sum())} of {int(here.sum())} rows lie outside China, where {datum} is "
                f"not defined; name the datum that they are in, such as {rows.table.path.name}:wgs84"
            )
        rows.reject(pd.Series(out), f"it lies outside China, where {datum} is not defined")
        moved = pd.Series(None, index=shapes.index, dtype=object)
        use = here & ~out
        moved[use] = geometry_to_wgs84(shapes[use], datum).to_numpy()
        rows.note(f"converted from {datum}")
        return gpd.GeoSeries(moved.to_numpy(), crs="EPSG:4326")
    declared = "EPSG:4490" if datum == "cgcs2000" else "EPSG:4326" if datum == "wgs84" or crs is None else crs
    return shapes.set_crs(declared, allow_override=True)


def _round(shapes: gpd.GeoSeries, crs: pyproj.CRS) -> gpd.GeoSeries:
    metres = shapes.to_crs(crs).to_numpy()
    points = shapely.get_type_id(metres) == shapely.GeometryType.POINT
    metres[points] = shapely.transform(metres[points], lambda xy: np.round(xy / COORDINATE_STEP_M) * COORDINATE_STEP_M)
    metres[~points] = _snap(metres[~points])
    return gpd.GeoSeries(metres, crs=crs)


def _snap(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    snapped: npt.NDArray[np.object_] = shapely.set_precision(shapes, COORDINATE_STEP_M)
    return snapped


def _reject_far(rows: Rows, metres: gpd.GeoSeries, region: Region) -> None:
    """Reject what lies too far from where places are expected, or nowhere."""
    here = ~metres.isna().to_numpy() & (rows.reasons == "")
    bounds = metres.bounds.to_numpy()
    tiny = here & metres.is_empty.to_numpy()
    rows.reject(pd.Series(tiny), "its outline is smaller than a centimetre")
    here &= ~tiny
    lost = here & ~np.isfinite(bounds).all(axis=1)
    rows.reject(pd.Series(lost), "its coordinates can't be projected")
    here &= ~lost
    away = np.zeros(len(metres))
    away[here] = region.distance_m(metres[here])
    far = pd.Series(away > region.max_away_m)
    rows.reject(far, pd.Series([f"it lies {one / 1000:.1f} km outside the area" for one in away], dtype=object))

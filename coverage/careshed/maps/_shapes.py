"""Geometry for maps: WGS-84, rounded, simplified so that neighbours still touch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from careshed.datums import Datum, from_wgs84, inside_china

__all__ = ["Shapes", "feature", "features"]

LINE_DECIMALS = 5
POINT_DECIMALS = 6
STREET_TOLERANCE_M = 1.5
OUTLINE_TOLERANCE_M = 3.0


class Shapes:
    """Turns geometries of one area into GeoJSON.

    Parameters
    ----------
    crs
        The area's projected CRS.
    datum
        Of the base map under them, where it is not WGS-84.

    Notes
    -----
    Coordinates are rounded one by one, so a vertex that two shapes share stays
    shared: five decimals (a metre) for lines and polygons, six for points.
    """

    def __init__(self, crs: pyproj.CRS, datum: Datum = "wgs84") -> None:
        self._datum: Datum = datum
        self._to_wgs84 = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)

    def geojson(self, geometry: shapely.Geometry) -> dict[str, Any]:
        """Return a geometry of the area as GeoJSON in WGS-84."""
        decimals = POINT_DECIMALS if shapely.get_dimensions(geometry) == 0 else LINE_DECIMALS
        moved = shapely.transform(shapely.force_2d(geometry), lambda xy: self._move(xy, decimals))
        mapping: dict[str, Any] = shapely.geometry.mapping(moved)  # type: ignore[arg-type]
        return mapping

    def bounds(self, geometry: shapely.Geometry) -> list[list[float]]:
        """Return a geometry's corners as Leaflet takes them: [[south, west], [north, east]]."""
        west, south, east, north = shapely.bounds(geometry)
        corners = np.array([(west, south), (east, south), (east, north), (west, north)])
        moved = self._move(corners, LINE_DECIMALS)
        return [[float(f(moved[:, 1])), float(f(moved[:, 0]))] for f in (np.min, np.max)]

    def _move(self, xy: npt.NDArray[np.float64], decimals: int) -> npt.NDArray[np.float64]:
        lon, lat = self._to_wgs84.transform(xy[:, 0], xy[:, 1])
        if self._datum not in {"wgs84", "cgcs2000"}:
            # beyond China its datum is WGS-84, as map services have it
            inside = inside_china(lon, lat)
            lon[inside], lat[inside] = from_wgs84(lon[inside], lat[inside], self._datum)
        return np.round(np.column_stack((lon, lat)), decimals)

    def points(self, geometry: Iterable[shapely.Geometry]) -> list[dict[str, Any]]:
        """Return points as GeoJSON; a polygon gives a point inside it."""
        array = np.asarray(list(geometry), dtype=object)
        polygons = shapely.get_dimensions(array) > 0
        array[polygons] = shapely.point_on_surface(array[polygons])
        return [self.geojson(point) for point in array]

    def outlines(self, polygons: npt.NDArray[np.object_]) -> list[dict[str, Any]]:
        """Return polygons that share borders, simplified together so that no slivers open between them."""
        simple = shapely.coverage_simplify(polygons, OUTLINE_TOLERANCE_M)
        return [self.geojson(shape) for shape in simple]

    def mosaic(self, polygons: npt.NDArray[np.object_], frame: npt.NDArray[np.object_]) -> list[BaseGeometry]:
        """Return polygons that fill a frame together as they are drawn: in WGS-84, valid, without slivers.

        Parameters
        ----------
        polygons
            A valid coverage; what lies wholly outside comes back empty.
        frame
            Polygons that share borders, as `outlines` takes them; the others are cut to their outer edge.

        Notes
        -----
        Rounding corner by corner would let fine shapes cross themselves. So all lines are rounded together and noded
        on the map's grid; each face between them goes to one shape.
        """
        simple, edge = (shapely.coverage_simplify(shapes, OUTLINE_TOLERANCE_M) for shapes in (polygons, frame))
        both = np.array([*simple, shapely.coverage_union_all(edge)])
        degrees = shapely.transform(both, lambda xy: self._move(xy, POINT_DECIMALS))
        lines = shapely.union_all(shapely.boundary(degrees), grid_size=10**-LINE_DECIMALS)
        faces = shapely.get_parts(shapely.polygonize([lines]))
        faces = faces[shapely.intersects(degrees[-1], shapely.point_on_surface(faces))]
        _, owner = shapely.STRtree(degrees[:-1]).query_nearest(shapely.point_on_surface(faces), all_matches=False)
        return [shapely.coverage_union_all(faces[owner == own]) for own in range(len(polygons))]

    def polygon(self, geometry: shapely.Geometry, *, exact: bool = True) -> dict[str, Any]:
        """Return one polygon, simplified by itself; where it need not stay valid that is ten times as fast."""
        return self.geojson(shapely.simplify(geometry, OUTLINE_TOLERANCE_M, preserve_topology=exact))

    def lines(self, geometry: Iterable[shapely.Geometry]) -> dict[str, Any]:
        """Return many lines as one MultiLineString, joined where only two meet."""
        parts = shapely.MultiLineString(list(shapely.get_parts(list(geometry))))
        merged = shapely.simplify(shapely.line_merge(parts), STREET_TOLERANCE_M, preserve_topology=False)
        return self.geojson(merged)


def feature(geometry: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    """Return a GeoJSON feature; properties that are None are left out."""
    kept = {name: value for name, value in properties.items() if value is not None and not _nan(value)}
    return {"type": "Feature", "properties": kept, "geometry": geometry}


def _nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def features(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return features as a collection."""
    return {"type": "FeatureCollection", "features": list(rows)}

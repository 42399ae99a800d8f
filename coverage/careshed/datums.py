"""Chinese map datums: WGS-84, GCJ-02 (Amap, Tencent), BD-09 (Baidu), CGCS2000.

GCJ-02 and BD-09 are displaced from WGS-84 by some hundred metres, differently
at each place, so a table of points in one of them looks right and is wrong.
The conversion is geocoordinates-rs's. Its forward offset is exact; the way
back is iterated until it is within half a metre.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import geocoordinates_ffi as geo  # type: ignore[import-untyped, import-not-found, unused-ignore]
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from careshed.errors import CRSError

__all__ = ["DATUMS", "Datum", "from_wgs84", "geometry_to_wgs84", "inside_china", "split_datum", "to_wgs84"]

Datum = Literal["wgs84", "gcj02", "bd09", "cgcs2000"]
"""Name of a datum of longitudes and latitudes."""

DATUMS: tuple[Datum, ...] = get_args(Datum)
"""The datums that a point or polygon file may be in."""

Degrees = npt.NDArray[np.float64]

_SHIFTED = {"gcj02", "bd09"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")


def split_datum(text: str | Path) -> tuple[Path, Datum | None]:
    r"""Split ``FILE:datum``, as the command line takes it.

    A colon that belongs to the path is left there: a Windows drive, or a file
    that exists under the whole name.

    Parameters
    ----------
    text
        A path, with or without ``:wgs84``, ``:gcj02``, ``:bd09`` or
        ``:cgcs2000`` behind it.

    Returns
    -------
    path, datum
        `datum` is None where none is named.

    Raises
    ------
    CRSError
        If what stands behind the last colon is a word, but no datum.

    Examples
    --------
    >>> split_datum("clinics.csv:gcj02")[1]
    'gcj02'
    >>> split_datum(r"C:\data\clinics.csv")[1] is None
    True
    """
    text = str(text)
    head, colon, tail = text.rpartition(":")
    name = tail.strip().lower().replace("-", "")
    if colon and head and name in DATUMS:
        return Path(head), name
    drive = len(head) == 1 and head.isalpha()
    if not colon or not head or drive or not _NAME.match(tail) or Path(text).exists():
        return Path(text), None
    raise CRSError(f"{text}: {tail!r} is no datum; expected FILE:{', FILE:'.join(DATUMS)} or FILE alone")


def inside_china(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return where GCJ-02 is defined: a rectangle around China, as map services use it.

    Parameters
    ----------
    lon, lat
        Degrees, arrays of one shape.
    """
    x, y = _pair(lon, lat)
    return np.fromiter((not geo.out_of_china(b, a) for a, b in zip(x, y, strict=True)), dtype=bool, count=len(x))


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> tuple[Degrees, Degrees]:
    """Convert longitudes and latitudes from `datum` to WGS-84.

    CGCS2000 and WGS-84 differ by centimetres and are taken as equal here; a
    file that *declares* EPSG:4490 is reprojected by PROJ instead.

    Parameters
    ----------
    lon, lat
        Degrees, finite, arrays of one shape.
    datum
        What they are in.

    Returns
    -------
    lon, lat
        Degrees in WGS-84, within 0.5 m of the true inverse.

    Raises
    ------
    CRSError
        If `datum` is GCJ-02 or BD-09 and a point lies outside China, where
        neither is defined.

    Examples
    --------
    >>> lon, lat = to_wgs84([116.404], [39.915], "gcj02")
    >>> round(float(lon[0]), 4), round(float(lat[0]), 4)
    (116.3978, 39.9136)
    """
    if datum == "gcj02":
        return _each(lambda y, x: geo.gcj02_to_wgs84_refined(geo.Gcj02(lat=y, lon=x)), lon, lat, datum)
    if datum == "bd09":
        return _each(lambda y, x: geo.bd09_to_wgs84_refined(geo.Bd09(lat=y, lon=x)), lon, lat, datum)
    return _pair(lon, lat)


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> tuple[Degrees, Degrees]:
    """Convert longitudes and latitudes from WGS-84 to `datum`, for a base map in it.

    Parameters
    ----------
    lon, lat
        Degrees in WGS-84, finite, arrays of one shape.
    datum
        What the base map is in.

    Raises
    ------
    CRSError
        If `datum` is GCJ-02 or BD-09 and a point lies outside China.
    """
    if datum == "gcj02":
        return _each(lambda y, x: geo.wgs84_to_gcj02(geo.Wgs84(lat=y, lon=x)), lon, lat, datum)
    if datum == "bd09":
        return _each(lambda y, x: geo.wgs84_to_bd09(geo.Wgs84(lat=y, lon=x)), lon, lat, datum)
    return _pair(lon, lat)


def geometry_to_wgs84(geometry: gpd.GeoSeries, datum: Datum) -> gpd.GeoSeries:
    """Convert each vertex of geometries in longitude and latitude from `datum` to EPSG:4326.

    Parameters
    ----------
    geometry
        Geometries in degrees of `datum`; their declared CRS is not looked at.
    datum
        What they are in.

    Raises
    ------
    CRSError
        If `datum` is GCJ-02 or BD-09 and a vertex lies outside China.
    """
    moved = geometry.to_numpy()
    if datum in _SHIFTED:
        moved = shapely.transform(moved, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], datum)))
    return gpd.GeoSeries(moved, index=geometry.index, crs="EPSG:4326")


def _pair(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Degrees, Degrees]:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _each(
    convert: Callable[[float, float], Any], lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum
) -> tuple[Degrees, Degrees]:
    x, y = _pair(lon, lat)
    outside = ~inside_china(x, y)
    if outside.any():
        first = int(np.argmax(outside))
        raise CRSError(
            f"{int(outside.sum())} of {len(x)} points lie outside China (first: longitude {x[first]:.5f}, latitude "
            f"{y[first]:.5f}), where {datum} is not defined; name the datum that the points are in, such as FILE:wgs84"
        )
    # the library converts point by point: some 35 µs each
    points = [convert(b, a) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    flat = np.array([(point.lon, point.lat) for point in points], dtype=np.float64).reshape(-1, 2)
    return flat[:, 0], flat[:, 1]

"""Elevations of junctions, from a raster: what slopes for walking are made of."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import rasterio
import rasterio.errors
import rasterio.windows
from scipy.ndimage import map_coordinates

from careshed._checks import readable_file
from careshed.area import SCHEMAS
from careshed.build.draft import Draft
from careshed.errors import CRSError, FileFaultError
from careshed.streets import junction_points

__all__ = ["add_heights", "elevations_at"]

Floats = npt.NDArray[np.float64]


def add_heights(draft: Draft, path: Path | str | None) -> None:
    """Give every junction of the layer ``junctions`` its elevation; junctions without a tag get a row."""
    if path is None:
        return
    draft.say(f"reading elevations from {path}")
    points = junction_points(draft.streets)
    height = pd.Series(elevations_at(path, points), index=points.index)
    tagged = draft.layers["junctions"]
    tagged = tagged.assign(elevation_m=height.reindex(tagged["junction"]).to_numpy())
    rest = points[~points.index.isin(tagged["junction"])]
    name, columns = SCHEMAS["junctions"]
    ids = pd.Index([f"j{number}" for number in rest.index], dtype="str", name=name)
    values = {"junction": rest.index, "kind": "", "from_street": "", "elevation_m": height[rest.index].to_numpy()}
    frame = gpd.GeoDataFrame(values, index=ids, geometry=rest.to_numpy(), crs=draft.crs).astype(columns)
    draft.layers["junctions"] = pd.concat([tagged, frame]) if len(tagged) else frame
    unknown = int(height.isna().sum())
    file = draft.hash_file(path, "elevation")
    draft.assumptions["elevations"] = f"of junctions, from {file}, between cells' middles; streets rise evenly" + (
        f"; {unknown} of {len(height)} junctions lie outside it and count as flat" if unknown else ""
    )


def elevations_at(path: Path | str, points: gpd.GeoSeries) -> Floats:
    """Return the elevation of points, interpolated between the middles of a raster's cells (bilinear).

    Parameters
    ----------
    path
        A GeoTIFF of metres above the sea.
    points
        In any CRS.

    Returns
    -------
    numpy.ndarray
        Metres; NaN outside the raster and beside cells without data.

    Raises
    ------
    FileFaultError
        If the file can't be read, or covers no point.
    CRSError
        If it has no CRS.
    """
    path = readable_file(path)
    try:
        with warnings.catch_warnings(), rasterio.open(path) as raster:
            # rasterio multiplies affine transforms in a way that affine is about to forbid
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            if raster.crs is None:
                raise CRSError(f"{path}: the raster has no CRS; write it again as a GeoTIFF with one")
            there = points.to_crs(pyproj.CRS.from_user_input(raster.crs.to_wkt()))
            a, b, c, d, e, f = tuple(~raster.transform)[:6]
            column, row = a * there.x + b * there.y + c - 0.5, d * there.x + e * there.y + f - 0.5
            left, top = max(int(column.min()) - 1, 0), max(int(row.min()) - 1, 0)
            right, bottom = min(int(column.max()) + 3, raster.width), min(int(row.max()) + 3, raster.height)
            if right <= left or bottom <= top:
                raise FileFaultError(f"{path}: the raster does not cover the area; check that it is of this district")
            cells = raster.read(1, window=rasterio.windows.Window(left, top, right - left, bottom - top), masked=True)
    except rasterio.errors.RasterioError as error:
        reason = str(error).partition("\n")[0]
        raise FileFaultError(f"{path}: it is no GeoTIFF, or cut off ({reason}); download it again") from None
    values = np.ma.filled(cells.astype(np.float64), np.nan)
    at = np.vstack([row.to_numpy() - top, column.to_numpy() - left])
    height: Floats = map_coordinates(values, at, order=1, mode="constant", cval=np.nan)
    if np.isnan(height).all():
        raise FileFaultError(f"{path}: the raster has no value in the area; check that it is of this district")
    return height

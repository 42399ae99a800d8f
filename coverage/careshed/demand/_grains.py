"""What people are spread over: samples of streets, buildings, cells of a raster."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import rasterio
import rasterio.errors
import rasterio.windows
import shapely

from careshed._checks import readable_file
from careshed.errors import CRSError, FileFaultError

__all__ = ["STEP_M", "Grains", "building_grains", "raster_grains", "street_grains"]

STEP_M = 20.0
"""A street is sampled about this often, metres."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grains:
    """Weighted places, fine as sand, that people are spread over.

    Attributes
    ----------
    x, y
        Coordinates in the area's CRS, metres (n,).
    weight
        How many people each draws, in proportion (n,), ≥ 0.
    """

    x: Floats
    y: Floats
    weight: Floats


def street_grains(streets: gpd.GeoDataFrame, *, step_m: float = STEP_M) -> Grains:
    """Sample walkable streets: points on them, weighing the metres that they stand for.

    Parameters
    ----------
    streets
        Schema ``streets``; those closed to walking are left out.
    step_m
        About how far apart the points are, metres.
    """
    lines = streets.geometry.to_numpy()[streets["walk"].to_numpy() != 0]
    length = shapely.length(lines)
    count = np.maximum(np.ceil(length / step_m), 1).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), count)
    within = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
    piece = (length / count)[line]
    points = shapely.line_interpolate_point(lines[line], (within + 0.5) * piece)
    return Grains(shapely.get_x(points), shapely.get_y(points), piece)


def building_grains(buildings: gpd.GeoDataFrame) -> Grains:
    """Take residential buildings as points inside them, weighing their floor area.

    Parameters
    ----------
    buildings
        Polygons, with ``floor_area_m2`` where known, else ``levels``; a
        building of unknown height counts as one floor.
    """
    shapes = buildings.geometry.to_numpy()
    floor = shapely.area(shapes)
    if "levels" in buildings.columns:
        levels = pd.to_numeric(buildings["levels"], errors="coerce").to_numpy(np.float64)
        floor = floor * np.where(np.isfinite(levels) & (levels >= 1), levels, 1.0)
    if "floor_area_m2" in buildings.columns:
        given = pd.to_numeric(buildings["floor_area_m2"], errors="coerce").to_numpy(np.float64)
        floor = np.where(np.isfinite(given) & (given > 0), given, floor)
    points = shapely.point_on_surface(shapes)
    keep = (floor > 0) & ~shapely.is_missing(points) & ~shapely.is_empty(points)
    return Grains(shapely.get_x(points[keep]), shapely.get_y(points[keep]), floor[keep])


def raster_grains(path: Path | str, units: gpd.GeoDataFrame) -> tuple[Grains, tuple[str, ...]]:
    """Read the cells of a population raster whose centres lie in the units' extent.

    Parameters
    ----------
    path
        A GeoTIFF of people per cell, such as WorldPop's.
    units
        Subdistricts, in the area's CRS.

    Returns
    -------
    grains, notes
        The middle of each cell with people, in the units' CRS, and sentences.

    Raises
    ------
    FileFaultError
        If the file can't be read, or none of its cells with people lie here.
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
            crs = pyproj.CRS.from_user_input(raster.crs.to_wkt())
            west, south, east, north = units.to_crs(crs).total_bounds
            window = _window(raster, (west, south, east, north))
            if window.width < 1 or window.height < 1:
                raise FileFaultError(f"{path}: the raster does not cover the area; check that it is of this district")
            values = raster.read(1, window=window, masked=True)
            transform = raster.window_transform(window)
    except rasterio.errors.RasterioError as error:
        reason = str(error).partition("\n")[0]
        raise FileFaultError(f"{path}: it is no GeoTIFF, or cut off ({reason}); download it again") from None
    cells = np.ma.filled(values.astype(np.float64), np.nan)
    below = int((cells < 0).sum())
    row, column = np.nonzero(np.isfinite(cells) & (cells > 0))
    if not len(row):
        raise FileFaultError(f"{path}: no cell with people lies in the area; check that the raster covers it")
    a, b, c, d, e, f = tuple(transform)[:6]
    x, y = a * (column + 0.5) + b * (row + 0.5) + c, d * (column + 0.5) + e * (row + 0.5) + f
    x, y = pyproj.Transformer.from_crs(crs, units.crs, always_xy=True).transform(x, y)
    notes = (f"{path.name}: {below} cells below 0 are taken as empty",) if below else ()
    return Grains(np.asarray(x, np.float64), np.asarray(y, np.float64), cells[row, column]), notes


def _window(raster: rasterio.DatasetReader, bounds: tuple[float, float, float, float]) -> rasterio.windows.Window:
    """Return the whole cells of a raster that meet a box in its CRS."""
    window = rasterio.windows.from_bounds(*bounds, raster.transform)
    left, top = max(math.floor(window.col_off), 0), max(math.floor(window.row_off), 0)
    right = min(math.ceil(window.col_off + window.width), raster.width)
    bottom = min(math.ceil(window.row_off + window.height), raster.height)
    return rasterio.windows.Window(left, top, max(right - left, 0), max(bottom - top, 0))

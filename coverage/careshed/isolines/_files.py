"""Isochrones and streets on disk: GeoJSON, GeoPackage or GeoParquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely

from careshed._checks import new_file
from careshed.errors import InputError

__all__ = ["SUFFIXES", "layer_suffix", "write_layer"]

SUFFIXES = (".geojson", ".gpkg", ".parquet")
"""What a layer can be written as."""

DEGREES = 1e-7
"""GeoJSON has so many degrees to a step, about a centimetre."""


def layer_suffix(path: Path | str) -> str:
    """Return the suffix of a file that a layer can be written to.

    Raises
    ------
    InputError
        If it is another.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path}: can't be written as {suffix or 'a file without suffix'}; name it {', '.join(SUFFIXES)}"
        )
    return suffix


def write_layer(frame: gpd.GeoDataFrame, path: Path | str) -> None:
    """Write a layer as its file's suffix says; the same layer gives the same bytes.

    Parameters
    ----------
    frame
        Polygons or lines, in metres.
    path
        ``.geojson`` (WGS-84, 7 decimals, valid as rounded), ``.gpkg`` or ``.parquet`` (in the layer's own CRS). The
        file is there in full or not at all.

    Raises
    ------
    InputError
        If the suffix is another.
    """
    suffix = layer_suffix(path)
    with new_file(path) as new:
        if suffix == ".parquet":
            frame.to_parquet(new, index=False, compression="zstd")
        elif suffix == ".gpkg":
            new.unlink()  # an empty file is no GeoPackage that could be added to
            with _no_clock():
                frame.to_file(new, driver="GPKG", engine="pyogrio", layer="careshed")
        else:
            degrees = frame.to_crs(4326)
            # rounding corner by corner may let rings touch; this doesn't
            shapes = shapely.set_precision(degrees.geometry.to_numpy(), DEGREES)
            degrees.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=4326)).to_file(
                new, driver="GeoJSON", engine="pyogrio", layer=Path(path).stem, COORDINATE_PRECISION=7
            )


@contextmanager
def _no_clock() -> Iterator[None]:
    """Keep the time of writing out of a GeoPackage."""
    name = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: "2000-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})

"""One door for roads of any format."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyproj

from careshed.osm._edges import read_geopackage, read_graphml
from careshed.osm._files import read_osm
from careshed.streets import StreetNotes

__all__ = ["read_roads"]


def read_roads(path: Path | str, *, crs: pyproj.CRS | None = None) -> tuple[gpd.GeoDataFrame, pyproj.CRS, StreetNotes]:
    """Read roads of any supported format as the streets layer, by the file's suffix.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm`` or ``.osm.gz``; ``.graphml`` of OSMnx; ``.gpkg``.
    crs
        Projected CRS; by default the UTM zone of the extent's centre.

    Returns
    -------
    streets, crs, notes
        The layer, its CRS, and what was left out.

    Raises
    ------
    FileFaultError
        If the file can't be read as what its suffix says.
    """
    name = str(path).lower()
    if name.endswith(".graphml"):
        streets, notes = read_graphml(path, crs=crs)
    elif name.endswith(".gpkg"):
        streets, notes = read_geopackage(path, crs=crs)
    else:
        streets, notes = read_osm(path).streets(crs=crs)
    return streets, pyproj.CRS.from_user_input(streets.crs), notes

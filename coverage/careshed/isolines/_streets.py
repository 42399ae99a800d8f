"""Streets within some minutes of places, and beyond: lines, and kilometres by unit."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from careshed._checks import require_columns
from careshed.errors import CRSError

__all__ = ["metres_by_unit", "street_kilometres"]


def street_kilometres(parts: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the kilometres of street within the minutes and beyond them, by unit.

    Parameters
    ----------
    parts
        What :func:`careshed.isolines.covered_streets` returned.
    units
        Polygons by id, such as an area's subdistricts. A street on a border counts in the first.

    Returns
    -------
    pandas.DataFrame
        On the units' index: ``reached_km``, ``beyond_km``, ``share`` (NaN in a unit without streets).

    Raises
    ------
    MissingColumnError
        If `parts` isn't such a table.
    CRSError
        If the two aren't in one CRS.
    """
    require_columns(parts, {"reached", "geometry"}, what="parts of streets")
    if parts.crs != units.crs:
        raise CRSError(f"streets are in {parts.crs} and units in {units.crs}; reproject one with GeoDataFrame.to_crs()")
    lines, reached = parts.geometry.to_numpy(), parts["reached"].to_numpy()
    metres = {"reached_km": metres_by_unit(lines[reached], units), "beyond_km": metres_by_unit(lines[~reached], units)}
    table = pd.DataFrame({name: own.reindex(units.index, fill_value=0.0) / 1000 for name, own in metres.items()})
    return table.assign(share=table["reached_km"] / table.sum(axis=1).replace(0.0, np.nan))


def metres_by_unit(lines: npt.NDArray[np.object_], units: gpd.GeoDataFrame) -> pd.Series:
    """Measure lines inside each unit; one that runs along a border belongs to the first unit only.

    Parameters
    ----------
    lines
        LineStrings in the units' CRS.
    units
        Polygons by id.

    Returns
    -------
    pandas.Series
        Metres by the ids of the units that have any.
    """
    polygons = units.geometry.to_numpy()
    pairs = pd.DataFrame(units.sindex.query(lines, predicate="intersects").T, columns=["line", "unit"])
    pairs = pairs.sort_values(["line", "unit"], ignore_index=True)
    inside = lines[pairs["line"]]
    shared = pairs["line"].duplicated(keep=False).to_numpy() | ~shapely.covers(polygons[pairs["unit"]], inside)
    inside[shared] = shapely.intersection(inside[shared], polygons[pairs["unit"][shared]])
    earlier = pairs.merge(pairs, on="line", suffixes=("", "_before"))
    earlier = earlier[earlier["unit_before"] < earlier["unit"]]
    row = pd.MultiIndex.from_frame(pairs).get_indexer(pd.MultiIndex.from_frame(earlier[["line", "unit"]]))
    for number, before in zip(row, polygons[earlier["unit_before"]], strict=True):
        inside[number] = shapely.difference(inside[number], before)
    return pd.Series(shapely.length(inside), index=units.index[pairs["unit"]]).groupby(level=0).sum()

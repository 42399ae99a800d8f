"""The ground that each point stands for."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["nearest_ground"]


def nearest_ground(points: gpd.GeoSeries, boundary: shapely.Geometry) -> npt.NDArray[np.object_]:
    """Return for each point the ground that it is nearest to; points at one spot share a cell.

    Parameters
    ----------
    points
        Points, at least one.
    boundary
        The cells reach at least as far as this.
    """
    spots, spot_of_point = np.unique(shapely.get_coordinates(points.to_numpy()), axis=0, return_inverse=True)
    if len(spots) < 2:
        return np.full(len(points), shapely.envelope(boundary), dtype=object)
    cells = shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=boundary, ordered=True)
    parts: npt.NDArray[np.object_] = shapely.get_parts(cells)[spot_of_point]
    return parts

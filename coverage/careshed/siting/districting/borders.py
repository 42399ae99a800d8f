"""Which polygons share a border, and not a corner only."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from careshed._checks import require_projected, require_unique
from careshed.errors import InputError

__all__ = ["BORDER_M", "GAP_M", "shared_borders"]

GAP_M = 5.0
"""Outlines at most this far apart count as touching: public outlines leave slivers."""
BORDER_M = 25.0
"""A border is at least so long. What is shorter is a corner."""


def shared_borders(
    polygons: gpd.GeoSeries, *, gap_m: float = GAP_M, border_m: float = BORDER_M
) -> list[tuple[str, str]]:
    """Return the pairs of polygons that share a border.

    Parameters
    ----------
    polygons
        By id, in a projected CRS.
    gap_m
        Metres that two outlines may lie apart, or overlap, and still be one border.
    border_m
        Least length of a border, metres; must be more than a corner has within `gap_m`, so at least four times that.

    Returns
    -------
    list of (str, str)
        Ids, the lesser first, sorted.

    Raises
    ------
    InputError
        If `border_m` is less than four times `gap_m`, or a shape is no polygon.
    """
    require_projected(polygons.crs, what="polygons")
    require_unique(polygons.index, what="polygons")
    if not 0 <= 4 * gap_m <= border_m or not border_m:
        raise InputError(f"border_m is {border_m:g} and gap_m {gap_m:g}; expected 0 < border_m ≥ 4 × gap_m ≥ 0")
    shapes = polygons.to_numpy()
    flat = shapely.get_dimensions(shapes) < 2
    if flat.any():
        raise InputError(f"{polygons.index[flat][0]}: is no polygon; units that touch must have outlines")
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="dwithin", distance=gap_m)
    once = first < second
    first, second = first[once], second[once]
    # a hair wider than nothing: two outlines that are one line differ in the last binary digit
    near = shapely.buffer(shapes, max(gap_m, 1e-3), quad_segs=4)
    sides = ((first, second), (second, first))
    lengths = np.minimum(
        *(shapely.length(shapely.intersection(shapely.boundary(shapes[a]), near[b])) for a, b in sides)
    )
    ids = polygons.index.astype(str).to_numpy()
    found = lengths >= border_m
    return sorted(tuple(sorted(pair)) for pair in zip(ids[first[found]], ids[second[found]], strict=True))

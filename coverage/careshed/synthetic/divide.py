"""Division: cells gathered into communities, and communities into units, without gap or overlap."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from careshed.synthetic.ground import Ground
from careshed.synthetic.recipe import Facts, Recipe
from careshed.synthetic.roads import Layout
from careshed.synthetic.settle import clusters

__all__ = ["Division", "divide", "is_village"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Division:
    """A district's units and communities.

    Parameters
    ----------
    communities
        Index ``community_id``; ``name``, ``subdistrict_id``, ``settled_m2`` (ground where people live), polygons.
    subdistricts
        Index ``subdistrict_id``; polygons, each the union of its communities.
    settled
        Ground where people live, as polygons by community.
    """

    communities: gpd.GeoDataFrame
    subdistricts: gpd.GeoDataFrame
    settled: gpd.GeoDataFrame


def is_village(names: pd.Series) -> Bools:
    """Say which communities are villages (村) rather than urban communities (社区)."""
    return np.asarray(names.str.endswith(("村委会", "村民委员会")))


def divide(recipe: Recipe, facts: Facts, ground: Ground, layout: Layout) -> Division:
    """Gather cells into communities and units.

    Parameters
    ----------
    recipe, facts, ground, layout
        The district.
    """
    cells = np.array(layout.cells, dtype=object)
    centre = shapely.get_coordinates(shapely.centroid(cells))
    area = shapely.area(cells)
    inside: Bools = np.asarray(shapely.contains_xy(ground.outline, *centre.T))
    touching = _touching(cells)
    rim = shapely.distance(cells, ground.extent.boundary) < 1
    inside = _one_patch(inside, touching, area, rim | ~shapely.contains_xy(ground.extent, *centre.T))
    cells, centre, area = cells[inside], centre[inside], area[inside]
    settled = layout.settled[inside].astype(bool)
    touching = touching[inside][:, inside]

    unit = _mended(ground.units.nearest(centre), touching, area)
    community = np.full(len(cells), -1, dtype=np.int64)
    codes = facts.communities.index
    for position, code in enumerate(facts.units.index):
        mine = np.flatnonzero(unit == position)
        wanted = np.flatnonzero(facts.communities["unit_code"] == code)
        village = is_village(facts.communities["name"].iloc[wanted])
        homes = layout.villages.get(position, np.empty((0, 2)))
        villages = wanted[village] if len(homes) else wanted[:0]
        urban = wanted[~village] if len(homes) else wanted
        near = _near(centre[mine], area[mine], settled[mine], homes, len(urban), recipe.seed)
        community[mine] = np.concatenate([villages, urban])[near]
    for position in range(len(facts.units)):
        mine = np.flatnonzero(unit == position)
        # The piece that people live in is the community's, however large its fields are.
        lived = area[mine] * np.where(settled[mine], 1.0, 1e-4)
        community[mine] = _mended(community[mine], touching[mine][:, mine], lived)
    return _dissolved(cells, area * settled, settled, community, facts, codes, ground)


def _near(
    centre: NDArray[np.float64], area: NDArray[np.float64], settled: Bools,
    homes: NDArray[np.float64], urban: int, seed: int,
) -> Ints:  # fmt: skip
    """Return the position of each cell's community: villages first, then urban ones."""
    free = settled
    if len(homes):
        # Towns stand apart from villages: urban communities are sought where no village is near.
        gap = np.sqrt(((centre[:, None] - homes[None]) ** 2).sum(axis=2)).min(axis=1)
        town = settled & (gap > 450)
        free = town if town.sum() >= 2 * urban else settled
    spots = clusters(centre[free], np.sqrt(area[free]), urban, seed) if urban else np.empty((0, 2))
    homes_of = np.vstack([homes, spots])
    near = np.asarray(((centre[:, None] - homes_of[None]) ** 2).sum(axis=2).argmin(axis=1))
    for position, home in enumerate(homes_of):
        if not (near == position).any():
            # A home whose cell lies nearer to another's still has the cell that it stands in.
            distance = ((centre - home) ** 2).sum(axis=1)
            distance[np.bincount(near, minlength=len(homes_of))[near] < 2] = np.inf
            near[int(distance.argmin())] = position
    return near


def _touching(cells: NDArray[np.object_]) -> csr_array:
    """Return lengths of common edges between cells that were cut from the same noded lines."""
    ends, owner = [], []
    for position, cell in enumerate(cells):
        for ring in (cell.exterior, *cell.interiors):
            cents = np.round(shapely.get_coordinates(ring) * 100).astype(np.int64)
            both = np.hstack([cents[:-1], cents[1:]])
            turn = (both[:, 0] > both[:, 2]) | ((both[:, 0] == both[:, 2]) & (both[:, 1] > both[:, 3]))
            both[turn] = both[turn][:, [2, 3, 0, 1]]
            ends.append(both)
            owner.append(np.full(len(both), position))
    edge, cell = np.vstack(ends), np.concatenate(owner)
    order = np.lexsort(edge.T)
    edge, cell = edge[order], cell[order]
    same = np.flatnonzero((edge[:-1] == edge[1:]).all(axis=1))
    length = np.hypot(edge[same, 0] - edge[same, 2], edge[same, 1] - edge[same, 3]) / 100
    a, b = cell[same], cell[same + 1]
    matrix = coo_array((np.r_[length, length], (np.r_[a, b], np.r_[b, a])), shape=(len(cells), len(cells)))
    return matrix.tocsr()


def _one_patch(inside: Bools, touching: csr_array, area: NDArray[np.float64], rim: Bools) -> Bools:
    """Keep the largest patch of the district and fill the holes in it; ground at the map's `rim` is no hole."""
    inside = inside.copy()
    for value in (True, False):
        which = np.flatnonzero(inside == value)
        label = connected_components(touching[which][:, which], directed=False)[1]
        largest = np.bincount(label, weights=area[which]).argmax()
        keep = label == largest if value else np.isin(label, label[rim[which]])
        inside[which[~keep]] = not value
    return inside


def _mended(owner: Ints, touching: csr_array, area: NDArray[np.float64]) -> Ints:
    """Give pieces that are cut off from their owner's largest one to the neighbour they share most edge with."""
    owner = owner.copy()
    rows, columns = touching.nonzero()
    for _ in range(5):
        same = owner[rows] == owner[columns]
        inner = coo_array((np.ones(same.sum()), (rows[same], columns[same])), shape=touching.shape)
        label = connected_components(inner.tocsr(), directed=False)[1]
        pieces = pd.DataFrame({"owner": owner, "label": label, "area": area}).groupby(["owner", "label"])["area"].sum()
        main = set(pieces.reset_index().sort_values("area", kind="stable").groupby("owner")["label"].last())
        strays = sorted(set(label) - main)
        if not strays:
            break
        for stray in strays:
            mine = np.flatnonzero(label == stray)
            edge = touching[mine].tocoo()
            other = owner[edge.col]
            outside = label[edge.col] != stray
            if outside.any():
                owner[mine] = np.bincount(other[outside], weights=edge.data[outside]).argmax()
    return owner


def _dissolved(
    cells: NDArray[np.object_], people_m2: NDArray[np.float64], settled: Bools,
    community: Ints, facts: Facts, codes: pd.Index, ground: Ground,
) -> Division:  # fmt: skip
    shapes = [shapely.coverage_union_all(cells[community == position]) for position in range(len(codes))]
    # Corners that no neighbour needs go, on both sides of an edge alike.
    shapes = list(shapely.coverage_simplify(np.array(shapes, dtype=object), 3.0))
    communities = gpd.GeoDataFrame(
        {
            "name": facts.communities["name"].to_numpy(),
            "subdistrict_id": facts.communities["unit_code"].to_numpy(),
            "settled_m2": np.bincount(community, weights=people_m2, minlength=len(codes)),
        },
        geometry=gpd.GeoSeries(shapes, crs=ground.crs),
    )
    communities.index = pd.Index(codes, name="community_id", dtype="str")
    unit_of = communities["subdistrict_id"].to_numpy()
    units = [shapely.coverage_union_all(communities.geometry.array[unit_of == code]) for code in facts.units.index]
    subdistricts = gpd.GeoDataFrame(geometry=gpd.GeoSeries(units, crs=ground.crs))
    subdistricts.index = pd.Index(facts.units.index, name="subdistrict_id", dtype="str")
    lived = [shapely.union_all(cells[settled & (community == position)]) for position in range(len(codes))]
    homes = gpd.GeoDataFrame(geometry=gpd.GeoSeries(lived, crs=ground.crs))
    homes.index = communities.index
    return Division(communities, subdistricts, homes)

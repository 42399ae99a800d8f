"""Graphs to measure on: synthetic towns of any size, and real roads from a file."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

ARCS_PER_NODE = 2.63
"""Directed edges a node, as in the walking networks of real cities."""

MEAN_LENGTH_M = 52.0

JITTER = 0.3
"""Junctions stand off their grid by at most this share of its spacing, so that no two streets are alike."""

Ints = npt.NDArray[np.int64]

CRS = "EPSG:32650"

CLASSES = np.array(["residential", "tertiary", "secondary", "primary"])
EVERY = np.array([1, 5, 15, 45])
"""Each so many lines of the grid, the class of road grows by one."""


def town(nodes: int, seed: int = 1) -> gpd.GeoDataFrame:
    """Return the streets of a synthetic town.

    A grid of junctions, shaken, of whose edges main roads come first, then a random spanning tree, then as many others
    as give `ARCS_PER_NODE`; scaled to a mean length of `MEAN_LENGTH_M`. Each street can be gone both ways. A larger
    town holds more of the same.

    Parameters
    ----------
    nodes
        About how many junctions; rounded to a square.
    seed
        Of the random numbers.
    """
    side = round(nodes**0.5)
    rng = np.random.default_rng(seed)
    number = np.arange(side * side).reshape(side, side)
    u = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    v = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    line = np.concatenate([np.repeat(np.arange(side), side - 1), np.tile(np.arange(side), side - 1)])
    rank = (line[:, None] % EVERY == 0).sum(axis=1) - 1
    kept = _kept(u, v, rank, side * side, rng)
    u, v, rank = u[kept], v[kept], rank[kept]
    xy = np.stack(np.divmod(np.arange(side * side), side), axis=1) + rng.uniform(-JITTER, JITTER, (side * side, 2))
    xy *= MEAN_LENGTH_M / np.hypot(*(xy[u] - xy[v]).T).mean()
    xy = xy.round(2) + np.array([500_000, 4_000_000])
    return gpd.GeoDataFrame(
        {
            "u": u.astype(np.int64),
            "v": v.astype(np.int64),
            "highway": CLASSES[rank],
            "walk": np.int8(3),
            "drive": np.int8(3),
            "maxspeed_kmh": np.nan,
            "name": "",
        },
        index=pd.RangeIndex(len(u)).astype("str").rename("street_id"),
        geometry=shapely.linestrings(xy[np.stack([u, v], axis=1)]),
        crs=CRS,
    )


def _kept(u: Ints, v: Ints, rank: Ints, nodes: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Choose a spanning tree, along main roads where it can, then edges at random until there are enough."""
    weight = rng.permutation(len(u)) + 1.0
    weight[rank > 1] -= len(u) + 1.0
    tree = minimum_spanning_tree(coo_array((weight, (u, v)), shape=(nodes, nodes)).tocsr())
    kept = np.zeros(len(u), dtype=bool)
    kept[np.isin(weight, tree.data)] = True
    wanted = round(nodes * ARCS_PER_NODE / 2) - kept.sum()
    others = np.flatnonzero(~kept)
    kept[others[np.argsort(weight[others])[: max(wanted, 0)]]] = True
    return kept


def real(path: Path) -> gpd.GeoDataFrame:
    """Return the streets of an OpenStreetMap file."""
    from careshed.osm import read_roads

    return read_roads(path)[0]

"""Graph: ways cut at every junction, directions that leave nobody stranded, ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import LineString

from careshed.synthetic.roads import Layout
from careshed.synthetic.ways import RANK, Way

__all__ = ["BRIDGE", "street_table"]

JOIN_M = 4.0
"""Junctions that a shorter piece of street joins are one."""

POCKET_STREETS = 3
"""A part of the network that is cut off and has fewer streets is dropped; a larger one gets a bridge."""

BRIDGE_M = 60.0
"""Longest bridge for each street of the part that it opens."""

BRIDGE = "便桥"
"""Name of a bridge to a part that would be cut off."""

STUB_M = 28.0
"""A dead end shorter than this is no street, only a cut that missed a corner."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """Streets as arrays; `u`, `v` are junctions, dense."""

    lines: NDArray[np.object_]
    way: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    drive: NDArray[np.int64]
    walk: NDArray[np.int64]

    def take(self, keep: NDArray[np.bool_]) -> _Edges:
        u, v = self.u[keep], self.v[keep]
        _, dense = np.unique(np.concatenate([u, v]), return_inverse=True)
        return _Edges(
            self.lines[keep], self.way[keep], dense[: len(u)], dense[len(u) :], self.drive[keep], self.walk[keep]
        )

    def places(self) -> NDArray[np.float64]:
        """Return where each junction is, metres, shape (junctions, 2)."""
        xy = np.zeros((int(max(self.u.max(), self.v.max())) + 1, 2))
        xy[self.u] = shapely.get_coordinates(shapely.get_point(self.lines, 0))
        xy[self.v] = shapely.get_coordinates(shapely.get_point(self.lines, -1))
        return xy

    def with_edge(self, way: Way, position: int, u: int, v: int) -> _Edges:
        """Return the streets and one more, of the way at `position`."""
        return _Edges(
            np.array([*self.lines, way.line], dtype=object),
            np.append(self.way, position),
            np.append(self.u, u),
            np.append(self.v, v),
            np.append(self.drive, way.drive),
            np.append(self.walk, way.walk),
        )

    def components(self, which: NDArray[np.bool_], *, directed: bool) -> NDArray[np.int64]:
        """Return the component of each junction, strongly connected by driving where `directed`."""
        rows, columns = self.u[which], self.v[which]
        if directed:
            ahead, back = which & (self.drive & 1 > 0), which & (self.drive & 2 > 0)
            rows = np.concatenate([self.u[ahead], self.v[back]])
            columns = np.concatenate([self.v[ahead], self.u[back]])
        size = int(max(self.u.max(), self.v.max())) + 1
        matrix = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size)).tocsr()
        _, labels = connected_components(matrix, directed=True, connection="strong" if directed else "weak")
        return np.asarray(labels, dtype=np.int64)


def street_table(layout: Layout, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return the layer of streets: one row per piece of way between junctions.

    Parameters
    ----------
    layout
        Ways of a district.
    crs
        Its CRS.

    Returns
    -------
    geopandas.GeoDataFrame
        By the schema of streets, sorted along a Hilbert curve so that the file is small.
    """
    ways = [*layout.ways, *layout.raised, *layout.compounds]
    edges = _joined(_noded(layout.ways, layout.raised, layout.compounds, ways), len(layout.ways))
    for _ in range(3):
        edges = _without_stubs(edges, ways, len(layout.ways))
    edges = _one_piece(edges, ways, len(layout.ways) + len(layout.raised))
    edges = _drivable(edges)
    frame = gpd.GeoDataFrame(
        {
            "u": edges.u,
            "v": edges.v,
            "highway": [ways[way].highway for way in edges.way],
            "walk": edges.walk.astype(np.int8),
            "drive": edges.drive.astype(np.int8),
            "maxspeed_kmh": np.array([ways[way].kmh for way in edges.way], dtype=float),
            "name": [ways[way].name for way in edges.way],
        },
        geometry=gpd.GeoSeries(edges.lines, crs=crs),
    ).astype({"highway": "str", "name": "str"})
    return _ordered(frame)


def _noded(level: Sequence[Way], raised: Sequence[Way], compounds: Sequence[Way], ways: Sequence[Way]) -> _Edges:
    """Cut ways at junctions; carriageways and compounds are cut among themselves only."""
    lines: list[LineString] = []
    owner: list[int] = []
    first = 0
    for group in (level, raised, compounds):
        if group is raised:
            pieces = np.array([shapely.set_precision(way.line, 0.01) for way in group], dtype=object)
            found = np.arange(len(group))
        else:
            courses = np.array([way.line for way in group], dtype=object)
            pieces = shapely.get_parts(shapely.unary_union(courses, grid_size=0.01)) if len(group) else courses
            found = _owners(pieces, group)
        lines += list(pieces)
        owner += list(found + first)
        first += len(group)
    shapes = np.array(lines, dtype=object)
    keep = (shapely.length(shapes) > 0) & ~shapely.is_closed(shapes)
    shapes, way = shapes[keep], np.array(owner)[keep]
    ends = np.array([(*line.coords[0], *line.coords[-1]) for line in shapes])
    cents = np.round(np.vstack([ends[:, :2], ends[:, 2:]]) * 100).astype(np.int64)
    _, node = np.unique(cents, axis=0, return_inverse=True)
    drive, walk = _directions(shapes, way, ways)
    return _Edges(shapes, way, node[: len(shapes)], node[len(shapes) :], drive, walk)


def _owners(pieces: NDArray[np.object_], ways: Sequence[Way]) -> NDArray[np.int64]:
    """Return the way that each piece is of: the greatest of those that run along its middle."""
    tree = shapely.STRtree([way.line for way in ways])
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    piece, way = tree.query(middle, predicate="dwithin", distance=0.1)
    rank = np.array([RANK[item.highway] for item in ways])[way]
    best = pd.DataFrame({"piece": piece, "way": way, "rank": rank}).sort_values(["piece", "rank", "way"], kind="stable")
    first = best.drop_duplicates("piece").set_index("piece")["way"].reindex(range(len(pieces)))
    near = tree.nearest(middle)
    return first.fillna(pd.Series(near)).to_numpy().astype(np.int64)


def _directions(
    pieces: NDArray[np.object_], way: NDArray[np.int64], ways: Sequence[Way]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    drive = np.array([ways[item].drive for item in way])
    walk = np.array([ways[item].walk for item in way])
    for position in np.flatnonzero((drive == 1) | (drive == 2)):
        course = ways[way[position]].line
        start, end = (shapely.Point(pieces[position].coords[end]) for end in (0, -1))
        if course.project(start) > course.project(end):
            drive[position] = 3 - drive[position]
    return drive, walk


def _joined(edges: _Edges, level: int) -> _Edges:
    """Make one junction of those that lie closer together than anybody would draw."""
    short = (shapely.length(edges.lines) < JOIN_M) & (edges.way < level)
    label = edges.components(short, directed=False)
    # The first junction of each group gives its place; lines that ended at the others are moved there.
    place: dict[int, tuple[float, ...]] = {}
    for node, line in zip(edges.u, edges.lines, strict=True):
        place.setdefault(int(label[node]), line.coords[0])
    for node, line in zip(edges.v, edges.lines, strict=True):
        place.setdefault(int(label[node]), line.coords[-1])
    u, v = label[edges.u], label[edges.v]
    lines = np.array(
        [
            LineString([place[int(a)], *line.coords[1:-1], place[int(b)]]) if a != b else line
            for line, a, b in zip(edges.lines, u, v, strict=True)
        ],
        dtype=object,
    )
    return _Edges(lines, edges.way, u, v, edges.drive, edges.walk).take(u != v)


def _without_stubs(edges: _Edges, ways: Sequence[Way], level: int) -> _Edges:
    degree = np.bincount(np.concatenate([edges.u, edges.v]))
    short = shapely.length(edges.lines) < STUB_M
    minor = np.array([RANK[ways[way].highway] > RANK["trunk_link"] for way in edges.way]) & (edges.way < level)
    return edges.take(~(short & minor & ((degree[edges.u] == 1) | (degree[edges.v] == 1))))


def _one_piece(edges: _Edges, ways: list[Way], first_compound: int) -> _Edges:
    """Keep what hangs together, bridge over to pockets, drop scraps; compounds are meant to be apart.

    A bridge is the straight line between the nearest junctions, added to `ways`.
    """
    place = edges.places()
    compounds_end = len(ways)
    while True:
        label = edges.components(np.ones(len(edges.u), dtype=bool), directed=False)
        main = label[edges.u] == np.bincount(label).argmax()
        apart = ~main & ((edges.way < first_compound) | (edges.way >= compounds_end))
        size = np.bincount(label[edges.u[apart]], minlength=1)
        if size.max() < POCKET_STREETS:
            return edges.take(~apart)
        pocket = apart & (label[edges.u] == size.argmax())
        near = edges.walk > 0
        here, there = (np.unique(np.concatenate([edges.u[w], edges.v[w]])) for w in (pocket & near, main & near))
        gap, nearest = cKDTree(place[there]).query(place[here])
        if gap.min() > BRIDGE_M * size.max():
            edges = edges.take(~pocket)
            place = edges.places()
            continue
        ends = int(here[gap.argmin()]), int(there[nearest[gap.argmin()]])
        ways.append(Way(LineString(place[list(ends)]), "tertiary", BRIDGE))
        edges = edges.with_edge(ways[-1], len(ways) - 1, *ends)


def _drivable(edges: _Edges) -> _Edges:
    """Open one-way lanes to both directions where they would strand anybody."""
    drive = edges.drive.copy()
    for _ in range(6):
        now = _Edges(edges.lines, edges.way, edges.u, edges.v, drive, edges.walk)
        label = now.components(drive > 0, directed=True)
        main = label == np.bincount(label).argmax()
        # Carriageways (not walked) stay one-way: they end where the map does.
        stuck = ((drive == 1) | (drive == 2)) & (edges.walk > 0) & ~(main[edges.u] & main[edges.v])
        if not stuck.any():
            break
        drive[stuck] = 3
    return _Edges(edges.lines, edges.way, edges.u, edges.v, drive, edges.walk)


def _ordered(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    order = frame.geometry.hilbert_distance(level=14).to_numpy()
    west, south = frame.geometry.centroid.x.round(2), frame.geometry.centroid.y.round(2)
    frame = frame.iloc[np.lexsort([frame.geometry.length, south, west, order])].reset_index(drop=True)
    # Junctions are numbered in the order in which streets come to them.
    codes, _ = pd.factorize(frame[["u", "v"]].to_numpy().ravel())
    frame[["u", "v"]] = codes.reshape(-1, 2).astype(np.int64)
    frame.index = pd.Index([f"s{number:05d}" for number in range(1, len(frame) + 1)], name="street_id", dtype="str")
    return frame

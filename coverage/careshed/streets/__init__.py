"""Streets: from OpenStreetMap's ways and nodes to the streets layer of a study area.

One row is one piece of way between two junctions, with what its tags say about
walking, driving and speed. Nothing is dropped in silence: every reader returns
`StreetNotes` beside the frame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from careshed._checks import require_projected
from careshed.area import empty_layer
from careshed.errors import CRSError, InputError
from careshed.streets._junctions import (
    NODE_TAGS,
    Restriction,
    RoadRules,
    cuts_way,
    junction_kind,
    junction_layer,
    junction_points,
    turn_layer,
)
from careshed.streets._pieces import Pieces, cut_at_junctions, merge_junctions
from careshed.streets._tags import (
    BACKWARD,
    BOTH,
    FORWARD,
    ROAD_TAGS,
    Passage,
    parse_maxspeed_kmh,
    read_passage,
    skip_reason,
)

__all__ = [
    "BACKWARD",
    "BOTH",
    "FORWARD",
    "NODE_TAGS",
    "ROAD_TAGS",
    "Passage",
    "Restriction",
    "RoadRules",
    "Roads",
    "StreetNotes",
    "Way",
    "junction_kind",
    "junction_points",
    "parse_maxspeed_kmh",
    "read_passage",
    "roads_from_ways",
    "skip_reason",
    "streets_from_lines",
    "streets_from_ways",
    "utm_crs",
]

Floats = npt.NDArray[np.float64]

ROUND_DECIMALS = 2
"""Coordinates are kept to 0.01 m, a hundred times finer than OpenStreetMap is mapped."""


class Way(NamedTuple):
    """A way as OpenStreetMap stores it.

    Attributes
    ----------
    id
        Its id. Parts of one way may share it.
    refs
        Ids of its nodes, in order.
    tags
        Its tags.
    """

    id: int
    refs: Sequence[int]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StreetNotes:
    """What became of the ways that did not simply turn into streets.

    Parameters
    ----------
    ways
        Number of ways given.
    skipped
        Reason → number of ways that are no street or closed to both modes.
    cut_ways
        Ways cut where a node is missing (clipped extracts) or out of range.
    lost_ways
        Ways of which no two neighbouring nodes are there.
    zero_length
        Pieces without length, dropped; the junctions at their ends were made one.
    unknown_class
        Streets of ``highway=road``, whose class nobody knows.
    lost_turns
        Reason → ids of the relations of turn restrictions left out.
    """

    ways: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    cut_ways: int = 0
    lost_ways: int = 0
    zero_length: int = 0
    unknown_class: int = 0
    lost_turns: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Return one sentence for each note that isn't zero."""
        said = [f"{count} of {self.ways} ways left out: {reason}" for reason, count in self.skipped.items()]
        told = (
            (self.cut_ways, "ways cut where a node is missing (the extract was clipped there)"),
            (self.lost_ways, "ways left out: too few of their nodes are in the file"),
            (self.zero_length, "pieces of way without length dropped, their ends joined"),
            (self.unknown_class, "streets are highway=road, of unknown class: driven at the default speed and walked"),
        )
        turns = [f"{len(ids)} turn restrictions left out: {reason}" for reason, ids in self.lost_turns.items()]
        return said + [f"{count} {text}" for count, text in told if count] + turns


class Roads(NamedTuple):
    """Streets with what is known of their junctions, by `careshed.area.SCHEMAS`, and what was left out."""

    streets: gpd.GeoDataFrame
    junctions: gpd.GeoDataFrame
    turns: gpd.GeoDataFrame
    notes: StreetNotes


def utm_crs(lon: float, lat: float) -> pyproj.CRS:
    """Return the UTM zone (WGS-84, metres) of a point in degrees.

    Raises
    ------
    CRSError
        If the point isn't on the globe, or nearer to a pole than UTM reaches.

    Examples
    --------
    >>> utm_crs(116.37, 39.91).to_epsg()
    32650
    """
    if not (-180 <= lon <= 180 and -80 <= lat <= 84):
        raise CRSError(
            f"the extent's centre is ({lon:.5g}, {lat:.5g}); expected longitude, latitude in degrees, "
            "between 80° south and 84° north: check that the axes aren't swapped"
        )
    zone = min(int((lon + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def streets_from_ways(
    node_ids: npt.ArrayLike,
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    ways: Iterable[Way],
    *,
    crs: pyproj.CRS | None = None,
) -> tuple[gpd.GeoDataFrame, StreetNotes]:
    """Make the streets layer from ways and nodes.

    Ways are cut at junctions: nodes that two ways share or one passes twice,
    ends of ways, and the last node before one that is missing.

    Parameters
    ----------
    node_ids
        Ids of the nodes (n).
    lon, lat
        Their WGS-84 coordinates, degrees (n). A node out of range counts as missing.
    ways
        The ways, in any order; those that are no street are left out and counted.
    crs
        Projected CRS of the streets; by default the UTM zone of the extent's centre.

    Returns
    -------
    streets, notes
        The layer (schema ``streets`` of `careshed.area.SCHEMAS`), in order of
        way id, and what was left out. `street_id` is ``way id-number of the piece``.

    Raises
    ------
    InputError
        If no way is left.
    CRSError
        If `crs` is not projected in metres.
    """
    roads = roads_from_ways(node_ids, lon, lat, ways, RoadRules(), crs=crs)
    return roads.streets, roads.notes


def roads_from_ways(
    node_ids: npt.ArrayLike,
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    ways: Iterable[Way],
    rules: RoadRules,
    *,
    crs: pyproj.CRS | None = None,
) -> Roads:
    """Make the layers streets, junctions and turns from ways, nodes and what their tags and relations say.

    Parameters
    ----------
    node_ids, lon, lat, ways, crs
        As `streets_from_ways` takes them. Ways are also cut at signals, stops and barriers.
    rules
        Tags of nodes, and turn restrictions.

    Raises
    ------
    InputError, CRSError
        As `streets_from_ways` does.
    """
    ids = np.asarray(node_ids, np.int64)
    degrees = np.column_stack([np.asarray(lon, np.float64), np.asarray(lat, np.float64)])
    usable = np.all(np.abs(degrees) <= (180, 90), axis=1)  # False for NaN
    ids, order = np.unique(ids[usable], return_index=True)
    degrees = degrees[usable][order]
    given = list(ways)
    read = [read_passage(way.tags) for way in given]
    kept, skipped = _kept(given, read)
    streets, passages = [given[k] for k in kept], [read[k] for k in kept]
    node = _positions(ids, np.fromiter((ref for way in streets for ref in way.refs), np.int64))
    owner = np.repeat(np.arange(len(streets)), [len(way.refs) for way in streets])
    used = np.unique(node[node >= 0])
    if not used.size:
        raise InputError(f"none of {len(given)} ways is a street with nodes that are there; expected highway=* ways")
    crs = _crs_or_utm(crs, degrees[used])
    # only nodes of streets: others may lie where the projection doesn't reach
    node = np.where(node >= 0, np.searchsorted(used, node), -1)
    stops = np.isin(ids[used], [each for each, tags in rules.nodes.items() if cuts_way(tags)])
    pieces = cut_at_junctions(owner, node, _project(degrees[used], crs), ways=len(streets), stops=stops)
    notes = StreetNotes(len(given), skipped, pieces.cut, pieces.lost)
    frame, notes, number = _frame(pieces, streets, passages, crs, notes)
    junction_of = pd.Series(number.to_numpy(), index=ids[used][number.index])
    turns, lost = turn_layer(frame, junction_of, rules.restrictions)
    lost_turns = {
        reason: sorted([*rules.left_out.get(reason, ()), *lost.get(reason, ())])
        for reason in sorted(rules.left_out.keys() | lost.keys())
    }
    return Roads(
        frame,
        junction_layer(frame, junction_of, rules.nodes),
        turns,
        replace(notes, lost_turns=lost_turns),
    )


def streets_from_lines(
    lines: npt.NDArray[np.object_],
    ways: Sequence[Way],
    *,
    crs: pyproj.CRS,
    ends: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    passages: Sequence[Passage] | None = None,
) -> tuple[gpd.GeoDataFrame, StreetNotes]:
    """Make the streets layer from lines, as road files of other origin hold them.

    Parameters
    ----------
    lines
        LineStrings in `crs`, each along its way (n).
    ways
        Id and tags of each line (n); `Way.refs` is not looked at.
    crs
        Projected CRS of the lines and of the streets.
    ends
        Ids of the junctions at the beginning and end of each line, for lines
        that are cut at junctions already. Without it a vertex that two lines
        share is a junction, and so is the end of a line.
    passages
        What may pass each line; by default its tags are read.

    Returns
    -------
    streets, notes
        As `streets_from_ways`, in order of way id.

    Raises
    ------
    InputError
        If no line is left.
    CRSError
        If `crs` is not projected in metres.
    """
    require_projected(crs, what="streets")
    if passages is None:
        passages = [read_passage(way.tags) for way in ways]
    kept, skipped = _kept(ways, passages)
    ways, passages = [ways[k] for k in kept], [passages[k] for k in kept]
    flat = shapely.force_2d(lines[kept])
    xy, owner = shapely.get_coordinates(flat, return_index=True)
    xy = np.round(xy, ROUND_DECIMALS)
    _require_finite(xy, crs)
    if ends is None:
        vertices, node = np.unique(xy, axis=0, return_inverse=True)
        pieces = cut_at_junctions(owner, node, vertices, ways=len(ways))
    else:
        u, v = (np.asarray(end, np.int64)[kept] for end in ends)
        pieces = Pieces(np.arange(len(ways)), u, v, shapely.set_coordinates(flat, xy), 0, 0)
    frame, notes, _ = _frame(pieces, ways, passages, crs, StreetNotes(len(lines), skipped, 0, pieces.lost))
    return frame, notes


def _kept(ways: Sequence[Way], passages: Sequence[Passage]) -> tuple[list[int], dict[str, int]]:
    """Return positions of the ways that either mode may pass, in order of way id, and why others are left out."""
    kept, skipped = [], Counter[str]()
    for position, (way, passage) in enumerate(zip(ways, passages, strict=True)):
        if passage.walk or passage.drive:
            kept.append(position)
        else:
            skipped[skip_reason(way.tags) or "closed to walking and driving"] += 1
    return sorted(kept, key=lambda position: ways[position].id), dict(sorted(skipped.items()))


def _positions(ids: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where each wanted id stands in sorted `ids`; -1 where it doesn't."""
    if not ids.size:
        return np.full(wanted.size, -1)
    at = np.minimum(np.searchsorted(ids, wanted), ids.size - 1)
    return np.where(ids[at] == wanted, at, -1)


def _crs_or_utm(crs: pyproj.CRS | None, degrees: Floats) -> pyproj.CRS:
    if crs is not None:
        return require_projected(crs, what="streets")
    lon, lat = (degrees.min(axis=0) + degrees.max(axis=0)) / 2
    return utm_crs(float(lon), float(lat))


def _project(degrees: Floats, crs: pyproj.CRS) -> Floats:
    xy = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(*degrees.T)
    rounded: Floats = np.round(np.column_stack(xy), ROUND_DECIMALS)
    _require_finite(rounded, crs)
    return rounded


def _require_finite(xy: Floats, crs: pyproj.CRS) -> None:
    if not np.isfinite(xy).all():
        raise CRSError(f"the roads lie where {crs.name} doesn't reach; expected roads of one district, in degrees")


def _frame(
    pieces: Pieces, ways: Sequence[Way], passages: Sequence[Passage], crs: pyproj.CRS, notes: StreetNotes
) -> tuple[gpd.GeoDataFrame, StreetNotes, pd.Series]:
    """Lay the pieces out in the layer's schema, without those that have no length; number the nodes at their ends."""
    flat = shapely.length(pieces.geometry) == 0
    u, v = merge_junctions(pieces.u, pieces.v, flat)
    way = pieces.way[~flat]
    if not way.size:
        raise InputError(f"none of the {notes.ways} ways has any length; expected streets of a district")
    ids = np.array([way.id for way in ways], dtype=np.int64)[way]
    walk, drive, maxspeed = (np.array(column)[way] for column in zip(*passages, strict=True))
    columns = {
        "u": u,
        "v": v,
        "highway": [ways[k].tags["highway"] for k in way],
        "walk": walk.astype(np.int8),
        "drive": drive.astype(np.int8),
        "maxspeed_kmh": maxspeed.astype(np.float64),
        "name": [ways[k].tags.get("name", "") for k in way],
    }
    piece = pd.Series(ids).groupby(ids).cumcount()
    index = pd.Index([f"{a}-{b}" for a, b in zip(ids, piece, strict=True)], dtype="str", name="street_id")
    frame = gpd.GeoDataFrame(columns, geometry=pieces.geometry[~flat], index=index, crs=crs)
    frame = frame.astype({"highway": "str", "name": "str"})[empty_layer("streets").columns]
    road = int((frame["highway"] == "road").sum())
    number = pd.Series(np.r_[u, v], index=np.r_[pieces.u[~flat], pieces.v[~flat]])
    notes = replace(notes, zero_length=int(flat.sum()), unknown_class=road)
    return frame, notes, number[~number.index.duplicated()]

"""What OpenStreetMap's nodes and relations say of junctions: signals, stops, barriers, turn restrictions.

Sources: OpenStreetMap wiki, pages "Tag:highway=traffic_signals", "Tag:highway=stop", "Tag:highway=give_way",
"Tag:highway=crossing", "Key:barrier" and "Relation:restriction".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from careshed.area import SCHEMAS, VIA, empty_layer

__all__ = [
    "NODE_TAGS",
    "Restriction",
    "RoadRules",
    "cuts_way",
    "junction_kind",
    "junction_layer",
    "junction_points",
    "turn_layer",
]

NODE_TAGS = (
    "highway",
    "crossing",
    "crossing:signals",
    "barrier",
    "bollard",
    "access",
    "vehicle",
    "motor_vehicle",
    "motorcar",
    "emergency",
    "direction",
    "traffic_signals:direction",
    "ele",
)
"""All tags of a node that are read; a reader need keep no others."""

_KINDS = frozenset({"traffic_signals", "stop", "give_way", "crossing"})
_STOPS_CARS = frozenset(
    {
        "block",
        "bollard",
        "chain",
        "cycle_barrier",
        "debris",
        "ditch",
        "fence",
        "full-height_turnstile",
        "jersey_barrier",
        "kissing_gate",
        "log",
        "motorcycle_barrier",
        "planter",
        "rope",
        "stile",
        "turnstile",
        "wall",
        "wedge",
    }
)
_OPENS = frozenset({"yes", "designated", "permissive", "official", "destination", "delivery", "customers", "permit"})


HEADING_M = 10.0
"""The direction of a street at a junction is that of its first so many metres."""


class Restriction(NamedTuple):
    """A turn restriction over one node, or over ways, as a relation has it.

    Attributes
    ----------
    id
        Of the relation.
    kind
        ``no_left_turn``, ``only_straight_on`` …
    come, via, go
        Ids of the ways one comes by, of the node (0 none), of the ways one leaves by.
    exempt
        Its ``except`` tag, ``''`` none.
    over
        Ids of the ways gone along in between, in place of a node.
    """

    id: int
    kind: str
    come: tuple[int, ...]
    via: int
    go: tuple[int, ...]
    exempt: str
    over: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RoadRules:
    """What nodes and relations of a file say beside its ways.

    Parameters
    ----------
    nodes
        Tags of nodes that have any of `NODE_TAGS`, by node id.
    restrictions
        Turn restrictions.
    left_out
        Reason → ids of turn restrictions that can't be kept.
    """

    nodes: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    restrictions: Sequence[Restriction] = ()
    left_out: Mapping[str, Sequence[int]] = field(default_factory=dict)


def junction_kind(tags: Mapping[str, str]) -> str:
    """Return what a node's tags make of a junction; ``''`` nothing.

    Gates, lift gates, toll booths and rising bollards let an ambulance pass; other bollards, blocks and the like don't,
    unless ``emergency`` or a car's own tag opens them.

    Examples
    --------
    >>> junction_kind({"highway": "crossing", "crossing": "traffic_signals"}), junction_kind({"barrier": "bollard"})
    ('traffic_signals', 'barrier')
    """
    own = next(
        (tags[key] for key in ("emergency", "motorcar", "motor_vehicle", "vehicle", "access") if key in tags), ""
    )
    shut = tags.get("barrier", "") in _STOPS_CARS and tags.get("bollard") != "rising"
    if "barrier" in tags and own not in _OPENS and (shut or own == "no"):
        return "barrier"
    kind = tags.get("highway", "")
    if kind == "crossing" and (tags.get("crossing") == "traffic_signals" or tags.get("crossing:signals") == "yes"):
        return "traffic_signals"
    return kind if kind in _KINDS else ""


def cuts_way(tags: Mapping[str, str]) -> bool:
    """Say whether a node makes a junction of the way it is on: who walks along a road passes crossings as they come."""
    return junction_kind(tags) not in {"", "crossing"}


def junction_layer(
    streets: gpd.GeoDataFrame, junction_of: pd.Series, nodes: Mapping[int, Mapping[str, str]]
) -> gpd.GeoDataFrame:
    """Make the layer ``junctions``: a row for each tagged node that is a junction.

    Parameters
    ----------
    streets
        The streets layer.
    junction_of
        Node id → number of the junction.
    nodes
        Node id → tags.
    """
    rows = []
    touching = _touching(streets)
    for node in sorted(nodes.keys() & set(junction_of.index)):
        kind, height = junction_kind(nodes[node]), _elevation_m(nodes[node])
        if kind or not np.isnan(height):
            at = int(junction_of[node])
            rows.append((f"n{node}", at, kind, _waiting_street(nodes[node], touching.loc[[at]]), height))
    return _layer("junctions", rows, streets)


def _touching(streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return all ends of streets by junction: ``street``, ``way``, whether it runs to it, its heading from there."""
    way = streets.index.str.rpartition("-").get_level_values(0).astype("str")
    lines = streets.geometry.to_numpy()
    ends = [
        pd.DataFrame(
            {
                "street": streets.index,
                "way": way,
                "comes": comes,
                "heading": _headings(lines, at_end=comes),
                "at": streets[column].to_numpy(),
            }
        )
        for column, comes in (("u", False), ("v", True))
    ]
    return pd.concat(ends).set_index("at").sort_index(kind="stable")


def _waiting_street(tags: Mapping[str, str], ends: pd.DataFrame) -> str:
    """Return the street on which a sign in the middle of a way is met; ``''`` all of them."""
    direction = tags.get("traffic_signals:direction", tags.get("direction", ""))
    if direction not in {"forward", "backward"} or len(ends) != 2 or len(set(ends["way"])) != 1:
        return ""
    side = ends.loc[ends["comes"] == (direction == "forward"), "street"]
    return str(side.iloc[0]) if len(side) == 1 else ""


def _elevation_m(tags: Mapping[str, str]) -> float:
    try:
        height = float(tags.get("ele", "nan").removesuffix("m").strip())
    except ValueError:
        return float("nan")
    return height if -500 < height < 9000 else float("nan")


def turn_layer(
    streets: gpd.GeoDataFrame, junction_of: pd.Series, restrictions: Sequence[Restriction]
) -> tuple[gpd.GeoDataFrame, dict[str, list[int]]]:
    """Make the layer ``turns``: restrictions between the streets that touch the junction.

    Parameters
    ----------
    streets, junction_of
        As `junction_layer` takes them.
    restrictions
        As relations have them, by ways.

    Returns
    -------
    turns, left_out
        The layer, and reason → ids of restrictions that could not be kept.
    """
    rows, lost = [], defaultdict[str, list[int]](list)
    touching = _touching(streets)
    for rule in sorted(restrictions, key=lambda rule: rule.id):
        if rule.over:
            chains = list(_chains(rule, touching))
            if not chains:
                lost["their streets don't follow each other"].append(rule.id)
            rows += [
                (f"{rule.id}-{k}", come, at, go, rule.kind, rule.exempt, VIA.join(between))
                for k, (come, at, between, go) in enumerate(chains)
            ]
            continue
        if rule.via not in junction_of.index:
            lost["their junction is not among the streets"].append(rule.id)
            continue
        at = int(junction_of[rule.via])
        ends = touching.loc[[at]]
        pairs = _pairs(rule, ends)
        if not pairs:
            lost["their streets don't meet at their junction"].append(rule.id)
        rows += [(f"{rule.id}-{k}", come, at, go, rule.kind, rule.exempt, "") for k, (come, go) in enumerate(pairs)]
    return _layer("turns", rows, streets), dict(lost)


def _chains(rule: Restriction, touching: pd.DataFrame) -> Iterator[tuple[str, int, list[str], str]]:
    """Yield street, junction, streets between and last street of a restriction over ways, which it runs along whole."""
    names = {str(way) for ways in (rule.come, rule.over, rule.go) for way in ways}
    ends = touching[touching["way"].isin(names)]
    own = {way: _passage(ends[ends["way"] == str(way)]) for way in rule.over}
    if not all(own.values()):
        return
    sides = ({str(way) for way in rule.come}, {str(way) for way in rule.go})
    come, go = (ends[ends["way"].isin(side)] for side in sides)
    for at in dict.fromkeys(come.index):
        end, between = int(at), list[str]()
        for passage in _in_order(own, end):
            between += passage.streets
            end = passage.end
        if not between:
            continue
        for first in dict.fromkeys(come.loc[[at], "street"]):
            for last in dict.fromkeys(go.loc[go.index == end, "street"]):
                if first not in between and last not in between:
                    yield first, int(at), between, last


class _Passage(NamedTuple):
    """A way gone along from one end to the other."""

    start: int
    streets: list[str]
    end: int

    def turned(self) -> _Passage:
        return _Passage(self.end, self.streets[::-1], self.start)


def _passage(ends: pd.DataFrame) -> _Passage | None:
    """Return a way's streets in its own order, None where some are missing."""
    pieces = sorted((int(street.rpartition("-")[2]), at, street) for at, street in ends["street"].items())
    first = ends[~ends["comes"]].reset_index().set_index("street")["at"]
    last = ends[ends["comes"]].reset_index().set_index("street")["at"]
    streets = list(dict.fromkeys(street for _, _, street in pieces))
    joined = all(last[a] == first[b] for a, b in pairwise(streets))
    return _Passage(int(first[streets[0]]), streets, int(last[streets[-1]])) if streets and joined else None


def _in_order(ways: Mapping[int, _Passage | None], at: int) -> list[_Passage]:
    """Return ways as they follow each other from a junction, none where they don't."""
    left, found = [way for way in ways.values() if way is not None], list[_Passage]()
    while left:
        onward = [way for way in left if at in {way.start, way.end}]
        if not onward:
            return []
        left.remove(onward[0])
        found.append(onward[0] if onward[0].start == at else onward[0].turned())
        at = found[-1].end
    return found


def _pairs(rule: Restriction, ends: pd.DataFrame) -> list[tuple[str, str]]:
    """Return pairs of the streets of a restriction's ways at its junction."""
    come, go = (
        list(dict.fromkeys(ends.loc[ends["way"].isin([str(way) for way in ways]), "street"]))
        for ways in (rule.come, rule.go)
    )
    if rule.kind == "no_u_turn" and set(rule.come) == set(rule.go):
        return [(street, street) for street in come]
    pairs = [(a, b) for a in come for b in go]
    pairs = [(a, b) for a, b in pairs if a != b] or pairs
    if len(pairs) < 2 or min(len(rule.come), len(rule.go)) > 1:
        return pairs
    # a way that runs on over the junction has a street on either side: of its turns, those that the kind speaks of
    out = ends.drop_duplicates("street").set_index("street")["heading"]
    meant = [(a, b) for a, b in pairs if _is_meant(rule.kind, (out[b] - out[a]) % 360 - 180)]
    return meant or pairs


def _is_meant(kind: str, degrees: float) -> bool:
    """Say whether a change of direction (−180 to 180, left is positive) is what a kind of restriction speaks of."""
    if "left" in kind:
        return 20 < degrees < 160
    if "right" in kind:
        return -160 < degrees < -20
    return abs(degrees) < 60 if "straight" in kind else True


def _headings(lines: npt.NDArray[np.object_], *, at_end: bool) -> npt.NDArray[np.float64]:
    """Return the direction in which each street leaves the junction at its start or end, degrees from east."""
    near = shapely.get_coordinates(shapely.get_point(lines, -1 if at_end else 0))
    stretch_m = np.minimum(HEADING_M, shapely.length(lines))
    at_m = shapely.length(lines) - stretch_m if at_end else stretch_m
    dx, dy = (shapely.get_coordinates(shapely.line_interpolate_point(lines, at_m)) - near).T
    return np.asarray(np.degrees(np.arctan2(dy, dx)))


def _layer(layer: str, rows: Sequence[tuple[object, ...]], streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lay rows (id first) out by a layer's schema, with the junctions' points."""
    if not rows:
        return empty_layer(layer, streets.crs)
    name, columns = SCHEMAS[layer]
    frame = pd.DataFrame(rows, columns=[name, *columns]).set_index(name).astype(columns)
    frame.index = frame.index.astype("str")
    points = junction_points(streets).loc[frame["junction"]].to_numpy()
    return gpd.GeoDataFrame(frame, geometry=points, crs=streets.crs)


def junction_points(streets: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the point of each junction, by its number."""
    lines = streets.geometry.to_numpy()
    ends: npt.NDArray[np.object_] = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    points = gpd.GeoSeries(ends, index=np.concatenate([streets["u"], streets["v"]]), crs=streets.crs)
    return points[~points.index.duplicated()].sort_index()

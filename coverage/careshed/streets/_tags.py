"""The one reader of OpenStreetMap's tags: who may pass a way, which way, how fast.

Sources of the tables: OpenStreetMap wiki, pages "OSM tags for routing/Access
restrictions" (defaults for all countries), "Key:access" (the more specific
key wins), "Key:oneway", "Key:motorroad", "Key:maxspeed" and "Key:conveying".

Two modes are read:

- **walk**: a resident on foot. Private ways are closed, for whoever walks to a
  health centre has no right of way through another's compound.
- **drive**: an ambulance on a call, obeying one-way signs. Gates open to it, so
  ``private``, ``customers``, ``delivery``, ``destination`` and ``permit`` are
  passable; ``no`` is not, unless ``emergency``, ``psv`` or ``bus`` open the way
  (bus lanes are an ambulance's too: PRC Road Traffic Safety Law, article 53). A reversible
  one-way road is closed, as nobody can tell which way it runs at the hour.

A tag that the tables don't name leaves the default of its class standing. Conditional tags (``…:conditional``) are
not read; turn restrictions, and signals, stops and barriers on nodes are read beside the ways, in ``_junctions``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["BACKWARD", "BOTH", "FORWARD", "ROAD_TAGS", "Passage", "parse_maxspeed_kmh", "read_passage", "skip_reason"]

FORWARD, BACKWARD, BOTH = 1, 2, 3
"""Bits of a direction: along the way's nodes (u → v), against them, both."""

_DRIVE_AND_WALK = frozenset(
    {
        "trunk",
        "trunk_link",
        "primary",
        "primary_link",
        "secondary",
        "secondary_link",
        "tertiary",
        "tertiary_link",
        "unclassified",
        "residential",
        "living_street",
        "service",
        "road",
        "track",
    }
)
_DRIVE_ONLY = frozenset({"motorway", "motorway_link", "busway"})
_WALK_ONLY = frozenset(
    {"pedestrian", "footway", "path", "steps", "cycleway", "bridleway", "corridor", "elevator", "platform", "trail"}
)
_NEVER_DRIVEN = frozenset({"steps", "corridor", "elevator", "platform"})
_NOT_THERE = frozenset(
    {
        "construction",
        "proposed",
        "planned",
        "abandoned",
        "disused",
        "razed",
        "demolished",
        "removed",
        "dismantled",
        "no",
        "raceway",
        "bus_guideway",
        "rest_area",
        "services",
        "bus_stop",
        "emergency_bay",
        "escape",
        "via_ferrata",
        "traffic_island",
    }
)
_ONEWAY_ON_FOOT = frozenset({"footway", "steps", "corridor", "elevator"})

_CLOSED_TO_CARS = frozenset({"no", "agricultural", "forestry", "use_sidepath", "dismount"})
_OPEN_TO_CARS = frozenset(
    {"yes", "designated", "permissive", "private", "destination", "delivery", "customers", "permit", "official"}
)
_CLOSED_ON_FOOT = frozenset({"no", "private", "military", "agricultural", "forestry", "use_sidepath"})
_OPEN_ON_FOOT = frozenset({"yes", "designated", "permissive", "destination", "customers", "official"})

_ONEWAY = MappingProxyType(
    {
        **dict.fromkeys(("yes", "true", "1"), FORWARD),
        **dict.fromkeys(("-1", "reverse"), BACKWARD),
        **dict.fromkeys(("no", "false", "0", "alternating"), BOTH),
        "reversible": 0,
    }
)
_CONVEYING = MappingProxyType({"forward": FORWARD, "backward": BACKWARD})

ROAD_TAGS = (
    "highway",
    "area",
    "name",
    "junction",
    "motorroad",
    "oneway",
    "oneway:motor_vehicle",
    "oneway:foot",
    "conveying",
    "access",
    "vehicle",
    "motor_vehicle",
    "motorcar",
    "emergency",
    "psv",
    "bus",
    "foot",
    "maxspeed",
    "maxspeed:forward",
    "maxspeed:backward",
    "maxspeed:type",
    "source:maxspeed",
    "zone:maxspeed",
)
"""All tags of a way that are read; a reader need keep no others."""

MPH_KMH = 1.609344
KNOT_KMH = 1.852
WALKING_PACE_KMH = 7.0
"""``maxspeed=walk``: "Schrittgeschwindigkeit", 7 km/h by most courts (OSM wiki, Key:maxspeed)."""

_PLAUSIBLE_KMH = (3.0, 160.0)

ZONE_KMH = MappingProxyType(
    {
        # Implementing Regulations of the Road Traffic Safety Law of the PRC (State Council Decree 405, 2004),
        # article 45: one lane a direction, 50 km/h in towns and 70 outside (30 and 40 without a centre line);
        # article 78: 120 km/h at most on motorways. Roads of several lanes carry signs.
        "CN:urban": 50.0,
        "CN:rural": 70.0,
        "CN:motorway": 120.0,
        "CN:expressway": 120.0,
        # Others: OSM wiki, "Default speed limits"
        "AT:urban": 50.0,
        "AT:rural": 100.0,
        "AT:trunk": 100.0,
        "AT:motorway": 130.0,
        "CH:urban": 50.0,
        "CH:rural": 80.0,
        "CH:trunk": 100.0,
        "CH:motorway": 120.0,
        "DE:urban": 50.0,
        "DE:rural": 100.0,
        "DE:living_street": WALKING_PACE_KMH,
        "DE:bicycle_road": 30.0,
        "ES:urban": 50.0,
        "ES:rural": 90.0,
        "ES:motorway": 120.0,
        "FI:urban": 50.0,
        "FI:rural": 80.0,
        "FI:motorway": 120.0,
        "FR:urban": 50.0,
        "FR:rural": 80.0,
        "FR:motorway": 130.0,
        "GB:nsl_restricted": 30 * MPH_KMH,
        "GB:nsl_single": 60 * MPH_KMH,
        "GB:nsl_dual": 70 * MPH_KMH,
        "GB:motorway": 70 * MPH_KMH,
        "HK:urban": 50.0,
        "IT:urban": 50.0,
        "IT:rural": 90.0,
        "IT:motorway": 130.0,
        "JP:nsl": 60.0,
        "JP:express": 100.0,
        "NO:urban": 50.0,
        "NO:rural": 80.0,
        "PL:urban": 50.0,
        "PL:rural": 90.0,
        "RO:urban": 50.0,
        "RO:rural": 90.0,
        "RU:urban": 60.0,
        "RU:rural": 90.0,
        "RU:motorway": 110.0,
        "RU:living_street": 20.0,
        "SE:urban": 50.0,
        "SE:rural": 70.0,
        "TW:urban": 50.0,
        "UA:urban": 50.0,
        "UA:rural": 90.0,
    }
)
"""Speed limit (km/h) that a code ``COUNTRY:zone`` stands for where no figure is tagged."""

_FIGURE = re.compile(r"(\d{1,4}(?:\.\d{1,6})?)\s*(km/h|kmh|kph|kmph|mph|knots?)?")
_ZONE_FIGURE = re.compile(r"[A-Z]{2}:(?:zone:?)?(\d{1,3})")
_UNIT_KMH = MappingProxyType({"mph": MPH_KMH, "knot": KNOT_KMH, "knots": KNOT_KMH})


class Passage(NamedTuple):
    """What the tags of one way say.

    Attributes
    ----------
    walk, drive
        Bits of the directions open to the mode: 1 along the way, 2 against it.
    maxspeed_kmh
        Speed limit (km/h), NaN where none is known.
    """

    walk: int
    drive: int
    maxspeed_kmh: float


def parse_maxspeed_kmh(text: str) -> float:
    """Read a value of ``maxspeed`` as km/h.

    Figures in km/h, mph and knots, ``walk``, country codes such as ``CN:urban``
    or ``DE:zone30``, and lists (``50;30``: the lowest counts) are read. NaN
    stands for everything that names no figure: ``none``, ``signals``,
    ``variable``, nonsense, and figures outside 3 to 160 km/h.

    Examples
    --------
    >>> parse_maxspeed_kmh("50"), round(parse_maxspeed_kmh("30 mph"), 1), parse_maxspeed_kmh("CN:urban")
    (50.0, 48.3, 50.0)
    """
    if len(text) > 255:  # OSM's own limit for a value
        return float("nan")
    figures = [figure for part in re.split(r"[;|,]", text) if (figure := _one_maxspeed(part.strip())) == figure]
    return min(figures, default=float("nan"))


def _one_maxspeed(text: str) -> float:
    """Read one figure or code (km/h); NaN if it is neither."""
    if text in {"walk", "walking_pace"}:
        return WALKING_PACE_KMH
    if text in ZONE_KMH:
        return ZONE_KMH[text]
    if match := _ZONE_FIGURE.fullmatch(text):
        figure = float(match[1])
    elif match := _FIGURE.fullmatch(text.lower()):
        figure = float(match[1]) * _UNIT_KMH.get(match[2], 1.0)
    else:
        return float("nan")
    least, most = _PLAUSIBLE_KMH
    return figure if least <= figure <= most else float("nan")


def skip_reason(tags: Mapping[str, str]) -> str | None:
    """Say why a way is no street at all, or None if it may be one.

    A way may still turn out closed to both modes: see :func:`read_passage`.
    """
    highway = tags.get("highway", "")
    if not highway:
        return "no highway tag"
    if tags.get("area") == "yes":
        return "area=yes"
    if highway in _NOT_THERE:
        return f"highway={highway}"
    if highway not in _DRIVE_AND_WALK | _DRIVE_ONLY | _WALK_ONLY:
        return "unknown highway class"
    return None


def read_passage(tags: Mapping[str, str]) -> Passage:
    """Read who may pass a way, in which directions, and its speed limit.

    Parameters
    ----------
    tags
        Tags of the way; `ROAD_TAGS` lists those that are read.

    Returns
    -------
    passage
        Bits of both modes (0: closed) and the speed limit (km/h).

    Examples
    --------
    >>> read_passage({"highway": "residential", "oneway": "-1", "maxspeed": "30"})
    Passage(walk=3, drive=2, maxspeed_kmh=30.0)
    """
    if skip_reason(tags) is not None:
        return Passage(0, 0, float("nan"))
    walk = _walk_directions(tags) if _walkable(tags) else 0
    drive = _drive_directions(tags) if _drivable(tags) else 0
    return Passage(walk, drive, _maxspeed_kmh(tags))


def _walkable(tags: Mapping[str, str]) -> bool:
    value = tags.get("foot", tags.get("access", ""))
    if value in _CLOSED_ON_FOOT:
        return False
    by_default = tags["highway"] not in _DRIVE_ONLY and tags.get("motorroad") != "yes"
    return by_default or tags.get("foot", "") in _OPEN_ON_FOOT


def _drivable(tags: Mapping[str, str]) -> bool:
    highway = tags["highway"]
    if highway in _NEVER_DRIVEN:
        return False
    emergency = tags.get("emergency", "")
    if emergency in {"yes", "designated", "official"}:
        return True
    if emergency == "no":
        return False
    own = tags.get("motorcar", tags.get("motor_vehicle", ""))
    if highway in _WALK_ONLY:
        # access=yes on a path speaks of people, not of cars: only the cars' own tag opens it
        return own in _OPEN_TO_CARS
    if tags.get("psv", tags.get("bus", "")) in {"yes", "designated"}:
        return True
    return (own or tags.get("vehicle", tags.get("access", ""))) not in _CLOSED_TO_CARS


def _drive_directions(tags: Mapping[str, str]) -> int:
    for key in ("oneway:motor_vehicle", "oneway"):
        if (value := tags.get(key, "")) in _ONEWAY:
            return _ONEWAY[value]
    implied = tags.get("junction") in {"roundabout", "circular"} or tags["highway"] == "motorway"
    return FORWARD if implied else BOTH


def _walk_directions(tags: Mapping[str, str]) -> int:
    if (value := tags.get("oneway:foot", "")) in _ONEWAY:
        return _ONEWAY[value] or BOTH
    if (value := tags.get("conveying", "")) in _CONVEYING:
        return _CONVEYING[value]
    if tags["highway"] in _ONEWAY_ON_FOOT:
        return _ONEWAY.get(tags.get("oneway", ""), BOTH) or BOTH
    return BOTH


def _maxspeed_kmh(tags: Mapping[str, str]) -> float:
    """Take the first tag that gives a figure; of two directions the slower."""
    for key in ("maxspeed", "maxspeed:forward", "zone:maxspeed", "maxspeed:type", "source:maxspeed"):
        if key == "maxspeed:forward":
            value = ";".join(tags[k] for k in ("maxspeed:forward", "maxspeed:backward") if k in tags)
        else:
            value = tags.get(key, "")
        if value and (figure := parse_maxspeed_kmh(value)) == figure:
            return figure
    return float("nan")

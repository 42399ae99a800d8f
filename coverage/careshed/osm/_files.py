"""Reader of OpenStreetMap's own formats: .osm.pbf, .osm, .osm.gz (through osmium)."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium
import shapely
from osmium.filter import KeyFilter
from shapely.geometry.base import BaseGeometry

from careshed.errors import FileFaultError
from careshed.osm._extract import OsmExtract
from careshed.osm._features import FEATURE_KEYS, Feature, feature_class
from careshed.osm._guard import guarded_file
from careshed.streets import NODE_TAGS, ROAD_TAGS, Restriction, RoadRules, Way, junction_kind

__all__ = ["read_osm"]

_OSM_FORMATS = {".osm.pbf": "pbf", ".pbf": "pbf", ".osm": "osm", ".osm.gz": "osm.gz"}
_DISORDER = re.compile(r"out of order|twice in input")
_MOST_SORTED_BYTES = 1 << 30
_RESTRICTION_KEYS = ("restriction", "restriction:conditional")
_SOMETIMES = {"day_on", "day_off", "hour_on", "hour_off"}


def read_osm(path: Path | str, *, admin_level: int = 8, within: BaseGeometry | None = None) -> OsmExtract:
    """Read an OpenStreetMap file: roads, health facilities, boundaries, homes, water.

    Parameters
    ----------
    path
        A ``.osm.pbf``, ``.osm`` or ``.osm.gz`` file.
    admin_level
        Level of the boundaries that are kept; in China 8 is a subdistrict or township.
    within
        Polygon in WGS-84; only ways with a node in it, and features that meet
        it, are kept. For files much larger than the district.

    Returns
    -------
    extract
        All in WGS-84; `OsmExtract.streets` makes the streets layer.

    Raises
    ------
    FileFaultError
        If the file is absent, empty, truncated, of another format, or holds no roads.

    Examples
    --------
    >>> extract = read_osm("roads.osm.pbf")  # doctest: +SKIP
    >>> streets, notes = extract.streets()  # doctest: +SKIP
    """
    path, suffix = guarded_file(path)
    if suffix not in _OSM_FORMATS:
        raise FileFaultError(f"{path}: is no OpenStreetMap file; expected {', '.join(_OSM_FORMATS)}")
    file = osmium.io.File(str(path), _OSM_FORMATS[suffix])
    try:
        harvest = _gathered(file, path, within)
        date = osmium.FileProcessor(file).header.get("osmosis_replication_timestamp", "")
    except (RuntimeError, ValueError, OverflowError, UnicodeDecodeError) as error:
        if isinstance(error, FileFaultError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise FileFaultError(f"{path}: is broken or cut short ({reason}); download or export it again") from None
    if not harvest.ways:
        raise FileFaultError(
            f"{path}: holds no roads"
            + (" within the district" if within is not None else "")
            + "; expected ways with a highway tag: check the extract"
        )
    return OsmExtract.from_parts(
        source=path.name,
        date=date,
        nodes=harvest.located(),
        ways=list(harvest.ways.values()),
        features=harvest.features,
        admin_level=admin_level,
        notes=harvest.notes(admin_level),
        rules=harvest.rules(),
    )


def _gathered(file: Any, path: Path, within: BaseGeometry | None) -> _Harvest:
    """Gather all that is wanted; a file that isn't in order is put in order first."""
    harvest = _Harvest(within)
    try:
        harvest.fill(file)
        # a clipped file misses some nodes; one with its ways first misses all
        if 2 * harvest.unplaced <= harvest.seen or _in_order(file):
            return harvest
    except RuntimeError as error:
        if not _DISORDER.search(str(error)):
            raise
    if path.stat().st_size > _MOST_SORTED_BYTES:
        raise FileFaultError(
            f"{path}: is not in order (nodes, ways, relations, each by id) and too large to sort here; use osmium sort"
        )
    with tempfile.TemporaryDirectory() as folder:
        ordered = Path(folder) / "ordered.osm.pbf"
        merge = osmium.MergeInputReader()
        merge.add_file(str(path))
        with osmium.SimpleWriter(ordered) as writer:
            merge.apply(writer, simplify=True)
        harvest = _Harvest(within, sorted=1)
        harvest.fill(osmium.io.File(str(ordered), "pbf"))
    return harvest


def _in_order(file: Any) -> bool:
    """Say whether no node comes after a way (as Overpass writes its XML)."""
    ways = False
    for thing in osmium.FileProcessor(file, osmium.osm.NODE | osmium.osm.WAY):
        is_way = isinstance(thing, osmium.osm.Way)
        if ways and not is_way:
            return False
        ways = is_way
    return True


@dataclass(slots=True)
class _Harvest:
    """Gathers ways, their nodes and features while a file streams by."""

    within: BaseGeometry | None
    nodes: dict[int, tuple[float, float]] = field(default_factory=dict)
    ways: dict[int, Way] = field(default_factory=dict)
    features: list[Feature] = field(default_factory=list)
    relations: dict[int, str] = field(default_factory=dict)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    restrictions: list[Restriction] = field(default_factory=list)
    lost_turns: list[tuple[str, int, set[int]]] = field(default_factory=list)
    broken: int = 0
    seen: int = 0
    unplaced: int = 0
    sorted: int = 0
    _wkb: Any = field(default_factory=osmium.geom.WKBFactory)

    def __post_init__(self) -> None:
        """Prepare the polygon for many questions."""
        if self.within is not None:
            shapely.prepare(self.within)

    def fill(self, file: Any) -> None:
        """Stream a file by; areas are put together on the way."""
        keys = KeyFilter("highway", "barrier", "ele", *_RESTRICTION_KEYS, *FEATURE_KEYS)
        for thing in osmium.FileProcessor(file).with_areas(KeyFilter(*FEATURE_KEYS)).with_filter(keys):
            self.take(thing)

    def take(self, thing: Any) -> None:
        """Take a node, way, relation or area, copying what is needed of it."""
        if thing.deleted:
            return
        if thing.is_way():
            if "highway" in thing.tags:
                self._take_way(thing)
        elif thing.is_area():
            self._take_area(thing)
        elif thing.is_node():
            tags = dict(thing.tags)
            if junction_kind(tags) or "ele" in tags:
                self.node_tags[thing.id] = {key: tags[key] for key in NODE_TAGS if key in tags}
            if feature_class(tags) == "facilities" and thing.location.valid():
                self._keep(Feature(f"node/{thing.id}", tags, shapely.Point(thing.lon, thing.lat)))
        elif thing.tags.get("boundary") == "administrative":
            self.relations[thing.id] = thing.tags.get("admin_level", "")
        elif thing.tags.get("type") == "restriction":
            self._take_restriction(thing.id, dict(thing.tags), [(m.type, m.ref, m.role) for m in thing.members])

    def _take_restriction(self, number: int, tags: dict[str, str], members: list[tuple[str, int, str]]) -> None:
        kind = tags.get("restriction", "")
        via = [(what, ref) for what, ref, role in members if role == "via"]
        come, go = (
            tuple(ref for what, ref, role in members if role == side and what == "w") for side in ("from", "to")
        )
        fault = ""
        if not kind or _SOMETIMES & tags.keys():
            fault = "they hold at some hours only (restriction:conditional)"
        elif not (come and go and ([what for what, _ in via] == ["n"] or {what for what, _ in via} == {"w"})):
            fault = "they lack one of from, via, to"
        elif not kind.startswith(("no_", "only_")):
            fault = "of an unknown kind"
        if fault:
            self.lost_turns.append((fault, number, {ref for what, ref, _ in members if what == "w"}))
        else:
            over = tuple(ref for what, ref in via if what == "w")
            at = 0 if over else via[0][1]
            self.restrictions.append(Restriction(number, kind, come, at, go, tags.get("except", ""), over))

    def _take_way(self, way: Any) -> None:
        refs, places = [], {}
        for node in way.nodes:
            refs.append(node.ref)
            if node.location.valid():
                places[node.ref] = (node.lon, node.lat)
        self.seen += 1
        self.unplaced += not places
        if self.within is not None and not (places and shapely.intersects_xy(self.within, list(places.values())).any()):
            return
        self.nodes.update(places)
        self.ways[way.id] = Way(way.id, refs, {key: way.tags[key] for key in ROAD_TAGS if key in way.tags})

    def _take_area(self, area: Any) -> None:
        tags = dict(area.tags)
        if feature_class(tags) is None:
            return
        if not area.from_way():
            self.relations.pop(area.orig_id(), None)
        try:
            geometry = shapely.from_wkb(self._wkb.create_multipolygon(area))
        except RuntimeError:
            self.broken += 1
            return
        if geometry.geom_type == "MultiPolygon" and len(geometry.geoms) == 1:
            geometry = geometry.geoms[0]
        kind = "way" if area.from_way() else "relation"
        self._keep(Feature(f"{kind}/{area.orig_id()}", tags, geometry))

    def _keep(self, feature: Feature) -> None:
        if self.within is None or shapely.intersects(self.within, feature.geometry):
            self.features.append(feature)

    def located(self) -> tuple[list[int], list[float], list[float]]:
        """Return ids, longitudes and latitudes of the ways' nodes."""
        places = self.nodes.values()
        return list(self.nodes), [lon for lon, _ in places], [lat for _, lat in places]

    def rules(self) -> RoadRules:
        """Return what nodes and relations say of the ways that are kept."""
        nodes = {node: tags for node, tags in self.node_tags.items() if node in self.nodes}
        some = [
            rule
            for rule in self.restrictions
            if self.within is None or rule.via in self.nodes or (rule.over and self.ways.keys() >= set(rule.over))
        ]
        lost = defaultdict[str, list[int]](list)
        for reason, number, ways in self.lost_turns:
            if self.within is None or ways & self.ways.keys():
                lost[reason].append(number)
        return RoadRules(nodes, some, lost)

    def notes(self, admin_level: int) -> list[str]:
        """Say what could not be used."""
        clipped = sum(level == str(admin_level) for level in self.relations.values())
        told = (
            (clipped, f"boundaries of admin_level={admin_level} are incomplete in the file and left out"),
            (self.broken, "areas are broken (rings that do not close) and left out"),
            (self.sorted, "file was not in order, or held elements twice; it was sorted while reading"),
        )
        return [f"{count} {text}" for count, text in told if count]

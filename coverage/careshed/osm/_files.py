"""Reader of OpenStreetMap's own formats: .osm.pbf, .osm, .osm.gz (through osmium)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium
import shapely
from osmium.filter import KeyFilter

from careshed.errors import FileFaultError
from careshed.osm._extract import OsmExtract
from careshed.osm._features import FEATURE_KEYS, Feature, feature_class
from careshed.osm._guard import guarded_file
from careshed.streets import ROAD_TAGS, Way

__all__ = ["read_osm"]

_OSM_SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz")


def read_osm(path: Path | str, *, admin_level: int = 8, within: shapely.Geometry | None = None) -> OsmExtract:
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
    if suffix not in _OSM_SUFFIXES:
        raise FileFaultError(f"{path}: is no OpenStreetMap file; expected {', '.join(_OSM_SUFFIXES)}")
    harvest = _Harvest(within)
    try:
        for thing in _things(path):
            harvest.take(thing)
        date = osmium.FileProcessor(path).header.get("osmosis_replication_timestamp", "")
    except (RuntimeError, ValueError, OverflowError, UnicodeDecodeError) as error:
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
    )


def _things(path: Path) -> Iterator[Any]:
    """Stream what carries a key of interest; areas are put together on the way."""
    keys = KeyFilter("highway", *FEATURE_KEYS)
    return iter(osmium.FileProcessor(path).with_areas(KeyFilter(*FEATURE_KEYS)).with_filter(keys))


@dataclass(slots=True)
class _Harvest:
    """Gathers ways, their nodes and features while a file streams by."""

    within: shapely.Geometry | None
    nodes: dict[int, tuple[float, float]] = field(default_factory=dict)
    ways: dict[int, Way] = field(default_factory=dict)
    features: list[Feature] = field(default_factory=list)
    relations: dict[int, str] = field(default_factory=dict)
    broken: int = 0
    repeated: int = 0
    _wkb: Any = field(default_factory=osmium.geom.WKBFactory)

    def __post_init__(self) -> None:
        """Prepare the polygon for many questions."""
        if self.within is not None:
            shapely.prepare(self.within)

    def take(self, thing: Any) -> None:
        """Take a node, way, relation or area, copying what is needed of it."""
        if thing.is_way():
            if "highway" in thing.tags:
                self._take_way(thing)
        elif thing.is_area():
            self._take_area(thing)
        elif thing.is_node():
            tags = dict(thing.tags)
            if feature_class(tags) == "facilities" and thing.location.valid():
                self._keep(Feature(f"node/{thing.id}", tags, shapely.Point(thing.lon, thing.lat)))
        elif thing.tags.get("boundary") == "administrative":
            self.relations[thing.id] = thing.tags.get("admin_level", "")

    def _take_way(self, way: Any) -> None:
        refs, places = [], {}
        for node in way.nodes:
            refs.append(node.ref)
            if node.location.valid():
                places[node.ref] = (node.lon, node.lat)
        if self.within is not None and not shapely.intersects_xy(self.within, list(places.values()) or [(0, 0)]).any():
            return
        self.repeated += way.id in self.ways
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

    def notes(self, admin_level: int) -> list[str]:
        """Say what could not be used."""
        clipped = sum(level == str(admin_level) for level in self.relations.values())
        told = (
            (clipped, f"boundaries of admin_level={admin_level} are incomplete in the file and left out"),
            (self.broken, "areas are broken (rings that do not close) and left out"),
            (self.repeated, "ways come twice in the file; the last of each counts"),
        )
        return [f"{count} {text}" for count, text in told if count]

"""Roads that come as edges or lines: GraphML of OSMnx, GeoPackages of edges or of plain lines."""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

import geopandas as gpd
import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import pyproj
import shapely

from careshed.errors import CareshedError, CRSError, FileFaultError, InputError
from careshed.osm._guard import guarded_file
from careshed.streets import (
    ROAD_TAGS,
    Passage,
    StreetNotes,
    Way,
    read_passage,
    streets_from_lines,
    streets_from_ways,
    utm_crs,
)

__all__ = ["chain_ways", "graph_ways", "read_geopackage", "read_graphml"]

_ALIASES = {"fclass": "highway", "osm_id": "osmid", "from": "u", "to": "v"}
"""Geofabrik's and OSMnx's own names of columns; `from` and `to` keep the direction that an undirected export loses."""

_GEOFABRIK_ONEWAY = {"F": "yes", "T": "-1", "B": "no"}
_HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=>\s*"((?:[^"\\]|\\.)*)"')
_LONGEST_LIST = 2000

Edge = tuple[int, int]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Streets = tuple[gpd.GeoDataFrame, StreetNotes]


def read_graphml(path: Path | str, *, crs: pyproj.CRS | None = None) -> Streets:
    """Read a GraphML file of OSMnx as the streets layer.

    A graph made for walking alone (``network_type="walk"``) says nothing of
    one-way streets: driving times need a graph of type ``drive`` or ``all``.

    Parameters
    ----------
    path
        A ``.graphml`` file, simplified or not.
    crs
        Projected CRS; by default the UTM zone of the extent's centre.

    Raises
    ------
    FileFaultError
        If it can't be read as a graph of OSMnx.
    """
    path, _ = guarded_file(path)
    import osmnx  # noqa: PLC0415

    try:
        graph = _load_graph(path)
        if not graph.graph.get("simplified", False):
            ids, lon, lat, ways = graph_ways(graph)
            return streets_from_ways(ids, lon, lat, ways, crs=crs)
        edges = osmnx.convert.graph_to_gdfs(graph, nodes=False, fill_edge_geometry=True).reset_index()
    except (ParseError, nx.NetworkXException, shapely.errors.ShapelyError, RecursionError, MemoryError) as error:
        raise _no_graph(path, error) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CareshedError):
            raise
        raise _no_graph(path, error) from None
    return _streets(edges, path, crs)


def _no_graph(path: Path, error: BaseException) -> FileFaultError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return FileFaultError(
        f"{path}: is no whole GraphML file of OSMnx ({reason}); save the graph again with osmnx.save_graphml"
    )


def _load_graph(path: Path) -> nx.MultiDiGraph:
    import defusedxml.ElementTree as DefusedTree  # noqa: PLC0415
    import osmnx  # noqa: PLC0415

    # nothing of the tree is kept: this pass only refuses entities and broken XML before networkx reads the file
    for _, element in DefusedTree.iterparse(path, forbid_dtd=True):
        element.clear()
    graph = osmnx.load_graphml(path)
    if graph.number_of_edges() == 0:
        raise FileFaultError(f"{path}: the graph has no edges; expected streets")
    return graph


def graph_ways(graph: nx.MultiDiGraph) -> tuple[Ints, Floats, Floats, list[Way]]:
    """Return the nodes and ways that an unsimplified graph of OSMnx was made of.

    Parameters
    ----------
    graph
        A graph whose edges run from one node of a way to the next.

    Returns
    -------
    ids, lon, lat, ways
        Nodes with their WGS-84 coordinates in degrees, and ways by id.
    """
    ids = np.array(list(graph.nodes), np.int64)
    xy = np.array([(data["x"], data["y"]) for _, data in graph.nodes(data=True)], np.float64)
    to_degrees = pyproj.Transformer.from_crs(graph.graph["crs"], 4326, always_xy=True)
    lon, lat = to_degrees.transform(*xy.T)
    once = [(u, v, data) for u, v, data in graph.edges(data=True) if data.get("reversed") is not True]
    tags: dict[int, dict[str, str]] = {}
    for _, _, data in once:
        if data["osmid"] not in tags:
            tags[data["osmid"]] = _edge_tags(data, made_by_osmnx=True)
    return ids, lon, lat, chain_ways((u, v, data["osmid"], tags[data["osmid"]]) for u, v, data in once)


def read_geopackage(path: Path | str, *, layer: str | None = None, crs: pyproj.CRS | None = None) -> Streets:
    """Read a GeoPackage of roads as the streets layer.

    Edges with ``u`` and ``v`` (as OSMnx saves them) are taken as they are;
    other lines meet where they share a vertex. Columns named like
    OpenStreetMap's tags are read as tags, and so are Geofabrik's ``fclass``
    and ``oneway`` (F, T, B) and GDAL's ``other_tags``. Lines without a class
    count as ``highway=road``.

    Parameters
    ----------
    path
        A ``.gpkg`` file.
    layer
        Its layer; by default ``edges``, or else the only one with lines.
    crs
        Projected CRS; by default the UTM zone of the extent's centre.

    Raises
    ------
    FileFaultError
        If it can't be read, or has no layer of lines.
    CRSError
        If its layer has no CRS.
    """
    path, _ = guarded_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on files that it reads all the same
            layer = layer or _line_layer(path)
            frame = gpd.read_file(path, layer=layer, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise FileFaultError(f"{path}: can't be read as a GeoPackage ({error}); export it again") from None
    return _streets(frame, path, crs)


def _line_layer(path: Path) -> str:
    layers = {str(name): str(kind or "") for name, kind in pyogrio.list_layers(path)}
    lines = [name for name, kind in layers.items() if "LineString" in kind]
    if "edges" in layers:
        return "edges"
    if len(lines) != 1:
        raise FileFaultError(
            f"{path}: has {len(lines)} layers of lines ({', '.join(layers) or 'no layer'}); "
            "expected one, or one named edges: export only the roads"
        )
    return lines[0]


def _streets(frame: gpd.GeoDataFrame, path: Path, crs: pyproj.CRS | None) -> Streets:
    """Make streets of a frame of lines with tags as columns."""
    if frame.crs is None:
        raise CRSError(f"{path}: its roads have no CRS; expected one: assign it and save the file again")
    try:
        lines, dropped = _usable_lines(frame.rename(columns=_renamed(frame)))
    except InputError as error:
        raise FileFaultError(f"{path}: {error}") from None
    if lines.empty:
        raise FileFaultError(f"{path}: holds no lines; expected a layer of roads")
    if crs is None:
        west, south, east, north = lines.to_crs(4326).total_bounds
        crs = utm_crs((west + east) / 2, (south + north) / 2)
    lines = lines.to_crs(crs)
    ways = [Way(osmid, (), tags) for osmid, tags in zip(_osmids(lines), _tags(lines), strict=True)]
    try:
        streets, notes = _merged(lines, ways, crs) if {"u", "v"} <= set(lines.columns) else _plain(lines, ways, crs)
    except CRSError:
        raise
    except InputError as error:
        raise FileFaultError(f"{path}: {error}") from None
    skipped = {**notes.skipped, "no line": dropped} if dropped else notes.skipped
    return streets, StreetNotes(len(frame), skipped, 0, notes.lost_ways, notes.zero_length, notes.unknown_class)


def _renamed(frame: gpd.GeoDataFrame) -> dict[str, str]:
    """Map a file's columns to ours; where both are there, `from` and `to` win over `u` and `v`."""
    names = {old: new for old, new in _ALIASES.items() if old in frame.columns}
    hidden = {new: f"_{new}" for old, new in names.items() if new in frame.columns}
    return hidden | names


def _usable_lines(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int]:
    """Return single lines with finite coordinates, and how many rows have none."""
    kinds = frame.geom_type.isin(["LineString", "MultiLineString"]) & ~frame.is_empty
    finite = np.isfinite(shapely.bounds(frame.geometry.array)).all(axis=1)
    lines = frame[kinds & finite]
    if (lines.geom_type == "MultiLineString").any():
        merged = lines.set_geometry(shapely.line_merge(lines.geometry.array, directed=True))
        if "u" in merged.columns and (merged.geom_type == "MultiLineString").any():
            raise InputError("some edges are in several parts; expected one line from junction to junction")
        lines = merged.explode(index_parts=False)
    return lines.reset_index(drop=True), int((~(kinds & finite)).sum())


def _plain(lines: gpd.GeoDataFrame, ways: Sequence[Way], crs: pyproj.CRS) -> Streets:
    return streets_from_lines(lines.geometry.to_numpy(), ways, crs=crs)


def _merged(lines: gpd.GeoDataFrame, ways: Sequence[Way], crs: pyproj.CRS) -> Streets:
    """Make one street of the two directed edges that OSMnx keeps for each two-way street."""
    ends = lines[["u", "v"]].apply(pd.to_numeric, errors="coerce")
    if ends.isna().any(axis=None):
        raise InputError("some edges have no number in u or v; expected the junctions' ids")
    geometry = lines.geometry.to_numpy()
    low, high = ends.min(axis=1), ends.max(axis=1)
    shape = pd.Series(shapely.to_wkb(shapely.normalize(geometry)))
    group, _ = pd.factorize(pd.MultiIndex.from_arrays([low, high, shape, _way_sets(lines)]))
    first = np.unique(group, return_index=True)[1]
    along = shapely.equals_exact(geometry, geometry[first][group])
    against = np.array([flag is True for flag in _flags(lines)])
    walk, drive = np.zeros(first.size, np.int64), np.zeros(first.size, np.int64)
    speed = np.full(first.size, np.nan)
    for k, way in enumerate(ways):
        passage = read_passage(way.tags)
        turn = bool(against[k]) == bool(along[k])  # an edge against its way, or a line against its group's first
        walk[group[k]] |= _turned(passage.walk) if turn else passage.walk
        drive[group[k]] |= _turned(passage.drive) if turn else passage.drive
        speed[group[k]] = np.fmin(speed[group[k]], passage.maxspeed_kmh)
    passages = [Passage(int(a), int(b), float(c)) for a, b, c in zip(walk, drive, speed, strict=True)]
    u, v = (ends[end].to_numpy(np.int64)[first] for end in ("u", "v"))
    return streets_from_lines(geometry[first], [ways[k] for k in first], crs=crs, ends=(u, v), passages=passages)


def _turned(bits: int) -> int:
    return (bits & 1) << 1 | bits >> 1


def _flags(lines: gpd.GeoDataFrame) -> list[bool]:
    """Say which edges run against their way (OSMnx's `reversed`; a list of both counts as not)."""
    if "reversed" not in lines.columns:
        return [False] * len(lines)
    return [str(value).strip("[]").lower() in {"true", "1"} for value in lines["reversed"]]


def _way_sets(lines: gpd.GeoDataFrame) -> pd.Series:
    """Name the ways that each edge is made of, in no order; ways that lie upon each other stay apart."""
    if "osmid" not in lines.columns:
        return pd.Series("", index=lines.index)
    return lines["osmid"].map(lambda value: " ".join(sorted(re.findall(r"\d+", str(value)[:_LONGEST_LIST]))))


def _osmids(lines: gpd.GeoDataFrame) -> list[int]:
    """Return the way id of each line: its first osmid, or the number of its row."""
    if "osmid" not in lines.columns:
        return list(range(1, len(lines) + 1))
    digits = lines["osmid"].astype("str").str.extract(r"(\d{1,18})", expand=False)
    return [int(text) if isinstance(text, str) else row for row, text in enumerate(digits, start=1)]


def _tags(lines: gpd.GeoDataFrame) -> list[dict[str, str]]:
    """Read columns named like tags; a line without a class is a road of unknown class."""
    keys = [key for key in (*ROAD_TAGS, "other_tags") if key in lines.columns]
    made_by_osmnx = "reversed" in lines.columns
    rows = lines[keys].to_dict("records") if keys else [{}] * len(lines)
    return [{"highway": "road"} | _edge_tags(row, made_by_osmnx=made_by_osmnx) for row in rows]


def _edge_tags(row: Mapping[Hashable, object], *, made_by_osmnx: bool) -> dict[str, str]:
    tags: dict[str, str] = dict(_HSTORE.findall(str(row.get("other_tags", ""))))
    for key in ROAD_TAGS:
        if key in row:
            text = _oneway(row[key], made_by_osmnx=made_by_osmnx) if key == "oneway" else _text(key, row[key])
            if text:
                tags[key] = text
    return tags


def _text(key: str, value: object) -> str:
    """Return a cell as a tag's value; of several speeds all, of several names the first."""
    values = _values(value)
    return ";".join(values) if key.startswith("maxspeed") else next(iter(values), "")


def _values(value: object) -> list[str]:
    if isinstance(value, str) and value[:1] == "[" and value[-1:] == "]" and len(value) <= _LONGEST_LIST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            value = str(value)
    if isinstance(value, list):
        return [text for item in value for text in _values(item)] if len(value) <= _LONGEST_LIST else []
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return []
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return [text] if (text := str(value).strip()) else []


def _oneway(value: object, *, made_by_osmnx: bool) -> str:
    """Read a cell of `oneway` in any of its writings; '' where it says nothing.

    OSMnx turns the nodes of ways with ``oneway=-1`` around, so that in its
    graphs every one-way edge runs the way it may be driven. Its False isn't
    a tag: motorways and roundabouts keep what their class implies.
    """
    values = _values(value)
    if any(text in {"True", "true", "1", "yes"} for text in values):
        return "yes"
    text = next(iter(values), "")
    if made_by_osmnx and text in {"-1", "reverse", "T", "F"}:
        return "yes"
    if made_by_osmnx and text in {"False", "false", "0"}:
        return ""
    return _GEOFABRIK_ONEWAY.get(text, text)


def chain_ways(edges: Iterable[tuple[int, int, int, Mapping[str, str]]]) -> list[Way]:
    """Put single edges of ways (each from one node to the next) together again.

    Parameters
    ----------
    edges
        Tail node, head node, way id, tags of the way.

    Returns
    -------
    ways
        Chains of nodes. A way that crosses itself, or of which a part is
        missing, comes as several, which share its id.
    """
    by_way: dict[int, list[Edge]] = defaultdict(list)
    tags: dict[int, Mapping[str, str]] = {}
    for tail, head, way, its in edges:
        by_way[way].append((tail, head))
        tags[way] = its
    return [Way(way, chain, tags[way]) for way in sorted(by_way) for chain in _chains(by_way[way])]


def _chains(edges: Sequence[Edge]) -> list[list[int]]:
    after: dict[int, list[int]] = defaultdict(list)
    into: dict[int, int] = defaultdict(int)
    for tail, head in edges:
        after[tail].append(head)
        into[head] += 1
    plain = {node for node in after if len(after[node]) == 1 and into[node] == 1}
    chains = []
    starts = [node for node in after if node not in plain]
    for start in starts + sorted(plain):  # what is left after the first are rings
        while after[start]:
            chain = [start, after[start].pop()]
            while chain[-1] in plain and after[chain[-1]]:
                chain.append(after[chain[-1]].pop())
            chains.append(chain)
    return chains

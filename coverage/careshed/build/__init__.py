"""Build: from files, or from OpenStreetMap by a place's name, to a study area.

What is missing is left out with a reason, never invented. Nothing is written
here: `StudyArea.write` does that, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, Unpack

import geopandas as gpd
import pandas as pd
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from careshed._checks import readable_file
from careshed.area import StudyArea, empty_layer
from careshed.build.draft import Draft, fit
from careshed.build.heights import add_heights
from careshed.build.people import add_calls, add_communities, add_demand, read_population
from careshed.build.sites import add_candidates, add_facilities
from careshed.build.units import add_subdistricts
from careshed.datums import split_datum
from careshed.osm import MapServices, OsmExtract, download_place, read_osm, read_roads
from careshed.streets import Roads
from careshed.tables import read_table
from careshed.targets import Targets, read_targets

__all__ = ["BUFFER_M", "Files", "build_area", "build_place"]

File = Path | str | None
_OSM_FILES = (".pbf", ".osm", ".osm.gz")

BUFFER_M = 6000.0
"""Roads are taken so far beyond the boundary, metres: eight minutes' drive at 45 km/h, 12 less calls and turnout."""


class Files(TypedDict, total=False):
    """The files that a planner may have; each may be left out, or None. Those of places take a datum: ``FILE:gcj02``.

    Attributes
    ----------
    subdistricts
        Outlines; without them the area is one unit, the convex hull of the roads.
    communities
        Points or polygons; without them there is no community share.
    facilities
        Without them, those of the roads' file; none where that has none.
    candidates
        Without them they are generated, see :func:`careshed.candidates.generate_candidates`.
    population
        GeoTIFF, points, or a table of totals by subdistrict.
    calls
        Points of emergency calls.
    targets
        ``targets.toml``.
    elevation
        GeoTIFF of metres above the sea; walking is slower on slopes.
    """

    subdistricts: File
    communities: File
    facilities: File
    candidates: File
    population: File
    calls: File
    targets: File
    elevation: File


def build_area(
    roads: Path | str,
    *,
    name: str = "",
    strict: bool = False,
    n_candidates: int = 150,
    buffer_m: float = BUFFER_M,
    progress: Callable[[str], None] | None = None,
    **files: Unpack[Files],
) -> StudyArea:
    """Build a study area from files.

    Parameters
    ----------
    roads
        Any file that :func:`careshed.osm.read_roads` takes. From a file of
        OpenStreetMap facilities and buildings are taken too.
    name
        The area's name; the roads file's where empty.
    strict
        Whether a row that can't be used is an error.
    n_candidates
        Candidate sites to generate.
    buffer_m
        From a file of OpenStreetMap, roads are taken so far around the subdistricts, metres.
    progress
        Is told each step.
    **files
        See :class:`Files`.

    Raises
    ------
    InputError
        In one of its kinds, if a file can't be used.

    Examples
    --------
    >>> area = build_area("roads.osm.pbf", subdistricts="units.geojson", name="西城区")  # doctest: +SKIP
    """
    say = progress or _silent
    targets = _targets(files)
    say(f"reading roads from {roads}")
    file = readable_file(roads)
    osm = file.name.lower().endswith(_OSM_FILES)
    outlines = files.get("subdistricts")
    within = _surroundings(outlines, buffer_m) if osm and outlines is not None else None
    extract = read_osm(file, within=within) if osm else None
    draft = _begin(_roads(file) if extract is None else extract.roads(), extract, say, strict=strict)
    draft.hash_file(file, "roads")
    source = f"OpenStreetMap contributors (ODbL), {file.name}" if osm or file.suffix == ".graphml" else file.name
    draft.came_from("streets", "real", source, extract.date if extract else "")
    if within is not None:
        draft.assumptions["roads beyond the boundary"] = f"up to {buffer_m:g} m around it, where the file has them"
    return _build(draft, files, targets, name=name or file.name.partition(".")[0], n_candidates=n_candidates)


def build_place(
    place: str,
    *,
    admin_level: int = 8,
    buffer_m: float = BUFFER_M,
    services: MapServices | None = None,
    name: str = "",
    strict: bool = False,
    n_candidates: int = 150,
    progress: Callable[[str], None] | None = None,
    **files: Unpack[Files],
) -> StudyArea:
    """Build a study area from OpenStreetMap, by the name of a place.

    Parameters
    ----------
    place
        As on openstreetmap.org, such as ``北京市西城区``.
    admin_level
        OpenStreetMap's level of the units; in China 8 is a subdistrict or township.
    buffer_m
        How far beyond the outline roads and facilities are fetched, metres.
    services
        The servers asked, with cache and timeout; the public ones where None.
    name, strict, n_candidates, progress
        As for :func:`build_area`.
    **files
        Take the place of what is downloaded, see :class:`Files`.

    Raises
    ------
    DownloadError
        If a server fails or knows no such place.
    InputError
        In one of its kinds, if a file can't be used.
    """
    say = progress or _silent
    targets = _targets(files)
    extract = download_place(place, admin_level=admin_level, buffer_m=buffer_m, services=services, progress=say)
    draft = _begin(extract.roads(), extract, say, strict=strict)
    draft.came_from("streets", "real", f"OpenStreetMap contributors (ODbL), {place}", extract.date)
    draft.assumptions["roads beyond the boundary"] = f"{buffer_m:g} m around {place}"
    return _build(draft, files, targets, name=name or place, n_candidates=n_candidates)


def _targets(files: Files) -> Targets:
    """Read the targets first: a fault in them is told before anything takes time."""
    path = files.get("targets")
    return Targets() if path is None else read_targets(path)


def _surroundings(subdistricts: Path | str, buffer_m: float) -> BaseGeometry | None:
    """Return what lies around the subdistricts, in WGS-84: a province's file is cut to it.

    None where the outlines can't be used; the room that reads them says why.
    """
    path, _ = split_datum(subdistricts)
    outlines = read_table(path, layer="subdistricts").geometry
    if outlines is None:
        return None
    degrees = outlines.set_crs(4326) if outlines.crs is None else outlines.to_crs(4326)
    west, south, east, north = degrees.total_bounds
    if not (-180 <= west <= east <= 180 and -80 <= south <= north <= 84):
        return None
    hull = gpd.GeoSeries([shapely.convex_hull(shapely.GeometryCollection(degrees.dropna().to_list()))], crs=4326)
    return hull.to_crs(hull.estimate_utm_crs()).buffer(buffer_m).to_crs(4326).iloc[0]


def _silent(_: str) -> None:
    return None


def _roads(file: Path) -> Roads:
    """Read roads from a file that knows of no junctions."""
    streets, crs, notes = read_roads(file)
    return Roads(streets, empty_layer("junctions", crs), empty_layer("turns", crs), notes)


def _begin(roads: Roads, extract: OsmExtract | None, say: Callable[[str], None], *, strict: bool) -> Draft:
    """Start a draft with its streets, in their CRS."""
    draft = Draft(pyproj.CRS.from_user_input(roads.streets.crs), extract, say, strict)
    draft.layers |= {"streets": roads.streets, "junctions": roads.junctions, "turns": roads.turns}
    # of boundaries in a file nothing is made
    whole = extract is not None and extract.outline is not None
    told = [note for note in (extract.notes if extract is not None else ()) if whole or "admin_level" not in note]
    told = [*roads.notes.sentences(), *told]
    if told:
        draft.assumptions["roads"] = "; ".join(told)
    for reason, relations in roads.notes.lost_turns.items():
        ids = pd.Index([f"relation/{number}" for number in relations])
        draft.reject("OpenStreetMap's turn restrictions", ids, [reason] * len(ids))
    if roads.junctions.empty and roads.turns.empty:
        draft.missing["junctions"] = (
            "the roads come without signals, stops, barriers and turn restrictions (a file .osm.pbf has them): "
            "junctions are passed without delay"
        )
    return draft


def _build(draft: Draft, files: Files, targets: Targets, *, name: str, n_candidates: int) -> StudyArea:
    """Add layer after layer to the streets."""
    add_heights(draft, files.get("elevation"))
    units = add_subdistricts(draft, files.get("subdistricts"), name=name)
    units, grains = read_population(draft, files.get("population"), units)
    communities = add_communities(draft, files.get("communities"))
    add_demand(draft, units, communities, grains)
    add_calls(draft, files.get("calls"))
    add_facilities(draft, files.get("facilities"), targets)
    add_candidates(draft, files.get("candidates"), targets, n=n_candidates)
    draft.layers["backdrop"] = _backdrop(draft)
    if (path := files.get("targets")) is not None:
        draft.hash_file(path, "targets")
    else:
        draft.missing["targets"] = "no targets are given (--targets): nothing to judge by"
    return StudyArea(
        name=name,
        crs=draft.crs,
        **draft.layers,
        targets=targets,
        provenance=draft.provenance,
        inputs=draft.inputs,
        missing=draft.missing,
        assumptions=draft.assumptions,
        rejected=draft.all_rejected(),
    )


def _backdrop(draft: Draft) -> gpd.GeoDataFrame:
    """Lakes and rivers, only to be drawn."""
    if draft.extract is None or not len(draft.extract.water):
        return empty_layer("backdrop", draft.crs)
    water = draft.extract.water.to_crs(draft.crs)
    shapes = shapely.set_precision(shapely.make_valid(water.geometry.to_numpy()), 0.01)
    keep = ~shapely.is_empty(shapes)
    draft.came_from("backdrop", "real", f"{draft.extract.source} (ODbL)", draft.extract.date)
    frame = fit(water.set_geometry(gpd.GeoSeries(shapes, index=water.index, crs=draft.crs))[keep], "backdrop")
    return frame[~pd.Index(frame.index).duplicated()]

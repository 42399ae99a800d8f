"""``metadata.json``: what a folder holds, where it comes from, and what each column means.

Names follow ISO 19115 and DCAT where these have one. There is no date of
writing in it: the same plan gives the same record, but for the hash of
``plan.json``, which holds the time that the run took.
"""

from __future__ import annotations

import csv
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pyproj

from careshed._checks import sha256
from careshed.area import StudyArea
from careshed.facts import write_json
from careshed.plan import Plan
from careshed.wording import openstreetmap
from careshed.words import Label, label, term

__all__ = ["RECORD", "record_facts", "write_record"]

RECORD = "metadata.json"

SOFTWARE = ("careshed", "geopandas", "highspy", "numpy", "pyogrio", "shapely")

MEDIA = {
    ".csv": "text/csv; charset=utf-8",
    ".geojson": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
}

UNITS = {
    "_s": "s",
    "_m": "m",
    "ms": "ms",
    "minutes": "min",
    "seconds": "s",
    "share": "1",
    "share_within_target": "1",
}
"""Ending of a column's name → its unit, as UCUM writes it; 1 is a share from 0 to 1."""


def write_record(plan: Plan, folder: Path) -> None:
    """Write the record of a plan's folder into it, when all else is there.

    Parameters
    ----------
    plan
        What was computed.
    folder
        Holds the files.
    """
    write_json(record_facts(plan, folder), folder / RECORD)


def record_facts(plan: Plan, folder: Path) -> dict[str, Any]:
    """Return the record as plain data.

    Parameters
    ----------
    plan
        What was computed.
    folder
        Holds the files.
    """
    area = plan.area
    facts: dict[str, Any] = {
        "title": _both(label("record.title", area=area.name)),
        "abstract": _both(label("record.abstract", area=area.name)),
        "language": ["zh", "en"],
        "spatial": {"bbox_wgs84": _bounds(area), "crs": area.crs.to_string(), "crs_name": area.crs.name},
        "temporal": {"dates_of_data": sorted({row.date for row in area.provenance.values() if row.date})},
        "synthetic": area.synthetic,
        "licence": _both(label("record.licence_osm") if openstreetmap(area) else label("record.licence_sources")),
        "attribution": "© OpenStreetMap contributors" if openstreetmap(area) else "",
        "lineage": {
            "layers": [
                {"layer": layer, "status": row.status, "source": row.source, "date": row.date}
                for layer, row in sorted(area.provenance.items())
            ],
            "inputs_sha256": dict(sorted({**area.inputs, **area.files}.items())),
            "assumptions": {name: _both(text) for name, text in plan.assumptions.items()},
        },
        "software": {name: version(name) for name in SOFTWARE},
        "distribution": [_file(path) for path in sorted(folder.iterdir()) if path.name != RECORD],
    }
    if area.synthetic:
        facts["note"] = _both(label("record.synthetic"))
    return facts


def _both(text: Label) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _bounds(area: StudyArea) -> list[float]:
    """Return west, south, east, north of the district, in degrees."""
    layer = next((f for f in (area.subdistricts, area.demand, area.streets) if not f.empty), area.streets)
    to_degrees = pyproj.Transformer.from_crs(area.crs, 4326, always_xy=True)
    return [round(degrees, 6) for degrees in to_degrees.transform_bounds(*layer.total_bounds)]


def _file(path: Path) -> dict[str, Any]:
    """Describe one file."""
    about = _about(path.name)
    facts: dict[str, Any] = {
        "file": path.name,
        "media_type": MEDIA.get(path.suffix, "application/octet-stream"),
        "byte_size": path.stat().st_size,
        "sha256": sha256(path),
    }
    if about is not None:
        facts["description"] = _both(about)
    layers = _columns(path)
    if path.suffix == ".gpkg":
        facts["layers"] = {name: [_column(column) for column in columns] for name, columns in layers.items()}
    elif layers:
        facts["columns"] = [_column(column) for columns in layers.values() for column in columns]
    return facts


def _about(name: str) -> Label | None:
    known = {
        "plan.json": label("record.file_plan"),
        "*.gpkg": label("record.file_package"),
        "map.html": label("record.file_map"),
        "report.*": label("record.file_report"),
        "scorecard.csv": label("record.file_scorecard"),
        "coverage.csv": label("record.file_coverage"),
        "response-*.csv": label("record.file_response"),
        "stations.*": label("record.file_stations"),
        "communities.*": label("record.file_communities"),
        "isochrones.*": label("record.file_isochrones"),
        "times-*.parquet": label("record.file_times"),
        "unjoined.csv": label("record.file_unjoined"),
    }
    return next((text for pattern, text in known.items() if fnmatch(name, pattern)), None)


def _columns(path: Path) -> dict[str, list[str]]:
    """Return layer → its columns, as they stand in the file."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {path.stem: next(csv.reader(file), [])}
    if path.suffix == ".parquet":
        return {path.stem: pq.read_schema(path).names}
    if path.suffix == ".geojson":
        return {path.stem: [*pyogrio.read_info(path)["fields"], "geometry"]}
    if path.suffix == ".gpkg":
        names = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
        return {name: [*pyogrio.read_info(path, layer=name)["fields"], "geom"] for name in names}
    return {}


def _column(name: str) -> dict[str, Any]:
    """Describe a column: what it means, and its unit where it has one."""
    about = term("columns", name)
    facts: dict[str, Any] = {"name": name}
    if about is not None:
        facts["description"] = _both(about)
    plain = name.removesuffix("_before").removesuffix("_after").removesuffix("_covered")
    unit = next((unit for ending, unit in UNITS.items() if plain.endswith(ending)), None)
    return facts | ({"unit": unit} if unit is not None else {})

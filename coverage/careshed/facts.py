"""Facts for files: what every JSON says first, how a proof is told, and how tables and layers are written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from careshed.area import StudyArea
from careshed.siting import Conflict, Level, SolverReport

__all__ = ["area_facts", "proof_facts", "reason_facts", "tidy", "write_geojson", "write_json", "write_table"]


def area_facts(area: StudyArea) -> dict[str, Any]:
    """Return what every JSON file says first: whose figures these are, and what they were made from."""
    return {
        "area": area.name,
        "synthetic": area.synthetic,
        "provenance": {
            layer: {"status": row.status, "source": row.source, "date": row.date}
            for layer, row in sorted(area.provenance.items())
        },
        "careshed_version": version("careshed"),
        "inputs": dict(sorted({**area.inputs, **area.files}.items())),
        "crs": area.crs.to_string(),
        "people": area.people,
    }


def reason_facts(reason: Iterable[Conflict]) -> list[dict[str, Any]]:
    """Return why there is no plan, in English and in Chinese."""
    return [
        {
            "rule": conflict.rule,
            "text": conflict.text.en,
            "text_zh": conflict.text.zh,
            "remedy": conflict.remedy.en,
            "remedy_zh": conflict.remedy.zh,
            "relaxations": [
                {
                    "rule": change.rule,
                    "before": change.before,
                    "after": change.after,
                    "text": change.text.en,
                    "text_zh": change.text.zh,
                }
                for change in conflict.relaxations
            ],
        }
        for conflict in reason
    ]


def proof_facts(status: str, levels: Iterable[Level], gap: float, report: SolverReport) -> dict[str, Any]:
    """Return status, levels with their bounds, and how they were found."""
    return {
        "status": status,
        "gap": gap,
        "levels": [
            {"name": v.name, "objective": v.objective, "bound": v.bound, "gap": v.gap, "status": v.status}
            for v in levels
        ],
        "solver": {
            "name": report.solver,
            "version": report.version,
            "settings": dict(report.settings),
            "iterations": report.iterations,
            "nodes": report.nodes,
            "rows": report.rows,
            "columns": report.columns,
        },
        "runtime_s": round(report.runtime_s, 3),
    }


def tidy(value: Any) -> Any:
    """Return plain JSON values: NaN and infinity become null, binary dust is rounded off."""
    if isinstance(value, dict):
        return {str(key): tidy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return round(value, 9)
    return value


def write_json(facts: dict[str, Any], path: Path) -> None:
    """Write tidy facts as JSON in UTF-8."""
    text = json.dumps(tidy(facts), ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV in UTF-8 with a byte order mark, as spreadsheets expect."""
    table.round(6).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def write_geojson(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write a layer as GeoJSON in WGS-84 with seven decimals."""
    frame.to_crs(4326).reset_index().to_file(path, driver="GeoJSON", engine="pyogrio", COORDINATE_PRECISION=7)

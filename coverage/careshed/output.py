"""The files of a plan: ``plan.json`` for programs, GeoJSON for maps, Parquet for replay."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from careshed.errors import FileFaultError
from careshed.indicators import Coverage, Response
from careshed.plan import Plan
from careshed.scorecard import scorecard, scorecard_table
from careshed.siting import Solution

__all__ = ["plan_facts", "read_plan_facts", "unjoined", "write_layers"]


def plan_facts(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data, ready for JSON.

    Parameters
    ----------
    plan
        What was computed.

    Returns
    -------
    dict
        The keys of ``plan.json``; a part that was left out has no key, and ``left_out`` says why.
    """
    area = plan.area
    facts: dict[str, Any] = {
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
        "assumptions": dict(plan.assumptions),
        "left_out": dict(plan.left_out),
        "rejected": len(area.rejected),
        "unjoined": {service: len(times.rejected) for service, times in plan.times.items()},
    }
    if plan.coverage is not None:
        facts["coverage"] = {"service": plan.coverage_service, **_coverage_facts(plan, plan.coverage)}
    responses = {"before": plan.before, "after": plan.after}
    if any(response is not None for response in responses.values()):
        facts["response"] = {
            "service": plan.siting_service,
            "weighted_by": plan.weight,
            **{name: _response_facts(response) for name, response in responses.items() if response is not None},
        }
    if plan.solution is not None:
        facts["siting"] = _siting_facts(plan, plan.solution)
    facts["quotas"] = {name: _records(table) for name, table in plan.quotas.items()}
    facts["targets"] = [
        {
            "id": row.id,
            "text": row.text,
            "statistic": row.statistic,
            "value": row.value,
            "target": row.target,
            "met": row.met,
            "binding": row.binding,
            "document": row.document,
            "item": row.item,
        }
        for row in scorecard(plan)
    ]
    facts["runtime_s"] = round(plan.runtime_s, 3)
    return _tidy(facts)


def _coverage_facts(plan: Plan, coverage: Coverage) -> dict[str, Any]:
    total = coverage.total
    facts: dict[str, Any] = {"cutoff_s": coverage.cutoff_s}
    if total["communities"] > 0:
        judged = [row for row in scorecard(plan) if row.statistic == "community_share"]
        facts["communities"] = {
            "covered": int(total["communities_covered"]),
            "total": int(total["communities"]),
            "share": total["community_share"],
            "target": judged[0].target if judged else None,
            "met": judged[0].met if judged else None,
        }
    facts["population"] = {"covered": int(total["people_covered"]), "share": total["population_share"]}
    if total["elderly"] > 0:
        facts["elderly"] = {"share": total["elderly_share"]}
    facts["area"] = {"share": total["area_share"]}
    facts["street"] = {"share": total["street_share"], "km": total["street_m"] / 1000}
    facts["by_subdistrict"] = _records(coverage.subdistricts)
    return facts


def _response_facts(response: Response) -> dict[str, Any]:
    total = response.total
    return {
        "mean_s": total["mean_s"],
        "median_s": total["median_s"],
        "p90_s": total["p90_s"],
        "share_within_target": total["share_within_target"],
        "target_s": response.target_s,
        "unreachable": total["unreachable"],
        "by_subdistrict": _records(response.subdistricts),
    }


def _siting_facts(plan: Plan, solution: Solution) -> dict[str, Any]:
    inside = solution.stations[solution.stations["group"] != ""] if len(solution.stations) else solution.stations
    counts = inside.groupby("group").size() if len(inside) else pd.Series(dtype="int64")
    names = plan.area.subdistricts["name"]
    counted = inside[inside["counted"]] if len(inside) else inside
    phases = []
    for number, phase in solution.phases.iterrows():
        open_by_then = counted[counted["phase"] <= number]
        phases.append({**phase.to_dict(), "stations": list(open_by_then.index)})
    return {
        "service": plan.siting_service,
        "model": "maximal covering, then least response (lexicographic)",
        "stations": list(counted.index),
        "tiers": {tier: ids for tier, ids in solution.tier_ids().items() if tier} if len(inside) else {},
        "phases": phases,
        "levels": [
            {"name": v.name, "objective": v.objective, "bound": v.bound, "gap": v.gap, "status": v.status}
            for v in solution.levels
        ],
        "gap": solution.gap,
        "status": solution.status,
        "reason": [{"rule": c.rule, "text": c.text, "remedy": c.remedy} for c in solution.reason],
        "subdistrict_counts": {names[unit]: int(counts.get(unit, 0)) for unit in names.index},
        "leaders": {site: leader for site, leader in inside["leader_id"].items() if leader} if len(inside) else {},
        "unreachable_people": solution.unreachable,
        "solver": {
            "name": solution.report.solver,
            "version": solution.report.version,
            "settings": dict(solution.report.settings),
            "iterations": solution.report.iterations,
            "nodes": solution.report.nodes,
            "rows": solution.report.rows,
            "columns": solution.report.columns,
        },
        "runtime_s": round(solution.report.runtime_s, 3),
    }


def _records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.reset_index().to_dict(orient="records")


def _tidy(value: Any) -> Any:
    """Return plain JSON values: NaN and infinity become null, binary dust is rounded off."""
    if isinstance(value, dict):
        return {str(key): _tidy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return round(value, 9)
    return value


def unjoined(plan: Plan) -> pd.DataFrame:
    """Return the points that lie too far from any street to be joined to it.

    Returns
    -------
    pandas.DataFrame
        ``service``, ``role`` (origin or destination), ``id``, ``reason``, ``distance_m``; empty where all are.
    """
    columns = ["service", "role", "id", "reason", "distance_m"]
    tables = [times.rejected.assign(service=service) for service, times in plan.times.items()]
    return pd.concat([pd.DataFrame(columns=columns), *(table for table in tables if len(table))])[columns]


def write_layers(plan: Plan, folder: Path, *, name: str = "plan.json") -> None:
    """Write a plan's data files into a folder.

    Parameters
    ----------
    plan
        What was computed.
    folder
        An existing folder, see `careshed._checks.new_folder`.
    name
        Name of the JSON file.

    Notes
    -----
    GeoJSON is in WGS-84 with seven decimals; tables are UTF-8 with a byte
    order mark, as spreadsheets expect.
    """
    text = json.dumps(plan_facts(plan), ensure_ascii=False, indent=2, allow_nan=False)
    (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
    _write_table(scorecard_table(plan), folder / "scorecard.csv")
    for service, times in plan.times.items():
        times.to_parquet(folder / f"times-{service}.parquet")
    _write_table(unjoined(plan), folder / "unjoined.csv")
    if plan.coverage is not None:
        _write_table(plan.coverage.subdistricts.reset_index(), folder / "coverage.csv")
        communities = plan.area.communities[["geometry"]].join(plan.coverage.communities)
        _write_geojson(communities, folder / "communities.geojson")
    if plan.isochrones is not None:
        _write_geojson(plan.isochrones, folder / "isochrones.geojson")
    for stage, response in (("before", plan.before), ("after", plan.after)):
        if response is not None:
            _write_table(response.subdistricts.reset_index(), folder / f"response-{stage}.csv")
    if plan.solution is not None:
        _write_geojson(plan.stations, folder / "stations.geojson")
        _write_table(pd.DataFrame(plan.stations.drop(columns="geometry")).reset_index(), folder / "stations.csv")


def _write_table(table: pd.DataFrame, path: Path) -> None:
    table.round(6).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def _write_geojson(frame: gpd.GeoDataFrame, path: Path) -> None:
    frame.to_crs(4326).reset_index().to_file(path, driver="GeoJSON", engine="pyogrio", COORDINATE_PRECISION=7)


def read_plan_facts(folder: Path | str) -> dict[str, Any]:
    """Read the ``plan.json`` of a folder.

    Raises
    ------
    FileFaultError
        If there is none or it is no JSON.
    """
    path = Path(folder) / "plan.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFaultError(
            f"{folder}: has no plan.json; make a plan there with careshed plan AREA -o {folder}"
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FileFaultError(f"{path}: is no JSON in UTF-8 ({error}); make the plan again") from None
    return facts

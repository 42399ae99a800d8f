"""The files of a plan: ``plan.json`` for programs, GeoJSON for maps, Parquet for replay."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from careshed.dossier import Dossier
from careshed.errors import FileFaultError
from careshed.facts import area_facts, proof_facts, reason_facts, tidy, write_geojson, write_json, write_table
from careshed.indicators import Coverage, Response
from careshed.plan import Plan
from careshed.scorecard import scorecard, scorecard_table
from careshed.siting import Lexicographic, Solution

__all__ = ["plan_facts", "read_plan_facts", "unjoined", "write_dossier", "write_layers"]


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
    facts: dict[str, Any] = {
        **area_facts(plan.area),
        "assumptions": {name: text.read("en") for name, text in plan.assumptions.items()},
        "left_out": {part: reason.read("en") for part, reason in plan.left_out.items()},
        "rejected": len(plan.area.rejected),
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
    return tidy(facts)


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
    stations = solution.stations
    inside = stations[stations["group"] != ""] if len(stations) else stations
    counts = inside.groupby("group").size() if len(inside) else pd.Series(dtype="int64")
    names = plan.area.subdistricts["name"]
    counted = inside[inside["counted"]] if len(inside) else inside
    phases = []
    for number, phase in solution.phases.iterrows():
        open_by_then = counted[counted["phase"] <= number]
        phases.append({**phase.to_dict(), "stations": list(open_by_then.index)})
    return {
        "service": plan.siting_service,
        **_model_facts(plan),
        "rules": _rule_facts(plan),
        "stations": list(counted.index),
        "tiers": {tier: ids for tier, ids in solution.tier_ids().items() if tier} if len(inside) else {},
        "phases": phases,
        **proof_facts(solution.status, solution.levels, solution.gap, solution.report),
        "reason": reason_facts(solution.reason),
        "subdistrict_counts": {names[unit]: int(counts.get(unit, 0)) for unit in names.index},
        "leaders": {site: leader for site, leader in inside["leader_id"].items() if leader} if len(inside) else {},
        "vehicles": stations["vehicles"].to_dict() if "vehicles" in stations else {},
        "closed": _closed(plan, solution),
        "unreachable_people": solution.unreachable,
    }


MODELS = {
    "MCLP": "maximal covering",
    "PMedian": "least response",
    "PCenter": "least worst time",
    "LSCP": "fewest stations that cover all",
    "LSCPB": "fewest stations that cover all, then most people covered twice",
    "BACOP1": "all covered once, most people covered twice",
    "BACOP2": "people covered once and twice, weighed",
    "DSM": "double standard: all within the second time, most people covered twice within the first",
    "MEXCLP": "maximal expected covering with busy vehicles",
    "MALP": "maximal availability of a free vehicle",
    "CapacitatedPMedian": "least response under capacities",
    "CapacitatedMCLP": "maximal covering under capacities",
    "Relocation": "most existing stations kept for a loss of coverage",
}
"""What each model seeks, in words."""


def _model_facts(plan: Plan) -> dict[str, Any]:
    """Say what was sought, with its parameters."""
    model = Lexicographic() if plan.model is None else plan.model
    parts = model.models if isinstance(model, Lexicographic) else (model,)
    words = ", then ".join(MODELS[type(part).__name__] for part in parts)
    order = " (lexicographic)" if isinstance(model, Lexicographic) else ""
    given = {type(part).__name__: asdict(part) for part in parts}
    return {"model": words + order, "parameters": given}


def _rule_facts(plan: Plan) -> dict[str, Any]:
    """Say which rules held, and which were switched off."""
    if plan.brief is None:
        return {"on": [], "off": []}
    return {"on": list(plan.brief.rules.rule_names), "off": list(plan.brief.without)}


def _closed(plan: Plan, solution: Solution) -> list[str]:
    """Return the stations of today that the plan closes."""
    if plan.brief is None or not solution.found:
        return []
    sites = plan.brief.sites
    return [str(i) for i in sites.index[sites["today"]] if i not in solution.stations.index]


def _records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.reset_index().to_dict(orient="records")


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
    write_json(plan_facts(plan), folder / name)
    write_table(scorecard_table(plan), folder / "scorecard.csv")
    for service, times in plan.times.items():
        times.to_parquet(folder / f"times-{service}.parquet")
    write_table(unjoined(plan), folder / "unjoined.csv")
    if plan.coverage is not None:
        write_table(plan.coverage.subdistricts.reset_index(), folder / "coverage.csv")
        communities = plan.area.communities[["geometry"]].join(plan.coverage.communities)
        write_geojson(communities, folder / "communities.geojson")
    if plan.isochrones is not None:
        write_geojson(plan.isochrones, folder / "isochrones.geojson")
    for stage, response in (("before", plan.before), ("after", plan.after)):
        if response is not None:
            write_table(response.subdistricts.reset_index(), folder / f"response-{stage}.csv")
    if plan.solution is not None:
        write_geojson(plan.stations, folder / "stations.geojson")
        write_table(pd.DataFrame(plan.stations.drop(columns="geometry")).reset_index(), folder / "stations.csv")


def write_dossier(found: Dossier, folder: Path) -> None:
    """Write the answers beyond a plan's sites into a folder: a table each, and the frontiers as pictures.

    Parameters
    ----------
    found
        The answers.
    folder
        An existing folder.
    """
    for name, table in found.tables.items():
        write_table(table.reset_index() if table.index.name else table, folder / f"{name}.csv")
    if any(name.endswith(".svg") for name in found.files):
        from careshed.siting.answers.plots import draw_frontier, draw_tradeoff, save_figure  # noqa: PLC0415 - loads matplotlib

        for name, draw in (("frontier", draw_frontier), ("tradeoff", draw_tradeoff)):
            if f"{name}.svg" in found.files:
                save_figure(draw(found.tables[name]), folder / f"{name}.svg")


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

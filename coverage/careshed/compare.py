"""Two plans side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from careshed.output import read_plan_facts

__all__ = ["compare_plans"]

_FIGURES = {
    "communities covered": "coverage.communities.share",
    "people covered": "coverage.population.share",
    "area covered": "coverage.area.share",
    "streets covered": "coverage.street.share",
    "mean response before, s": "response.before.mean_s",
    "mean response, s": "response.after.mean_s",
    "median response, s": "response.after.median_s",
    "90th percentile, s": "response.after.p90_s",
    "share within target": "response.after.share_within_target",
    "status": "siting.status",
    "gap": "siting.gap",
}


def compare_plans(first: Path | str, second: Path | str) -> pd.DataFrame:
    """Set the figures of two plans side by side.

    Parameters
    ----------
    first, second
        Folders that ``careshed plan`` wrote.

    Returns
    -------
    pandas.DataFrame
        Index ``figure``; columns ``first``, ``second`` and ``change`` (second
        less first, where both are numbers). Targets stand under their id and statistic.

    Raises
    ------
    FileFaultError
        If a folder holds no plan.
    """
    plans = [read_plan_facts(first), read_plan_facts(second)]
    rows: dict[str, list[Any]] = {"area": [facts.get("area") for facts in plans]}
    for label, path in _FIGURES.items():
        rows[label] = [_at(facts, path) for facts in plans]
    stations = [set(_at(facts, "siting.stations") or []) for facts in plans]
    rows["stations"] = [len(ids) for ids in stations]
    rows["stations only here"] = [
        ", ".join(sorted(stations[0] - stations[1])),
        ", ".join(sorted(stations[1] - stations[0])),
    ]
    for key in dict.fromkeys(key for facts in plans for key in _targets(facts)):
        rows[key] = [_targets(facts).get(key) for facts in plans]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["first", "second"], dtype=object)
    table["change"] = [_change(*row) for row in table.itertuples(index=False)]
    return table.rename_axis("figure")


def _at(facts: dict[str, Any], path: str) -> Any:
    value: Any = facts
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _targets(facts: dict[str, Any]) -> dict[str, float]:
    return {f"{row['id']} {row['statistic']}": row["value"] for row in facts.get("targets", [])}


def _change(first: Any, second: Any) -> float | None:
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    return second - first if numbers else None

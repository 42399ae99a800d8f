"""What the commands about districts and closing hand on: data files, polygons, a map, and the proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from careshed._checks import new_folder
from careshed.consolidation import Closing
from careshed.districts import Districting
from careshed.facts import area_facts, proof_facts, reason_facts, write_geojson, write_json, write_table
from careshed.maps import write_map

__all__ = ["DISTRICT_FILES", "write_closing", "write_districts"]

DISTRICT_FILES = ("districts.*", "units.geojson")
"""What the folder of districts holds; of an earlier run, what the new one lacks is removed."""


def write_districts(made: Districting, folder: Path | str) -> None:
    """Write districts into a folder: tables, polygons, map, and the facts with their proof.

    Parameters
    ----------
    made
        The districts. Where there are none, ``districts.json`` says why, and the map shows units and cores.
    folder
        Made where it does not exist.
    """
    with new_folder(folder, owned=DISTRICT_FILES) as new:
        write_json(_district_facts(made), new / "districts.json")
        write_map(made, new / "districts.html")
        if made.found.loads.empty:
            return
        units = made.units.rename_axis("unit_id")
        write_geojson(units, new / "units.geojson")
        write_table(pd.DataFrame(units.drop(columns="geometry")).reset_index(), new / "districts.csv")
        write_geojson(made.districts, new / "districts.geojson")


def _district_facts(made: Districting) -> dict[str, Any]:
    found = made.found
    districts = pd.DataFrame(made.districts.drop(columns="geometry")) if len(found.loads) else found.loads
    return {
        **area_facts(made.area),
        "assumptions": made.assumptions,
        "units": made.kind,
        "tolerance": made.tolerance,
        "cores": {core: row["name"] for core, row in made.cores.iterrows()},
        "unjoined": len(made.times.rejected),
        "people_in_no_unit": made.homeless,
        "model": "contiguous districts, balanced by people, of least people × time to the core",
        "districts": districts.reset_index().to_dict(orient="records"),
        "assignment": found.assignment["core_id"].to_dict(),
        **proof_facts(found.status, found.levels, found.gap, found.report),
        "reason": reason_facts(found.reason),
    }


def write_closing(made: Closing, folder: Path | str) -> None:
    """Write what can close into a folder: facilities, communities, and the facts with their proof.

    Parameters
    ----------
    made
        What was found.
    folder
        Made where it does not exist.
    """
    with new_folder(folder) as new:
        write_json(_closing_facts(made), new / "consolidate.json")
        write_table(made.facilities.rename_axis("facility_id").reset_index(), new / "consolidate.csv")
        write_table(made.communities.reset_index(), new / "consolidate-communities.csv")


def _closing_facts(made: Closing) -> dict[str, Any]:
    found, further = made.found, made.found.further
    there = further.dropna(subset=["after_s"])
    people = int(there["weight"].sum())
    sums = {f"mean_{when}_s": (there["weight"] * there[f"{when}_s"]).sum() for when in ("before", "after")}
    return {
        **area_facts(made.area),
        "assumptions": made.assumptions,
        "service": made.service,
        "standard_s": found.standard_s,
        "lose": found.lose,
        "unjoined": len(made.times.rejected),
        "facilities": len(made.facilities),
        "close": found.closed,
        "close_alone": list(made.facilities.index[made.facilities["alone"].to_numpy(dtype=bool)]),
        "kept_because": {one: why for one, why in made.facilities["kept_because"].items() if why},
        "covered": made.shares.to_dict(orient="index"),
        "further": {
            "people": int(further["weight"].sum()),
            "beyond": int(further["weight"].sum()) - people,
            **{name: person_s / people for name, person_s in sums.items() if people},
            "most_more_s": there["more_s"].max(),
            "most_after_s": there["after_s"].max(),
        },
        "model": "fewest facilities kept without loss of cover, then fewest people whose nearest one closes",
        **proof_facts(found.status, found.levels, found.gap, found.report),
    }

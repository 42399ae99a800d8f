"""The plan's stations as a table: where, when, whom each serves, what it adds."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from careshed import siting
from careshed.area import StudyArea
from careshed.indicators import (
    Response,
)
from careshed.reach import TravelTimes
from careshed.targets import Service

__all__ = ["no_stations", "station_table"]


def no_stations(area: StudyArea) -> gpd.GeoDataFrame:
    columns = [
        "name", "status", "tier", "subdistrict_id", "subdistrict", "phase", "by", "leader_id",
        "people", "mean_s", "people_gained",
    ]  # fmt: skip
    frame = gpd.GeoDataFrame({c: [] for c in columns}, geometry=gpd.GeoSeries([], crs=area.crs), crs=area.crs)
    return frame.rename_axis("site_id")


def station_table(
    area: StudyArea,
    service: Service,
    sites: gpd.GeoDataFrame,
    solution: siting.Solution,
    after: Response,
    times: TravelTimes,
) -> gpd.GeoDataFrame:
    """Describe each station of the plan: where, when, whom it serves, what it adds.

    ``people_gained`` is how many people would no longer be within the standard
    if this one station were left out of the finished plan.
    """
    plan = solution.stations
    people = area.demand["population"].astype("float64")
    served = after.demand.assign(people=people, person_s=people * after.demand["seconds"]).dropna(subset=["station_id"])
    sums = served.groupby("station_id")[["people", "person_s"]].sum().reindex(plan.index, fill_value=0.0)
    table = pd.DataFrame(
        {
            "name": plan["name"],
            "status": plan["status"].replace({"candidate": "new", "closable": "existing"}),
            "tier": plan["tier"],
            "subdistrict_id": plan["group"],
            "subdistrict": plan["group"].map(area.subdistricts["name"]).fillna("outside"),
            "phase": plan["phase"],
            "by": plan["by"],
            "leader_id": plan["leader_id"],
            "people": sums["people"].round().astype("int64"),
            "mean_s": (sums["person_s"] / sums["people"].where(sums["people"] > 0)).round(1),
            "people_gained": _people_gained(plan.index, people, service, times),
        }
    )
    if "vehicles" in plan:
        table.insert(list(table).index("people"), "vehicles", plan["vehicles"])
    if solution.shares is not None:
        # with capacities not everybody is served by the nearest
        table["people"], table["mean_s"] = _by_shares(solution.shares, plan.index, service, times)
    table["geometry"] = sites.geometry.reindex(plan.index)
    return gpd.GeoDataFrame(table, crs=area.crs).rename_axis("site_id")


def _by_shares(
    shares: pd.DataFrame, station_ids: pd.Index, service: Service, times: TravelTimes
) -> tuple[pd.Series, pd.Series]:
    """Return the people whom each station serves and their mean response, seconds."""
    pairs = times.select(origins=station_ids).to_frame()
    pairs = pairs.rename(columns={"origin_id": "site_id", "destination_id": "demand_id"})
    own = shares.merge(pairs, on=["site_id", "demand_id"], how="left")
    own["person_s"] = own["people"] * (own["seconds"] + service.delay_s)
    sums = own.groupby("site_id")[["people", "person_s"]].sum().reindex(station_ids, fill_value=0.0)
    mean = (sums["person_s"] / sums["people"].where(sums["people"] > 0)).round(1)
    return sums["people"].round().astype("int64"), mean


def _people_gained(station_ids: pd.Index, people: pd.Series, service: Service, times: TravelTimes) -> pd.Series:
    """Count the people who are within the standard of one station alone."""
    covering = times.select(origins=station_ids).within(service.standard_s - service.delay_s)
    alone = covering.drop_duplicates("destination_id", keep=False)
    gained = people.reindex(alone["destination_id"]).groupby(alone["origin_id"].to_numpy()).sum()
    return gained.reindex(station_ids, fill_value=0.0).round().astype("int64")

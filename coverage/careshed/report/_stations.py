"""Tables of the report about stations: when each opens, what it adds, whom it serves, how far all is proven."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from careshed.plan import Plan
from careshed.report._table import Cell, Noted, Table, listed, share, unit_name
from careshed.siting import Solution
from careshed.wording import NOTHING, OUTSIDE, STATUSES, VERDICTS, Label, count, day, minutes
from careshed.words import label, term

__all__ = ["NEAR_M", "Stage", "levels_table", "phases_table", "stages_of", "stations_table"]

NEAR_M = 200.0
"""A named street so near may stand for an address, metres."""

UNITS = 2
"""So many subdistricts that a station serves are named."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Today, or a phase of the plan.

    Parameters
    ----------
    name
        ``Today`` or the phase's date.
    stations
        How many count.
    sites
        How many stand inside the boundary, of all tiers.
    share
        Of people, those within the standard.
    mean_s
        Response, weighted by people; NaN where it is not known.
    """

    name: Label
    stations: int
    sites: int
    share: float
    mean_s: float


def stages_of(plan: Plan) -> list[Stage]:
    """Return today's stations and each phase of the plan; empty where there is no plan."""
    solution = plan.solution
    if solution is None or not solution.found or solution.phases.empty or not plan.area.people:
        return []
    reachable = plan.area.people - solution.unreachable
    opened = solution.stations.loc[solution.stations["group"] != "", "phase"]
    found = [
        Stage(
            day(str(row["by"])) if row["by"] else Label(str(phase), ""),
            int(row["stations"]),
            int((opened <= phase).sum()),
            row["covered"] / plan.area.people,
            row["person_seconds"] / reachable if reachable and not row["beyond"] else float("nan"),
        )
        for phase, row in solution.phases.iterrows()
    ]
    return [*_today(plan), *found]


def _today(plan: Plan) -> list[Stage]:
    if plan.before is None or plan.brief is None:
        return []
    people = plan.area.demand["population"].astype("float64")
    seconds = plan.before.demand["seconds"]
    reached = people.where(seconds.notna(), 0.0)
    mean_s = float((people * seconds).sum() / reached.sum()) if reached.sum() else float("nan")
    held = float(people.where(seconds <= plan.before.target_s, 0.0).sum() / people.sum())
    own = plan.area.facilities_of(plan.brief.service.kinds)
    tiers = own.loc[~own["outside"], "tier"]
    counts = tiers.isin({"", plan.brief.problem.counted_tier})
    return [Stage(label("report.today"), int(counts.sum()), len(tiers), held, mean_s)]


def phases_table(plan: Plan) -> Table | None:
    """Return what each phase reaches."""
    solution = plan.solution
    if solution is None or solution.phases.empty or not solution.found:
        return None
    columns = [
        label("report.phase"),
        label("report.by"),
        label("report.counted_stations"),
        label("report.all_sites"),
        label("report.people_in_time"),
        label("report.share_in_time"),
        label("report.mean_short"),
        label("report.beyond"),
        label("report.short_of_quota"),
    ]
    people = plan.area.people - solution.unreachable
    rows: list[list[Cell]] = [
        [
            str(phase["phase"]),
            day(phase["by"]) if phase["by"] else NOTHING,
            count(phase["stations"]),
            count(phase["open_sites"]),
            count(phase["covered"]),
            share(phase["covered"] / plan.area.people if plan.area.people else float("nan")),
            minutes(phase["person_seconds"] / people if people and not phase["beyond"] else None),
            count(phase["beyond"]),
            count(phase["missing_quota"]),
        ]
        for phase in solution.phases.rename_axis("phase").reset_index().to_dict("records")
    ]
    return Table(label("report.phases_table"), columns, rows, figures=frozenset(range(2, len(columns))))


def stations_table(plan: Plan) -> Table | None:
    """Return the plan's stations by phase and subdistrict: where, when, whom they serve, what each adds."""
    stations = plan.stations
    if stations.empty:
        return None
    tiers = _tiers(plan)
    columns = {
        "station": label("report.station"),
        "subdistrict": label("report.subdistrict"),
        "place": label("report.place"),
        "status": label("report.status_opens"),
        "tier": label("report.tier"),
        "vehicles": label("report.vehicles"),
        "people": label("report.people_served"),
        "served": label("report.served"),
        "mean": label("report.mean_short"),
        "gained": label("report.only_it"),
    }
    if not tiers:
        del columns["tier"]
    if "vehicles" not in stations:
        del columns["vehicles"]
    places, served = _places(plan), _served(plan)
    ordered = stations.rename_axis("site_id").reset_index().assign(outside=stations["subdistrict_id"].to_numpy() == "")
    ordered = ordered.sort_values(["outside", "phase", "subdistrict_id", "site_id"])
    rows = [
        [cells[column] for column in columns]
        for row in ordered.to_dict("records")
        for cells in [_station_cells(plan, row, tiers, places, served)]
    ]
    figures = {"people", "mean", "gained", "vehicles"}
    return Table(
        label("report.station_list"),
        list(columns.values()),
        rows,
        figures=frozenset(i for i, column in enumerate(columns) if column in figures),
        wraps=frozenset(i for i, column in enumerate(columns) if column == "served"),
    )


def _station_cells(
    plan: Plan, row: dict[str, object], tiers: dict[str, Label], places: dict[str, Cell], served: dict[str, Label]
) -> dict[str, Cell]:
    site, unit, status, tier = (str(row[name]) for name in ("site_id", "subdistrict_id", "status", "tier"))
    leader = str(row["leader_id"])
    opens = "" if status == "existing" or not row["by"] else day(str(row["by"]))
    led = label("report.led_by", leader=plan.stations["name"].get(leader, leader)) if leader else ""
    return {
        "station": Noted(str(row["name"]), site),
        "subdistrict": unit_name(plan.area, unit) if unit else OUTSIDE,
        "place": places[site],
        "status": Noted(STATUSES.get(status, Label(status, "")), opens),
        "tier": Noted(tiers.get(tier, Label(tier, "")), led),
        "vehicles": str(row.get("vehicles", "")),
        "people": count(row["people"]),  # type: ignore[arg-type]
        "served": served.get(site, Label(NOTHING, "")),
        "mean": minutes(row["mean_s"]),  # type: ignore[arg-type]
        "gained": count(row["people_gained"]),  # type: ignore[arg-type]
    }


def _tiers(plan: Plan) -> dict[str, Label]:
    service = plan.area.targets.service.get(plan.siting_service)
    rules = None if service is None else service.siting
    return {tier.name: Label(tier.label_zh or tier.name, tier.label_en) for tier in rules.tiers} if rules else {}


def _places(plan: Plan) -> dict[str, Cell]:
    """Return each station's address, else the nearest named street, else a dash."""
    stations, area = plan.stations, plan.area
    address = area.facilities["address"].reindex(stations.index).fillna("")
    named = area.streets.loc[area.streets["name"] != "", ["name", "geometry"]]
    without = stations.geometry[(address == "").to_numpy()]
    near: dict[str, str] = {}
    if len(named) and len(without):
        site, street = named.sindex.nearest(without, max_distance=NEAR_M, return_all=False)
        near = dict(zip(without.index[site], named["name"].iloc[street], strict=True))
    return {
        site: text or (label("report.near", street=near[site]) if site in near else NOTHING)
        for site, text in address.items()
    }


def _served(plan: Plan) -> dict[str, Label]:
    """Return the subdistricts and the number of communities that each station serves."""
    assert plan.solution is not None  # noqa: S101 - there are stations
    assert plan.after is not None  # noqa: S101 - likewise
    demand = plan.area.demand[["subdistrict_id", "community_id", "population"]]
    if plan.solution.shares is not None:
        served = plan.solution.shares[["site_id", "demand_id", "people"]].join(
            demand.drop(columns="population"), on="demand_id"
        )
    else:
        served = demand.rename(columns={"population": "people"})
        served = served.assign(site_id=plan.after.demand["station_id"]).dropna(subset=["site_id"])
    served = served[served["people"] > 0]
    units = served[served["subdistrict_id"] != ""].groupby(["site_id", "subdistrict_id"])["people"].sum().reset_index()
    units = units.sort_values(["site_id", "people", "subdistrict_id"], ascending=[True, False, True])
    communities = served[served["community_id"] != ""].groupby("site_id")["community_id"].nunique()
    return {
        str(site): _area_served(plan, part["subdistrict_id"], int(communities.get(site, 0)))
        for site, part in units.groupby("site_id")
    }


def _area_served(plan: Plan, unit_ids: pd.Series, communities: int) -> Label:
    names = listed([unit_name(plan.area, unit) for unit in unit_ids.head(UNITS)])
    if len(unit_ids) > UNITS:
        names = label("report.more_units", units=names, number=len(unit_ids))
    return label("report.serves", units=names, communities=communities) if communities else names


def levels_table(solution: Solution) -> Table | None:
    """Return each level's objective beside its bound: where they meet, the plan is proven."""
    if not solution.levels:
        return None
    columns = [
        label("report.level"),
        label("report.objective"),
        label("report.bound"),
        label("report.gap"),
        label("report.status"),
    ]
    rows: list[list[Cell]] = []
    for number, level in enumerate(solution.levels, start=1):
        scale = 60.0 if level.name == "response" else 1.0
        name = label("report.level_name", number=number, name=term("levels", level.name) or Label(level.name, ""))
        gap = "0" if level.gap == 0 else f"{level.gap:.4%}"
        status = VERDICTS.get(level.status, Label(level.status, ""))
        rows.append([name, count(level.objective / scale), count(level.bound / scale), gap, status])
    return Table(label("report.proof"), columns, rows, figures=frozenset({1, 2, 3}))

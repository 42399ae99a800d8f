"""What-if on the map: sites that a planner opens and closes, with the times that their figures are computed from."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import Any, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from branca.element import Element

from careshed.maps._page import Text, figure_of, to_json
from careshed.maps._shapes import Shapes
from careshed.plan import Plan
from careshed.scorecard import judged
from careshed.services import siting_sites
from careshed.targets import Service, Target
from careshed.wording import STATUSES, service_label
from careshed.words import Label, label, pages

__all__ = ["MOST_TIMES", "WhatIf", "packed_times", "what_if", "why_no_what_if"]

MOST_TIMES = 2_000_000
"""Sites × demand points that a page holds; they take four bytes each."""

UNREACHED = 0xFFFFFF
"""Stands for a pair beyond the hour; an hour is less than a quarter of it."""

_FILES = ("whatif.css", "wording.js", "trial.js", "dots.js", "whatif.js")

_OF_STATIONS = {
    "station_count",
    "tier_count",
    "min_stations_per_subdistrict",
    "mean_response",
    "median_response",
    "p90_response",
    "share_within_target",
}
"""Statistics that a set of open sites decides."""


class WhatIf(Element):
    """Adds the what-if to a map's page: its script, its style, and the facts it needs.

    Parameters
    ----------
    drawn
        The map.
    facts
        As `what_if` returns them.
    """

    def __init__(self, drawn: Element, facts: dict[str, Any]) -> None:
        super().__init__()
        # there is one on a map: it needs no number, and none drawn at random
        self._name, self._id = "WhatIf", "0"
        self.drawn = drawn
        self.facts = facts

    @classmethod
    def of(cls, drawn: Element, plan: Plan, shapes: Shapes) -> Self | None:
        """Return the what-if of a plan, None where the plan has no times between sites and people, or too many.

        Parameters
        ----------
        drawn, plan, shapes
            The map, what it shows, and the area's shapes.
        """
        return cls(drawn, what_if(plan, shapes)) if _has_times(plan) and why_no_what_if(plan) is None else None

    def render(self, **_: Any) -> str:
        """Add script and style to the page's head and the call to its script; nothing stands where this is."""
        page = figure_of(self)
        own = files("careshed.maps")
        style, *scripts = (own.joinpath(f).read_text(encoding="utf-8") for f in _FILES)
        page.header.add_child(Text(f"<style>{style}</style>"), name="whatif_style")
        page.header.add_child(Text(f"<script>{''.join(scripts)}</script>"), name="whatif_script")
        call = f"careshed.whatif.start({self.drawn.get_name()}, {to_json(self.facts)});"
        page.script.add_child(Text(call), name=self.get_name())
        return ""


def _has_times(plan: Plan) -> bool:
    return plan.siting_service in plan.times and (plan.before is not None or plan.solution is not None)


def why_no_what_if(plan: Plan) -> Label | None:
    """Say why a plan with times has no what-if: there are too many; None where it has one, or has no times.

    Parameters
    ----------
    plan
        What was computed.
    """
    if not _has_times(plan):
        return None
    times = plan.times[plan.siting_service]
    sites, points = len(times.origin_ids), len(times.destination_ids)
    return None if sites * points <= MOST_TIMES else label("whatif.too_large", sites=sites, points=points)


def what_if(plan: Plan, shapes: Shapes) -> dict[str, Any]:
    """Return what the page needs to compute a plan's figures for any set of its sites.

    Parameters
    ----------
    plan
        What was computed, with times of the service that is sited.
    shapes
        Of the area's CRS.

    Returns
    -------
    dict
        Plain data. Times are whole milliseconds from call to arrival, three bytes each, a row for each site.
    """
    area = plan.area
    service = area.targets.service[plan.siting_service]
    calls = plan.weight == "calls"
    return {
        "words": pages()["whatif"],
        "statuses": STATUSES,
        "service": service_label(plan, plan.siting_service),
        "planned": plan.solution is not None and plan.solution.found,
        "minutes": service.minutes,
        "standard_s": service.standard_s,
        "community_share": service.community_share,
        "units": area.subdistricts["name"].tolist(),
        "tiers": _tiers(service),
        "sites": _sites(plan, service, shapes),
        "demand": {
            "at": [point["coordinates"] for point in shapes.points(area.demand.geometry)],
            "people": area.demand["population"].tolist(),
            "calls": area.demand["calls"].fillna(0.0).tolist() if calls else None,
            "community": area.communities.index.get_indexer(pd.Index(area.demand["community_id"])).tolist(),
        },
        "communities": area.communities["name"].tolist(),
        "rows": [row for target in area.targets.target if (row := _row(plan, target)) is not None],
        "command": _command(plan),
        "unreached": UNREACHED,
        "times": base64.b64encode(packed_times(plan, service)).decode("ascii"),
    }


def packed_times(plan: Plan, service: Service) -> bytes:
    """Return milliseconds from call to arrival: a row for each site, three bytes (least first) for each demand point.

    Parameters
    ----------
    plan
        With times of the service that is sited.
    service
        That service.
    """
    times = plan.times[plan.siting_service]
    origin, destination, ms = times.pairs()
    table = np.full((len(times.origin_ids), len(times.destination_ids)), UNREACHED, dtype="<u4")
    table[origin, destination] = ms + round(service.delay_s * 1000)
    kept = times.destination_ids.get_indexer(plan.area.demand.index)
    parts: npt.NDArray[np.uint8] = np.ascontiguousarray(table[:, kept]).view(np.uint8).reshape(-1, 4)[:, :3]
    return parts.tobytes()


def _sites(plan: Plan, service: Service, shapes: Shapes) -> list[dict[str, Any]]:
    """Describe every site, in the order of the times."""
    sites: gpd.GeoDataFrame = siting_sites(plan.area, service).reindex(plan.times[plan.siting_service].origin_ids)
    today = sites["status"] == "existing"
    stations = plan.solution.stations if plan.solution is not None and plan.solution.found else None
    chosen = today if stations is None else sites.index.isin(stations.index)
    tiers = _tiers_of(service, sites, stations)
    units = plan.area.subdistricts.index.get_indexer(pd.Index(sites["group"]))
    statuses = np.where(today, "existing", np.where(chosen, "new", sites["status"]))
    rows = zip(
        sites.index, sites["name"], statuses, tiers, sites["group"] != "", units.tolist(), today, chosen,
        shapes.points(sites.geometry), strict=True,
    )  # fmt: skip
    return [
        {
            "id": site,
            "name": name or site,
            "status": status,
            "tier": tier,
            "inside": bool(inside),
            "unit": unit,
            "today": bool(stands),
            "planned": bool(planned),
            "at": point["coordinates"],
        }
        for site, name, status, tier, inside, unit, stands, planned, point in rows
    ]


def _tiers(service: Service) -> list[dict[str, Any]]:
    """Return the tiers, top first; one without a name where all stations are alike."""
    rules = service.siting
    if rules is None or not rules.tiers:
        return [{"name": "", "label": ("", ""), "counted": True}]
    return [
        {"name": t.name, "label": (t.label_zh or t.name, t.label_en), "counted": t.name == rules.station_tier}
        for t in rules.tiers
    ]


def _tiers_of(service: Service, sites: gpd.GeoDataFrame, stations: pd.DataFrame | None) -> list[str]:
    """Return the tier that each site has when it is open: the plan's, else its own, else the counted one."""
    tiers = _tiers(service)
    names = {tier["name"] for tier in tiers}
    counted = next(tier["name"] for tier in tiers if tier["counted"])
    own = sites["tier"].where(sites["tier"].isin(names) & (sites["tier"] != ""), counted)
    if stations is not None:
        own = stations["tier"].reindex(sites.index).fillna(own)
    return own.tolist()


def _row(plan: Plan, target: Target) -> dict[str, Any] | None:
    """Describe a row of the scorecard, and how it follows the sites: at once, only when solved again, or never."""
    row = judged(plan, target)
    ours = target.service == plan.siting_service
    live = ours and target.statistic in _OF_STATIONS
    if row is None and not live:
        return None
    return {
        "id": target.id,
        "text": target.text,
        "statistic": target.statistic,
        "tier": target.tier,
        "limit": target.limit,
        "at_least": target.at_least is not None,
        "value": None if row is None else row.value,
        "follows": "sites" if live else "phases" if ours and target.statistic == "phase_share" else "nothing",
    }


def _command(plan: Plan) -> str:
    """Return the command that takes a copied plan back, with the hour and the rules of this plan."""
    hour = "" if plan.hour is None else f" --hour {plan.hour}"
    off = "" if plan.brief is None else "".join(f" --without {rule}" for rule in plan.brief.without)
    return f"careshed site AREA --service {plan.siting_service}{hour}{off} --output OUT"

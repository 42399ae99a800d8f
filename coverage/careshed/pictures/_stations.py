"""Stations in a picture: shape by tier, colour and digit by the phase in which they open."""

from __future__ import annotations

from typing import Any

from careshed.pictures._picture import Key, Marks
from careshed.plan import Plan
from careshed.targets import Tier
from careshed.wording import count
from careshed.words import Label, label

__all__ = ["plan_marks", "today_marks"]

OLD = "#1f2328"
PHASES = ("#0072b2", "#d55e00", "#8a4f7d")
"""Of stations that open in the first, the second and later phases."""

SHAPES = (("o", 8.0), ("D", 9.0), ("p", 13.0))
"""Of stations, of those that lead them, and of those that lead these: marker and its size."""

OTHER: dict[str, Any] = {
    "marker": "o",
    "markersize": 5.0,
    "markerfacecolor": "white",
    "markeredgecolor": OLD,
    "markeredgewidth": 1.0,
}


def today_marks(plan: Plan) -> tuple[list[Marks], list[Key]]:
    """Return the stations of today."""
    found = plan.area.facilities_of(plan.area.targets.service[plan.siting_service].kinds)
    if found.empty:
        return [], []
    style = _style(OLD, 0)
    text = label("pictures.station_existing", count=count(len(found)))
    return [Marks(list(found.geometry), style)], [Key("mark", style, text)]


def plan_marks(plan: Plan) -> tuple[list[Marks], list[Key], list[Key]]:
    """Return the plan's stations with their legend by phase and, where there are tiers, by tier."""
    service = plan.area.targets.service[plan.siting_service]
    tiers = service.siting.tiers if service.siting is not None else ()
    heights = {tier.name: _height(tier, tiers) for tier in tiers}
    stations = plan.stations.assign(height=plan.stations["tier"].map(heights).fillna(0).astype(int))
    stations["opens"] = stations["phase"].where(stations["status"] != "existing", 0)
    marks, phase_keys = _others(plan)
    for opens, part in stations.groupby("opens"):
        digit, colour = (str(opens), PHASES[min(int(opens), len(PHASES)) - 1]) if opens else ("", OLD)
        marks += [
            Marks(list(same.geometry), _style(colour, int(height)), digit) for height, same in part.groupby("height")
        ]
        key = Key("mark", _style(colour, 0), _opens(part["by"].iloc[0] if opens else None, len(part)), digit)
        phase_keys.append(key)
    names = {heights[tier.name]: Label(tier.label_zh or tier.name, tier.label_en or tier.name) for tier in tiers}
    counts = stations.groupby("height").size()
    tier_keys = [
        Key("mark", _style("#8b929a", height), label("pictures.tier", tier=names[height], count=count(counts[height])))
        for height in sorted(set(counts.index) & set(names), reverse=True)
    ]
    return marks, phase_keys, tier_keys


def _others(plan: Plan) -> tuple[list[Marks], list[Key]]:
    """Return stations of today that the plan does not count: they are there."""
    today = plan.area.facilities_of(plan.area.targets.service[plan.siting_service].kinds)
    others = today[~today.index.isin(plan.stations.index)]
    if others.empty:
        return [], []
    text = label("pictures.station_other", count=count(len(others)))
    return [Marks(list(others.geometry), OTHER)], [Key("mark", OTHER, text)]


def _opens(by: str | None, number: int) -> Label:
    if by is None:
        return label("pictures.station_existing", count=count(number))
    if not by:
        return label("pictures.station_new", count=count(number))
    return label("pictures.station_by", by=by, count=count(number))


def _style(colour: str, height: int) -> dict[str, Any]:
    marker, size = SHAPES[height]
    return {
        "marker": marker,
        "markersize": size,
        "color": colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
    }


def _height(tier: Tier, tiers: tuple[Tier, ...]) -> int:
    """Return how many tiers are led by one, at most two."""
    led = [other for other in tiers if tier.name in other.led_by]
    return min(2, 1 + max((_height(other, tiers) for other in led), default=-1))

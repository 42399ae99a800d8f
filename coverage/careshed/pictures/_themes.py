"""What each picture shows: coverage, isochrones, response, stations, population."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from careshed.area import StudyArea
from careshed.demand import nearest_ground
from careshed.indicators import Coverage, Response
from careshed.pictures._picture import Fill, Key, Marks, Picture, Section
from careshed.pictures._stations import plan_marks, today_marks
from careshed.plan import Plan
from careshed.shades import NO_FIGURE, RAMPS, breaks, classes, fifths, steps, time_breaks
from careshed.targets import Service
from careshed.wording import VERDICTS, count, kind_label, minutes, percent
from careshed.words import Label, label

__all__ = ["coverage_picture", "isochrone_picture", "population_picture", "response_picture", "station_picture"]

GREY = "#d0d0d0"
"""Of what has no figure."""

FACILITY: dict[str, Any] = {"marker": "P", "color": "#1f2328", "markeredgecolor": "white", "markeredgewidth": 0.5}
UNMET: dict[str, Any] = {
    "marker": "o",
    "markersize": 3.6,
    "markerfacecolor": "white",
    "markeredgecolor": "#c2410c",
    "markeredgewidth": 1.1,
}


def coverage_picture(plan: Plan, found: Coverage) -> Picture:
    """Return subdistricts by the share of their people that is covered, facilities, and communities that are not."""
    area, service = plan.area, plan.area.targets.service[plan.coverage_service]
    shares = found.subdistricts["population_share"].reindex(area.subdistricts.index).to_numpy("float64")
    fills, keys = _classed(area.subdistricts, shares, "share", breaks, percent)
    facilities, facility_keys = _facilities(area, service)
    unmet = found.communities.index[~found.communities["covered"].to_numpy(dtype=bool)]
    missed = Marks(list(area.communities.geometry.reindex(unmet)), UNMET)
    lines = [*facility_keys]
    if len(unmet):
        lines.append(Key("mark", UNMET, label("pictures.community_unmet", count=count(len(unmet)))))
    total = found.total
    figures = label("pictures.figures_people", people=percent(total["population_share"]))
    if total["communities"] > 0:
        figures = label(
            "pictures.figures_coverage",
            communities=percent(total["community_share"]),
            covered=count(total["communities_covered"]),
            total=count(total["communities"]),
            people=percent(total["population_share"]),
        )
    return Picture(
        title=label(
            "pictures.title_coverage", area=area.name, service=_name(service), minutes=f"{found.cutoff_s / 60:g}"
        ),
        figures=figures,
        sections=[Section(label("pictures.share_by_unit"), keys), Section(label("pictures.facilities"), lines)],
        fills=fills,
        marks=[*([missed] if len(unmet) else []), *facilities],
        values={unit: percent(share) for unit, share in zip(area.subdistricts.index, shares, strict=True)},
    )


def isochrone_picture(plan: Plan, found: gpd.GeoDataFrame) -> Picture:
    """Return the bands that are within some minutes of the facilities of today."""
    area, service = plan.area, plan.area.targets.service[plan.coverage_service]
    bands = found.set_index("minutes").geometry.sort_index()
    colours = [RAMPS["band"][step] for step in steps("band", len(bands))]
    # finer than can be drawn: rings of simpler shapes are made ten times as fast
    coarse_m = float(np.ptp(area.streets.total_bounds[[0, 2]])) / 5000
    shapes = shapely.make_valid(shapely.simplify(bands.to_numpy(), coarse_m, preserve_topology=False))
    rings = [shapes[0], *(shapely.difference(outer, within) for within, outer in pairwise(shapes))]
    limits = pairwise([0.0, *bands.index])
    keys = [
        Key("fill", {"color": colour}, _plain(f"{low:g} – {high:g}"))
        for (low, high), colour in zip(limits, colours, strict=True)
    ]
    facilities, facility_keys = _facilities(area, service)
    title = (
        label("pictures.title_isochrones_drive", area=area.name, service=_name(service))
        if service.mode == "drive"
        else label("pictures.title_isochrones_walk", area=area.name, service=_name(service))
    )
    figures = Label("", "")
    if plan.coverage is not None:
        total = plan.coverage.total
        figures = label(
            "pictures.figures_isochrones",
            minutes=f"{plan.coverage.cutoff_s / 60:g}",
            people=percent(total["population_share"]),
            streets=percent(total["street_share"]),
        )
    return Picture(
        title=title,
        figures=figures,
        sections=[Section(label("pictures.minutes_away"), keys), Section(label("pictures.facilities"), facility_keys)],
        fills=[Fill([ring], colour) for ring, colour in zip(rings, colours, strict=True)],
        marks=facilities,
    )


def response_picture(plan: Plan, found: Response, *, planned: bool) -> Picture:
    """Return the ground by the response time at the nearest place where people live, and the stations."""
    area, service = plan.area, plan.area.targets.service[plan.siting_service]
    demand = found.demand.reindex(area.demand.index)
    limits = time_breaks(found.target_s)
    names = [f"{step}" for step in steps("minutes", len(limits) + 1)]
    style = np.asarray(classes(demand["seconds"].to_numpy("float64"), limits, names))
    colours = dict(zip([*names, NO_FIGURE], [*RAMPS["minutes"], GREY], strict=True))
    ends = [minutes(limit).removesuffix(".0") for limit in limits]
    between = [_plain(f"{low} – {high}") for low, high in pairwise(ends)]
    texts = [_plain(f"≤ {ends[0]}"), *between, _plain(f"> {ends[-1]}"), label("pictures.later")]
    cells = nearest_ground(area.demand.geometry, area.boundary)
    weight = demand["weight"].fillna(0.0)
    fills, keys = [], []
    for (name, colour), text in zip(colours.items(), texts, strict=True):
        here = style == name
        if here.any():
            share = percent(weight[here].sum() / weight.sum())
            fills.append(Fill([_clipped(cells[here], area.boundary)], colour))
            keys.append(Key("fill", {"color": colour}, Label(f"{text.zh}({share})", f"{text.en} ({share})")))
    by = label("pictures.response_of_calls") if plan.weight == "calls" else label("pictures.response_of_people")
    marks, mark_keys = (plan_marks(plan) if planned else today_marks(plan))[:2]
    title = (
        label("pictures.title_after", area=area.name, service=_name(service))
        if planned
        else label("pictures.title_before", area=area.name, service=_name(service))
    )
    total = found.total
    figures = label(
        "pictures.figures_response",
        mean=minutes(total["mean_s"]),
        p90=minutes(total["p90_s"]),
        minutes=f"{found.target_s / 60:g}",
        share=percent(total["share_within_target"]),
    )
    sections = [Section(by, keys), Section(label("pictures.stations"), mark_keys)]
    return Picture(title=title, figures=figures, sections=sections, fills=fills, marks=marks)


def station_picture(plan: Plan, found: Response) -> Picture:
    """Return the stations of the plan by tier and by the phase in which they open."""
    service = plan.area.targets.service[plan.siting_service]
    marks, phase_keys, tier_keys = plan_marks(plan)
    status = "" if plan.solution is None else plan.solution.status
    counted = int((plan.stations["subdistrict_id"] != "").sum())
    outside = len(plan.stations) - counted
    figures = label(
        "pictures.figures_stations",
        stations=count(counted),
        more=label("pictures.more_outside", count=count(outside)) if outside else "",
        minutes=f"{found.target_s / 60:g}",
        share=percent(found.total["share_within_target"]),
        status=VERDICTS.get(status, _plain(status)),
    )
    sections = [Section(label("pictures.stations"), phase_keys)]
    if tier_keys:
        sections.append(Section(label("pictures.tiers"), tier_keys))
    title = label("pictures.title_stations", area=plan.area.name, service=_name(service))
    return Picture(title=title, figures=figures, sections=sections, marks=marks)


def population_picture(area: StudyArea) -> Picture:
    """Return communities, where their outlines are known, else subdistricts, by people per square kilometre."""
    outlines = area.communities[shapely.get_dimensions(area.communities.geometry.to_numpy()) == 2]
    units = outlines if len(outlines) else area.subdistricts
    column = "community_id" if len(outlines) else "subdistrict_id"
    people = area.demand.groupby(column)["population"].sum().reindex(units.index)
    density = (people / (units.area / 1e6)).to_numpy("float64")
    fills, keys = _classed(units, density, "density", fifths, count)
    size_km2 = float(shapely.area(area.boundary)) / 1e6
    figures = label(
        "pictures.figures_population",
        people=count(area.people),
        area_km2=f"{size_km2:,.1f}",
        density=count(area.people / size_km2),
    )
    title = label("pictures.title_population", area=area.name)
    return Picture(title=title, figures=figures, sections=[Section(label("pictures.density"), keys)], fills=fills)


def _classed(
    units: gpd.GeoDataFrame,
    values: npt.NDArray[np.float64],
    ramp: str,
    limits_of: Callable[[npt.NDArray[np.float64]], list[float]],
    write: Callable[..., str],
) -> tuple[list[Fill], list[Key]]:
    """Return units coloured by classes of their figures, with the legend."""
    known = values[~np.isnan(values)]
    limits = limits_of(known) if len(known) else []
    names = [f"{step}" for step in steps(ramp, len(limits))]
    found = np.asarray(classes(values, limits, names))
    shapes = units.geometry.to_numpy()
    decimals = {"decimals": 0} if write is percent and min(np.diff(limits), default=1.0) >= 0.0099 else {}
    ends = [write(value, **decimals) for value in [*([float(known.min())] if len(known) else []), *limits]]
    fills, keys = [], []
    for name, (low, high) in zip(names, pairwise(ends), strict=True):
        colour = RAMPS[ramp][int(name)]
        fills.append(Fill(list(shapes[found == name]), colour))
        keys.append(Key("fill", {"color": colour}, _plain(f"{low} – {high}")))
    if len(known) < len(values):
        fills.append(Fill(list(shapes[found == NO_FIGURE]), GREY))
        keys.append(Key("fill", {"color": GREY}, label("pictures.no_figure")))
    return fills, keys


def _facilities(area: StudyArea, service: Service) -> tuple[list[Marks], list[Key]]:
    """Return the facilities of a service, larger the earlier their kind is named."""
    every = area.facilities_of(service.kinds)
    marks, keys = [], []
    for place, kind in enumerate(service.kinds):
        points = every.geometry[every["kind"] == kind]
        if len(points):
            style = FACILITY | {"markersize": max(6.4 - 1.8 * place, 3.0)}
            marks.append(Marks(list(points), style))
            text = label("pictures.facility", kind=kind_label(kind), count=count(len(points)))
            keys.append(Key("mark", style, text))
    return marks[::-1], keys


def _clipped(cells: npt.NDArray[np.object_], boundary: shapely.Geometry) -> shapely.Geometry:
    return shapely.intersection(shapely.make_valid(shapely.coverage_union_all(cells)), boundary)


def _name(service: Service) -> Label:
    return Label(service.label_zh, service.label_en)


def _plain(text: str) -> Label:
    return Label(text, text)

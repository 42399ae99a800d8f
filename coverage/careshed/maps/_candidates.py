"""Candidate sites that were not chosen, graded by what each would add."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from careshed.maps._layer import Key, MapLayer, shape_layer
from careshed.maps._shapes import Shapes, feature
from careshed.plan import Plan
from careshed.services import RESPONSE_CUTOFF_S
from careshed.wording import OUTSIDE, count
from careshed.words import Label, label

__all__ = ["candidate_layer", "candidate_scores"]

GRADES = (0.1, 0.25, 0.5, 1.0)
"""Shares of the sites, the best first, that get the same dot."""


def candidate_scores(plan: Plan) -> pd.DataFrame:
    """Return what each candidate site that was not chosen would add as one station more.

    Parameters
    ----------
    plan
        What was computed. Sites are added to its stations, to today's where it has none; excluded ones are left out.

    Returns
    -------
    pandas.DataFrame
        Index ``site_id``, best first: ``people_gained`` (newly within the standard), ``saved_s`` (by which the mean
        response falls, seconds) and ``rank``; equal sites share one. Empty where response was not computed.

    Notes
    -----
    People whom nobody reached within the hour are counted with an hour, as in scoring.
    """
    sites = plan.area.candidates
    ids = sites.index[~sites.index.isin(plan.stations.index) & (sites["status"] != "excluded")]
    response = plan.after or plan.before
    if response is None or ids.empty:
        return pd.DataFrame({"people_gained": [], "saved_s": [], "rank": []}, index=ids[:0], dtype="float64")
    service = plan.area.targets.service[plan.siting_service]
    demand = response.demand.reindex(plan.area.demand.index)
    now_s = demand["seconds"].fillna(RESPONSE_CUTOFF_S).to_numpy("float64")
    weight = demand["weight"].to_numpy("float64")
    people = plan.area.demand["population"].to_numpy("float64")
    times = plan.times[plan.siting_service].select(origins=ids)
    site, column, ms = times.pairs()
    point = demand.index.get_indexer(times.destination_ids)[column]
    seconds = ms / 1000 + service.delay_s
    fresh = (seconds <= service.standard_s) & (now_s[point] > service.standard_s)
    gained = np.bincount(site, people[point] * fresh, minlength=len(ids))
    saved = np.bincount(site, weight[point] * np.maximum(now_s[point] - seconds, 0.0), minlength=len(ids))
    table = pd.DataFrame({"people_gained": gained.round(), "saved_s": saved / max(weight.sum(), 1.0)}, index=ids)
    table = table.sort_values(["people_gained", "saved_s"], ascending=False, kind="stable")
    first = ~table.duplicated(["people_gained", "saved_s"])
    table["rank"] = np.maximum.accumulate(np.where(first, np.arange(1, len(table) + 1), 0))
    return table


def candidate_layer(plan: Plan, shapes: Shapes) -> MapLayer | None:
    """Return the sites that were not chosen as dots, larger and darker the more they would add; off at first.

    Parameters
    ----------
    plan
        What was computed.
    shapes
        Of the area's CRS.
    """
    sites = plan.area.candidates
    sites = sites[~sites.index.isin(plan.stations.index)]
    if sites.empty:
        return None
    scores = candidate_scores(plan)
    grades = _grades(scores)
    units = plan.area.subdistricts["name"]
    rows = []
    # the best is drawn last, above the others
    order = [*sites.index.difference(scores.index, sort=False), *scores.index[::-1]]
    sites = sites.loc[order]
    for point, site, row in zip(shapes.points(sites.geometry), order, sites.to_dict("records"), strict=True):
        values = [site, units.get(row["subdistrict_id"], str(OUTSIDE))]
        style = "excluded" if row["status"] == "excluded" else "score-3"
        if site in scores.index:
            score = scores.loc[site]
            style = grades[site]
            values += [
                f"{score['rank']:.0f} / {len(scores)}",
                count(score["people_gained"]),
                f"{score['saved_s']:.1f} s",
            ]
        rows.append(feature(point, k=style, i=site, t=row["name"] or site, v=values))
    titles = [
        str(text)
        for text in (
            label("map.id"),
            label("map.unit"),
            label("map.rank"),
            label("map.adds_people"),
            label("map.saves_time"),
        )
    ]
    name = label("map.candidates")
    layer = shape_layer(rows, pane="points", name=name, show=False, svg=True, titles=titles)
    return MapLayer(name, layer, _keys(scores, grades, [row["properties"]["k"] for row in rows]), _note(plan, scores))


def _grades(scores: pd.DataFrame) -> pd.Series:
    """Return the style of each site by its rank."""
    limits = [math.ceil(share * len(scores)) for share in GRADES]
    return pd.Series([f"score-{int(np.searchsorted(limits, rank))}" for rank in scores["rank"]], index=scores.index)


def _keys(scores: pd.DataFrame, grades: pd.Series, styles: list[str]) -> tuple[Key, ...]:
    keys = []
    for style, own in scores.groupby(grades.to_numpy()):
        text = label("map.ranks", first=f"{own['rank'].min():.0f}", last=f"{own['rank'].max():.0f}")
        figure = f"(+{_span(own['people_gained'], 0)}, −{_span(own['saved_s'], 1)} s)"
        keys.append(Key(str(style), text, "dot", figure))
    if not keys and "score-3" in styles:
        keys.append(Key("score-3", label("map.candidate"), "dot"))
    if "excluded" in styles:
        keys.append(Key("excluded", label("map.excluded"), "dot"))
    return tuple(keys)


def _span(figures: pd.Series, decimals: int) -> str:
    low, high = (f"{end:,.{decimals}f}" for end in (figures.min(), figures.max()))
    return low if low == high else f"{low}–{high}"


def _note(plan: Plan, scores: pd.DataFrame) -> Label | None:
    if scores.empty:
        return None
    base = label("map.base_plan") if plan.after is not None else label("map.base_now")
    minutes = f"{plan.area.targets.service[plan.siting_service].minutes:g}"
    return label("map.candidates_note", base=base, minutes=minutes)

"""Which charts a plan's report has, and what their axes are called."""

from __future__ import annotations

from markupsafe import Markup

from careshed.plan import Plan
from careshed.report._charts import Spread, distribution, draw_frontier, draw_phases
from careshed.report._frontier import Frontier
from careshed.report._stations import stages_of
from careshed.report._tables import stages
from careshed.words import Language, label

__all__ = ["drawings"]


def drawings(plan: Plan, frontier: Frontier | None, language: Language) -> dict[str, Markup]:
    """Draw how people are spread over minutes, what stations could cover, and what the phases reach.

    Parameters
    ----------
    plan
        What was computed.
    frontier
        What is possible without rules.
    language
        Of the page.

    Returns
    -------
    dict
        Those of ``coverage``, ``response``, ``frontier`` and ``phases`` that the plan has figures for.
    """
    charts = {**_coverage(plan, language), **_response(plan, language)}
    reached = stages_of(plan)
    if frontier is not None and reached:
        charts["frontier"] = draw_frontier(frontier, reached, language)
    if reached:
        charts["phases"] = draw_phases(reached, language)
    return charts


def _coverage(plan: Plan, language: Language) -> dict[str, Markup]:
    if plan.coverage is None:
        return {}
    demand = plan.coverage.demand
    weight = plan.area.demand["population"].reindex(demand.index)
    if weight.sum() <= 0:
        return {}
    spread = Spread(label("report.cumulative"), demand["seconds"].to_numpy("float64"), weight.to_numpy("float64"))
    words = (
        label("report.nearest_minutes"),
        label("report.share_of_people"),
        label("report.limit_standard", minutes=f"{plan.coverage.cutoff_s / 60:g}"),
    )
    drawn = distribution([spread], "coverage", limit_s=plan.coverage.cutoff_s, words=words, language=language)
    return {"coverage": drawn}


def _response(plan: Plan, language: Language) -> dict[str, Markup]:
    known = [(name, response) for name, response in reversed(stages(plan)) if response.total["weight"] > 0]
    if not known:
        return {}
    spreads = [
        Spread(name, response.demand["seconds"].to_numpy("float64"), response.demand["weight"].to_numpy("float64"))
        for name, response in known
    ]
    target_s = known[0][1].target_s
    words = (
        label("report.arrival_minutes"),
        label("report.share_of_calls") if plan.weight == "calls" else label("report.share_of_people"),
        label("report.limit_target", minutes=f"{target_s / 60:g}"),
    )
    return {"response": distribution(spreads, "response", limit_s=target_s, words=words, language=language)}

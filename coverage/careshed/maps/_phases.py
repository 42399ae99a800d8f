"""A plan's phases as a reader steps through them: now, and each date with what is open by then."""

from __future__ import annotations

from dataclasses import dataclass

from careshed.plan import Plan
from careshed.wording import count, minutes, percent
from careshed.words import Label, label

__all__ = ["Phase", "phases"]


@dataclass(frozen=True, slots=True)
class Phase:
    """What is there by one date.

    Parameters
    ----------
    by
        ISO date; ``""`` for now.
    name
        What its button says.
    figures
        What it is, and the figure in words.
    """

    by: str
    name: Label
    figures: tuple[tuple[Label, str], ...]


def phases(plan: Plan) -> list[Phase]:
    """Return now and a plan's dated phases; nothing where there are no dates to step through.

    Parameters
    ----------
    plan
        What was computed.
    """
    found = plan.solution
    if found is None or not found.found or plan.brief is None or not all(found.phases["by"]):
        return []
    problem = plan.brief.problem
    weight = float(found.assignment["weight"].sum())
    steps = []
    if plan.before is not None:
        total = plan.before.total
        covered = total["share_within_target"] * total["weight"]
        inside = plan.area.facilities_of(plan.area.targets.service[plan.siting_service].kinds)
        steps.append(_phase("", int((~inside["outside"]).sum()), covered, total["weight"], total["mean_s"], plan))
    for row in found.phases.to_dict("records"):
        # people beyond the cutoff count as at the cutoff there, and are left out of a mean
        near = weight - found.unreachable - row["beyond"]
        mean_s = (row["person_seconds"] - row["beyond"] * problem.cutoff_ms / 1000) / near if near else float("nan")
        steps.append(_phase(str(row["by"]), row["stations"], row["covered"], weight, mean_s, plan))
    return steps


def _phase(by: str, stations: float, covered: float, weight: float, mean_s: float, plan: Plan) -> Phase:
    within = f"{plan.area.targets.service[plan.siting_service].minutes:g}"
    share = covered / weight if weight else float("nan")
    calls = plan.weight == "calls"
    people = label("panel.calls_within", within=within) if calls else label("panel.people_within", within=within)
    figures = (
        (label("panel.stations"), count(stations)),
        (people, f"{count(covered)} ({percent(share)})"),
        (label("panel.mean_response"), f"{minutes(mean_s)} min"),
    )
    return Phase(by, Label(by, "") if by else label("panel.now"), figures)

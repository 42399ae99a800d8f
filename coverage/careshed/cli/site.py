"""The command that sites stations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from careshed.cli import show, showsite
from careshed.cli.base import (
    AreaFolder,
    Basemap,
    Hour,
    Output,
    ProfileFile,
    Stations,
    TimeLimit,
    leave_without_plan,
    plan_of,
    progress,
    read_area,
)
from careshed.cli.show import console, stderr
from careshed.cli.sitemodels import ModelName, check_rules, model_of, parse_minutes, parse_range
from careshed.errors import MissingLayerError

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.area import StudyArea
    from careshed.brief import Ask
    from careshed.plan import Plan
    from careshed.targets import Service

__all__ = ["site"]

_TIME = "TIME"
_MODEL, _RULES, _ANSWERS = "What is sought", "Rules", "Answers beyond the sites"


def site(
    folder: AreaFolder,
    output: Output,
    service: Annotated[str, typer.Option("--service", help="Service of the area's targets.toml.")] = "ems",
    stations: Stations = None,
    time_limit: TimeLimit = None,
    hour: Hour = None,
    profile: ProfileFile = None,
    basemap: Basemap = "none",
    model: Annotated[
        ModelName,
        typer.Option(
            "--model",
            help="mclp: most people covered, then least response. See docs/siting.md.",
            rich_help_panel=_MODEL,
        ),
    ] = ModelName.MCLP,
    within: Annotated[
        str | None,
        typer.Option(
            metavar=_TIME, help="Covered within: 12min, 720s, 12 (min); default the service's.", rich_help_panel=_MODEL
        ),
    ] = None,
    within2: Annotated[
        str | None,
        typer.Option(
            metavar=_TIME, help="dsm: all within; mclp: cover falls to nothing until.", rich_help_panel=_MODEL
        ),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(min=0, max=1, help="dsm: least share within --within.", rich_help_panel=_MODEL)
    ] = None,
    first_weight: Annotated[
        float | None, typer.Option(min=0, max=1, help="bacop2: weight of the first cover.", rich_help_panel=_MODEL)
    ] = None,
    vehicles: Annotated[
        int | None, typer.Option(min=1, help="dsm, mexclp, malp: vehicles in all.", rich_help_panel=_MODEL)
    ] = None,
    per_site: Annotated[
        int | None, typer.Option(min=1, help="dsm, mexclp, malp: most at a station.", rich_help_panel=_MODEL)
    ] = None,
    busy_fraction: Annotated[
        float | None, typer.Option(help="mexclp, malp: share of time a vehicle is busy.", rich_help_panel=_MODEL)
    ] = None,
    reliability: Annotated[
        float | None, typer.Option(help="malp: how surely one is free, such as 0.9.", rich_help_panel=_MODEL)
    ] = None,
    capacity: Annotated[
        int | None, typer.Option(min=1, help="capacitated-…: people a station serves.", rich_help_panel=_MODEL)
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="capacitated-…: share out a demand point.", rich_help_panel=_MODEL)
    ] = False,
    loss: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="relocation: share of coverage given up.", rich_help_panel=_MODEL),
    ] = None,
    reachable_only: Annotated[
        bool,
        typer.Option(
            "--reachable-only", help="lscp, lscp-b, bacop, dsm: leave out whom no site reaches.", rich_help_panel=_MODEL
        ),
    ] = False,
    required: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help='Sites to open: a table of site_id, or {"stations": […]}.', rich_help_panel=_RULES
        ),
    ] = None,
    exclude: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sites never to open, likewise.", rich_help_panel=_RULES)
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Switch a rule off (again for more): min_per_subdistrict, phases, tiers, lead, span, closable, or one "
            "of the targets' siting rules by its name or kind: quota, new, apart, company, budget, worst, floor.",
            rich_help_panel=_RULES,
        ),
    ] = None,
    k_best: Annotated[
        int | None, typer.Option("--k-best", min=1, help="So many best plans that differ.", rich_help_panel=_ANSWERS)
    ] = None,
    frontier: Annotated[
        str | None,
        typer.Option(metavar="FROM-TO", help="A plan for each number of stations: 5-30.", rich_help_panel=_ANSWERS),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="What each rule costs, what each station adds, and how robust the plan is; where there is none, why.",
            rich_help_panel=_ANSWERS,
        ),
    ] = False,
) -> None:
    """Find the best stations under the documents' rules, with proof."""
    from careshed.dossier import Wanted, dossier
    from careshed.publish import write_answers, write_siting

    options: dict[str, Any] = {
        "stations": stations, "within": parse_minutes(within, "--within"),
        "within2": parse_minutes(within2, "--within2"), "alpha": alpha, "first_weight": first_weight,
        "vehicles": vehicles, "per_site": per_site, "busy_fraction": busy_fraction, "reliability": reliability,
        "capacity": capacity, "split": split or None, "loss": loss, "reachable_only": reachable_only or None,
    }  # fmt: skip
    numbers = parse_range(frontier, "--frontier")
    area = read_area(folder)
    planned = _service(area, service)
    sought = model_of(model, planned, options)
    ask = _ask(area, planned, stations, without or [], required, exclude)
    check_rules(model, planned, ask, frontier=numbers is not None)
    plan = plan_of(
        area, ("response", "siting"), siting_service=service, model=sought, ask=ask, time_limit_s=time_limit,
        hour=hour, profile=profile,
    )  # fmt: skip
    wanted = Wanted(k_best or 0, numbers, explain, time_limit)
    with progress() as say:
        say("files and map")
        # what took long to find is on disk before more is asked
        write_siting(plan, output, basemap=basemap)
        found = dossier(plan, wanted, say)
        write_answers(found, output)
    show.response(plan)
    show.stations(plan)
    showsite.answers(found)
    show.scorecard(plan)
    show.unjoined(plan)
    _say_why_unproven(plan, time_limit)
    console.print(f"wrote {escape(str(output))}/: {', '.join(['site.json', 'stations.csv', 'map.html', *found.files])}")
    leave_without_plan(plan)


def _service(area: StudyArea, name: str) -> Service:
    """Return the service, refusing one whose siting the targets don't speak of."""
    from careshed.services import the_service

    service = the_service(area, name)
    if service.siting is None:
        raise MissingLayerError(f"the targets of {area.name} have no [service.{name}.siting]; add it to targets.toml")
    return service


def _ask(
    area: StudyArea,
    service: Service,
    stations: int | None,
    without: list[str],
    required: Path | None,
    exclude: Path | None,
) -> Ask:
    """Return what this run changes in the documents' brief."""
    from careshed.brief import Ask
    from careshed.services import siting_sites
    from careshed.tables import read_site_ids

    known = siting_sites(area, service).index
    ids = {
        name: () if file is None else tuple(read_site_ids(file, known=known))
        for name, file in (("required", required), ("excluded", exclude))
    }
    return Ask(stations=stations, without=tuple(without), **ids)


def _say_why_unproven(plan: Plan, time_limit: float | None) -> None:
    """Say why a plan is not proven: somebody pressed Ctrl-C, or the time was up."""
    solution = plan.solution
    if solution is None or solution.status not in {"feasible", "unknown"}:
        return
    why = "stopped" if time_limit is None else f"stopped within the time limit of {time_limit:g} s"
    what = f"the best plan so far, gap {solution.gap:.2%}" if solution.found else "no plan was found yet"
    stderr.print(f"[yellow]{why}[/]: {what}", soft_wrap=True)

"""The command line: one command for each thing a planner does.

Exit codes: 0 done; 1 ``check`` found that the area can't be planned; 2 wrong
input, said in one sentence; 3 no plan meets the rules, with the reason.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from careshed.cli import consolidate, districts, plot, show, site, times
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
    write_part,
)
from careshed.cli.show import console, stderr
from careshed.errors import CareshedError, InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="careshed",
    help="Plan health service coverage, from a road network to a proven station plan on a map.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
CoverageService = Annotated[str, typer.Option("--service", help="Service of the area's targets.toml.")]


def main() -> None:
    """Run the command line; an error of ours is one sentence and exit code 2."""
    try:
        app()
    except CareshedError as error:
        stderr.print(f"[bold red]careshed:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    except OSError as error:
        stderr.print(f"[bold red]careshed:[/] {escape(_os_sentence(error))}", soft_wrap=True)
        sys.exit(2)


def _os_sentence(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}; check the path, its rights and the space left on the disk"


def _version(value: bool) -> None:  # noqa: FBT001 - typer's callback
    if value:
        console.print(f"careshed {installed_version('careshed')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Take the options that go before a command."""


@app.command()
def build(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="AREA", help="Folder of the new study area.")],
    pbf: Annotated[
        Path | None,
        typer.Option(
            "--pbf", metavar="FILE", help="Roads: .osm.pbf, .osm, .osm.gz, .graphml (OSMnx) or .gpkg of edges."
        ),
    ] = None,
    place: Annotated[
        str | None, typer.Option(help="Download from OpenStreetMap instead, such as 北京市西城区.")
    ] = None,
    subdistricts: Annotated[Path | None, typer.Option(metavar="FILE", help="Polygons of the units 街道/乡镇.")] = None,
    communities: Annotated[
        str | None, typer.Option(metavar="FILE[:DATUM]", help="Points or polygons of communities 社区.")
    ] = None,
    facilities: Annotated[
        str | None, typer.Option(metavar="FILE[:DATUM]", help="Health facilities; DATUM is wgs84, gcj02 or bd09.")
    ] = None,
    candidates: Annotated[
        str | None, typer.Option(metavar="FILE[:DATUM]", help="Candidate sites; generated where not given.")
    ] = None,
    population: Annotated[
        str | None, typer.Option(metavar="FILE[:DATUM]", help="People: points, or a GeoTIFF raster.")
    ] = None,
    calls: Annotated[
        str | None, typer.Option(metavar="FILE[:DATUM]", help="Emergency calls; they weight response times.")
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(metavar="FILE", help="targets.toml of the planning documents.")
    ] = None,
    elevation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Metres above the sea, a GeoTIFF: walking is slower on slopes.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the area, for people.")] = "",
    strict: Annotated[bool, typer.Option(help="End with an error when any row is rejected.")] = False,
    n_candidates: Annotated[int, typer.Option(min=1, help="Candidate sites to generate where none are given.")] = 150,
    admin_level: Annotated[int, typer.Option(min=2, max=11, help="--place: OSM admin_level of the units.")] = 8,
    buffer_m: Annotated[float, typer.Option(min=0, help="Roads so far beyond the boundary, metres.")] = 6000,
    overpass_url: Annotated[str | None, typer.Option(help="--place: another Overpass API.")] = None,
    nominatim_url: Annotated[str | None, typer.Option(help="--place: another Nominatim.")] = None,
    cache: Annotated[Path | None, typer.Option(help="--place: keep downloads in this folder.")] = None,
    timeout_s: Annotated[int, typer.Option(min=1, help="--place: give a request up after so many seconds.")] = 180,
) -> None:
    """Make a study area from files, or from OpenStreetMap by the name of a place."""
    from careshed.build import Files, build_area, build_place
    from careshed.osm import MapServices

    if (pbf is None) is (place is None):
        raise InputError("give the roads as --pbf FILE or the name of a --place to download, one of the two")
    files = Files(
        subdistricts=subdistricts,
        communities=communities,
        facilities=facilities,
        candidates=candidates,
        population=population,
        calls=calls,
        targets=targets,
        elevation=elevation,
    )
    common: dict[str, Any] = {"name": name, "strict": strict, "n_candidates": n_candidates, "buffer_m": buffer_m}
    with progress() as say:
        if pbf is not None:
            area = build_area(pbf, **common, progress=say, **files)
        else:
            chosen = {"overpass_url": overpass_url, "nominatim_url": nominatim_url, "cache_folder": cache}
            given: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
            services = MapServices(timeout_s=timeout_s, **given)
            common |= {"admin_level": admin_level, "services": services}
            area = build_place(str(place), **common, progress=say, **files)
        area.write(output, targets_toml=targets)
    show.area(area)
    console.print(f"wrote {escape(str(output))}/; next: careshed check {escape(str(output))}")


@app.command()
def template(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the sheets.")]) -> None:
    """Write blank sheets with a data dictionary in Chinese and English."""
    from careshed.template import write_templates

    for file in write_templates(folder):
        console.print(f"wrote {escape(str(file))}")


@app.command()
def synthesize(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="recipe.toml of a synthetic district.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="AREA", help="Folder of the new study area.")],
) -> None:
    """Make a synthetic study area from its recipe, the same byte for byte each time."""
    from careshed.synthetic import synthesize as make

    with progress() as say:
        say(f"synthesizing {recipe}")
        area = make(recipe)
        area.write(output)
    show.area(area)


@app.command()
def check(
    folder: AreaFolder,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the findings as CSV.")
    ] = None,
) -> None:
    """Audit an area; ends with 1 when it can't be planned."""
    from careshed._checks import new_file
    from careshed.audit import audit

    findings = audit(read_area(folder))
    show.findings(findings.table, title=str(folder))
    if output is not None:
        with new_file(output) as new:
            findings.table.to_csv(new, index=False, encoding="utf-8-sig", lineterminator="\n")
    if not findings.plannable:
        stderr.print("[bold red]the area can't be planned[/]: mend the errors above")
        raise typer.Exit(1)
    console.print("the area can be planned")


@app.command("coverage")
def coverage_command(
    folder: AreaFolder,
    output: Output,
    service: CoverageService = "chc",
    hour: Hour = None,
    profile: ProfileFile = None,
    basemap: Basemap = "none",
) -> None:
    """Show who is within the minutes of the existing facilities: communities, people, area, streets."""
    plan = plan_of(read_area(folder), ("coverage",), coverage_service=service, hour=hour, profile=profile)
    write_part(plan, output, "coverage", basemap)
    show.coverage(plan)
    show.scorecard(plan)
    show.unjoined(plan)


@app.command("response")
def response_command(
    folder: AreaFolder,
    output: Output,
    service: CoverageService = "ems",
    hour: Hour = None,
    profile: ProfileFile = None,
    basemap: Basemap = "none",
) -> None:
    """Show how soon the existing stations arrive: mean, median, 90th percentile, share in time."""
    plan = plan_of(read_area(folder), ("response",), siting_service=service, hour=hour, profile=profile)
    write_part(plan, output, "response", basemap)
    show.response(plan)
    show.scorecard(plan)
    show.unjoined(plan)


app.command("site")(site.site)
app.command("plot")(plot.plot)


@app.command("plan")
def plan_command(
    folder: AreaFolder,
    output: Output,
    stations: Stations = None,
    time_limit: TimeLimit = None,
    hour: Hour = None,
    profile: ProfileFile = None,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the report.")] = "zh",
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the report as PDF too, by the Chromium installed.")] = False,
    basemap: Basemap = "none",
) -> None:
    """Do all of it: coverage, response, siting, map and report."""
    from careshed.plan import PARTS
    from careshed.publish import write_plan
    from careshed.report import find_browser

    if pdf:
        find_browser()  # what is asked for and can't be done is said before anything is computed
    plan = plan_of(read_area(folder), PARTS, stations=stations, time_limit_s=time_limit, hour=hour, profile=profile)
    with progress() as say:
        say("map and report")
        write_plan(plan, output, language=lang, pdf=pdf, basemap=basemap)
    show.coverage(plan)
    show.response(plan)
    show.stations(plan)
    show.scorecard(plan)
    show.unjoined(plan)
    console.print(f"wrote {escape(str(output))}/ in all {plan.runtime_s:.1f} s: open map.html and report.html")
    leave_without_plan(plan)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="OUT1", help="Folder of one plan.")],
    second: Annotated[Path, typer.Argument(metavar="OUT2", help="Folder of another.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the table as CSV.")
    ] = None,
) -> None:
    """Set two plans side by side."""
    from careshed._checks import new_file
    from careshed.compare import compare_plans

    figures = compare_plans(first, second)
    show.comparison(figures, str(first), str(second))
    if output is not None:
        with new_file(output) as new:
            figures.to_csv(new, encoding="utf-8-sig", lineterminator="\n")


@app.command()
def score(
    folder: AreaFolder,
    candidates: Annotated[
        str, typer.Argument(metavar="CANDIDATES[:DATUM]", help="Table of sites: id, longitude, latitude.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="scores.parquet or scores.csv.")],
    service: CoverageService = "chc",
    hour: Hour = None,
    profile: ProfileFile = None,
    strict: Annotated[bool, typer.Option(help="End with an error when any row is rejected.")] = False,
) -> None:
    """Score candidate sites one by one: who is newly covered, time saved, overlap, rank."""
    from careshed.network import read_profile
    from careshed.scoring import score_file

    model = None if profile is None else read_profile(profile)
    area = read_area(folder)
    with progress() as say:
        scores = score_file(
            area, candidates, output, service=service, hour=hour, profile=model, strict=strict, progress=say
        )
    show.scores(scores)
    console.print(f"assumed: {escape(scores.speeds)}", style="dim")
    console.print(f"scored {scores.scored:,} sites, rejected {len(scores.rejected):,}; wrote {escape(str(output))}")


app.command()(times.isochrones)
app.command("times")(times.times)
app.command()(times.calibrate)
app.command()(districts.districts)
app.command()(consolidate.consolidate)

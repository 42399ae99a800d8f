"""The command that draws static pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from careshed.cli.base import (
    AreaFolder,
    Hour,
    ProfileFile,
    Stations,
    TimeLimit,
    leave_without_plan,
    plan_of,
    progress,
    read_area,
)
from careshed.cli.show import console

__all__ = ["plot"]


Theme = Literal["coverage", "isochrones", "response", "stations", "population"]

PARTS: dict[Theme, tuple[str, ...]] = {
    "coverage": ("coverage",),
    "isochrones": ("coverage",),
    "response": ("response",),
    "stations": ("response", "siting"),
}
"""Theme → the parts of a plan that it is drawn from."""


def plot(
    folder: AreaFolder,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="FILE.png, .svg or .pdf.")],
    what: Annotated[
        Theme, typer.Option(help="response: of the stations of today; stations: the plan's, by tier and phase.")
    ] = "coverage",
    service: Annotated[
        str | None, typer.Option("--service", help="Service of the area's targets.toml; default chc, for stations ems.")
    ] = None,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the text.")] = "zh",
    width_mm: Annotated[float, typer.Option(min=120, max=420, help="Width on paper, millimetres.")] = 180,
    dpi: Annotated[int, typer.Option(min=50, max=600, help="Dots per inch of a PNG.")] = 300,
    stations: Stations = None,
    time_limit: TimeLimit = None,
    hour: Hour = None,
    profile: ProfileFile = None,
) -> None:
    """Draw a picture for a paper: a map with legend, scale, north and sources."""
    from careshed.pictures import picture_suffix, plot_population, save_picture, write_picture

    picture_suffix(output)  # before anything is computed
    area = read_area(folder)
    if what == "population":
        save_picture(plot_population(area, language=lang, width_mm=width_mm), output, dpi=dpi)
    else:
        side = "siting_service" if what in {"response", "stations"} else "coverage_service"
        chosen = {} if service is None else {side: service}
        plan = plan_of(
            area, PARTS[what], stations=stations, time_limit_s=time_limit, hour=hour, profile=profile, **chosen
        )
        leave_without_plan(plan)
        with progress() as say:
            say(f"drawing {output.name}")
            write_picture(plan, output, what=what, language=lang, width_mm=width_mm, dpi=dpi)
    console.print(f"wrote {escape(str(output))}")

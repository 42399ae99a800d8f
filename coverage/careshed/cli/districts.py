"""The command that divides an area among core hospitals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from careshed.cli.base import AreaFolder, Hour, ProfileFile, progress, read_area
from careshed.cli.show import console, stderr
from careshed.errors import InputError

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.districts import Districting

__all__ = ["districts"]

INFEASIBLE = 3
_SHOWN = 20
"""Units of a district that are printed; all are in a file."""


def districts(
    folder: AreaFolder,
    cores: Annotated[
        str,
        typer.Option(
            metavar="FILE[:DATUM]",
            help="Table of cores: id, name, longitude, latitude; or ids of the area's facilities.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder to write into.")],
    units: Annotated[
        str, typer.Option(help="What is attached: subdistricts, communities or centres.")
    ] = "subdistricts",
    tolerance: Annotated[
        float, typer.Option(min=0, help="People of a district may be so far from the mean, as a share of it.")
    ] = 0.15,
    most_equal: Annotated[
        bool, typer.Option("--most-equal", help="Instead of a tolerance: as equal as can be, then compact.")
    ] = False,
    mode: Annotated[str, typer.Option(help="drive or walk.")] = "drive",
    time_limit: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Stop with the best so far and its true gap.")
    ] = None,
    hour: Hour = None,
    profile: ProfileFile = None,
) -> None:
    """Attach subdistricts, communities or health centres to core hospitals: connected, balanced, compact, proven."""
    from careshed.districts import make_districts, read_cores
    from careshed.handout import write_districts
    from careshed.network import read_profile

    if mode not in ("walk", "drive"):
        raise InputError(f"--mode is {mode!r}; expected walk or drive")
    model = None if profile is None else read_profile(profile)
    area = read_area(folder)
    places, notes = read_cores(area, cores)
    for note in notes:
        stderr.print(escape(note), soft_wrap=True)
    with progress() as say:
        made = make_districts(
            area, places, units=units, tolerance=None if most_equal else tolerance,
            mode="walk" if mode == "walk" else "drive", profile=model, hour=hour, time_limit_s=time_limit, progress=say,
        )  # fmt: skip
        say("files and map")
        write_districts(made, output)
    _show(made, mode)
    console.print(f"wrote {escape(str(output))}/")
    for conflict in made.found.reason:
        stderr.print(f"[bold red]no districts[/] ({conflict.rule}): {escape(conflict.text.en)}", soft_wrap=True)
        stderr.print(f"  remedy: {escape(conflict.remedy.en)}", soft_wrap=True)
    if made.found.reason:
        raise typer.Exit(INFEASIBLE)


def _show(made: Districting, mode: str) -> None:
    """Print the districts and their proof."""
    found = made.found
    console.print(f"assumed: {escape(made.assumptions[f'{mode} speeds'])}", style="dim")
    if len(made.times.rejected):
        stderr.print(f"[yellow]{len(made.times.rejected):,} points of people lie too far from any street[/]")
    if made.homeless:
        stderr.print(f"[yellow]{made.homeless:,} people belong to none of the {made.kind}[/] and to no district")
    if found.loads.empty:
        return
    table = Table("core", made.kind, "people", "from the mean", "mean time", "farthest unit", title="districts")
    for row in found.loads.to_dict("records"):
        minutes = (f"{row[column] / 60_000:.1f} min" for column in ("mean_cost", "most_cost"))
        figures = (str(row["units"]), f"{row['weight']:,}", f"{row['deviation']:+.1%}")
        table.add_row(escape(row["name"]), *figures, *minutes)
    console.print(table)
    for core, name in found.loads["name"].items():
        own = found.assignment["name"][found.assignment["core_id"] == core]
        more = f" … and {len(own) - _SHOWN} more, see districts.csv" if len(own) > _SHOWN else ""
        console.print(escape(f"{name}: {'、'.join(own.head(_SHOWN))}{more}"), soft_wrap=True)
    proof = Table("level", "objective", "bound", "gap", "status", title=f"proof: {found.status}, gap {found.gap:g}")
    for level in found.levels:
        # person-milliseconds are shown as person-hours
        unit, word = (3_600_000, "compact, person-hours") if level.name == "compact" else (1, "deviation, people")
        value, bound = f"{level.objective / unit:,.1f}", f"{level.bound / unit:,.1f}"
        proof.add_row(word, value, bound, f"{level.gap:g}", level.status)
    console.print(proof)

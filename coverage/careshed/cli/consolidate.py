"""The command that says which facilities of a service can close."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from careshed.cli.base import AreaFolder, Hour, ProfileFile, progress, read_area
from careshed.cli.show import console, stderr

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.consolidation import Closing

__all__ = ["consolidate"]

_SHOWN = 15
"""Communities that are printed; all are in a file."""


def consolidate(
    folder: AreaFolder,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder to write into.")],
    service: Annotated[str, typer.Option(help="Service of the area's targets.toml.")] = "chc",
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table of facilities that stay open: ids or names.")
    ] = None,
    lose: Annotated[
        str,
        typer.Option(
            help="What may not lose cover. people: nobody within the minutes now is beyond them afterwards; "
            "communities: every community that meets the standard now does so afterwards."
        ),
    ] = "people",
    time_limit: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Stop with the best so far and its true gap.")
    ] = None,
    hour: Hour = None,
    profile: ProfileFile = None,
) -> None:
    """Find the most facilities that can close without loss of cover, and who walks further then."""
    from careshed.consolidation import make_closing, read_kept
    from careshed.handout import write_closing
    from careshed.network import read_profile

    model = None if profile is None else read_profile(profile)
    area = read_area(folder)
    kept = None if keep is None else read_kept(area, keep)
    with progress() as say:
        made = make_closing(
            area, service=service, keep=kept, lose=lose, profile=model, hour=hour, time_limit_s=time_limit, progress=say
        )
        write_closing(made, output)
    _show(made)
    console.print(f"wrote {escape(str(output))}/")


def _show(made: Closing) -> None:
    """Print what can close, who walks further, and the proof."""
    found, facilities = made.found, made.facilities
    minutes = f"{found.standard_s / 60:g}"
    for mode in ("walk", "drive"):
        if text := made.assumptions.get(f"{mode} speeds"):
            console.print(f"assumed: {escape(text)}", style="dim")
    if len(made.times.rejected):
        stderr.print(f"[yellow]{len(made.times.rejected):,} points lie too far from any street[/]")
    closed = facilities[facilities["closed"]]
    table = Table(
        "facility", "name", "subdistrict", "people", f"only one within {minutes} min",
        title=f"{len(closed)} of {len(facilities)} can close together, {facilities['alone'].sum()} one at a time",
        caption=_promise(made),
    )  # fmt: skip
    for own, row in zip(closed.index, closed.to_dict("records"), strict=True):
        figures = (f"{row['people']:,}", f"{row['only']:,}")
        table.add_row(*map(escape, (str(own), row["name"], row["subdistrict"])), *figures)
    console.print(table)
    _show_further(made)
    proof = Table("level", "objective", "bound", "gap", "status", title=f"proof: {found.status}, gap {found.gap:g}")
    for level in found.levels:
        word = {"kept": "facilities kept", "moved": "people whose nearest closes"}[level.name]
        proof.add_row(word, f"{level.objective:,.0f}", f"{level.bound:,.0f}", f"{level.gap:g}", level.status)
    console.print(proof)


def _promise(made: Closing) -> str:
    """Say what is not lost, in numbers."""
    now, then = made.shares.loc["now"], made.shares.loc["then"]
    return (
        f"no {'person' if made.found.lose == 'people' else 'community'} loses cover: people within "
        f"{made.found.standard_s / 60:g} min {now['people']:,} → {then['people']:,}, communities that meet the "
        f"standard {now['communities']:,} → {then['communities']:,}"
    )


def _show_further(made: Closing) -> None:
    further, communities = made.found.further, made.communities
    if further.empty:
        console.print("nobody walks further")
        return
    longest = communities.sort_values(["most_s", "people"], ascending=False)
    table = Table(
        "community", "subdistrict", "people", "mean now", "mean then", "longest then",
        title=f"{further['weight'].sum():,} people of {len(communities)} communities go further",
    )  # fmt: skip
    for row in longest.head(_SHOWN).to_dict("records"):
        times = (_minutes(row[column]) for column in ("before_s", "after_s", "most_s"))
        table.add_row(escape(row["name"]), escape(row["subdistrict"]), f"{row['people']:,}", *times)
    console.print(table)
    if len(longest) > _SHOWN:
        console.print(f"… and {len(longest) - _SHOWN:,} more communities, see consolidate-communities.csv")
    beyond = int(communities["beyond"].sum())
    if beyond:
        stderr.print(f"[yellow]{beyond:,} people have none within {made.times.cutoff_s / 60:g} min any more[/]")


def _minutes(seconds: float) -> str:
    return "–" if seconds != seconds else f"{seconds / 60:.1f} min"  # noqa: PLR0124 - NaN

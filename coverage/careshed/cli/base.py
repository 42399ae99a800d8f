"""What commands share: the area they read, the step they show, the plan they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from careshed.cli import show, showsite
from careshed.cli.show import stderr

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.area import StudyArea
    from careshed.plan import Plan
    from careshed.reach import Streaming

__all__ = [
    "AreaFolder",
    "Basemap",
    "Hour",
    "Output",
    "ProfileFile",
    "Stations",
    "TimeLimit",
    "leave_without_plan",
    "plan_of",
    "progress",
    "read_area",
    "streaming",
    "write_part",
]

INFEASIBLE = 3
PAUSE_S = 5.0
"""Seconds between two lines of figures of one solver, where they are not shown live."""


def _basemap(name: str) -> str:
    """Refuse a base map that is unknown or lacks its key before anything is computed."""
    if name != "none":
        from careshed.maps import basemap_of

        basemap_of(name)
    return name


AreaFolder = Annotated[Path, typer.Argument(metavar="AREA", help="Folder of a study area, such as data/xicheng.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder to write into.")]
Hour = Annotated[
    int | None, typer.Option(min=0, max=23, help="Speeds of this hour of the day (8: 8:00 to 8:59); default free flow.")
]
ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="profile.toml of speeds and delays; see docs/time-model.md."),
]
Basemap = Annotated[
    str,
    typer.Option(
        metavar="none|osm|carto|amap|tianditu",
        callback=_basemap,
        help="Online tiles under the map; none: the map asks nothing of any host. amap moves all layers to GCJ-02; "
        "tianditu takes its key from TIANDITU_KEY, and the key stands in the map that is written.",
    ),
]
Stations = Annotated[int | None, typer.Option(min=1, help="Stations in all, instead of the targets' figure.")]
TimeLimit = Annotated[
    float | None, typer.Option(min=1, metavar="SECONDS", help="Stop with the best plan so far and its true gap.")
]


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show the step at work: a live line in a terminal, a line a step elsewhere."""
    if not stderr.is_terminal:
        yield _Steps()
        return
    with stderr.status("starting") as status:
        yield lambda text: status.update(escape(text))


class _Steps:
    """Prints each step; of a solver's figures a line now and then."""

    def __init__(self) -> None:
        self.head, self.at = "", 0.0

    def __call__(self, text: str) -> None:
        head, now = text.partition(":")[0], monotonic()
        if ", bound " in text and head == self.head and now < self.at + PAUSE_S:
            return
        self.head, self.at = head, now
        stderr.print(escape(text), soft_wrap=True)


@contextmanager
def streaming() -> Iterator[Callable[[Streaming], None]]:
    """Show how far streamed travel times are: a bar in a terminal, a line each twentieth of the way elsewhere."""
    if not stderr.is_terminal:
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("origins,"))
    more = (TextColumn("{task.fields[pairs]:,} pairs,"), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, *more, console=stderr) as bar:
        task = bar.add_task("times", total=None, pairs=0)

        def tell(at: Streaming) -> None:
            if bar.tasks[0].total is None:
                _say_kept(at)
                # what an earlier run did says nothing about this one's speed
                bar.reset(task, total=at.origins, completed=at.done, pairs=at.pairs)
            bar.update(task, completed=at.done, pairs=at.pairs)

        yield tell


def _say_kept(at: Streaming) -> None:
    if at.kept:
        stderr.print(f"kept {at.kept:,} origins of an earlier run; --no-resume does them again", soft_wrap=True)


class _Lines:
    """Say how far it is in lines, twenty of them at most."""

    def __init__(self) -> None:
        self._begun, self._said = monotonic(), -1

    def __call__(self, at: Streaming) -> None:
        if self._said < 0:
            _say_kept(at)
        part = 20 * at.done // max(at.origins, 1)
        if part == self._said:
            return
        self._said = part
        left = ""
        if at.kept < at.done < at.origins:
            left = f", about {(monotonic() - self._begun) / (at.done - at.kept) * (at.origins - at.done):.0f} s left"
        stderr.print(f"{at.done:,} of {at.origins:,} origins, {at.pairs:,} pairs{left}", soft_wrap=True)


def read_area(folder: Path) -> StudyArea:
    """Read an area, and say so where it is synthetic."""
    from careshed.area import StudyArea

    area = StudyArea.read(folder)
    if area.synthetic:
        stderr.print(
            f"[yellow]{escape(area.name)}: SYNTHETIC data (合成数据); figures show the method, not the place[/]"
        )
    return area


def plan_of(area: StudyArea, parts: tuple[str, ...], *, profile: Path | None = None, **options: Any) -> Plan:
    """Make a plan of an area, with the profile of a file, and print the speeds it was made with."""
    from careshed.network import read_profile
    from careshed.plan import make_plan

    model = None if profile is None else read_profile(profile)
    with progress() as say:
        plan = make_plan(area, parts=parts, progress=say, profile=model, **options)
    show.speeds(plan)
    return plan


def write_part(plan: Plan, output: Path, part: str, basemap: str) -> None:
    """Write the files of one part."""
    from careshed.publish import write_part as write

    with progress() as say:
        say("files and map")
        write(plan, output, part, basemap=basemap)


def leave_without_plan(plan: Plan) -> None:
    """Leave with 3 where no plan meets the rules, and say why."""
    if plan.solution is None or plan.solution.found:
        return
    showsite.conflicts(plan.solution)
    raise typer.Exit(INFEASIBLE)

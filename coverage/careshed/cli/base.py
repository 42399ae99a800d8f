"""What commands share: the area they read, the step they show, the plan they make."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from careshed.cli import show, showsite
from careshed.cli.show import stderr

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.area import StudyArea
    from careshed.plan import Plan

__all__ = [
    "AreaFolder",
    "Hour",
    "Output",
    "ProfileFile",
    "Stations",
    "TimeLimit",
    "leave_without_plan",
    "plan_of",
    "progress",
    "read_area",
    "write_part",
]

INFEASIBLE = 3
PAUSE_S = 5.0
"""Seconds between two lines of figures of one solver, where they are not shown live."""

AreaFolder = Annotated[Path, typer.Argument(metavar="AREA", help="Folder of a study area, such as data/xicheng.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder to write into.")]
Hour = Annotated[
    int | None, typer.Option(min=0, max=23, help="Speeds of this hour of the day (8: 8:00 to 8:59); default free flow.")
]
ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="profile.toml of speeds and delays; see docs/time-model.md."),
]
Stations = Annotated[int | None, typer.Option(min=1, help="Stations in all, instead of the targets' figure.")]
TimeLimit = Annotated[
    float | None, typer.Option(min=1, metavar="SECONDS", help="Stop with the best plan so far and its true gap.")
]


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show the step at work: a live line in a terminal, a line a step elsewhere."""
    if not stderr.is_terminal:
        yield _Lines()
        return
    with stderr.status("starting") as status:
        yield lambda text: status.update(escape(text))


class _Lines:
    """Prints each step; of a solver's figures a line now and then."""

    def __init__(self) -> None:
        self.head, self.at = "", 0.0

    def __call__(self, text: str) -> None:
        head, now = text.partition(":")[0], time.monotonic()
        if ", bound " in text and head == self.head and now < self.at + PAUSE_S:
            return
        self.head, self.at = head, now
        stderr.print(escape(text), soft_wrap=True)


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


def write_part(plan: Plan, output: Path, part: str) -> None:
    """Write the files of one part."""
    from careshed.publish import write_part as write

    with progress() as say:
        say("files and map")
        write(plan, output, part)


def leave_without_plan(plan: Plan) -> None:
    """Leave with 3 where no plan meets the rules, and say why."""
    if plan.solution is None or plan.solution.found:
        return
    showsite.conflicts(plan.solution)
    raise typer.Exit(INFEASIBLE)

"""What commands share: the area they read, the step they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from careshed.cli.show import stderr

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.area import StudyArea
    from careshed.reach import Streaming

__all__ = ["AreaFolder", "Hour", "ProfileFile", "progress", "read_area", "streaming"]

AreaFolder = Annotated[Path, typer.Argument(metavar="AREA", help="Folder of a study area, such as data/xicheng.")]
Hour = Annotated[
    int | None, typer.Option(min=0, max=23, help="Speeds of this hour of the day (8: 8:00 to 8:59); default free flow.")
]
ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="profile.toml of speeds and delays; see docs/time-model.md."),
]


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show the step at work: a spinner in a terminal, a line a step elsewhere."""
    if not stderr.is_terminal:
        yield lambda text: stderr.print(escape(text), soft_wrap=True)
        return
    with stderr.status("starting") as status:
        yield lambda text: status.update(escape(text))


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

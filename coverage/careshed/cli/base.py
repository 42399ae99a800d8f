"""What commands share: the area they read, the step they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from careshed.cli.show import stderr

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.area import StudyArea

__all__ = ["AreaFolder", "Hour", "ProfileFile", "progress", "read_area"]

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


def read_area(folder: Path) -> StudyArea:
    """Read an area, and say so where it is synthetic."""
    from careshed.area import StudyArea

    area = StudyArea.read(folder)
    if area.synthetic:
        stderr.print(
            f"[yellow]{escape(area.name)}: SYNTHETIC data (合成数据); figures show the method, not the place[/]"
        )
    return area

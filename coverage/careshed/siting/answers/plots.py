"""Frontiers as figures: matplotlib objects without global state, the same bytes for the same table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from careshed._checks import require_columns
from careshed.errors import InputError

__all__ = ["FRONTIER", "TRADEOFF", "Words", "draw_frontier", "draw_tradeoff", "save_figure"]

COLOUR, FAINT, MARK = "#0b5394", "#6e7781", "#a40e26"
SIZE = (7.2, 4.2)
"""Inches."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is written into a figure.

    Attributes
    ----------
    x, y
        Axes, with units.
    plan, bound, open_
        Legend: a proven plan, the band up to the bound, and a plan that is not proven.
    second
        A second axis; ``''``: none is drawn.
    fonts
        Font families, tried in order; a text in Chinese needs one that has it.
    """

    x: str
    y: str
    plan: str = "proven plan"
    bound: str = "not ruled out"
    open_: str = "plan, not proven"
    second: str = ""
    fonts: Sequence[str] = ("DejaVu Sans",)


FRONTIER = Words("stations", "people within the standard", second="mean response, min")
TRADEOFF = Words("people within the standard, %", "mean response, min")


def draw_frontier(frontier: pd.DataFrame, *, words: Words = FRONTIER, chosen: int | None = None) -> Figure:
    """Draw coverage against the number of stations, with its bounds as a band.

    Parameters
    ----------
    frontier
        Table of :func:`careshed.siting.answers.frontier.frontier` with a level ``covered``.
    words
        What is written.
    chosen
        Number of stations to mark.

    Returns
    -------
    matplotlib.figure.Figure
        For :func:`save_figure`.
    """
    require_columns(frontier, {"covered", "covered_bound", "mean_response_s", "status"}, what="the table of a frontier")
    some = frontier[frontier["status"].isin(["optimal", "feasible"])]
    with mpl.rc_context(_style(words)):  # type: ignore[arg-type]
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        _plans(axes, some.index.to_series(), some["covered"], some["covered_bound"], some["status"], words)
        if chosen is not None:
            axes.axvline(chosen, color=MARK, linestyle="--", linewidth=1.2)
        axes.set(xlabel=words.x, ylabel=words.y)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        handles, labels = axes.get_legend_handles_labels()
        if words.second:
            other = axes.twinx()
            (line,) = other.plot(
                some.index, some["mean_response_s"] / 60, color=FAINT, linestyle=(0, (4, 2)), marker=".", linewidth=1.2
            )
            other.set_ylabel(words.second, color=FAINT)
            handles, labels = [*handles, line], [*labels, words.second]
        axes.legend(handles, labels, loc="center right", frameon=True, framealpha=0.9, edgecolor="none")
    return figure


def draw_tradeoff(tradeoff: pd.DataFrame, *, words: Words = TRADEOFF) -> Figure:
    """Draw mean response against coverage, with its bounds as a band.

    Parameters
    ----------
    tradeoff
        Table of :func:`careshed.siting.answers.tradeoff.tradeoff`.
    words
        What is written; `second` is not.

    Returns
    -------
    matplotlib.figure.Figure
        For :func:`save_figure`.
    """
    require_columns(tradeoff, {"covered_share", "mean_response_s", "mean_bound_s"}, what="the table of a trade-off")
    some = tradeoff[tradeoff["status"].isin(["optimal", "feasible"])]
    with mpl.rc_context(_style(words)):  # type: ignore[arg-type]
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        minutes, bound = some["mean_response_s"] / 60, some["mean_bound_s"] / 60
        _plans(axes, 100 * some["covered_share"], minutes, bound, some["status"], words)
        axes.set(xlabel=words.x, ylabel=words.y)
        axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
    return figure


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as SVG or PNG, by the ending of its name.

    Letters of an SVG are shapes: it needs no font where it is read. The same figure gives the same bytes.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("svg", "png"):
        raise InputError(f"{path.name}: figures are written as .svg or .png; choose one of these endings")
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "careshed"}):
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    path.write_bytes(buffer.getvalue())
    return path


def _style(words: Words) -> dict[str, object]:
    """Return matplotlib's settings for a figure."""
    return {
        "font.family": [*words.fonts],
        "font.size": 9,
        "axes.spines.top": False,
        "axes.unicode_minus": False,
    }


def _plans(axes: Axes, x: pd.Series, y: pd.Series, bound: pd.Series, status: pd.Series, words: Words) -> None:
    """Draw plans as a line, their bounds as a band, and those that are not proven hollow."""
    across, found, proven = x.to_numpy(dtype=float), y.to_numpy(dtype=float), (status == "optimal").to_numpy()
    limit = bound.to_numpy(dtype=float)
    if len(across) and not proven.all():
        axes.fill_between(across, found, limit, color=COLOUR, alpha=0.18, linewidth=0, label=words.bound)
    axes.plot(across, found, color=COLOUR, linewidth=1.4)
    if proven.any():
        axes.plot(across[proven], found[proven], color=COLOUR, linestyle="none", marker="o", label=words.plan)
    if not proven.all():
        axes.plot(
            across[~proven], found[~proven], color=COLOUR, linestyle="none", marker="o", markerfacecolor="white",
            label=words.open_,
        )  # fmt: skip

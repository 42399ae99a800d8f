"""Charts of the report: SVG drawn by matplotlib, the same bytes for the same plan."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from careshed.fonts import chinese_font
from careshed.report._frontier import Frontier
from careshed.report._stations import Stage
from careshed.wording import Label, minutes, percent
from careshed.words import Language, label

__all__ = ["Spread", "distribution", "draw_frontier", "draw_phases"]

Floats = npt.NDArray[np.float64]

INK, BLUE, GREY, RED = "#1f2328", "#0b5394", "#6e7781", "#a40e26"
WIDTH = 8.6
"""Inches."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How people are spread over minutes.

    Parameters
    ----------
    label
        What is shown.
    seconds
        One for each point; NaN is later than any other.
    weight
        People or calls of each.
    """

    label: Label
    seconds: Floats
    weight: Floats


class _Pen:
    """Writes in the language of the page, or in English where no font has its letters."""

    def __init__(self, language: Language, words: Iterable[Label]) -> None:
        self.family = None if language == "en" else chinese_font("".join(word.zh for word in words))
        self.language: Language = language if self.family else "en"

    def __call__(self, word: Label) -> str:
        return word.read(self.language)


@contextmanager
def _sheet(pen: _Pen, name: str, height: float) -> Iterator[Figure]:
    """Lay out a drawing whose letters are shapes: it needs no font where it is read."""
    style: dict[str, Any] = {
        "font.family": [*filter(None, [pen.family]), "DejaVu Sans"],
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "svg.fonttype": "path",
        "svg.hashsalt": f"careshed-{name}",
        "axes.spines.top": False,
        "axes.unicode_minus": False,
    }
    with mpl.rc_context(style):  # type: ignore[arg-type]
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def distribution(
    spreads: Sequence[Spread], name: str, *, limit_s: float, words: tuple[Label, Label, Label], language: Language
) -> Markup:
    """Draw shares by minute as bars, and how they add up as curves, marked at the limit.

    Parameters
    ----------
    spreads
        One or two; the first is filled, the second an outline.
    name
        Sets the ids of this drawing apart from those of others on the page.
    limit_s
        The standard, seconds.
    words
        What the two axes and the mark are called.
    language
        Of the page.

    Returns
    -------
    markupsafe.Markup
        An ``<svg>``.
    """
    x, y, limit = words
    sums = label("report.added_up")
    pen = _Pen(language, [*words, sums, *(spread.label for spread in spreads)])
    with _sheet(pen, name, 3.1) as figure:
        bars = figure.add_subplot()
        curves = bars.twinx()
        _spread_out(bars, curves, spreads, limit_s, [pen(spread.label) for spread in spreads])
        bars.axvline(limit_s / 60, color=RED, linestyle="--", linewidth=1.4)
        bars.annotate(
            pen(limit),
            (limit_s / 60, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, 2),
            textcoords="offset points",
            color=RED,
        )
        bars.set(xlabel=pen(x), ylabel=pen(y))
        curves.set(ylim=(0, 104), ylabel=pen(sums))
        if len(spreads) > 1:
            # beside the curves, which rise from the lower left to the upper right
            curves.legend(loc="center right", frameon=True, framealpha=0.9, edgecolor="none")
        return _svg(figure, name)


def _spread_out(bars: Axes, curves: Axes, spreads: Sequence[Spread], limit_s: float, labels: Sequence[str]) -> None:
    last = max([limit_s * 1.25, *(_late(spread) for spread in spreads)]) / 60
    edges = np.arange(0, np.ceil(last) + 1)
    for place, (spread, text, colour) in enumerate(zip(spreads, labels, (BLUE, GREY), strict=False)):
        share = 100 * spread.weight / spread.weight.sum()
        known = np.isfinite(spread.seconds)
        minute = spread.seconds[known] / 60
        heights, _ = np.histogram(minute, edges, weights=share[known])
        filled = place == 0
        bars.stairs(heights, edges, fill=filled, color=colour, alpha=0.35 if filled else 1, linewidth=1.2)
        order = np.argsort(minute, kind="stable")
        line = "-" if filled else (0, (4, 2))
        rising = np.cumsum(share[known][order])
        curves.step(
            np.concatenate([[0], minute[order], [edges[-1]]]),
            np.concatenate([[0], rising, rising[-1:]]),
            where="post", color=colour, linewidth=1.8, linestyle=line, label=text,
        )  # fmt: skip
    bars.set_xlim(0, edges[-1])


def _late(spread: Spread) -> float:
    """Return the time within which nearly all are reached: a few far ones would squeeze the rest."""
    known = spread.seconds[np.isfinite(spread.seconds)]
    return float(np.quantile(known, 0.995)) if len(known) else 0.0


def draw_frontier(frontier: Frontier, stages: Sequence[Stage], language: Language) -> Markup:
    """Draw the share of people within the standard against the number of stations, today and the phases on it.

    Parameters
    ----------
    frontier
        What is possible without rules.
    stages
        Today and the plan's phases.
    language
        Of the page.
    """
    x, y, line = (
        label("report.number_of_stations"),
        label("report.people_within_share"),
        label("report.frontier_line"),
    )
    pen = _Pen(language, [x, y, line, *(stage.name for stage in stages)])
    with _sheet(pen, "frontier", 2.9) as figure:
        axes = figure.add_subplot()
        numbers = np.arange(1, len(frontier.shares) + 1)
        axes.plot(numbers, [100 * share for share in frontier.shares], color=BLUE, marker="o", markersize=3.5)
        middle = len(numbers) // 2
        axes.annotate(
            pen(line), (numbers[middle], 100 * frontier.shares[middle]), xytext=(0, 6), textcoords="offset points",
            color=BLUE, ha="center",
        )  # fmt: skip
        for stage in stages:
            axes.plot(stage.sites, 100 * stage.share, color=RED, marker="D", markersize=6, linestyle="none")
            axes.annotate(
                f"{pen(stage.name)}\n{stage.sites} · {percent(stage.share)}",
                (stage.sites, 100 * stage.share),
                xytext=(0, -8),
                textcoords="offset points",
                color=RED,
                ha="center",
                va="top",
            )
        shares = [*frontier.shares, *(stage.share for stage in stages)]
        low = min(shares) * 100
        room = max(100 - low, 5.0)
        axes.set(xlabel=pen(x), ylabel=pen(y), ylim=(low - 0.38 * room, 100 + 0.12 * room))
        axes.set_xlim(0.2, max([len(frontier.shares), *(stage.sites for stage in stages)]) + 1.2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=15))
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= 100])
        axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
        axes.spines["right"].set_visible(False)
        return _svg(figure, "frontier")


def draw_phases(stages: Sequence[Stage], language: Language) -> Markup:
    """Draw the share within the standard and the mean response, today and by phase.

    Parameters
    ----------
    stages
        Today and the plan's phases.
    language
        Of the page.
    """
    names = (label("report.people_within_share"), label("report.mean_minutes"))
    pen = _Pen(language, [*names, label("report.so_many", number=0), *(stage.name for stage in stages)])
    with _sheet(pen, "phases", 2.3) as figure:
        left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.12})
        shares = [100 * stage.share for stage in stages]
        means = [stage.mean_s / 60 for stage in stages]
        _bars(left, stages, shares, [percent(stage.share) for stage in stages], pen, names[0])
        _bars(right, stages, means, [minutes(stage.mean_s) for stage in stages], pen, names[1])
        return _svg(figure, "phases")


def _bars(
    axes: Axes, stages: Sequence[Stage], heights: Sequence[float], texts: Sequence[str], pen: _Pen, title: Label
) -> None:
    """Draw one bar for each stage, with its figure above: the axis needs no ticks."""
    colours = [BLUE] * len(stages)
    if stages[0].name == label("report.today"):
        colours[0] = GREY
    tops = np.nan_to_num(np.asarray(heights, dtype="float64"))
    axes.bar(range(len(stages)), tops, width=0.56, color=colours)
    for place, (top, text) in enumerate(zip(tops, texts, strict=True)):
        axes.annotate(text, (place, top), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=10)
    counts = [label("report.so_many", number=stage.stations) for stage in stages]
    names = [f"{pen(stage.name)}\n{pen(number)}" for stage, number in zip(stages, counts, strict=True)]
    axes.set_xticks(range(len(stages)), names)
    axes.set_title(pen(title), fontsize=9.5, loc="left")
    axes.set(ylim=(0, max(tops.max(), 1e-9) * 1.15), yticks=[])
    axes.spines[["left", "right"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _svg(figure: Figure, name: str) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<svg ", '<svg aria-hidden="true" focusable="false" ', svg, count=1)
    return Markup("\n".join(line.rstrip() for line in svg.splitlines()))  # noqa: S704 - drawn here

"""Charts of the report: SVG drawn by matplotlib, the same bytes for the same plan."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from careshed.fonts import chinese_font
from careshed.wording import Label

__all__ = ["Spread", "distribution"]

Floats = npt.NDArray[np.float64]

_COLOURS = ("#0b5394", "#6e7781")


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


def distribution(spreads: Sequence[Spread], *, limit_s: float, x: Label, y: Label, limit: Label, name: str) -> Markup:
    """Draw shares by minute as bars, and how they add up as curves, marked at the limit.

    Parameters
    ----------
    spreads
        One or two; the first is filled, the second an outline.
    limit_s
        The standard, seconds.
    x, y, limit
        What the axes and the mark are called.
    name
        Sets the ids of this drawing apart from those of others on the page.

    Returns
    -------
    markupsafe.Markup
        An ``<svg>`` whose letters are shapes: it needs no font where it is read.
    """
    words = [x, y, limit, *(spread.label for spread in spreads)]
    family = chinese_font("".join(label.zh for label in words))

    def say(label: Label) -> str:
        return str(label) if family else label.en

    style: dict[str, Any] = {
        "font.family": [family, "DejaVu Sans"] if family else ["DejaVu Sans"],
        "font.size": 9,
        "svg.fonttype": "path",
        "svg.hashsalt": f"careshed-{name}",
        "axes.spines.top": False,
        "axes.unicode_minus": False,
    }
    with mpl.rc_context(style):  # type: ignore[arg-type]
        figure = Figure(figsize=(7.6, 3.1), layout="constrained")
        bars = figure.add_subplot()
        curves = bars.twinx()
        _draw(bars, curves, spreads, limit_s, [say(spread.label) for spread in spreads])
        bars.axvline(limit_s / 60, color="#a40e26", linestyle="--", linewidth=1.4)
        bars.annotate(
            f"{say(limit)} {limit_s / 60:g}",
            (limit_s / 60, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, 2),
            textcoords="offset points",
            color="#a40e26",
        )
        bars.set(xlabel=say(x), ylabel=say(y))
        curves.set(ylim=(0, 104), ylabel="%")
        # beside the curves, which rise from the lower left to the upper right
        curves.legend(loc="center right", frameon=True, framealpha=0.9, edgecolor="none")
        return _svg(figure, name)


def _draw(bars: Axes, curves: Axes, spreads: Sequence[Spread], limit_s: float, labels: Sequence[str]) -> None:
    last = max([limit_s * 1.25, *(_late(spread) for spread in spreads)]) / 60
    edges = np.arange(0, np.ceil(last) + 1)
    for place, (spread, label, colour) in enumerate(zip(spreads, labels, _COLOURS, strict=False)):
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
            where="post", color=colour, linewidth=1.8, linestyle=line, label=label,
        )  # fmt: skip
    bars.set_xlim(0, edges[-1])


def _late(spread: Spread) -> float:
    """Return the time within which nearly all are reached: a few far ones would squeeze the rest."""
    known = spread.seconds[np.isfinite(spread.seconds)]
    return float(np.quantile(known, 0.995)) if len(known) else 0.0


def _svg(figure: Figure, name: str) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<svg ", '<svg aria-hidden="true" focusable="false" ', svg, count=1)
    return Markup("\n".join(line.rstrip() for line in svg.splitlines()))  # noqa: S704 - drawn here

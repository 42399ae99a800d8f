"""How things look: one table of styles by class, that map and legend share.

Colours are of Okabe and Ito (2008), ColorBrewer's colour-blind-safe ramps and
viridis; what matters is told by shape or by a figure too, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mapclassify
import numpy as np
import numpy.typing as npt

from careshed.indicators import weighted_quantile

__all__ = ["DISTRICTS", "NO_FIGURE", "PANES", "ROADS", "STYLES", "breaks", "classes", "decile_breaks", "fifths", "ramp"]

Floats = npt.NDArray[np.float64]

PANES: dict[str, tuple[int, bool]] = {
    "fills": (300, False),
    "backdrop": (310, False),
    "streets": (320, False),
    "veil": (340, False),
    "units": (350, True),
    "points": (420, True),
    "names": (620, False),
}
"""Pane → (height, whether it takes the mouse). A canvas that took it would hide those below."""

ROADS = {
    "major": ("motorway", "trunk", "primary"),
    "middle": ("secondary", "tertiary"),
    "path": ("footway", "path", "steps", "pedestrian", "cycleway", "bridleway", "track", "corridor"),
}
"""Class of road → highway values (with their links); all others are ``minor``."""

_PURPLES = ("#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f")
_RAMPS = {
    "share": _PURPLES,
    "density": ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404"),
    "band": ("#003c37", "#00695f", "#2a9187", "#6fbab0", "#a9d9d1"),
    "decile": (
        "#fde725", "#b5de2b", "#6ece58", "#35b779", "#1f9e89",
        "#26828e", "#31688e", "#3e4989", "#482878", "#440154",
    ),
}  # fmt: skip

_DISTRICTS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#999999")

DISTRICTS = len(_DISTRICTS)
"""Colours of districts; more districts use them again, and are told apart by their borders and numbers."""

NO_FIGURE = "none"
"""Class of what has no figure."""

STYLES: dict[str, dict[str, Any]] = {
    "major": {"color": "#7d8590", "weight": 2.2},
    "middle": {"color": "#9aa1ab", "weight": 1.4},
    "minor": {"color": "#b4bac2", "weight": 0.8},
    "path": {"color": "#c6cbd1", "weight": 0.6},
    "water": {"stroke": False, "fillColor": "#b9d9eb", "fillOpacity": 1},
    "park": {"stroke": False, "fillColor": "#cfe6c3", "fillOpacity": 1},
    "mountain": {"stroke": False, "fillColor": "#5c4a21", "fillOpacity": 0.16},
    "hills": {"stroke": False, "fillColor": "#5c4a21", "fillOpacity": 0.1},
    "closed": {"stroke": False, "fillColor": "#e4e0e6", "fillOpacity": 1},
    "rail": {"color": "#6b6b6b", "weight": 1.6, "dashArray": "6 4", "fillOpacity": 0.15},
    "other": {"color": "#999999", "weight": 1, "fillOpacity": 0.1},
    "veil": {"stroke": False, "fillColor": "#f6f6f4", "fillOpacity": 0.72},
    "unit": {"color": "#4a4a4a", "weight": 1.4, "fillOpacity": 0},
    "met": {"radius": 4, "color": "#ffffff", "weight": 1, "fillColor": "#0072b2", "fillOpacity": 1},
    "unmet": {"radius": 4.5, "color": "#c2410c", "weight": 2.4, "fillColor": "#ffffff", "fillOpacity": 1},
    "unknown": {"radius": 4, "color": "#6b6b6b", "weight": 1.2, "fillColor": "#d9d9d9", "fillOpacity": 1},
    "excluded": {"radius": 3.5, "color": "#8a8a8a", "weight": 1.6, "fillOpacity": 0.2},
    "facility": {"radius": 4, "color": "#ffffff", "weight": 1, "fillColor": "#7a5195", "fillOpacity": 1},
    "island-walk": {"color": "#b3003b", "weight": 2.4},
    "island-drive": {"color": "#0050a0", "weight": 2.4, "dashArray": "5 3"},
    "far": {"radius": 4.5, "color": "#b36b00", "weight": 2, "fillColor": "#ffffff", "fillOpacity": 1},
    "rejected": {"radius": 5.5, "color": "#000000", "weight": 2, "fillColor": "#ffd54a", "fillOpacity": 1},
    "unreached": {"radius": 5.5, "color": "#ffffff", "weight": 1.4, "fillColor": "#b3003b", "fillOpacity": 1},
    "border": {"color": "#1f2328", "weight": 3.2},
    NO_FIGURE: {"stroke": False, "fillColor": "#d0d0d0", "fillOpacity": 1},
    "cover-0": {"stroke": False, "fillColor": "#c2410c", "fillOpacity": 1},
    "cover-1": {"stroke": False, "fillColor": "#bcdcf2", "fillOpacity": 1},
    "cover-2": {"stroke": False, "fillColor": "#2b77ad", "fillOpacity": 1},
    "target": {"color": "#d4006a", "weight": 2.4, "fillOpacity": 0},
    "reached": {"color": "#0072b2", "weight": 1.6},
    "beyond": {"color": "#d55e00", "weight": 2.2},
    "score-0": {"radius": 7, "color": "#ffffff", "weight": 1.2, "fillColor": "#4a1486", "fillOpacity": 1},
    "score-1": {"radius": 5.5, "color": "#ffffff", "weight": 1.2, "fillColor": "#7a5fb8", "fillOpacity": 1},
    "score-2": {"radius": 4.5, "color": "#4a1486", "weight": 1.2, "fillColor": "#d8cfee", "fillOpacity": 1},
    "score-3": {"radius": 3.5, "color": "#5b4b8a", "weight": 1.2, "fillColor": "#ffffff", "fillOpacity": 1},
    **{
        f"district-{i}": {"stroke": False, "fillColor": colour, "fillOpacity": 0.8}
        for i, colour in enumerate(_DISTRICTS)
    },
    **{
        f"{name}-{i}": {"stroke": False, "fillColor": colour, "fillOpacity": 1}
        for name, colours in _RAMPS.items()
        for i, colour in enumerate(colours)
    },
}
"""Class → Leaflet path options."""


def breaks(values: Floats, *, k: int = 5) -> list[float]:
    """Return round upper limits of classes for a choropleth.

    Parameters
    ----------
    values
        Figures without NaN, at least one.
    k
        About so many classes, and never more than there are colours.
    """
    if np.ptp(values) < 1e-9:
        return [float(values.max())]
    bins = [round(float(limit), 10) for limit in mapclassify.PrettyBreaks(values, k=k).bins]
    # the lowest classes are joined where the ramp is too short for all
    return [limit for limit in bins if limit >= values.min()][-len(_PURPLES) :]


def fifths(values: Floats) -> list[float]:
    """Return upper limits of classes that hold a fifth of the figures each, of two digits that count.

    Parameters
    ----------
    values
        Positive figures without NaN, at least one; skewed ones, for which even steps would make one class of most.
    """
    limits = mapclassify.Quantiles(values, k=5).bins if np.ptp(values) > 0 else values[:1]
    steps = 10.0 ** (np.floor(np.log10(np.maximum(limits, 1))) - 1)
    return np.unique(np.ceil(limits / steps - 1e-9) * steps).tolist()


def decile_breaks(seconds: Floats, weights: Floats, *, target_s: float) -> list[float]:
    """Return limits, seconds, between classes of about a tenth of the weight each; what is later is a class more.

    Parameters
    ----------
    seconds
        Response times; NaN is later than any.
    weights
        People or calls, not negative.
    target_s
        The standard; the limit nearest to it gives way to it, where it lies among them.

    Notes
    -----
    Limits are tenths of a minute, as the legend tells them; equal ones are one.
    """
    tenths = [weighted_quantile(seconds, weights, tenth / 10) for tenth in range(1, 10)]
    limits = np.unique(np.round(np.array([limit for limit in tenths if not np.isnan(limit)]) / 6) * 6)
    if len(limits) and limits[0] <= target_s <= limits[-1]:
        limits[np.abs(limits - target_s).argmin()] = target_s
    return limits.tolist()


def classes(values: Floats, limits: Sequence[float], styles: Sequence[str]) -> list[str]:
    """Return the style of each value: that of the first limit which is not less.

    Parameters
    ----------
    values
        Figures; NaN gives `NO_FIGURE`.
    limits
        Upper limits, rising.
    styles
        One for each limit, and one more for larger values where there are such.
    """
    return [NO_FIGURE if np.isnan(v) else styles[int(np.searchsorted(limits, v, side="left"))] for v in values]


def ramp(name: str, size: int) -> list[str]:
    """Return the styles of a ramp for so many classes, from its first colour to its last.

    Parameters
    ----------
    name
        ``share``, ``density``, ``band`` or ``decile``.
    size
        How many are needed; more than there are colours use some again.
    """
    last = len(_RAMPS[name]) - 1
    return [f"{name}-{round(i * last / max(size - 1, 1))}" for i in range(size)]

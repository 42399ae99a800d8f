"""How things look: one table of styles by class, that map and legend share.

Colours are of Okabe and Ito (2008) and ColorBrewer's colour-blind-safe ramps;
what matters is told by shape or by a figure too, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mapclassify
import numpy as np
import numpy.typing as npt

__all__ = ["DISTRICTS", "NO_FIGURE", "PANES", "ROADS", "STYLES", "breaks", "classes", "ramp", "time_breaks"]

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
_DIVERGING = ("#01665e", "#5ab4ac", "#c7eae5", "#f6e8c3", "#d8b365", "#8c510a")
_BANDS = ("#00544d", "#21908d", "#7ccbc0", "#dfc27d", "#8c510a")
_RAMPS = {"share": _PURPLES, "minutes": _DIVERGING, "band": _BANDS}

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
    "candidate": {"radius": 3.5, "color": "#5b4b8a", "weight": 1.6, "fillColor": "#ffffff", "fillOpacity": 0.9},
    "excluded": {"radius": 3.5, "color": "#8a8a8a", "weight": 1.6, "fillOpacity": 0.2},
    "facility": {"radius": 4, "color": "#ffffff", "weight": 1, "fillColor": "#7a5195", "fillOpacity": 1},
    "island-walk": {"color": "#b3003b", "weight": 2.4},
    "island-drive": {"color": "#0050a0", "weight": 2.4, "dashArray": "5 3"},
    "far": {"radius": 4.5, "color": "#b36b00", "weight": 2, "fillColor": "#ffffff", "fillOpacity": 1},
    "rejected": {"radius": 5.5, "color": "#000000", "weight": 2, "fillColor": "#ffd54a", "fillOpacity": 1},
    "unreached": {"radius": 5.5, "color": "#ffffff", "weight": 1.4, "fillColor": "#b3003b", "fillOpacity": 1},
    "border": {"color": "#1f2328", "weight": 3.2},
    NO_FIGURE: {"stroke": False, "fillColor": "#d0d0d0", "fillOpacity": 1},
    **{f"share-{i}": {"stroke": False, "fillColor": colour, "fillOpacity": 1} for i, colour in enumerate(_PURPLES)},
    **{
        f"district-{i}": {"stroke": False, "fillColor": colour, "fillOpacity": 0.8}
        for i, colour in enumerate(_DISTRICTS)
    },
    **{f"band-{i}": {"stroke": False, "fillColor": colour, "fillOpacity": 1} for i, colour in enumerate(_BANDS)},
    **{f"minutes-{i}": {"stroke": False, "fillColor": colour, "fillOpacity": 1} for i, colour in enumerate(_DIVERGING)},
}
"""Class → Leaflet path options."""


def breaks(values: npt.NDArray[np.float64], *, k: int = 5) -> list[float]:
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


def time_breaks(target_s: float) -> list[float]:
    """Return limits of response classes, seconds: three up to the target, two beyond it; what is later is a class more.

    Parameters
    ----------
    target_s
        The standard, seconds.
    """
    return [target_s * part for part in (1 / 2, 2 / 3, 1, 5 / 4, 5 / 3)]


def classes(values: npt.NDArray[np.float64], limits: Sequence[float], styles: Sequence[str]) -> list[str]:
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
        ``share``, ``minutes`` or ``band``.
    size
        How many are needed; more than there are colours use the last again.
    """
    last = len(_RAMPS[name]) - 1
    if name == "share" and size <= last:
        return [f"share-{round(i * last / max(size - 1, 1))}" for i in range(size)]
    return [f"{name}-{min(i, last)}" for i in range(size)]

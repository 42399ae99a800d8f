"""Classes and their colours: one set, that maps, pictures and layers for other programs share.

Colours are of Okabe and Ito (2008), ColorBrewer's colour-blind-safe ramps and
viridis; what matters is told by shape or by a figure too, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType

import numpy as np
import numpy.typing as npt
from numba.core import config

__all__ = ["NO_FIGURE", "RAMPS", "ROADS", "breaks", "classes", "fifths", "steps", "time_breaks"]

ROADS = {
    "major": ("motorway", "trunk", "primary"),
    "middle": ("secondary", "tertiary"),
    "path": ("footway", "path", "steps", "pedestrian", "cycleway", "bridleway", "track", "corridor"),
}
"""Class of road → highway values (with their links); all others are ``minor``."""

RAMPS: dict[str, tuple[str, ...]] = {
    "share": ("#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f"),
    "density": ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404"),
    "minutes": ("#01665e", "#5ab4ac", "#c7eae5", "#f6e8c3", "#d8b365", "#8c510a"),
    "band": ("#003c37", "#00695f", "#2a9187", "#6fbab0", "#a9d9d1"),
    "decile": (
        "#fde725", "#b5de2b", "#6ece58", "#35b779", "#1f9e89",
        "#26828e", "#31688e", "#3e4989", "#482878", "#440154",
    ),
}  # fmt: skip
"""Ramp → its colours, from the lowest class to the highest."""

NO_FIGURE = "none"
"""Class of what has no figure."""


@cache
def _classifiers() -> ModuleType:
    """Return mapclassify, imported without its compiled classifier: that takes 5 s each time, and is not used here."""
    before = config.DISABLE_JIT  # type: ignore[attr-defined]
    config.DISABLE_JIT = True  # type: ignore[attr-defined]
    try:
        import mapclassify  # noqa: PLC0415
    finally:
        config.DISABLE_JIT = before  # type: ignore[attr-defined]
    return mapclassify


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
    bins = [round(float(limit), 10) for limit in _classifiers().PrettyBreaks(values, k=k).bins]
    # the lowest classes are joined where the ramp is too short for all
    return [limit for limit in bins if limit >= values.min()][-len(RAMPS["share"]) :]


def fifths(values: npt.NDArray[np.float64]) -> list[float]:
    """Return upper limits of classes that hold a fifth of the figures each, of two digits that count.

    Parameters
    ----------
    values
        Positive figures without NaN, at least one; skewed ones, for which even steps would make one class of most.
    """
    limits = _classifiers().Quantiles(values, k=5).bins if np.ptp(values) > 0 else values[:1]
    steps = 10.0 ** (np.floor(np.log10(np.maximum(limits, 1))) - 1)
    return np.unique(np.ceil(limits / steps - 1e-9) * steps).tolist()


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


def steps(ramp: str, size: int) -> list[int]:
    """Return which colours of a ramp so many classes take, from its first to its last.

    Parameters
    ----------
    ramp
        A key of `RAMPS`.
    size
        How many are needed; more than there are colours use some again.
    """
    last = len(RAMPS[ramp]) - 1
    return [round(i * last / max(size - 1, 1)) for i in range(size)]

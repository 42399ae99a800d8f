"""Static pictures for papers: a plan's maps as PNG, SVG or PDF, with scale, north, legend and sources.

Drawn by matplotlib as `matplotlib.figure.Figure` objects, with no global state;
the same plan gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from careshed._checks import new_file
from careshed.area import StudyArea
from careshed.errors import InputError, MissingLayerError
from careshed.pictures._sheet import draw
from careshed.pictures._themes import (
    coverage_picture,
    isochrone_picture,
    population_picture,
    response_picture,
    station_picture,
)
from careshed.plan import Plan
from careshed.words import Language

__all__ = [
    "SUFFIXES",
    "What",
    "picture_suffix",
    "plot_coverage",
    "plot_isochrones",
    "plot_population",
    "plot_response",
    "plot_stations",
    "save_picture",
    "write_picture",
]

SUFFIXES = (".png", ".svg", ".pdf")
"""What a picture can be written as."""

What = Literal["coverage", "isochrones", "response", "stations", "population"]

WIDTH_MM = 180.0
"""Of a page's text: the usual width."""


def plot_coverage(plan: Plan, *, language: Language = "zh", width_mm: float = WIDTH_MM) -> Figure:
    """Draw subdistricts by the share of their people that is covered, facilities, and communities that are not.

    Parameters
    ----------
    plan
        What was computed.
    language
        Of all text; names from data keep theirs. English where no font has the Chinese letters.
    width_mm
        Of the picture; the height follows from the district's shape.

    Returns
    -------
    matplotlib.figure.Figure
        For :func:`save_picture`, or shown by a notebook as it is.

    Raises
    ------
    MissingLayerError
        If the plan has no coverage, with the reason.

    Examples
    --------
    >>> plot_coverage(plan).savefig("coverage.png")  # doctest: +SKIP
    """
    if plan.coverage is None or plan.area.subdistricts.empty:
        raise _absent(plan, "coverage")
    return draw(coverage_picture(plan, plan.coverage), plan.area, language=language, width_mm=width_mm)


def plot_isochrones(plan: Plan, *, language: Language = "zh", width_mm: float = WIDTH_MM) -> Figure:
    """Draw what is within some minutes of the facilities of today; as :func:`plot_coverage`."""
    if plan.isochrones is None or plan.isochrones.empty:
        raise _absent(plan, "coverage")
    return draw(isochrone_picture(plan, plan.isochrones), plan.area, language=language, width_mm=width_mm)


def plot_response(
    plan: Plan,
    *,
    stage: Literal["before", "after"] = "before",
    language: Language = "zh",
    width_mm: float = WIDTH_MM,
) -> Figure:
    """Draw the response time over the district; as :func:`plot_coverage`.

    Parameters
    ----------
    stage
        ``'before'``: of the stations of today. ``'after'``: of the plan's.
    """
    found = plan.before if stage == "before" else plan.after
    if found is None or plan.area.subdistricts.empty:
        raise _absent(plan, "response before" if stage == "before" else "plan", "response", "siting")
    picture = response_picture(plan, found, planned=stage == "after")
    return draw(picture, plan.area, language=language, width_mm=width_mm)


def plot_stations(plan: Plan, *, language: Language = "zh", width_mm: float = WIDTH_MM) -> Figure:
    """Draw the plan's stations by phase and tier; as :func:`plot_coverage`."""
    if plan.after is None:
        raise _absent(plan, "plan", "siting", "response")
    return draw(station_picture(plan, plan.after), plan.area, language=language, width_mm=width_mm)


def plot_population(area: StudyArea, *, language: Language = "zh", width_mm: float = WIDTH_MM) -> Figure:
    """Draw people per square kilometre, by community where their outlines are known, else by subdistrict.

    Parameters
    ----------
    area
        The study area.
    language, width_mm
        As :func:`plot_coverage`.
    """
    if area.subdistricts.empty or area.demand.empty:
        lacking = "subdistricts" if area.subdistricts.empty else "demand"
        why = area.missing.get(lacking, f"the area has no {lacking}")
        raise MissingLayerError(f"no picture of the population: {why}")
    return draw(population_picture(area), area, language=language, width_mm=width_mm)


def write_picture(
    plan: Plan,
    path: Path | str,
    *,
    what: What = "coverage",
    language: Language = "zh",
    width_mm: float = WIDTH_MM,
    dpi: int = 300,
) -> None:
    """Draw a picture of a plan into a file, see :func:`save_picture`.

    Parameters
    ----------
    plan
        What was computed.
    path
        ``.png``, ``.svg`` or ``.pdf``.
    what
        What is drawn; ``response`` is that of the stations of today.
    language, width_mm
        As :func:`plot_coverage`.
    dpi
        Dots per inch of a PNG.
    """
    picture_suffix(path)
    if what == "population":
        figure = plot_population(plan.area, language=language, width_mm=width_mm)
    else:
        figure = _PLOTS[what](plan, language=language, width_mm=width_mm)
    save_picture(figure, path, dpi=dpi)


def save_picture(figure: Figure, path: Path | str, *, dpi: int = 300) -> None:
    """Write a figure as PNG, SVG or PDF, by the ending of its name; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        What was drawn.
    path
        The file; it is there in full or not at all. Letters of an SVG are shapes: it needs no font where it is read.
    dpi
        Dots per inch of a PNG.

    Raises
    ------
    InputError
        If the ending is another.
    """
    suffix = picture_suffix(path)
    undated: dict[str, dict[str, None]] = {
        ".png": {"Software": None},
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    }
    settings = {"svg.fonttype": "path", "svg.hashsalt": "careshed", "path.simplify": False}
    with new_file(path) as new, mpl.rc_context(settings):  # type: ignore[arg-type]
        figure.savefig(new, format=suffix[1:], dpi=dpi, metadata=undated[suffix])


def picture_suffix(path: Path | str) -> str:
    """Return the suffix of a file that a picture can be written to.

    Raises
    ------
    InputError
        If it is another.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        found = suffix or "a file without ending"
        raise InputError(f"{path}: pictures are not written as {found}; name it {', '.join(SUFFIXES)}")
    return suffix


def _absent(plan: Plan, *parts: str) -> MissingLayerError:
    reasons = [plan.left_out[part].read("en") for part in parts if part in plan.left_out]
    if plan.area.subdistricts.empty:
        reasons.append(plan.area.missing.get("subdistricts", "the area has no subdistricts"))
    why = reasons[0] if reasons else "that part of the plan was not computed"
    return MissingLayerError(f"no picture of {parts[0].replace(' before', '')}: {why}")


_PLOTS = {
    "coverage": plot_coverage,
    "isochrones": plot_isochrones,
    "response": plot_response,
    "stations": plot_stations,
}

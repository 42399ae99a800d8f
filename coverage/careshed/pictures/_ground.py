"""The map of a picture: ground, streets, fills, outlines and marks in one frame, in metres."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from careshed.area import StudyArea
from careshed.pictures._pen import Pen
from careshed.pictures._picture import Key, Marks, Picture
from careshed.shades import ROADS
from careshed.words import Label, label

__all__ = ["FILL", "bounds_of", "draw_ground", "ground_keys"]

Box = tuple[float, float, float, float]

BACKDROP = {"park": "#dcebd3", "water": "#b9d9eb"}
STREETS = {"middle": ("#a9adb3", 0.35), "major": ("#8d939b", 0.7)}
"""Class of road → colour and width, points."""

OUTLINE = {"color": "#3a3f45", "linewidth": 0.6}
FILL = 0.82
"""How far a fill covers the ground beneath it."""

FINE_MM = 0.05
"""Nothing finer than this is drawn."""


def bounds_of(area: StudyArea) -> Box:
    """Return what a picture is fitted to: the district, else all that is known of it."""
    for layer in (area.subdistricts, area.demand, area.facilities, area.streets):
        if not layer.empty:
            west, south, east, north = layer.total_bounds
            return float(west), float(south), float(east), float(north)
    return 0.0, 0.0, 1000.0, 1000.0


def ground_keys(area: StudyArea) -> list[Key]:
    """Return the legend of what lies beneath."""
    kinds = set(area.backdrop["kind"])
    words = {"water": label("pictures.water"), "park": label("pictures.park")}
    keys = [] if area.subdistricts.empty else [Key("line", OUTLINE, label("pictures.unit"))]
    if not area.streets.empty:
        colour, width = STREETS["major"]
        keys.append(Key("line", {"color": colour, "linewidth": width}, label("pictures.roads")))
    return [*keys, *(Key("fill", {"color": BACKDROP[kind]}, text) for kind, text in words.items() if kind in kinds)]


def draw_ground(axes: Axes, area: StudyArea, picture: Picture, pen: Pen, *, metres_per_mm: float, unit: float) -> None:
    """Draw a picture's map into axes whose limits are set.

    Parameters
    ----------
    axes
        The frame, in the area's CRS.
    area, picture
        What is drawn.
    pen
        Writes the names.
    metres_per_mm
        The scale.
    unit
        How much larger than usual letters and lines are.
    """
    fine_m = metres_per_mm * FINE_MM
    # artists, not patches: those would be measured corner by corner for limits that are set
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    frame = shapely.box(west, south, east, north)
    for kind, colour in BACKDROP.items():
        _fill(axes, area.backdrop.geometry[area.backdrop["kind"] == kind], colour, fine_m, alpha=1.0, height=1.0)
    for name, lines in _streets(area, frame).items():
        colour, width = STREETS[name]
        merged = shapely.simplify(
            shapely.line_merge(shapely.MultiLineString(list(lines))), fine_m, preserve_topology=False
        )
        patch = PathPatch(_line_path(merged), facecolor="none", edgecolor=colour, linewidth=width * unit, zorder=1.5)
        axes.add_artist(patch)
    for height, fill in enumerate(picture.fills):
        _fill(axes, fill.shapes, fill.colour, fine_m, alpha=FILL, height=2 + height / 100)
    if not area.subdistricts.empty:
        _fill(axes, [shapely.difference(frame, area.boundary)], "#fafaf8", fine_m, alpha=0.7, height=4.0)
        _outlines(axes, area.subdistricts, fine_m, unit)
        _names(axes, area.subdistricts, picture, pen, metres_per_mm, unit)
    for height, marks in enumerate(picture.marks):
        _marks(axes, marks, height=6 + height / 100, unit=unit)


def _streets(area: StudyArea, frame: shapely.Geometry) -> dict[str, npt.NDArray[np.object_]]:
    """Return the lines of main and secondary roads that the frame shows."""
    seen = area.streets.iloc[np.sort(area.streets.sindex.query(frame, predicate="intersects"))]
    plain = seen["highway"].str.removesuffix("_link")
    found = {name: seen.geometry[plain.isin(ROADS[name])].to_numpy() for name in STREETS}
    return {name: lines for name, lines in found.items() if len(lines)}


def _fill(
    axes: Axes, shapes: Iterable[shapely.Geometry], colour: str, fine_m: float, *, alpha: float, height: float
) -> None:
    # drawn shapes need not be valid, and without that it is ten times as fast
    simple = shapely.simplify(np.asarray(list(shapes), dtype=object), fine_m, preserve_topology=False)
    path = _area_path(simple)
    if path is not None:
        axes.add_artist(PathPatch(path, facecolor=colour, edgecolor="none", alpha=alpha, zorder=height))


def _outlines(axes: Axes, units: gpd.GeoDataFrame, fine_m: float, unit: float) -> None:
    borders = shapely.line_merge(shapely.union_all(shapely.boundary(units.geometry.to_numpy())))
    style = OUTLINE | {"linewidth": OUTLINE["linewidth"] * unit}  # type: ignore[operator]
    path = _line_path(shapely.simplify(borders, fine_m, preserve_topology=False))
    axes.add_artist(PathPatch(path, facecolor="none", edgecolor=style["color"], linewidth=style["linewidth"], zorder=5))


def _names(axes: Axes, units: gpd.GeoDataFrame, picture: Picture, pen: Pen, metres_per_mm: float, unit: float) -> None:
    halo = [withStroke(linewidth=1.6 * unit, foreground="white")]
    taken = _middles([point for marks in picture.marks for point in marks.points])
    # small units first: they have least choice
    for place in units.area.sort_values(kind="stable").index:
        row = units.loc[place]
        x, y = spot = _free_spot(row["geometry"], taken, metres_per_mm * unit)
        taken = np.vstack([taken, spot])
        text = "\n".join(filter(None, (pen.say(Label(row["name"], row["name_en"])), picture.values.get(str(place)))))
        axes.text(
            x, y, text, fontsize=5.6 * unit, ha="center", va="center", color="#22262b", linespacing=1.15,
            path_effects=halo, zorder=5.5, clip_on=True,
        )  # fmt: skip


def _free_spot(shape: shapely.Geometry, taken: npt.NDArray[np.float64], mm: float) -> npt.NDArray[np.float64]:
    """Return where in a unit its name hides least: off its border, off marks and other names."""
    west, south, east, north = shapely.bounds(shape)
    x, y = np.meshgrid(np.linspace(west, east, 26)[1:-1], np.linspace(south, north, 26)[1:-1])
    spots = np.column_stack([x.ravel(), y.ravel()])
    middle = _middles([shape])
    spots = np.vstack([middle, spots[shapely.contains_xy(shape, spots)]])
    # a name is twice as wide as it is high: distances are measured in a plane that is squeezed sideways
    squeeze = np.array([0.5, 1.0]) / mm
    border = shapely.transform(shapely.boundary(shape), lambda xy: xy * squeeze)
    at = spots * squeeze
    off_border = np.minimum(shapely.distance(border, shapely.points(at)), 5.0)
    off_others = np.hypot(*np.moveaxis(at[:, None] - (taken * squeeze)[None], 2, 0)).min(axis=1, initial=5.0)
    off_middle = np.hypot(*(at - middle * squeeze).T)
    found: npt.NDArray[np.float64] = spots[np.argmax(off_border + 2.0 * off_others - 0.1 * off_middle)]
    return found


def _middles(shapes: Sequence[shapely.Geometry]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = shapely.get_coordinates(
        shapely.point_on_surface(np.asarray(shapes, dtype=object))
    ).reshape(-1, 2)
    return found


def _marks(axes: Axes, marks: Marks, *, height: float, unit: float) -> None:
    xy = _middles(marks.points)
    scaled = {k: v * unit if k in {"markersize", "markeredgewidth"} else v for k, v in marks.style.items()}
    axes.plot(xy[:, 0], xy[:, 1], linestyle="none", zorder=height, **scaled)
    if marks.digit:
        for x, y in xy:
            axes.text(
                x, y, marks.digit, fontsize=5.5 * unit, color="white", ha="center", va="center_baseline",
                zorder=height, clip_on=True,
            )  # fmt: skip


def _area_path(shapes: npt.NDArray[np.object_]) -> Path | None:
    """Return polygons as one path; holes run the other way round."""
    parts = shapely.get_parts(shapes)
    parts = shapely.orient_polygons(parts[(shapely.get_dimensions(parts) == 2) & ~shapely.is_empty(parts)])
    rings = shapely.get_rings(parts)
    return _path(rings, closed=True) if len(rings) else None


def _line_path(lines: shapely.Geometry) -> Path:
    return _path(shapely.get_parts(lines), closed=False)


def _path(lines: npt.NDArray[np.object_], *, closed: bool) -> Path:
    xy, line = shapely.get_coordinates(lines, return_index=True)
    codes = np.full(len(xy), Path.LINETO, dtype=Path.code_type)
    first = np.flatnonzero(np.diff(line, prepend=-1))
    codes[first] = Path.MOVETO
    if closed:
        codes[np.append(first[1:], len(xy)) - 1] = Path.CLOSEPOLY
    return Path(xy, codes)

"""Ground: what lies there before a street is laid: outline, barriers, corridors, units.

Units are fitted to the areas that the facts give: a place belongs to the unit
with the least scaled distance, and scales are adjusted until the shares agree,
as weights are in a power diagram (Aurenhammer, 1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from careshed.synthetic.recipe import Barrier, Express, Facts, Recipe, Settlement

__all__ = ["Ground", "UnitMap", "lay_ground", "natural_line"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class UnitMap:
    """Which unit a place belongs to.

    Parameters
    ----------
    at, half
        Centre and half width and height of each unit, metres, shape (units, 2).
    scale
        Factor on each unit's distance.
    """

    at: Floats
    half: Floats
    scale: Floats

    def nearest(self, xy: Floats) -> NDArray[np.int64]:
        """Return the position of the unit of each point; `xy` in metres, shape (points, 2)."""
        return np.asarray((self._distance(xy) * self.scale).argmin(axis=1))

    def _distance(self, xy: Floats) -> Floats:
        # The fourth power makes units rather square, as blocks of streets are.
        parts = (np.abs(xy[:, None, :] - self.at[None]) / self.half[None]) ** 4
        return np.asarray(parts.sum(axis=2) ** 0.25)

    def fitted(self, xy: Floats, share: Floats, *, rounds: int = 150) -> UnitMap:
        """Return the map whose units hold the given shares of the points `xy`."""
        distance = self._distance(xy)
        scale = self.scale.copy()
        for _ in range(rounds):
            found = np.bincount((distance * scale).argmin(axis=1), minlength=len(scale)) / len(xy)
            scale *= np.clip((np.maximum(found, 1e-6) / share) ** 0.15, 0.9, 1.1)
        return UnitMap(self.at, self.half, scale)


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground of a district, metres in the projected CRS.

    Parameters
    ----------
    crs, origin
        Projected CRS and the km grid's zero in it.
    outline, extent
        Rough boundary, and how far roads are laid.
    barriers
        Barrier with its polygon, hills left out.
    hills
        Union of the hills.
    corridors
        Expressway with its polygon, interchanges left out.
    towns
        Town with its polygon.
    units
        Which unit a place belongs to.
    """

    crs: pyproj.CRS
    origin: tuple[float, float]
    outline: Polygon
    extent: BaseGeometry
    barriers: tuple[tuple[Barrier, BaseGeometry], ...]
    hills: BaseGeometry
    corridors: tuple[tuple[Express, BaseGeometry], ...]
    towns: tuple[tuple[Settlement, BaseGeometry], ...]
    units: UnitMap

    def course(self, road: Express) -> LineString:
        """Return the middle of an expressway as far as roads are laid."""
        return _course(road, np.asarray(self.origin), self.extent)

    def metres(self, points: tuple[tuple[float, float], ...]) -> Floats:
        """Return kilometres of the recipe as metres in the CRS, shape (points, 2)."""
        return np.asarray(points) * 1000 + np.asarray(self.origin)


def lay_ground(recipe: Recipe, facts: Facts) -> Ground:
    """Lay the ground of a district.

    Parameters
    ----------
    recipe, facts
        The district.
    """
    crs = pyproj.CRS.from_epsg(recipe.epsg)
    east, north = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(*recipe.centre)
    origin = np.array([round(east), round(north)], dtype=float)
    outline = Polygon(np.asarray(recipe.outline) * 1000 + origin)
    rng = np.random.default_rng([recipe.seed, 1])
    extent = outline.buffer(recipe.buffer_m, join_style="mitre").simplify(recipe.buffer_m / 4)
    shapes = [(barrier, _shape(barrier, origin, rng)) for barrier in recipe.barrier]
    return Ground(
        crs=crs,
        origin=(float(origin[0]), float(origin[1])),
        outline=outline,
        extent=extent,
        barriers=tuple(pair for pair in shapes if pair[0].kind != "hills"),
        hills=shapely.union_all([shape for barrier, shape in shapes if barrier.kind == "hills"]),
        corridors=tuple((road, _corridor(road, _course(road, origin, extent))) for road in recipe.express),
        towns=tuple((town, _footprint(town, origin)) for town in recipe.town),
        units=_fit_units(recipe, facts, outline, origin),
    )


def natural_line(points: Floats, wiggle_m: float, rng: np.random.Generator) -> LineString:
    """Return a course through `points` that strays by about `wiggle_m`, with rounded bends.

    Parameters
    ----------
    points
        Metres, shape (points, 2).
    wiggle_m
        Standard deviation of the straying at points every 400 m; 0 leaves the line as it is.
    rng
        Source of the straying.
    """
    line = LineString(points)
    if not wiggle_m:
        return line
    count = max(2, round(line.length / 400))
    course = shapely.get_coordinates(line.interpolate(np.linspace(0, 1, count + 1), normalized=True))
    course[1:-1] += rng.normal(0, wiggle_m, (count - 1, 2))
    middle = (course[:-1] + course[1:]) / 2
    # One round of corner cutting (Chaikin, 1974) keeps vertices few.
    return LineString(np.vstack([course[:1], middle, course[-1:]]))


def _shape(barrier: Barrier, origin: Floats, rng: np.random.Generator) -> BaseGeometry:
    points = np.asarray(barrier.points) * 1000 + origin
    if barrier.width_m:
        line = natural_line(points, barrier.wiggle_m, rng)
        return line.buffer(barrier.width_m / 2, quad_segs=2, cap_style="flat")
    shape = Polygon(points)
    if not barrier.smooth:
        return shape
    reach = (shape.area**0.5) * 0.12
    return shape.buffer(-reach, join_style="mitre").buffer(reach, quad_segs=2).simplify(5)


def _course(road: Express, origin: Floats, extent: BaseGeometry) -> LineString:
    parts = shapely.get_parts(LineString(np.asarray(road.points) * 1000 + origin).intersection(extent))
    return max(parts, key=lambda part: part.length)


def _corridor(road: Express, course: LineString) -> BaseGeometry:
    # Built from the offset lines themselves, so that service roads along them lie on its very edge.
    left, right = (course.offset_curve(side * road.half_m, join_style="mitre") for side in (1, -1))
    return Polygon([*left.coords, *right.coords[::-1]])


def _footprint(town: Settlement, origin: Floats) -> BaseGeometry:
    half = np.asarray(town.size) * 500
    box = shapely.box(-half[0], -half[1], half[0], half[1])
    bevel = min(half) * 0.2
    round_box = box.buffer(-bevel).buffer(bevel, quad_segs=1)
    x, y = np.asarray(town.at) * 1000 + origin
    return translate(rotate(round_box, town.turn, origin=(0, 0)), x, y)


def _fit_units(recipe: Recipe, facts: Facts, outline: Polygon, origin: Floats) -> UnitMap:
    at = np.array([unit.at for unit in recipe.unit]) * 1000 + origin
    half = np.array([unit.size for unit in recipe.unit]) * 500
    west, south, east, north = outline.bounds
    x, y = np.meshgrid(np.arange(west, east, recipe.grid_m), np.arange(south, north, recipe.grid_m))
    inside = shapely.contains_xy(outline, x.ravel(), y.ravel())
    xy = np.column_stack([x.ravel()[inside], y.ravel()[inside]])
    area = facts.units["area_km2"].to_numpy()
    return UnitMap(at, half, np.ones(len(at))).fitted(xy, area / area.sum())

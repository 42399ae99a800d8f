"""Roads: from the ground to all ways of a district and the cells between them.

Main roads and barriers first; open country is cut into large blocks by country
roads; villages stand on those; then towns, villages and dense units are cut
into blocks by streets and lanes, and all ground into cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate, scale, translate
from shapely.geometry.base import BaseGeometry

from careshed.synthetic.blocks import Cuts, cut_blocks, faces
from careshed.synthetic.express import lay_express
from careshed.synthetic.ground import Ground, natural_line
from careshed.synthetic.recipe import Recipe
from careshed.synthetic.settle import clusters
from careshed.synthetic.ways import RANK, Way, clip

__all__ = ["Layout", "lay_roads"]


@dataclass(frozen=True, slots=True)
class Layout:
    """All ways of a district, and its ground cut into cells.

    Parameters
    ----------
    ways
        Ways that meet at junctions wherever they touch.
    raised
        Carriageways that meet others at their ends only.
    compounds
        Paths of gated compounds, which meet no other way.
    cells
        Faces between ways, barriers and field edges; none overlap, none is missing.
    settled
        1 for cells where people live, 0 for barriers and fields.
    villages
        Centre of each village, by the position of its unit.
    """

    ways: list[Way]
    raised: list[Way]
    compounds: list[Way]
    cells: list[Polygon]
    settled: NDArray[np.int8]
    villages: dict[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _Cover:
    """Which of some polygons covers a point: its position, -1 for none."""

    tree: shapely.STRtree

    @classmethod
    def of(cls, shapes: list[BaseGeometry]) -> _Cover:
        return cls(shapely.STRtree(np.asarray(shapes, dtype=object)))

    def at(self, point: Point) -> int:
        found = self.tree.query(point, predicate="within")
        return int(found.min()) if len(found) else -1


def lay_roads(recipe: Recipe, ground: Ground, villages: NDArray[np.int64]) -> Layout:
    """Lay the roads of a district.

    Parameters
    ----------
    recipe, ground
        The district.
    villages
        Villages of each unit.
    """
    rng = np.random.default_rng([recipe.seed, 2])
    ways, raised, taken = _main_roads(recipe, ground, rng)
    barred = [shape for _, shape in ground.barriers] + [shape for _, shape in ground.corridors] + taken
    edges: list[BaseGeometry] = [shape.boundary for shape in [*barred, ground.extent, *_parts(ground.hills)]]
    plan = _Plan(recipe, ground, _Cover.of(barred), _Cover.of([shape for _, shape in ground.towns]))

    ways += _outlines([shape for _, shape in ground.towns], "tertiary", barred, ground)
    country = plan.country(faces([*(way.line for way in ways), *edges]), rng)
    ways += [Way(line, "tertiary" if side > 2400 else "unclassified") for line, side in country]

    centres, footprints = _lay_villages(recipe, ground, ways, barred, villages, rng)
    ways += _outlines(footprints, "residential", [*barred, *(shape for _, shape in ground.towns)], ground)
    built = _Cover.of(footprints)
    blocks = faces([*(way.line for way in ways), *edges])
    streets = plan.streets(blocks, built, rng)
    ways += plan.dressed(streets, rng)
    paths, compounds = plan.paths(streets, rng)

    fields = cut_blocks(streets.leaves, lambda _block, _owner: recipe.cell_m, rng, slim=3.0)
    cells = faces([*(way.line for way in ways), *edges, *fields.lines])
    settled = np.array([plan.asked(cell.representative_point(), built) > 0 for cell in cells], dtype=np.int8)
    return Layout(ways + paths, raised, compounds, cells, settled, centres)


def _main_roads(
    recipe: Recipe, ground: Ground, rng: np.random.Generator
) -> tuple[list[Way], list[Way], list[BaseGeometry]]:
    """Return level ways, carriageways, and ground that interchanges take."""
    blocked = shapely.union_all([shape for _, shape in (*ground.barriers, *ground.corridors)])
    ways: list[Way] = []
    courses = []
    for road in recipe.road:
        course = natural_line(ground.metres(road.points), road.wiggle_m, rng)
        way = Way(course, road.highway, road.name, kmh=float("nan") if road.kmh is None else road.kmh)
        ways += clip(way, course.intersection(ground.extent) if road.bridge else course.difference(blocked))
        if road.bridge and road.highway in {"primary", "secondary", "trunk"}:
            courses.append(course)
        if road.valley and recipe.side_valley_m:
            ways += _side_valleys(course, recipe.side_valley_m, [way.line for way in ways], ground, rng)
    raised: list[Way] = []
    taken: list[BaseGeometry] = []
    for express in recipe.express:
        level, above, interchanges = lay_express(express, ground, courses)
        ways += [piece for way in level for piece in clip(way, way.line.intersection(ground.extent))]
        raised += above
        taken += interchanges
    for barrier, shape in ground.barriers:
        if barrier.shore:
            others = [other for _, other in (*ground.barriers, *ground.corridors) if other is not shape]
            ways += _outlines([shape], barrier.shore, others, ground)
    return ways, raised, taken


def _side_valleys(
    course: LineString, spacing_m: float, roads: list[LineString], ground: Ground, rng: np.random.Generator
) -> list[Way]:
    """Return dead-end roads that climb away from a valley road, kept apart from other roads."""
    ways: list[Way] = []
    for where in np.arange(spacing_m * 0.6, course.length - spacing_m * 0.3, spacing_m):
        spot = float(where + rng.uniform(-0.2, 0.2) * spacing_m)
        start, ahead = (np.array(course.interpolate(step).coords[0]) for step in (spot, spot + 20))
        along = (ahead - start) / np.hypot(*(ahead - start))
        across = np.array([-along[1], along[0]]) * rng.choice([-1, 1])
        heading = across + along * rng.uniform(-0.5, 0.5)
        line = natural_line(np.array([start, start + heading * rng.uniform(1200, 3500)]), 90, rng)
        near = shapely.union_all([*roads, *(way.line for way in ways)])
        far = line.difference(Point(start).buffer(350))
        if ground.hills.contains(Point(line.coords[-1])) and far.distance(near) > 300 and ground.outline.contains(line):
            ways += clip(Way(line, "unclassified"), line.difference(shapely.union_all([s for _, s in ground.barriers])))
    return ways


def _outlines(shapes: list[BaseGeometry], highway: str, barred: list[BaseGeometry], ground: Ground) -> list[Way]:
    """Return streets along the edges of shapes, but for the parts in barred ground."""
    if not shapes:
        return []
    stop = shapely.union_all(barred)
    ways = []
    for shape in shapes:
        edge = shape.boundary.intersection(ground.extent).difference(stop)
        ways += clip(Way(LineString(), highway), shapely.line_merge(edge), least_m=30)
    return ways


def _lay_villages(
    recipe: Recipe,
    ground: Ground,
    ways: list[Way],
    barred: list[BaseGeometry],
    villages: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[dict[int, NDArray[np.float64]], list[BaseGeometry]]:
    """Return the centre of each unit's villages and their footprints, astride country roads."""
    if not villages.any():
        return {}, []
    roads = _joined_up([way.line for way in ways if way.walk and way.drive == 3])
    spots = np.vstack(
        [
            shapely.get_coordinates(line.interpolate(np.arange(60, line.length, 120)))
            for line in roads
            if line.length > 90
        ]
    )
    shut = shapely.union_all([*barred, *(shape for _, shape in ground.towns)]).buffer(150)
    free = shapely.contains_xy(ground.outline.buffer(-250), *spots.T) & ~shapely.contains_xy(shut, *spots.T)
    spots = spots[free]
    unit = ground.units.nearest(spots)
    tree = shapely.STRtree(roads)
    centres: dict[int, NDArray[np.float64]] = {}
    footprints: list[BaseGeometry] = []
    stop = shapely.union_all([*barred, *(shape for _, shape in ground.towns)]).buffer(10)
    for position in np.flatnonzero(villages):
        mine = spots[unit == position]
        centres[int(position)] = clusters(mine, np.ones(len(mine)), int(villages[position]), recipe.seed)
        for centre in centres[int(position)]:
            shape = _village(centre, roads[int(tree.nearest(Point(centre)))], recipe.village.side_m, rng)
            parts = shapely.get_parts(shape.difference(stop))
            best = max(parts, key=lambda part: float(part.area), default=None)
            if best is not None and best.area > 0.25 * shape.area:
                footprints.append(best)
                stop = shapely.union(stop, best.buffer(40, join_style="mitre"))
    return centres, footprints


def _joined_up(roads: list[LineString], least_m: float = 3000.0) -> list[LineString]:
    """Return the roads that hang together with others of `least_m` in all: no village stands on a scrap."""
    pairs = shapely.STRtree(roads).query(roads, predicate="dwithin", distance=0.05)
    matrix = coo_array((np.ones(pairs.shape[1], dtype=np.int8), tuple(pairs)), shape=(len(roads), len(roads)))
    label = connected_components(matrix.tocsr(), directed=False)[1]
    length = np.bincount(label, weights=shapely.length(np.array(roads, dtype=object)))
    return [road for road, keep in zip(roads, length[label] >= least_m, strict=True) if keep]


def _village(centre: NDArray[np.float64], road: LineString, side_m: float, rng: np.random.Generator) -> BaseGeometry:
    where = road.project(Point(centre))
    before, after = road.interpolate(max(0, where - 30)), road.interpolate(min(road.length, where + 30))
    turn = float(np.degrees(np.arctan2(after.y - before.y, after.x - before.x)))
    long, wide = side_m * rng.uniform(0.8, 1.4), side_m * rng.uniform(0.6, 1.0)
    box = shapely.box(-long / 2, -wide * rng.uniform(0.25, 0.75), long / 2, wide / 2)
    return translate(rotate(box, turn, origin=(0, 0)), float(centre[0]), float(centre[1]))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How finely each place is cut."""

    recipe: Recipe
    ground: Ground
    barred: _Cover
    towns: _Cover

    def dense(self, point: Point) -> float:
        """Return the side of a block where a whole unit is dense, 0 elsewhere."""
        if not self.ground.outline.contains(point):
            return self.recipe.outside_block_m
        return self.recipe.unit[self.unit(point)].block_m

    def dense_block(self, block: Polygon) -> float:
        """Return the least side asked in a block: a large one may be dense in one corner only."""
        spots = [block.centroid]
        if block.area > 250_000:
            middle = np.array(spots[0].coords[0])
            corners = shapely.get_coordinates(shapely.oriented_envelope(block))[:4]
            spots += [Point(middle + (corner - middle) * 0.6) for corner in corners]
        return min((side for side in map(self.dense, spots) if side), default=0.0)

    def unit(self, point: Point) -> int:
        return int(self.ground.units.nearest(np.array([[point.x, point.y]]))[0])

    def asked(self, point: Point, built: _Cover) -> float:
        """Return the side of a block between streets at a place, 0 where no street is laid."""
        if self.barred.at(point) >= 0:
            return 0.0
        town = self.towns.at(point)
        if town >= 0:
            return self.recipe.town[town].block_m
        if built.at(point) >= 0:
            return self.recipe.village.block_m
        return self.dense(point)

    def country(self, blocks: list[Polygon], rng: np.random.Generator) -> list[tuple[LineString, float]]:
        """Return country roads with the side of the block that each halves."""
        hills = self.ground.hills

        def side(block: Polygon, _: int) -> float:
            point = block.representative_point()
            shut = self.barred.at(point) >= 0 or self.towns.at(point) >= 0 or hills.contains(point)
            return 0.0 if shut or self.dense_block(block) else self.recipe.open_m

        cuts = cut_blocks(blocks, side, rng, bend=0.03)
        return list(zip(cuts.lines, cuts.sides_m, strict=True))

    def streets(self, blocks: list[Polygon], built: _Cover, rng: np.random.Generator) -> Cuts:
        """Return the streets that cut blocks in towns, villages and dense units."""
        fixed: list[float | None] = []
        for block in blocks:
            point = block.representative_point()
            inner = self.barred.at(point) >= 0 or self.towns.at(point) >= 0 or built.at(point) >= 0
            fixed.append(self.asked(point, built) if inner else None)

        def side(block: Polygon, owner: int) -> float:
            known = fixed[owner]
            return self.dense_block(block) if known is None else known

        return cut_blocks(blocks, side, rng, bend=0.02)

    def dressed(self, streets: Cuts, rng: np.random.Generator) -> list[Way]:
        """Return streets with class and directions: some lanes are one-way, some too narrow for cars."""
        ways = []
        for line, side in zip(streets.lines, streets.sides_m, strict=True):
            highway = next(name for least, name in self.recipe.cell_streets if side >= least)
            unit = self.recipe.unit[self.unit(line.interpolate(0.5, normalized=True))]
            luck = rng.random()
            drive = 3
            if RANK[highway] >= RANK["residential"]:
                if luck < unit.walk_only:
                    highway, drive = "pedestrian", 0
                elif luck < unit.walk_only + unit.oneway:
                    drive = 1 + int(rng.integers(2))
            kmh = {"secondary": 50.0, "tertiary": 40.0}.get(highway, float("nan"))
            ways.append(Way(line, highway, drive=drive, kmh=kmh))
        return ways

    def paths(self, streets: Cuts, rng: np.random.Generator) -> tuple[list[Way], list[Way]]:
        """Return footways through blocks, and the paths of gated compounds."""
        blocks = [
            block
            for block in streets.leaves
            if 90 < block.area**0.5 < 700
            and self.ground.outline.contains(block)
            and self.barred.at(block.representative_point()) < 0
        ]
        order = rng.permutation(len(blocks))
        gated, open_ = order[: self.recipe.compounds], order[self.recipe.compounds :]
        footways: list[Way] = []
        for position in open_[: round(self.recipe.footways * len(open_))]:
            cut = cut_blocks([blocks[position]], _once(), rng, bend=0.05)
            footways += [Way(line, "footway", drive=0) for line in cut.lines]
        return footways, [way for position in gated for way in _compound(blocks[position])]


def _once() -> Callable[[Polygon, int], float]:
    """Return a rule that halves a block once."""
    asked = iter([1.0])
    return lambda _block, _owner: next(asked, 0.0)


def _compound(block: Polygon) -> list[Way]:
    """Return two by two paths inside a block that touch none of its edges."""
    box = scale(shapely.oriented_envelope(block), 0.4, 0.4)
    a, b, c, d = shapely.get_coordinates(box)[:4]
    lines = []
    for share in (0.3, 0.7):
        lines.append(LineString([a + (b - a) * share, d + (c - d) * share]))
        lines.append(LineString([a + (d - a) * share, b + (c - b) * share]))
    return [Way(line, "service") for line in lines if block.contains(line)]


def _parts(shape: BaseGeometry) -> list[BaseGeometry]:
    return [part for part in shapely.get_parts(shape) if not part.is_empty]

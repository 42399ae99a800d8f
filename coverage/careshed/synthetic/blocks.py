"""Blocks: ground between streets, halved again and again until it is as small as the place asks.

A recursive subdivision of parcels (Vanegas et al., 2012): the block is cut
across its longer side, off the middle and out of true by a little, so that
streets meet in T-junctions as lanes do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

__all__ = ["Cuts", "cut_blocks", "faces"]


@dataclass(frozen=True, slots=True)
class Cuts:
    """What cutting blocks gave.

    Parameters
    ----------
    lines
        Cuts, metres.
    sides_m
        Side (root of the area) of the block that each cut halved, metres.
    owner
        Position of the block of the input that each cut lies in.
    leaves
        The blocks that are left.
    leaf_owner
        Position of the block of the input that each lies in.
    """

    lines: list[LineString]
    sides_m: list[float]
    owner: list[int]
    leaves: list[Polygon]
    leaf_owner: list[int]


def faces(lines: Sequence[BaseGeometry]) -> list[Polygon]:
    """Return the polygons that lines enclose, on a grid of 0.01 m.

    Parameters
    ----------
    lines
        Lines in any order; they may cross and overlap.
    """
    noded = shapely.unary_union(np.asarray(lines, dtype=object), grid_size=0.01)
    return list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))


def cut_blocks(
    blocks: Sequence[Polygon],
    side_m: Callable[[Polygon, int], float],
    rng: np.random.Generator,
    *,
    bend: float = 0.0,
    slim: float = 0.0,
) -> Cuts:
    """Halve blocks until their sides are about as asked.

    Parameters
    ----------
    blocks
        Blocks, metres.
    side_m
        Function of a block and the position of the block it came from to the side asked, metres; 0 leaves it whole.
    rng
        Source of every choice.
    bend
        How far the middle of a cut strays, as a share of its length.
    slim
        Where not 0, the side is at least the perimeter over this figure, so that strips are cut too.
    """
    cuts = Cuts([], [], [], [], [])
    for position, block in enumerate(blocks):
        stack = [block]
        while stack:
            part = stack.pop()
            side = max(part.area**0.5, part.length / slim if slim else 0.0)
            asked = side_m(part, position)
            halves = _halves(part, rng, bend) if asked and side > asked * rng.uniform(1.0, 1.4) else None
            if halves is None:
                cuts.leaves.append(part)
                cuts.leaf_owner.append(position)
                continue
            line, pieces = halves
            for piece in shapely.get_parts(line):
                cuts.lines.append(piece)
                cuts.sides_m.append(side)
                cuts.owner.append(position)
            stack.extend(pieces)
    return cuts


def _halves(block: Polygon, rng: np.random.Generator, bend: float) -> tuple[BaseGeometry, list[Polygon]] | None:
    knife = _knife(block, rng, bend)
    line = knife.intersection(block)
    if line.is_empty:
        return None
    line = shapely.MultiLineString([part for part in shapely.get_parts(line) if part.geom_type == "LineString"])
    pieces = shapely.get_parts(shapely.polygonize([*shapely.get_parts(block.boundary.union(knife))]))
    within = [piece for piece in pieces if shapely.intersects_xy(block, *piece.representative_point().coords[0])]
    if len(within) < 2 or line.is_empty:
        return None
    return line, within


def _knife(block: Polygon, rng: np.random.Generator, bend: float) -> LineString:
    corner = shapely.get_coordinates(shapely.oriented_envelope(block))
    along, across = corner[1] - corner[0], corner[3] - corner[0]
    if np.hypot(*along) < np.hypot(*across):
        along, across = across, along
    share = rng.uniform(0.38, 0.62)
    tilt = rng.normal(0, 0.03)
    start = corner[0] + along * (share - tilt) - across * 0.05
    end = corner[0] + along * (share + tilt) + across * 1.05
    if not bend:
        return LineString([start, end])
    middle = (start + end) / 2 + along / np.hypot(*along) * rng.normal(0, bend) * np.hypot(*across)
    return LineString([start, middle, end])

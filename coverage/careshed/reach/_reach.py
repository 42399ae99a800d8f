"""Reach: how far one gets from places, or from how far one gets to them, on every street."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.network import Access, RoadNetwork, cut_lines
from careshed.reach._ends import (
    Direction,
    Places,
    edge_ms,
    entries_of,
    opening,
    require_same_network,
    spots_of,
    tails,
)
from careshed.reach._limits import Seconds, limit_ms
from careshed.reach._search import Ints32, Spots, least_times
from careshed.reach._work import workplace_of

__all__ = ["Reach", "reach_times"]

Floats = npt.NDArray[np.float64]
Ints64 = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).max // 4
"""Later than any limit, and twice it is no overflow."""


TINY_M = 1e-6
"""Shorter is nothing: what float arithmetic leaves."""


class Pieces(NamedTuple):
    """Pieces of edges between places on them: the edge, from and to (metres), and the least time at either end.

    `start_ms` is the time at `start_m` for going on towards v, `end_ms` that at
    `end_m` for going back towards u; `NEVER` where closed or not reached.
    """

    edge: Ints32
    start_m: Floats
    end_m: Floats
    start_ms: Ints64
    end_ms: Ints64


class Parts(NamedTuple):
    """Parts of edges from `start_m` to `end_m` that are reached, or not."""

    edge: Ints32
    start_m: Floats
    end_m: Floats
    reached: npt.NDArray[np.bool_]

    def take(self, chosen: npt.NDArray[np.bool_]) -> Parts:
        """Return the chosen parts."""
        return Parts(self.edge[chosen], self.start_m[chosen], self.end_m[chosen], self.reached[chosen])


def reach_times(
    network: RoadNetwork,
    places: Places,
    *,
    cutoff_s: float,
    direction: Direction = "to",
    delays_s: Seconds | None = None,
) -> Reach:
    """Compute the least time to, or from, any of the places, on the whole network.

    Parameters
    ----------
    network
        The network.
    places
        Points by id, in the network's CRS, or what :meth:`RoadNetwork.snap` made of them.
    cutoff_s
        How far to search, seconds.
    direction
        ``'to'``: people come to the nearest place. ``'from'``: vehicles leave from the places.
    delays_s
        Seconds added to each place's times, one figure or one for each place.

    Returns
    -------
    Reach
        Times at junctions, at points, and the parts of streets within a limit.

    Notes
    -----
    One search by Dijkstra's algorithm (1959), with buckets (Dial, 1969), that starts from all places at once; for
    ``'to'`` over the reversed graph. Memory and time grow with what is reached, not with the network.
    """
    cutoff_ms, place = limit_ms(cutoff_s), workplace_of(network)
    graph, access, spots, ends = opening(network, places, direction, delays_s)
    with place.room() as room:
        node, ms = least_times(graph, ends, cutoff_ms, place.width_bits, room)
    return Reach(network, direction, float(cutoff_s), access, node, ms, spots)


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Least times to or from any of some places, on a whole network.

    Made by :func:`reach_times`.

    Parameters
    ----------
    network
        The network.
    direction
        ``'to'`` or ``'from'`` the places.
    cutoff_s
        How far was searched, seconds.
    places
        The places, as joined to the network; its `rejected` lists those that could not be.
    reached, reached_ms
        The nodes of the search within the cutoff (junctions, unless turns cost something there), ascending, and
        whole milliseconds there.
    """

    network: RoadNetwork
    direction: Direction
    cutoff_s: float
    places: Access
    reached: Ints32
    reached_ms: Ints32
    _spots: Spots = field(repr=False)

    @property
    def node_ms(self) -> Ints32:
        """Whole milliseconds at each junction, −1 beyond the cutoff, (n,); who ends or begins there doesn't wait."""
        stand = self.network.leave if self.direction == "to" else self.network.arrive
        return np.where((ms := self._at_nodes(stand)) < NEVER, ms, -1).astype(np.int32)

    @property
    def delay_ms(self) -> Ints64:
        """What is added to the times of each place, whole milliseconds, (places,)."""
        return np.where(self.places.joined, self._spots.base_ms.astype(np.int64) - self.places.leg_ms, 0)

    @property
    def rejected(self) -> pd.DataFrame:
        """The places that could not be joined: ``id``, ``reason``, ``distance_m``."""
        return self.places.rejected

    def at(self, points: Access) -> pd.Series:
        """Return the time at each of some points, their legs included.

        Parameters
        ----------
        points
            Points joined to the same network by :meth:`RoadNetwork.snap`.

        Returns
        -------
        pandas.Series
            Seconds on the points' ids; NaN beyond the cutoff and where the point was rejected.
        """
        require_same_network(self.network, points, what="points")
        reverse = self.direction == "to"
        spots = spots_of(self.network, points, reverse=reverse)
        ends = entries_of(self.network, spots, reverse=reverse)
        best = (self._at_nodes(ends.node) + ends.ms).min(axis=1, initial=NEVER)
        np.minimum.at(best, *_along_edges(self._spots, spots))
        seconds = np.where(best <= limit_ms(self.cutoff_s), best / 1000, np.nan)
        return pd.Series(seconds, index=points.ids, name="seconds")

    def covered_m(self, seconds: float | None = None) -> pd.Series:
        """Return the metres of each street that are within `seconds` (default: the cutoff), by ``street_id``."""
        edge, start_m, end_m, reached = self._parts(seconds)
        metres = np.bincount(edge[reached], weights=(end_m - start_m)[reached], minlength=self.network.edges)
        return pd.Series(metres, index=self.network.street_ids, name="covered_m")

    def parts(self, seconds: float | None = None, *, reached: bool | None = None) -> gpd.GeoDataFrame:
        """Return the parts of streets within `seconds` of the places, and the parts beyond.

        A street that is reached from both ends may have a part in its middle that is not.

        Parameters
        ----------
        seconds
            The limit, at most the cutoff, which is the default.
        reached
            Only the parts within (True) or beyond (False); default both.

        Returns
        -------
        geopandas.GeoDataFrame
            ``street_id``, ``reached``, ``start_m``, ``end_m`` (metres along the
            street), ``length_m``, ``main`` (False: an island) and the line.
            Ordered by street, then along it.

        Notes
        -----
        Parts end where the time does, to within half a millisecond (times at
        points are rounded to whole ones).
        """
        parts = self._parts(seconds, only_reached=reached is True)
        if reached is not None:
            parts = parts.take(parts.reached == reached)
        network = self.network
        return gpd.GeoDataFrame(
            {
                "street_id": network.street_ids[parts.edge],
                "reached": parts.reached,
                "start_m": parts.start_m,
                "end_m": parts.end_m,
                "length_m": parts.end_m - parts.start_m,
                "main": network.main[parts.edge],
            },
            geometry=self.lines(parts),
            crs=network.crs,
        )

    def reached_parts(self, seconds: float | None = None) -> Parts:
        """Return the parts within `seconds` as arrays, without making lines of them."""
        parts = self._parts(seconds, only_reached=True)
        return parts.take(parts.reached)

    def lines(self, parts: Parts) -> npt.NDArray[np.object_]:
        """Return parts as LineStrings; a street that is whole keeps its own."""
        lines = self.network.geometry[parts.edge]
        cut = (parts.start_m > 0) | (parts.end_m < self.network.edge_length_m[parts.edge])
        lines[cut] = cut_lines(lines[cut], parts.start_m[cut], parts.end_m[cut])
        return lines

    def _parts(self, seconds: float | None, *, only_reached: bool = False) -> Parts:
        """Divide the edges (or only those with an end that is reached) into parts within a limit and parts beyond."""
        most_ms = limit_ms(self.cutoff_s if seconds is None else seconds, zero=True)
        if most_ms > limit_ms(self.cutoff_s):
            raise InputError(
                f"asked for {seconds:g} s of a reach cut off at {self.cutoff_s:g} s; use a larger cutoff_s"
            )
        network = self.network
        pieces = self._pieces(only_reached=only_reached)
        start_m, end_m = pieces.start_m, pieces.end_m
        from_u_ms, from_v_ms = edge_ms(network, reverse=self.direction == "to")
        length_m = network.edge_length_m[pieces.edge]
        ahead = _metres(most_ms - pieces.start_ms, length_m, from_u_ms[pieces.edge])
        back = _metres(most_ms - pieces.end_ms, length_m, from_v_ms[pieces.edge])
        near, far = start_m + ahead, end_m - back
        near = np.where(near > end_m - TINY_M, end_m, np.where(near < start_m + TINY_M, start_m, near))
        far = np.where(far < start_m + TINY_M, start_m, np.where(far > end_m - TINY_M, end_m, far))
        whole = near > far - TINY_M
        near, far = np.where(whole, end_m, near), np.where(whole, end_m, far)
        bounds = np.column_stack([start_m, near, far, end_m])
        reached = np.tile([True, False, True], len(start_m))
        return _merged(np.repeat(pieces.edge, 3), bounds[:, :-1].ravel(), bounds[:, 1:].ravel(), reached)

    def _pieces(self, *, only_reached: bool) -> Pieces:
        """Cut edges at the places on them, so that each piece is reached from its two ends only."""
        network = self.network
        reverse = self.direction == "to"
        u, v = tails(network, reverse=reverse)
        own = np.unique(self._spots.edge[self._spots.edge >= 0])
        if only_reached:
            edge = workplace_of(network).streets_from(self.reached, reverse=reverse)
        else:
            edge = np.arange(network.edges, dtype=np.int32)
        edge = edge[~np.isin(edge, own)]
        there, back = edge_ms(network, reverse=reverse)
        start_ms, end_ms = self._label(u, there, edge), self._label(v, back, edge)
        cut = self._cut_pieces(own)
        return Pieces(
            np.concatenate([edge, cut.edge]),
            np.concatenate([np.zeros(len(edge)), cut.start_m]),
            np.concatenate([network.edge_length_m[edge], cut.end_m]),
            np.concatenate([start_ms, cut.start_ms]),
            np.concatenate([end_ms, cut.end_ms]),
        )

    def _label(self, node: Ints32, open_ms: Ints32, edge: Ints32) -> Ints64:
        """Return the time at an end of each edge, `NEVER` where the edge is closed from there."""
        return np.where(open_ms[edge] >= 0, self._at_nodes(node[edge]), NEVER)

    def _at_nodes(self, node: Ints32) -> Ints64:
        """Return the times at some nodes of the search, `NEVER` where not reached."""
        if not len(self.reached):
            return np.full(node.shape, NEVER, dtype=np.int64)
        position = np.minimum(np.searchsorted(self.reached, node), len(self.reached) - 1)
        return np.where(self.reached[position] == node, self.reached_ms[position].astype(np.int64), NEVER)

    def _cut_pieces(self, own: Ints32) -> Pieces:
        """Cut the edges that hold places, at the places."""
        spots, network = self._spots, self.network
        reverse = self.direction == "to"
        there, back = edge_ms(network, reverse=reverse)
        u, v = tails(network, reverse=reverse)
        start_ms, end_ms = self._label(u, there, own), self._label(v, back, own)
        on = np.flatnonzero(spots.edge >= 0)
        on = on[np.lexsort((spots.offset_m[on], spots.edge[on]))]
        groups = np.split(on, np.searchsorted(spots.edge[on], own[1:]))
        rows: list[tuple[int, float, float, int, int]] = []
        for position, edge in enumerate(own.tolist()):
            places = groups[position]
            at_m = [0.0, *spots.offset_m[places].tolist(), float(network.edge_length_m[edge])]
            base = spots.base_ms[places].tolist()
            going = _carried(int(start_ms[position]), base, spots.from_u_ms[places].tolist(), open_=there[edge] >= 0)
            coming = _carried(
                int(end_ms[position]),
                base[::-1],
                spots.from_v_ms[places][::-1].tolist(),
                open_=back[edge] >= 0,
            )[::-1]
            rows.extend(zip([edge] * len(going), at_m[:-1], at_m[1:], going, coming, strict=True))
        columns = list(zip(*rows, strict=True)) or [()] * 5
        kinds = (np.int32, np.float64, np.float64, np.int64, np.int64)
        return Pieces(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


def _carried(first_ms: int, base_ms: list[int], at_ms: list[int], *, open_: bool) -> list[int]:
    """Return the time at an edge's end and at each place on it, for going on along the edge."""
    if not open_:
        return [NEVER] * (len(base_ms) + 1)
    times, last = [first_ms], 0
    for base, at in zip(base_ms, at_ms, strict=True):
        times.append(min(times[-1] + at - last, base))
        last = at
    return times


def _metres(left_ms: Ints64, length_m: Floats, whole_ms: Ints32) -> Floats:
    """Return the metres along each edge that the milliseconds left allow."""
    return np.where(left_ms > 0, left_ms * (length_m / np.maximum(whole_ms, 1)), 0.0)


def _merged(edge: Ints32, start_m: Floats, end_m: Floats, reached: npt.NDArray[np.bool_]) -> Parts:
    """Drop parts without length and join neighbours on one edge that are alike."""
    there = end_m > start_m
    edge, start_m, end_m, reached = edge[there], start_m[there], end_m[there], reached[there]
    order = np.lexsort((start_m, edge))
    edge, start_m, end_m, reached = edge[order], start_m[order], end_m[order], reached[order]
    first = np.ones(len(edge), dtype=bool)
    first[1:] = (edge[1:] != edge[:-1]) | (reached[1:] != reached[:-1])
    last = np.append(first[1:], True)[: len(edge)]
    return Parts(edge[first], start_m[first], end_m[last], reached[first])


def _along_edges(places: Spots, points: Spots) -> tuple[Ints64, Ints64]:
    """Return points that share an edge with a place, and the times between them along it."""
    at, of = (
        pd.DataFrame({"edge": spots.edge[on], name: on})
        for spots, name in ((points, "point"), (places, "place"))
        for on in [np.flatnonzero(spots.edge >= 0)]
    )
    both = at.merge(of, on="edge")
    point, place = both["point"].to_numpy(dtype=np.int64), both["place"].to_numpy(dtype=np.int64)
    ahead = points.offset_m[point] - places.offset_m[place]
    base = places.base_ms[place].astype(np.int64) + points.base_ms[point]
    going = points.from_u_ms[point].astype(np.int64) - places.from_u_ms[place]
    coming = points.from_v_ms[point].astype(np.int64) - places.from_v_ms[place]
    ms = np.minimum(
        np.where((ahead >= 0) & (places.from_u_ms[place] >= 0), going, NEVER),
        np.where((ahead <= 0) & (places.from_v_ms[place] >= 0), coming, NEVER),
    )
    return point, np.where(ahead == 0, 0, ms) + base

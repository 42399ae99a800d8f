"""Where points join a road network: a place on an edge, and a leg to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import infer_dtype

from careshed._checks import require_unique
from careshed.errors import InputError

if TYPE_CHECKING:
    from careshed.network import RoadNetwork

__all__ = ["CLOSED", "Access", "id_index", "locate"]

Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

CLOSED = -1
"""Stands for the time along an edge in a direction that is closed."""

AT_END_M = 0.005
"""A point so near to an edge's end, half the grid of coordinates, is at the junction."""


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """Points joined to a road network, each by a leg to a place on an edge.

    Made by :meth:`RoadNetwork.snap`. All arrays have one entry for each point,
    in the order of the points.

    Parameters
    ----------
    ids
        Unique strings.
    edge
        Position of the edge in the network; −1 where the point was rejected.
    offset_m
        Metres along the edge from its junction `u`; exactly 0 or the edge's length at a junction.
    at_forward_ms, at_backward_ms
        Milliseconds along the edge from `u`, and from `v`, to the place; −1
        where the edge is closed in that direction. The rest to the other end
        is the edge's whole time less this.
    leg_m, leg_ms
        Length of the leg (NaN where there is no point) and its time. A
        rejected point keeps its `leg_m`, the distance it was rejected for.
    x, y
        The place on the edge; NaN where rejected.
    from_x, from_y
        The point itself; NaN where there is none.
    max_snap_m
        The longest leg that was allowed.
    network_hash
        The network that edges are counted in.
    """

    ids: pd.Index
    edge: Ints32
    offset_m: Floats
    at_forward_ms: Ints32
    at_backward_ms: Ints32
    leg_m: Floats
    leg_ms: Ints32
    x: Floats
    y: Floats
    from_x: Floats
    from_y: Floats
    max_snap_m: float
    network_hash: str

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __len__(self) -> int:
        """Return the number of points, rejected ones included."""
        return len(self.ids)

    @property
    def joined(self) -> npt.NDArray[np.bool_]:
        """Whether each point was joined to the network."""
        return self.edge >= 0

    @property
    def rejected(self) -> pd.DataFrame:
        """The points that were not joined: ``id``, ``reason`` and ``distance_m`` (NaN where there is no point)."""
        lost = ~self.joined
        distance_m = self.leg_m[lost]
        reasons = [_reason(metres, self.max_snap_m) for metres in distance_m]
        return pd.DataFrame({"id": self.ids[lost], "reason": pd.Series(reasons, dtype="str"), "distance_m": distance_m})

    def take(self, positions: npt.ArrayLike) -> Access:
        """Return the points at `positions` (integers, or one boolean for each point)."""
        chosen = np.asarray(positions)
        some = {
            name: getattr(self, name)[chosen]
            for name in self.__slots__
            if isinstance(getattr(self, name), np.ndarray | pd.Index)
        }
        return replace(self, **some)


def _reason(distance_m: float, max_snap_m: float) -> str:
    if np.isnan(distance_m):
        return "no point: its geometry is missing, empty or not finite"
    if np.isinf(distance_m):
        return "the network has no street to join"
    return f"{distance_m:.0f} m from the nearest street, more than {max_snap_m:g} m"


def id_index(ids: pd.Index, *, what: str) -> pd.Index:
    """Return ids as an index of unique strings.

    Raises
    ------
    InputError
        If an id isn't a string.
    DuplicateIdError
        If one occurs twice.
    """
    if len(ids) and (ids.hasnans or infer_dtype(ids) != "string"):
        strange = [value for value in ids if not isinstance(value, str)]
        raise InputError(
            f"{what}: {len(strange)} ids are not strings (first: {strange[0]!r}); "
            "give each place a string id with set_index() or index.astype(str)"
        )
    require_unique(ids, what=what)
    return ids.astype("str")


def locate(
    network: RoadNetwork,
    ids: pd.Index,
    edge: npt.ArrayLike,
    offset_m: npt.ArrayLike,
    *,
    leg_m: npt.ArrayLike,
    points: tuple[Floats, Floats],
    max_snap_m: float,
) -> Access:
    """Work out the times along the edges of places that are given by edge and offset.

    Parameters
    ----------
    network
        The network.
    ids
        Unique strings.
    edge, offset_m
        Edge (−1 rejected) and metres from its junction `u`.
    leg_m
        Length of each leg.
    points
        x and y of the points themselves.
    max_snap_m
        The longest leg that was allowed.
    """
    edge = np.asarray(edge, dtype=np.int32)
    leg_m = np.asarray(leg_m, dtype=np.float64)
    joined = edge >= 0
    on = edge[joined]
    length_m = network.edge_length_m[on]
    offset = np.clip(np.asarray(offset_m, dtype=np.float64)[joined], 0.0, length_m)
    offset[length_m - offset < AT_END_M] = length_m[length_m - offset < AT_END_M]
    offset[offset < AT_END_M] = 0.0
    share = np.divide(offset, length_m, out=np.zeros_like(offset), where=length_m > 0)
    forward_ms, backward_ms = network.forward_ms[on], network.backward_ms[on]
    spots = network.points_on(on, offset)

    def spread(values: npt.ArrayLike, blank: float, dtype: type) -> npt.NDArray[Any]:
        whole: npt.NDArray[Any] = np.full(len(edge), blank, dtype=dtype)
        whole[joined] = values
        return whole

    return Access(
        ids=ids,
        edge=edge,
        offset_m=spread(offset, np.nan, np.float64),
        at_forward_ms=spread(np.where(forward_ms >= 0, np.rint(share * forward_ms), CLOSED), CLOSED, np.int32),
        at_backward_ms=spread(np.where(backward_ms >= 0, np.rint((1 - share) * backward_ms), CLOSED), CLOSED, np.int32),
        leg_m=leg_m,
        leg_ms=spread(np.rint(leg_m[joined] / network.leg_speed_mps * 1000), CLOSED, np.int32),
        x=spread(spots[:, 0], np.nan, np.float64),
        y=spread(spots[:, 1], np.nan, np.float64),
        from_x=points[0],
        from_y=points[1],
        max_snap_m=max_snap_m,
        network_hash=network.hash,
    )

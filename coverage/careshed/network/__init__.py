"""Road networks: streets of one mode as a directed graph with whole milliseconds.

Times are rounded once, on each edge; all else adds integers. Points are joined
to the network inside edges, not at junctions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from careshed.errors import InputError
from careshed.network._access import CLOSED, Access, id_index, locate
from careshed.network._files import read_network, write_network
from careshed.network._graph import Packed, main_edges, number_junctions, pack
from careshed.network._inputs import MAX_SNAP_M, check_layers, check_streets, usable_points
from careshed.network._lines import LazyLines, Nearest, cut_lines
from careshed.network._profile import FREE_FLOW, Profile, default_profile, read_profile
from careshed.network._rules import heights_of, read_rules
from careshed.network._speeds import DRIVE_KMH, LEG_KMH, MAXSPEED_FACTOR, WALK_SPEED_MPS, driving, walking
from careshed.network._turns import Arcs, Streets, Turns, arcs_of, expand, plain

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "CLOSED",
    "DRIVE_KMH",
    "FREE_FLOW",
    "LEG_KMH",
    "MAXSPEED_FACTOR",
    "MAX_SNAP_M",
    "WALK_SPEED_MPS",
    "Access",
    "Arcs",
    "Mode",
    "Profile",
    "RoadNetwork",
    "Turns",
    "cut_lines",
    "default_profile",
    "id_index",
    "read_profile",
]

Mode = Literal["walk", "drive"]
Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RoadNetwork:
    """The streets open to one mode as a directed graph.

    Made by :meth:`from_streets`. Junctions are numbered along a Hilbert curve,
    so that near ones are near in memory too; `junction` holds the number that
    each had in the streets layer.

    Parameters
    ----------
    mode
        ``'walk'`` or ``'drive'``.
    crs
        Projected, metres.
    profile
        The speeds, in words.
    junction
        The junctions' numbers in the streets layer, (n,).
    node_x, node_y
        Their coordinates, metres, (n,).
    street_ids
        Ids of the streets open to the mode, (e,).
    edge_u, edge_v
        Junctions at each street's start and end, positions in `junction`, (e,).
    edge_length_m
        (e,).
    forward_ms, backward_ms
        Time from u to v and from v to u, whole milliseconds; −1 closed, (e,).
    lines
        LineStrings from u to v, (e,); as objects they are `geometry`, made when first asked for.
    main
        Whether the street is in a component that is kept, (e,). Only these are joined to; the others are islands.
    leg_speed_mps
        Speed of the legs between points and streets.
    turns
        Nodes and arcs of the search at junctions where one waits or may not turn; None where there are none.
    packed
        Both graphs and the hash, where a file has kept them; worked out where it hasn't.

    Notes
    -----
    The search runs over nodes: the junctions, and after them, where `turns` are given, further nodes of some
    junctions. ``fwd_tail``, ``fwd_head``, ``bwd_tail``, ``bwd_head``, (e,), are the nodes at which each edge begins
    and ends in the two directions. A trip from a junction leaves from its node ``leave``, one to it comes to its
    node ``arrive``, (n,): who stands at a junction may go along any street, and who stays there doesn't wait.

    A component (weakly connected for walking, strongly for driving) is kept when it holds at least
    5 % of the mode's junctions; where none does, the largest is.

    ``out_start``, ``out_arcs`` are the graph in compressed rows: the arcs that
    leave node i are ``out_arcs[out_start[i]:out_start[i + 1]]``, each one
    integer, milliseconds times 2³² plus the node it leads to. ``in_start``,
    ``in_arcs`` are the reversed graph. ``hash`` is the SHA-256 of all content.
    """

    mode: Mode
    crs: pyproj.CRS
    profile: str
    junction: Ints64
    node_x: Floats
    node_y: Floats
    street_ids: pd.Index
    edge_u: Ints32
    edge_v: Ints32
    edge_length_m: Floats
    forward_ms: Ints32
    backward_ms: Ints32
    lines: LazyLines = field(repr=False)
    main: Bools
    leg_speed_mps: float
    turns: Turns | None = field(default=None, repr=False)
    packed: InitVar[Packed | None] = None
    fwd_tail: Ints32 = field(init=False, repr=False)
    fwd_head: Ints32 = field(init=False, repr=False)
    bwd_tail: Ints32 = field(init=False, repr=False)
    bwd_head: Ints32 = field(init=False, repr=False)
    leave: Ints32 = field(init=False, repr=False)
    arrive: Ints32 = field(init=False, repr=False)
    out_start: Ints64 = field(init=False, repr=False)
    out_arcs: Ints64 = field(init=False, repr=False)
    in_start: Ints64 = field(init=False, repr=False)
    in_arcs: Ints64 = field(init=False, repr=False)
    hash: str = field(init=False)
    _nearest: Nearest = field(init=False, repr=False)

    def __post_init__(self, packed: Packed | None) -> None:
        """Build both graphs and the hash, unless they are given, and freeze the arrays."""
        # slots and frozen: there is no other way to set a derived field
        put = object.__setattr__
        turns = self.turns or plain(self.edge_u, self.edge_v, self.nodes)
        for name in ("fwd_tail", "fwd_head", "bwd_tail", "bwd_head", "leave", "arrive"):
            put(self, name, getattr(turns, name))
        packed = packed or pack(arcs_of(turns, self.forward_ms, self.backward_ms), len(turns.owner), self._digest())
        for name, value in packed._asdict().items():
            put(self, name, value)
        put(self, "_nearest", Nearest(self.lines, self.main))
        for value in (*(getattr(self, own.name) for own in fields(self)), *turns):
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @classmethod
    def from_streets(  # noqa: PLR0913 - options, each with its name
        cls,
        streets: gpd.GeoDataFrame,
        mode: Mode,
        *,
        crs: pyproj.CRS | None = None,
        walk_speed_mps: float | None = None,
        drive_kmh: Mapping[str, float] | None = None,
        leg_kmh: float | None = None,
        profile: Profile | None = None,
        hour: int | None = None,
        junctions: gpd.GeoDataFrame | None = None,
        turns: gpd.GeoDataFrame | None = None,
    ) -> Self:
        """Build the network of one mode from a streets layer.

        Parameters
        ----------
        streets
            One row for each piece of way between junctions: index of unique
            string ids, columns ``u``, ``v``, ``highway``, ``walk``, ``drive``,
            ``maxspeed_kmh`` and LineStrings from u to v, in metres.
        mode
            ``'walk'`` or ``'drive'``. A street is open from u to v where bit 1
            of the column of that name is set, from v to u where bit 2 is.
        crs
            The CRS that the streets must be in; default: whatever projected one they are in.
        walk_speed_mps
            Metres per second on foot, instead of the profile's.
        drive_kmh
            Class → km/h, taking the place of the profile's free-flow figures.
        leg_kmh
            Speed of driven legs between points and streets, instead of the profile's.
        profile
            The time model; default the packaged one.
        hour
            Hour of the day (8 is 8:00 to 8:59); None is free flow.
        junctions, turns
            Layers of tags and elevations of junctions and of turn restrictions, by `careshed.area.SCHEMAS`.

        Raises
        ------
        InputError
            If a street can't be used, or no speed is positive.
        MissingColumnError, DuplicateIdError, CRSError
            If the layer lacks a column, has an id twice or isn't in metres.
        """
        crs = check_streets(streets, mode, crs)
        check_layers(streets, junctions, turns)
        profile = profile or default_profile()
        profile.period_at(hour)  # what is no hour is refused on foot too
        streets = streets[streets[mode].to_numpy() > 0]
        lines = streets.geometry.to_numpy()
        length_m = shapely.length(lines)
        numbers, x, y, u, v = number_junctions(streets, lines)
        if mode == "walk":
            heights = heights_of(numbers, junctions)
            rise_m = None if heights is None else heights[v] - heights[u]
            pace = walking(streets, length_m, profile, speed_mps=walk_speed_mps, rise_m=rise_m)
        else:
            pace = driving(streets, length_m, profile, hour, drive_kmh=drive_kmh, leg_kmh=leg_kmh)
        street_ids = streets.index.astype("str").rename("street_id")
        rules = read_rules(mode, profile, numbers, street_ids, junctions, turns)
        expanded = expand(Streets(u, v, pace.forward_ms, pace.backward_ms, lines), rules)
        kept = expanded or plain(u, v, len(numbers))
        return cls(
            mode=mode,
            crs=crs,
            profile=pace.words + rules.words(),
            junction=numbers,
            node_x=x,
            node_y=y,
            street_ids=street_ids,
            edge_u=u,
            edge_v=v,
            edge_length_m=length_m,
            forward_ms=pace.forward_ms,
            backward_ms=pace.backward_ms,
            lines=LazyLines.of(lines),
            main=main_edges(kept, pace.forward_ms, pace.backward_ms, strong=mode == "drive"),
            leg_speed_mps=pace.leg_mps,
            turns=expanded,
        )

    @property
    def geometry(self) -> npt.NDArray[np.object_]:
        """The streets' LineStrings from u to v, (e,)."""
        return self.lines.array

    @property
    def nodes(self) -> int:
        """Number of junctions."""
        return len(self.junction)

    @property
    def edges(self) -> int:
        """Number of streets."""
        return len(self.edge_u)

    def snap(self, points: gpd.GeoSeries | gpd.GeoDataFrame, *, max_snap_m: float | None = None) -> Access:
        """Join points to the nearest point of the nearest street that isn't an island.

        Of streets that are equally near the first in the layer is taken. A
        point further than `max_snap_m`, or without coordinates, is rejected
        (edge −1, listed in :attr:`Access.rejected`), never moved.

        Parameters
        ----------
        points
            Points by id (unique strings), in the network's CRS.
        max_snap_m
            The longest leg; default 300 m on foot, 500 m driving.

        Raises
        ------
        CRSError
            If the points are in another CRS.
        InputError
            If a geometry isn't a point or an id isn't a string.
        DuplicateIdError
            If an id occurs twice.
        """
        series = points.geometry
        ids = id_index(series.index, what="points to join to the network")
        limit_m = MAX_SNAP_M[self.mode] if max_snap_m is None else max_snap_m
        if not limit_m >= 0:
            raise InputError(f"max_snap_m is {max_snap_m!r}; expected metres, 0 or more")
        geometry = usable_points(series, self.crs)
        edge, leg_m = self._nearest.to(geometry)
        edge[~(leg_m <= limit_m)] = -1
        joined = edge >= 0
        offset_m = np.full(len(edge), np.nan)
        offset_m[joined] = shapely.line_locate_point(self.geometry[edge[joined]], geometry[joined])
        xy = shapely.get_x(geometry), shapely.get_y(geometry)
        return locate(self, ids, edge, offset_m, leg_m=leg_m, points=xy, max_snap_m=float(limit_m))

    def points_on(self, edge: npt.NDArray[np.integer], offset_m: Floats) -> Floats:
        """Return x and y (m, 2) of places given by edge and metres from its junction u."""
        lines = self.geometry[edge]
        return shapely.get_coordinates(shapely.line_interpolate_point(lines, offset_m)).reshape(-1, 2)

    def to_file(self, path: Path | str, *, source: str = "") -> None:
        """Write the network to one file, an archive of NumPy arrays (``.npz``) and their checksums.

        Parameters
        ----------
        path
            The file.
        source
            What it was made from, such as the SHA-256 of the streets' file and the speeds; see :meth:`from_file`.
        """
        write_network(self, path, source)

    @classmethod
    def from_file(cls, path: Path | str, *, source: str | None = None) -> Self:
        """Read a network that :meth:`to_file` wrote: as fast as its bytes are read and their checksums formed.

        Lines, and the tree that points are joined by, are made when first asked for.

        Parameters
        ----------
        path
            The file.
        source
            What it must have been made from; default: whatever it was.

        Raises
        ------
        FileFaultError
            If the file isn't a network, has changed, or was made from another source.
        """
        return read_network(cls, path, source)

    def islands(self) -> gpd.GeoDataFrame:
        """Return the streets that are never joined to: ``street_id``, ``length_m`` and the line."""
        lost = ~self.main
        return gpd.GeoDataFrame(
            {"length_m": self.edge_length_m[lost]},
            index=self.street_ids[lost],
            geometry=self.geometry[lost],
            crs=self.crs,
        )

    def arcs(self) -> Arcs:
        """Return the arcs of the search, with the streets that they go along (−1: inside a junction)."""
        turns = self.turns or plain(self.edge_u, self.edge_v, self.nodes)
        return arcs_of(turns, self.forward_ms, self.backward_ms)

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return the network for networkx, with the same whole milliseconds.

        Delays and restrictions at junctions are not in it.

        Nodes are the junctions' numbers in the streets layer, with ``x`` and
        ``y``; arcs carry ``ms``, ``length_m`` and ``street_id``, and have as
        key the street's id and whether they run from u to v.
        """
        import networkx as nx  # noqa: PLC0415 - only who asks for it pays for it

        graph = nx.MultiDiGraph(crs=self.crs, mode=self.mode, profile=self.profile)
        for number, x, y in zip(self.junction.tolist(), self.node_x.tolist(), self.node_y.tolist(), strict=True):
            graph.add_node(number, x=x, y=y)
        u, v = self.junction[self.edge_u].tolist(), self.junction[self.edge_v].tolist()
        for edge, street in enumerate(self.street_ids):
            length_m = float(self.edge_length_m[edge])
            for forward, tail, head, ms in (
                (True, u[edge], v[edge], int(self.forward_ms[edge])),
                (False, v[edge], u[edge], int(self.backward_ms[edge])),
            ):
                if ms >= 0:
                    graph.add_edge(tail, head, key=(street, forward), ms=ms, length_m=length_m, street_id=street)
        return graph

    def _digest(self) -> str:
        digest = hashlib.sha256(f"{self.mode}|{self.profile}|{self.leg_speed_mps!r}|{self.crs.to_wkt()}".encode())
        digest.update("\0".join(self.street_ids.tolist()).encode())
        for array in (self.junction, self.edge_u, self.edge_v, self.forward_ms, self.backward_ms, self.main):
            digest.update(np.ascontiguousarray(array).tobytes())
        for array in self.turns or ():
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(self.lines.xy.tobytes())
        digest.update(self.lines.owner.tobytes())
        return digest.hexdigest()

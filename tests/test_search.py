"""The search: straight through junctions with one way on, with buckets of any width and too little room."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from careshed.errors import InputError
from careshed.network import RoadNetwork
from careshed.reach import node_times, reach_times
from careshed.reach._search import Ends, Graph, Room, Rows, junction_rows, least_times, room_for

CUTOFF_MS = 300
NOBODY = -1


@st.composite
def graphs(draw):
    """Draw arcs (tail, head, ms) with long chains, dead ends, one-ways, parallel arcs and loops, and entries."""
    nodes = draw(st.integers(1, 6))
    arcs = []
    for tail, head in draw(st.lists(st.tuples(*[st.integers(0, nodes - 1)] * 2), max_size=10)):
        chain = [tail, *range(nodes, nodes + draw(st.integers(0, 4)))]
        nodes += len(chain) - 1
        chain += [head] if draw(st.booleans()) else []
        both = draw(st.booleans())
        for a, b in itertools.pairwise(chain):
            arcs.append((a, b, draw(st.integers(1, 60))))
            if both:
                arcs.append((b, a, draw(st.integers(1, 60))))
    entry = st.tuples(st.integers(-1, nodes - 1), st.integers(0, CUTOFF_MS + 9))
    return nodes, arcs, draw(st.lists(st.tuples(entry, entry), min_size=1, max_size=5))


def graph_of(nodes, arcs, *, loops=False):
    """Pack arcs; with `loops`, every junction has more ways on than one, and none is gone through."""
    arcs = arcs + [(node, node, 9) for node in range(nodes) for _ in range(3)] if loops else arcs
    tail, head, ms = np.array(arcs, dtype=np.int64).reshape(-1, 3).T
    order = np.argsort(tail, kind="stable")
    return Graph(np.searchsorted(tail[order], np.arange(nodes + 1)), (ms[order] << 32) | head[order])


def ends_of(entries):
    whole = np.array(entries, dtype=np.int32)
    return Ends(np.ascontiguousarray(whole[:, :, 0]), np.ascontiguousarray(whole[:, :, 1]))


def searched(graph, entries, width_bits, room):
    """Return each source's times at all junctions, by three spans of rows, and the least of all."""
    nodes, ends = len(graph.start) - 1, ends_of(entries)
    found = np.full((len(entries), nodes), NOBODY)
    rows = Rows(np.zeros(len(entries), dtype=np.int64), *np.empty((2, nodes + 1), dtype=np.int32))
    source = 0
    while source < len(entries):
        after, count = junction_rows(graph, ends, (source, len(entries)), CUTOFF_MS, width_bits, room, rows)
        row = np.repeat(np.arange(source, after), rows.counts[source:after])
        found[row, rows.other[:count]] = rows.ms[:count]
        source = after
    least = np.full(nodes, NOBODY)
    node, ms = least_times(graph, ends, CUTOFF_MS, width_bits, room)
    least[node] = ms
    return found, least


def by_scipy(nodes, arcs, entries):
    """Return the same, from one more node for each source that leads to its entries."""
    joined = [(nodes + place, node, ms + 1) for place, both in enumerate(entries) for node, ms in both if node >= 0]
    table = (
        pd.DataFrame(arcs + joined, columns=["tail", "head", "ms"], dtype="int64").groupby(["tail", "head"])["ms"].min()
    )
    tail, head = (table.index.get_level_values(side).to_numpy(dtype=np.int64) for side in ("tail", "head"))
    matrix = coo_array((table.to_numpy(), (tail, head)), shape=(nodes + len(entries),) * 2).tocsr()
    times = dijkstra(matrix, indices=np.arange(len(entries)) + nodes)[:, :nodes] - 1
    times = np.where(times <= CUTOFF_MS, times, np.inf)
    least = times.min(axis=0)
    return [np.where(np.isfinite(some), some, NOBODY).astype(int) for some in (times, least)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.integers(0, 20))
def test_straight_through_or_not_and_scipy_agree(drawn, width_bits):
    nodes, arcs, entries = drawn
    want = by_scipy(nodes, arcs, entries)
    for loops in (False, True):
        graph = graph_of(nodes, arcs, loops=loops)
        ample = room_for(nodes, len(graph.arcs))
        tight = Room(ample.ms, ample.order, ample.heads, ample.keys[:nodes], ample.nexts[:nodes])
        for room in (ample, tight):
            for got, right in zip(searched(graph, entries, width_bits, room), want, strict=True):
                np.testing.assert_array_equal(got, right)
        assert (ample.ms == np.iinfo(np.int32).max).all()
        assert (ample.heads == -1).all()


@pytest.fixture(scope="module")
def lane():
    """Five streets in a row, 100 m each, walked at 1 m/s; the second one-way for cars."""
    frame = {
        "u": np.arange(5),
        "v": np.arange(1, 6),
        "highway": "residential",
        "walk": np.int8(3),
        "drive": np.array([3, 1, 3, 3, 3], dtype=np.int8),
        "maxspeed_kmh": np.nan,
        "name": "",
    }
    lines = [shapely.LineString([(100 * i, 0), (100 * i + 100, 0)]) for i in range(5)]
    ids = pd.Index([f"s{i}" for i in range(5)])
    return gpd.GeoDataFrame(frame, index=ids, geometry=lines, crs="EPSG:32650")


def places(*x):
    return gpd.GeoSeries([shapely.Point(at, 0) for at in x], index=[f"p{i}" for i in range(len(x))], crs="EPSG:32650")


def test_times_at_all_junctions(lane):
    network = RoadNetwork.from_streets(lane, "walk", walk_speed_mps=1.0)
    times = node_times(network, places(150, 500, 9_999), cutoff_s=150, delays_s={"p0": 0, "p1": 10, "p2": 0})
    x = dict(zip(range(6), network.node_x.tolist(), strict=True))
    assert {x[node]: s for node, s in times.of("p0").items()} == {0: 150, 100: 50, 200: 50, 300: 150}
    assert {x[node]: s for node, s in times.of("p1").items()} == {400: 110, 500: 10}
    assert times.of("p2").empty
    assert len(times) == 6
    assert times.rejected["id"].tolist() == ["p2"]
    with pytest.raises(InputError, match="p9"):
        times.of("p9")
    with pytest.raises(InputError, match="direction"):
        node_times(network, places(0), cutoff_s=1, direction="up")


def test_times_at_all_junctions_have_a_direction_and_equal_reach(lane):
    network = RoadNetwork.from_streets(lane, "drive", drive_kmh={"residential": 36})
    for direction, reached in (("from", {200, 300, 400, 500}), ("to", {0, 100, 200, 300, 400, 500})):
        times = node_times(network, places(250), cutoff_s=60, direction=direction, threads=1)
        assert set(network.node_x[times.node].tolist()) == reached
        reach = reach_times(network, places(250), cutoff_s=60, direction=direction)
        assert (times.of("p0") * 1000).astype(int).tolist() == reach.reached_ms.tolist()
        assert times.of("p0").index.tolist() == reach.reached.tolist()

"""Travel times and reach, against networkx on a graph that is cut at every point, and scipy."""

import itertools
import json

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from careshed.errors import DuplicateIdError, FileFaultError, InputError
from careshed.network import RoadNetwork
from careshed.reach import Reach, TravelTimes, reach_times, route, travel_times
from careshed.reach._times import META
from made import access_of, points_of, streets_of


def split_graph(network, *sides):
    """Cut every edge at the points on it, with the points' own milliseconds."""
    graph = nx.MultiDiGraph()
    cuts = {edge: {} for edge in range(network.edges)}
    for access in sides:
        for row in range(len(access)):
            cuts[access.edge[row]][access.offset_m[row]] = (access.at_forward_ms[row], access.at_backward_ms[row])
    for edge, at in cuts.items():
        length, forward, backward = network.edge_length_m[edge], network.forward_ms[edge], network.backward_ms[edge]
        ends = {0.0: (0, backward), length: (forward, 0)}
        stops = sorted((at | ends).items())
        for (here, (here_f, here_b)), (there, (there_f, there_b)) in itertools.pairwise(stops):
            a, b = node_of(network, edge, here), node_of(network, edge, there)
            if forward >= 0:
                graph.add_edge(a, b, ms=int(there_f - here_f))
            if backward >= 0:
                graph.add_edge(b, a, ms=int(here_b - there_b))
    return graph


def node_of(network, edge, offset):
    if offset == 0:
        return ("junction", int(network.edge_u[edge]))
    if offset == network.edge_length_m[edge]:
        return ("junction", int(network.edge_v[edge]))
    return ("inside", int(edge), float(offset))


def oracle(network, origins, destinations, cutoff_ms, delay_ms=0):
    """Return all (origin, destination) → ms within the cutoff, by networkx."""
    graph = split_graph(network, origins, destinations)
    times = {}
    for o in range(len(origins)):
        start = node_of(network, origins.edge[o], origins.offset_m[o])
        reached = nx.single_source_dijkstra_path_length(graph, start, weight="ms")
        for d in range(len(destinations)):
            end = node_of(network, destinations.edge[d], destinations.offset_m[d])
            if end in reached:
                ms = int(delay_ms + origins.leg_ms[o] + reached[end] + destinations.leg_ms[d])
                if ms <= cutoff_ms:
                    times[o, d] = ms
    return times


def found(times):
    return {(o, d): ms for o, d, ms in zip(*(array.tolist() for array in times.pairs()), strict=True)}


@st.composite
def towns(draw):
    """Draw a small network with one-ways, parallel edges, self-loops and islands, and points on its edges."""
    spots = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=7, unique=True))
    node = st.integers(0, len(spots) - 1)
    rows = []
    for u, v in draw(st.lists(st.tuples(node, node), min_size=1, max_size=12)):
        (x, y), drive = spots[u], draw(st.sampled_from([1, 2, 3]))
        bend = [(x + draw(st.integers(1, 9)), y + 0.37)] if u == v or draw(st.booleans()) else []
        more = [(x, y + 5.0)] if u == v else []
        rows.append((u, v, drive, [spots[u], *bend, *more, spots[v]]))
    network = RoadNetwork.from_streets(streets_of(rows), "drive", drive_kmh={"residential": 3.6})
    share = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
    spot = st.tuples(st.integers(0, len(rows) - 1), share, st.sampled_from([0.0, 1.0, 2.345]))
    sides = [access_of(network, draw(st.lists(spot, min_size=1, max_size=6)), name) for name in "od"]
    return network, *sides, draw(st.integers(1, 60_000))


drawn = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@drawn
@given(towns())
def test_times_equal_networkx_on_split_edges(town):
    network, origins, destinations, cutoff_ms = town
    for some in (destinations, destinations.take([0])):  # the second is searched backwards
        times = travel_times(network, origins, some, cutoff_s=cutoff_ms / 1000)
        assert found(times) == oracle(network, origins, some, cutoff_ms)


@drawn
@given(towns(), st.integers(0, 5_000))
def test_reach_at_points_is_the_least_time(town, delay_ms):
    network, places, points, cutoff_ms = town
    for direction, ends in (("from", (places, points)), ("to", (points, places))):
        reach = reach_times(network, places, cutoff_s=cutoff_ms / 1000, direction=direction, delays_s=delay_ms / 1000)
        pairs = oracle(network, *ends, cutoff_ms, delay_ms)
        best = pd.Series(np.nan, index=points.ids)
        for (o, d), ms in pairs.items():
            point = points.ids[d if direction == "from" else o]
            best[point] = np.fmin(best[point], ms / 1000)
        pd.testing.assert_series_equal(reach.at(points), best, check_names=False)


@settings(drawn, max_examples=50)
@given(towns(), st.floats(0.05, 1))
def test_a_point_is_within_when_it_lies_in_a_reached_part(town, share):
    network, places, points, cutoff_ms = town
    points = access_of(network, [(edge, at, 0.0) for edge in range(network.edges) for at in (0.1, 0.3, 0.55, 0.9)], "x")
    limit_s = max(1, int(cutoff_ms * share)) / 1000
    for direction in ("from", "to"):
        reach = reach_times(network, places, cutoff_s=cutoff_ms / 1000, direction=direction)
        parts = reach.parts(limit_s)
        total = parts.groupby("street_id")["length_m"].sum().reindex(network.street_ids)
        np.testing.assert_allclose(total, network.edge_length_m)
        np.testing.assert_allclose(parts.geometry.length, parts["length_m"], atol=1e-6)
        covered = parts[parts["reached"]].groupby("street_id")["length_m"].sum()
        np.testing.assert_allclose(reach.covered_m(limit_s), covered.reindex(network.street_ids, fill_value=0.0))
        pd.testing.assert_frame_equal(
            reach.parts(limit_s, reached=True), parts[parts["reached"]].reset_index(drop=True)
        )
        for row, seconds in enumerate(reach.at(points)):
            if abs(seconds - limit_s) <= 0.0021:  # both are rounded to milliseconds
                continue
            own = parts[parts["street_id"] == network.street_ids[points.edge[row]]]
            at = own[(own["start_m"] <= points.offset_m[row]) & (points.offset_m[row] <= own["end_m"])]
            near_an_end = np.abs(own[["start_m", "end_m"]] - points.offset_m[row]).to_numpy().min() < 0.0021
            assert near_an_end or at["reached"].tolist() == [seconds <= limit_s]


@drawn
@given(towns())
def test_junction_times_equal_scipy(town):
    network, places, _, cutoff_ms = town
    places = access_of(network, [(edge, 0.0, 0.0) for edge in places.edge], "o")
    tail = np.repeat(np.arange(network.nodes), np.diff(network.out_start))
    arcs = pd.DataFrame({"tail": tail, "head": network.out_arcs & 0xFFFFFFFF, "ms": network.out_arcs >> 32})
    least = arcs.groupby(["tail", "head"])["ms"].min().reset_index()
    graph = csr_array((least["ms"], (least["tail"], least["head"])), shape=(network.nodes,) * 2)
    for direction, matrix in (("from", graph), ("to", graph.T.tocsr())):
        want = dijkstra(matrix, indices=network.edge_u[places.edge], min_only=True, limit=cutoff_ms)
        reach = reach_times(network, places, cutoff_s=cutoff_ms / 1000, direction=direction)
        assert reach.node_ms.tolist() == np.where(np.isfinite(want), want, -1).tolist()


@pytest.fixture
def line():
    """A street of 1,000 m walked at 1 m/s, in four pieces."""
    rows = [(i, i + 1, 3, [(250 * i, 0), (250 * i + 250, 0)]) for i in range(4)]
    return RoadNetwork.from_streets(streets_of(rows), "walk", walk_speed_mps=1.0)


def test_within_includes_the_limit(line):
    origins, destinations = points_of((100, 0)), points_of((900, 0), (900.001, 0), (900.002, 0))
    times = travel_times(line, origins, destinations, cutoff_s=800.001)
    assert times.to_frame()["seconds"].tolist() == [800.0, 800.001]
    assert times.within(800)["destination_id"].tolist() == ["p0"]
    assert times.within(799.999).empty
    reach = reach_times(line, origins, cutoff_s=800)
    assert reach.at(line.snap(destinations)).round(3).tolist()[0] == 800
    assert np.isnan(reach.at(line.snap(destinations)).iloc[1])
    assert reach.covered_m().sum() == pytest.approx(900)


def test_two_points_on_one_street_and_both_legs(line):
    times = travel_times(line, points_of((60, 10)), points_of((200, -20), (10, 0)), cutoff_s=900)
    assert times.to_frame()["seconds"].tolist() == [170.0, 60.0]


def test_a_one_way_street_is_gone_round():
    rows = [(0, 1, 1, [(0, 0), (100, 0)]), (1, 2, 3, [(100, 0), (100, 100)]), (2, 0, 3, [(100, 100), (0, 0)])]
    network = RoadNetwork.from_streets(streets_of(rows), "drive", drive_kmh={"residential": 36.0})
    a, b = points_of((20, 0)), points_of((70, 0))
    there = travel_times(network, a, b, cutoff_s=900).to_frame()["seconds"].item()
    back = travel_times(network, b, a, cutoff_s=900).to_frame()["seconds"].item()
    assert there == 5.0
    assert back == pytest.approx((30 + 100 + 100 * 2**0.5 + 20) / 10, abs=0.002)


def test_an_edge_reached_from_both_ends_has_a_middle_beyond(line):
    parts = reach_times(line, points_of((200, 0), (550, 0)), cutoff_s=100).parts()
    assert parts["street_id"].tolist() == ["s0", "s0", "s1", "s1", "s1", "s2", "s2", "s3"]
    assert parts["reached"].tolist() == [False, True, True, False, True, True, False, False]
    assert parts["start_m"].tolist() == [0, 100, 0, 50, 200, 0, 150, 0]
    assert parts.geometry.iloc[3].equals(shapely.LineString([(300, 0), (450, 0)]))
    assert isinstance(parts, gpd.GeoDataFrame)
    assert parts.crs == line.crs


def test_delays_count_and_are_named_by_id(line):
    ends = points_of((0, 0), (900, 0), prefix="o"), points_of((500, 0), prefix="d")
    times = travel_times(line, *ends, cutoff_s=500, origin_delay_s={"o1": 50, "o0": 1})
    assert times.to_frame()["seconds"].tolist() == [450.0]
    assert times.nearest(by="destination", delay_s=60)["seconds"].tolist() == [510.0]
    with pytest.raises(InputError, match="none for 1"):
        travel_times(line, *ends, cutoff_s=500, origin_delay_s={"o1": 50})
    with pytest.raises(InputError, match="origin_delay_s"):
        travel_times(line, *ends, cutoff_s=500, origin_delay_s=-1)
    assert reach_times(line, ends[0], cutoff_s=500, delays_s=pd.Series({"o0": 0, "o1": 450})).delay_ms.tolist() == [
        0,
        450_000,
    ]


def test_rejected_places_are_listed_and_keep_their_rows(line):
    times = travel_times(line, points_of((0, 0), (0, 400)), points_of((0, 500), (10, 0)), cutoff_s=60)
    assert times.rejected[["id", "role"]].to_numpy().tolist() == [["p1", "origin"], ["p0", "destination"]]
    assert times.nearest()["seconds"].isna().tolist() == [False, True]
    assert times.select(origins=["p0"], destinations=["p1"]).rejected.empty
    assert travel_times(line, points_of(), points_of((0, 0)), cutoff_s=60).to_frame().empty
    assert len(travel_times(line, points_of((0, 0)), points_of(), cutoff_s=60)) == 0
    nobody = reach_times(line, points_of(), cutoff_s=60)
    assert (nobody.covered_m() == 0).all()


def test_nearest_and_select(line):
    origins, destinations = (
        points_of((0, 0), (600, 0), (1000, 0), prefix="o"),
        points_of((300, 0), (900, 0), prefix="d"),
    )
    times = travel_times(line, origins, destinations, cutoff_s=350)
    one = times.nearest()
    assert one.index.name == "origin_id"
    assert one["destination_id"].tolist() == ["d0", "d0", "d1"]  # o1 is as near to d1: the first is taken
    assert one["seconds"].tolist() == [300, 300, 100]
    two = times.nearest(by="destination", k=2)
    assert two["origin_id_1"].tolist() == ["o0", "o2"]
    assert two["origin_id_2"].tolist() == ["o1", "o1"]
    assert two["seconds_2"].tolist() == [300, 300]
    assert times.nearest(k=2)["seconds_2"].isna().tolist() == [True, False, True]
    some = times.select(origins=["o2", "o1"], destinations=["d1", "d0"])
    assert some.to_frame().to_numpy().tolist() == [["o2", "d1", 100], ["o1", "d1", 300], ["o1", "d0", 300]]
    for wrong in ({"by": "site"}, {"k": 0}):
        with pytest.raises(InputError):
            times.nearest(**wrong)
    with pytest.raises(InputError, match="o9"):
        times.select(origins=["o9"])
    with pytest.raises(DuplicateIdError):
        times.select(origins=["o1", "o1"])


def test_questions_beyond_the_cutoff_are_refused(line):
    points = points_of((0, 0))
    times, reach = travel_times(line, points, points, cutoff_s=60), reach_times(line, points, cutoff_s=60)
    for ask in (times.within, reach.parts, reach.covered_m):
        with pytest.raises(InputError, match="cutoff"):
            ask(60.001)
    for cutoff_s in (0, -1, float("nan"), float("inf"), 2e6):
        with pytest.raises(InputError, match="limit"):
            travel_times(line, points, points, cutoff_s=cutoff_s)
    with pytest.raises(InputError, match="direction"):
        reach_times(line, points, cutoff_s=60, direction="towards")
    with pytest.raises(InputError, match="threads"):
        travel_times(line, points, points, cutoff_s=60, threads=-1)


def test_points_of_another_network_are_refused(line):
    other = RoadNetwork.from_streets(streets_of([(0, 1, 3, [(0, 0), (9, 0)])]), "walk")
    access = other.snap(points_of((0, 0)))
    with pytest.raises(InputError, match="another network"):
        travel_times(line, access, access, cutoff_s=60)
    with pytest.raises(InputError, match="another network"):
        reach_times(line, points_of((0, 0)), cutoff_s=60).at(access)


@pytest.fixture(scope="module")
def town():
    """A grid of 20 × 20 junctions with some one-ways, 200 origins and 700 destinations."""
    rng = np.random.default_rng(1)
    rows = []
    for i, j in itertools.product(range(20), repeat=2):
        for di, dj in ((1, 0), (0, 1)):
            if max(i + di, j + dj) < 20:
                ends = [(100 * i, 100 * j), (100 * (i + di), 100 * (j + dj))]
                rows.append((20 * i + j, 20 * (i + di) + j + dj, rng.choice([1, 2, 3, 3, 3]), ends))
    network = RoadNetwork.from_streets(streets_of(rows), "drive")
    return network, *(points_of(*rng.uniform(0, 1900, (n, 2)), prefix=name) for n, name in ((200, "o"), (700, "d")))


def test_threads_and_row_order_change_nothing(town):
    network, origins, destinations = town
    times = [travel_times(network, origins, destinations, cutoff_s=120, threads=n) for n in (1, 2, 7)]
    for other in times[1:]:
        for mine, theirs in zip(times[0].pairs(), other.pairs(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    order = np.random.default_rng(2).permutation(200)
    shuffled = travel_times(network, origins.iloc[order], destinations, cutoff_s=120).select(origins=origins.index)
    pd.testing.assert_frame_equal(shuffled.to_frame(), times[0].to_frame())


def test_both_search_directions_agree(town):
    network, origins, destinations = town
    whole = travel_times(network, origins, destinations, cutoff_s=300)
    few = destinations.index[:20]
    back = travel_times(network, origins, destinations[few], cutoff_s=300)
    pd.testing.assert_frame_equal(back.to_frame(), whole.select(destinations=few).to_frame())
    for times in (whole, back):
        o, d, _ = times.pairs()
        assert (np.diff(o.astype(np.int64) * 1000 + d) > 0).all()


def test_parquet_round_trip(town, tmp_path):
    network, origins, destinations = town
    destinations = pd.concat([destinations, points_of((9999, 0), (np.nan, 0), prefix="far")])
    times = travel_times(network, origins, destinations, cutoff_s=90.5)
    times.to_parquet(tmp_path / "times.parquet")
    again = TravelTimes.from_parquet(tmp_path / "times.parquet")
    pd.testing.assert_frame_equal(again.to_frame(), times.to_frame())
    pd.testing.assert_frame_equal(again.rejected, times.rejected)
    assert (again.cutoff_s, again.mode, again.network_hash) == (90.5, "drive", network.hash)
    assert again.profile == network.profile != ""
    assert again.destination_ids.equals(times.destination_ids)
    again.to_parquet(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "times.parquet").read_bytes()


def test_an_empty_table_survives_the_file(line, tmp_path):
    times = travel_times(line, points_of(), points_of(), cutoff_s=9)
    times.to_parquet(tmp_path / "times.parquet")
    assert len(TravelTimes.from_parquet(tmp_path / "times.parquet")) == 0


def _tampered(table, **changes):
    meta = json.loads(table.schema.metadata[META])
    return table.replace_schema_metadata({META: json.dumps(meta | changes).encode()})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.replace_schema_metadata(None),
        lambda table: table.replace_schema_metadata({META: b"{not json"}),
        lambda table: table.replace_schema_metadata({META: b"[]"}),
        lambda table: table.replace_schema_metadata({META: b"\xff\xfe"}),
        lambda table: table.replace_schema_metadata({META: b"{}"}),
        lambda table: table.drop_columns(["ms"]),
        lambda table: table.set_column(2, "ms", pa.array([1.5] * len(table))),
        lambda table: table.set_column(2, "ms", pa.array([None] * len(table), pa.int32())),
        lambda table: table.set_column(2, "ms", pa.array([-5] * len(table), pa.int32())),
        lambda table: table.set_column(2, "ms", pa.array([10**9] * len(table), pa.int32())),
        lambda table: table.set_column(0, "origin", pa.array([7] * len(table), pa.int32())),
        lambda table: table.set_column(1, "destination", pa.array([-1] * len(table), pa.int32())),
        lambda table: pa.concat_tables([table, table]),
        lambda table: _tampered(table, origin_ids=["a", "a"]),
        lambda table: _tampered(table, origin_ids="ab"),
        lambda table: _tampered(table, destination_ids=[1, 2]),
        lambda table: _tampered(table, format=99),
        lambda table: _tampered(table, cutoff_s="soon"),
        lambda table: _tampered(table, cutoff_s=-1),
        lambda table: _tampered(table, rejected=[["a"]]),
        lambda table: _tampered(table, rejected=3),
    ],
)
def test_a_spoilt_table_is_a_file_fault(line, tmp_path, spoil):
    path = tmp_path / "times.parquet"
    ends = points_of((0, 0), (900, 0)), points_of((10, 0), (800, 0))
    travel_times(line, *ends, cutoff_s=900).to_parquet(path)
    pq.write_table(spoil(pq.read_table(path)), path)
    with pytest.raises(FileFaultError, match=r"times\.parquet"):
        TravelTimes.from_parquet(path)


def test_what_is_no_parquet_is_a_file_fault(line, tmp_path):
    path = tmp_path / "times.parquet"
    travel_times(line, points_of((0, 0)), points_of((10, 0)), cutoff_s=900).to_parquet(path)
    whole = path.read_bytes()
    for content in (b"", b"origin,destination\n", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(FileFaultError):
            TravelTimes.from_parquet(path)
    with pytest.raises(FileFaultError, match="no such file"):
        TravelTimes.from_parquet(tmp_path / "none.parquet")


def test_times_from_a_table():
    frame = pd.DataFrame({"origin_id": ["b", "a"], "destination_id": ["x", "y"], "seconds": [2.5, 0.0]})
    times = TravelTimes.from_frame(frame, cutoff_s=60, destinations=pd.Index(["y", "x", "z"]))
    assert times.to_frame()["seconds"].tolist() == [0.0, 2.5]
    assert times.nearest(by="destination")["origin_id"].fillna("").tolist() == ["a", "b", ""]
    for spoilt in (
        frame.assign(seconds=[1.0, 61.0]),
        frame.assign(seconds=[1.0, np.nan]),
        frame.assign(destination_id=["x", "w"]),
        pd.concat([frame, frame]),
    ):
        with pytest.raises(InputError):
            TravelTimes.from_frame(spoilt, cutoff_s=60, destinations=pd.Index(["y", "x", "z"]))


def test_results_are_frozen(town):
    network, origins, destinations = town
    times = travel_times(network, origins, destinations, cutoff_s=60)
    with pytest.raises(ValueError, match="read-only"):
        times.pairs()[2][0] = 0
    assert isinstance(reach_times(network, origins, cutoff_s=60), Reach)


def test_a_real_city_equals_networkx(shared):
    """Xicheng, with its hundreds of islands: junction times from 20 places at junctions, both modes and directions."""
    from careshed.osm import read_roads

    streets, _, _ = read_roads(shared / "xicheng" / "roads.osm.pbf")
    for mode, cutoff_s in (("walk", 900), ("drive", 480)):
        network = RoadNetwork.from_streets(streets, mode)
        assert 0.85 < network.main.mean() < 1
        graph = network.to_networkx()
        starts = np.flatnonzero(network.main)[:: network.main.sum() // 20]
        places = access_of(network, [(edge, 0.0, 0.0) for edge in starts], "o")
        for direction, directed in (("from", graph), ("to", graph.reverse(copy=False))):
            reach = reach_times(network, places, cutoff_s=cutoff_s, direction=direction)
            sources = set(network.junction[network.edge_u[starts]].tolist())
            want = nx.multi_source_dijkstra_path_length(directed, sources, cutoff=cutoff_s * 1000, weight="ms")
            near = reach.node_ms >= 0
            assert dict(zip(network.junction[near].tolist(), reach.node_ms[near].tolist(), strict=True)) == want


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns())
def test_a_way_takes_the_time_found(town):
    network, origins, destinations, _ = town
    start, end = origins.take([0]), destinations.take([0])
    times = travel_times(network, start, end, cutoff_s=900).to_frame()["seconds"].tolist()
    way = route(network, start, end)
    if not times:
        assert np.isnan(way.seconds)
        assert way.streets.empty
        return
    assert [way.seconds] == times
    ms = int(start.leg_ms[0] + end.leg_ms[0])
    for row in way.streets.itertuples():
        edge = network.street_ids.get_loc(row.street_id)
        whole = (network.backward_ms, network.forward_ms)[row.forward][edge]
        assert whole >= 0
        assert (row.end_m > row.start_m) == row.forward
        ms += whole * abs(row.end_m - row.start_m) / network.edge_length_m[edge]
    assert ms == pytest.approx(1000 * way.seconds, abs=2)
    ends = [shapely.Point(side.x[0], side.y[0]) for side in (start, end)]
    if len(way.streets):
        xy = shapely.get_coordinates(way.line)
        np.testing.assert_allclose(xy[[0, -1]], [(at.x, at.y) for at in ends], atol=0.01)
        lines = [shapely.get_coordinates(each) for each in way.streets.geometry]
        for before, after in itertools.pairwise(lines):
            np.testing.assert_allclose(before[-1], after[0], atol=0.01)
    else:
        assert ends[0].distance(ends[1]) < 0.01


def test_a_way_is_drawn(line):
    way = route(line, points_of((600, 5)), points_of((100, 0)))
    assert way.seconds == 505
    assert way.streets["street_id"].tolist() == ["s2", "s1", "s0"]
    assert way.streets["forward"].tolist() == [False] * 3
    assert way.streets["end_m"].tolist() == [0, 0, 100]
    assert way.line.length == 500
    assert np.isnan(route(line, points_of((600, 0)), points_of((100, 0)), cutoff_s=499).seconds)
    with pytest.raises(InputError, match="2 points"):
        route(line, points_of((0, 0), (1, 0)), points_of((0, 0)))

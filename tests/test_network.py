"""Road networks: speeds, directions, components, joining points to streets."""

import shutil
import zipfile

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.ops import substring

from careshed.errors import CRSError, DuplicateIdError, FileFaultError, InputError, MissingColumnError
from careshed.network import DRIVE_KMH, RoadNetwork, cut_lines

CRS = "EPSG:32650"


def streets_of(rows, **columns):
    """Make a streets layer from (u, v, walk, drive, coordinates)."""
    u, v, walk, drive, lines = zip(*rows, strict=True)
    frame = {
        "u": np.array(u, dtype="int64"),
        "v": np.array(v, dtype="int64"),
        "highway": "residential",
        "walk": np.array(walk, dtype="int8"),
        "drive": np.array(drive, dtype="int8"),
        "maxspeed_kmh": np.nan,
        "name": "",
    }
    ids = pd.Index([f"s{row}" for row in range(len(rows))], name="street_id")
    return gpd.GeoDataFrame(frame | columns, index=ids, geometry=[shapely.LineString(xy) for xy in lines], crs=CRS)


def points_of(*xy, ids=None):
    names = ids or [f"p{row}" for row in range(len(xy))]
    return gpd.GeoSeries([shapely.Point(at) for at in xy], index=pd.Index(names, dtype="str"), crs=CRS)


@pytest.fixture
def square():
    """A square of 100 m streets; the one at the bottom is one-way eastward for cars."""
    a, b, c, d = (0, 0), (100, 0), (100, 100), (0, 100)
    return streets_of([(0, 1, 3, 1, [a, b]), (1, 2, 3, 3, [b, c]), (2, 3, 3, 3, [c, d]), (3, 0, 3, 3, [d, a])])


def test_walking_takes_the_same_both_ways(square):
    network = RoadNetwork.from_streets(square, "walk")
    assert network.forward_ms.tolist() == network.backward_ms.tolist() == [80_000] * 4
    assert network.profile == "walk 1.25 m/s"
    slow = RoadNetwork.from_streets(square, "walk", walk_speed_mps=1.0)
    assert slow.forward_ms.tolist() == [100_000] * 4
    assert slow.hash != network.hash


def test_driving_follows_class_limit_and_direction(square):
    square["highway"] = ["motorway", "track", "residential", "residential"]
    square["maxspeed_kmh"] = [np.nan, np.nan, 50.0, np.nan]
    network = RoadNetwork.from_streets(square, "drive", drive_kmh={"residential": 36.0})
    kmh = [DRIVE_KMH["motorway"], DRIVE_KMH["other"], 40.0, 36.0]
    assert network.forward_ms.tolist() == [round(100 / (each / 3.6) * 1000) for each in kmh]
    assert network.backward_ms.tolist() == [-1, *network.forward_ms.tolist()[1:]]
    assert "residential 36" in network.profile


def test_only_open_streets_are_in_and_junctions_keep_their_numbers(square):
    square.loc["s2", "drive"] = 0
    square["u"] += 7
    square["v"] += 7
    network = RoadNetwork.from_streets(square, "drive")
    assert network.street_ids.tolist() == ["s0", "s1", "s3"]
    assert sorted(network.junction) == [7, 8, 9, 10]
    position = {number: at for at, number in enumerate(network.junction)}
    assert (network.node_x[position[9]], network.node_y[position[9]]) == (100, 100)
    assert network.junction[network.edge_u].tolist() == [7, 8, 10]


def test_packed_rows_hold_the_graph_and_its_reverse(square):
    network = RoadNetwork.from_streets(square, "drive")
    graph = network.to_networkx()
    for start, arcs, flip in (
        (network.out_start, network.out_arcs, False),
        (network.in_start, network.in_arcs, True),
    ):
        tail = network.junction[np.repeat(np.arange(network.nodes), np.diff(start))]
        head = network.junction[arcs & 0xFFFFFFFF]
        found = sorted(zip(*((head, tail) if flip else (tail, head)), (arcs >> 32).tolist(), strict=True))
        assert found == sorted((u, v, ms) for u, v, ms in graph.edges(data="ms"))


def test_small_components_are_islands():
    rows = [(i, i + 1, 3, 3, [(100 * i, 0), (100 * i + 100, 0)]) for i in range(60)]
    rows.append((100, 101, 3, 3, [(0, 50), (100, 50)]))
    network = RoadNetwork.from_streets(streets_of(rows), "walk")
    assert network.main.tolist() == [True] * 60 + [False]
    assert network.islands().index.tolist() == ["s60"]
    access = network.snap(points_of((50, 49)))
    assert access.edge.tolist() == [0]
    assert access.leg_m[0] == pytest.approx(49)


def test_driving_components_are_strong():
    """A one-way spur can't be returned from, so cars aren't joined to it."""
    ring = [(0, 1, 3, 3, [(0, 0), (100, 0)]), (1, 2, 3, 3, [(100, 0), (100, 100)]), (1, 3, 3, 1, [(100, 0), (200, 0)])]
    assert RoadNetwork.from_streets(streets_of(ring), "drive").main.tolist() == [True, True, False]
    assert RoadNetwork.from_streets(streets_of(ring), "walk").main.all()


def test_without_a_large_component_the_largest_is_kept():
    rows = [(2 * i, 2 * i + 1, 3, 3, [(0, 10 * i), (5, 10 * i)]) for i in range(30)]
    rows[7] = (14, 15, 3, 3, [(0, 70), (5, 70)])
    rows.append((15, 99, 3, 3, [(5, 70), (9, 70)]))
    assert np.flatnonzero(RoadNetwork.from_streets(streets_of(rows), "walk").main).tolist() == [7, 30]


def test_snapping_inside_an_edge(square):
    network = RoadNetwork.from_streets(square, "walk")
    access = network.snap(points_of((25, -10), (100, 0), (25, 0)))
    assert access.edge.tolist() == [0, 0, 0]
    assert access.offset_m.tolist() == [25, 100, 25]
    assert access.at_forward_ms.tolist() == [20_000, 80_000, 20_000]
    assert access.at_backward_ms.tolist() == [60_000, 0, 60_000]
    assert access.leg_ms.tolist() == [8_000, 0, 0]
    assert (access.x[0], access.y[0]) == (25, 0)
    assert access.rejected.empty


def test_snapping_takes_the_first_of_equally_near_streets(square):
    network = RoadNetwork.from_streets(square, "walk")
    assert network.snap(points_of((50, 50))).edge.tolist() == [0]
    # the first in the layer, wherever the tree keeps it
    turned = RoadNetwork.from_streets(square.iloc[::-1], "walk")
    assert turned.street_ids[turned.snap(points_of((50, 50))).edge].tolist() == ["s3"]


def test_legs_are_driven_slowly_and_one_ways_stay_closed(square):
    access = RoadNetwork.from_streets(square, "drive").snap(points_of((25, -10)))
    assert access.leg_ms.tolist() == [3_600]
    assert access.at_backward_ms.tolist() == [-1]


def test_far_and_missing_points_are_rejected_and_listed(square):
    network = RoadNetwork.from_streets(square, "walk")
    points = points_of((50, -300), (50, -300.01), (float("nan"), 1), (0, 0), (0, 0))
    points.iloc[3], points.iloc[4] = None, shapely.Point()
    access = network.snap(points)
    assert access.joined.tolist() == [True, False, False, False, False]
    assert access.rejected["id"].tolist() == ["p1", "p2", "p3", "p4"]
    assert "more than 300 m" in access.rejected["reason"][0]
    assert access.rejected["distance_m"].round(2).tolist()[:1] == [300.01]
    assert "missing" in access.rejected["reason"][2]
    assert np.isnan(access.x[1:]).all()
    assert network.snap(points_of((50, -11)), max_snap_m=10).rejected["id"].tolist() == ["p0"]


def test_snapping_to_nothing():
    empty = streets_of([(0, 1, 0, 3, [(0, 0), (1, 0)])])
    network = RoadNetwork.from_streets(empty, "walk")
    assert (network.nodes, network.edges) == (0, 0)
    assert "no street" in network.snap(points_of((0, 0))).rejected["reason"][0]
    assert len(network.snap(points_of())) == 0


def test_snapping_refuses_what_is_no_point_of_the_network(square):
    network = RoadNetwork.from_streets(square, "walk")
    with pytest.raises(CRSError, match="to_crs"):
        network.snap(points_of((0, 0)).to_crs("EPSG:4326"))
    with pytest.raises(CRSError, match="no CRS"):
        network.snap(gpd.GeoSeries([shapely.Point(0, 0)], index=["a"]))
    with pytest.raises(DuplicateIdError, match="a"):
        network.snap(points_of((0, 0), (1, 1), ids=["a", "a"]))
    with pytest.raises(InputError, match="strings"):
        network.snap(points_of((0, 0)).set_axis([3]))
    assert len(network.snap(points_of().set_axis(pd.RangeIndex(0)))) == 0
    with pytest.raises(InputError, match="representative_point"):
        network.snap(points_of((0, 0)).buffer(1))
    with pytest.raises(InputError, match="max_snap_m"):
        network.snap(points_of((0, 0)), max_snap_m=-1)


def test_faulty_streets_are_refused(square):
    def refused(error, match, **columns):
        with pytest.raises(error, match=match):
            RoadNetwork.from_streets(square.assign(**columns), "drive")

    with pytest.raises(MissingColumnError, match="maxspeed_kmh"):
        RoadNetwork.from_streets(square.drop(columns="maxspeed_kmh"), "walk")
    with pytest.raises(CRSError):
        RoadNetwork.from_streets(square.to_crs("EPSG:4326"), "walk")
    with pytest.raises(CRSError, match="expected"):
        RoadNetwork.from_streets(square, "walk", crs=gpd.GeoSeries(crs="EPSG:32651").crs)
    with pytest.raises(DuplicateIdError):
        RoadNetwork.from_streets(square.set_axis(["a", "a", "b", "c"]), "walk")
    with pytest.raises(InputError, match="mode"):
        RoadNetwork.from_streets(square, "fly")
    with pytest.raises(InputError, match="walking speed"):
        RoadNetwork.from_streets(square, "walk", walk_speed_mps=0)
    with pytest.raises(InputError, match="driving speed of road"):
        RoadNetwork.from_streets(square, "drive", drive_kmh={"road": float("nan")})
    refused(InputError, "maxspeed_kmh", maxspeed_kmh=[50, 0, np.nan, np.nan])
    refused(InputError, "isn't 0, 1, 2 or 3", drive=[1, 2, 3, 4])
    refused(InputError, "below 0", u=[-1, 1, 2, 3])
    refused(InputError, "m away from its junction", u=[2, 1, 2, 3])
    refused(InputError, "not a LineString", geometry=square.geometry.centroid)
    refused(InputError, "coordinates", geometry=[shapely.LineString(), *square.geometry[1:]])


def test_arrays_are_frozen_and_the_hash_is_of_the_content(square):
    network = RoadNetwork.from_streets(square, "walk")
    with pytest.raises(ValueError, match="read-only"):
        network.forward_ms[0] = 1
    assert RoadNetwork.from_streets(square, "walk").hash == network.hash
    assert RoadNetwork.from_streets(square, "drive").hash != network.hash
    assert RoadNetwork.from_streets(square.rename({"s0": "t0"}), "walk").hash != network.hash


def test_networkx_has_parallel_edges_and_both_ways_of_loops():
    loop = [(0, 0), (10, 0), (10, 10), (0, 0)]
    rows = [(0, 1, 3, 3, [(0, 0), (0, 9)]), (0, 1, 3, 3, [(0, 0), (3, 4), (0, 9)]), (0, 0, 3, 3, loop)]
    graph = RoadNetwork.from_streets(streets_of(rows), "walk").to_networkx()
    assert graph.number_of_edges() == 6
    assert graph.number_of_edges(0, 0) == 2
    assert nx.dijkstra_path_length(graph, 0, 1, weight="ms") == 7_200


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=6),
            st.floats(0, 0.9),
            st.floats(0.01, 1),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_cut_lines_equals_shapely_substring(rows):
    rows = [row for row in rows if shapely.LineString(row[0]).length > 0]
    lines = np.array([shapely.LineString(xy) for xy, _, _ in rows], dtype=object)
    length = shapely.length(lines)
    start = length * [share for _, share, _ in rows]
    end = start + (length - start) * [share for _, _, share in rows]
    for cut, line, a, b in zip(cut_lines(lines, start, end), lines, start, end, strict=True):
        want = substring(line, a, b)
        assert shapely.length(cut) == pytest.approx(b - a)
        assert shapely.hausdorff_distance(cut, want) < 1e-6


def test_a_network_survives_its_file(square, tmp_path):
    path = tmp_path / "walk.npz"
    for mode in ("walk", "drive"):
        network = RoadNetwork.from_streets(square, mode)
        network.to_file(path, source="squares, 1")
        again = RoadNetwork.from_file(path, source="squares, 1")
        assert again.hash == network.hash
        assert again.street_ids.equals(network.street_ids)
        assert (again.geometry == network.geometry).all()
        assert (again.crs, again.profile, again.mode) == (network.crs, network.profile, mode)
        np.testing.assert_array_equal(again.out_arcs, network.out_arcs)
        np.testing.assert_array_equal(again.in_arcs, network.in_arcs)
        assert network.hash == RoadNetwork.from_streets(square, mode).hash
        with pytest.raises(ValueError, match="read-only"):
            again.out_arcs[0] = 0
    whole = path.read_bytes()
    network.to_file(path, source="squares, 1")
    assert path.read_bytes() == whole


def test_a_network_of_other_streets_is_refused(square, tmp_path):
    path = tmp_path / "walk.npz"
    RoadNetwork.from_streets(square, "walk").to_file(path, source="old")
    with pytest.raises(FileFaultError, match="build the network again"):
        RoadNetwork.from_file(path, source="new")
    assert RoadNetwork.from_file(path).edges


def test_a_spoilt_network_file_is_a_file_fault(square, tmp_path):
    path = tmp_path / "walk.npz"
    RoadNetwork.from_streets(square, "walk").to_file(path)
    whole = path.read_bytes()
    with np.load(path) as archive:
        arrays = dict(archive)
    with zipfile.ZipFile(path) as archive:
        meta = archive.read("meta.json")
    arrays.pop("meta.json")
    at = whole.index(arrays["forward_ms"].tobytes())
    spoilt = [b"", b"u,v\n1,2\n", whole[: len(whole) // 2], whole[:-9], whole[:at] + b"\1" + whole[at + 1 :]]
    for name, value in {
        "forward_ms": arrays["forward_ms"] + 1,
        "edge_u": arrays["edge_u"][:-1],
        "lines_xy": arrays["lines_xy"] + 1.0,
        "packed.out_arcs": arrays["packed.out_arcs"][::-1],
        "street_ids": np.array(["s0"], dtype=object),
        "other": np.zeros(3),
        "main": arrays["main"],
    }.items():
        np.savez(tmp_path / "spoilt.npz", **(arrays | {name: value}))
        texts = [meta] if name != "main" else [b"[]", b"{", meta.replace(b'"format": 2', b'"format": 1'), None]
        for text in texts:
            shutil.copyfile(tmp_path / "spoilt.npz", tmp_path / "copy.npz")
            if text is not None:
                with zipfile.ZipFile(tmp_path / "copy.npz", "a") as archive:
                    archive.writestr("meta.json", text)
            spoilt.append((tmp_path / "copy.npz").read_bytes())
    np.savez(tmp_path / "spoilt.npz", **arrays)
    with zipfile.ZipFile(tmp_path / "spoilt.npz", "a") as archive:
        archive.writestr("meta.json", meta)
    assert RoadNetwork.from_file(tmp_path / "spoilt.npz").edges
    for content in spoilt:
        path.write_bytes(content)
        with pytest.raises(FileFaultError, match=r"walk\.npz"):
            RoadNetwork.from_file(path)

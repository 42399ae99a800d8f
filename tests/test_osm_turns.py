"""Signals, stops, barriers and turn restrictions, from a small file with a known answer to an area and its times."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from careshed.area import SCHEMAS, StudyArea, empty_layer
from careshed.audit import audit
from careshed.build import build_area
from careshed.build.heights import elevations_at
from careshed.errors import CRSError, FileFaultError
from careshed.network import RoadNetwork
from careshed.osm import read_osm
from careshed.reach import travel_times
from careshed.streets import junction_kind, junction_points

# A crossroads at node 5: way 10 runs west to east (1, 5, 3), way 11 south to north (2, 5, 4);
# way 12 leads from 3 to 2. A signal stands at 6 on the way 10, before 5 for who comes from the west;
# a bollard at 7 on the way 12.
LON, LAT, STEP = 116.40, 39.90, 0.001
NODES = {
    1: (-2, 0, {}),
    6: (-0.5, 0, {"highway": "traffic_signals", "traffic_signals:direction": "forward"}),
    5: (0, 0, {"highway": "crossing", "crossing": "marked", "ele": "45 m"}),
    3: (2, 0, {}),
    2: (0, -2, {"highway": "stop"}),
    4: (0, 2, {}),
    7: (1, -1, {"barrier": "bollard"}),
    8: (1.5, -0.5, {"barrier": "gate"}),
}
WAYS = {10: [1, 6, 5, 3], 11: [2, 5, 4], 12: [3, 8, 7, 2]}
RULES = {
    100: ({"restriction": "no_right_turn"}, [("way", 10, "from"), ("node", 5, "via"), ("way", 11, "to")]),
    101: (
        {"restriction": "only_straight_on", "except": "bus;emergency"},
        [("way", 11, "from"), ("node", 5, "via"), ("way", 11, "to")],
    ),
    102: ({"restriction:conditional": "no_left_turn @ (07:00-09:00)"}, [("way", 10, "from"), ("way", 11, "to")]),
    103: ({"restriction": "no_u_turn"}, [("way", 10, "from"), ("way", 11, "via"), ("way", 10, "to")]),
    109: (
        {"restriction": "no_left_turn", "except": "bus"},
        [("way", 10, "from"), ("way", 12, "via"), ("way", 11, "to")],
    ),
    110: ({"restriction": "no_u_turn"}, [("way", 12, "from"), ("way", 99, "via"), ("way", 11, "to")]),
    111: ({"restriction": "no_u_turn"}, [("node", 5, "via"), ("way", 12, "via"), ("way", 11, "to")]),
    104: ({"restriction": "no_u_turn"}, [("way", 11, "from"), ("node", 5, "via"), ("way", 11, "to")]),
    105: ({"restriction": "no_left_turn"}, [("way", 10, "from"), ("node", 99, "via"), ("way", 11, "to")]),
    106: ({"restriction": "no_left_turn"}, [("way", 12, "from"), ("node", 5, "via"), ("way", 11, "to")]),
    107: ({"restriction": "no_left_turn"}, [("way", 12, "from"), ("node", 3, "via")]),
    108: ({"restriction": "perhaps"}, [("way", 10, "from"), ("node", 5, "via"), ("way", 11, "to")]),
}


def xml(rules):
    def tags(of):
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in of.items())

    lines = ['<osm version="0.6">']
    lines += [
        f'<node id="{node}" version="1" lon="{LON + x * STEP:.6f}" lat="{LAT + y * STEP:.6f}">{tags(of)}</node>'
        for node, (x, y, of) in sorted(NODES.items())
    ]
    lines += [
        f'<way id="{way}" version="1">{"".join(f"<nd ref={chr(34)}{ref}{chr(34)}/>" for ref in refs)}'
        f"{tags({'highway': 'residential'})}</way>"
        for way, refs in WAYS.items()
    ]
    for number, (of, members) in rules.items():
        inside = "".join(f'<member type="{what}" ref="{ref}" role="{role}"/>' for what, ref, role in members)
        lines.append(f'<relation id="{number}" version="1">{inside}{tags({"type": "restriction"} | of)}</relation>')
    return "\n".join([*lines, "</osm>"])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cross.osm"
    path.write_text(xml(RULES), encoding="utf-8")
    return path


def test_restrictions_become_turns_between_pieces(file):
    roads = read_osm(file).roads()
    assert roads.streets.index.tolist() == ["10-0", "10-1", "10-2", "11-0", "11-1", "12-0", "12-1"]
    at = {node: int(roads.junctions.loc[f"n{node}", "junction"]) for node in (6, 5, 2, 7)}
    assert roads.streets.loc["10-1", ["u", "v"]].tolist() == [at[6], at[5]]
    by_rule = roads.turns.groupby(roads.turns.index.str.partition("-").get_level_values(0))
    pairs = {rule: set(zip(some["from_street"], some["to_street"], strict=True)) for rule, some in by_rule}
    over = roads.turns.loc["109-0"]
    assert over[["from_street", "to_street", "kind", "exempt", "via"]].tolist() == [
        "10-2", "11-0", "no_left_turn", "bus", "12-0;12-1",
    ]  # fmt: skip
    assert over["junction"] == roads.streets.loc["12-0", "u"]
    assert pairs.pop("109") == {("10-2", "11-0")}
    turns = roads.turns.drop("109-0")
    assert (turns["via"] == "").all()
    assert pairs == {
        "100": {("10-1", "11-0"), ("10-2", "11-1")},  # the way runs on: its right turns from either side
        "101": {("11-0", "11-1"), ("11-1", "11-0")},
        "104": {("11-0", "11-0"), ("11-1", "11-1")},
    }
    assert (turns["junction"] == at[5]).all()
    assert roads.turns.loc["101-0", "exempt"] == "bus;emergency"
    assert roads.notes.lost_turns == {
        "of an unknown kind": [108],
        "their junction is not among the streets": [105],
        "their streets don't follow each other": [103, 110],
        "their streets don't meet at their junction": [106],
        "they hold at some hours only (restriction:conditional)": [102],
        "they lack one of from, via, to": [107, 111],
    }
    assert "1 turn restrictions left out: of an unknown kind" in roads.notes.sentences()


def test_signals_stops_and_barriers_become_junctions(file):
    roads = read_osm(file).roads()
    rows = roads.junctions[["kind", "from_street", "elevation_m"]].fillna(-1).to_dict("index")
    assert rows == {
        "n2": {"kind": "stop", "from_street": "", "elevation_m": -1},
        "n5": {"kind": "crossing", "from_street": "", "elevation_m": 45},
        "n6": {"kind": "traffic_signals", "from_street": "10-0", "elevation_m": -1},
        "n7": {"kind": "barrier", "from_street": "", "elevation_m": -1},
    }
    assert list(roads.junctions.columns[:-1]) == list(SCHEMAS["junctions"][1])
    assert list(roads.turns.columns[:-1]) == list(SCHEMAS["turns"][1])
    points = junction_points(roads.streets)
    assert roads.junctions.geometry.tolist() == points[roads.junctions["junction"]].tolist()
    plain, _ = read_osm(file).streets()
    assert plain.length.sum() == pytest.approx(roads.streets.length.sum(), abs=0.1)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "traffic_signals"}, "traffic_signals"),
        ({"highway": "crossing", "crossing:signals": "yes"}, "traffic_signals"),
        ({"highway": "crossing", "crossing": "uncontrolled"}, "crossing"),
        ({"highway": "bus_stop"}, ""),
        ({"barrier": "gate"}, ""),
        ({"barrier": "gate", "motor_vehicle": "no"}, "barrier"),
        ({"barrier": "lift_gate", "access": "private"}, ""),
        ({"barrier": "bollard"}, "barrier"),
        ({"barrier": "bollard", "emergency": "yes"}, ""),
        ({"barrier": "bollard", "access": "no", "motor_vehicle": "yes"}, ""),
        ({"barrier": "bollard", "foot": "yes"}, "barrier"),
        ({"barrier": "bollard", "bollard": "rising"}, ""),
        ({"barrier": "kerb"}, ""),
    ],
)
def test_tags_of_nodes(tags, kind):
    assert junction_kind(tags) == kind


def test_an_area_keeps_its_turns_and_drives_by_them(file, tmp_path):
    area = build_area(file)
    assert "1 turn restrictions left out" in area.assumptions["roads"]
    rejected = area.rejected.set_index("id")["reason"]
    assert rejected["relation/102"] == "they hold at some hours only (restriction:conditional)"
    findings = audit(area).table
    listed = findings[findings["text"].str.contains("turn restrictions")]
    assert listed["count"].tolist() == [8]
    assert "relation/108: of an unknown kind" in listed["examples"].item()
    area.write(tmp_path / "area")
    back = StudyArea.read(tmp_path / "area")
    assert back.turns.equals(area.turns)
    assert back.junctions.equals(area.junctions)
    times = {}
    places = gpd.GeoSeries(
        gpd.points_from_xy(LON + np.array([-1.9, 0, 0, 1.9]) * STEP, LAT + np.array([0, -1.9, 1.9, 0]) * STEP),
        index=["west", "south", "north", "east"],
        crs=4326,
    ).to_crs(area.crs)
    for name, layers in (("free", {}), ("bound", {"junctions": back.junctions, "turns": back.turns})):
        network = RoadNetwork.from_streets(back.streets, "drive", **layers)
        frame = travel_times(network, places, places, cutoff_s=600).to_frame()
        times[name] = frame.set_index(["origin_id", "destination_id"])["seconds"]
    longer = (times["bound"] - times["free"]).round(3)
    assert longer["west", "east"] == 2  # the signal
    assert longer["east", "west"] == 0  # which stands for who comes from the west
    assert longer["south", "north"] == 0  # the ambulance is exempt from what else binds there
    assert longer["west", "south"] > 20  # no right turn: on to the east, back and left
    assert longer["east", "south"] > 5  # the bollard on the short way


def test_an_area_without_rules_has_no_files_for_them(town, tmp_path, embedded):
    town.write(tmp_path)
    assert not {"junctions.parquet", "turns.parquet"} & {path.name for path in tmp_path.iterdir()}
    back = StudyArea.read(tmp_path)
    assert back.turns.empty
    assert list(back.junctions.columns) == list(empty_layer("junctions").columns)
    # those of an earlier area don't stay behind
    (tmp_path / "turns.parquet").write_bytes(b"old")
    town.write(tmp_path)
    assert not (tmp_path / "turns.parquet").exists()
    assert StudyArea.read(embedded / "xicheng").turns.empty


def raster(path, values, crs="EPSG:4326"):
    options = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": -9999, "crs": crs}
    transform = rasterio.Affine(STEP, 0, LON - 3 * STEP, 0, -STEP, LAT + 3 * STEP)
    rows, columns = np.shape(values)
    with rasterio.open(path, "w", height=rows, width=columns, transform=transform, **options) as file:
        file.write(np.asarray(values, "float32"), 1)
    return path


def test_elevations_come_between_the_cells(file, tmp_path):
    plane = 10 * np.arange(6)[None, :] + np.arange(6)[:, None]  # 10 m a cell eastward, 1 m southward
    path = raster(tmp_path / "dem.tif", plane)
    area = build_area(file, elevation=path)
    height = area.junctions.set_index("junction")["elevation_m"]
    assert len(height) == len(junction_points(area.streets)) == 7
    lonlat = area.junctions.to_crs(4326).geometry
    want = 10 * ((lonlat.x - LON) / STEP + 2.5) + ((LAT - lonlat.y) / STEP + 2.5)
    np.testing.assert_allclose(area.junctions["elevation_m"], want, atol=0.01)
    assert area.junctions.loc["n5", "kind"] == "crossing"
    assert "dem.tif" in area.assumptions["elevations"]
    network = RoadNetwork.from_streets(area.streets, "walk", crs=area.crs, junctions=area.junctions)
    east = network.street_ids.get_loc("10-0")
    assert network.forward_ms[east] > 1.1 * network.backward_ms[east]  # uphill to the east


def test_a_raster_that_does_not_fit_is_named(file, tmp_path):
    points = gpd.GeoSeries([shapely.Point(LON, LAT)], crs=4326)
    values = np.full((6, 6), -9999.0)
    with pytest.raises(FileFaultError, match="no value in the area"):
        elevations_at(raster(tmp_path / "empty.tif", values), points)
    with pytest.raises(FileFaultError, match="does not cover"):
        elevations_at(raster(tmp_path / "far.tif", values), points.translate(1, 1))
    with pytest.raises(CRSError, match="has no CRS"):
        elevations_at(raster(tmp_path / "bare.tif", values, crs=None), points)
    (tmp_path / "no.tif").write_text("no raster", encoding="utf-8")
    with pytest.raises(FileFaultError, match="no GeoTIFF"):
        elevations_at(tmp_path / "no.tif", points)

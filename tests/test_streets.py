import math
from collections import Counter

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.area import SCHEMAS
from careshed.errors import CRSError, InputError
from careshed.streets import (
    BACKWARD,
    BOTH,
    FORWARD,
    ROAD_TAGS,
    Way,
    parse_maxspeed_kmh,
    read_passage,
    skip_reason,
    streets_from_lines,
    streets_from_ways,
    utm_crs,
)

UTM = pyproj.CRS.from_epsg(32650)


def modes(**tags):
    passage = read_passage({key.replace("__", ":"): value for key, value in tags.items()})
    return passage.walk, passage.drive


@pytest.mark.parametrize(
    ("tags", "walk", "drive"),
    [
        ({"highway": "residential"}, BOTH, BOTH),
        ({"highway": "road"}, BOTH, BOTH),
        ({"highway": "service", "service": "parking_aisle"}, BOTH, BOTH),
        ({"highway": "service", "service": "driveway"}, BOTH, BOTH),
        ({"highway": "trunk"}, BOTH, BOTH),
        ({"highway": "trunk", "motorroad": "yes"}, 0, BOTH),
        ({"highway": "motorway"}, 0, FORWARD),
        ({"highway": "motorway", "oneway": "no"}, 0, BOTH),
        ({"highway": "motorway_link"}, 0, BOTH),
        ({"highway": "motorway", "foot": "yes"}, BOTH, FORWARD),
        *[({"highway": c}, BOTH, 0) for c in ("footway", "path", "steps", "pedestrian", "cycleway", "corridor")],
        ({"highway": "primary", "oneway": "yes"}, BOTH, FORWARD),
        ({"highway": "primary", "oneway": "1"}, BOTH, FORWARD),
        ({"highway": "primary", "oneway": "true"}, BOTH, FORWARD),
        ({"highway": "primary", "oneway": "-1"}, BOTH, BACKWARD),
        ({"highway": "primary", "oneway": "no"}, BOTH, BOTH),
        ({"highway": "primary", "oneway": "reversible"}, BOTH, 0),
        ({"highway": "primary", "oneway": "alternating"}, BOTH, BOTH),
        ({"highway": "primary", "oneway": "perhaps"}, BOTH, BOTH),
        ({"highway": "primary", "oneway": "yes", "oneway:motor_vehicle": "no"}, BOTH, BOTH),
        ({"highway": "tertiary", "junction": "roundabout"}, BOTH, FORWARD),
        ({"highway": "tertiary", "junction": "circular"}, BOTH, FORWARD),
        ({"highway": "tertiary", "junction": "roundabout", "oneway": "no"}, BOTH, BOTH),
        ({"highway": "residential", "oneway": "yes", "oneway:foot": "yes"}, FORWARD, FORWARD),
        ({"highway": "residential", "oneway:foot": "-1"}, BACKWARD, BOTH),
        ({"highway": "footway", "oneway": "yes"}, FORWARD, 0),
        ({"highway": "footway", "oneway": "yes", "oneway:foot": "no"}, BOTH, 0),
        ({"highway": "cycleway", "oneway": "yes"}, BOTH, 0),  # speaks of bicycles
        ({"highway": "steps", "conveying": "backward"}, BACKWARD, 0),
        ({"highway": "steps", "conveying": "yes"}, BOTH, 0),
        ({"highway": "residential", "foot": "no"}, 0, BOTH),
        ({"highway": "residential", "sidewalk": "none"}, BOTH, BOTH),
        ({"highway": "residential", "motor_vehicle": "no"}, BOTH, 0),
        ({"highway": "residential", "vehicle": "no"}, BOTH, 0),
        ({"highway": "residential", "vehicle": "no", "motor_vehicle": "yes"}, BOTH, BOTH),
        ({"highway": "service", "access": "private"}, 0, BOTH),  # gates open to an ambulance, not to a passer-by
        ({"highway": "service", "access": "private", "foot": "yes"}, BOTH, BOTH),
        ({"highway": "service", "access": "no"}, 0, 0),
        ({"highway": "service", "access": "no", "emergency": "yes"}, 0, BOTH),
        ({"highway": "service", "access": "no", "psv": "yes"}, 0, BOTH),
        ({"highway": "service", "access": "no", "foot": "designated"}, BOTH, 0),
        ({"highway": "residential", "emergency": "no"}, BOTH, 0),
        ({"highway": "pedestrian", "motor_vehicle": "delivery"}, BOTH, BOTH),
        ({"highway": "pedestrian", "access": "yes"}, BOTH, 0),
        ({"highway": "path", "emergency": "yes"}, BOTH, BOTH),
        ({"highway": "steps", "emergency": "yes"}, BOTH, 0),
        ({"highway": "track", "motor_vehicle": "forestry"}, BOTH, 0),
        ({"highway": "pedestrian", "area": "yes"}, 0, 0),
        ({"highway": "construction"}, 0, 0),
        ({"highway": "proposed"}, 0, 0),
        ({"highway": "abandoned"}, 0, 0),
        ({"highway": "<script>"}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_tags_to_modes(tags, walk, drive):
    assert read_passage(tags)[:2] == (walk, drive)


def test_why_a_way_is_no_street():
    assert skip_reason({"highway": "residential"}) is None
    assert skip_reason({"highway": "construction"}) == "highway=construction"
    assert skip_reason({"highway": "footway", "area": "yes"}) == "area=yes"
    assert skip_reason({"highway": "hyperloop"}) == "unknown highway class"
    assert skip_reason({"building": "yes"}) == "no highway tag"


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        (" 50 ", 50.0),
        ("50 km/h", 50.0),
        ("50kmh", 50.0),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("10 knots", 18.52),
        ("walk", 7.0),
        ("CN:urban", 50.0),
        ("CN:rural", 70.0),
        ("CN:motorway", 120.0),
        ("DE:zone30", 30.0),
        ("DE:zone:30", 30.0),
        ("DE:30", 30.0),
        ("50;30", 30.0),
        ("50|signals", 50.0),
        ("62.5", 62.5),
    ],
)
def test_maxspeed_is_read(text, kmh):
    assert parse_maxspeed_kmh(text) == pytest.approx(kmh)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "signals",
        "variable",
        "fast",
        "0",
        "-50",
        "1000",
        "999999",
        "5e1",
        "nan",
        "inf",
        "XX:urban",
        "５０km",
    ],
)
def test_maxspeed_without_a_figure_is_unknown(text):
    assert math.isnan(parse_maxspeed_kmh(text))


@given(st.text(max_size=300))
def test_maxspeed_never_raises_and_never_leaves_its_range(text):
    kmh = parse_maxspeed_kmh(text)
    assert math.isnan(kmh) or 3 <= kmh <= 160


@given(st.dictionaries(st.sampled_from(ROAD_TAGS), st.text(max_size=12) | st.sampled_from(["yes", "no", "-1"])))
def test_any_tags_give_bits(tags):
    walk, drive, _ = read_passage(tags)
    assert {walk, drive} <= {0, 1, 2, 3}


def test_maxspeed_by_direction_and_by_zone():
    read = lambda **tags: read_passage({"highway": "primary", **{k.replace("__", ":"): v for k, v in tags.items()}})  # noqa: E731
    assert read(maxspeed__forward="60", maxspeed__backward="40").maxspeed_kmh == 40
    assert read(maxspeed="70", maxspeed__forward="60").maxspeed_kmh == 70
    assert read(maxspeed="signals", zone__maxspeed="CN:30").maxspeed_kmh == 30
    assert read(maxspeed__type="CN:urban").maxspeed_kmh == 50
    assert read(source__maxspeed="sign").maxspeed_kmh != read().maxspeed_kmh  # NaN, both


def street(*, id=1, refs, highway="residential", **tags):  # noqa: A002
    return Way(id, refs, {"highway": highway, **tags})


GRID_LON = [116.370, 116.371, 116.372, 116.373, 116.371]
GRID_LAT = [39.91, 39.91, 39.91, 39.91, 39.912]


def grid(*ways, ids=(1, 2, 3, 4, 5), crs=None):
    return streets_from_ways(ids, GRID_LON, GRID_LAT, ways, crs=crs)


def test_a_way_is_cut_where_another_meets_it():
    streets, notes = grid(street(id=7, refs=[1, 2, 3, 4]), street(id=8, refs=[5, 2]))
    assert list(streets.index) == ["7-0", "7-1", "8-0"]
    assert streets[["u", "v"]].to_numpy().tolist() == [[0, 1], [1, 2], [3, 1]]
    assert [len(line.coords) for line in streets.geometry] == [2, 3, 2]
    assert streets.crs.to_epsg() == 32650
    assert notes.sentences() == []


def test_the_frame_follows_the_schema():
    streets, _ = grid(street(refs=[1, 2], name="长安街", oneway="yes", maxspeed="60"))
    index, columns = SCHEMAS["streets"]
    assert streets.index.name == index
    assert {name: str(kind) for name, kind in streets.dtypes.items()} == {**columns, "geometry": "geometry"}
    row = streets.iloc[0]
    assert (row["name"], row["walk"], row["drive"], row["maxspeed_kmh"]) == ("长安街", 3, 1, 60)


def test_coordinates_are_rounded_and_run_from_u_to_v():
    streets, _ = grid(street(id=1, refs=[1, 2, 3]), street(id=2, refs=[5, 2]), street(id=3, refs=[3, 5]))
    xy = shapely.get_coordinates(streets.geometry.array)
    assert np.array_equal(xy, np.round(xy, 2))
    at = {}
    for row in streets.itertuples():
        assert at.setdefault(row.u, row.geometry.coords[0]) == row.geometry.coords[0]
        assert at.setdefault(row.v, row.geometry.coords[-1]) == row.geometry.coords[-1]


def test_ways_that_are_no_street_make_no_junction_and_are_counted():
    streets, notes = grid(street(id=7, refs=[1, 2, 3]), street(id=8, refs=[5, 2], highway="construction"))
    assert len(streets) == 1
    assert notes.skipped == {"highway=construction": 1}
    assert "1 of 2 ways left out: highway=construction" in notes.sentences()


def test_a_way_is_cut_where_a_node_is_missing():
    streets, notes = grid(street(id=7, refs=[1, 2, 99, 3, 4]), street(id=8, refs=[5, 98]))
    assert list(streets.index) == ["7-0", "7-1"]
    assert streets[["u", "v"]].to_numpy().tolist() == [[0, 1], [2, 3]]
    assert (notes.cut_ways, notes.lost_ways) == (2, 1)


def test_a_node_off_the_globe_counts_as_missing():
    streets, notes = streets_from_ways(
        [1, 2, 3, 4], [116.37, 116.371, 1e9, math.nan], [39.91] * 4, [street(refs=[1, 2, 3, 4])]
    )
    assert len(streets) == 1
    assert notes.cut_ways == 1


def test_a_ring_begins_and_ends_at_one_junction():
    streets, _ = grid(street(refs=[1, 3, 5, 1]))
    assert streets[["u", "v"]].to_numpy().tolist() == [[0, 0]]
    assert len(streets.geometry.iloc[0].coords) == 4


def test_a_way_that_crosses_itself_is_cut_there():
    streets, _ = grid(street(refs=[1, 2, 3, 5, 2, 4]))
    assert [(row.u, row.v) for row in streets.itertuples()] == [(0, 1), (1, 1), (1, 2)]


def test_a_node_repeated_on_the_spot_is_no_junction():
    streets, _ = grid(street(refs=[1, 2, 2, 3]))
    assert len(streets) == 1


def test_a_piece_without_length_is_dropped_but_still_joins():
    lon, lat = [116.370, 116.371, 116.371, 116.372], [39.91] * 4
    ways = [street(id=1, refs=[1, 2]), street(id=2, refs=[2, 3]), street(id=3, refs=[3, 4])]
    streets, notes = streets_from_ways([1, 2, 3, 4], lon, lat, ways)
    assert notes.zero_length == 1
    assert streets[["u", "v"]].to_numpy().tolist() == [[0, 1], [1, 2]]


def test_parts_of_one_way_keep_ids_apart():
    streets, _ = grid(street(id=7, refs=[1, 2]), street(id=7, refs=[3, 4]))
    assert list(streets.index) == ["7-0", "7-1"]


def test_the_order_of_ways_does_not_matter():
    ways = [street(id=3, refs=[5, 2]), street(id=1, refs=[1, 2, 3]), street(id=2, refs=[3, 4])]
    assert grid(*ways)[0].equals(grid(*ways[::-1])[0])


def test_nothing_left_is_an_error():
    with pytest.raises(InputError, match="none of 1 ways"):
        grid(street(refs=[1, 2], highway="proposed"))
    with pytest.raises(InputError, match="none of 1 ways"):
        grid(street(refs=[97, 98]))
    with pytest.raises(InputError, match="none of the 1 ways has any length"):
        streets_from_ways([1, 2], [116.37, 116.37], [39.9, 39.9], [street(refs=[1, 2])])


def test_a_crs_in_degrees_or_elsewhere_is_refused():
    with pytest.raises(CRSError, match="projected"):
        grid(street(refs=[1, 2]), crs=pyproj.CRS.from_epsg(4326))
    with pytest.raises(CRSError, match="doesn't reach"):
        grid(street(refs=[1, 2]), crs=pyproj.CRS.from_proj4("+proj=gnom +lat_0=-60 +lon_0=-60 +units=m"))


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"), [(116.37, 39.9, 32650), (-70, -33, 32719), (180, 0, 32660), (-180, 1, 32601)]
)
def test_utm_zone(lon, lat, epsg):
    assert utm_crs(lon, lat).to_epsg() == epsg


@pytest.mark.parametrize(("lon", "lat"), [(39.9, 116.37), (200, 0), (0, 89), (math.nan, 0)])
def test_no_utm_zone(lon, lat):
    with pytest.raises(CRSError, match="axes"):
        utm_crs(lon, lat)


def test_lines_meet_where_they_share_a_vertex():
    lines = np.array(
        [shapely.LineString([(0, 0), (10, 0), (20, 0)]), shapely.LineString([(10, 0, 5), (10, 9, 5)])], dtype=object
    )
    streets, notes = streets_from_lines(lines, [street(id=1, refs=()), street(id=2, refs=())], crs=UTM)
    assert [(row.u, row.v) for row in streets.itertuples()] == [(0, 1), (1, 3), (1, 2)]
    assert not streets.geometry.has_z.any()
    assert notes.ways == 2


def test_lines_with_junction_ids_meet_only_there():
    lines = np.array([shapely.LineString([(0, 0), (10, 0), (20, 0)]), shapely.LineString([(10, 0), (10, 9)])])
    ways = [street(id=1, refs=()), street(id=2, refs=())]
    streets, _ = streets_from_lines(lines, ways, crs=UTM, ends=([5, 7], [6, 8]))
    assert [(row.u, row.v) for row in streets.itertuples()] == [(0, 1), (2, 3)]


networks = st.lists(st.lists(st.integers(0, 14), min_size=2, max_size=7), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(networks, st.sets(st.integers(0, 14), max_size=4))
def test_pieces_equal_a_plain_walk_along_the_ways(refs, missing):
    """Oracle: cut every way by hand, node by node."""
    there = [node for node in range(15) if node not in missing]
    lon = [116.3 + 0.01 * (node % 4) for node in there]
    lat = [39.9 + 0.01 * (node // 4) + 1e-5 * node for node in there]
    runs = []
    for way in refs:
        run = []
        for node in [*way, None]:
            if node is None or node in missing:
                runs.append(run)
                run = []
            elif not run or run[-1] != node:
                run.append(node)
    runs = [run for run in runs if len(run) > 1]
    uses = Counter(node for run in runs for node in run)
    expected = Counter()
    for run in runs:
        piece = [run[0]]
        for k, node in enumerate(run[1:], start=1):
            piece.append(node)
            if k == len(run) - 1 or uses[node] > 1:
                expected[tuple(piece)] += 1
                piece = [node]
    ways = [street(id=k, refs=way) for k, way in enumerate(refs)]
    if not runs:
        with pytest.raises(InputError):
            streets_from_ways(there, lon, lat, ways)
        return
    ends = {node for run in runs for node in (run[0], run[-1])}
    junctions = ends | {node for node, count in uses.items() if count > 1}
    streets, _ = streets_from_ways(there, lon, lat, ways, crs=UTM)
    assert len(streets) == expected.total()
    assert Counter(len(line.coords) for line in streets.geometry) == Counter(
        len(piece) for piece in expected.elements()
    )
    assert set(streets["u"]) | set(streets["v"]) == set(range(len(junctions)))
    assert streets.index.is_unique

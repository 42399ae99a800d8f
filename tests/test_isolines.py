"""Isochrones: valid, nested, around their places, and no further than the time goes."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.area import StudyArea
from careshed.errors import CRSError, InputError, RowFaultError
from careshed.isolines import (
    BUFFER_M,
    HULL_RATIOS,
    compare_hulls,
    covered_streets,
    isochrones,
    rings,
    street_kilometres,
    write_layer,
)
from careshed.network import RoadNetwork
from careshed.reach import reach_times
from made import CRS, points_of, streets_of


@pytest.fixture(scope="module")
def grid():
    """Blocks of 200 m, bent here and there, 8 by 8."""
    rng = np.random.default_rng(3)
    spots = {
        (i, j): (200 * i + rng.uniform(-40, 40), 200 * j + rng.uniform(-40, 40)) for i in range(8) for j in range(8)
    }
    rows = []
    for (i, j), (x, y) in spots.items():
        for other in ((i + 1, j), (i, j + 1)):
            if other in spots:
                x2, y2 = spots[other]
                bend = ((x + x2) / 2 + rng.uniform(-30, 30), (y + y2) / 2 + rng.uniform(-30, 30))
                rows.append((8 * i + j, 8 * other[0] + other[1], rng.choice([1, 2, 3, 3]), [(x, y), bend, (x2, y2)]))
    return streets_of(rows)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["walk", "drive"]),
    st.sampled_from(["to", "from"]),
    st.lists(st.tuples(st.floats(-100, 1500), st.floats(-100, 1500)), min_size=1, max_size=3),
    st.lists(st.floats(0.05, 12), min_size=1, max_size=4, unique=True),
    st.sampled_from([5.0, 25.0, 60.0]),
)
def test_contours_are_valid_nested_and_around_their_places(grid, mode, direction, spots, minutes, buffer_m):
    network = RoadNetwork.from_streets(grid, mode)
    places = points_of(*spots)
    dissolved = isochrones(network, places, minutes=minutes, direction=direction, buffer_m=buffer_m)
    single = isochrones(network, places, minutes=minutes, direction=direction, buffer_m=buffer_m, dissolve=False)
    assert dissolved["minutes"].tolist() == sorted(set(minutes))
    assert single["facility_id"].unique().tolist() == places.index.tolist()
    for _, own in [("", dissolved), *single.groupby("facility_id")]:
        assert own.geometry.is_valid.all()
        shapes = own.geometry.to_numpy()
        assert shapely.covers(shapes[1:], shapes[:-1]).all()
        assert shapely.contains_properly(shapes[1:], shapes[:-1]).all()
    for contours in (dissolved, single[single["facility_id"] == "p0"]):
        assert contours.geometry.contains(places.iloc[0]).all()
    # no further than the buffer from streets that are within, or from a leg
    reach = reach_times(network, places, cutoff_s=max(minutes) * 60, direction=direction)
    access = reach.places
    legs = shapely.linestrings(
        np.stack([np.column_stack([access.from_x, access.from_y]), np.column_stack([access.x, access.y])], axis=1)
    )
    for limit, shape in zip(dissolved["minutes"], dissolved.geometry, strict=True):
        streets = shapely.union_all(reach.parts(limit * 60, reached=True).geometry)
        assert streets.is_empty or shape.covers(streets.buffer(buffer_m * 0.9))
        assert shapely.union(streets, shapely.union_all(legs)).buffer(buffer_m * 1.001, quad_segs=64).covers(shape)


def test_the_same_call_gives_the_same_bytes(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    places = points_of((300, 300), (900, 800), (700, 100))
    for dissolve in (True, False):
        once, again = (isochrones(network, places, dissolve=dissolve).to_wkb() for _ in range(2))
        pd.testing.assert_frame_equal(pd.DataFrame(once), pd.DataFrame(again))


def test_holes_and_islands_are_kept():
    ring = [(0, 0), (400, 0), (400, 400), (0, 400), (0, 0)]
    rows = [(i, (i + 1) % 4, 3, ring[i : i + 2]) for i in range(4)]
    network = RoadNetwork.from_streets(streets_of(rows), "walk")
    (shape,) = isochrones(network, points_of((0, 0)), minutes=[30]).geometry
    assert len(shape.interiors) == 1
    (two,) = isochrones(network, points_of((0, 0), (400, 400)), minutes=[1]).geometry
    assert two.geom_type == "MultiPolygon"


def test_a_polygon_ends_where_the_time_does():
    network = RoadNetwork.from_streets(streets_of([(0, 1, 3, [(0, 0), (1000, 0)])]), "walk")
    (shape,) = isochrones(network, points_of((0, 0)), minutes=[5], buffer_m=10).geometry
    assert shape.bounds == pytest.approx((-10, -10, 375 + 10, 10))


def test_a_river_is_crossed_at_bridges_only():
    """Two banks 100 m apart, joined by one bridge a long way off."""
    rows = [(0, 1, 3, [(0, 0), (2000, 0)]), (1, 2, 3, [(2000, 0), (2000, 100)]), (2, 3, 3, [(2000, 100), (0, 100)])]
    network = RoadNetwork.from_streets(streets_of(rows), "walk")
    (shape,) = isochrones(network, points_of((0, 0)), minutes=[15]).geometry
    assert not shape.intersects(shapely.LineString([(0, 100), (2000, 100)]))


def test_direction_matters_on_one_ways():
    network = RoadNetwork.from_streets(
        streets_of(
            [(0, 1, 1, [(0, 0), (5000, 0)]), (1, 2, 3, [(5000, 0), (5000, 9000)]), (2, 0, 1, [(5000, 9000), (0, 0)])]
        ),
        "drive",
    )
    place = points_of((2500, 0))
    towards, away = (
        covered_streets(network, place, minutes=1, direction=way).query("reached") for way in ("to", "from")
    )
    assert towards[["start_m", "end_m"]].round().to_numpy().tolist() == [[2500 - 417, 2500]]
    assert away[["start_m", "end_m"]].round().to_numpy().tolist() == [[2500, 2500 + 417]]


def test_rings_are_what_is_between_bands(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    for dissolve in (True, False):
        contours = isochrones(network, points_of((300, 300), (900, 800)), dissolve=dissolve)
        bands = rings(contours)
        assert bands["from_minutes"].tolist() == [0, 5, 10] * (len(bands) // 3)
        areas = contours.area.to_numpy().reshape(-1, 3)
        np.testing.assert_allclose(bands.area.to_numpy().reshape(-1, 3).sum(axis=1), areas[:, -1])
        assert bands.crs == contours.crs


def test_covered_streets_add_up(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    parts = covered_streets(network, points_of((300, 300)), minutes=5)
    assert parts["length_m"].sum() == pytest.approx(network.edge_length_m.sum())
    assert 0 < parts.loc[parts["reached"], "length_m"].sum() < parts["length_m"].sum()


def test_delays_shorten_and_may_leave_nothing(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    place = points_of((300, 300))
    late = isochrones(network, place, minutes=[3, 10], delays_s=240)
    assert late.geometry.is_empty.tolist() == [True, False]
    soon = isochrones(network, place, minutes=[6])
    assert late.area.iloc[1] == pytest.approx(soon.area.iloc[0], rel=1e-3)
    each = isochrones(
        network, points_of((300, 300), (900, 800)), minutes=[5], delays_s={"p0": 0, "p1": 200}, dissolve=False
    )
    assert each.area.iloc[0] > each.area.iloc[1]


def test_places_too_far_are_listed(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    contours = isochrones(network, points_of((300, 300), (9000, 0)), dissolve=False)
    assert contours["facility_id"].unique().tolist() == ["p0"]
    assert "more than 300 m" in contours.attrs["rejected"]["p1"]
    with pytest.raises(RowFaultError, match="p0"):
        isochrones(network, points_of((9000, 0)))
    with pytest.raises(RowFaultError):
        isochrones(network, points_of())


def test_impossible_bands_and_buffers_are_refused(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    place = points_of((300, 300))
    for minutes in ([], [0], [-5], [float("nan")], [5, float("inf")]):
        with pytest.raises(InputError, match="minutes"):
            isochrones(network, place, minutes=minutes)
    for buffer_m in (0, -1, float("nan"), 0.01):
        with pytest.raises(InputError, match="buffer_m"):
            isochrones(network, place, buffer_m=buffer_m)
    assert BUFFER_M == 25


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([2.0, 15.0, 60.0]), st.tuples(st.floats(0, 1400), st.floats(0, 1400)))
def test_simplified_contours_stay_valid_nested_and_near(grid, tolerance_m, spot):
    network = RoadNetwork.from_streets(grid, "walk")
    place = points_of(spot)
    plain = isochrones(network, place, minutes=(3, 6, 9))
    simple = isochrones(network, place, minutes=(3, 6, 9), tolerance_m=tolerance_m)
    shapes = simple.geometry.to_numpy()
    assert simple.geometry.is_valid.all()
    assert shapely.contains_properly(shapes[1:], shapes[:-1]).all()
    assert simple.geometry.contains(place.iloc[0]).all()
    assert shapely.covers(shapely.buffer(plain.geometry.to_numpy(), tolerance_m + 0.2), shapes).all()
    assert shapely.get_num_coordinates(shapes).sum() < shapely.get_num_coordinates(plain.geometry.to_numpy()).sum()


def test_dissolve_by_band_or_by_facility(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    places = points_of((300, 300), (900, 800))
    for word, same in (("band", True), ("facility", False)):
        one, other = (isochrones(network, places, dissolve=how) for how in (word, same))
        assert one.geometry.geom_equals(other.geometry).all()
    for wrong in ({"dissolve": "unit"}, {"tolerance_m": -1}, {"tolerance_m": float("nan")}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            isochrones(network, places, **wrong)


def test_kilometres_by_unit(grid):
    network = RoadNetwork.from_streets(grid, "walk")
    parts = covered_streets(network, points_of((300, 300)), minutes=5)
    west, south, east, north = grid.total_bounds
    middle = (west + east) / 2
    boxes = [
        shapely.box(west, south, middle, north),
        shapely.box(middle, south, east, north),
        shapely.box(-9, -9, -8, -8),
    ]
    units = gpd.GeoDataFrame(index=["west", "east", "none"], geometry=boxes, crs=CRS)
    table = street_kilometres(parts, units)
    assert table[["reached_km", "beyond_km"]].to_numpy().sum() == pytest.approx(network.edge_length_m.sum() / 1000)
    assert table.loc["west", "share"] > table.loc["east", "share"]
    assert np.isnan(table.loc["none", "share"])
    with pytest.raises(CRSError):
        street_kilometres(parts, units.set_crs(32651, allow_override=True))


def test_crossing_parallel_and_looping_streets_are_drawn_whole():
    """A bridge over a street, two streets along each other, a loop, and a street within a block."""
    rows = [
        (0, 1, 3, [(0, 0), (400, 0)]), (1, 2, 3, [(400, 0), (400, 400)]), (2, 3, 3, [(400, 400), (0, 400)]),
        (3, 0, 3, [(0, 400), (0, 0)]), (0, 1, 3, [(0, 0), (200, 0), (400, 0)]), (0, 4, 3, [(0, 0), (200, 200)]),
        (2, 2, 3, [(400, 400), (480, 400), (480, 480), (400, 400)]), (3, 5, 3, [(0, 400), (600, 100)]),
    ]  # fmt: skip
    network = RoadNetwork.from_streets(streets_of(rows), "walk")
    (shape,) = isochrones(network, points_of((0, 0)), minutes=[60]).geometry
    united = shapely.union_all(shapely.buffer(network.geometry, BUFFER_M, quad_segs=4))
    assert shape.is_valid
    assert shapely.symmetric_difference(shape, united).area < 0.01 * united.area
    assert shapely.buffer(shapely.union_all(network.geometry), BUFFER_M + 1e-6, quad_segs=64).covers(shape)


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".parquet"])
def test_files_hold_the_layer_and_are_the_same_twice(grid, tmp_path, suffix):
    contours = isochrones(RoadNetwork.from_streets(grid, "walk"), points_of((300, 300)))
    first, second = tmp_path / f"a{suffix}", tmp_path / "folder" / f"a{suffix}"
    for path in (first, second):
        write_layer(contours, path)
    assert first.read_bytes() == second.read_bytes()
    back = gpd.read_parquet(first) if suffix == ".parquet" else gpd.read_file(first)
    shapes = back.sort_values("minutes").geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.contains_properly(shapes[1:], shapes[:-1]).all()
    assert back.crs.to_epsg() == (4326 if suffix == ".geojson" else 32650)
    with pytest.raises(InputError, match="geojson"):
        write_layer(contours, tmp_path / "a.shp")


def test_isochrones_beat_hulls_on_the_embedded_district():
    area = StudyArea.read(Path(__file__).parents[1] / "data" / "xicheng")
    network = RoadNetwork.from_streets(area.streets, "walk", crs=area.crs)
    places = area.facilities_of(["community_health_centre"]).geometry.iloc[:4]
    table = compare_hulls(network, places)
    assert table.index.tolist() == ["isochrone", "convex hull", *(f"concave hull {ratio:g}" for ratio in HULL_RATIOS)]
    for share in ("reachable_share", "streets_share"):
        assert (table[share].iloc[0] > table[share].iloc[1:]).all(), table.to_string()
    assert table.loc["isochrone", "streets_share"] == pytest.approx(1)

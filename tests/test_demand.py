"""Demand: totals exact, points where people may live, cells as small as may be."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from careshed.area import SCHEMAS
from careshed.demand import (
    Grains,
    building_grains,
    community_demand,
    largest_remainder,
    raster_grains,
    spread,
    street_grains,
    with_calls,
)
from careshed.errors import CRSError, FileFaultError, InputError

CRS = "EPSG:32650"
X, Y = 440_000.0, 4_420_000.0


@pytest.fixture
def units():
    boxes = [shapely.box(X, Y, X + 1000, Y + 1000), shapely.box(X + 1000, Y, X + 2000, Y + 1000)]
    return gpd.GeoDataFrame(
        {"name": ["A", "B"], "name_en": "", "population": [1001.0, 500.0], "elderly": [333.0, np.nan]},
        geometry=boxes,
        crs=CRS,
        index=pd.Index(["a", "b"], name="subdistrict_id"),
    )


@pytest.fixture
def streets():
    lines = [
        shapely.LineString([(X + 50, Y + 500), (X + 950, Y + 500)]),
        shapely.LineString([(X + 500, Y + 10), (X + 500, Y + 500)]),
        shapely.LineString([(X + 10, Y + 900), (X + 990, Y + 900)]),
    ]
    return gpd.GeoDataFrame({"walk": np.int8([3, 3, 0])}, geometry=lines, crs=CRS)


@given(
    st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=50).filter(lambda w: sum(w) > 1e-3),
    st.integers(0, 10_000_000),
)
def test_largest_remainder_is_exact_and_fair(weights, total):
    parts = largest_remainder(weights, total)
    assert parts.sum() == total
    assert (parts >= 0).all()
    exact = np.array(weights) / sum(weights) * total
    assert np.abs(parts - exact).max() < 1 + 1e-6


def test_largest_remainder_breaks_ties_by_order():
    assert largest_remainder([1, 1, 1, 1], 2).tolist() == [1, 1, 0, 0]
    assert largest_remainder([0, 0], 0).tolist() == [0, 0]


@pytest.mark.parametrize(("weights", "total"), [([0, 0], 1), ([1], -1), ([-1, 2], 3), ([np.nan], 3)])
def test_largest_remainder_refuses(weights, total):
    with pytest.raises(InputError, match="can't be parted"):
        largest_remainder(weights, total)


def test_people_are_spread_along_walkable_streets(units, streets):
    made = spread(units, streets=streets)
    frame = made.frame
    assert frame.index.name == SCHEMAS["demand"][0]
    assert set(SCHEMAS["demand"][1]) <= set(frame.columns)
    people = frame.groupby("subdistrict_id")["population"].sum()
    assert people.to_dict() == {"a": 1001, "b": 500}
    assert frame.groupby("subdistrict_id")["elderly"].sum().to_dict() == {"a": 333, "b": 0}
    assert (frame["elderly"] <= frame["population"]).all()
    open_streets = shapely.union_all(streets.geometry[:2])
    assert frame[frame["subdistrict_id"] == "a"].distance(open_streets).max() < 0.02
    assert frame.within(shapely.union_all(units.geometry)).all()
    # 490 of 1,390 metres are on the street from the south
    south = frame[(frame["subdistrict_id"] == "a") & (frame.geometry.y < Y + 495)]
    assert south["population"].sum() == pytest.approx(1001 * 490 / 1390, abs=25)


def test_a_unit_without_streets_is_said_and_keeps_its_people(units, streets):
    made = spread(units, streets=streets)
    assert made.notes == ("1 units have no street or building (B): their 500 people stand at one point inside",)
    assert (made.frame["subdistrict_id"] == "b").sum() == 1
    assert "1 units at one point inside the unit" in made.assumptions["demand"]


def test_a_unit_of_unknown_population_is_said(units, streets):
    units.loc["b", "population"] = np.nan
    made = spread(units, streets=streets)
    assert made.notes == ("no population is known for B: nobody is counted there",)
    assert made.frame["population"].sum() == 1001


def test_cells_grow_until_points_are_few(units, streets):
    fine = spread(units, streets=streets, cell_m=50)
    assert len(fine.frame) > 20
    few = spread(units, streets=streets, max_points=5)
    assert len(few.frame) <= 5
    assert few.frame["population"].sum() == 1501
    assert "cells of 100 m" not in few.assumptions["demand_cell"]


def test_buildings_come_before_streets_where_there_is_floor_enough(units, streets):
    house, hut = shapely.box(X + 100, Y + 100, X + 200, Y + 200), shapely.box(X + 1100, Y + 100, X + 1110, Y + 110)
    buildings = gpd.GeoDataFrame({"levels": [2, np.nan]}, geometry=[house, hut], crs=CRS)
    assert building_grains(buildings).weight.tolist() == [20_000, 100]
    made = spread(units, streets=streets, buildings=buildings)
    point = made.frame[made.frame["subdistrict_id"] == "a"]
    assert len(point) == 1
    assert point.geometry.iloc[0].within(house)
    # 100 m² are no home for 500 people
    assert "1 units over residential buildings" in made.assumptions["demand"]
    buildings["floor_area_m2"] = [np.nan, 9000.0]
    assert building_grains(buildings).weight.tolist() == [20_000, 9000]


def test_grains_give_their_own_totals_where_none_is_known(units):
    grains = Grains(np.array([X + 100, X + 150, X + 1500]), np.full(3, Y + 100), np.array([10.4, 10.0, 7.0]))
    units["population"] = [np.nan, 70.0]
    frame = spread(units, grains=grains).frame
    assert frame.groupby("subdistrict_id")["population"].sum().to_dict() == {"a": 20, "b": 70}


def test_polygons_of_communities_are_spread_within(units, streets):
    communities = gpd.GeoDataFrame(
        {"name": ["P"], "subdistrict_id": ["a"], "population": [77.0], "population_status": "real"},
        geometry=[shapely.box(X, Y + 400, X + 400, Y + 600)],
        crs=CRS,
        index=pd.Index(["p"], name="community_id"),
    )
    frame = spread(communities, streets=streets).frame
    assert frame["population"].sum() == 77
    assert set(frame["community_id"]) == {"p"}
    assert set(frame["subdistrict_id"]) == {"a"}
    assert frame.geometry.x.max() <= X + 400


def test_points_of_communities_are_one_demand_point_each():
    communities = gpd.GeoDataFrame(
        {"name": ["P", "Q"], "subdistrict_id": ["a", "b"], "population": [5.0, np.nan], "elderly": [2.0, np.nan]},
        geometry=gpd.points_from_xy([X, X + 1], [Y, Y]),
        crs=CRS,
        index=pd.Index(["p", "q"], name="community_id"),
    )
    frame = community_demand(communities)
    assert frame["population"].tolist() == [5, 0]
    assert frame["elderly"].tolist() == [2, 0]
    assert frame["community_id"].tolist() == ["p", "q"]


def test_calls_go_to_the_nearest_point(units, streets):
    demand = spread(units, streets=streets).frame
    first = demand.geometry.iloc[0]
    points = [shapely.Point(first.x + 3, first.y), first, shapely.Point(X - 5000, Y)]
    calls = gpd.GeoDataFrame({"calls": [2.0, 1.0, 4.0]}, geometry=points, crs=CRS)
    counted, lost = with_calls(demand, calls)
    assert counted["calls"].iloc[0] == 3
    assert counted["calls"].sum() == 3
    assert lost == 4


def test_street_grains_weigh_metres(streets):
    grains = street_grains(streets)
    assert grains.weight.sum() == pytest.approx(900 + 490)
    assert_array_equal(np.unique(np.round(grains.weight, 2)), [19.6, 20.0])


def write_raster(path, values, crs="EPSG:32650", nodata=-99.0):
    values = np.asarray(values, np.float32)
    transform = rasterio.Affine(500, 0, X, 0, -500, Y + 1000)
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype="float32",
        crs=crs, transform=transform, nodata=nodata,
    ) as file:  # fmt: skip
        file.write(values, 1)


def test_raster(tmp_path, units):
    write_raster(tmp_path / "pop.tif", [[1, 2, 3, 4, 900], [5, -99, -1, 8, 900]])
    grains, notes = raster_grains(tmp_path / "pop.tif", units)
    assert sorted(grains.weight) == [1, 2, 3, 4, 5, 8]
    assert notes == ("pop.tif: 1 cells below 0 are taken as empty",)
    frame = spread(units, grains=grains).frame
    assert frame.groupby("subdistrict_id")["population"].sum().to_dict() == {"a": 1001, "b": 500}
    units["population"] = np.nan
    frame = spread(units, grains=grains).frame
    assert frame.groupby("subdistrict_id")["population"].sum().to_dict() == {"a": 8, "b": 15}


def test_raster_faults(tmp_path, units):
    path = tmp_path / "pop.tif"
    path.write_bytes(b"II*\0 no raster")
    with pytest.raises(FileFaultError, match="no GeoTIFF, or cut off"):
        raster_grains(path, units)
    path.unlink()
    write_raster(path, [[0, 0]])
    with pytest.raises(FileFaultError, match="no cell with people"):
        raster_grains(path, units)
    path.unlink()
    write_raster(path, [[1, 2]], crs=None)
    with pytest.raises(CRSError, match="no CRS"):
        raster_grains(path, units)
    path.unlink()
    write_raster(path, [[1, 2]])
    with pytest.raises(FileFaultError, match="does not cover"):
        raster_grains(path, units.set_geometry(units.translate(50_000)))

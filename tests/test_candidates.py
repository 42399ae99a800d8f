"""Candidates: distinct drivable junctions near people, some in every unit, the same each time."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from careshed.area import SCHEMAS
from careshed.candidates import generate_candidates
from careshed.demand import spread
from careshed.errors import InputError, MissingLayerError
from careshed.network import RoadNetwork

CRS = "EPSG:32650"
X, Y = 440_000.0, 4_420_000.0
SIDE = 12


def grid(*, highway="residential"):
    """Streets every 100 m, both ways."""
    lines, ends = [], []
    for i in range(SIDE):
        for j in range(SIDE):
            for di, dj in ((1, 0), (0, 1)):
                if i + di < SIDE and j + dj < SIDE:
                    here, there = (X + 100 * i, Y + 100 * j), (X + 100 * (i + di), Y + 100 * (j + dj))
                    lines.append(shapely.LineString([here, there]))
                    ends.append((i * SIDE + j, (i + di) * SIDE + j + dj))
    u, v = np.array(ends).T
    return gpd.GeoDataFrame(
        {
            "u": u,
            "v": v,
            "highway": highway,
            "walk": np.int8(3),
            "drive": np.int8(3),
            "maxspeed_kmh": np.nan,
            "name": "",
        },
        geometry=lines,
        crs=CRS,
        index=pd.Index([f"s{k}" for k in range(len(lines))], name="street_id"),
    )


@pytest.fixture
def streets():
    return grid()


@pytest.fixture
def units():
    boxes = [
        shapely.box(X - 50, Y - 50, X + 550, Y + 1150),
        shapely.box(X + 550, Y - 50, X + 1150, Y + 250),
        shapely.box(X + 550, Y + 250, X + 1150, Y + 1150),
    ]
    return gpd.GeoDataFrame(
        {"name": ["A", "B", "C"], "population": [9000.0, 0.0, 50.0]},
        geometry=boxes,
        crs=CRS,
        index=pd.Index(["a", "b", "c"], name="subdistrict_id"),
    )


@pytest.fixture
def demand(units, streets):
    return spread(units, streets=streets).frame


def test_sites_are_distinct_junctions_in_their_unit(demand, streets, units):
    sites = generate_candidates(demand, streets, units, n=20, min_per_unit=2)
    assert sites.index.name == SCHEMAS["candidates"][0]
    assert list(sites.columns[:-1]) == list(SCHEMAS["candidates"][1])
    assert len(sites) == 20
    assert not sites.geometry.duplicated().any()
    assert ((sites.geometry.x - X) % 100 == 0).all()
    assert (sites.groupby("subdistrict_id").size() >= 2).all()
    for unit, group in sites.groupby("subdistrict_id"):
        assert group.within(units.geometry[unit]).all()
    counts = sites.groupby("subdistrict_id").size()
    assert counts["a"] > counts["c"]


def test_the_same_seed_gives_the_same_sites(demand, streets, units):
    first, again = (generate_candidates(demand, streets, units, n=15, seed=3) for _ in range(2))
    assert_geodataframe_equal(first, again)
    shuffled = streets.sample(frac=1, random_state=1)
    assert_geodataframe_equal(first, generate_candidates(demand, shuffled, units, n=15, seed=3))


def test_a_network_does_as_well(demand, streets, units):
    network = RoadNetwork.from_streets(streets, "drive")
    assert_geodataframe_equal(
        generate_candidates(demand, network, units, n=9), generate_candidates(demand, streets, units, n=9)
    )


def test_more_sites_than_junctions_gives_every_junction(demand, streets, units):
    sites = generate_candidates(demand, streets, units, n=500)
    assert len(sites) == SIDE * SIDE


def test_islands_and_motorways_hold_no_site(demand, streets, units):
    lonely = shapely.LineString([(X + 33, Y + 33), (X + 66, Y + 66)])
    island = streets.iloc[[0]].assign(u=SIDE * SIDE, v=SIDE * SIDE + 1).set_index(pd.Index(["island"]))
    island = island.set_geometry([lonely], crs=CRS)
    fast = shapely.LineString([(X, Y), (X + 33, Y + 900)])
    motorway = streets.iloc[[0]].assign(u=0, v=SIDE * SIDE + 2, highway="motorway").set_index(pd.Index(["fast"]))
    motorway = motorway.set_geometry([fast], crs=CRS)
    both = pd.concat([streets, island, motorway])
    both.index.name = "street_id"
    sites = generate_candidates(demand, both, units, n=500)
    assert len(sites) == SIDE * SIDE


def test_no_roads_in_the_area(demand, streets, units):
    far = streets.set_geometry(streets.translate(50_000))
    with pytest.raises(MissingLayerError, match="no drivable junction"):
        generate_candidates(demand, far, units)
    with pytest.raises(InputError, match="n is 0"):
        generate_candidates(demand, streets, units, n=0)

"""What the network leaves out: far points by mode, and people whom no place reaches."""

import dataclasses

import geopandas as gpd
import pandas as pd
import shapely

from careshed.audit import audit
from careshed.maps import coverage_map
from careshed.network import RoadNetwork
from careshed.plan import make_plan
from careshed.stranded import far_points, unreached

EAST, NORTH = 440_000.0, 4_420_000.0


def with_island(town, *, length_m=120.0):
    """Return the town with a street that nothing joins to the rest, and one demand point far out."""
    line = shapely.LineString([(EAST + 60, NORTH + 60), (EAST + 60 + length_m, NORTH + 60)])
    lone = town.streets.iloc[[0]].assign(u=900, v=901).set_geometry([line], crs=town.crs)
    lone.index = pd.Index(["lone"], name="street_id")
    streets = gpd.GeoDataFrame(pd.concat([town.streets, lone]), crs=town.crs)
    demand = town.demand.copy()
    demand.loc["D000", "geometry"] = shapely.Point(EAST - 200, NORTH)
    demand.loc["D001", "geometry"] = shapely.Point(EAST - 350, NORTH)
    return dataclasses.replace(town, streets=streets, demand=demand)


def test_far_points_are_told_from_those_left_out(town):
    area = with_island(town)
    walk = far_points(area, RoadNetwork.from_streets(area.streets, "walk"))
    assert walk[["layer", "id", "joined", "population"]].to_numpy().tolist() == [
        ["demand", "D000", True, 10],
        ["demand", "D001", False, 10],
    ]
    assert walk["leg_m"].round().tolist() == [200, 350]
    drive = far_points(area, RoadNetwork.from_streets(area.streets, "drive"))
    assert drive["id"].tolist() == ["D001"]
    assert drive["joined"].all()


def test_people_whom_no_place_reaches_are_listed(town):
    cut = 1_125.0
    away = town.streets.geometry.bounds
    # no street joins east and west: the east keeps its centre, the west's facilities are gone
    streets = town.streets[(away["minx"] - EAST > cut) | (away["maxx"] - EAST < cut)]
    area = dataclasses.replace(town, streets=streets, facilities=town.facilities.loc[["F2", "S1"]])
    network = RoadNetwork.from_streets(area.streets, "walk")
    lost = unreached(area, area.targets.service["chc"], network)
    x = town.demand.geometry.x - EAST
    assert set(town.demand.index[x < cut - 10]) <= set(lost.index) <= set(town.demand.index[x < cut + 10])
    row = audit(area).table.set_index("check").loc["unreachable points"]
    assert f"with {int(lost['population'].sum()):,} people" in row["text"]
    assert "within 60 minutes" in row["text"]
    assert unreached(
        dataclasses.replace(area, facilities=area.facilities.iloc[:0]), area.targets.service["chc"], network
    ).empty


def test_the_map_has_them_off_at_first(town):
    names = {"路网孤岛", "未接入或不可达的点"}

    def layers(area):
        drawn = coverage_map(make_plan(area))
        html = drawn.get_root().render()
        return {
            name: child
            for child in drawn._children.values()
            for name in names
            if name in str(getattr(child, "layer_name", ""))
        }, html

    found, html = layers(with_island(town))
    assert set(found) == names
    assert not any(layer.show for layer in found.values())
    assert '步行 <span class="en" lang="en">walk</span> 1 (0.1 km)' in html
    assert '距道路较远 <span class="en" lang="en">far from a street</span> (2)' in html
    assert not layers(town)[0]

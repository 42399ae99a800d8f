"""Embedded areas: the same bytes from the recipe, exact totals, real names, ground that streets respect."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from careshed.area import StudyArea
from careshed.errors import FileFaultError, InputError
from careshed.synthetic import read_recipe, synthesize
from careshed.synthetic.graph import BRIDGE
from careshed.synthetic.settle import largest_remainder

DATA = Path(__file__).parent.parent / "data"
DISTRICTS = {
    # people at the 2020 census, units, communities and villages, km², junctions
    "xicheng": (1_106_214, 15, 263, (47, 54), (6_000, 9_000)),
    "tongzhou": (1_840_295, 22, 656, (840, 960), (10_000, 15_000)),
    "pinggu": (457_313, 18, 323, (900, 1_000), (8_000, 12_000)),
}
NAMES = list(DISTRICTS)


@pytest.fixture(scope="module", params=NAMES)
def district(request):
    return request.param


@pytest.fixture(scope="module")
def area(district):
    return StudyArea.read(DATA / district)


def facts(name, district):
    table = pd.read_csv(DATA / "facts" / f"{name}.csv", dtype=str).set_index("code")
    codes = [
        unit["code"] for unit in tomllib.loads((DATA / district / "recipe.toml").read_text(encoding="utf-8"))["unit"]
    ]
    return table.loc[codes] if name == "units" else table[table["unit_code"].isin(codes)]


@pytest.mark.slow
def test_the_recipe_gives_the_committed_files_byte_for_byte(district, tmp_path):
    synthesize(DATA / district / "recipe.toml").write(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert {"area.json", "streets.parquet", "demand.parquet"} <= set(made)
    differ = [name for name in made if (tmp_path / name).read_bytes() != (DATA / district / name).read_bytes()]
    assert differ == [], f"run careshed synthesize data/{district}/recipe.toml -o data/{district}"


def test_totals_are_the_census_exactly(area, district):
    people, *_ = DISTRICTS[district]
    assert area.demand["population"].sum() == people
    assert area.communities["population"].sum() == people
    assert area.subdistricts["population"].sum() == people
    by_community = area.demand.groupby("community_id")["population"].sum()
    assert (by_community == area.communities["population"]).all()
    by_unit = area.communities.groupby("subdistrict_id")["population"].sum()
    assert (by_unit == area.subdistricts["population"]).all()
    assert (area.demand["elderly"] <= area.demand["population"]).all()


def test_names_are_those_of_the_facts(area, district):
    _, units, communities, *_ = DISTRICTS[district]
    assert (len(area.subdistricts), len(area.communities)) == (units, communities)
    assert area.subdistricts["name"].to_dict() == facts("units", district)["name"].to_dict()
    assert area.communities["name"].to_dict() == facts("communities", district)["name"].to_dict()
    assert area.communities["subdistrict_id"].to_dict() == facts("communities", district)["unit_code"].to_dict()
    assert (area.subdistricts["name_en"] != "").all()


def test_every_fact_has_a_source():
    for path in (DATA / "facts").glob("*.csv"):
        assert (pd.read_csv(path, dtype=str, keep_default_na=False)["source"] != "").all(), path.name


def test_polygons_tile_the_district(area, district):
    *_, (least, most), _ = DISTRICTS[district]
    for layer in (area.communities, area.subdistricts):
        assert layer.geometry.is_valid.all()
        assert shapely.coverage_is_valid(layer.geometry.array)
    assert least < area.boundary.area / 1e6 < most
    assert area.boundary.geom_type == "Polygon"
    assert not area.boundary.interiors
    assert area.communities.area.sum() == pytest.approx(area.boundary.area, rel=1e-9)


def test_each_unit_has_about_its_real_area(area, district):
    real = facts("units", district)["area_km2"].astype(float)
    made = area.subdistricts.area / 1e6
    assert ((made - real).abs() < 0.25 * real + 1.5).all()


def test_demand_lies_in_its_community_beside_a_street(area):
    home = area.communities.geometry.loc[area.demand["community_id"]]
    assert shapely.within(area.demand.geometry.array, home.array).all()
    walked = area.streets[(area.streets["walk"] > 0) & (area.streets["highway"] != "service")]
    _, gap = shapely.STRtree(walked.geometry.array).query_nearest(
        area.demand.geometry.array, return_distance=True, all_matches=False
    )
    assert gap.max() < 10


def test_streets_cross_barriers_on_bridges_only(area, district):
    recipe = read_recipe(DATA / district / "recipe.toml")
    bridges = {road.name for road in recipe.road if road.bridge} | {BRIDGE, "过街天桥"}
    bridges |= {name for road in recipe.express for name in (road.name, f"{road.name}辅路")}
    small = area.streets[~area.streets["name"].isin(bridges) & ~area.streets["highway"].str.endswith("_link")]
    barriers = area.backdrop[area.backdrop["kind"].isin(["water", "rail", "park"])].geometry.buffer(-6)
    crossing = small.sindex.query(barriers.array[~barriers.is_empty], predicate="intersects")
    assert crossing.shape[1] == 0, small.iloc[crossing[1]].head()


def components(streets, *, mode, strong):
    size = int(max(streets["u"].max(), streets["v"].max())) + 1
    open_ = streets[streets[mode] > 0]
    ahead, back = (open_[open_[mode] & bit > 0] for bit in (1, 2))
    rows, columns = np.r_[ahead["u"], back["v"]], np.r_[ahead["v"], back["u"]]
    matrix = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size)).tocsr()
    _, label = connected_components(matrix, connection="strong" if strong else "weak")
    nodes = np.unique(open_[["u", "v"]].to_numpy())
    return np.sort(np.bincount(label[nodes]))[::-1]


def test_roads_hang_together_but_for_a_few_islands(area, district):
    *_, (least, most) = DISTRICTS[district]
    streets = area.streets
    ends = streets[["u", "v"]].to_numpy()
    assert sorted(np.unique(ends)) == list(range(ends.max() + 1))
    assert least <= ends.max() + 1 <= most
    for mode, strong in (("walk", False), ("drive", True)):
        sizes = components(streets, mode=mode, strong=strong)
        assert sizes[0] > 0.97 * sizes.sum()
        islands = sizes[1:][sizes[1:] > 3]
        assert 3 <= len(islands) <= 20
        assert islands.max() < 0.05 * sizes.sum()
    both = (streets["drive"] == 3).sum() * 2 + streets["drive"].isin([1, 2]).sum()
    assert 2.3 < both / (ends.max() + 1) < 2.9


def test_junctions_stand_where_their_streets_end(area):
    lines = area.streets.geometry.array
    xy = np.vstack([shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1)])
    nodes = np.r_[area.streets["u"], area.streets["v"]]
    table = pd.DataFrame({"node": nodes, "x": xy[:, 0], "y": xy[:, 1]})
    places = table.drop_duplicates()
    assert not places.duplicated("node").any()
    assert not places.duplicated(["x", "y"]).any()


def test_facilities_and_candidates(area):
    assert 145 <= len(area.candidates) <= 155
    assert area.candidates.groupby("subdistrict_id").size().reindex(area.subdistricts.index).ge(3).all()
    corners = shapely.points(
        np.unique(shapely.get_coordinates(shapely.get_point(area.streets.geometry.array, 0)), axis=0)
    )
    ends = shapely.points(
        np.unique(shapely.get_coordinates(shapely.get_point(area.streets.geometry.array, -1)), axis=0)
    )
    tree = shapely.STRtree(np.concatenate([corners, ends]))
    gap = tree.query_nearest(area.candidates.geometry.array, return_distance=True, all_matches=False)[1]
    assert gap.max() == 0
    health = area.facilities[area.facilities["kind"] == "community_health_centre"]
    assert set(health["subdistrict_id"]) == set(area.subdistricts.index)
    outside = ~shapely.intersects(area.facilities.geometry.array, area.boundary)
    assert (area.facilities["outside"].to_numpy() == outside).all()
    assert ((area.facilities["subdistrict_id"] == "").to_numpy() == outside).all()


def test_pinggu_has_its_clinics_and_tongzhou_its_centre():
    pinggu, tongzhou, xicheng = (StudyArea.read(DATA / name).facilities for name in ("pinggu", "tongzhou", "xicheng"))
    assert (pinggu["kind"] == "village_clinic").sum() == 139
    assert (pinggu["kind"] == "community_health_centre").sum() == 18
    assert (tongzhou["tier"] == "emergency_centre").sum() == 1
    assert (xicheng[xicheng["kind"] == "first_aid_station"]["outside"]).sum() == 2


def test_an_area_says_that_it_is_synthetic(area):
    assert area.synthetic
    for layer, status in (("streets", "synthetic"), ("facilities", "synthetic"), ("demand", "estimated")):
        assert area.provenance[layer].status == status
    assert set(area.communities["population_status"]) == {"estimated"}


def test_files_are_small(district):
    sizes = [path.stat().st_size for path in (DATA / district).iterdir()]
    assert max(sizes) < 1_500_000
    assert sum(sizes) < 2_000_000


def test_a_recipe_with_another_unit_is_refused(tmp_path):
    (tmp_path / "facts").mkdir()
    for path in (DATA / "facts").glob("*.csv"):
        (tmp_path / "facts" / path.name).write_bytes(path.read_bytes())
    text = (DATA / "xicheng" / "recipe.toml").read_text(encoding="utf-8").replace("110102020", "110102099")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text.replace('"../facts"', '"facts"'), encoding="utf-8")
    with pytest.raises(InputError, match="110102020, 110102099"):
        synthesize(recipe)


def test_a_recipe_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("colour = 'red'\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"recipe\.toml: name: Field required"):
        read_recipe(path)
    path.write_text("[", encoding="utf-8")
    with pytest.raises(FileFaultError, match="not TOML"):
        read_recipe(path)


def test_largest_remainder_keeps_the_total():
    assert largest_remainder(np.array([1.0, 1.0, 1.0]), 10).tolist() == [4, 3, 3]
    assert largest_remainder(np.array([0.0, 2.0, 1.0]), 0).tolist() == [0, 0, 0]

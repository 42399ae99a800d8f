"""Audit: each thing that can be wrong with an area is found, and only errors stop a plan."""

import dataclasses
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from careshed.area import StudyArea, empty_layer
from careshed.audit import audit
from careshed.targets import read_targets

CRS = "EPSG:32650"
X, Y, SIDE = 440_000.0, 4_420_000.0, 9
TARGETS = """
title = "town"
[service.ems]
label_zh = "急救"
label_en = "first aid"
kinds = ["first_aid_station"]
mode = "drive"
direction = "from"
minutes = 12
[service.ems.siting]
stations = 2
min_per_subdistrict = 1
"""


def streets():
    lines, ends = [], []
    for i in range(SIDE):
        for j in range(SIDE):
            for di, dj in ((1, 0), (0, 1)):
                if i + di < SIDE and j + dj < SIDE:
                    lines.append(
                        shapely.LineString([(X + 200 * i, Y + 200 * j), (X + 200 * (i + di), Y + 200 * (j + dj))])
                    )
                    ends.append((i * SIDE + j, (i + di) * SIDE + j + dj))
    u, v = np.array(ends).T
    columns = {"u": u, "v": v, "highway": "residential", "walk": np.int8(3), "drive": np.int8(3)}
    return gpd.GeoDataFrame(
        {**columns, "maxspeed_kmh": np.nan, "name": ""},
        geometry=lines,
        crs=CRS,
        index=pd.Index([f"s{k}" for k in range(len(lines))], name="street_id"),
    )


def layer(kind, ids, geometry, /, **columns):
    frame = gpd.GeoDataFrame(
        columns, geometry=geometry, crs=CRS, index=pd.Index(ids, name=empty_layer(kind).index.name)
    )
    return frame[[*empty_layer(kind).columns]]


@pytest.fixture
def area(tmp_path):
    (tmp_path / "targets.toml").write_text(TARGETS, encoding="utf-8")
    boxes = [shapely.box(X - 50, Y - 50, X + 800, Y + 1650), shapely.box(X + 800, Y - 50, X + 1650, Y + 1650)]
    at = [shapely.Point(X + 400, Y + 410), shapely.Point(X + 1200, Y + 410)]
    return StudyArea(
        name="town",
        crs=gpd.GeoSeries(crs=CRS).crs,
        streets=streets(),
        subdistricts=layer(
            "subdistricts",
            ["a", "b"],
            boxes,
            name=["A", "B"],
            name_en="",
            population=[10.0, 20.0],
            population_status="real",
        ),
        communities=empty_layer("communities", CRS),
        demand=layer(
            "demand",
            ["d1", "d2"],
            at,
            subdistrict_id=["a", "b"],
            community_id="",
            population=[10, 20],
            elderly=0,
            calls=np.nan,
        ),
        facilities=empty_layer("facilities", CRS),
        candidates=layer(
            "candidates", ["c1", "c2"], at, name="", status="candidate", tier="", subdistrict_id=["a", "b"]
        ),
        backdrop=empty_layer("backdrop", CRS),
        targets=read_targets(tmp_path / "targets.toml"),
    )


def found(area, check):
    table = audit(area).table
    return table[table["check"] == check]


def change(area, **layers):
    return dataclasses.replace(area, **layers)


def test_a_sound_area_can_be_planned(area):
    result = audit(area)
    assert result.plannable
    assert set(result.table["severity"]) == {"info"}
    assert list(result.table.columns) == ["check", "severity", "count", "text", "remedy", "examples"]
    assert "30 people at 2 points" in found(area, "people")["text"].iloc[0]
    assert found(area, "islands")["text"].iloc[0].startswith("walk: 1 components, 1 kept with 100.0% of the junctions")


def test_rejected_rows_are_counted_by_file(area):
    rows = pd.DataFrame(
        {"file": ["c.csv"] * 2, "line": ["3", "9"], "id": ["", "x"], "reason": ["bad", "worse"]}, dtype="str"
    )
    row = found(change(area, rejected=rows), "rejected rows").iloc[0]
    assert (row["severity"], row["count"], row["examples"]) == ("warning", 2, "3: bad, 9: worse")


def test_islands(area):
    lonely = (
        area.streets.iloc[[0]]
        .assign(u=900, v=901)
        .set_geometry([shapely.LineString([(X + 90, Y + 90), (X + 90, Y + 50)])], crs=CRS)
    )
    lonely.index = pd.Index(["lonely"], name="street_id")
    lonely = lonely.assign(u=SIDE * SIDE, v=SIDE * SIDE + 1)
    row = found(change(area, streets=pd.concat([area.streets, lonely])), "islands").iloc[0]
    assert row["count"] == 1
    assert "0.0 km of street are islands" in row["text"]


def test_points_far_from_streets(area):
    moved = area.demand.set_geometry(area.demand.translate(0, 5000))
    far = change(area, demand=moved)
    rows = found(far, "rejected points")
    assert set(rows["severity"]) == {"error"}
    assert "with 30 people" in rows["text"].iloc[0]
    assert not audit(far).plannable
    near = area.demand.copy()
    near.loc["d1", "geometry"] = shapely.Point(X + 400, Y - 200)
    row = found(change(area, demand=near), "far-snapped points").iloc[0]
    assert (row["severity"], row["count"], row["examples"]) == ("info", 1, "d1")


def test_overlaps_and_gaps(area):
    units = area.subdistricts.copy()
    units.loc["b", "geometry"] = shapely.box(X + 600, Y - 50, X + 1650, Y + 1650)
    row = found(change(area, subdistricts=units), "overlapping polygons").iloc[0]
    assert (row["severity"], row["count"], row["examples"]) == ("warning", 1, "A/B")
    units = area.subdistricts.copy()
    hole = shapely.box(X + 100, Y + 100, X + 400, Y + 400)
    units.loc["a", "geometry"] = shapely.difference(units.loc["a", "geometry"], hole)
    assert "0.09 km²" in found(change(area, subdistricts=units), "gaps between polygons")["text"].iloc[0]


def test_crossing_outlines_stop_a_plan(area):
    units = area.subdistricts.copy()
    units.loc["a", "geometry"] = shapely.Polygon([(X, Y), (X + 500, Y + 500), (X + 500, Y), (X, Y + 500)])
    assert not audit(change(area, subdistricts=units)).plannable


def test_units_without_people(area):
    demand = area.demand.assign(population=[10, 0])
    assert found(change(area, demand=demand), "units without people")["examples"].iloc[0] == "B"
    nobody = change(area, demand=empty_layer("demand", CRS), missing={"demand": "no population is given"})
    assert not audit(nobody).plannable


def test_candidates_must_be_enough_and_everywhere(area):
    few = change(area, candidates=area.candidates.iloc[:1])
    assert "1 candidates and 0 existing stations, but 2" in found(few, "candidates")["text"].iloc[0]
    assert found(few, "units without candidates")["examples"].iloc[0] == "B"
    assert not audit(few).plannable


def test_facilities_outside_and_twice(area):
    at = [shapely.Point(X - 100, Y)] * 2
    frame = layer(
        "facilities", ["f1", "f2"], at, name="", kind="aed", status="existing", tier="", capacity=np.nan,
        subdistrict_id="", outside=True, address="",
    )  # fmt: skip
    both = change(area, facilities=frame)
    assert found(both, "facilities outside")["count"].iloc[0] == 2
    assert found(both, "facilities twice")["examples"].iloc[0] == "f2"


def test_no_targets_and_no_roads(area):
    assert not audit(change(area, targets=type(area.targets)())).plannable
    bare = change(area, streets=empty_layer("streets", CRS))
    assert {"walk network", "drive network"} <= set(audit(bare).table["check"])


@pytest.mark.parametrize("name", ["xicheng", "tongzhou", "pinggu"])
def test_embedded_areas_can_be_planned(name):
    folder = Path(__file__).parents[1] / "data" / name
    if not (folder / "area.json").exists():
        pytest.skip(f"{name} is not made yet")
    result = audit(StudyArea.read(folder))
    assert result.plannable, result.table[result.table["severity"] == "error"].to_string()

"""Datums: against a formula written out here, and the ways of naming one."""

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from careshed.datums import DATUMS, from_wgs84, geometry_to_wgs84, inside_china, split_datum, to_wgs84
from careshed.errors import CRSError


def gcj02(lon, lat):
    """The published offset of GCJ-02 (Krasovsky ellipsoid), written out as an oracle."""
    a, ee = 6378245.0, 0.00669342162296594323
    x, y = lon - 105.0, lat - 35.0
    wave = (20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)) * 2 / 3
    dlat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + wave
    dlat += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    dlat += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    dlon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + wave
    dlon += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    dlon += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    magic = 1 - ee * math.sin(math.radians(lat)) ** 2
    dlat = dlat * 180 / (a * (1 - ee) / (magic * math.sqrt(magic)) * math.pi)
    dlon = dlon * 180 / (a / math.sqrt(magic) * math.cos(math.radians(lat)) * math.pi)
    return lon + dlon, lat + dlat


def test_forward_matches_the_formula():
    lon, lat = np.array([116.37, 116.66, 117.1]), np.array([39.91, 39.90, 40.15])
    x, y = from_wgs84(lon, lat, "gcj02")
    expected = np.array([gcj02(a, b) for a, b in zip(lon, lat, strict=True)])
    np.testing.assert_allclose(np.column_stack([x, y]), expected, atol=1e-9)


@pytest.mark.parametrize("datum", DATUMS)
def test_there_and_back_is_within_half_a_metre(datum):
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(80, 130, 200), rng.uniform(20, 50, 200)
    x, y = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert np.hypot((x - lon) * 85_000, (y - lat) * 111_000).max() < 0.5


def test_bd09_is_gcj02_and_some():
    x, y = from_wgs84([116.404], [39.915], "bd09")
    gx, gy = from_wgs84([116.404], [39.915], "gcj02")
    assert 0.005 < x[0] - gx[0] < 0.008
    assert 0.005 < y[0] - gy[0] < 0.008


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_outside_china_is_an_error(datum):
    with pytest.raises(CRSError, match=r"1 of 2 points lie outside China \(first: longitude 24\.94.*FILE:wgs84"):
        to_wgs84([116.4, 24.94], [39.9, 60.17], datum)
    with pytest.raises(CRSError, match="outside China"):
        from_wgs84([24.94], [60.17], datum)


def test_inside_china():
    assert inside_china([116.4, 24.9], [39.9, 60.2]).tolist() == [True, False]


def test_polygons_are_converted_by_vertex():
    shape = shapely.box(116.3, 39.9, 116.4, 40.0)
    moved = geometry_to_wgs84(gpd.GeoSeries([shape, None]), "gcj02")
    assert moved.crs == "EPSG:4326"
    assert moved[1] is None
    corner = gcj02(*moved[0].exterior.coords[0])
    assert corner == pytest.approx(shape.exterior.coords[0], abs=1e-5)
    assert geometry_to_wgs84(gpd.GeoSeries([shape]), "wgs84")[0].equals(shape)


@pytest.mark.parametrize(
    ("text", "path", "datum"),
    [
        ("a.csv", "a.csv", None),
        ("a.csv:gcj02", "a.csv", "gcj02"),
        ("a.csv:GCJ-02", "a.csv", "gcj02"),
        ("a.csv:bd09", "a.csv", "bd09"),
        ("a.csv:cgcs2000", "a.csv", "cgcs2000"),
        (r"C:\data\x.csv", r"C:\data\x.csv", None),
        (r"C:\data\x.csv:gcj02", r"C:\data\x.csv", "gcj02"),
        ("C:/x.csv:wgs84", "C:/x.csv", "wgs84"),
        ("C:x", "C:x", None),
        ("dir:1/x.csv", "dir:1/x.csv", None),
    ],
)
def test_split_datum(text, path, datum):
    assert split_datum(text) == (Path(path), datum)


def test_split_datum_names_what_it_knows():
    with pytest.raises(CRSError, match="'gcj2' is no datum; expected FILE:wgs84, FILE:gcj02, FILE:bd09, FILE:cgcs2000"):
        split_datum("a.csv:gcj2")


def test_split_datum_leaves_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv:other").touch()
    assert split_datum("a.csv:other") == (Path("a.csv:other"), None)
    assert split_datum(Path("a.csv:gcj02")) == (Path("a.csv"), "gcj02")

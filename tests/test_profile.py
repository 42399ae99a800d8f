"""Speed profiles: what is read and refused, hours of the day, steps and slopes."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from careshed.errors import FileFaultError, InputError
from careshed.network import RoadNetwork, default_profile, read_profile
from careshed.network._speeds import slope_factor

CRS = "EPSG:32650"


def street(**columns):
    """Make a layer of one street of 1,000 m along x."""
    frame = {"u": [0], "v": [1], "highway": ["primary"], "walk": [3], "drive": [3], "maxspeed_kmh": [np.nan]}
    index = pd.Index(["s0"], name="street_id")
    line = shapely.LineString([(0, 0), (1000, 0)])
    return gpd.GeoDataFrame(frame | columns, index=index, geometry=[line], crs=CRS)


def written(tmp_path, text):
    path = tmp_path / "profile.toml"
    path.write_text(text, encoding="utf-8")
    return path


def seconds(profile, hour=None, **columns):
    network = RoadNetwork.from_streets(street(**columns), "drive", profile=profile, hour=hour)
    return network.forward_ms[0] / 1000


def test_the_default_has_a_source_for_every_figure():
    profile = default_profile()
    named = ("speed_mps", "elderly_mps", "steps_factor", "slope", "drive.kmh", "maxspeed_factor", "leg_kmh")
    named += ("ambulance", "period", "traffic_signals", "stop", "crossing", "give_way", "left", "right", "u_turn")
    assert all(word in profile.source for word in named)
    assert (profile.walk.speed_mps, profile.walk.elderly_mps, profile.drive.maxspeed_factor) == (1.25, 1.0, 0.8)
    assert all(profile.drive.kmh[kind] > 0 for kind in ("motorway", "residential", "road", "other"))


def test_what_a_file_leaves_out_is_the_defaults_but_for_periods(tmp_path):
    profile = read_profile(written(tmp_path, 'name = "mine"\n[drive.kmh]\nprimary = 36\n[junction.drive]\nstop = 9'))
    assert profile.drive.kmh["primary"] == 36
    assert profile.drive.kmh["secondary"] == default_profile().drive.kmh["secondary"]
    assert profile.junction.drive == default_profile().junction.drive | {"stop": 9.0}
    assert (dict(profile.period), dict(profile.ambulance)) == ({}, {})
    assert seconds(profile) == 100
    network = RoadNetwork.from_streets(street(), "drive", profile=profile)
    assert "profile mine, free flow" in network.profile


def test_hours_have_the_speeds_of_their_period(tmp_path):
    text = """
    name = "counted"
    [drive.kmh]
    primary = 72
    [period.morning]
    hours = [7, 8]
    factor = 0.5
    [period.evening]
    hours = [17]
    kmh = { primary = 18 }
    [ambulance]
    primary = 1.25
    """
    profile = read_profile(written(tmp_path, text))
    assert [profile.period_at(hour) for hour in (None, 0, 7, 8, 9, 17)] == [
        "free flow", "free flow", "morning", "morning", "free flow", "evening",
    ]  # fmt: skip
    assert [seconds(profile, hour) for hour in (None, 7, 17)] == [40, 80, 160]
    # a period's own figure stands whatever the sign says; its factor counts on 0.8 of the limit
    assert [seconds(profile, hour, maxspeed_kmh=[90.0]) for hour in (None, 7, 17)] == [40, 80, 160]
    network = RoadNetwork.from_streets(street(), "drive", profile=profile, hour=7)
    assert "morning (7:00 to 7:59)" in network.profile
    assert "× 0.5" in network.profile
    assert network.hash != RoadNetwork.from_streets(street(), "drive", profile=profile).hash
    for hour in (24, -1, 7.5, "8"):
        with pytest.raises(InputError, match="from 0 to 23"):
            RoadNetwork.from_streets(street(), "walk", hour=hour)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("name = ", "not TOML"),
        ("[walk]\nspeed_mps = 1", "name: Field required"),
        ('name = "x"\nspeed = 3', "speed: Extra inputs are not permitted, found 3"),
        ('name = "x"\n[walk]\nspeed_mps = -1', "walk.speed_mps: Input should be greater than 0, found -1"),
        ('name = "x"\n[drive.kmh]\nprimary = nan', "drive.kmh.primary: Input should be"),
        (
            'name = "x"\n[period.noon]\nhours = [12, 24]',
            "period.noon.hours.1: Input should be less than or equal to 23",
        ),
        ('name = "x"\n[period.a]\nhours = [1]\n[period.b]\nhours = [1]', "hour 1 is in both a and b"),
        ('name = "x"\n[period.a]\nhours = [1]\nkmh = { boulevard = 5 }', "period.a names class boulevard"),
        ('name = "x"\n[ambulance]\nprimery = 1.1', "ambulance names class primery"),
        ('name = "x"\n[turn]\nat = "everywhere"', "turn.at: Input should be 'tagged', 'all' or 'none'"),
        ('name = "x"\n[period."free flow"]\nhours = [1]', "is the name of all other hours"),
    ],
)
def test_a_faulty_profile_is_named(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        read_profile(written(tmp_path, text))
    assert words in str(caught.value)
    assert "profile.toml" in str(caught.value)


def test_a_profile_that_is_no_text_is_a_file_fault(tmp_path):
    (tmp_path / "profile.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(FileFaultError, match="not UTF-8 at byte 8"):
        read_profile(tmp_path / "profile.toml")


def heights(u, v):
    frame = {"junction": [0, 1], "kind": ["", ""], "from_street": ["", ""], "elevation_m": [u, v]}
    return gpd.GeoDataFrame(
        frame, index=pd.Index(["a", "b"], name="junction_id"), geometry=[shapely.Point(0, 0)] * 2, crs=CRS
    )


def test_walking_is_slower_uphill_and_on_steps():
    network = RoadNetwork.from_streets(street(), "walk", junctions=heights(100.0, 200.0))
    assert network.forward_ms[0] == round(1000 / (1.25 * np.exp(-3.5 * 0.10)) * 1000)
    assert network.backward_ms[0] == 800_000  # 10 % down is as quick as the flat, 5 % down quicker
    assert "slopes after Tobler" in network.profile
    for same in (heights(50.0, 50.0), heights(np.nan, 200.0), heights(np.nan, np.nan)):
        flat = RoadNetwork.from_streets(street(), "walk", junctions=same)
        assert flat.forward_ms[0] == flat.backward_ms[0] == 800_000
    steps = RoadNetwork.from_streets(street(highway=["steps"]), "walk", junctions=heights(100.0, 200.0))
    assert steps.forward_ms[0] == steps.backward_ms[0] == 1_600_000
    assert "0.5 of it on steps" in steps.profile
    drive = RoadNetwork.from_streets(street(), "drive", junctions=heights(100.0, 200.0))
    assert drive.forward_ms[0] == drive.backward_ms[0]


@given(st.floats(-2, 2))
def test_slopes_have_the_shape_of_toblers(slope):
    factor = slope_factor(np.array([slope, -0.05, 0.0]))
    assert factor[2] == 1
    assert 0 < factor[0] <= factor[1] == pytest.approx(np.exp(0.175))
    if abs(slope) <= 0.5:
        assert factor[0] == pytest.approx(np.exp(-3.5 * (abs(slope + 0.05) - 0.05)))

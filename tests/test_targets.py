"""Targets files: what is accepted, what is refused and how."""

import datetime as dt
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careshed.errors import FileFaultError, InputError
from careshed.targets import Phase, Quota, Target, read_targets

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(("stations", "count"), [(18, 13), (29, 21), (30, 21), (10, 7), (1, 1)])
def test_phase_count_is_rounded_up_without_binary_dust(stations, count):
    assert Phase(by=dt.date(2021, 12, 31), share=0.7).count(stations) == count


@given(percent=st.integers(1, 100), stations=st.integers(1, 500))
def test_phase_count_equals_exact_arithmetic(percent, stations):
    phase = Phase(by=dt.date(2021, 12, 31), share=percent / 100)
    assert phase.count(stations) == math.ceil(Fraction(percent, 100) * stations)


@pytest.mark.parametrize(
    ("people", "bounds"),
    [(99_999, (1, 1)), (100_000, (1, 1)), (149_999, (1, 1)), (150_000, (1, 2)), (200_000, (2, 3)), (250_000, (2, 4))],
)
def test_health_centre_quota_by_population(people, bounds):
    quota = Quota(label_zh="", label_en="", kinds=("c",), rule="step", above=100_000, people_per=(100_000, 50_000))
    assert quota.bounds(people, 0) == bounds


def test_supervision_quota_and_station_quota_round_up():
    branches = Quota(label_zh="", label_en="", kinds=("b",), rule="per_people", people_per=(50_000, 30_000))
    assert branches.bounds(100_001, 0) == (3, 4)
    stations = Quota(label_zh="", label_en="", kinds=("s",), rule="per_communities", communities_per=2)
    assert stations.bounds(0, 5) == (3, None)


def test_a_target_is_met_at_its_limit():
    share = Target(id="X1", text="", statistic="community_share", service="chc", at_least=0.9)
    assert share.met(0.9)
    assert not share.met(0.8999)
    mean = Target(id="T2", text="", statistic="mean_response", service="ems", at_most_min=12)
    assert mean.met(720.0)
    assert not mean.met(720.5)


@pytest.mark.parametrize(
    ("district", "stations", "first", "ids"),
    [
        ("xicheng", 18, 13, {"X1", "X2", "X3", "B1", "B3"}),
        ("tongzhou", 29, 21, {"T1", "T2", "T5", "T6", "T8", "B1", "B3"}),
        ("pinggu", 18, 13, {"P2", "B1", "B3"}),
    ],
)
def test_embedded_targets_say_what_the_documents_say(district, stations, first, ids):
    targets = read_targets(DATA / district / "targets.toml")
    siting = targets.service["ems"].siting
    assert siting.stations == stations
    assert siting.min_per_subdistrict == 1
    assert [phase.count(stations) for phase in siting.phases] == [first, stations]
    assert siting.phases[0].by == dt.date(2021, 12, 31)
    assert {row.id for row in targets.target} == ids
    assert targets.service["chc"].minutes == 15
    assert targets.service["ems"].standard_s == 720
    assert targets.service["ems"].delay_s == 240


GOOD = """
[service.ems]
label_zh = "急救"
label_en = "first aid"
kinds = ["first_aid_station"]
mode = "drive"
direction = "from"
minutes = 12
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[service.ems", ["not TOML"]),
        (GOOD.replace("minutes = 12", "minutes = -1"), ["service.ems.minutes", "-1"]),
        (GOOD.replace("minutes = 12", ""), ["service.ems.minutes", "required"]),
        (GOOD + "colour = 1", ["service.ems.colour", "not permitted"]),
        (GOOD.replace('"drive"', '"fly"'), ["service.ems.mode", "fly"]),
        (GOOD + "turnout_s = 800", ["800 s", "720 s"]),
        (
            GOOD + "[service.ems.siting]\nstations = 3\nphases = [{ by = 2021-12-31, share = 0.7 }]",
            ["last phase", "0.7"],
        ),
        (
            GOOD + '[service.ems.siting]\nstations = 3\nstation_tier="s"\ntiers = [{ name = "s", count = 2 }]',
            ["3", "2"],
        ),
        (
            GOOD + '[service.ems.siting]\nstations=3\nstation_tier="s"\ntiers=[{name="s", count=3, led_by=["x"]}]',
            ["led by x"],
        ),
        (
            '[[target]]\nid = "X"\ntext = ""\nstatistic = "mean_response"\nservice = "ems"\nat_most = 12',
            ["at_most_min"],
        ),
        ('[[target]]\nid = "X"\ntext = ""\nstatistic = "quota_share"\nat_least = 1', ["needs quota"]),
        ('[[target]]\nid = "X"\ntext = ""\nstatistic = "community_share"\nservice = "chc"\nat_least = 1', ["chc"]),
    ],
)
def test_a_wrong_targets_file_is_refused_in_one_sentence(tmp_path, text, words):
    path = tmp_path / "targets.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_targets(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_targets_in_another_encoding_are_refused(tmp_path):
    path = tmp_path / "targets.toml"
    path.write_bytes('title = "西城区"'.encode("gb18030"))
    with pytest.raises(FileFaultError, match="not UTF-8 at byte"):
        read_targets(path)

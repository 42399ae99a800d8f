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


SITING = GOOD + "[service.ems.siting]\nstations = 5\n"
RULE = "[[service.ems.siting.rules]]\n"


def rules_of(tmp_path, text):
    path = tmp_path / "targets.toml"
    path.write_text(SITING + text, encoding="utf-8")
    return read_targets(path).service["ems"].siting


def test_siting_rules_have_names(tmp_path):
    text = (
        "min_per_subdistrict = 1\nclosable = ['S1']\nvehicles = 9\nbusy_fraction = 0.3\nper_site = 2\ncapacity = 500\n"
        + RULE + "rule = 'quota'\nat_most = 2\neach = 'subdistrict'\n"
        + RULE + "rule = 'quota'\nowner = '市属'\nat_least = 1\nat_most = 3\n"
        + RULE + "rule = 'new'\nat_most = 3\nname = 'quota-2'\n"
        + RULE + "rule = 'apart'\ndistance_m = 500\n"
        + RULE + "rule = 'company'\ndistance_m = 5000\n"
        + RULE + "rule = 'budget'\nat_most = 800\n"
        + RULE + "rule = 'worst'\nwithin_min = 20\n"
        + RULE + "rule = 'floor'\nshare = 0.8\n"
    )  # fmt: skip
    siting = rules_of(tmp_path, text)
    own = ("quota", "quota-3", "quota-2", "apart", "company", "budget", "worst", "floor")
    assert siting.rule_names == ("min_per_subdistrict", "closable", *own)
    assert siting.named_rules["quota-3"].owner == "市属"
    less = siting.without(["quota", "min_per_subdistrict", "closable", "floor"])
    assert [rule.rule for rule in less.rules] == ["quota", "new", "apart", "company", "budget", "worst"]
    assert less.min_per_subdistrict == 0
    assert not less.closable
    with pytest.raises(InputError, match="there are: min_per_subdistrict, closable, quota, quota-3"):
        siting.without(["quotas"])


def test_tiers_leaders_and_phases_are_switched_off_by_themselves():
    siting = read_targets(DATA / "tongzhou" / "targets.toml").service["ems"].siting
    assert siting.rule_names == ("min_per_subdistrict", "phases", "tiers", "lead", "span")
    flat = siting.without(["tiers"])
    assert (flat.stations, flat.tiers, flat.station_tier) == (32, (), "")
    assert flat.rule_names == ("min_per_subdistrict", "phases")
    assert [tier.count for tier in siting.without(["lead"]).tiers] == [1, 2, 29]
    assert siting.without(["lead"]).rule_names == ("min_per_subdistrict", "phases", "tiers")
    assert siting.without(["span"]).rule_names == ("min_per_subdistrict", "phases", "tiers", "lead")
    assert siting.without(["phases"]).phases == ()
    more = siting.with_stations(40)
    assert more.stations == next(tier.count for tier in more.tiers if tier.name == "first_aid_station") == 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULE + "rule = 'aprt'\ndistance_m = 5", ["rules.0", "aprt", "'apart'"]),
        (RULE + "distance_m = 5", ["rules.0", "rule"]),
        (RULE + "rule = 'apart'\ndistance = 5", ["apart.distance", "distance_m"]),
        (RULE + "rule = 'apart'\ndistance_m = 0", ["distance_m", "greater than 0"]),
        (RULE + "rule = 'quota'", ["at_least (1 or more) or at_most"]),
        (RULE + "rule = 'quota'\nat_least = 3\nat_most = 2", ["at_least is 3, more than at_most, 2"]),
        (RULE + "rule = 'quota'\nat_most = 2\ntier = 'top'", ["'top'", "no tier here", "none"]),
        (RULE + "rule = 'quota'\nat_most = 2\nby = 2021-12-31", ["2021-12-31", "no phase's date"]),
        (RULE + "rule = 'floor'\nshare = 80", ["share", "80"]),
        (RULE + "rule = 'worst'\nwithin_min = 90", ["within_min", "90"]),
        (RULE + "rule = 'budget'\nat_most = 1.5", ["budget.at_most", "1.5"]),
        ((RULE + "rule = 'new'\nat_most = 1\nname = 'a'\n") * 2, ["two rules are named 'a'"]),
        (RULE + "rule = 'new'\nat_most = 1\nname = 'phases'", ["'phases'", "another name"]),
        ("busy_fraction = 1.0", ["busy_fraction", "1.0"]),
        ("closable = 3", ["closable", "3"]),
        ("vehicles = 0", ["vehicles", "0"]),
    ],
)
def test_a_wrong_siting_rule_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        rules_of(tmp_path, text)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)

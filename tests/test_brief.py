"""The planner's brief: an area's rules as the siting problem that they mean."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from careshed.brief import Ask, brief_of, chosen_sites, siting_sides
from careshed.errors import InputError, MissingColumnError, MissingLayerError
from careshed.plan import make_plan
from careshed.services import service_network, siting_sites, station_times
from careshed.siting import Among, Apart, Budget, Company, CoverageFloor, WorstTime
from careshed.siting.models import MEXCLP, PMedian
from careshed.targets import Siting
from careshed.words import Label


@pytest.fixture
def desk(town):
    """Return a function that makes the side rules of some rules on the town, and the sites that they are about."""
    service = town.targets.service["ems"]
    town.facilities["owner"] = ["市属", "区属", "市属"]
    town.candidates["owner"] = ["区属", "民营"] * 8
    town.candidates["cost"] = np.where(np.arange(16) == 3, np.nan, 100.0 + np.arange(16))
    town.facilities["cost"] = [np.nan, np.nan, 20.0]
    town.facilities["closing_cost"] = [np.nan, np.nan, 7.0]
    network = service_network(town, service)
    times = station_times(town, service, network, siting_sites(town, service))

    def sides(*rules, area=town, **table):
        siting = Siting(stations=4, rules=rules, **table)
        sites = chosen_sites(siting_sites(area, service), siting)
        return siting_sides(area, service, siting, sites, times)

    return sides


def test_quotas_count_owners_subdistricts_and_named_sites(desk):
    (owner,) = desk({"rule": "quota", "owner": "市属", "at_least": 1})
    assert owner == Among(Label("市属所属站址", "sites of 市属"), ("S1",), at_least=1)
    each = desk({"rule": "quota", "each": "subdistrict", "at_most": 2})
    assert [side.name.en for side in each] == [
        "sites in 一街道",
        "sites in 二街道",
        "sites in 三街道",
        "sites in 四街道",
    ]
    assert each[0].site_ids == ("S1", "K00", "K01", "K04", "K05")
    assert {side.at_most for side in each} == {2}
    (some,) = desk({"rule": "quota", "subdistricts": ["二街道", "Q3"], "sites": ["K00", "K02"], "at_most": 1})
    assert some.site_ids == ("K02",)
    assert "二街道, 三街道" in some.name.en
    phases = [{"by": "2021-12-31", "share": 0.5}, {"by": "2022-12-31", "share": 1.0}]
    (early,) = desk({"rule": "quota", "owner": "民营", "at_most": 1, "by": "2021-12-31"}, phases=phases)
    assert early.phase == 1
    tiers = [{"name": "a", "count": 1}, {"name": "b", "count": 4}]
    (tier,) = desk({"rule": "quota", "tier": "a", "at_most": 1, "name": "x"}, tiers=tiers, station_tier="b")
    assert tier.tier == "a"


def test_each_further_rule_becomes_its_side_rule(desk):
    new, apart, company, budget, worst, *floors = desk(
        {"rule": "new", "at_most": 2},
        {"rule": "apart", "distance_m": 600},
        {"rule": "company", "distance_m": 600},
        {"rule": "budget", "at_most": 500},
        {"rule": "worst", "within_min": 7},
        {"rule": "floor", "share": 0.5},
        {"rule": "floor", "share": 0.9, "within_min": 8, "subdistricts": ["四街道"]},
        closable=True,
    )
    assert new == Among(Label("新增站点", "new sites"), tuple(f"K{i:02}" for i in range(16)), at_most=2)
    assert isinstance(apart, Apart)
    assert ("K00", "K01") in apart.too_near
    assert ("K00", "K05") not in apart.too_near  # 707 m
    assert isinstance(company, Company)
    assert company.near["K00"] == ("K01", "K04", "S1")
    assert isinstance(budget, Budget)
    assert budget.opening["S1"] == 20
    assert "K03" not in budget.opening
    assert budget.closing == {"S1": 7}
    assert worst == WorstTime(420_000, None)
    assert [(floor.name, floor.share, floor.ms) for floor in floors] == [
        *((name, 0.5, 360_000) for name in ("一街道", "二街道", "三街道", "四街道")), ("四街道", 0.9, 480_000),
    ]  # fmt: skip
    assert all(isinstance(floor, CoverageFloor) and len(floor.demand_ids) == 36 for floor in floors)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"rule": "quota", "owner": "军队", "at_most": 1}, "owners are 区属, 市属, 民营"),
        ({"rule": "quota", "sites": ["K77"], "at_most": 1}, "'K77'"),
        ({"rule": "quota", "subdistricts": ["五街道"], "at_most": 1}, "there are 一街道"),
        ({"rule": "floor", "subdistricts": ["五街道"], "share": 1}, "no subdistrict '五街道'"),
    ],
)
def test_rules_about_strangers_are_refused(desk, rule, words):
    with pytest.raises(InputError, match=words):
        desk(rule)


def test_rules_need_their_columns(town):
    with pytest.raises(MissingColumnError, match="column cost"):
        plan_with(town, {"rule": "budget", "at_most": 3})
    with pytest.raises(MissingColumnError, match="column owner"):
        plan_with(town, {"rule": "quota", "owner": "x", "at_most": 3})


def plan_with(town, *rules, model=None, ask=None, **table):
    """Plan the town under other rules."""
    service = town.targets.service["ems"]
    siting = Siting.model_validate({"stations": 4, "rules": rules, **table})
    services = {**town.targets.service, "ems": service.model_copy(update={"siting": siting})}
    area = dataclasses.replace(town, targets=town.targets.model_copy(update={"service": services}))
    return make_plan(area, parts=("response", "siting"), model=model, ask=ask)


def test_plans_keep_the_rules(town):
    town.candidates["cost"] = np.arange(16) * 10.0 + 5
    town.candidates["owner"] = ["区属", "民营"] * 8
    plan = plan_with(
        town,
        {"rule": "apart", "distance_m": 800},
        {"rule": "quota", "owner": "民营", "at_most": 1},
        {"rule": "budget", "at_most": 300},
        model=PMedian(),
    )
    assert plan.solution.status == "optimal"
    opened = plan.stations.index
    places = plan.stations.geometry
    distances = [places[a].distance(places[b]) for a in opened for b in opened if a < b]
    assert min(distances) >= 800
    sites = town.candidates.reindex(opened)
    assert (sites["owner"] == "民营").sum() <= 1
    assert sites["cost"].sum() <= 300


def test_closable_stations_may_close_and_vehicles_stand_at_sites(town):
    plan = plan_with(town, closable=True, model=MEXCLP(vehicles=6, busy=0.3))
    assert plan.stations["vehicles"].sum() == 6
    assert plan.brief.problem.statuses[[*plan.brief.problem.site_ids].index("S1")] == "closable"
    kept = plan_with(town, closable=True, ask=Ask(required=("S1",), excluded=("K00", "K05")))
    assert "S1" in kept.solution.open_ids()
    assert not {"K00", "K05"} & set(kept.solution.open_ids())
    if "S1" in plan.stations.index:
        assert plan.stations.loc["S1", "status"] == "existing"


def test_statuses_are_given_once(town):
    sites = siting_sites(town, town.targets.service["ems"])
    named = Siting(stations=4, closable=("S1",))
    assert chosen_sites(sites, named)["status"].value_counts().to_dict() == {"candidate": 16, "closable": 1}
    assert chosen_sites(sites, Siting(stations=4))["status"]["S1"] == "existing"
    chosen = chosen_sites(sites, Siting(stations=4), required=["S1", "K01"], excluded=["K02"])
    assert chosen["status"][["S1", "K01", "K02"]].tolist() == ["existing", "required", "excluded"]
    assert chosen["today"].sum() == 1
    with pytest.raises(InputError, match="both required and excluded"):
        chosen_sites(sites, Siting(stations=4), required=["K01"], excluded=["K01"])
    with pytest.raises(InputError, match="required names the site 'F1'"):
        chosen_sites(sites, Siting(stations=4), required=["F1"])
    with pytest.raises(InputError, match="closable names K01, which is no existing station"):
        chosen_sites(sites, Siting(stations=4, closable=("K01",)))


def test_a_brief_needs_rules(town):
    service = town.targets.service["chc"]
    network = service_network(town, service)
    times = station_times(town, service, network, siting_sites(town, service))
    with pytest.raises(MissingLayerError, match=r"service.chc.siting"):
        brief_of(town, "chc", Ask(), times, network)


def test_owners_and_costs_come_with_the_tables(tmp_path, town):
    from careshed.build.draft import fit
    from careshed.tables import read_places

    file = tmp_path / "sites.csv"
    file.write_text("编号,经度,纬度,权属,费用\nA,116.3047,39.9317,市属,120\nB,116.305,39.932,,x\n", encoding="utf-8")
    places = read_places(file, "candidates", crs=town.crs, units=town.subdistricts)
    assert places.rejected["reason"].tolist() == ["cost 'x' is no number"]
    layer = fit(places.frame, "candidates")
    assert layer.loc["A", ["owner", "cost"]].tolist() == ["市属", 120.0]
    area = dataclasses.replace(town, candidates=pd.concat([town.candidates, layer]))
    sites = siting_sites(area, town.targets.service["ems"])
    assert sites.loc["A", "owner"] == "市属"
    assert sites.loc["S1":"S1", "cost"].isna().all()

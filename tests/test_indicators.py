"""Coverage, response and quotas, against figures worked out by hand on a square grid."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from careshed.indicators import coverage_shares, demand_weights, quota_check, response_times, weighted_quantile
from careshed.services import facility_times, service_network, siting_sites, station_times

BLOCK = 250.0
EAST, NORTH = 440_000.0, 4_420_000.0


def walk_by_hand(points, facility, speed_mps=1.25):
    """Return seconds from points to a junction: the leg to the nearest street, then right angles."""
    x, y = shapely.get_x(points.to_numpy()) - EAST, shapely.get_y(points.to_numpy()) - NORTH
    near_x, near_y = np.round(x / BLOCK) * BLOCK, np.round(y / BLOCK) * BLOCK
    across = abs(x - near_x) < abs(y - near_y)
    snap_x, snap_y = np.where(across, near_x, x), np.where(across, y, near_y)
    leg = np.hypot(x - snap_x, y - snap_y)
    return (leg + abs(snap_x - facility[0]) + abs(snap_y - facility[1])) / speed_mps


@pytest.fixture
def by_hand(town):
    points = town.demand.geometry
    return np.minimum(walk_by_hand(points, (250, 250)), walk_by_hand(points, (1750, 1750)))


@pytest.fixture
def covered(town):
    service = town.targets.service["chc"]
    network = service_network(town, service)
    slow = service_network(town, service, walk_speed_mps=1.0)
    times = facility_times(town, service, network)
    return coverage_shares(town, service, network, times, elderly_network=slow)


def test_population_share_is_what_right_angles_say(town, covered, by_hand):
    within = by_hand <= 600
    assert 0 < within.sum() < len(within)
    assert covered.total["people_covered"] == 10 * within.sum()
    assert covered.total["population_share"] == pytest.approx(within.mean())
    reached = covered.demand["seconds"].notna().to_numpy()
    np.testing.assert_allclose(covered.demand["seconds"][reached], by_hand[reached], atol=0.02)
    assert (by_hand[~reached] > 1200 - 0.02).all()


def test_the_elderly_walk_slower(town, covered):
    points = town.demand.geometry
    slow = np.minimum(walk_by_hand(points, (250, 250), 1.0), walk_by_hand(points, (1750, 1750), 1.0))
    assert covered.total["elderly_share"] == pytest.approx((slow <= 600).mean())


def test_communities_and_people_are_counted_apart(town, covered, by_hand):
    share = pd.Series(by_hand <= 600).groupby(town.demand["community_id"].to_numpy()).mean()
    assert covered.communities["share"].to_dict() == pytest.approx(share.to_dict())
    assert covered.total["communities_covered"] == (share >= 0.5).sum()
    assert covered.total["communities"] == 16
    assert covered.total["community_share"] != covered.total["population_share"]
    assert covered.subdistricts["communities_covered"].sum() == covered.total["communities_covered"]


def test_area_share_counts_cells_by_their_centre(town, covered):
    import geopandas as gpd

    axis = np.arange(50, 2000, 100.0)
    x, y = (a.ravel() for a in np.meshgrid(axis, axis))
    centres = gpd.GeoSeries(shapely.points(EAST + x, NORTH + y))
    seconds = np.minimum(walk_by_hand(centres, (250, 250)), walk_by_hand(centres, (1750, 1750)))
    assert covered.total["cells"] == 400
    assert covered.total["cells_covered"] == (seconds <= 600).sum()


def test_street_share_ends_inside_streets(town, covered):
    # within 600 s · 1.25 m/s = 750 m at right angles of each centre, cut off by the town's edge
    total = covered.total["street_m"]
    assert total == pytest.approx(2 * 9 * 2000, rel=1e-6)
    samples = []
    for fixed in np.arange(0, 2001, BLOCK):
        along = np.arange(0.5, 2000, 1.0)
        for x, y in ((along, np.full_like(along, fixed)), (np.full_like(along, fixed), along)):
            near = np.minimum(abs(x - 250) + abs(y - 250), abs(x - 1750) + abs(y - 1750))
            samples.append((near <= 750).mean())
    assert covered.total["street_share"] == pytest.approx(np.mean(samples), abs=1e-3)


def test_a_point_at_the_limit_is_covered(town, covered, by_hand):
    service = town.targets.service["chc"]
    network = service_network(town, service)
    times = facility_times(town, service, network)
    limit = float(np.nanmax(times.nearest(by="origin")["seconds"][by_hand <= 600]))
    at = service.model_copy(update={"minutes": limit / 60})
    exact = coverage_shares(town, at, network, times)
    below = coverage_shares(town, service.model_copy(update={"minutes": (limit - 0.001) / 60}), network, times)
    assert exact.total["people_covered"] > below.total["people_covered"]


def test_response_is_call_to_arrival(town):
    service = town.targets.service["ems"]
    network = service_network(town, service)
    sites = siting_sites(town, service)
    times = station_times(town, service, network, sites).select(origins=["S1"])
    weights, name = demand_weights(town)
    response = response_times(town, times, delay_s=240.0, target_s=360.0, weights=weights)
    assert name == "people"
    points = town.demand.geometry
    x, y = shapely.get_x(points.to_numpy()) - EAST, shapely.get_y(points.to_numpy()) - NORTH
    leg = np.minimum(abs(x - np.round(x / BLOCK) * BLOCK), abs(y - np.round(y / BLOCK) * BLOCK))
    metres = walk_by_hand(points, (500, 500), 1.0) - leg
    by_hand = 240 + metres / (25 / 3.6) + leg / (10 / 3.6)
    np.testing.assert_allclose(response.demand["seconds"], by_hand, atol=0.02)
    assert response.total["mean_s"] == pytest.approx(by_hand.mean(), abs=0.02)
    assert response.total["share_within_target"] == pytest.approx((by_hand <= 360).mean())
    assert response.total["unreachable"] == 0


def test_calls_weigh_where_they_are_given(town):
    town.demand["calls"] = 0.0
    town.demand.loc["D000", "calls"] = 3.0
    weights, name = demand_weights(town)
    assert name == "calls"
    assert weights.sum() == 3


def test_unreached_demand_counts_in_shares_and_not_in_means():
    from careshed.indicators import _response_statistics

    table = pd.DataFrame({"seconds": [100.0, 200.0, np.nan], "weight": [5.0, 4.0, 1.0]})
    figures = _response_statistics(table, 150.0)
    assert figures["mean_s"] == pytest.approx(1300 / 9)
    assert figures["share_within_target"] == 0.5
    assert figures["p90_s"] == 200
    assert figures["unreachable"] == 1


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 50)), min_size=1, max_size=40),
    st.sampled_from([0.1, 0.5, 0.9, 1.0]),
)
def test_quantile_is_the_least_value_with_enough_weight(rows, share):
    values, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    found = weighted_quantile(values, weights, share)
    if weights.sum() == 0:
        assert np.isnan(found)
        return
    enough = [v for v in values if weights[values <= v].sum() >= share * weights.sum() - 1e-9]
    assert found == min(enough)


def test_quota_check_does_not_count_what_lies_outside(town):
    quota = town.targets.quota["centre"]
    table = quota_check(town, quota)
    assert table["have"].tolist() == [1, 0, 0, 1]
    assert table["met"].tolist() == [True, False, False, True]
    town.facilities.loc["F1", ["subdistrict_id", "outside"]] = ["", True]
    assert quota_check(town, quota)["have"].tolist() == [0, 0, 0, 1]

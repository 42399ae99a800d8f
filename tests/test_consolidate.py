"""Consolidation: equal to brute force, nobody loses, and who walks further."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.errors import DuplicateIdError, InputError
from careshed.siting import Pairs
from careshed.siting.consolidate import close_most


@st.composite
def cases(draw):
    sites, points = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    rows = [
        (f"s{j}", f"d{i}", draw(st.integers(0, 20))) for j in range(sites) for i in range(points) if draw(st.booleans())
    ]
    times = Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"]))
    weights = pd.Series([draw(st.integers(0, 5)) for _ in range(points)], index=[f"d{i}" for i in range(points)])
    community = pd.Series([draw(st.sampled_from(["", "A", "B"])) for _ in range(points)], index=weights.index)
    keep = draw(st.sets(st.sampled_from([f"s{j}" for j in range(sites)]), max_size=2))
    return {
        "sites": pd.DataFrame(index=[f"s{j}" for j in range(sites)]),
        "weights": weights,
        "times": times,
        "standard_ms": draw(st.integers(0, 20)),
        "keep": keep,
        "communities": community,
        "community_share": draw(st.sampled_from([0.3, 0.5, 0.7, 1.0])),
        "lose": draw(st.sampled_from(["people", "communities"])),
    }


def table_of(case):
    """Return times as a dense table, infinite where there is none."""
    pairs = case["times"]
    table = pd.DataFrame(np.inf, index=case["weights"].index, columns=case["sites"].index)
    for site, row, ms in zip(pairs.site, pairs.other, pairs.ms, strict=True):
        table.loc[pairs.other_ids[row], pairs.site_ids[site]] = ms
    return table


def keeps_cover(case, table, kept):
    near = table <= case["standard_ms"]
    now, then = near.any(axis=1), near[list(kept)].any(axis=1)
    weights = case["weights"]
    if case["lose"] == "people":
        return not (now & ~then & (weights > 0)).any()
    for name in ("A", "B"):
        own = weights[case["communities"] == name]
        people = own.sum()
        met = [
            people > 0 and own[cover.reindex(own.index)].sum() / people >= case["community_share"]
            for cover in (now, then)
        ]
        if met[0] and not met[1]:
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_the_most_that_can_close_equals_brute_force(case):
    found = close_most(**case)
    table = table_of(case)
    ids = list(case["sites"].index)
    nearest = table.apply(lambda row: row.index[row.argmin()] if np.isfinite(row.min()) else "", axis=1)
    people = case["weights"].groupby(nearest).sum()
    best = None
    for size in range(len(ids) + 1):
        for kept in itertools.combinations(ids, size):
            if case["keep"] <= set(kept) and keeps_cover(case, table, kept):
                moved = sum(people.get(site, 0) for site in ids if site not in kept)
                best = min((size, moved), best or (99, 0))
        if best:
            break
    assert found.status == "optimal"
    assert found.gap == 0
    assert [level.objective for level in found.levels] == list(best)
    assert [level.bound for level in found.levels] == list(best)
    kept = [site for site in ids if site not in found.closed]
    assert len(kept) == best[0]
    assert case["keep"] <= set(kept)
    assert keeps_cover(case, table, kept)
    for site in ids:
        alone = site not in case["keep"] and keeps_cover(case, table, [one for one in ids if one != site])
        assert found.sites.loc[site, "alone"] == alone
    after = table[kept].min(axis=1) if kept else pd.Series(np.inf, index=table.index)
    told = found.demand["after_s"].fillna(np.inf) * 1000
    assert told.to_numpy() == pytest.approx(after.to_numpy())
    again = close_most(**case)
    pd.testing.assert_frame_equal(found.sites, again.sites)


def small(**options):
    """Three sites in a row: b stands between a and c, and everybody of b is within reach of a or c."""
    rows = [("a", "1", 100), ("b", "1", 300), ("b", "2", 100), ("a", "2", 400), ("c", "3", 100), ("b", "3", 200)]
    times = Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"]))
    return close_most(
        pd.DataFrame({"name": ["甲", "乙", "丙"]}, index=["a", "b", "c"]),
        pd.Series([10, 20, 30], index=["1", "2", "3"]),
        times,
        communities=pd.Series(["X", "X", "Y"], index=["1", "2", "3"]),
        **{"standard_ms": 400, **options},
    )


def test_who_walks_further_is_told_by_community():
    found = small()
    assert found.closed == ["a", "c"]
    assert found.sites["alone"].tolist() == [True, True, True]
    assert found.sites["people"].tolist() == [10, 20, 30]
    assert found.sites["only"].tolist() == [0, 0, 0]
    assert found.further["more_s"].to_dict() == pytest.approx({"1": 0.2, "3": 0.1})
    told = found.by_community()
    assert told["people"].to_dict() == {"X": 10, "Y": 30}
    assert told["most_s"].to_dict() == pytest.approx({"X": 0.3, "Y": 0.2})
    assert told["beyond"].sum() == 0


def test_what_is_kept_and_what_nobody_reaches():
    found = small(keep=["a", "c"])
    assert found.closed == ["b"]
    assert found.by_community()["people"].to_dict() == {"X": 20}
    found = small(standard_ms=0)
    assert found.closed == ["a", "b", "c"]
    assert found.by_community()["beyond"].to_dict() == {"X": 30, "Y": 30}
    assert np.isnan(found.by_community()["after_s"]).all()


def test_communities_may_keep_their_standard_while_people_lose_theirs():
    found = small(standard_ms=150, lose="people")
    assert found.closed == []
    found = small(standard_ms=150, lose="communities", community_share=0.6)
    assert found.closed == ["a"]


def test_a_time_limit_leaves_a_set_that_keeps_cover():
    found = small(time_limit_s=1e-9)
    assert found.status in {"optimal", "feasible"}
    assert found.levels[0].bound <= 1


def test_wrong_input_is_refused_by_name():
    with pytest.raises(InputError, match="lose is 'everything'"):
        small(lose="everything")
    with pytest.raises(InputError, match="'z' is none of the 3 existing sites"):
        small(keep=["z"])
    nothing = Pairs.from_frame(pd.DataFrame(columns=["site_id", "demand_id", "ms"]))
    weights = pd.Series([1], index=["1"])
    with pytest.raises(InputError, match="no existing sites"):
        close_most(pd.DataFrame(), weights, nothing, standard_ms=1)
    with pytest.raises(InputError, match="needs the community"):
        close_most(pd.DataFrame(index=["a"]), weights, nothing, standard_ms=1, lose="communities")
    with pytest.raises(DuplicateIdError):
        close_most(pd.DataFrame(index=["a", "a"]), weights, nothing, standard_ms=1)

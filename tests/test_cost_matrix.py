"""Tables of costs become problems by their labels, in any order, and nothing unlabelled is taken."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careshed.errors import DuplicateIdError, InputError, MissingColumnError, UnsupportedError
from careshed.siting import Tier, from_cost_matrix, site

WIDE = pd.DataFrame(
    [[10.0, 400.0, np.nan], [350.0, 20.5, 90.0], [np.inf, 300.0, 30.25]],
    index=["d1", "d2", "d3"],
    columns=["north", "south", "west"],
)
LONG = WIDE.rename_axis("demand_id").reset_index().melt("demand_id", var_name="site_id", value_name="seconds")
LONG = LONG[np.isfinite(LONG["seconds"])]


def told(problem):
    """Return a problem's pairs by id."""
    site, demand, ms = problem.pairs()
    return dict(zip(zip(problem.site_ids[site], problem.demand_ids[demand], strict=True), ms.tolist(), strict=True))


def test_wide_and_long_say_the_same():
    expected = {
        ("north", "d1"): 10_000,
        ("south", "d1"): 400_000,
        ("north", "d2"): 350_000,
        ("south", "d2"): 20_500,
        ("west", "d2"): 90_000,
        ("south", "d3"): 300_000,
        ("west", "d3"): 30_250,
    }
    assert told(from_cost_matrix(WIDE, stations=1)) == expected
    assert told(from_cost_matrix(LONG, stations=1)) == expected
    assert told(from_cost_matrix(LONG.rename(columns={"seconds": "cost"}), stations=1)) == expected
    in_ms = LONG.assign(ms=LONG["seconds"] * 1000).drop(columns="seconds")
    assert told(from_cost_matrix(in_ms, stations=1)) == expected
    assert told(from_cost_matrix(WIDE / 60, stations=1, unit="min")) == expected


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(3)), st.permutations(range(3)), st.permutations(range(3)))
def test_order_decides_nothing(rows, columns, people):
    weights = pd.Series({"d1": 5, "d2": 1, "d3": 3})
    first = site(from_cost_matrix(WIDE, stations=1, weights=weights, standard=100))
    turned = from_cost_matrix(WIDE.iloc[rows, columns], stations=1, weights=weights.iloc[people], standard=100)
    pd.testing.assert_frame_equal(site(turned).stations, first.stations)
    pd.testing.assert_frame_equal(site(turned).assignment, first.assignment)


def test_the_rest_of_a_problem():
    weights = pd.Series({"d1": 5, "d2": 1, "d3": 3})
    sites = pd.DataFrame(
        {"status": ["existing", "candidate", "excluded"], "group": ["A", "B", "B"]}, index=["south", "north", "west"]
    )
    problem = from_cost_matrix(
        WIDE,
        stations=2,
        weights=weights,
        sites=sites,
        standard=100,
        cutoff=360,
        min_per_group=1,
        tiers=[Tier("post", 2)],
        counted_tier="post",
    )
    assert (problem.standard_ms, problem.cutoff_ms, problem.stations) == (100_000, 360_000, 2)
    assert problem.weights.tolist() == [5, 1, 3]
    assert dict(problem.quotas) == {"A": 1, "B": 1}
    assert problem.removed.to_dict() == {"west": "excluded"}
    assert ("south", "d1") not in told(problem), "beyond the cutoff"
    solution = site(problem)
    assert solution.stations.index.tolist() == ["north", "south"]
    assert solution.assignment["seconds"].tolist() == [10.0, 20.5, 300.0]


def test_all_pairs_count_unless_told():
    problem = from_cost_matrix(WIDE, stations=1)
    assert (problem.standard_ms, problem.cutoff_ms) == (400_000, 400_001)
    assert from_cost_matrix(WIDE, stations=1, standard=500).cutoff_ms == 500_001
    assert from_cost_matrix(WIDE, stations=1, cutoff=400).standard_ms == 399_999
    assert from_cost_matrix(WIDE * 0, stations=1).standard_ms == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 30), min_size=4, max_size=4),
    st.floats(0.01, 25) | st.sampled_from([2.5, 10.0]),
    st.sampled_from([-1, 0, 1]),
)
def test_rounding_changes_no_cover_and_less_than_a_step(costs, standard, near):
    costs[0] = standard + near * 1e-7
    frame = pd.DataFrame(np.reshape(costs, (2, 2)), index=["d1", "d2"], columns=["a", "b"])
    problem = from_cost_matrix(frame, stations=1, standard=standard, unit="m")
    found = told(problem)
    for (site_id, demand_id), steps in found.items():
        cost = frame.loc[demand_id, site_id]
        assert (steps <= problem.standard_ms) == (cost <= standard)
        assert abs(steps - cost * 1000) < 1.001
    assert len(found) == 4


def test_scale():
    frame = pd.DataFrame([[1.25, 2.5]], index=["d"], columns=["a", "b"])
    for unit in ("m", ""):
        assert sorted(told(from_cost_matrix(frame, stations=1, unit=unit, scale=4, exact=True)).values()) == [5, 10]
        assert sorted(told(from_cost_matrix(frame, stations=1, unit=unit)).values()) == [1250, 2500]
    assert sorted(told(from_cost_matrix(frame, stations=1, unit="km")).values()) == [1_250_000, 2_500_000]
    whole = from_cost_matrix(pd.DataFrame([[0.1, 90.1]], index=["d"], columns=["a", "b"]), stations=1, exact=True)
    assert sorted(told(whole).values()) == [100, 90_100]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (WIDE.to_numpy(), "numpy.ndarray without labels; expected a DataFrame whose index names the demand"),
        (WIDE.to_numpy().tolist(), "builtins.list without labels"),
        (pd.DataFrame(WIDE.to_numpy()), "the rows of the costs are numbered, not labelled.*frame.index = demand_ids"),
        (WIDE.set_axis(range(3), axis=1), "columns.*frame.columns = site_ids|3 labels are no strings, first 0"),
        (WIDE.set_axis([7.0, 8.0, 9.0]), r"the index \(demand\) of the costs: 3 labels are no strings, first 7.0"),
        (WIDE.set_axis(["d1", "d2", None]), "1 labels are no strings"),
        (LONG.assign(site_id=1), r"column site_id of the costs: 7 labels are no strings, first 1"),
        (WIDE.replace(10.0, -1.0), r"1 costs are negative, first -1.0 \(site north, demand d1\)"),
        (WIDE.astype(object).replace(10.0, "far"), r"1 costs are no numbers, first far \(site north, demand d1\)"),
        (LONG.assign(ms=1), "has the costs seconds and ms; leave one of them"),
        (WIDE * 1e4, "the greatest cost 4000000.0 in 1000 steps a unit is more than can be held"),
    ],
)
def test_tables_that_cannot_be_meant(frame, message):
    with pytest.raises(InputError, match=message):
        from_cost_matrix(frame, stations=1)


def test_pairs_and_labels_given_twice():
    with pytest.raises(DuplicateIdError, match=r"sites: 1 ids occur more than once \(north\)"):
        from_cost_matrix(WIDE.set_axis(["north", "north", "west"], axis=1), stations=1)
    with pytest.raises(DuplicateIdError, match="1 pairs are there twice, first site north with demand d1"):
        from_cost_matrix(pd.concat([LONG, LONG.iloc[:1]]), stations=1)
    with pytest.raises(
        MissingColumnError, match="no column of costs; expected one of seconds, ms, minutes, metres, cost"
    ):
        from_cost_matrix(LONG.rename(columns={"seconds": "time"}), stations=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": pd.Series({"d1": 1, "d2": 1})}, "1 demand ids of the costs are not in weights, first 'd3'"),
        (
            {"weights": pd.Series({"d1": 1, "d2": 1, "d3": 1, "d4": 2})},
            "1 demand ids of weights are not in the costs, first 'd4'; add them to the costs .*as NaN",
        ),
        ({"weights": pd.Series({"north": 1, "south": 1, "west": 1})}, "turn the costs: frame.T"),
        ({"sites": pd.DataFrame(index=["north", "south", "west", "east"])}, "1 site ids of sites are not in the costs"),
        ({"weights": pd.Series({"d1": 1, "d2": 1, "d3": 1.5})}, "weights of demand: 1 values are no whole numbers"),
        ({"unit": "ells"}, "unit='ells': expected one of 'ms', 's'"),
        ({"unit": "m", "scale": 0}, "scale=0: expected a whole number"),
        ({"unit": "m", "scale": 1, "exact": True}, "2 costs are no whole number of 1/1 units, first"),
        ({"standard": 0}, "standard=0 and cutoff=None: expected 0 < standard < cutoff, in the frame's unit"),
        ({"standard": 90, "cutoff": 60}, "standard=90 and cutoff=60"),
    ],
)
def test_parts_that_do_not_fit(given, message):
    with pytest.raises(InputError, match=message):
        from_cost_matrix(WIDE, stations=1, **given)


def test_times_have_their_scale():
    with pytest.raises(UnsupportedError, match="times are counted in milliseconds"):
        from_cost_matrix(WIDE, stations=1, scale=10)
    with pytest.raises(InputError, match="unit='m', but the column of costs is in 's'"):
        from_cost_matrix(LONG, stations=1, unit="m")

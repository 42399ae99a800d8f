"""A plan that can't be made says which rule stands against it, with names and figures."""

from __future__ import annotations

import pandas as pd
import pytest

from careshed.siting import Pairs, Phase, SitingProblem, Tier, site

DEMAND = pd.Series({"p": 10, "q": 20})


def problem(sites: dict[str, tuple[str, str, str]], lead: dict[tuple[str, str], int] | None = None, **options):
    """Return a problem; sites are (status, group, tier) by id, their names are the ids in capitals."""
    table = pd.DataFrame.from_dict(sites, orient="index", columns=["status", "group", "tier"])
    table["name"] = [i.upper() for i in table.index]
    rows = [(s, d, 60_000 * (n + 1)) for n, s in enumerate(sites) for d in DEMAND.index]
    times = Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"]))
    if lead is not None:
        pairs = pd.DataFrame([(a, b, ms) for (a, b), ms in lead.items()], columns=["site_id", "leader_id", "ms"])
        options["lead_times"] = Pairs.from_frame(pairs, other="leader_id")
    options = {"standard_ms": 720_000, "group_names": {"x": "Xi", "y": "Yu", "z": "Zu"}} | options
    return SitingProblem.build(table, DEMAND, times, **options)


def plain(n: int, group: str = "x", status: str = "candidate") -> dict[str, tuple[str, str, str]]:
    """Return n sites of one kind."""
    return {f"{group}{j}": (status, group, "") for j in range(n)}


ALL_PAIRS = {(f"x{a}", f"x{b}"): 60_000 * (1 + abs(a - b)) for a in range(6) for b in range(6) if a != b}
HUB = Tier("hub", 1)
CASES = {
    "phases": (
        lambda: problem(
            plain(3, status="existing") | plain(3, "y"), stations=4, phases=[Phase("2021", 2), Phase("2022", 4)]
        ),
        (
            "3 existing sites are open from the start (X0 (x0), X1 (x1), X2 (x2)), but the first phase (by 2021) opens "
            "exactly 2 stations"
        ),
        "raise the first phase to 3 or mark existing sites as excluded",
    ),
    "stations": (
        lambda: problem(plain(2) | {"out": ("existing", "", "")}, stations=5),
        "5 stations are asked for, but only 2 sites inside the area may be opened",
        "add 3 candidate sites or ask for fewer stations",
    ),
    "required": (
        lambda: problem(plain(3, status="required"), stations=2),
        "3 sites are existing or required (X0 (x0), X1 (x1), X2 (x2)), but exactly 2 stations are asked for",
        "raise the stations to 3 or release required sites",
    ),
    "quota": (
        lambda: problem(plain(4) | plain(2, "y") | {"z0": ("excluded", "z", "")}, stations=4, min_per_group=1),
        "Zu (z) is to have at least 1 stations, but has 0 sites that may be opened",
        "add 1 candidate sites in Zu (z) or lower its quota to 0",
    ),
    "quotas": (
        lambda: problem(plain(2) | plain(2, "y") | plain(2, "z"), stations=2, min_per_group=1),
        "3 groups ask for 3 stations together, but only 2 stations are opened",
        "raise the stations by 1 or lower quotas",
    ),
    "crowded": (
        lambda: problem(plain(2, status="existing") | plain(2, "y") | plain(2, "z"), stations=3, min_per_group=1),
        (
            "the quotas of 3 groups and the existing and required sites beyond them (in Xi (x)) need 4 stations, but "
            "only 3 stations are opened"
        ),
        "raise the stations by 1, lower quotas or release required sites",
    ),
    "tier": (
        lambda: problem(
            dict.fromkeys(plain(6), ("candidate", "x", "post")),
            ALL_PAIRS,
            stations=2,
            tiers=(HUB, Tier("post", 2, ("hub",))),
            counted_tier="post",
        ),
        "tier hub asks for 1 sites, but only 0 may be of it",
        "let more sites be of tier hub (column tier: 'hub' or empty) or lower its count",
    ),
    "own tier": (
        lambda: problem(
            plain(6) | {"y0": ("required", "y", "hub"), "y1": ("required", "y", "hub")},
            ALL_PAIRS | {("x0", "y0"): 1, ("x1", "y0"): 1},
            stations=2,
            tiers=(HUB, Tier("post", 2, ("hub",))),
            counted_tier="post",
        ),
        "2 existing or required sites are of tier hub (Y0 (y0), Y1 (y1)), but its count is 1",
        "raise the count of tier hub to 2 or clear the sites' tier",
    ),
    "lead": (
        lambda: problem(
            plain(6), ALL_PAIRS, stations=2, tiers=(HUB, Tier("post", 2, ("hub",), 90_000)), counted_tier="post"
        ),
        (
            "tier post asks for 2 sites within 1.5 min of a hub, but only 0 sites have a possible hub so near "
            "(the nearest pair is 2 min apart)"
        ),
        "allow more minutes between tier post and its hub, or add sites for a hub",
    ),
    "span": (
        lambda: problem(
            plain(6),
            ALL_PAIRS,
            stations=3,
            tiers=(Tier("hub", 1, span=2), Tier("post", 3, ("hub",))),
            counted_tier="post",
        ),
        "3 of tier post need leaders, but 1 of tier hub (span 2) lead at most 2",
        "raise the span of tier hub or open more of it, for 1 more sites",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_names_the_rule(name):
    make, text, remedy = CASES[name]
    solution = site(make())
    assert solution.status == "infeasible"
    assert solution.levels == ()
    assert solution.stations.empty
    assert solution.gap == float("inf")
    assert [(c.text.en, c.remedy.en) for c in solution.reason] == [(text, remedy)]


def test_names_the_smallest_conflict_where_no_count_tells():
    # posts in x and y need a hub within 2 min; there is one hub, and x and y are far apart
    lead = {
        (a, b): 60_000 for g in "xy" for a in (f"{g}0", f"{g}1", f"{g}2") for b in (f"{g}0", f"{g}1", f"{g}2") if a != b
    }
    solution = site(
        problem(
            plain(3) | plain(3, "y") | plain(1, "z"),
            lead,
            stations=2,
            tiers=(HUB, Tier("post", 2, ("hub",), 120_000)),
            counted_tier="post",
            min_per_group={"x": 1, "y": 1},
        )
    )
    (conflict,) = solution.reason
    assert conflict.rule == "rules"
    assert "at least 1 in Xi (x)" in conflict.text.en
    assert "at least 1 in Yu (y)" in conflict.text.en
    assert "each of tier post within 2 min of its hub" in conflict.text.en
    assert "Zu" not in conflict.text.en
    assert "allow more minutes between tier post and its hub" in conflict.remedy.en


def test_a_span_that_binds_in_one_place_only():
    # two hubs could lead four posts, but the hub in y has only one post near it
    lead = {(a, b): 60_000 for a in plain(6) for b in plain(6) if a != b} | {("y0", "y1"): 60_000, ("y1", "y0"): 60_000}
    options = {"stations": 4, "counted_tier": "post", "min_per_group": {"y": 2}}
    tiers = (Tier("hub", 2, span=2), Tier("post", 4, ("hub",), 120_000))
    solution = site(problem(plain(6) | plain(2, "y"), lead, tiers=tiers, **options))
    (conflict,) = solution.reason
    assert "at most 2 sites led by one of tier hub" in conflict.text.en
    assert "at least 2 in Yu (y)" in conflict.text.en

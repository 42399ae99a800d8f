"""Why there is no plan, rule by rule: word for word, and smallest by brute force."""

from __future__ import annotations

import importlib.util
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings

from careshed.siting import Pairs, Phase, SitingProblem, Tier, site
from careshed.siting.explain.deletion import conflicting
from careshed.siting.explain.parts import Part, Parts
from careshed.siting.explain.relaxation import RELAX, relaxations
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, WorstTime

_spec = importlib.util.spec_from_file_location("small_problems", Path(__file__).with_name("test_siting.py"))
small = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(small)

MINUTE = 60_000
PEOPLE = {"p": (0, 100), "q": (10, 200), "r": (20, 300)}
NAMES = {"a": "Ande", "b": "Baizhi", "c": "Chegong", "d": "Desheng", "e": "Erlong", "f": "Fuxing"}
GROUPS = {"x": "Xi", "y": "Yu"}


def road(places: dict[str, int], stations: int, *sides, status=None, tier=None, **options):
    """Return a problem along a road, a minute a place; sites up to 10 lie in Xi, the others in Yu."""
    sites = pd.DataFrame(
        {
            "name": [NAMES[j] for j in places],
            "status": [(status or {}).get(j, "candidate") for j in places],
            "tier": [(tier or {}).get(j, "") for j in places],
            "group": ["x" if x <= 10 else "y" for x in places.values()],
        },
        index=list(places),
    )
    rows = [(j, i, MINUTE * abs(x - y)) for j, x in places.items() for i, (y, _) in PEOPLE.items()]
    lead = [(j, k, MINUTE * abs(x - y)) for j, x in places.items() for k, y in places.items() if j != k]
    if "tiers" in options:
        frame = pd.DataFrame(lead, columns=["site_id", "leader_id", "ms"])
        options["lead_times"] = Pairs.from_frame(frame, other="leader_id")
    return SitingProblem.build(
        sites,
        pd.Series({i: people for i, (_, people) in PEOPLE.items()}),
        Pairs.from_frame(pd.DataFrame(rows, columns=["site_id", "demand_id", "ms"])),
        stations=stations,
        standard_ms=5 * MINUTE,
        group_names=GROUPS,
        sides=sides,
        **options,
    )


FIVE = {"a": 0, "b": 5, "c": 10, "d": 15, "e": 20}
POINTS = pd.DataFrame({"x": [100.0 * x for x in FIVE.values()], "y": 0.0}, index=list(FIVE))
TIERS = (Tier("hub", 1), Tier("post", 2, ("hub",), 5 * MINUTE))
CASES = {
    # counted
    "required": lambda: road(FIVE, 1, status={"a": "required", "b": "required"}),
    "quota": lambda: road(FIVE, 4, min_per_group={"y": 3}),
    "among at least": lambda: road(FIVE, 4, Among("city-owned", ("a", "b"), at_least=3)),
    "among disjoint": lambda: road(
        FIVE, 3, Among("city-owned", ("a", "b"), at_least=2), Among("private", ("c", "d", "e"), at_least=2)
    ),
    "among at most": lambda: road(
        FIVE, 3, Among("private", ("a", "b", "c"), at_most=1), status={"a": "existing", "b": "required"}
    ),
    "among tier": lambda: road(
        FIVE,
        2,
        Among("private", ("a", "b"), at_least=1, tier="hub"),
        tiers=TIERS,
        counted_tier="post",
        tier={"a": "post", "b": "post"},
    ),
    "apart named": lambda: road(FIVE, 2, Apart.of(POINTS, 600.0), status={"a": "required", "b": "existing"}),
    "apart room": lambda: road(FIVE, 4, Apart.of(POINTS, 600.0)),
    "company": lambda: road(FIVE, 2, Company.of(POINTS.loc[["a", "c", "e"]], 500.0), status={"c": "required"}),
    "budget fixed": lambda: road(
        FIVE, 3, Budget(100, dict.fromkeys(FIVE, 60)), status={"a": "existing", "b": "required"}
    ),
    "budget cheapest": lambda: road(
        FIVE, 3, Budget(100, {"a": 40, "b": 40, "c": 50, "d": 50, "e": 30}), status={"c": "required"}
    ),
    "worst time far": lambda: road({"a": 0, "b": 5, "c": 8}, 2, WorstTime(2 * MINUTE)),
    "worst time sites": lambda: road(FIVE, 2, WorstTime(4 * MINUTE)),
    "floor": lambda: road({"a": 0, "b": 5, "c": 8}, 2, CoverageFloor("Xi", ("q", "r"), 0.9, 3 * MINUTE)),
    "phases": lambda: road(
        FIVE, 4, status={"a": "existing", "b": "existing"}, phases=[Phase("2021", 1), Phase("2022", 4)]
    ),
    "tiers count": lambda: road(
        FIVE,
        2,
        tiers=(Tier("hub", 2), Tier("post", 2, ("hub",))),
        counted_tier="post",
        tier=dict.fromkeys("bcde", "post"),
    ),
    "lead": lambda: road(
        {"a": 0, "b": 8, "c": 16}, 1, tiers=(Tier("hub", 1), Tier("post", 1, ("hub",), 5 * MINUTE)), counted_tier="post"
    ),
    "span": lambda: road(FIVE, 3, tiers=(Tier("hub", 1, span=2), Tier("post", 3, ("hub",))), counted_tier="post"),
    # not counted
    "ii quota and budget": lambda: road(
        FIVE, 2, Budget(100, {"a": 20, "b": 30, "c": 40, "d": 90, "e": 95}), min_per_group={"y": 1}
    ),
    "ii apart and among": lambda: road(FIVE, 3, Apart.of(POINTS, 600.0), Among("private", ("a", "b", "c"), at_least=3)),
    "ii worst and at most": lambda: road(FIVE, 3, WorstTime(4 * MINUTE), Among("private", ("a", "c"), at_most=1)),
    "ii floor and required": lambda: road(
        FIVE, 1, CoverageFloor("Yu", ("q", "r"), 0.6, 5 * MINUTE), status={"a": "required"}
    ),
    "ii company and quota": lambda: road(
        FIVE, 2, Company.of(POINTS, 500.0), min_per_group={"x": 1, "y": 1}, status={"c": "excluded"}
    ),
    "ii lead": lambda: road(
        FIVE, 2, tiers=TIERS, counted_tier="post", tier={"e": "post"}, status={"a": "required", "e": "required"}
    ),
    "ii phases": lambda: road(
        FIVE,
        3,
        Among("private", ("a", "b"), at_least=2, phase=1),
        status={"e": "existing"},
        phases=[Phase("2021", 2), Phase("2022", 3)],
    ),
    "ii floors": lambda: road(
        FIVE, 1, CoverageFloor("Xi", ("p",), 0.5, 5 * MINUTE), CoverageFloor("Yu", ("r",), 1, 5 * MINUTE)
    ),
}
EXPECTED = {
    "required": (
        "2 sites are existing or required (Ande (a), Baizhi (b)), but exactly 1 stations are asked for",
        "raise the stations to 2 or release required sites",
        ["raising the stations from 1 to 2", "releasing 1 existing or required site: Baizhi (b)"],
    ),
    "quota": (
        "Yu (y) is to have at least 3 stations, but has 2 sites that may be opened",
        "add 1 candidate sites in Yu (y) or lower its quota to 2",
        ["lowering the quota of Yu (y) from 3 to 2"],
    ),
    "among at least": (
        "at least 3 of city-owned must be open, but only 2 may be",
        "add 1 candidate site of city-owned or lower the number to 2",
        ["lowering the least number of city-owned from 3 to 2"],
    ),
    "among disjoint": (
        (
            "at least 2 of city-owned, at least 2 of private: these share no site and ask for 4 stations "
            "together, but only 3 stations are opened"
        ),
        "raise the stations by 1 or ask for fewer of them",
        [
            "raising the stations from 3 to 4",
            "lowering the least number of private from 2 to 1",
            "lowering the least number of city-owned from 2 to 1",
        ],
    ),
    "among at most": (
        "2 existing or required sites are of private (Ande (a), Baizhi (b)), but at most 1 may be open",
        "allow 2 of private or release existing or required sites",
        ["raising the greatest number of private from 1 to 2", "releasing 1 existing or required site: Baizhi (b)"],
    ),
    "among tier": (
        "at least 1 of private of tier hub must be open, but only 0 may be",
        "add 1 candidate site of private or lower the number to 0",
        ["lowering the least number of private of tier hub from 1 to 0"],
    ),
    "apart named": (
        (
            "Ande (a) (required) and Baizhi (b) (existing) are open whatever is decided, but too near each other:"
            " sites are to be 600 m apart"
        ),
        "release one of each two, or allow them to be nearer",
        [
            "excepting 1 pair of sites from being 600 m apart: Ande (a) and Baizhi (b)",
            "releasing 1 existing or required site: Baizhi (b)",
        ],
    ),
    "apart room": (
        "at most 3 of the 5 sites inside the area can be 600 m apart, but 4 stations are asked for",
        "allow sites to be nearer, add candidate sites or ask for 1 fewer",
        [
            "lowering the stations from 4 to 3",
            ("excepting 2 pairs of sites from being 600 m apart: Ande (a) and Baizhi (b), Desheng (d) and Erlong (e)"),
        ],
    ),
    "company": (
        (
            "Chegong (c) (required) is open whatever is decided, but has no site near: each is to be within 500 m"
            " of another"
        ),
        "add a candidate site near, allow more metres, or release the site",
        [
            "excepting 1 site from being within 500 m of another: Chegong (c)",
            "releasing 1 existing or required site: Chegong (c)",
        ],
    ),
    "budget fixed": (
        "2 existing or required sites cost 120 at least, but the budget is 100",
        "raise the budget by 20 or release existing or required sites",
        ["raising the budget from 100 to 180"],
    ),
    "budget cheapest": (
        (
            "3 stations cost 120 at least (existing and required sites 50, the cheapest 2 others 70), but the "
            "budget is 100"
        ),
        "raise the budget by 20 or ask for fewer stations",
        ["lowering the stations from 3 to 2", "raising the budget from 100 to 120"],
    ),
    "worst time far": (
        "no site is within 2 min of 1 demand point with 300 inhabitants (r); the nearest is 12 min away",
        "allow 12 min or add candidate sites near them",
        ["raising the worst time from 2 min to 12 min"],
    ),
    "worst time sites": (
        "for everybody to have a site within 4 min 3 sites are needed, but 2 stations are opened",
        "raise the stations by 1 or allow more minutes",
        ["raising the stations from 2 to 3", "raising the worst time from 4 min to 5 min"],
    ),
    "floor": (
        "90 % of Xi within 3 min are 450 of 500 people, but all sites together reach only 200 (40 %)",
        "lower the share of Xi to 40 %, allow more minutes or add candidate sites near them",
        ["lowering the share of Xi within 3 min from 90 % to 40 % (200 of 500 people)"],
    ),
    "phases": (
        (
            "2 existing sites are open from the start (Ande (a), Baizhi (b)), but the first phase (by 2021) opens"
            " exactly 1 stations"
        ),
        "raise the first phase to 2 or mark existing sites as excluded",
        ["raising the stations by 2021 from 1 to 2", "releasing 1 existing or required site: Ande (a)"],
    ),
    "tiers count": (
        "tier hub asks for 2 sites, but only 1 may be of it",
        "let more sites be of tier hub (column tier: 'hub' or empty) or lower its count",
        ["lowering the count of tier hub from 2 to 1"],
    ),
    "lead": (
        (
            "tier post asks for 1 sites within 5 min of a hub, but only 0 sites have a possible hub so near (the "
            "nearest pair is 8 min apart)"
        ),
        "allow more minutes between tier post and its hub, or add sites for a hub",
        ["raising the time between tier post and its hub from 5 min to 8 min"],
    ),
    "span": (
        "3 of tier post need leaders, but 1 of tier hub (span 2) lead at most 2",
        "raise the span of tier hub or open more of it, for 1 more sites",
        [
            "lowering the stations from 3 to 2",
            "raising the count of tier hub from 1 to 2",
            "raising the span of tier hub from 2 to 3",
        ],
    ),
    "ii quota and budget": (
        (
            "these rules can't be met together, though any one less could: at least 1 in Yu (y); a budget of 100;"
            " exactly 2 stations"
        ),
        "drop or loosen one of them: lower the quota of Yu (y); raise the budget; change the 2 stations",
        [
            "lowering the stations from 2 to 1",
            "raising the budget from 100 to 110",
            "lowering the quota of Yu (y) from 1 to 0",
        ],
    ),
    "ii apart and among": (
        ("these rules can't be met together, though any one less could: sites 600 m apart; at least 3 of private"),
        "drop or loosen one of them: allow sites to be nearer to each other; ask for fewer of private",
        [
            "lowering the least number of private from 3 to 2",
            ("excepting 2 pairs of sites from being 600 m apart: Ande (a) and Baizhi (b), Baizhi (b) and Chegong (c)"),
        ],
    ),
    "ii worst and at most": (
        ("these rules can't be met together, though any one less could: everybody within 4 min; at most 1 of private"),
        "drop or loosen one of them: allow more minutes to the farthest; allow more of private",
        ["raising the greatest number of private from 1 to 2", "raising the worst time from 4 min to 5 min"],
    ),
    "ii floor and required": (
        (
            "these rules can't be met together, though any one less could: Ande (a) is required; 60 % of Yu "
            "within 5 min; exactly 1 stations"
        ),
        (
            "drop or loosen one of them: mark Ande (a) as a candidate or excluded; lower the share of Yu; change "
            "the 1 stations"
        ),
        [
            "raising the stations from 1 to 2",
            "lowering the share of Yu within 5 min from 60 % to 0 % (0 of 500 people)",
            "releasing 1 existing or required site: Ande (a)",
        ],
    ),
    "ii company and quota": (
        (
            "these rules can't be met together, though any one less could: at least 1 in Xi (x); at least 1 in Yu"
            " (y); each site within 500 m of another; exactly 2 stations"
        ),
        (
            "drop or loosen one of them: lower the quota of Xi (x); lower the quota of Yu (y); allow sites to "
            "stand alone; change the 2 stations"
        ),
        [
            "raising the stations from 2 to 4",
            "excepting 2 sites from being within 500 m of another: Baizhi (b), Erlong (e)",
            "lowering the quota of Yu (y) from 1 to 0",
        ],
    ),
    "ii lead": (
        (
            "these rules can't be met together, though any one less could: Ande (a) is required; Erlong (e) is "
            "required; each of tier post within 5 min of its hub; exactly 1 of tier hub"
        ),
        (
            "drop or loosen one of them: mark Ande (a) as a candidate or excluded; mark Erlong (e) as a candidate"
            " or excluded; allow more minutes between tier post and its hub; change the count of tier hub"
        ),
        [
            "raising the count of tier hub from 1 to 2",
            "raising the time between tier post and its hub from 5 min to 10 min",
            "releasing 1 existing or required site: Erlong (e)",
        ],
    ),
    "ii phases": (
        (
            "these rules can't be met together, though any one less could: Erlong (e) is existing; at least 2 of "
            "private by 2021; exactly 2 stations by 2021"
        ),
        (
            "drop or loosen one of them: mark Erlong (e) as a candidate or excluded; ask for fewer of private by "
            "2021; change the 2 stations by 2021"
        ),
        [
            "raising the stations by 2021 from 2 to 3",
            "lowering the least number of private by 2021 from 2 to 1",
            "releasing 1 existing or required site: Erlong (e)",
        ],
    ),
    "ii floors": (
        (
            "these rules can't be met together, though any one less could: 50 % of Xi within 5 min; 100 % of Yu "
            "within 5 min; exactly 1 stations"
        ),
        "drop or loosen one of them: lower the share of Xi; lower the share of Yu; change the 1 stations",
        [
            "raising the stations from 1 to 2",
            "lowering the share of Yu within 5 min from 100 % to 0 % (0 of 300 people)",
            "lowering the share of Xi within 5 min from 50 % to 0 % (0 of 100 people)",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_says_why_and_what_would_help(name):
    solution = site(CASES[name]())
    assert solution.status == "infeasible"
    (conflict,) = solution.reason
    assert (conflict.text.en, conflict.remedy.en, [r.text.en for r in conflict.relaxations]) == EXPECTED[name]
    for said in (conflict.text, conflict.remedy, *(r.text for r in conflict.relaxations)):
        assert re.search("[\u4e00-\u9fff]", said.zh)
        assert figures(said.zh) == figures(said.en)


def figures(text):
    """Return the figures and the names of places in a text, whatever their order."""
    return sorted(re.findall(r"\d(?:[\d,.]*\d)?|" + "|".join([*NAMES.values(), *GROUPS.values()]), text))


def test_of_several_conflicts_none_is_helped_alone():
    first, *others = site(road(FIVE, 2, WorstTime(MINUTE), min_per_group={"x": 4})).reason
    assert {c.rule for c in (first, *others)} == {"quota", "worst time"}
    assert not any(c.relaxations for c in (first, *others))


def test_nobody_is_reached_within_the_cutoff():
    (conflict,) = site(road({"a": 0, "b": 5}, 1, WorstTime(6 * MINUTE), cutoff_ms=9 * MINUTE)).reason
    assert conflict.text.en == (
        "no site is within 6 min of 1 demand point with 300 inhabitants (r); no site reaches it within the cutoff of "
        "9 min"
    )
    assert conflict.relaxations == ()


def feasible(plain, dropped: tuple[str, ...] = ()) -> bool:
    """Whether a plan exists, by trying all; counts named in `dropped` are free."""
    return any(True for _ in all_plans(plain, dropped))


def all_plans(plain, dropped: tuple[str, ...] = ()):
    """Yield all plans: each site's tier and phase, None where closed."""
    base = "post" if plain.tiers else ""
    others = {t.name: t.count for t in plain.tiers if t.name != base}
    kinds = [None, *[(base, k) for k in range(len(plain.counts))], *[(t, 0) for t in others]]
    for choice in itertools.product(kinds, repeat=len(plain.inside)):
        if any(choice.count((t, 0)) != n for t, n in others.items() if f"tier {t}" not in dropped):
            continue
        if any(
            sum(c is not None and c[0] == base and c[1] <= k for c in choice) != n
            for k, n in enumerate(plain.counts)
            if f"count {k}" not in dropped
        ):
            continue
        plan = dict(zip(plain.inside, choice, strict=True))
        if small.keeps(plain, plan) and all(small.keeps_side(plain, side, plan) for side in plain.sides):
            yield plan


def only(case, problem: SitingProblem, some: list[Part]) -> tuple:
    """Return a case in which some rules alone hold, and the counts that are free."""
    plain = small.Plain(case)
    keys = {(part.rule, part.key) for part in some}
    plain.quotas = {g: q for g, q in plain.quotas.items() if ("quota", g) in keys}
    plain.sides = [part.side for part in some if part.side is not None]
    held = {str(problem.site_ids[int(part.key)]) for part in some if part.rule in ("existing", "required")}
    plain.status = {j: s if j in held or plain.group[j] == "" else "candidate" for j, s in plain.status.items()} | {
        j: "closable" for j, s in plain.status.items() if s == "closable"
    }
    plain.tiers = tuple(
        replace(
            t,
            span=t.span if ("span", t.name) in keys else None,
            led_by=t.led_by if ("lead", t.name) in keys else (),
        )
        for t in plain.tiers
    )
    free = [f"tier {t.name}" for t in plain.tiers if ("tier", t.name) not in keys]
    free += [f"count {k}" for k in range(len(plain.counts)) if not {("stations", str(k)), ("phases", str(k))} & keys]
    return plain, tuple(free)


CHECKED = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@CHECKED
@given(small.problems(small.KINDS, most=5))
def test_a_conflict_is_one_and_is_smallest(case):
    assume(not feasible(small.Plain(case)))
    problem = small.build(case)
    found, _ = conflicting(Parts.of(problem))
    assert not feasible(*only(case, problem, found))
    for part in found:
        assert feasible(*only(case, problem, [other for other in found if other is not part]))


def changed(case, problem: SitingProblem, part: Part, figure: float) -> bool:
    """Whether a plan exists with another figure in one rule."""
    plain = small.Plain(case)
    match part.rule:
        case "stations" | "phases":
            plain.counts[int(part.key)] = figure
        case "tier" | "lead" | "span":
            field = {"tier": "count", "lead": "lead_ms", "span": "span"}[part.rule]
            plain.tiers = tuple(replace(t, **{field: figure}) if t.name == part.key else t for t in plain.tiers)
        case _:
            sides, n = list(problem.sides), int(part.key)
            least = part.rule == "among" and part.side.at_most is None
            field = {"among": "at_least" if least else "at_most", "budget": "at_most", "worst time": "ms"}
            sides[n] = replace(sides[n], **{field.get(part.rule, "share"): figure})
            plain.sides = sides
    return feasible(plain)


def between(case, problem: SitingProblem, part: Part, before: float, after: float) -> list[float]:
    """Return the figures from `before` to one step before `after`."""
    if part.rule == "lead":
        times = {int(t) for t in case["lead"].to_numpy().ravel()}
        return sorted(t for t in {*times, before} if before <= t < after)
    if part.rule in ("budget", "worst time"):
        return [before, after - 1]
    if part.rule == "floor":
        return [before, round(after + 0.001, 3)]
    return list(range(int(before), int(after), 1 if after > before else -1))


def exceptions(case, problem: SitingProblem, rule: str, part: Part | None) -> int | None:
    """Return the fewest exceptions with which a plan exists, by trying all; None where none does."""
    plain, fixed = small.Plain(case), dict(small.Plain(case).status)
    if rule == "quota":
        plain.quotas = {}
    elif rule == "required":
        plain.status = {j: s if plain.group[j] == "" or s == "closable" else "candidate" for j, s in fixed.items()}
    else:
        plain.sides = [side for n, side in enumerate(problem.sides) if n != int(part.key)]
    return min((count(case, plain, rule, part, plan, fixed) for plan in all_plans(plain)), default=None)


def count(case, plain, rule: str, part: Part | None, plan, fixed) -> int:
    """Return how many exceptions a plan makes."""
    opened = {*plain.outside, *(j for j, c in plan.items() if c)}
    if rule == "quota":
        return sum(max(q - sum(plain.group[j] == g for j in opened), 0) for g, q in case["quotas"].items())
    if rule == "required":
        late = [j for j, c in plan.items() if c is None and fixed[j] in ("existing", "required")]
        return len(late) + sum(c is not None and c[1] > 0 and fixed[j] == "existing" for j, c in plan.items())
    if rule == "apart":
        pairs = {tuple(sorted(pair)) for pair in part.side.too_near}
        return sum({a, b} <= opened and not {a, b} <= plain.always for a, b in pairs)
    return sum(not ({*part.side.near[j]} - {j}) & opened for j in opened if j in part.side.near)


@CHECKED
@given(small.problems(small.KINDS, most=5))
def test_a_relaxation_is_enough_and_one_step_less_is_not(case):
    assume(not feasible(small.Plain(case)))
    problem = small.build(case)
    parts = Parts.of(problem)
    for part in conflicting(parts)[0]:
        if part.rule in ("apart", "company"):
            helps = [r.after for r in RELAX[part.rule](parts, part)]
            least = exceptions(case, problem, part.rule, part)
            assert helps == ([] if least is None else [least])
        elif part.rule in RELAX:
            for help_ in RELAX[part.rule](parts, part):
                assert changed(case, problem, part, help_.after)
                for figure in between(case, problem, part, help_.before, help_.after):
                    assert not changed(case, problem, part, figure)


@CHECKED
@given(small.problems(small.KINDS, most=5))
def test_fewest_quotas_and_sites_are_given_up(case):
    assume(not feasible(small.Plain(case)))
    problem = small.build(case)
    parts = Parts.of(problem)
    found, _ = conflicting(parts)
    rules = {part.rule for part in found}
    helps = {r.rule: r for r in relaxations(parts, found) if r.rule in ("quota", "required")}
    for rule, concerned in (("quota", {"quota"}), ("required", {"existing", "required"})):
        least = exceptions(case, problem, rule, None) if rules & concerned else None
        assert (least is None) == (rule not in helps)
        if least is not None:
            assert abs(helps[rule].after - helps[rule].before) == least

"""The smallest change of one rule with which a plan exists.

Each is the optimum of a program: the rule is taken out and its figure made the objective (fewest stations, least
money, most people), or exceptions to it are counted (elastic rows: Brown, Graves 1975); times and spans are
searched by halves, since more of them never harms. So one step less is proven not to be enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from careshed.siting.explain.halving import least_lead, least_span, least_worst_time
from careshed.siting.explain.parts import Part, Parts, side_part
from careshed.siting.explain.words import (
    among_words,
    amount,
    group_words,
    listed,
    listed_ids,
    minutes,
    percent,
    percent_down,
)
from careshed.siting.rows.columns import INF, Row
from careshed.siting.rows.floors import Floor
from careshed.siting.rows.purses import Purse
from careshed.siting.rows.rulebook import UndecidedError
from careshed.siting.sides import Among, Apart, Budget, Company, CoverageFloor, WorstTime
from careshed.siting.solution import Relaxation
from careshed.words import Label, joined, label, plural

__all__ = ["relaxations"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def relaxations(parts: Parts, found: Sequence[Part]) -> tuple[Relaxation, ...]:
    """Return the changes of which each alone makes a plan possible.

    Parameters
    ----------
    parts
        The problem.
    found
        Rules in conflict, or all: a change that helps must change one of them.
    """
    questions: list[Callable[[], Iterator[Relaxation]]] = [
        partial(RELAX[part.rule], parts, part) for part in reversed(found) if part.rule in RELAX
    ]
    rules = {part.rule for part in found}
    if "quota" in rules:
        questions.append(partial(_lower_quotas, parts))
    if rules & {"existing", "required"}:
        questions.append(partial(_release, parts))
    helps: list[Relaxation] = []
    for question in questions:
        # what takes too long to prove is not claimed
        with suppress(UndecidedError):
            helps += question()
    return tuple(helps)


def _cost(parts: Parts, rows: Sequence[Row], *, sign: float = 1.0, more: int = 0) -> Floats:
    """Return the costs that make the sum of some rows the objective."""
    cost = np.zeros(parts.columns.count + more)
    for row in rows:
        cost[row.index] += sign * row.value
    return cost


def _activity(row: Row, values: Floats) -> int:
    """Return the whole value of a row."""
    return round(float(np.dot(row.value, values[row.index])))


def _other_count(parts: Parts, part: Part, *, least: float, most: float) -> list[tuple[int, int]]:
    """Return the counts nearest to that of a rule, above and below, with which a plan exists."""
    row = part.rows[0]
    count, found = round(row.lower), []
    for sign, low, high in ((1.0, count + 1, most), (-1.0, least, count - 1)):
        if low > high:
            continue
        limit = replace(row, rule="limit", lower=float(low), upper=float(high))
        values = parts.solve(parts.without(part), _cost(parts, [row], sign=sign), [limit])
        if values is not None:
            found.append((count, _activity(row, values)))
    return found


def _stations(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """More stations, or fewer, in one phase."""
    phases, k = parts.problem.phases, int(part.key)
    most = phases[k + 1].count if k + 1 < len(phases) else INF
    least = max(phases[k - 1].count if k else 0, 1)
    when = Label("", "")
    if phases[k].by:
        when = label("reasons.when_by", by=phases[k].by)
    elif len(phases) > 1:
        when = label("reasons.when_phase", phase=k + 1)
    for count, to in _other_count(parts, part, least=least, most=most):
        facts = {"when": when, "before": count, "after": to}
        text = label("reasons.more_stations", **facts) if to > count else label("reasons.fewer_stations", **facts)
        yield Relaxation(part.rule, count, to, text)


def _tier(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """More sites of a tier, or fewer."""
    for count, to in _other_count(parts, part, least=0, most=INF):
        facts = {"tier": part.key, "before": count, "after": to}
        text = label("reasons.more_of_tier", **facts) if to > count else label("reasons.fewer_of_tier", **facts)
        yield Relaxation("tier", count, to, text)


def _among(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """Ask for fewer of some sites, or allow more."""
    assert isinstance(part.side, Among)  # noqa: S101 - as made
    row, words = part.rows[0], among_words(parts.problem, part.side)
    least = part.side.at_most is None
    values = parts.solve(parts.without(part), _cost(parts, [row], sign=-1.0 if least else 1.0))
    if values is None:
        return
    to = _activity(row, values)
    if least:
        text = label("reasons.lower_least", words=words, before=part.side.at_least, after=to)
        yield Relaxation("among", part.side.at_least, to, text)
    elif part.side.at_most is not None:
        text = label("reasons.raise_most", words=words, before=part.side.at_most, after=to)
        yield Relaxation("among", part.side.at_most, to, text)


def _budget(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """More money."""
    side, purse = part.side, part.lazy
    assert isinstance(side, Budget)  # noqa: S101 - as made
    assert isinstance(purse, Purse)  # noqa: S101
    others, last = parts.without(part), parts.columns.open(parts.columns.phases - 1, purse.sites)
    cost = np.zeros(parts.columns.count)
    cost[last] = purse.costs / max(int(np.abs(purse.costs).max(initial=0)), 1)
    values, to = parts.solve(others, cost), None
    while values is not None:
        # the solver's optimum is one within its tolerance: a unit less must be proven to be too little
        to = side.at_most - purse.room + int(purse.costs[values[last] > 0.5].sum())
        less = replace(side, at_most=to - 1)
        values = parts.solve([*others, side_part(parts.columns, less, part.key)], cost)
    if to is not None:
        text = label("reasons.raise_budget", before=amount(side.at_most), after=amount(to))
        yield Relaxation("budget", side.at_most, to, text)


def _worst_time(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """More minutes to the farthest."""
    assert isinstance(part.side, WorstTime)  # noqa: S101 - as made
    to = least_worst_time(parts, part, part.side)
    if to is not None:
        before = part.side.ms
        text = label("reasons.raise_worst", before=minutes(before), after=minutes(to))
        yield Relaxation("worst time", before, to, text)


def _floor(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """Fewer people of a floor."""
    side, floor = part.side, part.lazy
    assert isinstance(side, CoverageFloor)  # noqa: S101 - as made
    assert isinstance(floor, Floor)  # noqa: S101
    weight, sets = _merged(floor)
    count, last = parts.columns.count, parts.columns.phases - 1
    rows = []
    for n, sites in enumerate(sets):
        index = np.append(parts.columns.open(last, sites), count + n)
        rows.append(Row("covered", "", index, np.append(-np.ones(len(sites)), 1.0), -INF, 0.0))
    cost = np.concatenate([np.zeros(count), -weight.astype(np.float64)])
    values = parts.solve(parts.without(part), cost, rows, more=len(sets))
    if values is None:
        return
    opened = values[parts.columns.open(last, np.arange(parts.columns.sites))] > 0.5
    people = int(weight[[bool(opened[sites].any()) for sites in sets]].sum()) if sets else 0
    total = int(floor.weight.sum())
    to = 1000 * people // max(total, 1) / 1000
    text = label(
        "reasons.lower_floor",
        name=side.name, within=minutes(side.ms), before=percent(side.share), after=percent_down(people, total),
        people=f"{people:,}", all=f"{total:,}",
    )  # fmt: skip
    yield Relaxation("floor", side.share, to, text)


def _merged(floor: Floor) -> tuple[Ints, list[Ints]]:
    """Return a floor's people by equal sets of sites, and these."""
    starts = np.searchsorted(floor.row, np.arange(len(floor.weight) + 1))
    people: dict[bytes, int] = {}
    sets: dict[bytes, Ints] = {}
    for row, weight in enumerate(floor.weight.tolist()):
        sites = floor.site[starts[row] : starts[row + 1]]
        if weight and len(sites):
            sets[sites.tobytes()] = sites
            people[sites.tobytes()] = people.get(sites.tobytes(), 0) + weight
    return np.array(list(people.values()), dtype=np.int64), list(sets.values())


def _lead(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """More minutes to the leader."""
    tier = part.tier
    assert tier is not None  # noqa: S101 - as made
    to = least_lead(parts, part, tier)
    if to is not None and tier.lead_ms is not None:
        text = label(
            "reasons.raise_lead",
            tier=tier.name, chiefs=joined(tier.led_by, by="or"), before=minutes(tier.lead_ms),
            after=minutes(to),
        )  # fmt: skip
        yield Relaxation("lead", tier.lead_ms, to, text)


def _span(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """More sites to a leader."""
    tier = part.tier
    assert tier is not None  # noqa: S101 - as made
    to = least_span(parts, part, tier)
    if to is not None and tier.span is not None:
        text = label("reasons.raise_span", tier=tier.name, before=tier.span, after=to)
        yield Relaxation("span", tier.span, to, text)


def _elastic(parts: Parts, rows: Sequence[Row]) -> tuple[list[Row], Floats]:
    """Return rows of the form ``… ≤ upper`` with exceptions allowed, and the costs that count these."""
    count = parts.columns.count
    slack = [
        replace(row, index=np.append(row.index, count + n), value=np.append(row.value, -1.0))
        for n, row in enumerate(rows)
    ]
    return slack, np.concatenate([np.zeros(count), np.ones(len(rows))])


def _exceptions(parts: Parts, part: Part) -> list[Row] | None:
    """Return the fewest rows of a rule that a plan breaks; None where even that is no plan."""
    rows, cost = _elastic(parts, part.rows)
    values = parts.solve(parts.without(part), cost, rows, more=len(rows))
    if values is None:
        return None
    return [row for row in part.rows if float(np.dot(row.value, values[row.index])) > row.upper + 0.5]


def _apart(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """Except some pairs of sites."""
    assert isinstance(part.side, Apart)  # noqa: S101 - as made
    rows = _exceptions(parts, part)
    if rows is None:
        return
    name, n = parts.problem.label, parts.columns.sites
    names = [joined([name(int(j)) for j in row.index % n], by="with") for row in rows]
    pairs = plural(len(rows), "pair")
    text = label("reasons.except_pairs", pairs=pairs, name=part.side.name, names=listed_ids(names))
    yield Relaxation("apart", 0, len(rows), text)


def _company(parts: Parts, part: Part) -> Iterator[Relaxation]:
    """Except some sites."""
    assert isinstance(part.side, Company)  # noqa: S101 - as made
    rows = _exceptions(parts, part)
    if rows is None:
        return
    sites = [int(row.index[int(np.argmax(row.value))]) % parts.columns.sites for row in rows]
    names = listed(parts.problem, sites)
    text = label("reasons.except_sites", sites=plural(len(rows), "site"), name=part.side.name, names=names)
    yield Relaxation("company", 0, len(rows), text)


def _lower_quotas(parts: Parts) -> Iterator[Relaxation]:
    """Lower quotas, by the least number of stations in all."""
    quotas = [part for part in parts.every if part.rule == "quota"]
    rows, count = [part.rows[0] for part in quotas], parts.columns.count
    slack = [
        replace(row, index=np.append(row.index, count + n), value=np.append(row.value, row.lower))
        for n, row in enumerate(rows)
    ]
    cost = np.concatenate([np.zeros(count), [row.lower for row in rows]])
    values = parts.solve(parts.without(*quotas), cost, slack, more=len(rows))
    if values is None:
        return
    changed = [(row.key, round(row.lower), held) for row in rows if (held := _activity(row, values)) < row.lower]
    before, after = sum(quota for _, quota, _ in changed), sum(held for *_, held in changed)
    names = listed_ids(
        [
            label("reasons.from_to", group=group_words(parts.problem, group), before=quota, after=held)
            for group, quota, held in changed
        ]
    )
    one = len(changed) == 1
    text = label("reasons.lower_quota", names=names) if one else label("reasons.lower_quotas", names=names)
    yield Relaxation("quota", before, after, text)


def _release(parts: Parts) -> Iterator[Relaxation]:
    """Let the fewest existing and required sites go."""
    held = [part for part in parts.every if part.rule in ("existing", "required")]
    columns = np.concatenate([part.held for part in held])
    cost = np.zeros(parts.columns.count)
    cost[columns] = -1.0
    values = parts.solve(parts.without(*held), cost)
    if values is None:
        return
    sites = [int(part.key) for part in held if values[part.held[0]] < 0.5]
    names = listed(parts.problem, sites)
    text = label("reasons.release", sites=plural(len(sites), "existing or required site"), names=names)
    yield Relaxation("required", 0, len(sites), text)


RELAX: dict[str, Callable[[Parts, Part], Iterator[Relaxation]]] = {
    "stations": _stations,
    "phases": _stations,
    "tier": _tier,
    "among": _among,
    "apart": _apart,
    "company": _company,
    "budget": _budget,
    "worst time": _worst_time,
    "floor": _floor,
    "lead": _lead,
    "span": _span,
}
"""How each kind of rule is loosened; quotas, and existing and required sites, each all together."""

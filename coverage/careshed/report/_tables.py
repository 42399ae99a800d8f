"""Tables of the report about targets, coverage and response."""

from __future__ import annotations

import pandas as pd

from careshed.indicators import Response
from careshed.plan import Plan
from careshed.report._table import Cell, Mark, Table, share, unit_name, whole
from careshed.scorecard import scorecard
from careshed.wording import Label, count, minutes, verdict
from careshed.words import label

__all__ = ["coverage_table", "in_time", "in_time_table", "response_table", "scorecard_table", "stages"]


def stages(plan: Plan) -> list[tuple[Label, Response]]:
    """Return the responses that are known, by what they are called: today's, the plan's."""
    both = ((label("report.now"), plan.before), (label("report.planned"), plan.after))
    return [(name, response) for name, response in both if response is not None]


def scorecard_table(plan: Plan) -> Table | None:
    """Return each target beside the figure found; None where no target has one."""
    documents = plan.area.targets.documents
    rows: list[list[Cell]] = []
    for row in scorecard(plan):
        zh, en = verdict(row, "zh"), verdict(row, "en")
        nature = label("report.binding") if row.binding else label("report.expected")
        source = f"{documents.get(row.document, row.document)} {row.item}".strip()
        value, target = Label(zh.value, en.value), Label(zh.target, en.target)
        rows.append([row.id, Label(row.text, row.text_en), value, target, Mark(row.met), nature, source])
    if not rows:
        return None
    columns = [
        label("report.id"),
        label("report.asked_for"),
        label("report.result"),
        label("report.asked"),
        label("report.is_met"),
        label("report.nature"),
        label("report.source_item"),
    ]
    return Table(label("report.scorecard"), columns, rows, figures=frozenset({2, 3}), wraps=frozenset({1, 6}))


def coverage_table(plan: Plan) -> Table | None:
    """Return the four shares of each subdistrict side by side."""
    if plan.coverage is None:
        return None
    shares = ["community_share", "population_share", "area_share", "street_share"]
    columns = [
        label("report.subdistrict"),
        label("report.people"),
        label("report.communities_met"),
        label("report.community_share"),
        label("report.population_share"),
        label("report.area_share"),
        label("report.street_share"),
    ]
    if plan.coverage.total["elderly"] > 0:
        shares.append("elderly_share")
        columns.append(label("report.elderly_share"))

    def cells(name: Label, row: pd.Series) -> list[Cell]:
        met = f"{count(row['communities_covered'])} / {count(row['communities'])}"
        return [name, count(row["people"]), met, *(share(row[column]) for column in shares)]

    rows = [cells(unit_name(plan.area, str(unit)), row) for unit, row in plan.coverage.subdistricts.iterrows()]
    total = cells(whole(), plan.coverage.total)
    figures = frozenset(range(1, len(columns)))
    return Table(label("report.coverage_shares"), columns, rows, total, figures)


def in_time(plan: Plan, response: Response) -> pd.Series:
    """Return the people within the standard of each subdistrict."""
    people = plan.area.demand["population"].where(response.demand["seconds"] <= response.target_s, 0)
    sums = people.groupby(plan.area.demand["subdistrict_id"]).sum()
    return sums.reindex(plan.area.subdistricts.index, fill_value=0)


def in_time_table(plan: Plan) -> Table | None:
    """Return the people within the standard, today and planned, by subdistrict; None where nothing changes."""
    if plan.before is None or plan.after is None:
        return None
    before, after = in_time(plan, plan.before), in_time(plan, plan.after)
    if before.equals(after):
        return None
    demand = plan.area.demand
    people = demand["population"].groupby(demand["subdistrict_id"]).sum()
    people = people.reindex(plan.area.subdistricts.index, fill_value=0)
    now, planned = label("report.now"), label("report.planned")
    columns = [
        label("report.subdistrict"),
        label("report.people"),
        label("report.of_stage", what=label("report.people_in_time"), stage=now),
        label("report.of_stage", what=label("report.people_in_time"), stage=planned),
        label("report.gain"),
        label("report.of_stage", what=label("report.share_in_time"), stage=now),
        label("report.of_stage", what=label("report.share_in_time"), stage=planned),
    ]

    def cells(name: Label, all_: float, first: float, then: float) -> list[Cell]:
        shares = [share(part / all_ if all_ else float("nan")) for part in (first, then)]
        return [name, count(all_), count(first), count(then), _signed(then - first), *shares]

    units = zip(people.index, people, before, after, strict=True)
    rows = [cells(unit_name(plan.area, str(unit)), *figures) for unit, *figures in units]
    total = cells(whole(), demand["population"].sum(), before.sum(), after.sum())
    return Table(label("report.people_before_after"), columns, rows, total, frozenset(range(1, len(columns))))


def _signed(number: float) -> str:
    return f"{number:+,.0f}" if number else "0"


def response_table(plan: Plan) -> Table | None:
    """Return each subdistrict's response times, now and planned, minutes; shares where no other table has them."""
    known = stages(plan)
    if not known:
        return None
    first = known[0][1]
    both = len(known) > 1
    shared = plan.weight == "calls" or in_time_table(plan) is None
    columns = [
        label("report.subdistrict"),
        label("report.calls") if plan.weight == "calls" else label("report.people"),
    ]
    figures = [label("report.mean"), label("report.median"), label("report.p90")]
    for what in [*figures, label("report.share_in_time")] if shared else figures:
        columns += [label("report.of_stage", what=what, stage=stage) if both else what for stage, _ in known]

    def cells(name: Label, weight: float, rows: list[pd.Series]) -> list[Cell]:
        times = [minutes(row[column]) for column in ("mean_s", "median_s", "p90_s") for row in rows]
        shares = [share(row["share_within_target"]) for row in rows if shared]
        return [name, count(weight), *times, *shares]

    units = [
        cells(unit_name(plan.area, str(unit)), row["weight"], [response.subdistricts.iloc[at] for _, response in known])
        for at, (unit, row) in enumerate(first.subdistricts.iterrows())
    ]
    total = cells(whole(), first.total["weight"], [response.total for _, response in known])
    caption = label("report.times_before_after") if both else label("report.times_now")
    return Table(caption, columns, units, total, frozenset(range(1, len(columns))))

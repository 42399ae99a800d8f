"""Tables of the report about quotas, rejected rows and where data comes from."""

from __future__ import annotations

import pandas as pd

from careshed.plan import Plan
from careshed.report._table import Cell, Mark, Table, unit_name, whole
from careshed.wording import LAYERS, NOTHING, PROVENANCE, Label, count, day
from careshed.words import label

__all__ = ["data_dates", "provenance_table", "quota_tables", "rejected_table"]


def quota_tables(plan: Plan) -> list[Table]:
    """Return what each quota rule asks of each subdistrict, beside what there is."""
    tables = []
    for name, checked in plan.quotas.items():
        quota = plan.area.targets.quota.get(name)
        caption = Label(quota.label_zh, quota.label_en) if quota else Label(name, "")
        rows: list[list[Cell]] = []
        for unit, row in checked.iterrows():
            asked = (
                count(row["least"])
                if pd.isna(row["most"]) or row["most"] == row["least"]
                else f"{count(row['least'])} – {count(row['most'])}"
            )
            rows.append([unit_name(plan.area, str(unit)), count(row["have"]), asked, Mark(bool(row["met"]))])
        met = f"{checked['met'].sum()} / {len(checked)}"
        total: list[Cell] = [whole(), count(checked["have"].sum()), count(checked["least"].sum()), met]
        columns = [
            label("report.subdistrict"),
            label("report.have"),
            label("report.should"),
            label("report.is_met"),
        ]
        tables.append(Table(caption, columns, rows, total, frozenset({1, 2})))
    return tables


def rejected_table(plan: Plan) -> Table | None:
    """Return how many rows of each file could not be used, by reason."""
    rejected = plan.area.rejected
    if rejected.empty:
        return None
    groups = rejected.groupby(["file", "reason"], sort=True)
    rows: list[list[Cell]] = [
        [str(file), str(reason), count(len(part)), ", ".join(str(row) for row in part["id"].head(5))]
        for (file, reason), part in groups
    ]
    columns = [
        label("report.file"),
        label("report.reason"),
        label("report.rows"),
        label("report.such_as"),
    ]
    return Table(label("report.rejected"), columns, rows, figures=frozenset({2}), wraps=frozenset({1, 3}))


def provenance_table(plan: Plan) -> Table | None:
    """Return where each layer comes from."""
    rows: list[list[Cell]] = [
        [_layer(name), PROVENANCE[row.status], row.source, day(row.date) if row.date else NOTHING]
        for name, row in sorted(plan.area.provenance.items())
    ]
    columns = [
        label("report.layer"),
        label("report.nature"),
        label("report.source"),
        label("report.date"),
    ]
    return Table(label("report.provenance"), columns, rows, wraps=frozenset({2})) if rows else None


def data_dates(plan: Plan) -> list[tuple[Label, Label]]:
    """Return the date of each layer that the figures rest on, where it is known."""
    shown = ("streets", "population", "demand", "facilities")
    dated = [(name, plan.area.provenance[name].date) for name in shown if name in plan.area.provenance]
    return [(_layer(name), day(date)) for name, date in dated if date]


def _layer(name: str) -> Label:
    return LAYERS.get(name, Label(name, ""))

"""What the commands print: tables for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    import pandas as pd

    from careshed.area import StudyArea
    from careshed.calibration import Fit
    from careshed.plan import Plan
    from careshed.scoring import Scores

__all__ = [
    "area",
    "calibration",
    "comparison",
    "console",
    "coverage",
    "far_places",
    "findings",
    "kilometres",
    "rejected",
    "response",
    "scorecard",
    "scores",
    "speeds",
    "stations",
    "stderr",
    "unjoined",
    "write_rejected",
]

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)

_SHOWN = 5
"""Rejected rows that are printed; all are in a file."""


def area(area: StudyArea) -> None:
    """Print the layers of an area, with where they come from."""
    table = Table("layer", "rows", "status", "source or reason", title=escape(area.name))
    for layer in ("streets", "subdistricts", "communities", "demand", "facilities", "candidates"):
        source = area.provenance.get(layer)
        status, text = (source.status, source.source) if source else ("missing", area.missing.get(layer, ""))
        table.add_row(layer, f"{len(getattr(area, layer)):,}", status, escape(text))
    console.print(table)
    console.print(
        f"{area.people:,} people; {len(area.rejected)} rows rejected"
        + (" (see rejected.csv)" if len(area.rejected) else "")
    )


def speeds(plan: Plan) -> None:
    """Print the speeds and delays that a plan was computed with."""
    for mode in ("walk", "drive"):
        if text := plan.assumptions.get(f"{mode} speeds"):
            console.print(f"assumed: {escape(text.read('en'))}", style="dim")


def coverage(plan: Plan) -> None:
    """Print the shares within the minutes, by unit and in all."""
    if plan.coverage is None:
        return
    service = plan.area.targets.service[plan.coverage_service]
    table = Table(
        "unit", "communities", "people", "elderly", "area", "streets",
        title=escape(f"{service.label_zh} {service.label_en}: share within {service.minutes:g} minutes"),
        caption=f"a community is covered when ≥ {service.community_share:.0%} of its people are",
    )  # fmt: skip
    shares = ("community_share", "population_share", "elderly_share", "area_share", "street_share")
    for _, row in plan.coverage.subdistricts.iterrows():
        table.add_row(escape(str(row["name"])), *(_percent(row[share]) for share in shares))
    table.add_section()
    table.add_row("all", *(_percent(plan.coverage.total[share]) for share in shares), style="bold")
    console.print(table)


def response(plan: Plan) -> None:
    """Print response times before and after."""
    if plan.before is None and plan.after is None:
        return
    stages = [(name, stage) for name, stage in (("before", plan.before), ("after", plan.after)) if stage is not None]
    limit = stages[0][1].target_s / 60
    table = Table(
        "response time", "mean", "median", "90th percentile", f"within {limit:g} min", f"{plan.weight} unreachable"
    )
    for name, response in stages:
        total = response.total
        minutes = (_minutes(total[key]) for key in ("mean_s", "median_s", "p90_s"))
        table.add_row(name, *minutes, _percent(total["share_within_target"]), f"{total['unreachable']:,.0f}")
    console.print(table)
    assumed = plan.assumptions.get("response time")
    if assumed:
        console.print(f"assumed: {escape(assumed.en)}", style="dim")


def stations(plan: Plan) -> None:
    """Print the plan's stations and its proof."""
    solution = plan.solution
    if solution is None or not solution.found:
        return
    vehicles = ["vehicles"] if "vehicles" in plan.stations else []
    columns = ["name", "subdistrict", "tier", "status", "by", *vehicles, "people"]
    shown = plan.stations[columns].rename(columns={"by": "open by", "people": "people served"})
    if (shown["tier"] == "").all():
        shown = shown.drop(columns="tier")
    table = Table("station", *shown.columns, title="stations")
    for site, row in shown.iterrows():
        table.add_row(*(escape(str(cell)) for cell in (site, *row[:-1], f"{row.iloc[-1]:,}")))
    console.print(table)
    proof = Table(
        "level", "objective", "bound", "gap", "status", title=f"proof: {solution.status}, gap {solution.gap:g}"
    )
    for level in solution.levels:
        proof.add_row(level.name, f"{level.objective:,.0f}", f"{level.bound:,.0f}", f"{level.gap:g}", level.status)
    console.print(proof)


def unjoined(plan: Plan) -> None:
    """Say how many points lie too far from any street."""
    far = {service: len(times.rejected) for service, times in plan.times.items() if len(times.rejected)}
    for service, count in far.items():
        stderr.print(f"[yellow]{escape(service)}: {count:,} points lie too far from any street[/]; see unjoined.csv")


def scorecard(plan: Plan) -> None:
    """Print each target beside the figure computed, and what was left out."""
    from careshed.scorecard import scorecard_table

    card: pd.DataFrame = scorecard_table(plan)
    table = Table("id", "target", "value", "asked", "met", title="scorecard")
    for _, row in card.iterrows():
        if row["reason"]:
            table.add_row("", escape(row["text"]), "", "", escape(f"left out: {row['reason']}"), style="dim")
            continue
        met = "[green]yes[/]" if row["met"] else "[bold red]no[/]"
        value, asked = (_figure(row["statistic"], row[column]) for column in ("value", "target"))
        table.add_row(row["id"], escape(row["text"]), value, asked, met)
    console.print(table)


def findings(table: pd.DataFrame, *, title: str) -> None:
    """Print what an audit found."""
    columns = ("check", "severity", "count", "what was found", "remedy")
    shown = Table(*columns, title=escape(title))
    for row in table.itertuples(index=False):
        shown.add_row(*(escape(str(cell)) for cell in (row.check, row.severity, row.count, row.text, row.remedy)))
    console.print(shown)


def comparison(figures: pd.DataFrame, first: str, second: str) -> None:
    """Print two plans side by side."""
    table = Table("figure", escape(first), escape(second), "change")
    for figure, *cells in figures.itertuples():
        table.add_row(escape(str(figure)), *(escape(_cell(cell)) for cell in cells))
    console.print(table)


def scores(found: Scores) -> None:
    """Print the ten best candidates, and the first rows that could not be scored."""
    columns = ("rank", "site", "people newly covered", "communities", "time saved, s", "overlap")
    table = Table(*columns, title="best ten")
    for site, row in found.best.iterrows():
        figures = (f"{row['people_gained']:,}", f"{row['communities_gained']}", f"{row['time_saved_s']:.1f}")
        table.add_row(str(row["rank"]), escape(str(site)), *figures, _percent(row["overlap"]))
    console.print(table)
    rejected(found.rejected)


def rejected(rows: pd.DataFrame) -> None:
    """Print the first rows of a file that could not be used, and how many more there are."""
    for bad in rows.head(_SHOWN).itertuples(index=False):
        text = escape(f"{bad.file}, line {bad.line} ({bad.id}): {bad.reason}")
        stderr.print(f"[yellow]rejected[/] {text}", soft_wrap=True)
    if len(rows) > _SHOWN:
        stderr.print(f"… and {len(rows) - _SHOWN:,} more")


def far_places(rows: pd.DataFrame) -> None:
    """Print the first places that could not be joined to the network."""
    for bad in rows.head(_SHOWN).itertuples(index=False):
        stderr.print(f"[yellow]rejected[/] {escape(f'{bad.id}: {bad.reason}')}", soft_wrap=True)
    if len(rows) > _SHOWN:
        stderr.print(f"… and {len(rows) - _SHOWN:,} more")


def write_rejected(tables: list[pd.DataFrame], output: Path) -> None:
    """Write rejected rows and places beside the output, as ….rejected.csv, or remove those of an earlier run."""
    import pandas as pd

    from careshed._checks import new_file

    path = output.with_suffix(".rejected.csv")
    some = [table for table in tables if len(table)]
    if not some:
        path.unlink(missing_ok=True)
        return
    with new_file(path) as new:
        pd.concat(some).to_csv(new, index=False, encoding="utf-8-sig", lineterminator="\n")


def kilometres(table: pd.DataFrame, names: pd.Series, *, minutes: float) -> None:
    """Print the kilometres of street within and beyond some minutes, by unit."""
    shown = Table("unit", "within, km", "beyond, km", "share", title=f"streets within {minutes:g} minutes")
    for name, row in zip(names.reindex(table.index), table.to_dict("records"), strict=True):
        figures = (f"{row['reached_km']:,.1f}", f"{row['beyond_km']:,.1f}", _percent(row["share"]))
        shown.add_row(escape(str(name)), *figures)
    console.print(shown)


def calibration(fit: Fit) -> None:
    """Print fitted speeds with their intervals, the error before and after, and what was left out."""
    table = Table("period", "class", "trips", "before, km/h", "fitted, km/h", "95 % interval", "", title="speeds")
    for row in fit.speeds.to_dict("records"):
        fitted, interval = f"{row['kmh']:.1f}", f"{row['low_kmh']:.1f} – {row['high_kmh']:.1f}"
        figures = ("–", "–") if row["note"] else (fitted, interval)
        before = "–" if row["before_kmh"] != row["before_kmh"] else f"{row['before_kmh']:.1f}"
        table.add_row(row["period"], escape(row["highway"]), str(row["trips"]), before, *figures, row["note"])
    console.print(table)
    console.print(
        f"{fit.used:,} trips used, {len(fit.outliers)} outliers left out; held-out error "
        f"{_percent(fit.error_before)} before, {_percent(fit.error_after)} after ({fit.held_out:,} trips)"
    )
    kept = int((fit.speeds["note"] != "").sum())
    if kept:
        console.print(f"{kept} of {len(fit.speeds)} speeds have too little data: the speeds of before are kept")
    for one in fit.outliers.head(_SHOWN).reset_index(names="trip").to_dict("records"):
        expected = "" if one["reason"].startswith("no way") else f", {one['expected_s']:.0f} s expected"
        text = escape(f"line {one['line']} ({one['trip']}): {one['seconds']:.0f} s{expected}: {one['reason']}")
        stderr.print(f"[yellow]outlier[/] {text}", soft_wrap=True)


def _figure(statistic: str, value: float) -> str:
    if statistic.endswith("_response"):
        return _minutes(value)
    return _percent(value) if statistic.endswith("share") or statistic == "share_within_target" else f"{value:g}"


def _percent(share: float) -> str:
    return "–" if share != share else f"{share:.1%}"  # noqa: PLR0124 - NaN is what differs from itself


def _minutes(seconds: float) -> str:
    return "–" if seconds != seconds else f"{seconds / 60:.1f} min"  # noqa: PLR0124 - NaN


def _cell(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

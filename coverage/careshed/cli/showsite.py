"""What ``careshed site`` prints beside the plan: other plans, frontier, prices, robustness; and why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from careshed.cli.show import console, stderr

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    import pandas as pd

    from careshed.dossier import Dossier
    from careshed.siting import Solution

__all__ = ["answers", "conflicts"]

_ROWS = 12
"""Rows of a table that are printed; all are in its file."""


def conflicts(solution: Solution) -> None:
    """Say why no plan meets the rules, and what would help."""
    for conflict in solution.reason:
        stderr.print(
            f"[bold red]no plan meets the rules[/] ({conflict.rule}): {escape(conflict.text.en)}", soft_wrap=True
        )
        stderr.print(f"  remedy: {escape(conflict.remedy.en)}", soft_wrap=True)
        for change in conflict.relaxations:
            stderr.print(f"  this alone would do: {escape(change.text.en)}", soft_wrap=True)


def answers(found: Dossier) -> None:
    """Print the answers beyond the sites."""
    for name, show in _SHOWN.items():
        if name in found.tables:
            console.print(show(found.tables[name]))
            if len(found.tables[name]) > _ROWS and name != "frontier":
                console.print(f"all {len(found.tables[name])} rows are in {name}.csv", style="dim")
    for note in found.notes:
        console.print(escape(note), soft_wrap=True)


def _kbest(plans: pd.DataFrame) -> Table:
    levels = [name for name in plans.columns if name not in {"gap", "status", "opened", "closed"}]
    table = Table("plan", *levels, "status", "opens instead", "of", title="best plans that differ")
    for rank, row in plans.head(_ROWS).iterrows():
        figures = (f"{row[name]:,.0f}" for name in levels)
        table.add_row(str(rank), *figures, *(escape(row[name]) for name in ("status", "opened", "closed")))
    return table


def _frontier(plans: pd.DataFrame) -> Table:
    table = Table("stations", "people covered", "share", "mean response", "gap", "status", title="frontier")
    for number, row in plans.iterrows():
        people = row["people_covered"]
        covered = "–" if people != people else f"{people:,.0f}"  # noqa: PLR0124 - NaN is what differs from itself
        share, mean = _percent(row["covered_share"]), _minutes(row["mean_response_s"])
        gap = "–" if row["gap"] == float("inf") else f"{row['gap']:.2%}"
        table.add_row(str(number), covered, share, mean, gap, row["status"])
    return table


def _tradeoff(points: pd.DataFrame) -> Table:
    columns = ("people covered in all phases", "share", "mean response", "gap", "status")
    table = Table(*columns, title="response by coverage")
    for _, row in points.iterrows():
        gap = "–" if row["gap"] == float("inf") else f"{row['gap']:.2%}"
        share, mean = _percent(row["covered_share"]), _minutes(row["mean_response_s"])
        table.add_row(f"{row['covered']:,.0f}", share, mean, gap, row["status"])
    return table


def _prices(prices: pd.DataFrame) -> Table:
    table = Table("rule", "in words", "people", "mean response", "status", title="what each rule costs")
    costly = prices[(prices["people"] != 0) | (prices["response_s"] > 0) | (prices["level"] != "")]
    order = costly.sort_values(["people", "response_s"], ascending=False, kind="stable")
    if len(costly) < len(prices):
        table.caption = f"{len(prices) - len(costly)} other rules cost nothing"
    for _, row in order.head(_ROWS).iterrows():
        saved = "–" if row["response_s"] != row["response_s"] else f"{row['response_s']:.1f} s"
        table.add_row(escape(row["rule"]), escape(row["text"]), f"{row['people']:,.0f}", saved, row["status"])
    return table


def _marginal(stations: pd.DataFrame) -> Table:
    columns = ("station", "name", "people served", "of them backed up", "covered by it alone", "mean, without it")
    table = Table(*columns, title="what each station adds")
    order = stations.sort_values(["only_cover", "mean_lost_s"], ascending=False, kind="stable")
    for site, row in order.head(_ROWS).iterrows():
        figures = (f"{row['load']:,.0f}", _percent(row["backed_up_share"]), f"{row['only_cover']:,.0f}")
        table.add_row(escape(str(site)), escape(row["name"]), *figures, f"+{row['mean_lost_s']:.1f} s")
    return table


def _robustness(scenarios: pd.DataFrame) -> Table:
    columns = ("scenario", "share covered", "mean response", "people lost to its own best plan", "rules broken")
    table = Table(*columns, title="if it is not as planned")
    for name, row in scenarios.iterrows():
        regret = "–" if row["regret"] != row["regret"] else f"{row['regret']:,.0f}"
        figures = (_percent(row["covered_share"]), _minutes(row["mean_response_s"]), regret)
        table.add_row(escape(str(name)), *figures, escape(row["broken"] or "none"))
    return table


def _closures(sites: pd.DataFrame) -> Table:
    columns = ("station closed", "name", "people no longer covered", "share left", "mean response")
    table = Table(*columns, title="if one station closed, worst first")
    for site, row in sites.head(_ROWS).iterrows():
        figures = (f"{row['covered_lost']:,.0f}", _percent(row["covered_share"]), f"+{row['response_lost_s']:.1f} s")
        table.add_row(escape(str(site)), escape(row["name"]), *figures)
    return table


_SHOWN = {
    "kbest": _kbest,
    "frontier": _frontier,
    "tradeoff": _tradeoff,
    "prices": _prices,
    "marginal": _marginal,
    "robustness": _robustness,
    "robustness-closures": _closures,
}


def _percent(share: float) -> str:
    return "–" if share != share else f"{share:.1%}"  # noqa: PLR0124 - NaN is what differs from itself


def _minutes(seconds: float) -> str:
    return "–" if seconds != seconds else f"{seconds / 60:.1f} min"  # noqa: PLR0124 - NaN

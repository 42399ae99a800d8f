"""The report: a plan as one HTML page for readers, with the proof and the sources beside the figures."""

from __future__ import annotations

import platform
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from careshed._checks import new_file
from careshed.plan import Plan
from careshed.report import _tables
from careshed.report._charts import Spread, distribution
from careshed.wording import (
    VERDICTS,
    Label,
    count,
    key_figures,
    minutes,
    openstreetmap,
    percent,
    service_label,
)

__all__ = ["write_report"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
"""Content-Security-Policy: the page runs no script and fetches nothing."""

_LIBRARIES = ("careshed", "geopandas", "shapely", "numba", "numpy", "highspy", "matplotlib")


def write_report(plan: Plan, path: Path | str) -> None:
    """Write a plan's report as one HTML file; the same plan gives the same bytes.

    Parameters
    ----------
    plan
        What was computed. A part that was left out has no section, and the page says why.
    path
        The file; it is there in full or not at all.
    """
    html = _template().render(
        policy=Markup(POLICY),  # noqa: S704 - ours
        css=Markup(files("careshed.report").joinpath("report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        plan=plan,
        area=plan.area,
        figures=key_figures(plan),
        trust=_trust(plan),
        service=service_label,
        standard=_standard(plan),
        charts=_drawings(plan),
        tables=_tables,
        credit=openstreetmap(plan.area),
        libraries=[(name, version(name)) for name in _LIBRARIES] + [("Python", platform.python_version())],
        count=count,
        minutes=minutes,
        percent=percent,
    )
    with new_file(path) as new:
        new.write_text(html, encoding="utf-8", newline="\n")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("careshed.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2")


def _trust(plan: Plan) -> Label:
    """Say in one sentence how far the plan is proven."""
    solution = plan.solution
    if solution is None:
        return Label("本报告不含选址方案。", "This report holds no siting plan.")
    if solution.status == "infeasible":
        return Label(
            "在给定规则下没有可行方案,原因如下。", "No plan can meet the rules as they stand; the reasons are below."
        )
    if not solution.found:
        return Label(
            "限定时间内尚未求得方案。", "No plan was found within the time given; whether there is one is open."
        )
    if solution.status == "optimal":
        return Label(
            "方案已证明最优:在同样的规则和数据下,没有更好的方案。",
            "The plan is proven optimal: with these rules and data there is no better one.",
        )
    words = VERDICTS[solution.status] if solution.status in VERDICTS else Label(solution.status, "")
    return Label(
        f"{words.zh}:与最优的差距至多 {solution.gap:.2%}。",
        f"{words.en.capitalize()}: at most {solution.gap:.2%} from the best.",
    )


def _standard(plan: Plan) -> Label | None:
    """State the standard of coverage beside its shares."""
    if plan.coverage is None:
        return None
    service = plan.area.targets.service[plan.coverage_service]
    within = f"{plan.coverage.cutoff_s / 60:g}"
    how = f"步行 {service.walk_speed_mps:g} m/s" if service.mode == "walk" else "驾车"
    how_en = f"walking at {service.walk_speed_mps:g} m/s" if service.mode == "walk" else "driving"
    return Label(
        f"标准:{how},{within} 分钟以内(含);社区内至少 {service.community_share:.0%} 的人口达到标准,该社区即达标。"
        "面积按 100 米网格中心点计,道路按长度计。",
        f"Standard: {how_en}, {within} minutes or less; a community is met when at least {service.community_share:.0%} "
        "of its people are. Area counts the centres of 100 m cells, streets their length.",
    )


def _drawings(plan: Plan) -> dict[str, Markup]:
    """Draw how people are spread over minutes, for coverage and for response."""
    charts = {}
    people = Label("人口比例(%)", "Share of people, %")
    if plan.coverage is not None:
        demand = plan.coverage.demand
        weight = plan.area.demand["population"].reindex(demand.index)
        if weight.sum() > 0:
            spread = Spread(
                Label("累计", "cumulative"), demand["seconds"].to_numpy("float64"), weight.to_numpy("float64")
            )
            charts["coverage"] = distribution(
                [spread],
                limit_s=plan.coverage.cutoff_s,
                x=Label("到最近机构的时间(分钟)", "Minutes to the nearest facility"),
                y=people,
                limit=Label("标准", "standard"),
                name="coverage",
            )
    stages = ((Label("方案", "plan"), plan.after), (Label("现状", "now"), plan.before))
    spreads = [
        Spread(label, response.demand["seconds"].to_numpy("float64"), response.demand["weight"].to_numpy("float64"))
        for label, response in stages
        if response is not None and response.total["weight"] > 0
    ]
    target = plan.after or plan.before
    if spreads and target is not None:
        charts["response"] = distribution(
            spreads,
            limit_s=target.target_s,
            x=Label("从呼叫到到达(分钟)", "Minutes from call to arrival"),
            y=Label("呼叫比例(%)", "Share of calls, %") if plan.weight == "calls" else people,
            limit=Label("目标", "target"),
            name="response",
        )
    return charts

"""The report: a plan as one HTML page for readers, with the proof and the sources beside the figures."""

from __future__ import annotations

import platform
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from careshed._checks import new_file
from careshed.plan import Plan
from careshed.report import _sources, _stations, _tables
from careshed.report._drawings import drawings
from careshed.report._frontier import rule_free
from careshed.report._pdf import find_browser, print_pdf
from careshed.report._table import listed
from careshed.wording import Label, count, key_figures, minutes, openstreetmap, service_label
from careshed.words import Language, label, term

__all__ = ["find_browser", "print_pdf", "write_report"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
"""Content-Security-Policy: the page runs no script and fetches nothing."""

LANGUAGES: dict[Language, str] = {"zh": "zh-CN", "en": "en"}
"""Languages that a report is written in, as HTML names them."""

_LIBRARIES = ("careshed", "geopandas", "shapely", "numba", "numpy", "highspy", "matplotlib")


def write_report(plan: Plan, path: Path | str, language: Language = "zh") -> None:
    """Write a plan's report as one HTML file; the same plan gives the same bytes.

    Parameters
    ----------
    plan
        What was computed. A part that was left out has no section, and the page says why.
    path
        The file; it is there in full or not at all.
    language
        ``zh`` or ``en``; names and sentences of data stay as they are.
    """
    html = _template(language).render(
        policy=Markup(POLICY),  # noqa: S704 - ours
        css=Markup(files("careshed.report").joinpath("report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        lang=LANGUAGES[language],
        other="en" if language == "zh" else "zh",
        plan=plan,
        area=plan.area,
        figures=key_figures(plan, language),
        trust=_trust(plan),
        standard=_standard(plan),
        service=service_label,
        credit=openstreetmap(plan.area),
        libraries=[(name, version(name)) for name in _LIBRARIES] + [("Python", platform.python_version())],
        near_m=f"{_stations.NEAR_M:g}",
        **_parts(plan, language),
    )
    with new_file(path) as new:
        new.write_text(html, encoding="utf-8", newline="\n")


def _template(language: Language) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("careshed.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )

    def read(text: str | Label) -> str:
        return text.read(language) if isinstance(text, Label) else text

    environment.filters |= {"read": read, "count": count, "minutes": minutes}
    environment.globals |= {"label": label, "say": lambda key, **blanks: label(key, **blanks).read(language)}
    return environment.get_template("report.html.j2")


def _parts(plan: Plan, language: Language) -> dict[str, Any]:
    """Return the tables and charts of each section, and the headings of the sections that there are."""
    frontier = rule_free(plan)
    parts: dict[str, Any] = {
        "scores": _tables.scorecard_table(plan),
        "left_out": {term("parts", part) or Label(part, ""): reason for part, reason in plan.left_out.items()},
        "covered": _tables.coverage_table(plan),
        "responses": _tables.response_table(plan),
        "in_time": _tables.in_time_table(plan),
        "beyond": _beyond(plan),
        "frontier": frontier,
        "phases": _stations.phases_table(plan),
        "stations": _stations.stations_table(plan),
        "levels": None if plan.solution is None else _stations.levels_table(plan.solution),
        "quotas": _sources.quota_tables(plan),
        "sources": _sources.provenance_table(plan),
        "rejected": _sources.rejected_table(plan),
        "dates": _sources.data_dates(plan),
        "assumptions": {_name(name): text for name, text in plan.assumptions.items()},
        "charts": drawings(plan, frontier, language),
    }
    both = plan.before is not None and plan.after is not None
    there = {
        "scorecard": (label("report.scorecard"), parts["scores"]),
        "left-out": (label("report.left_out"), parts["left_out"]),
        "coverage": (label("report.coverage"), parts["covered"]),
        "response": (label("report.response") if both else label("report.response_now"), parts["responses"]),
        "stations": (label("report.stations"), plan.solution),
        "proof": (label("report.proof"), parts["levels"]),
        "quotas": (label("report.quotas"), parts["quotas"]),
        "data": (label("report.data"), True),
        "method": (label("report.method"), True),
        "versions": (label("report.versions"), True),
    }
    return parts | {"sections": {name: heading for name, (heading, held) in there.items() if held}}


def _name(assumed: str) -> Label:
    """Return the name of an assumption."""
    first, _, number = assumed.partition(" ")
    if first == "targets" and number.isdigit():
        return label("report.of_targets", number=number)
    return term("assumed", assumed) or Label(assumed, "")


def _beyond(plan: Plan) -> Label:
    """Say how many nobody reaches within the hour, today and planned."""
    unit = label("report.unit_calls") if plan.weight == "calls" else label("report.unit_people")
    found = [(stage, count(float(response.total["unreachable"]))) for stage, response in _tables.stages(plan)]
    return listed([label("report.stage_count", stage=stage, count=number, unit=unit) for stage, number in found])


def _trust(plan: Plan) -> Label:
    """Say in one sentence how far the plan is proven."""
    solution = plan.solution
    if solution is None:
        return label("report.no_siting")
    if solution.status == "infeasible":
        return label("report.infeasible")
    if not solution.found:
        return label("report.none_yet")
    if solution.status == "optimal":
        return label("report.optimal")
    return label("report.stopped", gap=f"{solution.gap:.2%}")


def _standard(plan: Plan) -> Label | None:
    """State the standard of coverage beside its shares."""
    if plan.coverage is None:
        return None
    service = plan.area.targets.service[plan.coverage_service]
    walks = service.mode == "walk"
    how = label("report.walking", speed=f"{service.walk_speed_mps:g}") if walks else label("report.driving")
    within, least = f"{plan.coverage.cutoff_s / 60:g}", f"{service.community_share:.0%}"
    return label("report.standard", how=how, minutes=within, share=least)

"""The folder that a planner hands on: data files, map and report, all or nothing."""

from __future__ import annotations

from pathlib import Path

from careshed._checks import new_folder
from careshed.dossier import Dossier
from careshed.geopackage import write_geopackage
from careshed.maps import write_map
from careshed.output import write_dossier, write_layers
from careshed.plan import Plan
from careshed.record import RECORD, write_record
from careshed.report import print_pdf, write_report
from careshed.words import Language

__all__ = ["PLAN_FILES", "SITE_FILES", "write_answers", "write_part", "write_plan", "write_siting"]

PLAN_FILES = (
    "plan.json",
    "scorecard.csv",
    "map.html",
    "report.html",
    "report.pdf",
    "coverage.csv",
    "response-*.csv",
    "stations.*",
    "communities.*",
    "isochrones.geojson",
    "plan.gpkg",
    RECORD,
    "times-*.parquet",
    "unjoined.csv",
)
"""What a plan's folder holds; such a file of an earlier run that the new plan lacks is removed."""

SITE_FILES = (
    "site.json",
    "site.gpkg",
    "stations.*",
    "response-*.csv",
    "kbest.csv",
    "frontier.*",
    "tradeoff.*",
    "prices.csv",
    "marginal.csv",
    "served.csv",
    "robustness*.csv",
)
"""What ``careshed site`` writes; such a file of an earlier run that the new one lacks is removed."""


def write_plan(
    plan: Plan, folder: Path | str, *, language: Language = "zh", pdf: bool = False, basemap: str = "none"
) -> None:
    """Write a plan with its map and report into a folder, at once.

    Parameters
    ----------
    plan
        What was computed.
    folder
        Made where it does not exist; files in it that are not a plan's are left alone.
    language
        Of the report.
    pdf
        Whether the report is printed as PDF too, see :func:`careshed.report.find_browser`.
    basemap
        As `careshed.maps.coverage_map`.
    """
    with new_folder(folder, owned=PLAN_FILES) as new:
        write_layers(plan, new)
        write_geopackage(plan, new / "plan.gpkg")
        write_map(plan, new / "map.html", basemap=basemap)
        write_report(plan, new / "report.html", language)
        if pdf:
            print_pdf(new / "report.html", new / "report.pdf")
        write_record(plan, new)


def write_part(plan: Plan, folder: Path | str, part: str, *, basemap: str = "none") -> None:
    """Write the data files of one part, beside those of other parts.

    Parameters
    ----------
    plan
        What was computed.
    folder
        Made where it does not exist.
    part
        Names the JSON file: ``coverage`` gives ``coverage.json``.
    basemap
        As `careshed.maps.coverage_map`.
    """
    with new_folder(folder) as new:
        write_layers(plan, new, name=f"{part}.json")
        write_geopackage(plan, new / f"{part}.gpkg")
        write_map(plan, new / "map.html", basemap=basemap)


def write_siting(plan: Plan, folder: Path | str, *, basemap: str = "none") -> None:
    """Write a siting plan into a folder, at once.

    Parameters
    ----------
    plan
        What was computed.
    folder
        Made where it does not exist; answers of an earlier plan are removed, other files in it are left alone.
    basemap
        As `careshed.maps.coverage_map`.
    """
    with new_folder(folder, owned=SITE_FILES) as new:
        write_layers(plan, new, name="site.json")
        write_geopackage(plan, new / "site.gpkg")
        write_map(plan, new / "map.html", basemap=basemap)


def write_answers(found: Dossier, folder: Path | str) -> None:
    """Write the answers beyond a plan's sites into its folder, at once.

    Parameters
    ----------
    found
        The answers.
    folder
        The plan's.
    """
    with new_folder(folder) as new:
        write_dossier(found, new)

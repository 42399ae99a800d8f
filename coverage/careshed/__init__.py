"""careshed: plan health service coverage, from a road network to a proven station plan.

Names are loaded when first used, so that ``import careshed`` is quick::

    import careshed

    area = careshed.StudyArea.read("data/xicheng")
    plan = careshed.make_plan(area)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from careshed.area import StudyArea
    from careshed.build import build_area, build_place
    from careshed.calibration import fit_speeds
    from careshed.compare import compare_plans
    from careshed.errors import CareshedError
    from careshed.indicators import coverage_shares, response_times
    from careshed.isolines import isochrones
    from careshed.maps import coverage_map
    from careshed.network import RoadNetwork, read_profile
    from careshed.plan import Plan, make_plan
    from careshed.publish import write_plan
    from careshed.reach import TravelTimes, route, stream_times, travel_times
    from careshed.report import write_report
    from careshed.scoring import score_candidates
    from careshed.siting import SitingProblem, Solution, site
    from careshed.synthetic import synthesize
    from careshed.targets import Targets, read_targets

_HOMES = {
    "CareshedError": "errors",
    "Plan": "plan",
    "RoadNetwork": "network",
    "SitingProblem": "siting",
    "Solution": "siting",
    "StudyArea": "area",
    "Targets": "targets",
    "TravelTimes": "reach",
    "build_area": "build",
    "build_place": "build",
    "compare_plans": "compare",
    "coverage_map": "maps",
    "coverage_shares": "indicators",
    "isochrones": "isolines",
    "make_plan": "plan",
    "fit_speeds": "calibration",
    "read_profile": "network",
    "read_targets": "targets",
    "response_times": "indicators",
    "route": "reach",
    "score_candidates": "scoring",
    "site": "siting",
    "stream_times": "reach",
    "synthesize": "synthetic",
    "travel_times": "reach",
    "write_plan": "publish",
    "write_report": "report",
}

__all__ = [
    "CareshedError",
    "Plan",
    "RoadNetwork",
    "SitingProblem",
    "Solution",
    "StudyArea",
    "Targets",
    "TravelTimes",
    "build_area",
    "build_place",
    "compare_plans",
    "coverage_map",
    "coverage_shares",
    "fit_speeds",
    "isochrones",
    "make_plan",
    "read_profile",
    "read_targets",
    "response_times",
    "route",
    "score_candidates",
    "site",
    "stream_times",
    "synthesize",
    "travel_times",
    "write_plan",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'careshed' has no attribute {name!r}")
    return getattr(import_module(f"careshed.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""The chain in one go: an area in, coverage, response and a proven plan out.

Each part is computed where the area has what it needs; where not, the plan
says why it was left out.
"""

from __future__ import annotations

import time
from dataclasses import replace

from careshed.area import StudyArea
from careshed.brief import Ask
from careshed.errors import MissingLayerError
from careshed.network import Profile, default_profile
from careshed.plan._bench import Bench, Progress, solving_figures
from careshed.plan._plan import Plan
from careshed.siting.models import Model

__all__ = ["PARTS", "Plan", "make_plan", "solving_figures"]

PARTS = ("coverage", "response", "siting")
"""The parts of a plan, in the order they are computed."""


def make_plan(  # noqa: PLR0913 - options, each with its name
    area: StudyArea,
    *,
    parts: tuple[str, ...] = PARTS,
    coverage_service: str = "chc",
    siting_service: str = "ems",
    stations: int | None = None,
    model: Model | None = None,
    ask: Ask | None = None,
    time_limit_s: float | None = None,
    profile: Profile | None = None,
    hour: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Compute coverage, response and siting of an area.

    Parameters
    ----------
    area
        The study area, with its targets.
    parts
        Which of `PARTS` to compute.
    coverage_service, siting_service
        Ids of services in the area's targets.
    stations
        Stations in all, instead of the targets' figure.
    model
        What is sought, see :mod:`careshed.siting.models`; None: most people covered, then least response.
    ask
        Rules to switch off, sites that must or must not be open; `stations` goes before its figure.
    time_limit_s
        Stop the solver after so many seconds with the best plan and its true
        gap. None (the default) proves the optimum, so that every run gives the same plan.
    profile
        The time model, see :func:`careshed.network.read_profile`; default the packaged one.
    hour
        Hour of the day whose speeds count (8 is 8:00 to 8:59); None is free flow.
    progress
        Called with a sentence at each step.

    Returns
    -------
    Plan
        Parts that lack their data are None, with the reason in `Plan.left_out`.

    Raises
    ------
    MissingLayerError
        If a service is not in the targets, or nothing at all can be computed.

    Examples
    --------
    >>> plan = make_plan(StudyArea.read("data/xicheng"))  # doctest: +SKIP
    >>> plan.solution.status  # doctest: +SKIP
    'optimal'
    """
    started = time.perf_counter()
    say = progress or (lambda _: None)
    bench = Bench(area, say, profile or default_profile(), hour)
    if "coverage" in parts:
        bench.cover(coverage_service)
    if "response" in parts or "siting" in parts:
        bench.respond(siting_service)
    if "siting" in parts:
        ask = ask or Ask()
        bench.site(siting_service, ask if stations is None else replace(ask, stations=stations), model, time_limit_s)
        bench.check_quotas()
    if bench.coverage is None and bench.before is None and bench.solution is None:
        reasons = (f"{part}: {reason.read('en')}" for part, reason in bench.left_out.items())
        raise MissingLayerError("; ".join(reasons))
    return bench.plan(coverage_service, siting_service, time.perf_counter() - started)

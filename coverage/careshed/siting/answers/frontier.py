"""Coverage and response against the number of stations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pandas as pd

from careshed.errors import InputError
from careshed.siting.answers.evaluate import evaluate
from careshed.siting.answers.plans import Say, has_plan, quiet, reasons, solved
from careshed.siting.problem import SitingProblem

__all__ = ["frontier", "with_stations"]


def with_stations(
    problem: SitingProblem, stations: int, *, shares: Sequence[float | Fraction] | None = None
) -> SitingProblem:
    """Return a problem with another number of stations of the counted tier.

    Parameters
    ----------
    problem
        The problem.
    stations
        How many are open in the last phase.
    shares
        Share of all stations in each phase, the last one 1; None: as the problem's own counts stand to its own
        stations (13 of 18: 13/18).

    Examples
    --------
    Phases of 13 and 18 stations become ⌈13/18 × 9⌉ = 7 and 9.
    """
    if stations < 0:
        raise InputError(f"stations={stations}: expected a whole number from 0 up")
    if shares is None:
        whole = max(problem.stations, 1)
        shares = [Fraction(p.count, whole) for p in problem.phases[:-1]] + [Fraction(1)]
    if len(shares) != len(problem.phases):
        raise InputError(f"{len(shares)} shares for {len(problem.phases)} phases: give one for each phase")
    # figures as they are written, without binary rounding, as in phase_counts
    counts = [math.ceil(Fraction(str(share)) * stations) for share in shares]
    return replace(
        problem,
        stations=stations,
        phases=tuple(replace(p, count=count) for p, count in zip(problem.phases, counts, strict=True)),
        tiers=tuple(replace(t, count=stations) if t.name == problem.counted_tier else t for t in problem.tiers),
    )


def frontier(
    problem: SitingProblem,
    stations: Iterable[int],
    *,
    shares: Sequence[float | Fraction] | None = None,
    model: Any = None,
    time_limit_s: float | None = None,
    say: Say = quiet,
) -> pd.DataFrame:
    """Solve a problem for each of several numbers of stations.

    Parameters
    ----------
    problem
        Sites, people, times and rules; phases grow and shrink with the number, quotas and other tiers stay.
    stations
        Numbers of stations of the counted tier, such as ``range(5, 31)``; each is solved once, in rising order.
    shares
        As in :func:`with_stations`.
    model
        What is sought (:mod:`careshed.siting.models`); None: coverage, then response.
    time_limit_s
        Stop after about so many seconds for each number, with its true gap.
    say
        Called with a text before each number.

    Returns
    -------
    pandas.DataFrame
        Index ``stations``, rising; columns

        - ``people_covered`` (people within the standard in the last phase), ``covered_share`` (of all people),
          ``mean_response_s`` (of reachable people, in the last phase); NaN where there is no plan;
        - for each level of the model its figure under its name and, under the name with ``_bound``, the bound that no
          plan with so many stations beats (both as in :class:`careshed.siting.Level`: summed over phases);
        - ``gap`` (largest of the levels), ``status``, ``sites`` (ids open in the last phase) and ``reason`` (why there
          is no plan).

        Without rules, the first level of a proven frontier never gets worse as stations are added.
    """
    rows: list[dict[str, Any]] = []
    numbers = sorted({int(n) for n in stations})
    for number in numbers:
        say(f"{number} stations")
        now = with_stations(problem, number, shares=shares)
        solution = solved(now, model, time_limit_s)
        row: dict[str, Any] = {
            "people_covered": float("nan"),
            "covered_share": float("nan"),
            "mean_response_s": float("nan"),
        }
        if has_plan(solution):
            last = evaluate(now, solution.open_ids())
            row |= {
                "people_covered": last.covered,
                "covered_share": last.covered_share,
                "mean_response_s": last.mean_response_s,
            }
        for level in solution.levels:
            row |= {level.name: level.objective, f"{level.name}_bound": level.bound}
        row |= {"gap": solution.gap, "status": solution.status, "sites": " ".join(solution.open_ids())}
        rows.append(row | {"reason": reasons(solution)})
    frame = pd.DataFrame(rows, index=pd.Index(numbers, name="stations", dtype="int64"))
    tail = [c for c in ("gap", "status", "sites", "reason") if c in frame]
    return frame[[c for c in frame if c not in tail] + tail]

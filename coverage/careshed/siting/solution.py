"""What a plan answers: open sites, who serves whom, and the proof of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from careshed.words import Label

__all__ = ["Conflict", "Level", "Relaxation", "Solution", "SolverReport"]


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the objective.

    Attributes
    ----------
    name
        ``covered`` (people within the standard, summed over phases: the more the better) or
        ``response`` (person-seconds, summed over phases: the less the better).
    objective
        Of the plan, counted in whole people and milliseconds.
    bound
        No plan that keeps the levels above is better than this.
    gap
        ``|bound − objective| / max(|objective|, 1)``; 0.0 where the plan is proven.
    status
        ``optimal`` or ``feasible``.
    """

    name: str
    objective: float
    bound: float
    gap: float
    status: str


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The smallest change of one rule that makes a plan possible, with all other rules as they are.

    Attributes
    ----------
    rule
        Short name, as in :class:`Conflict`.
    before, after
        The rule's figure as asked for and as it can be met: stations, milliseconds, money, a share, or how many
        exceptions. One step less than `after` (a station, a millisecond, a unit of money, a thousandth) is not
        enough.
    text
        The change in words, with names and figures, in Chinese and English.
    """

    rule: str
    before: float
    after: float
    text: Label


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rules that can't be met together.

    Attributes
    ----------
    rule
        Short name: ``phases``, ``stations``, ``quota``, ``tier``, ``lead``, ``span``, ``among``, ``apart``,
        ``company``, ``budget``, ``worst time``, ``floor``, ``existing``, ``required`` or ``rules`` (several).
    text
        What can't be met and why, with names and figures, in Chinese and English.
    remedy
        What would help.
    relaxations
        Changes of which each, alone, makes a plan possible; none where no single one does. Of several
        conflicts the first carries them.
    """

    rule: str
    text: Label
    remedy: Label
    relaxations: tuple[Relaxation, ...] = ()


@dataclass(frozen=True, slots=True)
class SolverReport:
    """How the answer was found.

    Attributes
    ----------
    solver, version
        The solver behind it.
    settings
        Its options, with the tolerance within which a bound counts as met.
    runtime_s
        Wall-clock seconds, the only figure that differs between two runs.
    iterations
        Linear programs solved.
    nodes
        Nodes of the branch-and-bound trees.
    rows, columns
        Size of the largest linear program.
    """

    solver: str
    version: str
    settings: Mapping[str, float | int | str]
    runtime_s: float
    iterations: int
    nodes: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A plan with its proof, or the reason why there is none.

    Attributes
    ----------
    status
        ``optimal`` (every level proven), ``feasible`` (stopped by a time limit, see `gap`), ``infeasible``, or
        ``unknown`` (stopped before a plan was found).
    stations
        Open sites, index ``site_id`` (sorted): ``name``, ``group`` (``''`` outside), ``status``, ``tier``, ``phase``
        (1-based: the first in which it is open), ``by`` (that phase's date), ``counted`` (of the counted
        tier and inside), ``leader_id`` (``''`` led by none); with models of vehicles also
        ``vehicles``. Empty where infeasible.
    assignment
        Nearest open site of the last phase, index ``demand_id``: ``site_id`` (``''`` none within the cutoff;
        of equally near ones the least id), ``seconds`` (NaN there), ``weight``.
    phases
        Index 1 … K: ``by``, ``stations`` (counted tier), ``open_sites`` (all), ``covered`` (people within the
        standard), ``person_seconds`` (people whom no site can reach left out, people beyond the
        cutoff at the cutoff), ``beyond`` (people beyond the cutoff, reachable by some site),
        ``missing_quota`` (stations short of the groups' quotas).
    unreachable
        People (and points) whom no site at all reaches within the cutoff: in no level.
    unreachable_ids
        These points.
    levels
        The levels in order.
    report
        How it was found.
    shares
        Of models with capacities: who serves how many of whom in the last phase (``demand_id``, ``site_id``,
        ``people``); else None, and everybody is served by the nearest.
    reason
        Where infeasible, which rules can't be met.
    """

    status: str
    stations: pd.DataFrame
    assignment: pd.DataFrame
    phases: pd.DataFrame
    unreachable: int
    unreachable_ids: pd.Index
    levels: tuple[Level, ...]
    report: SolverReport
    reason: tuple[Conflict, ...] = ()
    shares: pd.DataFrame | None = None

    @property
    def found(self) -> bool:
        """Whether there is a plan, proven or not."""
        return self.status in {"optimal", "feasible"}

    @property
    def gap(self) -> float:
        """The largest gap of the levels; infinite where there is no plan."""
        return max((level.gap for level in self.levels), default=float("inf"))

    def open_ids(self, phase: int | None = None) -> list[str]:
        """Return the ids of the sites open in a phase (1-based; None: the last), all tiers, outside ones included."""
        table = self.stations if phase is None else self.stations[self.stations["phase"] <= phase]
        return [str(i) for i in table.index]

    def tier_ids(self) -> dict[str, list[str]]:
        """Return the ids of the open sites inside, by tier."""
        inside = self.stations[self.stations["group"] != ""]
        return {str(t): [str(i) for i in part.index] for t, part in inside.groupby("tier")}

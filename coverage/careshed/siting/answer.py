"""What a road from a problem to a plan gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.siting.cut.branch import ACCEPTED
from careshed.siting.cut.search import Plan
from careshed.siting.solution import Level

__all__ = ["Answer", "Effort", "Progress", "level_of"]

Progress = Callable[[float, float, str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How a plan was found: in words, and how much work it was."""

    method: str
    iterations: int = 0
    nodes: int = 0
    rows: int = 0
    columns: int = 0
    accepted: float = ACCEPTED


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A plan, what is proven about it, and what a model adds to it: vehicles at sites, shares of demand."""

    plan: Plan
    levels: tuple[Level, ...]
    effort: Effort
    vehicles: npt.NDArray[np.int64] | None = None
    shares: pd.DataFrame | None = None


def level_of(name: str, objective: float, bound: float, *, proven: bool) -> Level:
    """Return a level's report."""
    gap = 0.0 if proven else abs(bound - objective) / max(abs(objective), 1.0)
    return Level(name, objective, objective if proven else bound, gap, "optimal" if proven else "feasible")

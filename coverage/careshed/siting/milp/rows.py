"""Demand of the covering models: points with equal sets of sites make one row, which loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from careshed.siting.problem import SitingProblem
from careshed.siting.rows.side_rules import sites_within

__all__ = ["CoverRows", "Near"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Sites near each row within one time: row *i* has ``site[starts[i]:starts[i + 1]]``."""

    starts: Ints
    site: Ints

    def of(self, row: int) -> Ints:
        """Return the sites near a row."""
        return self.site[self.starts[row] : self.starts[row + 1]]

    def counts(self, amount: Ints) -> Ints:
        """Return, per row, the sum over its sites of `amount` (whole numbers, shape (sites,))."""
        row = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return np.bincount(row, weights=amount[self.site], minlength=len(self.starts) - 1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class CoverRows:
    """Rows of demand.

    Attributes
    ----------
    weight
        People of each row, int64.
    near
        For each time asked for, the sites within it.
    """

    weight: Ints
    near: tuple[Near, ...]

    @classmethod
    def of(cls, problem: SitingProblem, times_ms: Sequence[int]) -> Self:
        """Gather demand that has people and, within the last of some rising times, a site."""
        demand = np.flatnonzero(problem.weights > 0).astype(np.int64)
        lists = [sites_within(problem, ms, demand) for ms in times_ms]
        merged: dict[tuple[bytes, ...], int] = {}
        first: list[int] = []
        weight: list[int] = []
        for n, people in enumerate(problem.weights[demand].tolist()):
            key = tuple(site[starts[n] : starts[n + 1]].tobytes() for starts, site in lists)
            if not key[-1]:
                continue
            row = merged.setdefault(key, len(first))
            if row == len(first):
                first.append(n)
                weight.append(0)
            weight[row] += people
        return cls(np.array(weight, dtype=np.int64), tuple(_taken(starts, site, first) for starts, site in lists))


def _taken(starts: Ints, site: Ints, rows: list[int]) -> Near:
    """Return some rows of a list of lists."""
    chosen = np.array(rows, dtype=np.int64)
    lengths = np.diff(starts)[chosen]
    after = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    take = np.repeat(starts[chosen] - after[:-1], lengths) + np.arange(after[-1])
    return Near(after, site[take])

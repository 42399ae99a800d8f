"""Maximal covering on plain arrays: what is left to decide, and how it shrinks without loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from careshed.siting.cut.costs import Costs
from careshed.siting.fast.collapse import dominated_sites, equal_rows, transposed

__all__ = ["Cover"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    r"""Which sites reach which rows, and how many sites may still open.

    With rows *i* of weight :math:`w_i`, reached by the sites :math:`N_i`, a plan *S* of at most *p* sites leaves
    :math:`\text{spent} + Σ_i w_i [S ∩ N_i = ∅]` people uncovered.

    Attributes
    ----------
    starts, site
        Row *i* is reached by the sites ``site[starts[i]:starts[i + 1]]``, ascending.
    weight
        People, int64, shape (rows,).
    at, row
        The same by site: site *j* reaches ``row[at[j]:at[j + 1]]``.
    names
        What the sites are called outside, int64, shape (sites,).
    opened
        Sites that are open whatever is decided, by the names outside.
    p
        How many sites may still open.
    spent
        People whom no site that is left reaches.
    """

    starts: Ints
    site: Ints32
    weight: Ints
    at: Ints
    row: Ints32
    names: Ints
    opened: Ints
    p: int
    spent: int

    @classmethod
    def of(cls, costs: Costs, p: int) -> Self:
        """Take over coverage costs: 0 where a site reaches a row, the row's base where none is open."""
        weight = costs.weight * costs.base
        names = np.arange(costs.sites, dtype=np.int64)
        none = np.zeros(0, dtype=np.int64)
        length = np.diff(costs.starts)
        order = np.lexsort((costs.site, np.repeat(np.arange(len(length)), length)))
        at, row = transposed(costs.starts, costs.site, costs.sites)
        return cls(costs.starts, costs.site[order], weight, at, row, names, none, p, 0)

    @property
    def sites(self) -> int:
        """How many sites are left."""
        return len(self.names)

    @property
    def rows(self) -> int:
        """How many rows are left."""
        return len(self.weight)

    def uncovered(self, opened: Ints) -> int:
        """Return the people uncovered by the sites at these positions (and those open already), exactly."""
        reached = np.zeros(self.rows, dtype=bool)
        for j in opened.tolist():
            reached[self.row[self.at[j] : self.at[j + 1]]] = True
        return self.spent + int(self.weight[~reached].sum())

    def outside(self, opened: Ints) -> Ints:
        """Return all open sites by their names outside, sorted."""
        return np.sort(np.concatenate([self.opened, self.names[opened]]))

    def inside(self, names: Ints) -> Ints:
        """Return the positions of those named sites that are left."""
        return np.flatnonzero(np.isin(self.names, names))

    def without(self, closed: Bools, opened: Bools) -> Cover:
        """Return what is left to decide with some sites closed and some open."""
        reached = np.zeros(self.rows, dtype=bool)
        for j in np.flatnonzero(opened).tolist():
            reached[self.row[self.at[j] : self.at[j + 1]]] = True
        left = ~(closed | opened)
        owner = np.repeat(np.arange(self.rows), np.diff(self.starts))
        keep = left[self.site] & ~reached[owner]
        length = np.bincount(owner[keep], minlength=self.rows)
        lost = (length == 0) & ~reached
        number = np.cumsum(left) - 1
        starts = np.concatenate(([0], np.cumsum(length[length > 0]))).astype(np.int64)
        return self._merged(
            starts,
            number[self.site[keep]].astype(np.int32),
            self.weight[length > 0],
            names=self.names[left],
            opened=np.concatenate([self.opened, self.names[opened]]),
            p=self.p - int(opened.sum()),
            spent=self.spent + int(self.weight[lost].sum()),
        )

    def _merged(
        self, starts: Ints, site: Ints32, weight: Ints, *, names: Ints, opened: Ints, p: int, spent: int
    ) -> Cover:
        """Return a cover in which equal rows are one."""
        first, which = equal_rows(starts, site, np.zeros(len(site), dtype=np.int32), np.ones_like(weight))
        merged = np.zeros(len(first), dtype=np.int64)
        np.add.at(merged, which, weight)
        length = np.diff(starts)[first]
        kept = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
        take = np.repeat(starts[first] - kept[:-1], length) + np.arange(kept[-1])
        site = site[take]
        at, row = transposed(kept, site, len(names))
        return replace(
            self,
            starts=kept,
            site=site,
            weight=merged,
            at=at,
            row=row,
            names=names,
            opened=opened,
            p=p,
            spent=spent,
        )

    def reduced(self) -> Cover:
        """Return the cover without dominated sites, and without rows that every plan of *p* sites reaches."""
        cover = self
        while cover.sites > 1:
            out = dominated_sites(cover.starts, cover.site, cover.at, cover.row)
            if not out.any():
                break
            cover = cover.without(out, np.zeros_like(out))
        return cover

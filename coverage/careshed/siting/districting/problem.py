"""What is asked of districts: units with people, cores, what it costs to attach one to the other, who touches whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed._checks import require_columns, require_unique
from careshed.errors import InputError
from careshed.siting.pairs import whole

__all__ = ["NEVER", "DistrictProblem"]

NEVER = -1
"""Cost of a unit and a core that can't be attached."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class DistrictProblem:
    r"""Which units go to which core. Made by :meth:`build`.

    Units and cores stand in order of their ids, so that the order of rows in
    a file never decides between two equally good answers.

    Attributes
    ----------
    unit_ids, core_ids
        Unique string ids, sorted.
    unit_names, core_names
        Their names, the id where there is none.
    weights
        People :math:`w_i` of each unit, int64, shape (units,).
    seats
        Position :math:`s_k` of the unit that each core stands in, int64, shape (cores,).
    costs
        Milliseconds :math:`c_{ik}` of one person of the unit to the core (or any other whole figure for one
        person), `NEVER` where the unit can't go there, int64, shape (units, cores).
    edges
        Units that touch, each pair once, the lesser position first, int64, shape (pairs, 2).
    tolerance
        How far a district's people may be from the mean, as a share of the mean; None: as little as can be.
    """

    unit_ids: pd.Index
    core_ids: pd.Index
    unit_names: tuple[str, ...]
    core_names: tuple[str, ...]
    weights: Ints
    seats: Ints
    costs: Ints
    edges: Ints
    tolerance: Fraction | None

    @classmethod
    def build(
        cls,
        units: pd.DataFrame,
        cores: pd.DataFrame,
        costs: pd.DataFrame,
        neighbours: Iterable[tuple[str, str]],
        *,
        tolerance: float | None = 0.15,
    ) -> Self:
        """State a problem from tables that carry their ids.

        Parameters
        ----------
        units
            Index of unit ids; ``weight`` (people, whole numbers), and ``name`` where there is one.
        cores
            Index of core ids; ``unit_id`` (the unit it stands in), and ``name`` where there is one.
        costs
            One row for each unit, one column for each core: whole numbers, NaN where a unit can't go there.
        neighbours
            Pairs of ids of units that touch, in any order.
        tolerance
            0.15 lets each district have 15 % more or less people than the mean; None asks for the most equal
            districts that can be, and for the most compact among these.

        Raises
        ------
        MissingColumnError, DuplicateIdError
            If a table isn't as above.
        InputError
            If an id is in one table and not in the other, a number isn't whole, or nobody lives anywhere.
        """
        units, cores = _named(units, {"weight"}, "units"), _named(cores, {"unit_id"}, "cores")
        weights = whole(units["weight"], what="the weights of units")
        if not len(cores) or not weights.sum():
            raise InputError(f"{len(cores)} cores and {weights.sum()} people; expected at least one of each")
        if tolerance is not None and not tolerance >= 0:
            raise InputError(f"tolerance is {tolerance:g}; expected a share of 0 or more, such as 0.15")
        seats = units.index.get_indexer(pd.Index(cores["unit_id"].astype(str)))
        if (seats < 0).any():
            first = cores.index[seats < 0][0]
            raise InputError(f"core {first} stands in unit {cores['unit_id'][first]!r}, which is none of the units")
        return cls(
            unit_ids=units.index,
            core_ids=cores.index,
            unit_names=_names(units),
            core_names=_names(cores),
            weights=weights,
            seats=seats.astype(np.int64),
            costs=_costs(costs, units.index, cores.index),
            edges=_edges(neighbours, units.index),
            tolerance=None if tolerance is None else Fraction(str(tolerance)),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Numbers of units and of cores."""
        return len(self.unit_ids), len(self.core_ids)

    @property
    def people(self) -> int:
        """People of all units."""
        return int(self.weights.sum())

    @property
    def spread(self) -> int | None:
        """The most that cores × people of a district may differ from `people`; None where no tolerance is set."""
        return None if self.tolerance is None else int(self.tolerance * self.people)

    def window(self, spread: int) -> tuple[int, int]:
        """Return the fewest and most people of a district under a spread, whole."""
        cores = len(self.core_ids)
        return -((spread - self.people) // cores), (self.people + spread) // cores

    def neighbours(self) -> list[list[int]]:
        """Return for each unit the units that it touches, sorted."""
        lists: list[list[int]] = [[] for _ in self.unit_ids]
        for i, j in self.edges.tolist():
            lists[i].append(j)
            lists[j].append(i)
        return [sorted(one) for one in lists]

    def allowed(self) -> Bools:
        """Return which unit may go to which core: one that has a cost, and no other core's seat; shape of `costs`."""
        may = self.costs != NEVER
        may[self.seats] = False
        may[self.seats, np.arange(len(self.seats))] = self.costs[self.seats, np.arange(len(self.seats))] != NEVER
        return may

    def loads(self, owner: Ints) -> Ints:
        """Return the people of each core's district."""
        loads = np.zeros(len(self.core_ids), dtype=np.int64)
        np.add.at(loads, owner, self.weights)
        return loads

    def spread_of(self, owner: Ints) -> int:
        """Return the largest difference of cores × people of a district from `people`."""
        return int(np.abs(self.loads(owner) * len(self.core_ids) - self.people).max())

    def total(self, owner: Ints) -> int:
        """Return the sum of people × cost, whole."""
        return int((self.weights * self.costs[np.arange(len(owner)), owner]).sum())

    def unit(self, position: int) -> str:
        """Return a unit's name with its id."""
        return _label(self.unit_names[position], str(self.unit_ids[position]))

    def core(self, position: int) -> str:
        """Return a core's name with its id."""
        return _label(self.core_names[position], str(self.core_ids[position]))


def _label(name: str, own_id: str) -> str:
    return name if name == own_id else f"{name} ({own_id})"


def _named(table: pd.DataFrame, columns: set[str], what: str) -> pd.DataFrame:
    """Return a table with string ids, sorted by them."""
    require_columns(table, columns, what=what)
    table = table.set_axis(table.index.astype(str), axis=0)
    require_unique(table.index, what=what)
    return table.sort_index()


def _names(table: pd.DataFrame) -> tuple[str, ...]:
    ids = table.index.to_series()
    if "name" not in table:
        return tuple(ids)
    return tuple(table["name"].fillna("").astype(str).where(lambda name: name != "", ids))


def _costs(costs: pd.DataFrame, units: pd.Index, cores: pd.Index) -> Ints:
    """Return the costs in order, `NEVER` for NaN."""
    costs = costs.set_axis(costs.index.astype(str), axis=0).set_axis(costs.columns.astype(str), axis=1)
    for own, wanted, what in ((costs.index, units, "row for unit"), (costs.columns, cores, "column for core")):
        require_unique(own, what=f"the table of costs, each {what}")
        lacking = wanted.difference(own)
        if len(lacking):
            raise InputError(f"the table of costs has no {what} {lacking[0]} ({len(lacking)} are missing in all)")
    table = costs.loc[units, cores]
    there = table.notna().to_numpy()
    values = pd.Series(table.to_numpy()[there], index=pd.MultiIndex.from_product([units, cores])[there.ravel()])
    full = np.full(there.shape, NEVER, dtype=np.int64)
    full[there] = whole(values, what="the table of costs")
    return full


def _edges(neighbours: Iterable[tuple[str, str]], units: pd.Index) -> Ints:
    """Return pairs of positions, each once."""
    pairs = [(str(a), str(b)) for a, b in neighbours]
    ids = pd.Index([unit for pair in pairs for unit in pair], dtype=object)
    positions = units.get_indexer(ids)
    if (positions < 0).any():
        raise InputError(f"neighbours: {ids[positions < 0][0]!r} is none of the {len(units)} units")
    ends = np.sort(positions.reshape(-1, 2), axis=1).astype(np.int64)
    return np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0).reshape(-1, 2)

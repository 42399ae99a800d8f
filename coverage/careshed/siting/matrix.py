"""A siting problem from a table of costs whose rows and columns carry their ids.

A matrix without labels is refused: taken in the wrong order it gives a plan for another town, and nobody notices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed._checks import require_unique
from careshed.errors import DuplicateIdError, InputError, MissingColumnError, UnsupportedError
from careshed.siting.pairs import Pairs
from careshed.siting.problem import SitingProblem

__all__ = ["STEPS", "from_cost_matrix"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
STEPS: Mapping[str, int] = MappingProxyType(
    {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "m": 1_000, "km": 1_000_000, "": 1_000}
)
"""Whole steps in one unit: milliseconds of times, millimetres of lengths, thousandths of plain costs (``""``)."""
TIMES = frozenset({"ms", "s", "min", "h"})
LARGEST = 2**31 - 4
"""Steps are held in 32 bits."""
COLUMNS: Mapping[str, str | None] = MappingProxyType(
    {"seconds": "s", "ms": "ms", "minutes": "min", "metres": "m", "cost": None}
)
"""Columns of a long table that hold costs, with their unit; that of ``cost`` is told."""


def from_cost_matrix(  # noqa: PLR0913 - every part but the table by name
    frame: pd.DataFrame,
    *,
    stations: int,
    weights: pd.Series | None = None,
    sites: pd.DataFrame | None = None,
    standard: float | None = None,
    cutoff: float | None = None,
    unit: str | None = None,
    scale: int | None = None,
    exact: bool = False,
    **rules: Any,
) -> SitingProblem:
    """Make a problem from a labelled table of times, lengths or other costs.

    Parameters
    ----------
    frame
        Wide: index of demand ids, a column for each site id. Or long: columns ``site_id``, ``demand_id`` and
        one of ``seconds``, ``ms``, ``minutes``, ``metres`` (whose unit they are) or ``cost`` (in `unit`), each
        pair once. Ids are strings. NaN and infinity: the site can't reach that demand.
    stations
        How many sites to open.
    weights
        People, whole numbers, by demand id; default: 1 each. Its ids are those of `frame`, in any order.
    sites
        As in :meth:`SitingProblem.build`; its ids are those of `frame`, in any order. Default: all are candidates.
    standard
        Cost up to which demand is covered (``<=``), in the frame's unit; default: the greatest cost.
    cutoff
        Cost at which demand counts that no open site serves, in the frame's unit; dearer pairs count as
        unreachable. Default: one step more than the greatest cost (or the standard), so that all pairs count.
    unit
        ``s`` (default), ``ms``, ``min``, ``h``, ``m``, ``km`` or ``""`` (plain costs).
    scale
        Whole steps in one unit, for lengths and plain costs; default: :data:`STEPS`.
    exact
        Refuse costs that are no whole number of steps.
    rules
        Further parts of :meth:`SitingProblem.build`, by name.

    Returns
    -------
    SitingProblem
        In whole steps: what it calls ms is steps, what a solution calls seconds is 1,000 steps (so with the
        default scale the unit itself for ``s``, ``m`` and plain costs, metres for ``km``).

    Raises
    ------
    InputError
        If labels are missing, not strings or unknown, or a cost can't be meant (negative, no number, or too
        large to be held in steps).
    DuplicateIdError
        If a label or a pair is there twice.
    MissingColumnError
        If a long table has no column of costs.
    UnsupportedError
        If `scale` is given for times.

    Notes
    -----
    All that follows is computed in whole steps, exactly. A cost that is no whole number of steps is rounded to the
    nearest, which moves it by half a step at most; a cost on the far side of `standard` stays there (then it
    moves by less than one step), so that cover is decided by the costs as they were given.

    Examples
    --------
    >>> frame = pd.DataFrame({"north": [60.0, 90.5], "south": [240.0, float("nan")]}, index=["home", "school"])
    >>> problem = from_cost_matrix(frame, stations=1, standard=120)
    >>> [array.tolist() for array in problem.pairs()]
    [[0, 0, 1], [0, 1, 0], [60000, 90500, 240000]]
    """
    _refuse_unlabelled(frame)
    site, demand, cost, own_unit = _long(frame) if _is_long(frame) else _wide(frame)
    steps = _steps(own_unit, unit, scale)
    if standard is not None and not 0 < standard < (math.inf if cutoff is None else cutoff):
        raise InputError(
            f"standard={standard} and cutoff={cutoff}: expected 0 < standard < cutoff, in the frame's unit"
        )
    site_ids, demand_ids = pd.Index(pd.unique(site)), pd.Index(pd.unique(demand))
    weights = pd.Series(1, index=demand_ids) if weights is None else weights
    sites = pd.DataFrame(index=site_ids) if sites is None else sites
    _require_same(demand_ids, weights.index, site_ids, what="demand", other="weights")
    _require_same(site_ids, sites.index, demand_ids, what="site", other="sites")
    near = np.isfinite(cost) & (cost <= (math.inf if cutoff is None else cutoff))
    ms, limit, end = _whole(cost[near], steps, standard, cutoff, exact=exact)
    site_of = site_ids.get_indexer(site[near]).astype(np.int32)
    demand_of = demand_ids.get_indexer(demand[near]).astype(np.int32)
    pairs = Pairs(site_ids, demand_ids, site_of, demand_of, ms.astype(np.int32))
    return SitingProblem.build(sites, weights, pairs, stations=stations, standard_ms=limit, cutoff_ms=end, **rules)


def _refuse_unlabelled(frame: Any) -> None:
    """Refuse what doesn't say which row and column is whose."""
    if not isinstance(frame, pd.DataFrame):
        kind = f"{type(frame).__module__}.{type(frame).__qualname__}"
        raise InputError(
            f"the costs are a {kind} without labels; expected a DataFrame whose index names the demand and whose "
            "columns name the sites: pd.DataFrame(costs, index=demand_ids, columns=site_ids)"
        )
    if _is_long(frame):
        return
    for labels, what, remedy in (
        (frame.index, "rows", "frame.index = demand_ids"),
        (frame.columns, "columns", "frame.columns = site_ids"),
    ):
        if isinstance(labels, pd.RangeIndex):
            raise InputError(f"the {what} of the costs are numbered, not labelled; say whose they are: {remedy}")


def _is_long(frame: pd.DataFrame) -> bool:
    """Return whether a table has a row for each pair."""
    return {"site_id", "demand_id"} <= set(frame.columns)


def _long(frame: pd.DataFrame) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Floats, str | None]:
    """Return site, demand and cost of each row, and the unit that its column's name tells."""
    named = [column for column in COLUMNS if column in frame.columns]
    if not named:
        raise MissingColumnError(
            f"the table of pairs has no column of costs; expected one of {', '.join(COLUMNS)}; it has "
            f"{', '.join(map(str, frame.columns))}"
        )
    if len(named) > 1:
        raise InputError(
            f"the table of pairs has the costs {' and '.join(named)}; leave one of them: frame.drop(columns=…)"
        )
    for column in ("site_id", "demand_id"):
        _require_strings(pd.Index(frame[column]), what=f"column {column}")
    twice = frame.duplicated(["site_id", "demand_id"])
    if twice.any():
        first = frame.loc[twice, ["site_id", "demand_id"]].iloc[0]
        raise DuplicateIdError(
            f"{int(twice.sum())} pairs are there twice, first site {first['site_id']} with demand "
            f"{first['demand_id']}; leave one row for each pair"
        )
    ids = frame[["site_id", "demand_id"]].to_numpy(object)
    cost = _numbers(frame[[named[0]]], lambda row, _: f"site {ids[row, 0]}, demand {ids[row, 1]}")
    return ids[:, 0], ids[:, 1], cost.ravel(), COLUMNS[named[0]]


def _wide(frame: pd.DataFrame) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Floats, str | None]:
    """Return site, demand and cost of each cell."""
    for labels, what, side in ((frame.index, "demand", "index"), (frame.columns, "sites", "columns")):
        _require_strings(labels, what=f"the {side} ({what})")
        require_unique(labels, what=what)
    cost = _numbers(frame, lambda row, column: f"site {frame.columns[column]}, demand {frame.index[row]}")
    rows, columns = frame.shape
    site = np.tile(frame.columns.to_numpy(object), rows)
    demand = np.repeat(frame.index.to_numpy(object), columns)
    return site, demand, cost.ravel(), None


def _require_strings(labels: pd.Index, *, what: str) -> None:
    """Refuse labels that are no strings: numbers lose their zeros, and numbered rows are nobody's."""
    strange = [label for label in labels if not isinstance(label, str)]
    if strange:
        raise InputError(
            f"{what} of the costs: {len(strange)} labels are no strings, first {strange[0]!r}; expected ids as they "
            "stand in the other tables: read them with dtype=str"
        )


def _require_same(ids: pd.Index, others: pd.Index, across: pd.Index, *, what: str, other: str) -> None:
    """Refuse ids that only one of two tables has."""
    require_unique(others, what=other)
    others = others.astype(str)
    if len(ids.intersection(others)) == 0 and len(across.intersection(others)):
        raise InputError(f"the index of {other} names what the costs have as the other side; turn the costs: frame.T")
    for left, right, has, lacks in ((ids, others, "the costs", other), (others, ids, other, "the costs")):
        strange = left[~left.isin(right)]
        if len(strange):
            raise InputError(
                f"{len(strange)} {what} ids of {has} are not in {lacks}, first {strange[0]!r}; add them to {lacks} "
                f"(costs that are unknown or out of reach as NaN) or remove them from {has}"
            )


def _numbers(frame: pd.DataFrame, place: Callable[[int, int], str]) -> Floats:
    """Return costs as floats, refusing text and negative ones; `place` says whose a cell is."""
    cost = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    for bad, fault in ((np.isnan(cost) & frame.notna().to_numpy(), "no numbers"), (cost < 0, "negative")):
        if bad.any():
            row, column = (int(at[0]) for at in np.nonzero(bad))
            raise InputError(
                f"{int(bad.sum())} costs are {fault}, first {frame.iloc[row, column]!s} ({place(row, column)}); "
                "leave unreachable pairs out or give them as NaN"
            )
    return cost


def _steps(own_unit: str | None, unit: str | None, scale: int | None) -> int:
    """Return the whole steps in one unit of the costs."""
    if own_unit is not None and unit not in {None, own_unit}:
        raise InputError(f"unit={unit!r}, but the column of costs is in {own_unit!r}; leave unit out or rename it cost")
    unit = own_unit or ("s" if unit is None else unit)
    if unit not in STEPS:
        raise InputError(f"unit={unit!r}: expected one of {', '.join(map(repr, STEPS))}")
    if scale is None:
        return STEPS[unit]
    if unit in TIMES:
        raise UnsupportedError(f"scale={scale} with unit={unit!r}: times are counted in milliseconds; leave scale out")
    if scale < 1 or scale != int(scale):
        raise InputError(f"scale={scale}: expected a whole number from 1 up")
    return int(scale)


def _whole(
    cost: Floats, steps: int, standard: float | None, cutoff: float | None, *, exact: bool
) -> tuple[Ints, int, int]:
    """Return costs, standard and cutoff in steps; which costs are within the standard stays as it is."""
    most = max(float(cost.max(initial=0.0)), standard or 0.0, cutoff or 0.0)
    if most * steps >= LARGEST:
        raise InputError(
            f"the greatest cost {most} in {steps} steps a unit is more than can be held; expected less than {LARGEST} "
            f"steps: give a larger unit or scale={max(int(LARGEST / most) - 1, 1)}"
        )
    whole = np.rint(cost * steps).astype(np.int64)
    if exact and (broken := np.flatnonzero(whole / steps != cost)).size:
        raise InputError(
            f"{len(broken)} costs are no whole number of 1/{steps} units, first {cost[broken[0]]}; give a larger "
            "scale, round them, or leave exact out"
        )
    if standard is not None:
        limit = _down(standard, steps)
        whole = np.where(cost <= standard, np.minimum(whole, limit), np.maximum(whole, limit + 1))
        end = max(int(whole.max(initial=0)), limit) + 1 if cutoff is None else max(_down(cutoff, steps), limit + 1)
        return np.minimum(whole, end), limit, end
    most = max(int(whole.max(initial=0)), 1)
    end = most + 1 if cutoff is None else _down(cutoff, steps)
    return np.minimum(whole, end), min(most, end - 1), end


def _down(cost: float, steps: int) -> int:
    """Return a limit in whole steps: itself where it is one, the step below it otherwise."""
    nearest = round(cost * steps)
    return nearest if nearest / steps == cost else math.floor(cost * steps)

"""Sparse times that carry their ids, and their canonical order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed._checks import require_columns
from careshed.errors import InputError

__all__ = ["Pairs", "aligned", "whole"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Sparse times that carry their ids.

    Attributes
    ----------
    site_ids, other_ids
        What `site` and `other` count: unique string ids.
    site, other
        Positions in these, int32, shape (pairs,).
    ms
        Times in milliseconds, int32, shape (pairs,).
    """

    site_ids: pd.Index
    other_ids: pd.Index
    site: Ints32
    other: Ints32
    ms: Ints32

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, other: str = "demand_id") -> Self:
        """Make pairs from a long table with columns ``site_id``, `other` and ``ms``.

        Raises
        ------
        MissingColumnError
            If one of the three is not there.
        """
        require_columns(frame, {"site_id", other, "ms"}, what="the table of times")
        site, site_ids = pd.factorize(frame["site_id"].astype(str), sort=True)
        row, other_ids = pd.factorize(frame[other].astype(str), sort=True)
        ms = whole(frame["ms"], what="column ms of the table of times").astype(np.int32)
        return cls(pd.Index(site_ids), pd.Index(other_ids), site.astype(np.int32), row.astype(np.int32), ms)

    @classmethod
    def from_times(cls, times: Any, *, sites: str = "origin", add_ms: int = 0) -> Self:
        """Make pairs from :class:`careshed.reach.TravelTimes`.

        Parameters
        ----------
        times
            Travel times; its origins or its destinations are the sites.
        sites
            ``"origin"`` where a vehicle leaves the site (or, for lead times, where the led
            station is the origin); ``"destination"`` where people come to it.
        add_ms
            Added to every time: call handling and turnout, where the times don't have them.
        """
        origin, destination, ms = times.pairs()
        ms = (np.asarray(ms, dtype=np.int64) + add_ms).astype(np.int32)
        if sites == "origin":
            return cls(times.origin_ids, times.destination_ids, origin, destination, ms)
        if sites == "destination":
            return cls(times.destination_ids, times.origin_ids, destination, origin, ms)
        raise InputError(f"sites={sites!r}: expected 'origin' or 'destination'")


def whole(values: pd.Series, *, what: str) -> Ints:
    """Return whole, non-negative numbers, refusing all others by name."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{what}: {int(bad.sum())} values are no whole numbers from 0 up, first {values.iloc[first]!r} at "
            f"{values.index[first]!r}; round or remove them first"
        )
    return numbers.astype(np.int64)


def positions(ids: pd.Index, known: pd.Index, removed: pd.Index, *, what: str) -> Ints:
    """Return positions of `ids` in `known`, −1 for removed ones, refusing strangers."""
    ids = ids.astype(str)
    positions = known.get_indexer(ids).astype(np.int64)
    strange = ids[(positions < 0) & ~ids.isin(removed)]
    if len(strange):
        raise InputError(f"{what}: id {strange[0]!r} and {len(strange) - 1} more are not in the problem; remove them")
    return positions


def aligned(
    pairs: Pairs, rows: pd.Index, removed: pd.Index, columns: pd.Index, *, cutoff_ms: int | None, what: str
) -> tuple[Ints32, Ints32, Ints32]:
    """Return pairs by canonical position, sorted, the least time of each pair."""
    same = columns.equals(rows)
    site = positions(pairs.site_ids, rows, removed, what=f"sites of the {what}")[pairs.site]
    gone = removed if same else removed[:0]
    other = positions(pairs.other_ids, columns, gone, what=f"destinations of the {what}")[pairs.other]
    ms = np.asarray(pairs.ms)
    if len(ms) and ms.min() < 0:
        raise InputError(f"{what}: {int((ms < 0).sum())} pairs have a negative time; leave unreachable pairs out")
    keep = (site >= 0) & (other >= 0)
    if cutoff_ms is not None:
        keep &= ms <= cutoff_ms
    site, other, ms = site[keep], other[keep], ms[keep]
    order = np.lexsort((ms, other, site))
    site, other, ms = site[order], other[order], ms[order]
    first = np.ones(len(site), dtype=bool)
    first[1:] = (site[1:] != site[:-1]) | (other[1:] != other[:-1])
    return site[first].astype(np.int32), other[first].astype(np.int32), ms[first].astype(np.int32)

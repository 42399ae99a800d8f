"""Seconds outside, whole milliseconds inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError

__all__ = ["MAX_CUTOFF_S", "Seconds", "as_ms", "limit_ms", "per_id_ms"]

Ints64 = npt.NDArray[np.int64]
Seconds: TypeAlias = float | Mapping[str, float] | pd.Series

MAX_CUTOFF_S = 1_000_000.0
"""Eleven days; times of more than 24 don't fit the whole milliseconds kept."""


def as_ms(seconds: npt.NDArray[np.float64], *, what: str) -> Ints64:
    """Return seconds as whole milliseconds, refusing what is no time."""
    wrong = ~((seconds >= 0) & (seconds <= MAX_CUTOFF_S))
    if wrong.any():
        raise InputError(
            f"{what}: {wrong.sum()} values aren't seconds from 0 to {MAX_CUTOFF_S:g} ({seconds[wrong][0]})"
        )
    return np.rint(seconds * 1000).astype(np.int64)


def limit_ms(seconds: float, *, zero: bool = False) -> int:
    """Return the most whole milliseconds that are within `seconds`; a limit is included.

    Parameters
    ----------
    seconds
        The limit.
    zero
        Whether 0 is allowed.
    """
    if not ((seconds > 0 or (zero and seconds == 0)) and seconds <= MAX_CUTOFF_S):
        raise InputError(f"the time limit is {seconds!r} s; expected more than 0 and at most {MAX_CUTOFF_S:g}")
    # a hair more: 0.001 × 1000 × milliseconds may fall below a whole number
    return int(seconds * 1000 + 1e-6)


def per_id_ms(seconds: Seconds, ids: pd.Index, *, what: str) -> Ints64:
    """Return one time for each id, in whole milliseconds, from one figure or one by id.

    Raises
    ------
    InputError
        If an id has none, or one isn't a time.
    """
    if isinstance(seconds, Mapping | pd.Series):
        series = pd.Series(seconds, dtype="float64").reindex(ids)
        if series.isna().any():
            raise InputError(f"{what}: none for {series.isna().sum()} places (first: {ids[series.isna()][0]})")
        return as_ms(np.asarray(series, dtype=np.float64), what=what)
    return as_ms(np.full(len(ids), seconds, dtype=np.float64), what=what)

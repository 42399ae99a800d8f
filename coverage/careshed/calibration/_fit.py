"""Robust regression of times on metres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression

__all__ = ["MAX_KMH", "MIN_KMH", "Paces", "fit_paces", "outlying"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MIN_KMH, MAX_KMH = 2.0, 150.0
"""No street is driven slower or faster on average."""

HUBER = 1.345
"""Residuals beyond so many standard deviations count less (Huber, 1981: 95 % efficient on normal errors)."""

FAR = 4.0
"""A residual beyond so many standard deviations is an outlier."""

LEAST_SPREAD = 0.01
"""Relative residuals are taken to spread at least so much, or a perfect fit would have outliers."""

ROUNDS = 25


class Paces(NamedTuple):
    """Seconds a metre of each class, and the weight that each trip had."""

    s_per_m: Floats
    weight: Floats


def fit_paces(metres: Floats, seconds: Floats, scale_s: Floats) -> Paces:
    """Fit seconds a metre, not negative, to seconds spent on metres of several classes.

    Parameters
    ----------
    metres
        (trips, classes).
    seconds
        (trips,).
    scale_s
        What errors are relative to, such as the seconds expected, all positive, (trips,).

    Notes
    -----
    Relative errors are minimised by Huber's loss, through iteratively reweighted least squares without intercept and
    without negative coefficients (Lawson and Hanson, 1974). The spread is 1.4826 times the median absolute residual.
    """
    scaled, wanted = metres / scale_s[:, None], seconds / scale_s
    weight = np.ones(len(seconds))
    pace = np.zeros(metres.shape[1])
    for _ in range(ROUNDS):
        model = LinearRegression(fit_intercept=False, positive=True).fit(scaled, wanted, sample_weight=weight)
        last, pace = pace, np.clip(model.coef_, 3.6 / MAX_KMH, 3.6 / MIN_KMH)
        off = np.abs(wanted - scaled @ pace)
        weight = np.minimum(1.0, HUBER * _spread(off) / np.maximum(off, 1e-12))
        if np.allclose(last, pace, rtol=1e-4):
            break
    return Paces(pace, weight)


def _spread(off: Floats) -> float:
    return max(1.4826 * float(np.median(off)), LEAST_SPREAD)


def outlying(ratio: Floats) -> Bools:
    """Return which trips are far from most others, too long or too short alike.

    Parameters
    ----------
    ratio
        Observed over expected seconds.
    """
    log = np.log(np.maximum(ratio, 1e-6))
    return np.asarray(np.abs(log - np.median(log)) > FAR * _spread(np.abs(log - np.median(log))))

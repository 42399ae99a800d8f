"""Settling: weighted k-means, the same on every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

__all__ = ["clusters", "largest_remainder"]


def clusters(xy: NDArray[np.float64], weight: NDArray[np.float64], count: int, seed: int) -> NDArray[np.float64]:
    """Return the points nearest to the centres of a weighted k-means.

    Parameters
    ----------
    xy
        Points, metres, shape (points, 2).
    weight
        Weight of each, not negative.
    count
        Centres asked; as many as there are points where these are fewer.
    seed
        Seed of the first centres.

    Returns
    -------
    numpy.ndarray
        Some of the points, shape (count, 2), in the order of the centres from west to east.
    """
    if count >= len(xy):
        return xy
    # One thread: sums in another order would move centres by rounding.
    with threadpool_limits(limits=1):
        fit = KMeans(count, n_init=1, random_state=seed).fit(xy - xy.mean(axis=0), sample_weight=weight)
    centres = fit.cluster_centers_ + xy.mean(axis=0)
    picked: list[int] = []
    for centre in centres[np.lexsort(centres.T.round(2))]:
        for near in np.argsort(((xy - centre) ** 2).sum(axis=1), kind="stable"):
            if near not in picked:
                picked.append(int(near))
                break
    return np.asarray(xy[picked])


def largest_remainder(weight: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Return whole numbers in proportion to weights that sum to `total` exactly (Hamilton, 1792).

    Parameters
    ----------
    weight
        Not negative, with a positive sum.
    total
        The sum asked.

    Examples
    --------
    >>> import numpy as np
    >>> largest_remainder(np.array([1.0, 1.0, 1.0]), 10).tolist()
    [4, 3, 3]
    """
    exact = weight / weight.sum() * total
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole

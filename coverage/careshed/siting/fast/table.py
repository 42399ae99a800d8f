"""A full table of costs as rows of demand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from careshed.siting.cut.costs import Costs

__all__ = ["costs_of"]

Ints = npt.NDArray[np.int64]


def costs_of(table: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Costs:
    """Return a table that has a cost for every row of demand and every site as :class:`Costs`.

    Parameters
    ----------
    table
        Whole costs from 0 to 2³¹ − 2, shape (rows, sites).
    weights
        Whole weights of the rows; one each where None.

    Returns
    -------
    Costs
        All rows, none merged, in the table's order; `base` is above every cost, since some site is always open.
        Costs are above the row's least, whose sum is `constant`.

    Examples
    --------
    >>> costs = costs_of([[5, 2, 9], [0, 4, 4]])
    >>> costs.site.tolist(), costs.cost.tolist(), costs.base.tolist(), costs.constant
    ([1, 0, 2, 0, 1, 2], [0, 3, 7, 0, 4, 4], [8, 5], 2)
    """
    whole = np.asarray(table, dtype=np.int64)
    rows, sites = whole.shape
    weight = np.ones(rows, dtype=np.int64) if weights is None else np.array(weights, dtype=np.int64)
    least = whole.min(axis=1, initial=np.iinfo(np.int32).max) if sites else np.zeros(rows, dtype=np.int64)
    keys = (whole - least[:, None]) << 32 | np.arange(sites)
    keys.sort(axis=1)
    cost = (keys >> 32).astype(np.int32)
    base = cost[:, -1].astype(np.int64) + 1 if sites else np.ones(rows, dtype=np.int64)
    return Costs(
        starts=np.arange(rows + 1, dtype=np.int64) * sites,
        site=(keys & 0xFFFFFFFF).astype(np.int32).ravel(),
        cost=cost.ravel(),
        base=base,
        weight=weight,
        constant=int(np.dot(weight, least)),
        group=np.arange(rows, dtype=np.int64),
        groups=rows,
        sites=sites,
    )

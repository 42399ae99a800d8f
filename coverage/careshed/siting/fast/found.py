"""What a fast road answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Found"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Open sites, their exact value, and what is proven about it.

    Attributes
    ----------
    opened
        Positions of the open sites, sorted, int64.
    value
        Their value, exact, in the problem's whole units.
    bound
        No choice of sites has a better value than this.
    nodes
        Nodes of the branch-and-bound tree.
    rows
        Rows of demand after all that loses nothing.
    method
        What was done, in a few words.
    """

    opened: npt.NDArray[np.int64]
    value: int
    bound: float
    nodes: int
    rows: int
    method: str

    @property
    def proven(self) -> bool:
        """Whether no choice is better: values are whole, so a bound less than one unit away is met."""
        return abs(self.bound - self.value) < 1.0

    @property
    def gap(self) -> float:
        """``|bound − value| / max(|value|, 1)``; 0.0 where proven."""
        return 0.0 if self.proven else abs(self.bound - self.value) / max(abs(self.value), 1)

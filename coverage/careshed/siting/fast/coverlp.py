r"""The linear program of maximal covering, by cuts.

With :math:`x_j` the share of site *j* that is open and :math:`θ_g` the people uncovered among the rows of group *g*,

.. math:: \min Σ_g θ_g \quad Σ_j x_j ≤ p, \quad θ_g ≥ Σ_{i∈D} w_i (1 - Σ_{j∈N_i} x_j) \text{ for all } D ⊆ g

(the Benders cuts of Cordeau, Furini, Ljubić 2019, one a group). The most violated cut takes as *D* the rows that *x*
leaves open. The rows themselves are never in the program, so that its size does not grow with the demand.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import highspy
import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.sparse import csr_array, vstack

from careshed.siting.fast.cover import Cover
from careshed.siting.fast.coverodd import Triples, no_triples, odd_value
from careshed.siting.fast.coversearch import greedy
from careshed.siting.rows.rulebook import new_highs

__all__ = ["Program", "Relaxed", "grouped"]

Ints = npt.NDArray[np.int64]
Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
INF = float("inf")
SIZE = 1e5
"""The objective is scaled so that its greatest value is this: HiGHS' tolerances are absolute."""
VIOLATED = 1e-9
PATIENCE = 8
EMPTY = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


class _Rows(NamedTuple):
    """What cuts are made of: rows and triples of rows, group by group."""

    starts: Ints
    site: Ints32
    weight: Ints
    row: Ints
    row_ends: Ints
    three: Ints
    three_weight: Ints
    three_ends: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """Answer of one linear program.

    Attributes
    ----------
    x
        Shares of the sites that are open.
    bound
        No plan within the bounds of the sites leaves fewer people uncovered: computed from the duals, so that it
        holds whatever the solver's tolerance (Neumaier, Shcherbina 2004).
    reduced
        Reduced costs of the sites, in people.
    """

    x: Floats
    bound: float
    reduced: Floats


def grouped(cover: Cover, groups: int) -> Ints:
    """Return the group of each row: rows of one group lie near each other and weigh about the same.

    Sites taken greedily until all rows are reached are the centres; heavy centres' rows are split in their order.
    """
    centre = np.full(cover.rows, -1, dtype=np.int64)
    for n, j in enumerate(greedy(cover, cover.sites).tolist()):
        own = cover.row[cover.at[j] : cover.at[j + 1]]
        centre[own[centre[own] < 0]] = n
    order = np.argsort(centre, kind="stable")
    mass = np.cumsum(cover.weight[order])
    share = np.minimum((mass - 1) * groups // max(int(mass[-1]) if len(mass) else 1, 1), groups - 1)
    group = np.empty(cover.rows, dtype=np.int64)
    group[order] = np.unique(np.stack([centre[order], share]), axis=1, return_inverse=True)[1].ravel()
    return group


@njit(cache=True, nogil=True)
def _put(i: int, w: int, size: int, at: _Rows, index: Ints32, scratch: Ints) -> int:  # pragma: no cover - compiled
    """Add a row's sites, weighted, to a cut; return its entries so far."""
    for t in range(at.starts[i], at.starts[i + 1]):
        j = at.site[t]
        if scratch[j] == 0:
            index[size] = j
            size += 1
        scratch[j] += w
    return size


@njit(cache=True, nogil=True)
def _put_odd(
    three: Ints, w: int, size: int, at: _Rows, index: Ints32, scratch: Ints, times: Ints32
) -> int:  # pragma: no cover - compiled
    """Add a triple's odd inequality to a cut; return its entries so far."""
    for i in three:
        for t in range(at.starts[i], at.starts[i + 1]):
            j = at.site[t]
            times[j] += 1
            if times[j] != 2:
                if scratch[j] == 0:
                    index[size] = j
                    size += 1
                scratch[j] += w
    for i in three:
        for t in range(at.starts[i], at.starts[i + 1]):
            times[at.site[t]] = 0
    return size


@njit(cache=True, nogil=True)
def _short(i: int, at: _Rows, x: Floats) -> float:  # pragma: no cover - compiled
    """Return how far a row is from being reached."""
    left = 1.0
    for t in range(at.starts[i], at.starts[i + 1]):
        left -= x[at.site[t]]
    return left


@njit(cache=True, nogil=True)
def _cuts(
    at: _Rows, x: Floats, const: Ints, length: Ints, index: Ints32, value: Ints, scratch: Ints, times: Ints32
) -> int:  # pragma: no cover - compiled
    """Write each group's cut at `x` one after another; return the entries written."""
    size = 0
    for g in range(len(const)):
        begin = size
        for o in range(at.row_ends[g], at.row_ends[g + 1]):
            i = at.row[o]
            if at.weight[i] > 0 and _short(i, at, x) > 1e-9:
                const[g] += at.weight[i]
                size = _put(i, at.weight[i], size, at, index, scratch)
        for o in range(at.three_ends[g], at.three_ends[g + 1]):
            three, w = at.three[o], at.three_weight[o]
            base, odd = odd_value(three[0], three[1], three[2], at.starts, at.site, x, times)
            if odd > base and odd > 1e-9:
                const[g] += 2 * w
                size = _put_odd(three, w, size, at, index, scratch, times)
            else:
                for i in three:
                    if _short(i, at, x) > 1e-9:
                        const[g] += w
                        size = _put(i, w, size, at, index, scratch)
        for k in range(begin, size):
            value[k] = scratch[index[k]]
            scratch[index[k]] = 0
        length[g] = size - begin
    return size


def _parts(cover: Cover, triples: Triples, group: Ints, groups: int) -> tuple[_Rows, Floats]:
    """Return what cuts are made of, and each group's people."""
    left = triples.left(cover.weight)
    own = group[triples.row[:, 0]]
    order = np.argsort(own, kind="stable")
    most: Floats = np.bincount(group, weights=left, minlength=groups).astype(np.float64)
    most = most + np.bincount(own, weights=3.0 * triples.weight, minlength=groups)
    parts = _Rows(
        cover.starts,
        cover.site,
        left,
        np.argsort(group, kind="stable"),
        np.concatenate(([0], np.cumsum(np.bincount(group, minlength=groups)))).astype(np.int64),
        triples.row[order],
        triples.weight[order],
        np.concatenate(([0], np.cumsum(np.bincount(own, minlength=groups)))).astype(np.int64),
    )
    return parts, most


class Program:
    """The linear program of one cover.

    Parameters
    ----------
    cover
        What is left to decide.
    groups
        About how many groups of rows.
    triples
        Rows whose odd inequalities are in it.
    deadline
        Time (of :func:`time.monotonic`) at which the solver stops; None: never. Shares are 0 where it was stopped.
    """

    def __init__(
        self, cover: Cover, groups: int, triples: Triples | None = None, *, deadline: float | None = None
    ) -> None:
        self.cover, self.triples, self.deadline = cover, triples or no_triples(), deadline
        group = grouped(cover, groups)
        self.groups = int(group.max(initial=-1)) + 1
        self.parts, most = _parts(cover, self.triples, group, self.groups)
        sites = cover.sites
        self.unit = SIZE / max(float(most.sum()), 1.0)
        self.lower = np.zeros(sites + self.groups)
        self.upper = np.concatenate([np.ones(sites), most * self.unit])
        self.cost = np.concatenate([np.zeros(sites), np.ones(self.groups)])
        self.solved, self.stopped = 0, False
        self.highs = new_highs()
        self.highs.addVars(len(self.cost), self.lower, self.upper)
        self.highs.changeColsCost(len(self.cost), np.arange(len(self.cost), dtype=np.int32), self.cost)
        self.matrix = csr_array((0, len(self.cost)), dtype=np.float64)
        self.sides = np.zeros((2, 0))
        self.age = np.zeros(0, dtype=np.int64)
        self.point = np.zeros(0)
        everything = csr_array(np.concatenate([np.ones(sites), np.zeros(self.groups)])[None, :])
        self._add(everything, np.array([-INF]), np.array([float(cover.p)]))

    def _add(self, part: csr_array, low: Floats, high: Floats) -> None:
        """Add rows to the solver and to our own copy, from which bounds are computed."""
        part.eliminate_zeros()
        starts, index = part.indptr[:-1].astype(np.int32), part.indices.astype(np.int32)
        self.highs.addRows(part.shape[0], low, high, part.nnz, starts, index, part.data)
        self.matrix = csr_array(vstack([self.matrix, part], format="csr"))
        self.sides = np.hstack([self.sides, [low, high]])
        self.age = np.append(self.age, np.zeros(part.shape[0], dtype=np.int64))

    def _purge(self) -> None:
        """Forget cuts that have long been slack: a small program is solved faster."""
        basis = self.highs.getBasis()
        status = basis.row_status
        basic = np.array([s == highspy.HighsBasisStatus.kBasic for s in status])
        old = basic & (self.age >= PATIENCE)
        old[0] = False
        if old.sum() < len(old) // 4:
            return
        self.highs.deleteRows(int(old.sum()), np.flatnonzero(old).astype(np.int32))
        keep = np.flatnonzero(~old)
        basis.row_status = [status[i] for i in keep]
        self.highs.setBasis(basis)
        self.matrix, self.sides, self.age = self.matrix[keep], self.sides[:, keep], self.age[keep]

    def limit(self, lower: Floats, upper: Floats) -> None:
        """Set the bounds of the sites."""
        n = self.cover.sites
        changed = np.flatnonzero((self.lower[:n] != lower) | (self.upper[:n] != upper))
        if len(changed):
            self.lower[changed], self.upper[changed] = lower[changed], upper[changed]
            self.highs.changeColsBounds(len(changed), changed.astype(np.int32), lower[changed], upper[changed])

    def solve(self) -> Relaxed | None:
        """Solve the program as it stands; None where it is empty."""
        self.solved += 1
        if self.solved % PATIENCE == 0:
            self._purge()
        status = self._run()
        if status not in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit, *EMPTY}:
            self.highs.clearSolver()
            status = self._run()
        if status in EMPTY:
            return None
        self.stopped = status == highspy.HighsModelStatus.kTimeLimit
        solution = self.highs.getSolution()
        self.point = np.array(solution.col_value) if not self.stopped else np.zeros(len(self.cost))
        dual = np.array(solution.row_dual) if solution.dual_valid else np.zeros(len(self.age))
        bound, reduced = self._safe(dual)
        n = self.cover.sites
        return Relaxed(self.point[:n], bound / self.unit + self.cover.spent, reduced[:n] / self.unit)

    def _run(self) -> highspy.HighsModelStatus:
        """Let the solver go on until the deadline; return how it ended. Whatever duals it leaves prove a bound."""
        if self.deadline is not None:
            left = max(self.deadline - time.monotonic(), 0.0)
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + left)
        self.highs.run()
        return self.highs.getModelStatus()

    def probe(self, iterations: int) -> float:
        """Return about the fewest uncovered after some steps of the dual simplex; for comparing branches only."""
        self.highs.setOptionValue("simplex_iteration_limit", iterations)
        status = self._run()
        self.highs.setOptionValue("simplex_iteration_limit", 2**31 - 1)
        if status in EMPTY:
            return INF
        return float(self.highs.getInfo().objective_function_value) / self.unit + self.cover.spent

    def _safe(self, dual: Floats) -> tuple[float, Floats]:
        """Return the bound that the duals prove, and their reduced costs."""
        lower, upper = self.sides
        y = np.where(np.isinf(np.where(dual > 0, lower, upper)), 0.0, dual)
        self.age = np.where(y == 0.0, self.age + 1, 0)
        used = y != 0
        bound = float(np.dot(y[used], np.where(y > 0, lower, upper)[used]))
        reduced = self.cost - self.matrix.T @ y
        bound += float(np.where(reduced > 0, reduced * self.lower, reduced * self.upper).sum())
        return bound, reduced

    def separate(self, *points: Floats) -> int:
        """Add the cuts at each point that the last solution breaks; return how many.

        A group gets the cut of the first point at which it has a broken one.
        """
        n = self.cover.sites
        theta, x = self.point[n:], self.point[:n]
        left = np.ones(self.groups, dtype=bool)
        tolerance = VIOLATED * SIZE / max(self.groups, 1)
        added = 0
        room = self.groups * n
        for where in points:
            const, length = np.zeros(self.groups, dtype=np.int64), np.zeros(self.groups, dtype=np.int64)
            index, value = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int64)
            scratch, times = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int32)
            size = _cuts(self.parts, where, const, length, index, value, scratch, times)
            begin = np.concatenate(([0], np.cumsum(length)))
            part = csr_array((value[:size].astype(np.float64), index[:size], begin), shape=(self.groups, n))
            short = (const - part @ x) * self.unit - theta
            bad = np.flatnonzero(left & (short > tolerance))
            left[bad] = False
            if len(bad):
                cut = part[bad] * self.unit
                own = csr_array((np.ones(len(bad)), (np.arange(len(bad)), bad)), shape=(len(bad), self.groups))
                self._add(_beside(cut, own), (const[bad] * self.unit).astype(np.float64), np.full(len(bad), INF))
            added += len(bad)
        return added


def _beside(left: csr_array, right: csr_array) -> csr_array:
    """Return two matrices side by side."""
    from scipy.sparse import hstack  # noqa: PLC0415

    return csr_array(hstack([left, right], format="csr"))

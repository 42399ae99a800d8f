"""Rows that keep a district in one piece, found where a solution breaks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt

from careshed.siting.districting.problem import DistrictProblem
from careshed.siting.districting.search import reached
from careshed.siting.rows.columns import INF, Row

__all__ = ["broken", "near_rows", "reachable"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Links = Sequence[Sequence[int]]

LEVELS = (0.999, 0.5, 0.25, 1e-6)
"""Units at least so much in a district are looked at as if they were wholly in it."""
TOLERANCE = 1e-6


def reachable(problem: DistrictProblem, may: Bools, high: int) -> Bools:
    """Return which unit can be in one district with which core's seat, all units between them included.

    The units of the lightest way between the two, both included, must not have more people than a district may have
    (Validi, Buchanan, Lykhovyd 2022: fixing by weighted distance).

    Parameters
    ----------
    problem
        What is asked.
    may
        Which unit may go to which core.
    high
        The most people of a district.
    """
    graph = nx.Graph(problem.edges.tolist())
    graph.add_nodes_from(range(len(problem.unit_ids)))
    weights = problem.weights.tolist()
    can = np.zeros_like(may)
    for core, seat in enumerate(problem.seats.tolist()):
        own = graph.subgraph(np.flatnonzero(may[:, core]).tolist())
        if seat not in own:
            continue
        lightest = nx.single_source_dijkstra_path_length(own, seat, weight=lambda _, v, __: weights[v])
        for i, people in lightest.items():
            can[i, core] = people + weights[seat] <= high
    return can


def near_rows(problem: DistrictProblem, may: Bools, links: Links) -> Iterator[Row]:
    """Yield the first rows: a unit is in a district only with one that it touches, unless it touches the seat."""
    for core, seat in enumerate(problem.seats.tolist()):
        for i in np.flatnonzero(may[:, core]).tolist():
            if i != seat and seat not in links[i]:
                yield _row(problem, core, i, [j for j in links[i] if may[j, core]])


def broken(problem: DistrictProblem, may: Bools, links: Links, values: Floats) -> list[Row]:
    """Return rows that `values` break, each a separator between a unit and its core's seat.

    With *S* a part of core *k*'s district that hangs together but holds no seat, and *C* those units around it that
    the seat reaches without passing another of them, every *v* in *S* needs one of *C*:
    :math:`x_{vk} ≤ Σ_{c∈C} x_{ck}` (Oehrlein and Haunert 2017; Validi, Buchanan, Lykhovyd 2022).

    Parameters
    ----------
    problem, may, links
        As `careshed.siting.districting.search.grow` takes them.
    values
        Shape (units, cores), each between 0 and 1.
    """
    rows: dict[tuple[int, int, tuple[int, ...]], Row] = {}
    for core, seat in enumerate(problem.seats.tolist()):
        able = set(np.flatnonzero(may[:, core]).tolist())
        for level in LEVELS:
            inside = set(np.flatnonzero(values[:, core] >= level).tolist()) & able
            left = inside - reached(seat, inside, links)
            while left:
                part = reached(min(left), left, links)
                left -= part
                wall = _wall(seat, part, able, links)
                for v in sorted(part):
                    if values[v, core] > values[wall, core].sum() + TOLERANCE:
                        rows.setdefault((core, v, tuple(wall)), _row(problem, core, v, wall))
    return list(rows.values())


def _wall(seat: int, part: set[int], able: set[int], links: Links) -> list[int]:
    """Return the units around a part that the seat reaches without passing another of them."""
    around = {j for i in part for j in links[i] if j in able} - part
    outer = reached(seat, able - around - part, links)
    return sorted(j for j in around if any(i in outer for i in links[j]))


def _row(problem: DistrictProblem, core: int, unit: int, wall: list[int]) -> Row:
    cores = len(problem.core_ids)
    index = np.array([unit * cores + core, *(j * cores + core for j in wall)], dtype=np.int64)
    value = np.array([1.0, *(-1.0 for _ in wall)])
    return Row("contiguous", f"{problem.unit(unit)} in {problem.core(core)}", index, value, -INF, 0.0)

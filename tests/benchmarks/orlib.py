"""OR-Library's p-median instances (Beasley 1990), also read as p-center instances.

The first line is ``n m p``, each of the m lines after it ``u v cost``: an undirected edge, junctions counted from
one; an edge given twice costs what its last line says. Every vertex is a demand point of weight one and a site, and
costs are shortest paths, a step of its own with its own time.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

OPTIMA = {"pmedian": "pmedopt.txt", "pcenter": "pcenteropt.txt"}
"""Published optima, read where this file lies beside the instance."""


@dataclass(frozen=True)
class Instance:
    """Ends of edges counted from zero, each edge once, and its cost."""

    name: str
    n: int
    p: int
    ends: np.ndarray
    cost: np.ndarray


def add(subparsers: Any) -> None:
    """Add the subcommands ``pmedian`` and ``pcenter``."""
    for name, run in (("pmedian", pmedian), ("pcenter", pcenter)):
        ask = subparsers.add_parser(name, help=f"OR-Library files as {name} instances, one thread")
        ask.add_argument("files", nargs="+", type=Path, metavar="FILE")
        ask.add_argument("--time-limit", type=float, help="seconds for each instance (p-median)")
        ask.add_argument("--json", type=Path, help="write the results here, not to the screen")
        ask.set_defaults(run=run)


def read(path: Path) -> Instance:
    """Read an instance."""
    words = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
    n, m, p = words[:3]
    if len(words) != 3 + 3 * m:
        raise ValueError(f"{path}: {m} edges announced, {(len(words) - 3) / 3:g} found")
    edges = words[3:].reshape(m, 3)
    ends = np.sort(edges[:, :2] - 1, axis=1)
    last = m - 1 - np.unique((ends[:, 0] * n + ends[:, 1])[::-1], return_index=True)[1]
    return Instance(path.stem, int(n), int(p), ends[last], edges[last, 2])


def paths(instance: Instance) -> np.ndarray:
    """Return the costs between all vertices, int32, shape (n, n)."""
    # an edge that costs nothing would be lost in a sparse matrix; there is none
    graph = coo_array((instance.cost.astype(float), instance.ends.T), shape=(instance.n, instance.n))
    found = dijkstra(graph.tocsr(), directed=False)
    if not np.isfinite(found).all() or not instance.cost.all():
        raise ValueError(f"{instance.name}: vertices without a path between them, or at no cost")
    return found.astype(np.int32)


def published(path: Path, model: str) -> int | None:
    """Return the published optimum of a file, None where it isn't there."""
    listed = path.parent / OPTIMA[model]
    if not listed.exists():
        return None
    found = re.search(rf"^{re.escape(path.stem)}\s+(\d+)\s*$", listed.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) if found else None


def pmedian(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Solve files as p-median instances."""
    from careshed.siting.fast.pmedian import p_median
    from careshed.siting.fast.table import costs_of

    def solve(table: Any, p: int) -> Any:
        return p_median(costs_of(table), p, deadline=given.time_limit and time.monotonic() + given.time_limit)

    return measured(given.files, "pmedian", solve)


def pcenter(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Solve files as p-center instances."""
    from careshed.siting.fast.pcenter import CostRows, p_center

    def solve(table: Any, p: int) -> Any:
        return p_center(CostRows.of_matrix(table), p)

    return measured(given.files, "pcenter", solve)


def measured(files: list[Path], model: str, solve: Callable[[Any, int], Any]) -> list[dict[str, Any]]:
    """Solve each file, tell the screen, and return the rows of the report."""
    solve(np.random.default_rng(0).integers(0, 99, (40, 40)), 4)  # compiles, or loads the compiled
    rows = []
    for path in files:
        instance = read(path)
        begin = time.perf_counter()
        table = paths(instance)
        ready = time.perf_counter()
        found = solve(table, instance.p)
        seconds = time.perf_counter() - ready
        optimum = published(path, model)
        rows.append(
            {
                "instance": instance.name,
                "n": instance.n,
                "p": instance.p,
                "objective": found.value,
                "bound": found.bound,
                "status": "optimal" if found.proven else "feasible",
                "seconds": round(seconds, 4),
                "rows": found.rows,
                "covered_share": None,
                "published": optimum,
                "matches": None if optimum is None else found.value == optimum,
                "nodes": found.nodes,
                "paths_seconds": round(ready - begin, 4),
            }
        )
        said = {key: rows[-1][key] for key in ("objective", "bound", "status", "seconds", "nodes", "matches")}
        sys.stderr.write(f"{instance.name:>7} n={instance.n} p={instance.p} {said}\n")
    proven = sum(row["status"] == "optimal" for row in rows)
    spent = sum(row["seconds"] for row in rows)
    sys.stderr.write(f"{len(rows)} instances, {proven} proven, {spent:.2f} s, shortest paths apart\n")
    return rows

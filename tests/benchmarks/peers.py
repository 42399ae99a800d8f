"""Other libraries doing the same: all (source, junction) pairs within a cutoff, on the same whole milliseconds.

Each peer takes a graph in compressed rows and yields, for one source after another, junctions and milliseconds.
What it needs once (its own form of the graph) is made before the clock starts.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Ints = npt.NDArray[np.int64]
Pairs = tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]
Peer = Callable[[Ints, int], Iterator[Pairs]]

BLOCK_BYTES = 256 << 20
"""Peers that answer with full rows do so in blocks of this size."""


@dataclass(frozen=True)
class Plain:
    """A graph without parallel arcs or loops, which no shortest path needs and some peers can't take."""

    nodes: int
    tail: Ints
    head: Ints
    ms: Ints
    start: Ints
    arcs: Ints
    width_bits: int
    xy: npt.NDArray[np.float64]

    @property
    def matrix(self) -> csr_array:
        """The graph for scipy."""
        return csr_array((self.ms.astype(np.float64), (self.tail, self.head)), shape=(self.nodes,) * 2)


def scipy(graph: Plain) -> Peer:
    """scipy.sparse.csgraph.dijkstra with a limit, in blocks of sources."""
    from scipy.sparse.csgraph import dijkstra

    matrix = graph.matrix
    size = max(1, BLOCK_BYTES // (8 * graph.nodes))

    def run(sources: Ints, cutoff_ms: int) -> Iterator[Pairs]:
        for first in range(0, len(sources), size):
            for row in dijkstra(matrix, indices=sources[first : first + size], limit=cutoff_ms):
                node = np.flatnonzero(np.isfinite(row))
                yield node, row[node].astype(np.int64)

    return run


def networkx(graph: Plain) -> Peer:
    """networkx.single_source_dijkstra_path_length with a cutoff."""
    import networkx as nx

    whole = nx.DiGraph()
    whole.add_nodes_from(range(graph.nodes))
    whole.add_weighted_edges_from(zip(graph.tail.tolist(), graph.head.tolist(), graph.ms.tolist(), strict=True), "ms")

    def run(sources: Ints, cutoff_ms: int) -> Iterator[Pairs]:
        for source in sources.tolist():
            found = nx.single_source_dijkstra_path_length(whole, source, cutoff=cutoff_ms, weight="ms")
            yield np.fromiter(found.keys(), np.int64, len(found)), np.fromiter(found.values(), np.int64, len(found))

    return run


def igraph(graph: Plain) -> Peer:
    """igraph's Graph.distances, which has no cutoff."""
    import igraph as ig

    whole = ig.Graph(n=graph.nodes, edges=np.column_stack([graph.tail, graph.head]), directed=True)
    weights = graph.ms.tolist()

    def run(sources: Ints, cutoff_ms: int) -> Iterator[Pairs]:
        for source in sources.tolist():
            row = np.array(whole.distances(source=source, weights=weights)[0])
            node = np.flatnonzero(row <= cutoff_ms)
            yield node, row[node].astype(np.int64)

    return run


def rustworkx(graph: Plain) -> Peer:
    """rustworkx.dijkstra_shortest_path_lengths, which has no cutoff."""
    import rustworkx as rx

    whole = rx.PyDiGraph()
    whole.add_nodes_from(range(graph.nodes))
    whole.add_edges_from(list(zip(graph.tail.tolist(), graph.head.tolist(), graph.ms.tolist(), strict=True)))

    def run(sources: Ints, cutoff_ms: int) -> Iterator[Pairs]:
        for source in sources.tolist():
            found = rx.dijkstra_shortest_path_lengths(whole, source, float)
            node = np.append(np.fromiter(found.keys(), np.int64, len(found)), source)
            ms = np.append(np.fromiter(found.values(), np.float64, len(found)), 0.0)
            yield node[ms <= cutoff_ms], ms[ms <= cutoff_ms].astype(np.int64)

    return run


def pandana(graph: Plain) -> Peer:
    """pandana's Network.nodes_in_range, on contraction hierarchies."""
    import pandas as pd
    from pandana import Network

    # it keeps whole thousandths, cut off, in 32 bits: milliseconds would overflow, and its contraction then never ends
    table = pd.DataFrame({"s": (graph.ms + 0.5) / 1000})
    x, y = (pd.Series(column) for column in graph.xy.T)
    whole = Network(x, y, pd.Series(graph.tail), pd.Series(graph.head), table, twoway=False)

    def run(sources: Ints, cutoff_ms: int) -> Iterator[Pairs]:
        for first in range(0, len(sources), 64):
            some = sources[first : first + 64]
            found = whole.nodes_in_range(some.tolist(), (cutoff_ms + 0.5) / 1000)
            rows = dict(tuple(found.groupby("source")))
            for source in some.tolist():
                ms = np.rint(rows[source]["s"].to_numpy() * 1000).astype(np.int64)
                yield rows[source]["destination"].to_numpy(), ms

    return run


def c(graph: Plain) -> Peer:
    """The same search in C, compiled with -O3, one thread."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise ImportError("no C compiler (cc)")
    folder = tempfile.TemporaryDirectory()
    library = Path(folder.name) / "dial.so"
    code = Path(__file__).with_name("dial.c")
    subprocess.run([compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", library, code], check=True)
    rows = ctypes.CDLL(str(library)).rows
    rows.restype = ctypes.c_int64
    room = [10_000_000]

    def pointer(array: npt.NDArray[np.integer]) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    def run(sources: Ints, cutoff_ms: int) -> Iterator[Pairs]:
        which, shift = sources.astype(np.int32), 32 + graph.width_bits
        while True:
            counts = np.empty(len(sources), dtype=np.int64)
            node, ms = np.empty((2, room[0]), dtype=np.int32)
            total = rows(
                ctypes.c_int64(graph.nodes), pointer(graph.start), pointer(graph.arcs),
                ctypes.c_int64(len(sources)), pointer(which), ctypes.c_int64(cutoff_ms), ctypes.c_int(shift),
                ctypes.c_int64(room[0]), pointer(counts), pointer(node), pointer(ms),
            )  # fmt: skip
            if total >= 0:
                break
            room[0] *= 4
        after = np.cumsum(counts)
        for first, last in zip(after - counts, after, strict=True):
            yield node[first:last], ms[first:last]

    run.folder = folder  # type: ignore[attr-defined]
    return run


PEERS: dict[str, Callable[[Plain], Peer]] = {
    maker.__name__: maker for maker in (scipy, networkx, igraph, rustworkx, pandana, c)
}

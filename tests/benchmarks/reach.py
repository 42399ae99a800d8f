"""Time many-source bounded search against other libraries, on one graph, in one run.

    python tests/benchmarks/reach.py --nodes 250000 --facilities 3000 --minutes 15 --mode walk --peers scipy,networkx

All answer the same question: every (facility, junction) pair within the minutes. Sources are junctions, weights whole
milliseconds. Peers that would take too long answer for the first few sources; ratios are of the time for each source.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import roads
from peers import PEERS, Pairs, Peer, Plain

MIX = np.uint64(0x9E3779B97F4A7C15)


def main() -> None:
    """Run what the command line asks for."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--nodes", type=int, default=250_000)
    ask.add_argument("--facilities", type=int, default=3_000)
    ask.add_argument("--minutes", type=float, default=15)
    ask.add_argument("--mode", choices=["walk", "drive"], default="walk")
    ask.add_argument("--peers", default="", help=f"of {','.join(PEERS)}")
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    ask.add_argument("--isochrones", type=int, default=0, help="so many searches from one place, their median time")
    ask.add_argument(
        "--peer-seconds", type=float, default=30.0, help="a peer answers for as many sources as this takes"
    )
    ask.add_argument("--network", type=Path, help="roads from an OpenStreetMap file in place of a synthetic town")
    ask.add_argument("--json", type=Path, help="write the results here, not to the screen")
    ask.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.memory:
        sys.stdout.write(json.dumps(memory(given)))
        return
    text = json.dumps(measure(given), indent=2)
    given.json.write_text(text + "\n", encoding="utf-8") if given.json else sys.stdout.write(text + "\n")


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Time ours and the peers and return the results."""
    from careshed.network import RoadNetwork
    from careshed.reach import node_times

    streets = roads.real(given.network) if given.network else roads.town(given.nodes)
    network = RoadNetwork.from_streets(streets, given.mode)
    sources = chosen(network, given.facilities)
    access = at_junctions(network, sources)
    cutoff_s = given.minutes * 60
    node_times(network, access.take([0]), cutoff_s=cutoff_s)  # compiles, or loads what is compiled

    def ours() -> Any:
        return node_times(network, access, cutoff_s=cutoff_s, threads=given.threads)

    ours_s, times = clock(ours, given.repeat)
    single_s, _ = clock(lambda: node_times(network, access, cutoff_s=cutoff_s, threads=1), given.repeat)
    relaxed = int(np.diff(network.out_start)[times.node].sum())
    rows = [(times.node[a:b], times.ms[a:b]) for a, b in zip(times.start, times.start[1:], strict=False)]
    results = {
        "nodes": network.nodes,
        "edges": len(network.out_arcs),
        "edges_per_node": round(len(network.out_arcs) / network.nodes, 3),
        "mean_edge_m": round(float(network.edge_length_m.mean()), 2),
        "facilities": len(sources),
        "mode": given.mode,
        "cutoff_s": cutoff_s,
        "pairs": len(times),
        "checksum": checksum(rows),
        "ours": {
            "median_s": ours_s,
            "single_thread_s": single_s,
            "threads": given.threads,
            "edges_relaxed": relaxed,
            "edges_per_s": round(relaxed / ours_s),
            **subprocess_memory(network, given, len(times)),
            **bandwidth(relaxed, len(times), ours_s),
            **loading(network, access),
        },
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "peers": {},
    }
    if given.isochrones:
        results["isochrone"] = isochrone(network, cutoff_s, given.isochrones)
    for name in filter(None, given.peers.split(",")):
        results["peers"][name] = peer(name, network, sources, rows, ours, given)
    return results


def chosen(network: Any, count: int) -> Any:
    """Return junctions on the main component, each once; none that shares its place with another."""
    place = network.node_x + 1j * network.node_y
    _, which, shared = np.unique(place, return_inverse=True, return_counts=True)
    ends = np.unique(network.edge_u[network.main])
    ends = ends[shared[which[ends]] == 1]
    return np.random.default_rng(7).choice(ends, min(count, len(ends)), replace=False).astype(np.int64)


def at_junctions(network: Any, nodes: Any) -> Any:
    """Join places to junctions, without a leg."""
    ids = [f"f{row}" for row in range(len(nodes))]
    points = gpd.GeoSeries(gpd.points_from_xy(network.node_x[nodes], network.node_y[nodes]), index=ids, crs=network.crs)
    access = network.snap(points)
    there = np.where(access.offset_m == 0, network.edge_u[access.edge], network.edge_v[access.edge])
    if (there != nodes).any() or access.leg_ms.any():
        raise SystemExit("two junctions lie at one place: the peers would start elsewhere")
    return access


def clock(run: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """Return the median seconds of a run, and what it returned."""
    taken, value = [], None
    for _ in range(repeat):
        value = None
        before = time.perf_counter()
        value = run()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken), value


def checksum(rows: list[Pairs]) -> str:
    """Return a sum over all (source, junction, milliseconds), whatever their order."""
    total = 0
    for source, (node, ms) in enumerate(rows):
        key = (node.astype(np.uint64) << np.uint64(32)) ^ ms.astype(np.uint64)
        key = (key + np.uint64(source * 0xBF58476D1CE4E5B9 % 2**64)) * MIX
        total += int(((key ^ (key >> np.uint64(29))) * MIX).sum(dtype=np.uint64))
    return f"{total % 2**64:016x}"


def peer(
    name: str, network: Any, sources: Any, rows: list[Pairs], ours: Callable[[], Any], given: argparse.Namespace
) -> dict[str, Any]:
    """Time one peer, on as many sources as it has time for."""
    try:
        before = time.perf_counter()
        run = PEERS[name](plain(network))
        set_up_s = time.perf_counter() - before
    except ImportError as error:
        return {"absent": str(error)}
    cutoff_ms = round(given.minutes * 60_000)
    trial_s, _ = clock(lambda: list(run(sources[:3], cutoff_ms)), 1)
    count = int(np.clip(given.peer_seconds / (given.repeat * trial_s / 3), 3, len(sources)))
    taken, ratios, found = [], [], []
    for _ in range(given.repeat):  # in turns, so that a busy machine slows both
        again_s, _ = clock(ours, 1)
        found.clear()
        taken_s, found = clock(lambda: list(run(sources[:count], cutoff_ms)), 1)
        taken.append(taken_s * len(sources) / count)
        ratios.append(taken[-1] / again_s)
    result = {
        "median_s": statistics.median(taken),
        "ratio": round(statistics.median(ratios), 3),
        "pairs_equal": checksum(found) == checksum(rows[:count]),
        "sources": count,
        "set_up_s": round(set_up_s, 3),
    }
    return result | (against_c(run, network, sources, given) if name == "c" else {})


def against_c(run: Peer, network: Any, sources: Any, given: argparse.Namespace) -> dict[str, float]:
    """Return the ratio of processor times, one thread each, in turns, so that a busy machine slows both."""
    from careshed.reach import node_times

    access, cutoff_ms = at_junctions(network, sources), round(given.minutes * 60_000)
    taken: dict[str, list[float]] = {"ours": [], "c": []}
    for _ in range(max(given.repeat, 5)):
        for name, work in (
            ("ours", lambda: node_times(network, access, cutoff_s=given.minutes * 60, threads=1)),
            ("c", lambda: list(run(sources, cutoff_ms))),
        ):
            before = time.process_time()
            work()
            taken[name].append(time.process_time() - before)
    ours_s, c_s = (statistics.median(some) for some in taken.values())
    return {"processor_s": c_s, "ours_processor_s": ours_s, "single_thread_ratio": round(ours_s / c_s, 3)}


def plain(network: Any) -> Plain:
    """Return the network's graph, of parallel arcs the shortest, without loops."""
    from careshed.reach._work import workplace_of

    tail = np.repeat(np.arange(network.nodes), np.diff(network.out_start))
    head, ms = network.out_arcs & 0xFFFFFFFF, network.out_arcs >> 32
    # rows are in the order of heads, then of times
    first = (np.diff(tail, prepend=-1) != 0) | (np.diff(head, prepend=-1) != 0)
    kept = first & (tail != head)
    xy = np.column_stack([network.node_x, network.node_y])
    width = workplace_of(network).width_bits
    return Plain(network.nodes, tail[kept], head[kept], ms[kept], network.out_start, network.out_arcs, width, xy)


def isochrone(network: Any, cutoff_s: float, count: int) -> dict[str, float]:
    """Return the median time of a search from one place, and the edges that it relaxes."""
    from careshed.reach import reach_times

    x, y = network.node_x, network.node_y
    to_edge_m = np.minimum.reduce([x - x.min(), x.max() - x, y - y.min(), y.max() - y])
    # all over the town, but where its edge would cut a search short
    inner = np.intersect1d(np.flatnonzero(to_edge_m >= min(1500.0, np.ptp(x) / 4)), chosen(network, network.nodes))
    sources = np.random.default_rng(3).permutation(inner)[:count]
    access = at_junctions(network, sources)
    places = [access.take([row]) for row in range(len(sources))]
    degree = np.diff(network.in_start)
    taken, relaxed = [], []
    for place in places:
        before = time.perf_counter()
        reach = reach_times(network, place, cutoff_s=cutoff_s)
        taken.append(time.perf_counter() - before)
        relaxed.append(int(degree[reach.reached].sum()))
    return {"count": count, "median_s": statistics.median(taken), "edges_relaxed": statistics.mean(relaxed)}


def bandwidth(relaxed: int, pairs: int, seconds: float) -> dict[str, float]:
    """Return the bytes a second that the search asks of memory, by estimate, and what copying reaches here."""
    block = np.ones(16 << 20, dtype=np.int64)
    other = np.empty_like(block)
    copy_s, _ = clock(lambda: np.copyto(other, block), 5)
    # an arc is 8 bytes and a label 4; a junction's row starts 16, its label 4, and 8 read and 8 written for its pair
    asked = relaxed * 12 + pairs * 36
    return {
        "memory_gb_per_s": round(asked / seconds / 1e9, 2),
        "copy_gb_per_s": round(2 * block.nbytes / copy_s / 1e9, 2),
    }


def loading(network: Any, access: Any) -> dict[str, float]:
    """Return the size of the network's file, the median time to read it, and to join a first point after that."""
    kind = type(network)
    point = gpd.GeoSeries(gpd.points_from_xy(access.x[:1], access.y[:1]), index=["p"], crs=network.crs)
    joined = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.npz"
        network.to_file(path)
        load_s, _ = clock(lambda: kind.from_file(path), 5)
        for _ in range(3):
            again = kind.from_file(path)
            joined.append(clock(lambda: again.snap(point), 1)[0])  # noqa: B023 - called at once
        size_mb = path.stat().st_size / 2**20
    return {"load_s": load_s, "first_snap_s": statistics.median(joined), "file_mb": round(size_mb, 1)}


def subprocess_memory(network: Any, given: argparse.Namespace, pairs: int) -> dict[str, float]:
    """Return the peak of a process of its own that reads the network and searches."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.npz"
        network.to_file(path)
        words = [sys.executable, __file__, "--memory", path, "--facilities", given.facilities]
        words += ["--minutes", given.minutes, "--threads", given.threads]
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=True)
    peak = json.loads(done.stdout)
    above = (peak["peak_mb"] - peak["after_import_mb"]) * 2**20
    return peak | {"bytes_per_pair": round(above / pairs, 1)}


def memory(given: argparse.Namespace) -> dict[str, float]:
    """Search once, and return the peak memory before and after."""
    from careshed.network import RoadNetwork
    from careshed.reach import node_times

    tiny = RoadNetwork.from_streets(roads.town(100), "walk")
    node_times(tiny, at_junctions(tiny, chosen(tiny, 3)), cutoff_s=60)
    before = peak_mb()
    network = RoadNetwork.from_file(given.memory)
    access = at_junctions(network, chosen(network, given.facilities))
    loaded = peak_mb()
    node_times(network, access, cutoff_s=given.minutes * 60, threads=given.threads)
    return {"peak_mb": peak_mb(), "after_import_mb": before, "after_load_mb": loaded}


def peak_mb() -> float:
    """Return the most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would begin with what the parent held
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return round(int(line.split()[1]) / 2**10, 1)
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, 1)


if __name__ == "__main__":
    main()

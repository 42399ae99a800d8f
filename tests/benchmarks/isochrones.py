"""Isochrones measured: time of one and of many, and what hulls make of the same reach.

Run it as ``python tests/benchmarks/isochrones.py [--area FOLDER] [--facilities 300] [--repeat 60]``. Without an
area it takes the embedded Xicheng; an area of real roads is made by ``careshed build``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from careshed.area import StudyArea
from careshed.isolines import compare_hulls, isochrones
from careshed.network import RoadNetwork

EMBEDDED = Path(__file__).parents[2] / "data" / "xicheng"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", type=Path, default=EMBEDDED, help="folder of a study area")
    parser.add_argument("--facilities", type=int, default=300, help="places drawn one by one in a batch")
    parser.add_argument("--repeat", type=int, default=60, help="places drawn alone, for the median")
    parser.add_argument("--hulls", type=int, default=20, help="places that are compared with hulls")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    area = StudyArea.read(options.area)
    network = RoadNetwork.from_streets(area.streets, "walk", crs=area.crs)
    rng = np.random.default_rng(1)
    chosen = rng.choice(len(area.demand), options.facilities, replace=len(area.demand) < options.facilities)
    points = area.demand.geometry.iloc[chosen].reset_index(drop=True)
    places = network.snap(points.set_axis([f"P{i}" for i in range(len(points))]))
    isochrones(network, places.take([0]))
    print(f"{area.name}: {network.nodes:,} junctions, {network.edges:,} streets, {options.facilities} places")
    for minutes in ([15], [5, 10, 15]):
        walls, cpus = [], []
        for position in range(min(options.repeat, len(places))):
            wall, cpu = time.perf_counter(), time.process_time()
            isochrones(network, places.take([position]), minutes=minutes)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        print(
            f"one place, {minutes} min: median {1000 * np.median(walls):.1f} ms, largest {1000 * max(walls):.1f} ms "
            f"(processor {1000 * np.median(cpus):.1f} ms)"
        )
        for dissolve in ("facility", "band"):
            wall, cpu = time.perf_counter(), time.process_time()
            isochrones(network, places, minutes=minutes, dissolve=dissolve)
            print(
                f"{options.facilities} places, {minutes} min, one polygon a {dissolve}: "
                f"{time.perf_counter() - wall:.2f} s (processor {time.process_time() - cpu:.2f} s)"
            )
    few = places.take(np.arange(min(options.hulls, len(places))))
    for leg_m in (25.0, 50.0, 300.0):
        print(f"\nagainst hulls, ground within {leg_m:g} m of a street counts as reachable when time allows:")
        print(compare_hulls(network, few, leg_m=leg_m).round(3).to_string())


if __name__ == "__main__":
    main()

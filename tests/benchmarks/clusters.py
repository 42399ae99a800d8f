"""Maximal covering: clustered people and candidates on a large made road network, and published instances.

The made instances stand on :func:`roads.town`: towns of different mass and width, people around them and some
everywhere, candidates alike; times are driven, from the candidate to the people. Published instances (Máximo,
Cordeau, Nascimento 2023) are files of coordinates and people; distances are haversine on a sphere of 6,378,137 m,
and each point is a candidate too.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import roads

NODES = 250_000
RADIUS_M = 6_378_137.0
SEED = 5
TOWNS = 120
EVERYWHERE = 0.3
"""Share of the people who live anywhere."""
SPREAD_M = (300.0, 1_200.0)
"""Standard deviation of the distance from a town's centre, least and greatest."""
TRAFFIC = 0.72
"""Speed in traffic, as a share of the network's: within T seconds is within so many times T without traffic."""
PEER_POINTS = (500, 2_000)
"""Sizes of demand at which the peer is asked too."""


@dataclass(frozen=True)
class Pairs:
    """Who is covered by whom, and how many people they are."""

    name: str
    site: np.ndarray
    demand: np.ndarray
    weights: np.ndarray
    sites: int


def add(subparsers: Any) -> None:
    """Add the subcommand ``mclp``."""
    ask = subparsers.add_parser("mclp", help="maximal covering, made or from a file, one thread")
    ask.add_argument("--points", type=int, default=1_000_000)
    ask.add_argument("--candidates", type=int, default=500)
    ask.add_argument("--within", type=float, nargs="+", default=[240.0], help="seconds of driving")
    ask.add_argument("--nodes", type=int, default=NODES, help="junctions of the made network")
    ask.add_argument("--instance", type=Path, help="a file of coordinates and people in place of a made instance")
    ask.add_argument("--radius", type=float, default=400.0, help="metres, for --instance")
    ask.add_argument("--p", type=int, nargs="+", default=[29])
    ask.add_argument("--time-limit", type=float, default=600.0, help="seconds for each answer")
    ask.add_argument("--peer", choices=["spopt"], help="ask a peer too, at sizes that it can finish")
    ask.add_argument("--peer-seconds", type=float, default=60.0, help="seconds that the peer may take for each size")
    ask.add_argument("--quiet", action="store_true", help="no progress on the screen")
    ask.add_argument("--json", type=Path, help="write the results here, not to the screen")
    ask.set_defaults(run=run)


def run(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Solve what the command line asks for."""
    warm_up()
    if given.instance:
        pairs = published(given.instance, given.radius)
        return [measured(pairs, p, given) | listed(given.instance, given.radius, p) for p in given.p]
    rows = []
    made = Made.of(given.nodes, given.points, given.candidates)
    for within in given.within:
        pairs = made.pairs(within)
        rows += [measured(pairs, p, given) for p in given.p]
    if given.peer:
        for points in PEER_POINTS:
            small = Made.of(given.nodes, points, given.candidates).pairs(given.within[0])
            rows.append(measured(small, given.p[0], given) | peer(small, given.p[0], given.peer_seconds))
    return rows


@dataclass(frozen=True)
class Made:
    """A network with people and candidates."""

    network: Any
    candidates: Any
    people: Any
    weights: np.ndarray

    @classmethod
    def of(cls, nodes: int, points: int, candidates: int) -> Made:
        """Make an instance; the same figures make the same instance."""
        from careshed.network import RoadNetwork

        network = RoadNetwork.from_streets(roads.town(nodes), "drive")
        rng = np.random.default_rng(SEED)
        centres, mass, spread = towns(network, rng)
        ends = np.unique(network.edge_u[network.main])
        xy = np.column_stack([network.node_x, network.node_y])
        sites = place(centres, np.sqrt(mass) / np.sqrt(mass).sum(), spread, 4 * candidates, network, rng)
        chosen = ends[nearest(xy[ends], sites)]
        chosen = chosen[np.sort(np.unique(chosen, return_index=True)[1])][:candidates]
        people = place(centres, mass, spread, points, network, rng)
        weights = rng.integers(1, 21, points)
        return cls(network, snapped(network, xy[chosen], "c"), snapped(network, people, "p"), weights)

    def pairs(self, within: float) -> Pairs:
        """Return who is reached within so many seconds."""
        from careshed.reach import travel_times

        times = travel_times(self.network, self.candidates, self.people, cutoff_s=within * TRAFFIC)
        site, demand, _ = times.pairs()
        name = f"clusters n={len(self.people)} m={len(self.candidates)} T={within:g}"
        return Pairs(name, site, demand, self.weights, len(self.candidates))


def towns(network: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centres, shares of the people, and spreads in metres."""
    low = np.array([network.node_x.min(), network.node_y.min()])
    high = np.array([network.node_x.max(), network.node_y.max()])
    centres = rng.uniform(low, high, (TOWNS, 2))
    mass = rng.pareto(1.5, TOWNS) + 0.3
    # scaled so that a smaller network holds smaller towns
    spread = rng.uniform(*SPREAD_M, TOWNS) * np.sqrt(network.nodes / NODES)
    return centres, mass / mass.sum(), spread


def place(
    centres: np.ndarray, share: np.ndarray, spread: np.ndarray, count: int, network: Any, rng: np.random.Generator
) -> np.ndarray:
    """Return so many places, some anywhere, the others around the centres."""
    low = np.array([network.node_x.min(), network.node_y.min()])
    high = np.array([network.node_x.max(), network.node_y.max()])
    town = rng.choice(len(centres), count, p=share)
    around = centres[town] + rng.normal(size=(count, 2)) * spread[town, None]
    anywhere = rng.uniform(low, high, (count, 2))
    inside = ((around >= low) & (around <= high)).all(axis=1)
    return np.where((inside & (rng.random(count) >= EVERYWHERE))[:, None], around, anywhere)


def nearest(xy: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the position of the nearest of `xy` to each place."""
    from scipy.spatial import KDTree

    return KDTree(xy).query(places)[1]


def snapped(network: Any, xy: np.ndarray, letter: str) -> Any:
    """Join places to the network."""
    ids = np.char.add(letter, np.arange(len(xy)).astype(str))
    return network.snap(gpd.GeoSeries(gpd.points_from_xy(*xy.T), index=ids, crs=network.crs))


def published(path: Path, radius: float) -> Pairs:
    """Read a file of coordinates and people, and find who lies within the radius of whom."""
    lines = path.read_text(encoding="ascii").split("\n")
    head = next(n for n, line in enumerate(lines) if line.strip() == "NODE_COORD_SECTION") + 1
    count = int(next(line for line in lines[:head] if line.startswith("DIMENSION")).split(":")[1])
    degrees = np.array([line.split() for line in lines[head : head + count]], dtype=np.float64)
    weights = np.array([line.strip() for line in lines[head + count + 1 : head + 2 * count + 1]], dtype=np.int64)
    parts = []
    for row, metres in enumerate(haversine(np.radians(degrees))):
        near = np.flatnonzero(metres <= radius)
        parts.append(np.stack([np.full(len(near), row), near]))
    site, demand = np.concatenate(parts, axis=1).astype(np.int32)
    return Pairs(path.stem, site, demand, weights, count)


def haversine(places: np.ndarray) -> Any:
    """Yield the distances of each place to all, in metres, from radians of latitude and longitude."""
    for latitude, longitude in places:
        north, east = (places - [latitude, longitude]).T
        part = np.sin(north / 2) ** 2 + np.cos(latitude) * np.cos(places[:, 0]) * np.sin(east / 2) ** 2
        yield 2 * RADIUS_M * np.arcsin(np.sqrt(part))


def listed(path: Path, radius: float, p: int) -> dict[str, Any]:
    """Return the published optimum of an instance, where it lies beside the file."""
    table = path.parent / "optima.csv"
    if table.exists():
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if (row["instance"], float(row["radius_m"]), int(row["p"])) == (path.stem, radius, p):
                    return {"radius_m": radius, "published": int(row["optimum"])}
    return {"radius_m": radius, "published": None}


def warm_up() -> None:
    """Compile, or load what is compiled, so that no row pays for it."""
    from careshed.siting.fast.cover import Cover
    from careshed.siting.fast.coveranneal import annealed
    from careshed.siting.fast.coversaddle import ascended, first_point, set_aside, widened
    from careshed.siting.fast.covertree import Incumbent, finished
    from careshed.siting.fast.maxcover import max_cover
    from careshed.siting.fast.setcover import cover_of

    rng = np.random.default_rng(1)
    site, demand = (ends.astype(np.int32) for ends in np.nonzero(rng.random((12, 60)) < 0.2))
    for frozen in (False, True):  # numba compiles arrays that can't be written to apart
        site.flags.writeable = demand.flags.writeable = not frozen
        costs = rows_of(Pairs("", site, demand, rng.integers(1, 9, 60), 12))
        max_cover(costs, 3)
    cover_of(costs.starts, costs.site, costs.sites, size=4, work=1000)
    # what small instances don't come to
    cover = Cover.of(costs, 3).without(np.arange(12) == 0, np.zeros(12, dtype=bool))
    annealed(cover, np.arange(3), moves=1, hot=0.1)
    last = ascended(cover, 1.0, first_point(cover), steps=50)
    ascended(cover, 1.0, widened(cover, last.point) or last.point, steps=50)
    best = Incumbent(1 << 62, np.arange(3), None, lambda *_: None)
    finished(cover, set_aside(cover, last.point), last.point.x, best, 0.0)


def rows_of(pairs: Pairs) -> Any:
    """Return the demand as rows, equal ones merged."""
    from careshed.siting.cut.costs import Costs

    none = np.zeros(pairs.sites, dtype=bool)
    cost = np.zeros(len(pairs.site), dtype=np.int32)
    return Costs.build(pairs.site, pairs.demand, cost, base=1, weights=pairs.weights, always=none, groups=1)


def measured(pairs: Pairs, p: int, given: argparse.Namespace) -> dict[str, Any]:
    """Solve one instance, tell the screen, and return its row of the report."""
    from reach import peak_mb

    from careshed.siting.fast.maxcover import max_cover

    begin, used = time.perf_counter(), time.process_time()
    costs = rows_of(pairs)
    aggregated = time.perf_counter()
    deadline = time.monotonic() + given.time_limit
    found = max_cover(costs, p, deadline=deadline, progress=None if given.quiet else shown(begin))
    seconds, processor_s = time.perf_counter() - begin, time.process_time() - used
    total = int(pairs.weights.sum())
    covered = total - costs.constant - found.value
    row = {
        "instance": pairs.name,
        "n": len(pairs.weights),
        "candidates": pairs.sites,
        "p": p,
        "objective": covered,
        "bound": total - costs.constant - found.bound,
        "gap": round((found.value - found.bound) / max(covered, 1), 6) if not found.proven else 0.0,
        "status": "optimal" if found.proven else "feasible",
        "seconds": round(seconds, 3),
        "processor_s": round(processor_s, 3),
        "aggregate_s": round(aggregated - begin, 3),
        "rows": len(costs.weight),
        "pairs": len(pairs.site),
        "covered_share": round(covered / total, 4),
        "nodes": found.nodes,
        "method": found.method,
        "peak_mb": peak_mb(),
    }
    sys.stderr.write(" ".join(f"{key}={value}" for key, value in row.items()) + "\n")
    return row


def shown(begin: float) -> Any:
    """Return what tells the screen how far it is."""

    def tell(value: float, bound: float, text: str) -> None:
        sys.stderr.write(f"{time.perf_counter() - begin:7.1f} s  uncovered {value:.0f}, at least {bound:.1f}: {text}\n")

    return tell


def peer(pairs: Pairs, p: int, seconds: float) -> dict[str, Any]:
    """Ask spopt for the same answer, from its own dense matrix, with the solver that it brings."""
    try:
        import pulp
        from spopt.locate import MCLP
    except ImportError as error:
        return {"peer": "spopt", "absent": str(error)}
    dense = np.full((len(pairs.weights), pairs.sites), 2.0)
    dense[pairs.demand, pairs.site] = 0.0
    begin = time.perf_counter()
    model = MCLP.from_cost_matrix(dense, pairs.weights[:, None], 1.0, p_facilities=p)
    model = model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds))
    taken = time.perf_counter() - begin
    opened = [j for j, served in enumerate(model.fac2cli) if len(served)]
    covered = np.zeros(len(pairs.weights), dtype=bool)
    covered[pairs.demand[np.isin(pairs.site, opened)]] = True
    said = {
        "peer": "spopt",
        "peer_seconds": round(taken, 3),
        "peer_objective": int(pairs.weights[covered].sum()),
        "peer_status": pulp.LpStatus[model.problem.status],
    }
    sys.stderr.write(f"spopt on {pairs.name}: {said}\n")
    return said

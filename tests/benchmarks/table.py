"""Run the whole table of benchmarks and write it to docs/benchmarks.md.

python tests/benchmarks/table.py [--roads FILE.osm.pbf] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ALL = ["scipy", "networkx", "igraph", "rustworkx", "pandana", "c"]
PACKAGES = ["numpy", "numba", "scipy", "networkx", "igraph", "rustworkx", "pandana"]

HEAD = """# Benchmarks

Written by `make bench`. The question: all (facility, junction) pairs within some minutes, as sparse rows. Facilities
stand at junctions, weights are the same whole milliseconds for all, and what is found is compared by a checksum over
all (facility, junction, milliseconds). Ratios hold, seconds depend on the machine and on what else it did: its load is
given. Synthetic towns have 2.63 directed edges a node and streets of 52 m in the mean. igraph and rustworkx have no
cutoff. A peer that would take long answers for the first few facilities, and its time is scaled to all of them. `c` is
the same search in C, compiled with `cc -O3 -march=native`, one thread; *one thread* is our processor time over its.
"""


def main() -> None:
    """Run every row and write the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--roads", type=Path, default=ROOT.parent / "shared" / "data" / "xicheng" / "roads.osm.pbf")
    ask.add_argument("--quick", action="store_true", help="one repeat, and little time for the peers")
    ask.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    given = ask.parse_args()
    results = [(name, run(words, quick=given.quick)) for name, words in rows(given.roads)]
    given.output.write_text(page(results, given.roads.exists()), encoding="utf-8")


def rows(roads: Path) -> list[tuple[str, str]]:
    """Return the table's rows: a name and the words of the command."""
    listed = [
        (f"{label}, walk", f"--nodes {nodes} --facilities 3000 --minutes 15 --mode walk --isochrones 1000")
        for label, nodes in (("20k", 20_000), ("250k", 250_000), ("500k", 500_000), ("1M", 1_000_000))
    ]
    listed += [
        (f"{label}, drive", f"--nodes {nodes} --facilities 500 --minutes 12 --mode drive")
        for label, nodes in (("20k", 20_000), ("250k", 250_000))
    ]
    if roads.exists():
        listed += [
            ("Xicheng, walk", f"--network {roads} --facilities 3000 --minutes 15 --mode walk --isochrones 1000"),
            ("Xicheng, drive", f"--network {roads} --facilities 500 --minutes 12 --mode drive"),
        ]
    return listed


def run(words: str, *, quick: bool) -> dict[str, Any]:
    """Run one row."""
    limits = "--repeat 1 --peer-seconds 3" if quick else "--repeat 3 --peer-seconds 8"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.json"
        more = [*words.split(), *limits.split(), "--peers", ",".join(ALL), "--json", str(path)]
        subprocess.run([sys.executable, str(HERE / "reach.py"), *more], check=True)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def page(results: list[tuple[str, dict[str, Any]]], real: bool) -> str:  # noqa: FBT001
    """Return the page."""
    parts = [HEAD, machine(), "## Times\n", times(results), "## Work and memory\n", work(results)]
    parts += ["## One isochrone as the town grows\n", growth(results)]
    if not real:
        parts.append("Rows on real roads are missing: the file was not there.\n")
    return "\n".join(parts)


def machine(packages: Sequence[str] = PACKAGES) -> str:
    """Return a sentence on the machine and the versions."""
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    where = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return f"Machine: {where}. {'; '.join(versions)}.\n"


def times(results: list[tuple[str, dict[str, Any]]]) -> str:
    """Return our times and the peers' as multiples of them."""
    lines = [
        "| roads | nodes | edges | pairs | threads | ours, s | " + " | ".join(ALL) + " | one thread, ours : c | load |",
        "|---|" + "--:|" * (len(ALL) + 7),
    ]
    for name, row in results:
        peers = [shown(row["peers"].get(peer, {"absent": ""})) for peer in ALL]
        ours, c = row["ours"], row["peers"].get("c", {})
        cells = [name, f"{row['nodes']:,}", f"{row['edges']:,}", f"{row['pairs']:,}", ours["threads"]]
        cells += [f"{ours['median_s']:.3f}", *peers, c.get("single_thread_ratio", "–")]
        cells.append(f"{row['load_average'][0]:.1f}" if row["load_average"] else "–")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n\nPeers: times ours; ≠ where what was found differs; – where not run.\n"


def shown(peer: dict[str, Any]) -> str:
    """Return a peer's ratio."""
    if "absent" in peer:
        return "–"
    return f"{peer['ratio']:.1f}×" + ("" if peer["pairs_equal"] else " ≠")


def work(results: list[tuple[str, dict[str, Any]]]) -> str:
    """Return edges relaxed, bandwidth and memory."""
    heads = ["roads", "edges relaxed", "a second", "of memory, GB/s", "copying, GB/s", "peak MB", "bytes a pair"]
    heads += ["file, MB", "loading, ms", "first point joined, ms"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    for name, row in results:
        ours = row["ours"]
        cells = [name, f"{ours['edges_relaxed']:,}", f"{ours['edges_per_s']:,}", ours["memory_gb_per_s"]]
        cells += [ours["copy_gb_per_s"], ours["peak_mb"], ours["bytes_per_pair"], ours["file_mb"]]
        cells += [f"{1000 * ours[name]:.0f}" for name in ("load_s", "first_snap_s")]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    said = (
        "Of memory: an estimate. Bytes a pair: of the peak above import, network included. Loading: the network's "
        "file, from the system's cache, median of 5; the first point joined after that waits for lines and their tree."
    )
    return "\n".join(lines) + f"\n\n{said}\n"


def growth(results: list[tuple[str, dict[str, Any]]]) -> str:
    """Return one isochrone's edges and time by the town's size."""
    lines = ["| roads | nodes | edges relaxed, mean | median µs |", "|---|--:|--:|--:|"]
    for name, row in results:
        if "isochrone" in row:
            one = row["isochrone"]
            cells = [name, f"{row['nodes']:,}", f"{one['edges_relaxed']:,.0f}", f"{one['median_s'] * 1e6:.0f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""Run all benchmarks of siting and write them to docs/benchmarks-siting.md.

python tests/benchmarks/sitingtable.py [--data FOLDER] [--instance-seconds 100]
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from table import HERE, ROOT, machine

Rows = list[dict[str, Any]]
RECIPES = [f"data/{name}/recipe.toml" for name in ("xicheng", "tongzhou")]
HEAD = """# Benchmarks of siting

Written by `make bench` (`python tests/benchmarks/sitingtable.py`). One thread. *Proven*: no choice of sites is better;
otherwise the gap between the plan and the bound. Seconds are of the search alone, without travel times and start.
"""


def main() -> None:
    """Run everything and write the page."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="published instances, real roads"
    )
    ask.add_argument("--instance-seconds", type=float, default=100.0, help="for each published covering instance")
    ask.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks-siting.md")
    given = ask.parse_args()
    parts = [HEAD, machine(["numpy", "numba", "highspy", "scipy", "spopt"])]
    for part in (library, million, published, districts):
        parts += part(given)
    given.output.write_text("\n".join(parts), encoding="utf-8")


def asked(*words: object) -> Rows:
    """Return what a benchmark says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, str(HERE / "siting.py"), *map(str, words), "--json", str(path)]
        subprocess.run(command, check=True, cwd=ROOT)
        found: Rows = json.loads(path.read_text(encoding="utf-8"))
    return found


def library(given: argparse.Namespace) -> list[str]:
    """Return the tables of the OR-Library's 40 graphs."""
    files = sorted((given.data / "or-library").glob("pmed[0-9]*.txt"), key=lambda path: int(path.stem[4:]))
    if not files:
        return ["The OR-Library's files were not there.\n"]
    lines = ["## OR-Library: 40 graphs, 100 to 900 vertices (Beasley 1990)\n"]
    lines += [
        "| problem | instances | proven | published optimum hit | seconds in all | slowest |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for model in ("pmedian", "pcenter"):
        rows = asked(model, *files)
        proven, hit = (sum(test(row) for row in rows) for test in (is_proven, lambda row: bool(row["matches"])))
        slowest = max(rows, key=lambda row: float(row["seconds"]))
        took = sum(row["seconds"] for row in rows)
        worst = f"{slowest['instance']}, {slowest['seconds']:.2f} s"
        lines.append(f"| {model} | {len(rows)} | {proven} | {hit} | {took:.2f} | {worst} |")
    return [*lines, "\nShortest paths are apart.\n"]


def million(_given: argparse.Namespace) -> list[str]:
    """Return the table of a million demand points."""
    words = ["mclp", "--points", 1_000_000, "--candidates", 500, "--quiet"]
    rows = asked(*words, "--p", 29, "--within", 180, 240, 300) + asked(*words, "--p", 60, "--within", 240)
    small = asked(
        "mclp", "--points", 1000, "--candidates", 100, "--nodes", 20_000, "--within", 240, "--peer", "spopt", "--quiet"
    )
    lines = ["## Maximal covering: 1,000,000 demand points, 500 candidate sites\n", *covering(rows)]
    lines += ["\nSeconds with aggregation. Beside spopt, on sizes that it can finish:\n"]
    lines += ["| instance | p | ours, s | spopt, s | same objective |", "|---|--:|--:|--:|---|"]
    return [*lines, *(beside(row) for row in small if "peer" in row), ""]


def beside(row: dict[str, Any]) -> str:
    """Return our row and the peer's."""
    start = f"| {row['instance']} | {row['p']} | {row['seconds']:.3f} |"
    if "absent" in row:
        return f"{start} absent: {row['absent']} | – |"
    same = "yes" if row["peer_objective"] == row["objective"] else f"no, it stopped {row['peer_status'].lower()}"
    return f"{start} {row['peer_seconds']:.1f} | {same} |"


def published(given: argparse.Namespace) -> list[str]:
    """Return the table of published covering instances, each point of which is a candidate."""
    listed = given.data / "mclp" / "optima.csv"
    if not listed.exists():
        return ["The published covering instances were not there.\n"]
    rows = []
    with listed.open(encoding="utf-8") as file:
        for one in csv.DictReader(file):
            path = listed.with_name(one["instance"] + ".txt")
            words = ["mclp", "--instance", path, "--radius", one["radius_m"], "--p", one["p"], "--quiet"]
            rows += [
                row | {"optimum": int(one["optimum"])} for row in asked(*words, "--time-limit", given.instance_seconds)
            ]
    lines = ["## Published covering instances (Máximo, Cordeau, Nascimento 2023)\n", *covering(rows)]
    return [*lines, f"\nWithin {given.instance_seconds:g} s each.\n"]


def covering(rows: Rows) -> list[str]:
    """Return rows of maximal covering."""
    lines = ["| instance | p | rows | covered | share | published | bound | gap | seconds | peak MB |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        gap = "proven" if is_proven(row) else f"{row['gap']:.3%}"
        optimum = f"{row['optimum']:,}" if "optimum" in row else "–"
        cells = [row["instance"], row["p"], f"{row['rows']:,}", f"{row['objective']:,}", f"{row['covered_share']:.1%}"]
        cells += [optimum, f"{row['bound']:,.0f}", gap, f"{row['seconds']:.2f}", f"{row['peak_mb']:.0f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def districts(given: argparse.Namespace) -> list[str]:
    """Return the table of whole districts under all their rules."""
    rows = asked("areas", *RECIPES, "--candidates", 300)
    real = given.data / "xicheng"
    if real.exists():
        words = ["--network", real / "roads.osm.pbf", "--units", real / "subdistricts.geojson"]
        (row,) = asked("junctions", *words, "--targets", "data/xicheng/targets.toml", "--time-limit", 180)
        rows.append(row | {"instance": "xicheng, real roads, every junction inside a candidate"})
    lines = ["## Districts under all their rules: quotas, tiers, phases; covered, then response\n"]
    lines += ["| district | demand points | sites | stations | gap | seconds |", "|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        gap = "proven" if is_proven(row) else f"{max(level[2] for level in row['levels'].values()):.3%}"
        cells = [row["instance"], f"{row['n']:,}", f"{row['candidates']:,}", row["p"], gap, f"{row['seconds']:.2f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return [*lines, "\n*Without rules*: most people covered by as many stations.\n"]


def is_proven(row: dict[str, Any]) -> bool:
    """Whether a row is proven."""
    return bool(row["status"] == "optimal")


if __name__ == "__main__":
    main()

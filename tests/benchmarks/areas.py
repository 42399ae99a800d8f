"""Site stations in districts under all rules of their documents: made ones with many candidates, a real one with all.

python tests/benchmarks/siting.py areas data/xicheng/recipe.toml data/tongzhou/recipe.toml --candidates 300
python tests/benchmarks/siting.py junctions --network FILE.osm.pbf --units FILE.geojson --targets targets.toml
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np


def add(subparsers: Any) -> None:
    """Add the subcommands."""
    ask = subparsers.add_parser("areas", help="made districts with so many candidate sites")
    ask.add_argument("recipes", type=Path, nargs="+", metavar="RECIPE")
    ask.add_argument("--candidates", type=int, default=300)
    ask.set_defaults(run=areas)
    real = subparsers.add_parser("junctions", help="a real district, every drivable junction inside a candidate site")
    real.add_argument("--network", type=Path, required=True, metavar="FILE")
    real.add_argument("--units", type=Path, required=True, metavar="FILE")
    real.add_argument("--targets", type=Path, required=True, metavar="FILE")
    real.set_defaults(run=junctions)
    for parser in (ask, real):
        parser.add_argument("--time-limit", type=float)
        parser.add_argument("--json", type=Path)


def areas(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Make each district anew with more candidates, and site its stations with its rules and without."""
    from careshed.synthetic import synthesize

    rows = []
    for recipe in given.recipes:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(recipe.parent.parent / "facts", Path(folder) / "facts")
            place = Path(folder) / recipe.parent.name
            shutil.copytree(recipe.parent, place)
            changed = place / recipe.name
            count = tomllib.loads(changed.read_text(encoding="utf-8"))["candidates"]["count"]
            text = changed.read_text(encoding="utf-8").replace(f"count = {count}", f"count = {given.candidates}")
            changed.write_text(text, encoding="utf-8")
            area = synthesize(changed)
        rows += [sited(area, recipe.parent.name, given, plain=plain) for plain in (False, True)]
    return rows


def junctions(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Site stations among all drivable junctions of a real district."""
    from careshed.build import build_area
    from careshed.network import RoadNetwork

    area = build_area(given.network, subdistricts=given.units, targets=given.targets, name=given.units.parent.name)
    network = RoadNetwork.from_streets(area.streets, "drive", crs=area.crs)
    nodes = np.unique(np.concatenate([network.edge_u[network.main], network.edge_v[network.main]]))
    places = gpd.GeoSeries(gpd.points_from_xy(network.node_x[nodes], network.node_y[nodes]), crs=area.crs)
    places.index = [f"j{node:06d}" for node in nodes]
    inside = gpd.GeoDataFrame(geometry=places).sjoin(area.subdistricts[["geometry"]], predicate="within")
    inside = inside[~inside.index.duplicated()]
    units = inside[area.subdistricts.index.name].astype(str)
    named = {"name": inside.index, "status": "candidate", "tier": "", "subdistrict_id": units}
    sites = gpd.GeoDataFrame(named, geometry=inside.geometry, crs=area.crs).rename_axis("site_id")
    area = replace(area, candidates=sites[[*area.candidates.columns]])
    return [sited(area, area.name, given, plain=False)]


def sited(area: Any, name: str, given: argparse.Namespace, *, plain: bool) -> dict[str, Any]:
    """Plan the stations; `plain`: most people covered by as many stations, no rules."""
    from careshed.plan import make_plan
    from careshed.siting import MCLP, site

    made = make_plan(area, parts=("siting",), time_limit_s=None if plain else given.time_limit)
    problem, solution = made.brief.problem, made.solution
    if plain:
        last = problem.phases[-1:]
        bare = replace(problem, quotas={}, tiers=(), counted_tier="", phases=last, sides=())
        solution = site(bare, MCLP(), time_limit_s=given.time_limit)
    return {
        "instance": name + (" without rules" if plain else ""),
        "n": len(problem.weights),
        "candidates": len(problem.site_ids),
        "p": problem.stations,
        "status": solution.status,
        "levels": {level.name: [level.objective, level.bound, level.gap] for level in solution.levels},
        "seconds": round(solution.report.runtime_s, 2),
        "in_all_s": round(made.runtime_s, 2),
        "nodes": solution.report.nodes,
    }

"""Synthetic districts: names and totals are real, the rest is drawn from a seed.

A recipe says roughly how a district lies: units, main roads, barriers,
villages. `synthesize` makes a study area of it that behaves like the place and
is the same byte for byte on every run with the same pins. It is made for
demonstrations and tests; no plan for the real place follows from it.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from careshed.area import Provenance, StudyArea
from careshed.candidates import generate_candidates
from careshed.synthetic.divide import Division, divide, is_village
from careshed.synthetic.graph import street_table
from careshed.synthetic.ground import Ground, lay_ground
from careshed.synthetic.people import community_people, demand_points, street_spots, unit_people
from careshed.synthetic.places import facility_places
from careshed.synthetic.recipe import Facts, Recipe, read_facts, read_recipe
from careshed.synthetic.roads import lay_roads
from careshed.targets import Targets, read_targets

__all__ = ["Recipe", "read_recipe", "synthesize"]


def synthesize(recipe_path: Path | str) -> StudyArea:
    """Make a study area from a recipe.

    Parameters
    ----------
    recipe_path
        ``recipe.toml``. Tables of facts are read from the folder that it names, and
        ``targets.toml`` from its own folder where there is one.

    Returns
    -------
    StudyArea
        In the recipe's CRS, metres, coordinates rounded to 0.01 m. The same
        recipe, facts and pins give the same area. Write it with `StudyArea.write`.

    Raises
    ------
    FileFaultError, InputError
        If the recipe or a table can't be used.

    Examples
    --------
    >>> area = synthesize("data/xicheng/recipe.toml")  # doctest: +SKIP
    >>> area.write("data/xicheng")  # doctest: +SKIP
    """
    path = Path(recipe_path)
    recipe = read_recipe(path)
    facts = read_facts(recipe, path)
    ground = lay_ground(recipe, facts)
    layout = lay_roads(recipe, ground, _villages(recipe, facts))
    streets = street_table(layout, ground.crs)
    division = divide(recipe, facts, ground, layout)
    by_unit = unit_people(facts)
    by_community = community_people(recipe, division, by_unit)
    demand = demand_points(recipe, division, by_community, street_spots(_main(streets), mode="walk"))
    spots = street_spots(_main(streets), mode="drive")
    subdistricts = _subdistricts(facts, division, by_unit)
    targets = path.parent / "targets.toml"
    return StudyArea(
        name=recipe.name,
        crs=ground.crs,
        streets=streets,
        subdistricts=subdistricts,
        communities=_communities(division, by_community),
        demand=demand,
        facilities=facility_places(recipe, facts, ground, division, demand, spots),
        candidates=generate_candidates(
            demand,
            _main(streets),
            subdistricts,
            n=recipe.candidates.count,
            min_per_unit=recipe.candidates.per_unit,
            seed=recipe.seed,
        ),
        backdrop=_backdrop(ground, streets),
        targets=read_targets(targets) if targets.exists() else Targets(),
        provenance=_provenance(recipe, facts),
        inputs=facts.inputs,
        assumptions={
            "population": "Unit totals: real where units.csv says so, the rest of the census total split by its "
            "weights; communities by settled ground and chance; people of 65 and over by an assumed share.",
        },
    )


def _villages(recipe: Recipe, facts: Facts) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the number of villages of each unit; dense units have none of their own."""
    village = facts.communities["unit_code"][is_village(facts.communities["name"])]
    return np.array([0 if unit.block_m else int((village == unit.code).sum()) for unit in recipe.unit], dtype=np.int64)


def _main(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return streets outside gated compounds."""
    return streets[streets["highway"] != "service"]


def _subdistricts(facts: Facts, division: Division, people: pd.Series) -> gpd.GeoDataFrame:
    frame = division.subdistricts
    columns = {
        "name": facts.units["name"].to_numpy(),
        "name_en": facts.units["name_en"].to_numpy(),
        "population": people.to_numpy(dtype=float),
        "population_status": facts.units["population_status"].to_numpy(),
    }
    return gpd.GeoDataFrame(columns, geometry=frame.geometry.array, index=frame.index, crs=frame.crs).astype(
        {"name": "str", "name_en": "str", "population_status": "str"}
    )


def _communities(division: Division, people: pd.Series) -> gpd.GeoDataFrame:
    frame = division.communities
    columns = {
        "name": frame["name"],
        "subdistrict_id": frame["subdistrict_id"],
        "population": people.astype(float),
        "population_status": "estimated",
    }
    return gpd.GeoDataFrame(columns, geometry=frame.geometry.array, index=frame.index, crs=frame.crs).astype(
        {"name": "str", "subdistrict_id": "str", "population_status": "str"}
    )


def _backdrop(ground: Ground, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = [(barrier.kind, barrier.name, shape) for barrier, shape in ground.barriers]
    if not ground.hills.is_empty:
        # Valleys show between the hills: there is a road in each.
        valleys = shapely.union_all(shapely.buffer(streets.geometry.simplify(150).array, 450, quad_segs=2)).simplify(60)
        shapes.append(("mountain", "山地", ground.hills.intersection(ground.extent).difference(valleys)))
    kinds = {"closed": "park"}
    frame = gpd.GeoDataFrame(
        {"kind": [kinds.get(kind, kind) for kind, _, _ in shapes], "name": [name for _, name, _ in shapes]},
        geometry=gpd.GeoSeries([shapely.set_precision(shape, 0.01) for _, _, shape in shapes], crs=ground.crs),
    ).astype({"kind": "str", "name": "str"})
    frame.index = pd.Index([f"b{number:02d}" for number in range(1, len(frame) + 1)], name="backdrop_id", dtype="str")
    return frame


def _provenance(recipe: Recipe, facts: Facts) -> dict[str, Provenance]:
    made = f"careshed.synthetic, seed {recipe.seed} (CC0 1.0)"
    names = "names: china-division 2.7.0 (WTFPL)"
    census = f"{recipe.people} census total of {recipe.district}, {facts.total:,}: {facts.sources}"
    return {
        "streets": Provenance("synthetic", made, recipe.date),
        "subdistricts": Provenance(
            "synthetic", f"outlines: {made}; {names}; people: estimated, see population", recipe.date
        ),
        "communities": Provenance(
            "synthetic", f"outlines: {made}; {names}; people: estimated, see population", recipe.date
        ),
        "population": Provenance(
            "estimated",
            f"{census}; units by census counts and WorldPop 2020 (CC BY 4.0), see units.csv",
            str(recipe.people),
        ),
        "demand": Provenance("estimated", f"population spread beside synthetic streets by {made}", recipe.date),
        "facilities": Provenance("synthetic", made, recipe.date),
        "candidates": Provenance("synthetic", made, recipe.date),
        "backdrop": Provenance("synthetic", made, recipe.date),
    }

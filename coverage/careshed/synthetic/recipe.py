"""Recipe: what a synthetic district is made from, read from ``recipe.toml`` and tables of facts.

Everything that is true of one district only stands there: units with their
rough place and size, main roads, barriers, villages, counts of facilities.
Positions are kilometres east and north of the recipe's centre: figures rounded
from public boundaries for units, drawn by eye for the rest; no outline is a copy.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import pydantic
from pydantic import Field

from careshed._checks import readable_file, require_columns, sha256
from careshed.errors import FileFaultError, InputError

__all__ = ["Barrier", "Express", "Facts", "Place", "Recipe", "Road", "Settlement", "Unit", "read_facts", "read_recipe"]

Point = tuple[float, float]
Count = Annotated[int, Field(ge=0)]


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Unit(_Table):
    """A subdistrict or township, roughly.

    Parameters
    ----------
    code
        Its code in the table of units, which has its name, area and people.
    at, size
        Centre and width × height, km.
    block_m
        Side of an ordinary block between its streets, metres; 0 for open country.
    oneway, walk_only
        Shares of its lanes that are one-way, or too narrow for cars.
    centres, stations
        Community health centres and stations that it has now.
    served
        Share of its people, nearest to the first centre, among whom the stations stand.
    """

    code: str
    at: Point
    size: Point
    block_m: float = Field(default=0, ge=0)
    oneway: float = Field(default=0.1, ge=0, le=1)
    walk_only: float = Field(default=0.05, ge=0, le=1)
    centres: Count = 1
    stations: Count = 0
    served: float = Field(default=1, gt=0, le=1)


class Settlement(_Table):
    """A town in open country: a rounded rectangle of streets.

    Parameters
    ----------
    at, size
        Centre and width × height, km.
    block_m
        Side of an ordinary block, metres.
    turn
        Anticlockwise turn, degrees.
    """

    at: Point
    size: Point
    block_m: float = Field(default=180, gt=0)
    turn: float = 0


class Road(_Table):
    """A named main road.

    Parameters
    ----------
    name, highway
        Name, and class as OpenStreetMap has it.
    points
        Its course, km.
    bridge
        Whether it crosses barriers.
    wiggle_m
        How far its course strays, as valley roads do, metres.
    valley
        Whether side valleys branch off it.
    kmh
        Signed limit, km/h; None where unknown.
    """

    name: str
    highway: str
    points: tuple[Point, ...]
    bridge: bool = True
    wiggle_m: float = Field(default=0, ge=0)
    valley: bool = False
    kmh: float | None = None


class Express(_Table):
    """A grade-separated road: two one-way carriageways in a corridor that few streets cross.

    Parameters
    ----------
    name, highway
        Name and class, ``trunk`` or ``motorway``.
    points
        Course of its middle, km.
    half_m
        Half the width of the corridor, metres.
    frontage
        Whether one-way service roads (辅路) run along both edges.
    interchange_m
        Least distance between interchanges, metres.
    crossing_m
        Distance between footbridges, metres; 0 for none.
    kmh
        Signed limit, km/h.
    """

    name: str
    highway: str = "motorway"
    points: tuple[Point, ...]
    half_m: float = Field(default=22, gt=15)
    frontage: bool = False
    interchange_m: float = Field(default=3000, gt=0)
    crossing_m: float = Field(default=0, ge=0)
    kmh: float = 80


class Barrier(_Table):
    """Ground that streets go round: water, a rail yard, a closed compound, a park, hills.

    Parameters
    ----------
    kind
        ``water``, ``rail``, ``closed``, ``park`` or ``hills``. Hills stop no
        street; they only keep new ones from being laid.
    name
        Its name.
    points
        Outline (where `width_m` is 0) or course, km.
    width_m
        Width of a river or a railway, metres.
    smooth
        Whether corners are rounded, as shores are.
    wiggle_m
        How far a course strays, metres.
    shore
        Class of the street along it; empty for none.
    """

    kind: str = Field(pattern="^(water|rail|closed|park|hills)$")
    name: str
    points: tuple[Point, ...]
    width_m: float = Field(default=0, ge=0)
    smooth: bool = True
    wiggle_m: float = Field(default=0, ge=0)
    shore: str = ""


class Place(_Table):
    """An existing facility with a rough place of its own, such as a hospital.

    Parameters
    ----------
    kind, name, tier
        As in the layer of facilities.
    at
        Rough place, km; the facility stands by the nearest driving street.
    capacity
        Beds or vehicles, NaN unknown.
    """

    kind: str
    name: str
    at: Point
    tier: str = ""
    capacity: float = float("nan")


class Villages(_Table):
    """How villages are laid out: `side_m` of an ordinary one, `block_m` inside it, metres."""

    side_m: float = Field(default=400, gt=0)
    block_m: float = Field(default=130, gt=0)


class Demand(_Table):
    """How people are spread: points in a community, share of people of 65 and over, and its spread."""

    points: tuple[int, int] = (8, 12)
    elderly: float = Field(default=0.18, gt=0, lt=1)
    elderly_spread: float = Field(default=0.04, ge=0)


class Candidates(_Table):
    """How many candidate sites: in all, and at least in each unit."""

    count: int = Field(default=150, gt=0)
    per_unit: int = Field(default=3, ge=0)


class Recipe(_Table):
    """A district, roughly.

    Parameters
    ----------
    name, district
        The area's name, and the district's in the tables of facts.
    date
        The date that the area's provenance bears.
    seed
        Seed of every random choice.
    centre, epsg
        Longitude and latitude (WGS-84 degrees) of the km grid's zero, and the projected CRS.
    facts
        Folder of the tables of facts, from the recipe's folder.
    people
        Year of the census whose total is kept exactly.
    outline
        Rough boundary, km.
    buffer_m
        Roads reach so far beyond the outline, metres.
    grid_m
        Spacing of the raster on which units are fitted to their areas, metres.
    open_m
        Side of an ordinary block in open country, metres.
    outside_block_m
        Side of a block beyond the boundary, metres; 0 for open country.
    cell_m
        Largest side of the cells that communities are made of, metres.
    cell_streets
        Steps of side (metres) and class: a street that halves a block of at least that side.
    compounds
        Gated compounds whose paths touch no street.
    footways
        Share of blocks that a footway cuts through.
    side_valley_m
        Distance between side valleys, metres; 0 for none.
    """

    name: str
    district: str
    date: str
    seed: int
    centre: Point
    epsg: int
    facts: str
    people: int
    outline: tuple[Point, ...]
    buffer_m: float = 2000
    grid_m: float = 100
    open_m: float = 2000
    outside_block_m: float = 0
    cell_m: float = 400
    cell_streets: tuple[tuple[float, str], ...]
    compounds: Count = 4
    footways: float = Field(default=0.2, ge=0, le=1)
    side_valley_m: float = Field(default=0, ge=0)
    village: Villages = Villages()
    demand: Demand = Demand()
    candidates: Candidates = Candidates()
    village_clinics: Count = 0
    village_stations: Count = 0
    unit: tuple[Unit, ...]
    town: tuple[Settlement, ...] = ()
    road: tuple[Road, ...] = ()
    express: tuple[Express, ...] = ()
    barrier: tuple[Barrier, ...] = ()
    place: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Tables of facts, cut to one district.

    Parameters
    ----------
    units
        By code, in the recipe's order: ``name``, ``name_en``, ``area_km2``,
        ``population_weight`` (people) and ``population_status``.
    communities
        By code: ``name`` and ``unit_code``.
    total
        People of the district at the census.
    sources
        Source of the district's total.
    inputs
        File name → SHA-256 of the recipe and of each table.
    """

    units: pd.DataFrame
    communities: pd.DataFrame
    total: int
    sources: str
    inputs: dict[str, str]


def read_recipe(path: Path | str) -> Recipe:
    """Read ``recipe.toml``.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileFaultError
        If it is absent, empty, not UTF-8 or not TOML.
    InputError
        If a key is unknown, missing or out of range; the message names it.
    """
    path = readable_file(path)
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError as error:
        raise FileFaultError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise FileFaultError(f"{path}: not TOML: {error}; see the recipe of an embedded area") from None
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise InputError(f"{path}: {where}: {fault['msg']}, found {fault['input']!r}") from None


def read_facts(recipe: Recipe, path: Path | str) -> Facts:
    """Read the tables of facts that a recipe names, cut to its district.

    Parameters
    ----------
    recipe
        The recipe.
    path
        Its file: ``facts`` is relative to its folder.

    Raises
    ------
    InputError
        If the units of the recipe are not those of the district, or the census total is not there.
    """
    path = Path(path)
    folder = path.parent / recipe.facts
    tables = {name: _table(folder / f"{name}.csv") for name in ("units", "communities", "census")}
    units = tables["units"]
    units = units[units["district"] == recipe.district].set_index("code")
    codes = [unit.code for unit in recipe.unit]
    if set(codes) != set(units.index) or len(set(codes)) != len(codes):
        odd = ", ".join(sorted(set(codes) ^ set(units.index))) or "a code given twice"
        raise InputError(f"{path}: units differ from those of {recipe.district} in units.csv: {odd}; list each once")
    communities = tables["communities"].set_index("code")
    census = tables["census"]
    row = census[
        (census["level"] == "district")
        & (census["district"] == recipe.district)
        & (census["year"] == str(recipe.people))
    ]
    if len(row) != 1:
        raise InputError(
            f"{path}: census.csv has {len(row)} totals of {recipe.district} in {recipe.people}; expected 1"
        )
    return Facts(
        units=units.loc[codes].astype({"area_km2": float, "population_weight": int}),
        communities=communities[communities["unit_code"].isin(codes)],
        total=int(row["population"].iloc[0]),
        sources=str(row["source"].iloc[0]),
        inputs={"recipe.toml": sha256(path)} | {f"{name}.csv": sha256(folder / f"{name}.csv") for name in tables},
    )


_COLUMNS = {
    "units": {"code", "name", "name_en", "district", "area_km2", "population_weight", "population_status", "source"},
    "communities": {"code", "name", "unit_code", "source"},
    "census": {"level", "district", "unit", "year", "population", "source"},
}


def _table(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(readable_file(path), dtype="str", keep_default_na=False)
    require_columns(frame, _COLUMNS[path.stem], what=str(path))
    return frame

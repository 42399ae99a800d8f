"""Districts of an area: its subdistricts, communities or centres attached to core hospitals by road."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from careshed.area import StudyArea
from careshed.datums import split_datum
from careshed.errors import InputError, MissingLayerError
from careshed.network import Mode, Profile, RoadNetwork, default_profile
from careshed.reach import TravelTimes, travel_times
from careshed.siting.districting import DistrictProblem, Districts, attach, shared_borders
from careshed.tables import has_coordinates, locate_units, read_places, read_table
from careshed.tables.named import named_places

__all__ = ["UNITS", "Districting", "district_units", "make_districts", "read_cores"]

UNITS = ("subdistricts", "communities", "centres")
"""What can be attached."""
CENTRE = "community_health_centre"
"""Kind of facility that ``centres`` are."""
CUTOFF_S = 36_000.0
"""Times to cores run to ten hours: a district on foot."""
FAR_M = 100_000.0
"""Cores outside are read so far out, to be refused by name."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Districting:
    """Districts of an area, with what they were made from.

    Parameters
    ----------
    area
        The study area.
    units
        Polygons by unit id: ``name``, ``people``, and where districts were found ``core_id``, ``core``, ``seconds``
        (mean of its people to the core), ``nearest_id`` and ``nearest_s`` (the core that they reach soonest).
    cores
        Points by core id: ``name`` and ``unit_id``.
    found
        The districts with their proof, or the reason why there are none.
    kind
        One of `UNITS`.
    tolerance
        As it was asked for.
    times
        Times from people to cores.
    homeless
        People that belong to no unit, and so to no district.
    assumptions
        Figures that were assumed, in words.
    """

    area: StudyArea
    units: gpd.GeoDataFrame
    cores: gpd.GeoDataFrame
    found: Districts
    kind: str
    tolerance: float | None
    times: TravelTimes
    homeless: int
    assumptions: dict[str, str]

    @property
    def districts(self) -> gpd.GeoDataFrame:
        """The districts as polygons by core id, with the columns of `Districts.loads`; times in seconds."""
        loads = self.found.loads
        shapes = [shapely.union_all(self.units.geometry[self.units["core_id"] == core].array) for core in loads.index]
        table = loads.rename(columns={"weight": "people"}).drop(columns=["mean_cost", "most_cost"])
        table["mean_s"], table["most_s"] = loads["mean_cost"] / 1000, loads["most_cost"] / 1000
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, index=loads.index, crs=self.area.crs))


def read_cores(area: StudyArea, source: str | Path) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read the cores that units are attached to.

    Parameters
    ----------
    area
        The study area.
    source
        A table of places with coordinates (``FILE`` or ``FILE:datum``), or a table without, whose ids or names are
        those of facilities of the area.

    Returns
    -------
    cores : geopandas.GeoDataFrame
        Points by id with ``name`` and ``subdistrict_id``, in the area's CRS.
    notes : tuple of str
        What a person should know about how the file was read.

    Raises
    ------
    FileFaultError, MissingColumnError, DuplicateIdError, RowFaultError
        If the file or one of its rows can't be used: a core left out would change every district.
    InputError
        If a core is no facility of the area, or lies outside it.
    """
    path, _ = split_datum(source)
    table = read_table(path, layer="candidates")
    if has_coordinates(table, "candidates"):
        found = read_places(source, "candidates", crs=area.crs, units=area.subdistricts, max_away_m=FAR_M, strict=True)
        frame, notes = found.frame[found.frame["status"] != "excluded"], found.notes
    else:
        chosen = named_places(table, area.facilities["name"], what=f"facility of {area.name}")
        frame, notes = area.facilities.loc[chosen], table.notes
    cores = gpd.GeoDataFrame(frame[["name", "subdistrict_id", "geometry"]].rename_axis("core_id"), crs=area.crs)
    cores["name"] = cores["name"].where(cores["name"] != "", cores.index.to_series())
    outside = cores.index[cores["subdistrict_id"] == ""]
    if len(outside):
        raise InputError(
            f"{path}: core {outside[0]} ({cores['name'][outside[0]]}) lies outside the subdistricts of {area.name}; a "
            "district holds the unit that its core stands in: leave it out or mend its coordinates"
        )
    return cores, tuple(notes)


def district_units(area: StudyArea, kind: str) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """Return the units that can be attached, as polygons, and the unit of each demand point.

    Parameters
    ----------
    area
        The study area.
    kind
        One of `UNITS`: ``subdistricts``; ``communities``; ``centres``, community health centres with the ground that is
        nearest to them. Communities that are points are taken with the ground nearest to them.

    Returns
    -------
    units : geopandas.GeoDataFrame
        ``name``, ``people`` and the polygon, by id.
    unit_of : pandas.Series
        Unit of each demand point, ``''`` for none.

    Raises
    ------
    InputError
        If there is no such kind.
    MissingLayerError
        If the area has none of them, or no people.
    """
    if kind not in UNITS:
        raise InputError(f"units are {kind!r}; expected one of {', '.join(UNITS)}")
    places = {
        "subdistricts": area.subdistricts,
        "communities": area.communities,
        "centres": area.facilities_of((CENTRE,)).query("not outside"),
    }[kind]
    for layer, frame in ((kind, places), ("demand", area.demand)):
        if frame.empty:
            reason = area.missing.get("facilities" if layer == "centres" else layer, f"it has no {layer}")
            raise MissingLayerError(f"{area.name} can't be divided: {reason}")
    units = gpd.GeoDataFrame({"name": places["name"]}, geometry=_grounds(area, places), crs=area.crs)
    units.index = units.index.astype(str).rename("unit_id")
    column = {"subdistricts": "subdistrict_id", "communities": "community_id"}.get(kind)
    own = locate_units(area.demand.geometry, units) if column is None else area.demand[column]
    unit_of = pd.Series(np.asarray(own), index=area.demand.index)
    people = area.demand["population"].groupby(unit_of).sum()
    units.insert(1, "people", people.reindex(units.index, fill_value=0).astype("int64"))
    return units, unit_of


def _grounds(area: StudyArea, places: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return polygons as they are, and for points the ground of the area that is nearest to each (Voronoi)."""
    shapes = places.geometry.to_numpy()
    if (shapely.get_dimensions(shapes) == 2).all():
        return places.geometry
    points = shapely.point_on_surface(shapes)
    if len(np.unique(shapely.get_coordinates(points), axis=0)) < len(points):
        raise InputError("two of the points to be attached lie at one spot; move one, or attach subdistricts")
    boundary = area.boundary
    if len(points) == 1:
        return gpd.GeoSeries([boundary], index=places.index, crs=area.crs)
    cells = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=boundary, ordered=True)
    return gpd.GeoSeries(shapely.intersection(shapely.get_parts(cells), boundary), index=places.index, crs=area.crs)


def make_districts(  # noqa: PLR0913 - options, each with its name
    area: StudyArea,
    cores: gpd.GeoDataFrame,
    *,
    units: str = "subdistricts",
    tolerance: float | None = 0.15,
    mode: Mode = "drive",
    profile: Profile | None = None,
    hour: int | None = None,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Districting:
    """Attach an area's units to cores: contiguous, balanced by people, least travel by road.

    Parameters
    ----------
    area
        The study area.
    cores
        As `read_cores` returns them.
    units
        One of `UNITS`.
    tolerance
        How far a district's people may be from the mean, as a share of it; None: as little as can be.
    mode
        ``drive`` or ``walk``.
    profile, hour
        The time model, and the hour of the day; default the packaged one in free flow.
    time_limit_s
        Stop after so many seconds with the best districts and their true gap; None proves the optimum.
    progress
        Called with a sentence at each step.

    Returns
    -------
    Districting
        Its `found` may be infeasible, with the reason.

    Examples
    --------
    >>> cores, _ = read_cores(area, "cores.csv")  # doctest: +SKIP
    >>> make_districts(area, cores).found.status  # doctest: +SKIP
    'optimal'
    """
    say = progress or (lambda _: None)
    frame, unit_of = district_units(area, units)
    cores = cores[["name", "geometry"]].assign(unit_id=_seats(cores, frame, units))
    say(f"{mode} network")
    network = RoadNetwork.from_streets(
        area.streets, mode, crs=area.crs, junctions=area.junctions, turns=area.turns, hour=hour,
        profile=profile or default_profile(),
    )  # fmt: skip
    say(f"travel times of people to {len(cores)} cores")
    people = _people(area, frame, unit_of)
    times = travel_times(network, people.geometry, cores.geometry, cutoff_s=CUTOFF_S)
    _require_joined(times, cores)
    costs = _mean_ms(times, people).reindex(index=frame.index, columns=cores.index)
    say(f"borders of {len(frame)} {units}")
    problem = DistrictProblem.build(
        frame.rename(columns={"people": "weight"}), cores, costs, shared_borders(frame.geometry), tolerance=tolerance
    )
    say(f"districts of {len(frame)} {units} around {len(cores)} cores")
    found = attach(problem, time_limit_s=time_limit_s, progress=lambda *figures: say(_words(*figures)))
    return Districting(
        area=area,
        units=_with_cores(frame, found, costs),
        cores=cores,
        found=found,
        kind=units,
        tolerance=tolerance,
        times=times,
        homeless=int(area.demand["population"][~unit_of.isin(frame.index)].sum()),
        assumptions={**area.assumptions, f"{mode} speeds": network.profile},
    )


def _seats(cores: gpd.GeoDataFrame, units: gpd.GeoDataFrame, kind: str) -> pd.Series:
    """Return the unit that each core stands in; where outlines leave a gap, the nearest."""
    if kind == "subdistricts":
        return cores["subdistrict_id"]
    seat = locate_units(cores.geometry, units)
    astray = np.flatnonzero(seat == "")
    _, nearest = units.sindex.nearest(cores.geometry.to_numpy()[astray], return_all=False)
    seat[astray] = units.index.to_numpy()[nearest]
    return pd.Series(seat, index=cores.index)


def _people(area: StudyArea, units: gpd.GeoDataFrame, unit_of: pd.Series) -> gpd.GeoDataFrame:
    """Return where people live, with their unit; a unit without people has one point that weighs next to nothing."""
    own = area.demand[unit_of.isin(units.index) & (area.demand["population"] > 0)]
    columns = {"unit_id": unit_of.reindex(own.index), "people": own["population"]}
    people = gpd.GeoDataFrame(columns, geometry=own.geometry, crs=area.crs)
    bare = units[units["people"] == 0]
    points = gpd.GeoDataFrame(
        {"unit_id": bare.index, "people": 1}, geometry=bare.geometry.representative_point().to_numpy(), crs=area.crs
    )
    points.index = [f"unit {own}" for own in bare.index]
    return gpd.GeoDataFrame(pd.concat([people, points]), crs=area.crs) if len(points) else people


def _require_joined(times: TravelTimes, cores: gpd.GeoDataFrame) -> None:
    far = times.rejected[times.rejected["role"] == "destination"]
    if len(far):
        first = far.iloc[0]
        raise InputError(
            f"core {first['id']} ({cores['name'][first['id']]}): {first['reason']}; move it to a street of the area"
        )


def _mean_ms(times: TravelTimes, people: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the mean time of a unit's people to each core, whole milliseconds; NaN where nobody gets there."""
    origin, destination, ms = times.pairs()
    weight = people["people"].to_numpy()[origin]
    frame = pd.DataFrame(
        {
            "unit_id": people["unit_id"].to_numpy()[origin],
            "core_id": times.destination_ids.to_numpy()[destination],
            "people": weight,
            "person_ms": weight * ms.astype(np.int64),
        }
    )
    sums = frame.groupby(["unit_id", "core_id"])[["people", "person_ms"]].sum()
    means = (sums["person_ms"] / sums["people"]).round().reset_index(name="ms")
    return means.pivot_table(index="unit_id", columns="core_id", values="ms")


def _words(value: float, bound: float, text: str) -> str:
    # the other level counts people, this one the milliseconds of each
    unit, word = (3_600_000, " person-hours") if text.startswith("compact") else (1, "")
    best = "none yet" if not np.isfinite(value) else f"{value / unit:,.1f}"
    return f"{text}: best {best}, bound {bound / unit:,.1f}{word}"


def _with_cores(units: gpd.GeoDataFrame, found: Districts, costs: pd.DataFrame) -> gpd.GeoDataFrame:
    """Add each unit's core and the core that is nearest to it."""
    table = found.assignment.reindex(units.index)
    units = units.assign(core_id=table["core_id"], core=table["core"], seconds=table["cost"] / 1000)
    known = costs.reindex(units.index).dropna(how="all")
    units["nearest_id"] = known.idxmin(axis=1).reindex(units.index)
    units["nearest_s"] = known.min(axis=1).reindex(units.index) / 1000
    return units

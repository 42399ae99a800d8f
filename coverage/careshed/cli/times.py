"""Commands about travel times: isochrones on the ground, tables of any length, speeds fitted to trips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from careshed.cli import show
from careshed.cli.base import AreaFolder, Hour, ProfileFile, progress, read_area, streaming
from careshed.cli.show import console, stderr
from careshed.errors import InputError, MissingColumnError, MissingLayerError, RowFaultError

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    import geopandas as gpd
    import pandas as pd

    from careshed.area import StudyArea
    from careshed.network import Access, Mode, Profile, RoadNetwork
    from careshed.reach import Direction
    from careshed.targets import Service

__all__ = ["calibrate", "isochrones", "times"]


def isochrones(
    folder: AreaFolder,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="FILE.geojson (WGS-84), .gpkg or .parquet.")
    ],
    mode: Annotated[str | None, typer.Option(help="walk or drive; default the service's.")] = None,
    minutes: Annotated[str, typer.Option(help="Limits, each included, with commas between.")] = "5,10,15",
    service: Annotated[str, typer.Option(help="Service of the area's targets.toml.")] = "chc",
    facilities: Annotated[
        str | None, typer.Option(metavar="FILE[:DATUM]", help="Places, instead of the service's existing facilities.")
    ] = None,
    hour: Hour = None,
    profile: ProfileFile = None,
    direction: Annotated[str | None, typer.Option(help="to or from the places; default the service's.")] = None,
    dissolve: Annotated[bool, typer.Option(help="One polygon a limit over all places, or one for each place.")] = True,
    lines: Annotated[bool, typer.Option("--lines", help="Streets within and beyond, instead of polygons.")] = False,
    buffer_m: Annotated[float, typer.Option(help="How far polygons reach beside streets, metres.")] = 25.0,
    tolerance_m: Annotated[float, typer.Option(help="Simplify outlines by up to so many metres.")] = 0.0,
) -> None:
    """Draw what is within some minutes of places, as polygons or as streets."""
    from careshed.isolines import isochrones as draw
    from careshed.isolines import layer_suffix, write_layer
    from careshed.network import default_profile, read_profile

    layer_suffix(output)
    limits = _limits(minutes)
    model = default_profile() if profile is None else read_profile(profile)
    area = read_area(folder)
    planned = _service(area, service, needed=facilities is None)
    way = _mode(mode, planned)
    places = _places(area, planned, facilities)
    with progress() as say:
        say(f"{way} network")
        network = _network(area, way, planned, hour, model)
        say(f"isochrones of {len(places)} places")
        access = network.snap(places.geometry)
        course = _direction(direction, planned, way)
        if lines:
            layer = _street_lines(area, network, access, limits, course)
        else:
            layer = draw(
                network, access, minutes=limits, direction=course, buffer_m=buffer_m, tolerance_m=tolerance_m,
                dissolve=dissolve,
            )  # fmt: skip
        write_layer(layer, output)
    show.far_places(access.rejected)
    console.print(f"speeds: {escape(network.profile)}", style="dim")
    console.print(f"wrote {escape(str(output))}: {len(layer):,} rows, {int(access.joined.sum())} places")


ROLES = ("origin", "destination")
SIDES = "demand|facilities|candidates|FILE[:DATUM]"


def times(
    folder: AreaFolder,
    minutes: Annotated[float, typer.Option(help="Pairs further apart are left out; the limit is included.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The table, FILE.parquet.")],
    service: Annotated[
        str | None, typer.Option(help="Service of the area's targets.toml: its mode, facilities and direction.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="walk or drive, in place of a service's.")] = None,
    origins: Annotated[
        str | None, typer.Option(metavar=SIDES, help="From where; default as the service goes (demand on foot).")
    ] = None,
    destinations: Annotated[
        str | None, typer.Option(metavar=SIDES, help="To where; default as the service goes (facilities on foot).")
    ] = None,
    hour: Hour = None,
    profile: ProfileFile = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on where a stopped run of the same input got to.")
    ] = True,
    chunk: Annotated[
        int | None, typer.Option(min=1, help="Origins at a time; memory holds their pairs. Default: by the pairs.")
    ] = None,
) -> None:
    """Write all travel times within some minutes as a table of ids and seconds, of any length."""
    from careshed.network import default_profile, read_profile
    from careshed.reach import stream_times

    if output.suffix != ".parquet":
        raise InputError(f"{output}: expected a name that ends in .parquet")
    model = default_profile() if profile is None else read_profile(profile)
    area = read_area(folder)
    if service is None and mode is None:
        known = ", ".join(area.targets.service) or "none"
        raise InputError(f"give --service (there are: {known}) or --mode walk|drive")
    planned = None if service is None else _service(area, service, needed=True)
    way = _mode(mode, planned)
    names = _sides(origins, destinations, _direction(None, planned, way))
    with progress() as say:
        say(f"{way} network")
        network = _network(area, way, planned, hour, model)
        sides = [_side(area, name, planned) for name in names]
        leave, arrive = (network.snap(places.geometry) for places, _ in sides)
        far = _far(leave, arrive)
    parts = output.with_name(f"{output.name}.part")
    with streaming() as tell:
        found = stream_times(
            network, leave, arrive, parts, cutoff_s=minutes * 60, chunk=chunk, resume=resume, progress=tell
        )
    found.to_parquet(output)
    bad_rows = [rows.assign(role=role) for (_, rows), role in zip(sides, ROLES, strict=True)]
    show.write_rejected([*bad_rows, far], output)
    found.discard()
    show.far_places(far)
    console.print(f"speeds: {escape(network.profile)}", style="dim")
    console.print(
        f"wrote {escape(str(output))}: {found.pairs:,} pairs within {minutes:g} min, "
        f"{int(leave.joined.sum()):,} {escape(names[0])} → {int(arrive.joined.sum()):,} {escape(names[1])}"
    )


def _sides(origins: str | None, destinations: str | None, course: Direction) -> tuple[str, str]:
    """Return what the sides are called: people go to facilities, or vehicles leave from them, unless said."""
    usual = ("demand", "facilities") if course == "to" else ("facilities", "demand")
    return origins or usual[0], destinations or usual[1]


def _side(area: StudyArea, name: str, service: Service | None) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the places of a layer, or of a file, and rows of the file that can't be used."""
    if name == "facilities":
        facilities = area.facilities
        some = facilities[facilities["status"] == "existing"] if service is None else area.facilities_of(service.kinds)
    elif name == "candidates":
        some = area.candidates[area.candidates["status"] != "excluded"]
    elif name == "demand":
        some = area.demand
    else:
        return _places_of(area, name)
    if some.empty:
        reason = area.missing.get(name, "none is of the service" if name == "facilities" else "the layer is empty")
        raise MissingLayerError(f"{area.name} has no {name}: {reason}; give a FILE or another layer")
    return some, area.rejected[:0]


def _far(leave: Access, arrive: Access) -> pd.DataFrame:
    """Return the places that can't be joined to the network, refusing a side that has no other."""
    import pandas as pd

    sides = dict(zip(ROLES, (leave, arrive), strict=True))
    for role, side in sides.items():
        if not side.joined.any():
            reason = f"; first: {side.rejected['reason'].iloc[0]}" if len(side) else ""
            raise RowFaultError(f"none of {len(side)} {role}s could be joined to the network{reason}")
    return pd.concat([side.rejected.assign(role=role) for role, side in sides.items()], ignore_index=True)


def _network(area: StudyArea, mode: Mode, service: Service | None, hour: int | None, profile: Profile) -> RoadNetwork:
    """Return the network of a mode, with a service's walking speed where it has its own."""
    from careshed.network import RoadNetwork

    own = service is not None and "walk_speed_mps" in service.model_fields_set
    return RoadNetwork.from_streets(
        area.streets, mode, crs=area.crs, junctions=area.junctions, turns=area.turns, hour=hour, profile=profile,
        walk_speed_mps=service.walk_speed_mps if service is not None and own else None,
    )  # fmt: skip


def _street_lines(
    area: StudyArea, network: RoadNetwork, access: Access, limits: list[float], course: Direction
) -> gpd.GeoDataFrame:
    """Return the parts of streets within and beyond each limit; print kilometres by unit."""
    import geopandas as gpd
    import pandas as pd

    from careshed.isolines import covered_streets, street_kilometres

    if not access.joined.any():
        raise RowFaultError(f"none of {len(access)} places could be joined to the {network.mode} network")
    layers = []
    for limit in sorted(set(limits)):
        parts = covered_streets(network, access, minutes=limit, direction=course)
        show.kilometres(street_kilometres(parts, area.subdistricts), area.subdistricts["name"], minutes=limit)
        parts.insert(0, "minutes", limit)
        layers.append(parts)
    return gpd.GeoDataFrame(pd.concat(layers, ignore_index=True), crs=network.crs)


def _limits(text: str) -> list[float]:
    try:
        return [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError:
        raise InputError(f"--minutes is {text!r}; expected numbers with commas between, such as 5,10,15") from None


def _service(area: StudyArea, name: str, *, needed: bool) -> Service | None:
    """Return the service, or None where places are given and it isn't needed."""
    from careshed.services import the_service

    return the_service(area, name) if needed else area.targets.service.get(name)


def _mode(mode: str | None, service: Service | None) -> Mode:
    chosen = mode or (service.mode if service is not None else "walk")
    if chosen not in ("walk", "drive"):
        raise InputError(f"--mode is {mode!r}; expected walk or drive")
    return "walk" if chosen == "walk" else "drive"


def _direction(direction: str | None, service: Service | None, mode: Mode) -> Direction:
    chosen: str = direction or (service.direction if service is not None else "to" if mode == "walk" else "from")
    if chosen not in ("to", "from"):
        raise InputError(f"--direction is {direction!r}; expected to (people come) or from (vehicles leave)")
    return "to" if chosen == "to" else "from"


def _places(area: StudyArea, service: Service | None, facilities: str | None) -> gpd.GeoDataFrame:
    """Return the places of a file, or the service's existing facilities."""
    if facilities is None:
        assert service is not None  # noqa: S101 - it is needed where no file is given
        own = area.facilities_of(service.kinds)
        if own.empty:
            reason = area.missing.get("facilities", f"none is of the kinds {', '.join(service.kinds)}")
            raise MissingLayerError(f"{area.name} has no facility of the service: {reason}; give --facilities FILE")
        return own
    return _places_of(area, facilities)[0]


def _places_of(area: StudyArea, file: str) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the places of a file, and its rows that can't be used."""
    from careshed.tables import read_places

    try:
        found = read_places(file, "facilities", crs=area.crs, units=area.subdistricts)
    except MissingColumnError:
        # a list of places need not say what they are
        found = read_places(file, "candidates", crs=area.crs, units=area.subdistricts)
    show.rejected(found.rejected)
    for note in found.notes:
        stderr.print(escape(note), soft_wrap=True)
    return found.frame[found.frame["status"] != "excluded"], found.rejected


def calibrate(
    folder: AreaFolder,
    trips: Annotated[
        str, typer.Argument(metavar="TRIPS[:DATUM]", help="Table of trips: origin, destination, departure, seconds.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The fitted profile.")] = Path(
        "profile.toml"
    ),
    profile: ProfileFile = None,
    strict: Annotated[bool, typer.Option(help="End with an error when any row is rejected.")] = False,
) -> None:
    """Fit driving speeds by class of street and period of the day to observed trips."""
    from careshed.calibration import fit_speeds, read_trips, write_profile
    from careshed.datums import split_datum
    from careshed.network import default_profile, read_profile

    area = read_area(folder)
    base = read_profile(profile) if profile is not None else default_profile()
    with progress() as say:
        say("trips")
        table = read_trips(trips, crs=area.crs, strict=strict)
        layers = {"junctions": area.junctions, "turns": area.turns}
        fit = fit_speeds(area.streets, table.trips, profile=base, layers=layers, progress=say)
        write_profile(fit, output, source=f"fitted to {split_datum(trips)[0].name}")
    show.rejected(table.rejected)
    show.calibration(fit)
    console.print(f"wrote {escape(str(output))}")

"""Observed trips out of a table: where from, where to, when, how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from careshed._checks import require_projected
from careshed.datums import split_datum, to_wgs84
from careshed.errors import DuplicateIdError, MissingColumnError, RowFaultError
from careshed.tables import read_table

__all__ = ["HEADINGS", "Trips", "read_trips"]

HEADINGS = {
    "origin_lon": ("origin_longitude", "from_lon", "start_lon", "起点经度"),
    "origin_lat": ("origin_latitude", "from_lat", "start_lat", "起点纬度"),
    "destination_lon": ("destination_longitude", "to_lon", "end_lon", "终点经度"),
    "destination_lat": ("destination_latitude", "to_lat", "end_lat", "终点纬度"),
    "departure": ("departure_time", "start_time", "出发时间", "出发时刻"),
    "seconds": ("duration_s", "travel_time_s", "time_s", "行程秒数", "用时秒"),
}
"""Columns of a table of trips, and what else they may be called; ``trip_id`` (编号) may be left out."""

_IDS = ("trip_id", "id", "编号")
LONGEST_S = 4 * 3600.0
"""A trip across a district doesn't take longer."""


@dataclass(frozen=True, slots=True)
class Trips:
    """Trips that can be used, and rows that can't.

    Attributes
    ----------
    trips
        On unique ids: ``origin_x``, ``origin_y``, ``destination_x``, ``destination_y`` (metres in the area's CRS),
        ``hour`` (0 to 23), ``seconds``, ``line``.
    rejected
        ``file``, ``line``, ``id``, ``reason``.
    """

    trips: pd.DataFrame
    rejected: pd.DataFrame


def read_trips(path: Path | str, *, crs: pyproj.CRS, strict: bool = False) -> Trips:
    """Read observed trips.

    Parameters
    ----------
    path
        A table with the columns of `HEADINGS`: longitudes and latitudes in degrees, the departure as a time
        (``2024-03-05 08:12``, ``08:12``) or a whole hour, the seconds of the whole trip. ``:datum`` may
        stand behind it.
    crs
        The CRS that the ends are wanted in, in metres.
    strict
        Whether one bad row is an error.

    Raises
    ------
    FileFaultError, MissingColumnError, DuplicateIdError
        If the file can't be read, lacks a column or has an id twice.
    RowFaultError
        If no row is left, or any was rejected and `strict` is set.
    """
    require_projected(crs, what="the CRS to read trips into")
    path, datum = split_datum(path)
    table = read_table(path)
    frame = table.frame.rename(columns={old: new for new, old in _found(table.frame.columns, path).items()})
    ids = _ids(frame, path)
    numbers = frame[[name for name in HEADINGS if name != "departure"]].apply(pd.to_numeric, errors="coerce")
    hour = frame["departure"].map(hour_of)
    reasons = _reasons(numbers, hour, frame)
    good = (reasons == "").to_numpy()
    rejected = pd.DataFrame(
        {"file": path.name, "line": table.lines[~good].astype(str), "id": ids[~good], "reason": reasons[~good]}
    )
    if not good.any() or (strict and len(rejected)):
        raise RowFaultError(
            f"{path}: {len(rejected)} of {len(frame)} trips can't be used (first: line {rejected['line'].iloc[0]}: "
            f"{rejected['reason'].iloc[0]}); mend them"
        )
    trips = pd.DataFrame({"hour": hour[good].astype("int64"), "seconds": numbers["seconds"][good]})
    for end in ("origin", "destination"):
        lon, lat = (numbers[f"{end}_{axis}"][good].to_numpy() for axis in ("lon", "lat"))
        points = gpd.GeoSeries(gpd.points_from_xy(*to_wgs84(lon, lat, datum or "wgs84")), crs=4326).to_crs(crs)
        trips[f"{end}_x"], trips[f"{end}_y"] = points.x.to_numpy(), points.y.to_numpy()
    return Trips(trips.assign(line=table.lines[good]).set_axis(pd.Index(ids[good], name="trip_id")), rejected)


def _found(headings: pd.Index, path: Path) -> dict[str, str]:
    """Return the heading of each column."""
    plain = {str(heading).strip().casefold(): heading for heading in headings}
    found = {
        name: next((plain[one] for one in (name, *others) if one in plain), None) for name, others in HEADINGS.items()
    }
    missing = [name for name, heading in found.items() if heading is None]
    if missing:
        wanted = "; ".join(f"{name} ({', '.join(HEADINGS[name])})" for name in missing)
        raise MissingColumnError(f"{path}: no column for {wanted}; it has {', '.join(map(str, headings))}")
    return {name: str(heading) for name, heading in found.items()}


def _ids(frame: pd.DataFrame, path: Path) -> pd.Series:
    column = next((heading for heading in frame.columns if str(heading).strip().casefold() in _IDS), None)
    if column is None:
        return pd.Series([f"T{number:06d}" for number in range(1, len(frame) + 1)])
    ids = frame[column].astype("str").reset_index(drop=True)
    twice = ids[ids.duplicated()]
    if len(twice):
        raise DuplicateIdError(f"{path}: trip {twice.iloc[0]} occurs more than once; give each its own id")
    return ids


_DEPARTURE = re.compile(
    r"""(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\s*)?  # a date, where there is one
    (?P<hour>\d{1,2})
    (?::\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?  # minutes, seconds, time zone""",
    re.VERBOSE,
)


def hour_of(departure: object) -> float:
    """Return the hour of a departure, NaN where none can be read.

    Examples
    --------
    >>> hour_of("2024-03-05T08:12:00"), hour_of("17:59"), hour_of("23")
    (8.0, 17.0, 23.0)
    """
    text = str(departure).strip()
    match = _DEPARTURE.fullmatch(text)
    hour = float(match["hour"]) if match else float("nan")
    return hour if hour < 24 else float("nan")


def _reasons(numbers: pd.DataFrame, hour: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """Return why each row can't be used, '' where it can."""
    reasons = pd.Series("", index=frame.index, dtype=object)
    faults = [(hour.isna(), "departure", "is no time or hour")]
    for name in ("seconds", "destination_lat", "destination_lon", "origin_lat", "origin_lon"):
        value = numbers[name]
        if name == "seconds":
            faults.append((~((value > 0) & (value <= LONGEST_S)), name, f"is not above 0 and at most {LONGEST_S:.0f}"))
        else:
            limit = 90 if name.endswith("lat") else 180
            faults.append((value.abs() > limit, name, f"is beyond {limit} degrees"))
        faults.append((~np.isfinite(value), name, "is no number"))
    for bad, name, fault in faults:
        reasons[bad] = frame.loc[bad, name].map(lambda cell, n=name, f=fault: f"{n} {str(cell)[:40]!r} {f}")
    return reasons.reset_index(drop=True)

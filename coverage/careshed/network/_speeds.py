"""How fast one travels on a street, and how long a street takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.network._access import CLOSED
from careshed.network._profile import FREE_FLOW, OTHER, Profile, default_profile

__all__ = [
    "DRIVE_KMH",
    "LEG_KMH",
    "MAXSPEED_FACTOR",
    "WALK_SPEED_MPS",
    "Pace",
    "drive_speeds_mps",
    "driving",
    "slope_factor",
    "walking",
]

Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

WALK_SPEED_MPS = default_profile().walk.speed_mps
"""Metres per second on foot, of the packaged profile."""

LEG_KMH = default_profile().drive.leg_kmh
"""The leg between a point and its street is driven so fast, by the packaged profile."""

MAXSPEED_FACTOR = default_profile().drive.maxspeed_factor
"""Share of a signed limit that is driven on average, by the packaged profile."""

DRIVE_KMH: Mapping[str, float] = MappingProxyType(default_profile().drive.kmh)
"""Free-flow km/h by ``highway`` class, of the packaged profile."""

FORWARD, BACKWARD = 1, 2

MIN_SLOPE_M = 1.0
"""Shorter streets count as so long when their slope is taken."""

STEEPEST = 0.5
"""Steeper slopes count as this: on short streets they are an elevation model's noise, not ground."""


class Pace(NamedTuple):
    """How long streets take: milliseconds from u to v and back (−1 closed), the legs' speed, and all of it in words."""

    forward_ms: Ints32
    backward_ms: Ints32
    leg_mps: float
    words: str


def walking(
    streets: gpd.GeoDataFrame,
    length_m: Floats,
    profile: Profile,
    *,
    speed_mps: float | None = None,
    rise_m: Floats | None = None,
) -> Pace:
    """Return how long streets take on foot.

    Parameters
    ----------
    streets, length_m
        Columns ``highway`` and ``walk``, and the streets' lengths.
    profile
        The time model.
    speed_mps
        Speed on the flat, instead of the profile's.
    rise_m
        How much v is above u (NaN unknown), where elevations are given.
    """
    flat_mps = require_positive(profile.walk.speed_mps if speed_mps is None else speed_mps, what="the walking speed")
    steps = (streets["highway"] == "steps").to_numpy()
    speed = np.where(steps, flat_mps * profile.walk.steps_factor, flat_mps)
    slopes = rise_m is not None and profile.walk.slope == "tobler"
    said = f"walk {flat_mps:g} m/s"
    if profile.name != default_profile().name:
        said += f", profile {profile.name}"
    if steps.any():
        said += f", {profile.walk.steps_factor:g} of it on steps"
    if not (slopes and rise_m is not None):
        ms = edge_times_ms(length_m, speed)
        return Pace(*_open_ms(streets["walk"], ms, ms), flat_mps, said)
    # steps have their own factor
    slope = np.where(steps, 0.0, rise_m / np.maximum(length_m, MIN_SLOPE_M))
    there, back = (edge_times_ms(length_m, speed * slope_factor(sign * slope)) for sign in (1, -1))
    return Pace(*_open_ms(streets["walk"], there, back), flat_mps, f"{said}, slopes after Tobler")


def driving(
    streets: gpd.GeoDataFrame,
    length_m: Floats,
    profile: Profile,
    hour: int | None,
    *,
    drive_kmh: Mapping[str, float] | None = None,
    leg_kmh: float | None = None,
) -> Pace:
    """Return how long streets take in an ambulance at an hour.

    Parameters
    ----------
    streets, length_m
        Columns ``highway``, ``maxspeed_kmh`` and ``drive``, and the streets' lengths.
    profile, hour, drive_kmh
        As `drive_speeds_mps` takes them.
    leg_kmh
        Speed of legs, instead of the profile's.
    """
    leg_kmh = require_positive(profile.drive.leg_kmh if leg_kmh is None else leg_kmh, what="the speed of legs in km/h")
    ms = edge_times_ms(length_m, drive_speeds_mps(streets, profile, hour, drive_kmh=drive_kmh))
    words = _drive_words(profile, hour, drive_kmh, leg_kmh)
    return Pace(*_open_ms(streets["drive"], ms, ms), leg_kmh / 3.6, words)


def _open_ms(passage: pd.Series, there_ms: Ints32, back_ms: Ints32) -> tuple[Ints32, Ints32]:
    """Return times from u to v and back, −1 where the street is closed."""
    bits = passage.to_numpy()
    there, back = np.where(bits & FORWARD, there_ms, CLOSED), np.where(bits & BACKWARD, back_ms, CLOSED)
    return there.astype(np.int32), back.astype(np.int32)


def drive_speeds_mps(
    streets: gpd.GeoDataFrame,
    profile: Profile,
    hour: int | None = None,
    *,
    drive_kmh: Mapping[str, float] | None = None,
) -> Floats:
    """Return the driving speed of each street at an hour, metres per second.

    Free flow is `maxspeed_factor` of ``maxspeed_kmh`` where that is known, else
    the class's figure. A period's absolute figure for the class takes its
    place; its factor multiplies it. An ambulance's factor multiplies all.

    Parameters
    ----------
    streets
        Columns ``highway`` and ``maxspeed_kmh``.
    profile, hour
        The time model, and an hour of the day (None: free flow).
    drive_kmh
        Class → km/h, taking the place of the profile's free-flow figures.

    Raises
    ------
    InputError
        If a speed isn't positive and finite.
    """
    table = {**profile.drive.kmh, **(drive_kmh or {})}
    for name, kmh in table.items():
        require_positive(kmh, what=f"the driving speed of {name} in km/h")
    kind = streets["highway"].where(streets["highway"].isin(list(table)), OTHER)
    limit = _limits(streets)
    speed = np.where(np.isnan(limit), kind.map(table).to_numpy(np.float64), profile.drive.maxspeed_factor * limit)
    period = profile.period.get(profile.period_at(hour))
    if period is not None:
        own = kind.map(period.kmh).to_numpy(np.float64)
        speed = np.where(np.isnan(own), speed * period.factor, own)
    return speed * kind.map(profile.ambulance).fillna(1.0).to_numpy(np.float64) / 3.6


def _limits(streets: gpd.GeoDataFrame) -> Floats:
    limit: Floats = streets["maxspeed_kmh"].to_numpy(dtype=np.float64)
    wrong = ~np.isnan(limit) & ~((limit > 0) & np.isfinite(limit))
    if wrong.any():
        row = streets.index[wrong][0]
        raise InputError(
            f"streets: {wrong.sum()} rows have a maxspeed_kmh that isn't a positive number "
            f"(street {row}: {limit[wrong][0]:g}); set it to NaN where unknown"
        )
    return limit


def slope_factor(slope: Floats) -> Floats:
    """Return what a slope makes of a walking speed: exp(−3.5 (|s + 0.05| − 0.05)).

    Parameters
    ----------
    slope
        Rise over length along the direction of walking; NaN (unknown) counts as flat.

    Notes
    -----
    The shape is Tobler's (1993), scaled so that the flat has 1; fastest is 5 % downhill, 1.19.

    Examples
    --------
    >>> slope_factor(np.array([0.0, 0.1, -0.1])).round(3)
    array([1.   , 0.705, 1.   ])
    """
    known = np.clip(np.nan_to_num(slope, nan=0.0), -STEEPEST, STEEPEST)
    return np.asarray(np.exp(-3.5 * (np.abs(known + 0.05) - 0.05)))


def _drive_words(profile: Profile, hour: int | None, drive_kmh: Mapping[str, float] | None, leg_kmh: float) -> str:
    """Say how one drives."""
    name = profile.period_at(hour)
    at = "" if hour is None else f" ({hour}:00 to {hour}:59)"
    source = "OSRM car defaults; unknown class" if profile.name == default_profile().name else "unknown class"
    own = "".join(f", {kind} {kmh:g}" for kind, kmh in sorted((drive_kmh or {}).items()))
    said = (
        f"drive, profile {profile.name}, {name}{at}: km/h by class ({source} {profile.drive.kmh.get('road', 0):g}{own})"
        f", {profile.drive.maxspeed_factor:g} × maxspeed where known"
    )
    if name != FREE_FLOW:
        period = profile.period[name]
        measured = f", {len(period.kmh)} classes measured" if period.kmh else ""
        said += f", × {period.factor:g}{measured}"
    if profile.ambulance:
        said += f"; ambulance factor for {len(profile.ambulance)} classes"
    return f"{said}; legs {leg_kmh:g} km/h"


def require_positive(value: float, *, what: str) -> float:
    """Return `value`, refusing one that isn't positive and finite."""
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{what} is {value!r}; expected a positive number")
    return float(value)


def edge_times_ms(length_m: Floats, speed_mps: Floats | float) -> Ints32:
    """Return each edge's time, rounded once to whole milliseconds, at least 1.

    Everything after adds integers, so that no sum flips on a limit.

    Raises
    ------
    InputError
        If a street takes longer than 24 days.
    """
    ms = np.maximum(np.rint(length_m / speed_mps * 1000), 1)
    if len(ms) and ms.max() > np.iinfo(np.int32).max:
        raise InputError(
            f"a street of {length_m[ms.argmax()]:,.0f} m takes longer than 24 days; check its geometry and speed"
        )
    return ms.astype(np.int32)

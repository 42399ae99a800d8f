"""How fast one travels on a street, and how long a street takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from careshed.errors import InputError
from careshed.network._profile import FREE_FLOW, OTHER, Profile, default_profile

__all__ = [
    "DRIVE_KMH",
    "LEG_KMH",
    "MAXSPEED_FACTOR",
    "WALK_SPEED_MPS",
    "drive_speeds_mps",
    "drive_words",
    "edge_times_ms",
    "slope_factor",
    "walk_speeds_mps",
    "walk_words",
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

STEEPEST = 0.5
"""Steeper slopes count as this: on short streets they are an elevation model's noise, not ground."""


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


def walk_speeds_mps(streets: gpd.GeoDataFrame, profile: Profile, speed_mps: float) -> Floats:
    """Return the walking speed of each street on the flat, metres per second: less on steps.

    Parameters
    ----------
    streets
        Column ``highway``.
    profile
        The time model.
    speed_mps
        Speed on a level pavement.
    """
    require_positive(speed_mps, what="the walking speed in m/s")
    steps = (streets["highway"] == "steps").to_numpy()
    return np.where(steps, speed_mps * profile.walk.steps_factor, speed_mps)


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


def walk_words(profile: Profile, speed_mps: float, *, steps: bool, slopes: bool) -> str:
    """Say how one walks, as far as it matters to the streets at hand."""
    said = f"walk {speed_mps:g} m/s"
    if profile.name != default_profile().name:
        said += f", profile {profile.name}"
    if steps:
        said += f", {profile.walk.steps_factor:g} of it on steps"
    return said + (", slopes after Tobler" if slopes else "")


def drive_words(profile: Profile, hour: int | None, drive_kmh: Mapping[str, float] | None, leg_kmh: float) -> str:
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

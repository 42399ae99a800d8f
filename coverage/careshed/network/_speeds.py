"""How fast one travels on a street, and how long a street takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from careshed.errors import InputError

__all__ = ["DRIVE_KMH", "LEG_KMH", "MAXSPEED_FACTOR", "WALK_SPEED_MPS", "drive_speeds_mps", "edge_times_ms"]

Ints32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

WALK_SPEED_MPS = 1.25
"""Metres per second on foot, everywhere."""

LEG_KMH = 10.0
"""The leg between a point and its street is driven so fast."""

MAXSPEED_FACTOR = 0.8
"""Share of a signed limit that is driven on average (OSRM's car profile, ``speed_reduction``)."""

OTHER = "other"

DRIVE_KMH: Mapping[str, float] = MappingProxyType(
    {
        "motorway": 90.0,
        "motorway_link": 45.0,
        "trunk": 85.0,
        "trunk_link": 40.0,
        "primary": 65.0,
        "primary_link": 30.0,
        "secondary": 55.0,
        "secondary_link": 25.0,
        "tertiary": 40.0,
        "tertiary_link": 20.0,
        "unclassified": 25.0,
        "residential": 25.0,
        "living_street": 10.0,
        "service": 15.0,
        "road": 30.0,
        OTHER: 15.0,
    }
)
"""Free-flow km/h by ``highway`` class.

The figures are the defaults of the car profile of OSRM (Open Source Routing
Machine), but for ``road`` (a road of unknown class) and ``other`` (any other
class that is open to cars), which are assumptions of ours.
"""


def drive_speeds_mps(streets: gpd.GeoDataFrame, drive_kmh: Mapping[str, float] | None = None) -> Floats:
    """Return the driving speed of each street, metres per second.

    Where ``maxspeed_kmh`` is known it is `MAXSPEED_FACTOR` of that, else the
    speed of the street's class.

    Parameters
    ----------
    streets
        Columns ``highway`` and ``maxspeed_kmh``.
    drive_kmh
        Class → km/h, taking the place of figures of `DRIVE_KMH`.

    Raises
    ------
    InputError
        If a speed isn't positive and finite.
    """
    table = {**DRIVE_KMH, **(drive_kmh or {})}
    for name, kmh in table.items():
        require_positive(kmh, what=f"the driving speed of {name} in km/h")
    by_class = streets["highway"].map(table).fillna(table[OTHER]).to_numpy(dtype=np.float64)
    limit = streets["maxspeed_kmh"].to_numpy(dtype=np.float64)
    wrong = ~np.isnan(limit) & ~((limit > 0) & np.isfinite(limit))
    if wrong.any():
        row = streets.index[wrong][0]
        raise InputError(
            f"streets: {wrong.sum()} rows have a maxspeed_kmh that isn't a positive number "
            f"(street {row}: {limit[wrong][0]:g}); set it to NaN where unknown"
        )
    return np.where(np.isnan(limit), by_class, MAXSPEED_FACTOR * limit) / 3.6


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

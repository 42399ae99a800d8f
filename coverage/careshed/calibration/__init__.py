"""Calibration: driving speeds by class of street and period of the day, fitted to observed trips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.calibration._fit import fit_paces, outlying
from careshed.calibration._profile import with_speeds, write_profile
from careshed.calibration._routes import Routes, route_trips
from careshed.calibration._trips import HEADINGS, Trips, read_trips
from careshed.errors import RowFaultError
from careshed.network import FREE_FLOW, Profile, RoadNetwork

__all__ = ["HEADINGS", "MIN_TRIPS", "Fit", "Trips", "fit_speeds", "read_trips", "write_profile"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MIN_TRIPS = 30
"""A class and period with fewer trips along it keeps its speed."""

MIN_METRES = 100.0
"""A trip counts for a class when it runs so far along its streets."""

HELD_OUT = 0.2
"""Share of the trips that the fit doesn't see and its error is measured on."""

ROUNDS = 4
BOOTSTRAPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Speeds fitted to trips.

    Attributes
    ----------
    profile
        The time model with the fitted speeds; figures without enough trips are those of before.
    speeds
        ``period``, ``highway``, ``trips``, ``before_kmh``, ``kmh``, ``low_kmh``, ``high_kmh`` (95 % interval, NaN where
        not fitted) and ``note`` (why it was kept, '' where fitted).
    outliers
        Trips left out, by id: ``line``, ``seconds``, ``expected_s``, ``reason``.
    used, held_out
        Number of trips fitted to, and of those that errors are measured on.
    error_before, error_after
        Mean absolute error of held-out trips as a share of the observed seconds, outliers left out of both; NaN
        without held-out trips.
    """

    profile: Profile
    speeds: pd.DataFrame
    outliers: pd.DataFrame
    used: int
    held_out: int
    error_before: float
    error_after: float


class _Part(NamedTuple):
    """Trips of one period with their ways, and which of them are fitted to."""

    period: str
    trips: pd.DataFrame
    routes: Routes
    train: Bools


def fit_speeds(
    streets: gpd.GeoDataFrame,
    trips: pd.DataFrame,
    *,
    profile: Profile,
    min_trips: int = MIN_TRIPS,
    seed: int = 20210101,
    layers: dict[str, gpd.GeoDataFrame] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Fit:
    """Fit km/h by class of street and period of the day to observed trips.

    Parameters
    ----------
    streets
        An area's streets layer.
    trips
        As :func:`read_trips` gives them.
    profile
        The time model to begin with.
    min_trips
        Classes with fewer trips in a period keep their speed.
    seed
        Of the choice of held-out trips and of the bootstrap.
    layers
        ``junctions`` and ``turns`` of the area, where it has them: their delays are then no part of the speeds.
    progress
        Called with a sentence before each round.

    Returns
    -------
    Fit
        Profile, speeds with intervals, outliers and errors.

    Raises
    ------
    RowFaultError
        If no trip has a way on the network.

    Notes
    -----
    Each trip is routed at the speeds so far; its seconds, less legs, turns and classes that are kept, are regressed
    on its metres by class (non-negative least squares under Huber's loss); and again, as routes change with speeds.
    A trip whose time is beyond four robust standard deviations from what is expected is an outlier. Intervals are
    percentiles of a bootstrap over trips on the last routes (Efron, 1979). In free flow, streets with a signed limit
    keep the time that the limit gives.
    """
    rng = np.random.default_rng(seed)
    train = pd.Series(rng.random(len(trips)) >= HELD_OUT, index=trips.index)
    periods = trips["hour"].map(lambda hour: profile.period_at(int(hour)))
    # free flow first: it is what the factors of other periods multiply
    names = [name for name in (FREE_FLOW, *profile.period) if (periods == name).any()]
    router = _Router(streets, trips, periods, layers or {})
    before = {name: router.parts(profile, name, train) for name in names}
    if not any(part.routes.found.any() for part in before.values()):
        raise RowFaultError(f"none of {len(trips)} trips has a way on the streets; check their coordinates and datum")
    fitted, rows = profile, []
    for name in names:
        part = before[name]
        for number in range(ROUNDS):
            if progress is not None:
                progress(f"{name}: round {number + 1} of {ROUNDS}, {len(part.trips):,} trips")
            speeds = _fit_part(part, router.classes, fitted, min_trips)
            fitted = with_speeds(fitted, name, _fitted(speeds))
            part = router.parts(fitted, name, train)
        rows.append(_with_intervals(part, router.classes, fitted, speeds, rng).assign(before_kmh=_kmh(before[name])))
    after = {name: router.parts(fitted, name, train) for name in names}
    table = pd.concat([frame.rename_axis("highway").reset_index() for frame in rows], ignore_index=True)
    columns = ["period", "highway", "trips", "before_kmh", "kmh", "low_kmh", "high_kmh", "note"]
    return Fit(fitted, table[columns], *_judge(before, after))


def _fitted(speeds: pd.DataFrame) -> dict[str, float]:
    """Return the speeds that are not kept, by class."""
    own = speeds[speeds["note"] == ""]
    return dict(zip(own.index.tolist(), own["kmh"].tolist(), strict=True))


class _Router:
    """Routes the trips of a period at the speeds of a profile."""

    def __init__(
        self,
        streets: gpd.GeoDataFrame,
        trips: pd.DataFrame,
        periods: pd.Series,
        layers: dict[str, gpd.GeoDataFrame],
    ) -> None:
        self.streets, self.trips, self.periods, self.layers = streets, trips, periods, layers
        open_ = streets["drive"] > 0
        self.classes = sorted(streets.loc[open_, "highway"].unique())
        signed = open_ & streets["maxspeed_kmh"].notna()
        self.free_highway = streets["highway"].where(~signed, "")

    def parts(self, profile: Profile, name: str, train: pd.Series) -> _Part:
        """Return the trips of a period with their ways."""
        own = self.trips[self.periods == name]
        hour = int(own["hour"].iloc[0])
        network = RoadNetwork.from_streets(self.streets, "drive", profile=profile, hour=hour, **self.layers)
        # a signed street's free-flow time is its limit's: its class '' is never fitted
        highway = self.free_highway if name == FREE_FLOW else self.streets["highway"]
        routes = route_trips(network, own, highway, [*self.classes, ""])
        return _Part(name, own, routes, train[own.index].to_numpy())


def _kmh(part: _Part) -> Floats:
    """Return the mean speed on each class at the speeds of a network, NaN where no trip runs."""
    metres, seconds = part.routes.metres.sum(axis=0)[:-1], part.routes.class_s.sum(axis=0)[:-1]
    return np.divide(3.6 * metres, seconds, out=np.full(len(metres), np.nan), where=seconds > 0)


def _usable(part: _Part) -> Bools:
    """Return which trips have a way and aren't outliers."""
    found = part.routes.found & (part.routes.seconds > 0)
    ratio = np.divide(part.trips["seconds"].to_numpy(), part.routes.seconds, out=np.ones(len(found)), where=found)
    usable = found.copy()
    if found.any():
        usable[found] = ~outlying(ratio[found])
    return usable


def _problem(part: _Part, rows: Bools, fit: Bools) -> tuple[Floats, Floats, Floats]:
    """Return metres on the classes to fit, the seconds spent on them, and those expected for the whole trip."""
    routes = part.routes
    kept_s = routes.other_s + routes.class_s[:, ~fit].sum(axis=1)
    left_s = part.trips["seconds"].to_numpy() - kept_s
    return routes.metres[rows][:, fit], left_s[rows], routes.seconds[rows]


def _fit_part(part: _Part, classes: list[str], profile: Profile, min_trips: int) -> pd.DataFrame:
    """Fit the classes of a period that have enough trips."""
    rows = _usable(part) & part.train
    trips = (part.routes.metres[rows] >= MIN_METRES).sum(axis=0)
    fit = trips >= min_trips
    fit[-1] = False
    table = pd.DataFrame({"period": part.period, "trips": trips[:-1], "kmh": np.nan, "note": ""}, index=classes)
    table.loc[~fit[:-1], "note"] = f"too little data (fewer than {min_trips} trips): kept"
    if fit.any():
        ambulance = table.index.map(lambda name: profile.ambulance.get(name, 1.0)).to_numpy(np.float64)
        pace = fit_paces(*_problem(part, rows, fit)).s_per_m
        table.loc[fit[:-1], "kmh"] = 3.6 / pace / ambulance[fit[:-1]]
    return table


def _with_intervals(
    part: _Part, classes: list[str], profile: Profile, speeds: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add bootstrap intervals on the last routes."""
    fit = np.append((speeds["note"] == "").to_numpy(), False)
    table = speeds.assign(low_kmh=np.nan, high_kmh=np.nan)
    if not fit.any():
        return table
    metres, seconds, scale = _problem(part, _usable(part) & part.train, fit)
    drawn = (rng.integers(0, len(seconds), len(seconds)) for _ in range(BOOTSTRAPS))
    paces = np.array([fit_paces(metres[own], seconds[own], scale[own]).s_per_m for own in drawn])
    ambulance = np.array([profile.ambulance.get(name, 1.0) for name in np.array(classes)[fit[:-1]]])
    low, high = np.percentile(3.6 / paces / ambulance, [2.5, 97.5], axis=0)
    table.loc[fit[:-1], ["low_kmh", "high_kmh"]] = np.column_stack([low, high])
    return table


def _judge(before: dict[str, _Part], after: dict[str, _Part]) -> tuple[pd.DataFrame, int, int, float, float]:
    """Return outliers, counts, and held-out errors before and after."""
    outliers, errors = [], []
    used = held = 0
    for name, part in after.items():
        good, seconds = _usable(part), part.trips["seconds"].to_numpy()
        test = good & ~part.train & before[name].routes.found
        used, held = used + int((good & part.train).sum()), held + int(test.sum())
        errors.append(
            np.abs(np.column_stack([before[name].routes.seconds, part.routes.seconds])[test] / seconds[test, None] - 1)
        )
        expected = np.where(part.routes.found, part.routes.seconds, np.nan)
        reason = np.where(part.routes.found, "far from what is expected", "no way on the network")
        table = part.trips[["line", "seconds"]].assign(expected_s=expected, reason=reason)
        outliers.append(table[~good])
    mean = np.concatenate(errors).mean(axis=0) if held else np.full(2, np.nan)
    return pd.concat(outliers), used, held, float(mean[0]), float(mean[1])

"""Speed profiles: how fast one travels by class, hour and mode, and what junctions and turns cost, read from TOML.

All figures of the time model stand in ``profiles/default.toml``, with their sources.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field, model_validator

from careshed._checks import readable_file
from careshed.errors import FileFaultError, InputError

__all__ = ["FREE_FLOW", "OTHER", "Profile", "default_profile", "read_profile"]

FREE_FLOW = "free flow"
"""Name of the period of every hour that no period of a profile names, and of no hour at all."""

OTHER = "other"
"""Stands for every class that a table doesn't name."""

_OWN = ("ambulance", "period")
"""Tables that a profile has by itself: the default's don't show through."""

Kmh = Annotated[float, Field(gt=0, le=250)]
Seconds = Annotated[float, Field(ge=0, le=600)]
Factor = Annotated[float, Field(gt=0, le=5)]
Hour = Annotated[int, Field(ge=0, le=23)]


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Walking(_Table):
    """Table ``[walk]``.

    Parameters
    ----------
    speed_mps, elderly_mps
        Metres per second on the flat, of everybody and of older people.
    steps_factor
        Share of the speed that is left on ``highway=steps``.
    slope
        ``'tobler'`` or ``'none'``.
    """

    speed_mps: float = Field(gt=0, le=10)
    elderly_mps: float = Field(gt=0, le=10)
    steps_factor: float = Field(gt=0, le=1)
    slope: Literal["tobler", "none"]


class Driving(_Table):
    """Table ``[drive]``.

    Parameters
    ----------
    maxspeed_factor
        Share of a signed limit that is driven.
    leg_kmh
        Speed of the leg between a point and its street.
    kmh
        Free-flow km/h by ``highway`` class; ``other`` stands for all that aren't named.
    """

    maxspeed_factor: float = Field(gt=0, le=2)
    leg_kmh: Kmh
    kmh: dict[str, Kmh]

    @model_validator(mode="after")
    def _has_other(self) -> Self:
        if OTHER not in self.kmh:
            raise ValueError(f"kmh needs a figure for {OTHER}, which stands for every class that isn't named")
        return self


class Period(_Table):
    """Table ``[period.…]``: hours of the day of one speed.

    Parameters
    ----------
    hours
        0 to 23; 8 is 8:00 to 8:59.
    factor
        Of the free-flow speed, for every class without a figure in `kmh`.
    kmh
        Absolute km/h by class, whatever the signed limit.
    """

    hours: tuple[Hour, ...] = Field(min_length=1)
    factor: Factor = 1.0
    kmh: dict[str, Kmh] = {}


class Junctions(_Table):
    """Table ``[junction]``: seconds for passing a junction, by mode and tag."""

    drive: dict[str, Seconds] = {}
    walk: dict[str, Seconds] = {}


class Turning(_Table):
    """Table ``[turn]``: seconds of driven turns, where one drives on the right.

    Parameters
    ----------
    left, right, u_turn
        Seconds; a U-turn goes back along the street that one came by.
    at
        ``'tagged'`` junctions, ``'all'``, or ``'none'``.
    """

    left: Seconds
    right: Seconds
    u_turn: Seconds
    at: Literal["tagged", "all", "none"]


class Profile(_Table):
    """A time model: speeds by class and hour, delays at junctions and turns.

    Parameters
    ----------
    name
        Its name, in words.
    source
        Where each figure comes from.
    walk, drive, junction, turn
        See the tables' own classes; what a file leaves out is the packaged default's.
    ambulance
        Factor of driving speeds by class, 1.0 where none is given.
    period
        Periods of the day by name; every other hour is free flow.

    Examples
    --------
    >>> default_profile().period_at(8), default_profile().period_at(12)
    ('morning_peak', 'free flow')
    """

    name: str = Field(min_length=1)
    source: str = ""
    walk: Walking
    drive: Driving
    ambulance: dict[str, Factor] = {}
    period: dict[str, Period] = {}
    junction: Junctions
    turn: Turning

    @model_validator(mode="after")
    def _hours_once(self) -> Self:
        taken: dict[int, str] = {}
        for name, period in self.period.items():
            for hour in period.hours:
                if hour in taken:
                    raise ValueError(f"hour {hour} is in both {taken[hour]} and {name}; expected it in one period")
                taken[hour] = name
        if FREE_FLOW in self.period:
            raise ValueError(f"{FREE_FLOW!r} is the name of all other hours; give the period another")
        return self

    @model_validator(mode="after")
    def _known_classes(self) -> Self:
        named = {"ambulance": set(self.ambulance)}
        named |= {f"period.{name}": set(period.kmh) for name, period in self.period.items()}
        for table, classes in named.items():
            strange = sorted(classes - self.drive.kmh.keys())
            if strange:
                raise ValueError(f"{table} names class {strange[0]}, which [drive.kmh] doesn't; add it there")
        return self

    def period_at(self, hour: int | None) -> str:
        """Return the name of the period that an hour is in.

        Parameters
        ----------
        hour
            0 to 23, or None.

        Raises
        ------
        InputError
            If it is no hour.
        """
        if hour is None:
            return FREE_FLOW
        if not (isinstance(hour, int) and 0 <= hour <= 23):
            raise InputError(f"hour is {hour!r}; expected a whole hour of the day from 0 to 23")
        return next((name for name, period in self.period.items() if hour in period.hours), FREE_FLOW)


@cache
def default_profile() -> Profile:
    """Return the packaged profile."""
    return Profile.model_validate(_default_table())


@cache
def _default_table() -> dict[str, Any]:
    text = resources.files("careshed.network").joinpath("profiles", "default.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_profile(path: Path | str) -> Profile:
    """Read a speed profile; figures that it leaves out are the packaged default's.

    Parameters
    ----------
    path
        A TOML file, see ``docs/time-model.md``.

    Raises
    ------
    FileFaultError
        If the file is absent, empty, not UTF-8 or not TOML.
    InputError
        If a table or a key is unknown or has a value out of range; the message names it.
    """
    path = readable_file(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise FileFaultError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise FileFaultError(f"{path}: not TOML: {error}; see docs/time-model.md for the format") from None
    base = {key: value for key, value in _default_table().items() if key not in {*_OWN, "name", "source"}}
    try:
        return Profile.model_validate(_over(base, table))
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in fault["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more faults)" if error.error_count() > 1 else ""
        found = "" if isinstance(fault["input"], dict) else f", found {fault['input']!r}"
        raise InputError(f"{path}: {where}: {fault['msg']}{found}{more}") from None


def _over(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a table over another, table by table."""
    merged = dict(base)
    for key, value in table.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _over(below, value) if both and below is not None else value
    return merged

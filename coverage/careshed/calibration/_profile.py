"""Fitted speeds in a profile, and a profile as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from careshed._checks import new_file
from careshed.calibration._fit import MAX_KMH, MIN_KMH
from careshed.network import FREE_FLOW, Profile

if TYPE_CHECKING:
    from careshed.calibration import Fit

__all__ = ["with_speeds", "write_profile"]


def with_speeds(profile: Profile, period: str, kmh: Mapping[str, float]) -> Profile:
    """Return a profile with other km/h of some classes in one period.

    Parameters
    ----------
    profile
        The profile.
    period
        Name of a period, or of free flow.
    kmh
        Class → km/h, rounded to two decimals.
    """
    table = profile.model_dump()
    speeds = {name: round(min(max(float(speed), MIN_KMH), MAX_KMH), 2) for name, speed in kmh.items()}
    if period == FREE_FLOW:
        table["drive"]["kmh"] |= speeds
    else:
        # a class of a period must be named in free flow too
        other = table["drive"]["kmh"]["other"]
        table["drive"]["kmh"] |= {name: other for name in speeds if name not in table["drive"]["kmh"]}
        table["period"][period]["kmh"] |= speeds
    return Profile.model_validate(table)


def write_profile(fit: Fit, path: Path | str, *, source: str) -> None:
    """Write fitted speeds as a profile that ``--profile`` takes.

    Parameters
    ----------
    fit
        What was fitted.
    path
        A TOML file; it is there in full or not at all.
    source
        What the trips are, for the file's ``source``.
    """
    fitted = (fit.speeds["note"] == "").sum()
    text = (
        f"{source}: {fit.used} trips, {len(fit.outliers)} outliers left out, {fitted} of {len(fit.speeds)} speeds "
        f"fitted by careshed calibrate; held-out mean absolute error {fit.error_before:.1%} before, "
        f"{fit.error_after:.1%} after. All else: {' '.join(fit.profile.source.split())}"
    )
    table = fit.profile.model_dump() | {"name": "calibrated", "source": text}
    with new_file(path) as new:
        new.write_text("\n".join(_toml(table)) + "\n", encoding="utf-8", newline="\n")


def _toml(table: Mapping[str, Any], where: str = "") -> list[str]:
    """Return a table's lines: its own values, then its tables."""
    lines = [f"[{where}]"] if where else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += ["", *_toml(value, f"{where}.{_key(key)}" if where else _key(key))]
    return lines


def _key(key: str) -> str:
    return key if key.replace("_", "").isascii() and key.replace("_", "").isalnum() else json.dumps(key)


def _value(value: object) -> str:
    """Return text, numbers and lists as TOML has them: JSON's way, but for a delete character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

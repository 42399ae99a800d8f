"""From words of the command line to a siting model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from careshed.errors import InputError, UnsupportedError

if TYPE_CHECKING:  # heavy rooms are imported by the command that needs them
    from careshed.brief import Ask
    from careshed.siting.models import Model
    from careshed.targets import Service

__all__ = ["ModelName", "Spec", "check_rules", "flag", "model_of", "parse_minutes", "parse_range", "specs"]

_SECONDS = dict.fromkeys(("", "m", "min", "minutes", "分", "分钟"), 60) | dict.fromkeys(("s", "sec", "秒"), 1)
"""Units of time → their seconds."""
_LONGEST = 60.0


class ModelName(StrEnum):
    """Models by the names that the command takes."""

    MCLP = "mclp"
    P_MEDIAN = "p-median"
    P_CENTER = "p-center"
    LSCP = "lscp"
    LSCP_B = "lscp-b"
    DSM = "dsm"
    BACOP = "bacop"
    BACOP2 = "bacop2"
    MEXCLP = "mexclp"
    MALP = "malp"
    CAPACITATED_P_MEDIAN = "capacitated-p-median"
    CAPACITATED_MCLP = "capacitated-mclp"
    RELOCATION = "relocation"


@dataclass(frozen=True, slots=True)
class Spec:
    """How the command makes a model.

    Attributes
    ----------
    kind
        Its class.
    make
        A function of figures.
    may, needs
        Options that it can take, and those that it can't do without.
    counts
        Whether it takes a number of stations.
    """

    kind: type
    make: Callable[..., Model]
    may: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    counts: bool = True

    @property
    def takes(self) -> tuple[str, ...]:
        """All options that it takes."""
        return (*self.needs, *self.may)


_FIGURES = {
    "within": "within_ms",
    "within2": "within2_ms",
    "alpha": "share",
    "vehicles": "vehicles",
    "busy_fraction": "busy",
    "reliability": "reliability",
    "per_site": "per_site",
    "capacity": "capacity",
    "loss": "loss",
    "first_weight": "first",
    "reachable_only": "reachable_only",
    "split": "split",
}
"""Options → the models' own names of what they give."""

_TABLE = ("vehicles", "busy_fraction", "per_site", "capacity")
"""Options whose default may stand in the targets' siting table."""


def model_of(name: ModelName, service: Service, options: Mapping[str, Any]) -> Model:
    """Return the model that a command line asks for.

    Parameters
    ----------
    name
        The model's name.
    service
        Its siting table may give vehicles, busy fraction and capacity.
    options
        Value of each option by its name in Python (``busy_fraction``); None where it was not given. Times are in
        minutes.

    Raises
    ------
    UnsupportedError
        If an option was given that the model does not take.
    InputError
        If one is missing, or a value can't be meant.
    """
    spec = specs()[name]
    given = {key: value for key, value in options.items() if value is not None}
    foreign = [key for key in given if key not in spec.takes and not (key == "stations" and spec.counts)]
    if foreign:
        takes = ", ".join(map(flag, spec.takes)) or "no option of its own"
        why = " (how many stations there are is its answer)" if foreign[0] == "stations" else ""
        raise UnsupportedError(f"model {name} takes no {flag(foreign[0])}{why}; it takes {takes}")
    given.pop("stations", None)
    table = {key: getattr(service.siting, key) for key in _TABLE if service.siting is not None}
    given = {key: value for key, value in table.items() if value is not None and key in spec.takes} | given
    missing = [key for key in spec.needs if key not in given]
    if missing:
        where = " or write it in the service's siting table of targets.toml" if missing[0] in _TABLE else ""
        flags = " and ".join(map(flag, missing))
        raise InputError(f"model {name} needs {flags}: give it, such as {_EXAMPLES[missing[0]]},{where}".rstrip(","))
    _check_times(given, service)
    return spec.make(**{_FIGURES[key]: _figure(key, value) for key, value in given.items()})


def check_rules(name: ModelName, service: Service, ask: Ask, *, frontier: bool) -> None:
    """Refuse rules and questions that a model can't take, by name, before anything is computed.

    Raises
    ------
    UnsupportedError
        If the model decides how many stations there are, and phases or a frontier are asked for.
    InputError
        If no station may be closed, and the model closes some; or a rule to be switched off is unknown.
    """
    assert service.siting is not None  # noqa: S101 - the caller saw to it
    rules = service.siting.without(ask.without)
    if not specs()[name].counts:
        if frontier:
            raise UnsupportedError(f"model {name} decides how many stations there are: leave out --frontier")
        if rules.phases:
            raise UnsupportedError(
                f"model {name} decides how many stations there are and takes no phases, which are shares of a known "
                "number: add --without phases"
            )
    if name is ModelName.RELOCATION and not rules.closable:
        raise InputError(
            "model relocation closes stations, but none may be closed: write closable = true, or a list of ids, in the "
            "service's siting table of targets.toml"
        )


_EXAMPLES = {
    "within2": "--within2 20min",
    "vehicles": "--vehicles 20",
    "busy_fraction": "--busy-fraction 0.3",
    "capacity": "--capacity 50000",
}


@cache
def specs() -> dict[ModelName, Spec]:
    """Return what each model is made of."""
    from careshed.siting import models as m

    fleet = ("within", "per_site")
    return {
        ModelName.MCLP: Spec(m.MCLP, _covering, ("within", "within2")),
        ModelName.P_MEDIAN: Spec(m.PMedian, m.PMedian, ()),
        ModelName.P_CENTER: Spec(m.PCenter, m.PCenter, ()),
        ModelName.LSCP: Spec(m.LSCP, m.LSCP, ("within", "reachable_only"), counts=False),
        ModelName.LSCP_B: Spec(m.LSCPB, m.LSCPB, ("within", "reachable_only"), counts=False),
        ModelName.DSM: Spec(m.DSM, m.DSM, (*fleet, "alpha", "reachable_only"), ("vehicles", "within2")),
        ModelName.BACOP: Spec(m.BACOP1, m.BACOP1, ("within", "reachable_only")),
        ModelName.BACOP2: Spec(m.BACOP2, m.BACOP2, ("within", "first_weight")),
        ModelName.MEXCLP: Spec(m.MEXCLP, m.MEXCLP, fleet, ("vehicles", "busy_fraction")),
        ModelName.MALP: Spec(m.MALP, m.MALP, (*fleet, "reliability"), ("vehicles", "busy_fraction")),
        ModelName.CAPACITATED_P_MEDIAN: Spec(
            m.CapacitatedPMedian, _shared(m.CapacitatedPMedian), ("split",), ("capacity",)
        ),
        ModelName.CAPACITATED_MCLP: Spec(
            m.CapacitatedMCLP, _shared(m.CapacitatedMCLP), ("within", "split"), ("capacity",)
        ),
        ModelName.RELOCATION: Spec(m.Relocation, m.Relocation, ("loss", "within")),
    }


def _covering(within_ms: int | None = None, within2_ms: int | None = None) -> Model:
    """Return maximal covering, then least response; gradual where a second time is given."""
    from careshed.siting.models import MCLP, Lexicographic, PMedian

    return Lexicographic((MCLP(within_ms, within2_ms), PMedian()))


def _shared(kind: Callable[..., Model]) -> Callable[..., Model]:
    """Return a model with capacities, made with `split` instead of its opposite."""
    return lambda *, split=False, **figures: kind(whole=not split, **figures)


def _check_times(given: Mapping[str, Any], service: Service) -> None:
    """Refuse a second time that is shorter than the first."""
    first, second = given.get("within", service.minutes), given.get("within2")
    if second is not None and second <= first:
        own = "" if "within" in given else ", the service's own"
        raise InputError(f"--within2 is {second:g} min; expected more than --within ({first:g} min{own})")


def _figure(option: str, value: Any) -> Any:
    """Return a value in the models' units."""
    return round(value * 60_000) if option in {"within", "within2"} else value


def flag(option: str) -> str:
    """Return an option as it is typed."""
    return "--" + option.replace("_", "-")


def parse_minutes(text: str | None, option: str) -> float | None:
    """Return minutes.

    Parameters
    ----------
    text
        ``12min``, ``720s`` or ``12`` (minutes); None stays None.
    option
        Its name, for the message.

    Examples
    --------
    >>> parse_minutes("12min", "--within"), parse_minutes("90 s", "--within"), parse_minutes("8", "--within")
    (12.0, 1.5, 8.0)
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*|分钟?|秒)\s*", text.casefold())
    if found is None or found[2] not in _SECONDS:
        raise InputError(f"{option} is {text!r}; expected a time such as 12min, 720s or 12 (minutes)")
    minutes = float(found[1]) * _SECONDS[found[2]] / 60
    if not 0 < minutes <= _LONGEST:
        hint = "; 720 without a unit is minutes, write 720s" if found[2] == "" and minutes > _LONGEST else ""
        raise InputError(f"{option} is {text!r}; expected more than 0 and at most {_LONGEST:g} minutes{hint}")
    return minutes


def parse_range(text: str | None, option: str) -> tuple[int, int] | None:
    """Return the ends of a range of whole numbers.

    Examples
    --------
    >>> parse_range("5-30", "--frontier")
    (5, 30)
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+)\s*(?:-|–|—|~|:|\.\.)\s*(\d+)\s*", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise InputError(f"{option} is {text!r}; expected two whole numbers from 1 up, the smaller first, such as 5-30")
    return int(found[1]), int(found[2])

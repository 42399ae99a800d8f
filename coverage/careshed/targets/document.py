"""Services, quotas of facilities and rows of the scorecard, and the file that holds them."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from pathlib import Path
from typing import Literal, Self

import pydantic
from pydantic import Field, model_validator

from careshed._checks import readable_file
from careshed.errors import FileFaultError, InputError
from careshed.targets._table import Table
from careshed.targets.siting import Siting

__all__ = ["Quota", "Said", "Service", "Statistic", "Target", "Targets", "read_targets"]

Statistic = Literal[
    "community_share",
    "population_share",
    "area_share",
    "street_share",
    "mean_response",
    "median_response",
    "p90_response",
    "share_within_target",
    "station_count",
    "tier_count",
    "min_stations_per_subdistrict",
    "phase_share",
    "quota_share",
    "facility_count",
]
"""What a row of the scorecard can be judged on."""

_TIMES = {"mean_response", "median_response", "p90_response"}


class Service(Table):
    """A service that is planned: who gives it, how it is reached, in how many minutes.

    Parameters
    ----------
    label_zh, label_en
        Names in text for people.
    kinds
        Kinds of facility that give the service.
    mode
        ``walk`` or ``drive``.
    direction
        ``to``: people travel to the facility; ``from``: help travels from it.
    minutes
        The standard: within so many minutes, response time included where `direction` is ``from``.
    community_share
        A community is covered when at least this share of its people are within the minutes.
    walk_speed_mps
        Walking speed, metres per second.
    call_handling_s, turnout_s
        Time from call to dispatch, and from dispatch to wheels rolling, seconds.
    siting
        How its facilities are sited, where the documents say so.
    """

    label_zh: str
    label_en: str
    kinds: tuple[str, ...] = Field(min_length=1)
    mode: Literal["walk", "drive"]
    direction: Literal["to", "from"]
    minutes: float = Field(gt=0, le=60)
    community_share: float = Field(default=0.5, gt=0, le=1)
    walk_speed_mps: float = Field(default=1.25, gt=0, le=3)
    call_handling_s: float = Field(default=0, ge=0)
    turnout_s: float = Field(default=0, ge=0)
    siting: Siting | None = None

    @property
    def standard_s(self) -> float:
        """The standard in seconds."""
        return self.minutes * 60

    @property
    def delay_s(self) -> float:
        """Seconds before wheels roll: call handling and turnout."""
        return self.call_handling_s + self.turnout_s

    @model_validator(mode="after")
    def _time_left(self) -> Self:
        if self.delay_s >= self.standard_s:
            raise ValueError(
                f"call handling and turnout take {self.delay_s:g} s of a standard of {self.standard_s:g} s"
            )
        return self


class Quota(Table):
    """How many facilities each unit should have, by its people or communities.

    One of four rules, named by `rule`:

    - ``at_least``: `least` in each unit;
    - ``step``: `least`, and above `above` people one more for every further
      `people_per[0]` (fewest) to `people_per[1]` (most) people;
    - ``per_people``: its people over `people_per[0]` to its people over `people_per[1]`, both rounded up;
    - ``per_communities``: one for every `communities_per` communities, rounded up.

    Parameters
    ----------
    label_zh, label_en
        Names in text for people.
    kinds
        Kinds of facility that count.
    rule
        Which of the four.
    least
        Fewest in each unit.
    above
        People of a unit above whom more are asked for.
    people_per
        People for each facility: more of them first, fewer second.
    communities_per
        Communities for each facility.
    """

    label_zh: str
    label_en: str
    kinds: tuple[str, ...] = Field(min_length=1)
    rule: Literal["at_least", "step", "per_people", "per_communities"]
    least: int = Field(default=1, ge=0)
    above: int = Field(default=0, ge=0)
    people_per: tuple[int, int] | None = None
    communities_per: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _has_people(self) -> Self:
        if self.rule in {"step", "per_people"}:
            if self.people_per is None:
                raise ValueError(f"rule {self.rule} needs people_per = [more, fewer] people for each facility")
            if self.people_per[0] < self.people_per[1] or self.people_per[1] < 1:
                raise ValueError(f"people_per is {list(self.people_per)}; expected the larger figure first")
        return self

    def bounds(self, people: float, communities: int) -> tuple[int, int | None]:
        """Return the fewest and most facilities that the rule asks of one unit.

        Parameters
        ----------
        people
            People of the unit.
        communities
            Communities and villages of the unit.

        Examples
        --------
        >>> quota = Quota(
        ...     label_zh="", label_en="", kinds=["x"], rule="step", above=100_000, people_per=[100_000, 50_000]
        ... )
        >>> quota.bounds(250_000, 0)
        (2, 4)
        """
        if self.rule == "at_least":
            return self.least, None
        if self.rule == "per_communities":
            return math.ceil(communities / self.communities_per), None
        assert self.people_per is not None  # noqa: S101 - the validator saw to it
        slow, fast = self.people_per
        if self.rule == "per_people":
            return math.ceil(people / slow), math.ceil(people / fast)
        beyond = max(0, math.floor(people) - self.above)
        return self.least + beyond // slow, self.least + beyond // fast


class Target(Table):
    """A row of the scorecard: a figure that a document asks for.

    Parameters
    ----------
    id
        The row's id, such as ``X1``; one id may have several rows.
    text
        What is asked, in the document's words or close to them.
    text_en
        The same in English, where the document is in Chinese.
    statistic
        What it is judged on.
    service
        The service, by id; most statistics need it.
    quota, tier, by, kinds
        What ``quota_share``, ``tier_count``, ``phase_share`` and ``facility_count`` need: a quota's id, a tier's
        name, a phase's date, kinds of facility.
    at_least, at_most, at_most_min
        The limit: a share or a count, or minutes for times. Exactly one is given.
    document, item
        Where it is written.
    binding
        True for 约束性 (binding) targets, False for expected ones.
    """

    id: str
    text: str
    text_en: str = ""
    statistic: Statistic
    service: str = ""
    quota: str = ""
    tier: str = ""
    by: dt.date | None = None
    kinds: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    at_most_min: float | None = None
    document: str = ""
    item: str = ""
    binding: bool = False

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        given = [limit for limit in (self.at_least, self.at_most, self.at_most_min) if limit is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of at_least, at_most and at_most_min")
        if (self.statistic in _TIMES) != (self.at_most_min is not None):
            takes = "at_most_min" if self.statistic in _TIMES else "at_least or at_most"
            raise ValueError(f"statistic {self.statistic} takes {takes}")
        needs = {"quota_share": "quota", "tier_count": "tier", "phase_share": "by", "facility_count": "kinds"}
        need = needs.get(self.statistic, "service")
        if not getattr(self, need):
            raise ValueError(f"statistic {self.statistic} needs {need}")
        return self

    @property
    def limit(self) -> float:
        """The limit: seconds for times, else a share or a count."""
        if self.at_most_min is not None:
            return self.at_most_min * 60
        limit = self.at_least if self.at_least is not None else self.at_most
        assert limit is not None  # noqa: S101 - the validator saw to it
        return limit

    def met(self, value: float) -> bool:
        """Say whether `value` meets the target; at the limit it does."""
        return value >= self.limit if self.at_least is not None else value <= self.limit


class Said(Table):
    """One sentence in two languages.

    Parameters
    ----------
    zh, en
        In Chinese and in English.
    """

    zh: str
    en: str


class Targets(Table):
    """What the planning documents ask of one area.

    Parameters
    ----------
    title
        Name of the district.
    documents
        Short name → full title of each document that is cited.
    service
        Services by id (``chc``, ``ems`` …).
    quota
        Quota rules by id.
    target
        Rows of the scorecard.
    assumptions
        Figures that no document gives, in words, printed with the plan: a sentence, or one in each language.
    """

    title: str = ""
    documents: dict[str, str] = Field(default_factory=dict)
    service: dict[str, Service] = Field(default_factory=dict)
    quota: dict[str, Quota] = Field(default_factory=dict)
    target: tuple[Target, ...] = ()
    assumptions: tuple[str | Said, ...] = ()

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for target in self.target:
            if target.service and target.service not in self.service:
                raise ValueError(f"target {target.id} names service {target.service}, which has no [service] table")
            if target.quota and target.quota not in self.quota:
                raise ValueError(f"target {target.id} names quota {target.quota}, which has no [quota] table")
        return self


def read_targets(path: Path | str) -> Targets:
    """Read ``targets.toml``.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Targets
        Checked: every name that is used is defined.

    Raises
    ------
    FileFaultError
        If the file is absent, empty, not UTF-8 or not TOML.
    InputError
        If a table or a key is unknown, missing or has a value out of range; the message names it.
    """
    path = readable_file(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise FileFaultError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise FileFaultError(f"{path}: not TOML: {error}; see the targets.toml of an embedded area") from None
    try:
        return Targets.model_validate(table)
    except pydantic.ValidationError as error:
        raise InputError(f"{path}: {_first_fault(error)}") from None


def _first_fault(error: pydantic.ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in fault["loc"]) or "the file"
    more = f" (and {error.error_count() - 1} more faults)" if error.error_count() > 1 else ""
    found = "" if isinstance(fault["input"], dict) else f", found {fault['input']!r}"
    return f"{where}: {fault['msg']}{found}{more}"

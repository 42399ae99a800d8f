"""Rules of ``[[service.X.siting.rules]]``: one table each, told apart by its key ``rule``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from careshed.targets._table import Table

__all__ = [
    "ApartRule",
    "BudgetRule",
    "CompanyRule",
    "FloorRule",
    "NewSitesRule",
    "QuotaRule",
    "SitingRule",
    "WorstTimeRule",
]


class _Rule(Table):
    """A rule; `name` is what it is switched off by (default: its key ``rule``)."""

    name: str = ""


class QuotaRule(_Rule):
    """At least, or at most, so many open sites of some kind.

    Parameters
    ----------
    at_least, at_most
        Limits, each included; one of them is given.
    tier, owner
        Only sites of this tier, of this owner (the sites' column ``owner``); ``""`` for any.
    sites
        Only these, by id; empty for any.
    subdistricts
        Only sites in these, by name or id; empty for any inside the boundary.
    each
        ``subdistrict``: the limits hold in each subdistrict by itself.
    by
        The last day of the phase in which it holds; None for the last phase.
    """

    rule: Literal["quota"]
    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=0)
    tier: str = ""
    owner: str = ""
    sites: tuple[str, ...] = ()
    subdistricts: tuple[str, ...] = ()
    each: Literal["", "subdistrict"] = ""
    by: dt.date | None = None

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if not self.at_least and self.at_most is None:
            raise ValueError("a quota needs at_least (1 or more) or at_most")
        if self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least is {self.at_least}, more than at_most, {self.at_most}")
        return self


class NewSitesRule(_Rule):
    """At most so many sites that are not there today."""

    rule: Literal["new"]
    at_most: int = Field(ge=0)


class ApartRule(_Rule):
    """Two open sites are at least `distance_m` metres apart, as the crow flies; two existing ones are left alone."""

    rule: Literal["apart"]
    distance_m: float = Field(gt=0)


class CompanyRule(_Rule):
    """Each open site has another within `distance_m` metres, as the crow flies, which can stand in for it."""

    rule: Literal["company"]
    distance_m: float = Field(gt=0)


class BudgetRule(_Rule):
    """What the open sites cost, and what closing costs, is at most a sum.

    Parameters
    ----------
    at_most
        The sum, in the units of the sites' columns ``cost`` (paid for each site that is open in the
        end) and ``closing_cost`` (for each existing site that is closed); a blank cell costs nothing.
    """

    rule: Literal["budget"]
    at_most: int = Field(ge=0)


class WorstTimeRule(_Rule):
    """Everybody has a response within `within_min` minutes, call handling and turnout included.

    Those whom no site at all reaches within the hour are left out: no plan could serve them.
    """

    rule: Literal["worst"]
    within_min: float = Field(gt=0, le=60)


class FloorRule(_Rule):
    """In each subdistrict at least a share of the people is within the minutes.

    Parameters
    ----------
    share
        0 to 1.
    within_min
        Minutes of response; None for the service's own.
    subdistricts
        Only in these, by name or id; empty for all.
    """

    rule: Literal["floor"]
    share: float = Field(ge=0, le=1)
    within_min: float | None = Field(default=None, gt=0, le=60)
    subdistricts: tuple[str, ...] = ()


SitingRule = Annotated[
    QuotaRule | NewSitesRule | ApartRule | CompanyRule | BudgetRule | WorstTimeRule | FloorRule,
    Field(discriminator="rule"),
]
"""One of the rules."""

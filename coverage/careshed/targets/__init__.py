"""Targets: what a planning document asks, read from ``targets.toml``.

Nothing about a district stands in Python: services with their minutes, the
siting rules (quotas, tiers, dated phases and others) and the rows of the scorecard are
all in one TOML file beside the area. Minutes are written ``…_min`` there and
are seconds inside.
"""

from careshed.targets.document import Quota, Said, Service, Statistic, Target, Targets, read_targets
from careshed.targets.rules import (
    ApartRule,
    BudgetRule,
    CompanyRule,
    FloorRule,
    NewSitesRule,
    QuotaRule,
    SitingRule,
    WorstTimeRule,
)
from careshed.targets.siting import Phase, Siting, Tier

__all__ = [
    "ApartRule",
    "BudgetRule",
    "CompanyRule",
    "FloorRule",
    "NewSitesRule",
    "Phase",
    "Quota",
    "QuotaRule",
    "Said",
    "Service",
    "Siting",
    "SitingRule",
    "Statistic",
    "Target",
    "Targets",
    "Tier",
    "WorstTimeRule",
    "read_targets",
]

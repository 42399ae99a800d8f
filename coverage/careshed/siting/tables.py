"""Tables of sites and demand, checked and put into canonical order."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from careshed._checks import require_unique
from careshed.errors import InputError
from careshed.siting.pairs import whole

__all__ = ["check_groups", "clean_sites", "clean_weights", "removed_sites"]

STATUSES = frozenset({"existing", "closable", "required", "candidate", "excluded"})


def clean_sites(sites: pd.DataFrame) -> pd.DataFrame:
    """Return the sites' columns as strings, sorted by id."""
    sites = sites.set_axis(sites.index.astype(str), axis=0)
    require_unique(sites.index, what="sites")
    defaults = {"status": "candidate", "group": "all", "tier": "", "name": ""}
    table = pd.DataFrame(index=sites.index)
    for column, default in defaults.items():
        table[column] = sites[column].fillna("").astype(str) if column in sites else default
    unknown = table.index[~table["status"].isin(STATUSES)]
    if len(unknown):
        raise InputError(
            f"site {unknown[0]}: status {table['status'][unknown[0]]!r} is not known; expected one of "
            f"{', '.join(sorted(STATUSES))}"
        )
    # what lies outside is not ours to close
    table.loc[(table["status"] == "closable") & (table["group"] == ""), "status"] = "existing"
    return table.sort_index()


def clean_weights(weights: pd.Series) -> pd.Series:
    """Return whole weights sorted by id."""
    weights = weights.set_axis(weights.index.astype(str))
    require_unique(weights.index, what="demand")
    people = whole(weights, what="the weights of demand")
    return pd.Series(people, index=weights.index, name="weight").sort_index()


def removed_sites(sites: pd.DataFrame) -> pd.Series:
    """Return which sites no plan may open, with the reason."""
    reasons = pd.Series("", index=sites.index, name="reason", dtype=object)
    reasons[(sites["group"] == "") & (sites["status"] == "candidate")] = "outside the area"
    reasons[sites["status"] == "excluded"] = "excluded"
    return reasons[reasons != ""]


def check_groups(sites: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Refuse a site in a group that nobody named."""
    strange = sites.index[~sites["group"].isin([*names, ""])]
    if len(strange):
        raise InputError(
            f"site {strange[0]}: group {sites['group'][strange[0]]!r} is not among the {len(names)} named groups; "
            "name it in group_names or set the site's group to '' (outside)"
        )

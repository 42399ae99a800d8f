"""What each open site adds, whom it serves, and who stands in for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.errors import InputError
from careshed.siting.answers.evaluate import Nearest, opened_by
from careshed.siting.problem import SitingProblem
from careshed.siting.solution import Solution

__all__ = ["communities_served", "marginal_values"]

Ints = npt.NDArray[np.int64]


def marginal_values(
    problem: SitingProblem, solution: Solution, *, communities: pd.Series | None = None
) -> pd.DataFrame:
    """Return what each open site of the last phase adds to a plan.

    Parameters
    ----------
    problem
        Where the plan is judged.
    solution
        The plan.
    communities
        Community of each demand point, by ``demand_id``; None: the column `communities` is left out.

    Returns
    -------
    pandas.DataFrame
        Index ``site_id``, sorted; columns

        - ``name``, ``group``, ``status``, ``tier`` as in :attr:`Solution.stations`;
        - ``load`` (people to whom it is the nearest), ``points`` (their demand points), ``communities`` (how many of
          them it serves, wholly or in part);
        - ``mean_s``, ``worst_s`` (response to those people, seconds; NaN where there are none);
        - ``within`` (people within the standard of it), ``backed_up`` and ``backed_up_share`` (those of them who have
          a second open site within it, and their share; NaN without any);
        - ``only_cover`` (people who have no other: if it closed they would lose cover);
        - ``response_lost`` (person-seconds more if it alone closed), ``mean_lost_s`` (the mean of all reachable people
          would rise by so much), ``left_alone`` (people without any site within the cutoff if it alone closed).
    """
    opened = opened_by(problem, solution.open_ids())
    nearest = Nearest.of(problem, opened)
    weights, sites = problem.weights, len(problem.site_ids)
    within, backed = _within(problem, opened, nearest)
    served = nearest.site >= 0
    lost = weights * (nearest.second_ms - nearest.ms)
    reachable = np.zeros(len(weights), dtype=bool)
    reachable[problem.pairs()[1]] = True
    load = _summed(nearest.site[served], weights[served], sites)
    seconds = _summed(nearest.site[served], (weights * nearest.ms)[served], sites) / 1000.0
    alone = served & (nearest.second < 0)
    points = served & (weights > 0)
    table = {
        "load": load,
        "points": _summed(nearest.site[points], np.ones(int(points.sum()), dtype=np.int64), sites),
        "mean_s": _ratio(seconds, load),
        "worst_s": _worst(nearest.site[points], nearest.ms[points], sites),
        "within": within,
        "backed_up": backed,
        "backed_up_share": _ratio(backed, within),
        "only_cover": within - backed,
        "response_lost": _summed(nearest.site[served], lost[served], sites) / 1000.0,
        "mean_lost_s": _summed(nearest.site[served], lost[served], sites) / 1000.0 / max(weights[reachable].sum(), 1),
        "left_alone": _summed(nearest.site[alone], weights[alone], sites),
    }
    frame = pd.DataFrame(table, index=problem.site_ids)[opened]
    names = solution.stations.loc[frame.index, ["name", "group", "status", "tier"]]
    frame = pd.concat([names, frame], axis=1)
    if communities is not None:
        own = _communities(problem, communities)[points]
        pairs = pd.DataFrame({"site": nearest.site[points], "community": own}).drop_duplicates()
        many = np.bincount(pairs["site"], minlength=sites)[opened]
        frame.insert(list(frame.columns).index("mean_s"), "communities", many)
    return frame.rename_axis(index="site_id")


def communities_served(problem: SitingProblem, solution: Solution, communities: pd.Series) -> pd.DataFrame:
    """Return who serves each community in the last phase.

    Parameters
    ----------
    problem, solution
        Where the plan is judged, and the plan.
    communities
        Community of each demand point, by ``demand_id``; ``''`` belongs to none and is left out.

    Returns
    -------
    pandas.DataFrame
        Index ``community_id``, sorted; columns ``site_id`` (nearest to most of its people; ``''`` where most have none
        within the cutoff), ``share`` (of its people to whom that site is the nearest), ``sites`` (how many serve it),
        ``people``, ``covered``, ``second_cover`` (people with two open sites within the standard) and ``mean_s``
        (of the people whom some open site reaches within the cutoff).
    """
    nearest = Nearest.of(problem, opened_by(problem, solution.open_ids()))
    ids = np.array([*map(str, problem.site_ids), ""], dtype=object)
    served = nearest.site >= 0
    frame = pd.DataFrame(
        {
            "community_id": _communities(problem, communities),
            "site_id": ids[nearest.site],
            "people": problem.weights,
            "covered": problem.weights * (nearest.within > 0),
            "second_cover": problem.weights * (nearest.within > 1),
            "served": problem.weights * served,
            "person_ms": problem.weights * nearest.ms * served,
        }
    )
    frame = frame[(frame["community_id"] != "") & (frame["people"] > 0)]
    by_site = frame.groupby(["community_id", "site_id"])["people"].sum().reset_index()
    order = by_site.sort_values(["community_id", "people", "site_id"], ascending=[True, False, True])
    main = order.drop_duplicates("community_id").set_index("community_id")
    sums = frame.groupby("community_id")[["people", "covered", "second_cover", "served", "person_ms"]].sum()
    return pd.DataFrame(
        {
            "site_id": main["site_id"],
            "share": main["people"] / sums["people"],
            "sites": by_site[by_site["site_id"] != ""].groupby("community_id").size().reindex(sums.index, fill_value=0),
            "people": sums["people"],
            "covered": sums["covered"],
            "second_cover": sums["second_cover"],
            "mean_s": sums["person_ms"] / sums["served"].where(sums["served"] > 0) / 1000.0,
        }
    ).sort_index()


def _communities(problem: SitingProblem, communities: pd.Series) -> npt.NDArray[np.object_]:
    """Return the community of each demand point."""
    known = communities.set_axis(communities.index.astype(str))
    strange = problem.demand_ids[~problem.demand_ids.isin(known.index)]
    if len(strange):
        raise InputError(
            f"communities: {len(strange)} demand points have none, first {strange[0]!r}; give each one its community"
        )
    return known.reindex(problem.demand_ids).fillna("").astype(str).to_numpy(dtype=object)


def _within(problem: SitingProblem, opened: npt.NDArray[np.bool_], nearest: Nearest) -> tuple[Ints, Ints]:
    """Return, per site, people within the standard of it, and those of them who have another one."""
    site, demand, ms = problem.pairs()
    near = opened[site] & (ms <= problem.standard_ms)
    twice = near & (nearest.within[demand] > 1)
    many = len(problem.site_ids)
    return _summed(site[near], problem.weights[demand[near]], many), _summed(
        site[twice], problem.weights[demand[twice]], many
    )


def _summed(where: npt.NDArray[np.integer], values: Ints, many: int) -> Ints:
    """Return whole sums of `values` by place."""
    sums = np.zeros(many, dtype=np.int64)
    np.add.at(sums, where, values)
    return sums


def _worst(where: Ints, ms: Ints, many: int) -> npt.NDArray[np.float64]:
    """Return the greatest time by place, seconds; NaN without any."""
    most = np.full(many, -1, dtype=np.int64)
    np.maximum.at(most, where, ms)
    return np.where(most < 0, np.nan, most / 1000.0)


def _ratio(above: npt.NDArray[np.number], below: Ints) -> npt.NDArray[np.float64]:
    """Return a quotient, NaN where there is nothing to divide by."""
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)

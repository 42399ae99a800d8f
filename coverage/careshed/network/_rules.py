"""From the layers `junctions` and `turns` and a profile to delays and restrictions of one mode."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed._checks import require_columns
from careshed.area import VIA
from careshed.errors import InputError
from careshed.network._chains import Chain
from careshed.network._profile import Profile

__all__ = ["BARRIER", "Rules", "Triples", "heights_of", "read_rules"]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BARRIER = "barrier"
"""Kind of a junction that is closed to cars."""

TURNING = ("traffic_signals", "stop", "give_way")
"""Kinds of junction that turns are delayed at where the profile says ``at = "tagged"``."""

EXEMPT = "emergency"
"""Who drives here: a restriction that excepts them doesn't bind."""


class Triples(NamedTuple):
    """Turns: the edge one comes by, the junction, the edge one leaves by (positions)."""

    come: Ints32
    at: Ints32
    go: Ints32


class Rules(NamedTuple):
    """Delays and restrictions at the n junctions of one mode.

    Attributes
    ----------
    delay_ms
        Milliseconds for passing each junction, (n,).
    closed
        Junctions where one can only turn back, (n,).
    turning
        Junctions where turns are delayed, (n,).
    turn_ms
        Milliseconds of a left turn, a right turn, a U-turn.
    slow_from, slow_at, slow_ms
        Delays that are met only when coming by one edge.
    ban, only
        Turns that are forbidden, and turns that are the only ones allowed from their edge.
    chains
        Restrictions over a way.
    """

    delay_ms: Ints64
    closed: Bools
    turning: Bools
    turn_ms: tuple[int, int, int]
    slow_from: Ints32
    slow_at: Ints32
    slow_ms: Ints64
    ban: Triples
    only: Triples
    chains: tuple[Chain, ...]

    def words(self) -> str:
        """Say what there is of delays and restrictions."""
        told = (
            (int((self.delay_ms > 0).sum()) + len(self.slow_at), "junctions where one waits"),
            (int(self.turning.sum()) if max(self.turn_ms) > 0 else 0, "where turns are slow"),
            (len(self.ban.at) + len(self.only.at) + len(self.chains), "turn restrictions"),
            (int(self.closed.sum()), "barriers"),
        )
        said = ", ".join(f"{count} {text}" for count, text in told if count)
        return f"; {said}" if said else ""


def read_rules(
    mode: str,
    profile: Profile,
    numbers: Ints64,
    street_ids: pd.Index,
    junctions: gpd.GeoDataFrame | None,
    turns: gpd.GeoDataFrame | None,
) -> Rules:
    """Return what delays and restricts a mode at its junctions.

    Parameters
    ----------
    mode
        ``'walk'`` or ``'drive'``; turns bind and delay driving only.
    profile
        The time model.
    numbers, street_ids
        The mode's junctions as the streets layer numbers them, and its streets' ids.
    junctions, turns
        Layers by `careshed.area.SCHEMAS`, or None. Rows on streets that aren't the mode's are passed over.

    Raises
    ------
    InputError
        If a turn is of an unknown kind.
    """
    n = len(numbers)
    delay_ms, closed, tagged = np.zeros(n, np.int64), np.zeros(n, bool), np.zeros(n, bool)
    slow = pd.DataFrame({"edge": [], "at": [], "ms": []}, dtype=np.int64)
    if junctions is not None and len(junctions):
        require_columns(junctions, {"junction", "kind", "from_street", "elevation_m"}, what="junctions")
        at = pd.Index(numbers).get_indexer(junctions["junction"])
        there = at >= 0
        at, rows = at[there], junctions[there]
        seconds = rows["kind"].map(getattr(profile.junction, mode)).fillna(0.0).to_numpy(np.float64)
        ms = np.rint(seconds * 1000).astype(np.int64)
        one_way_only = (rows["from_street"] != "").to_numpy()
        np.maximum.at(delay_ms, at[~one_way_only], ms[~one_way_only])
        slow = pd.DataFrame({"edge": street_ids.get_indexer(rows["from_street"]), "at": at, "ms": ms})
        slow = slow[one_way_only & (slow["edge"] >= 0).to_numpy() & (ms > 0)]
        tagged[at[rows["kind"].isin(TURNING).to_numpy()]] = True
        closed[at[(rows["kind"] == BARRIER).to_numpy()]] = mode == "drive"
    ban, only, chains = _restrictions(mode, numbers, street_ids, turns)
    return Rules(
        delay_ms=delay_ms,
        closed=closed,
        turning=_turning(mode, profile, tagged),
        turn_ms=(round(1000 * profile.turn.left), round(1000 * profile.turn.right), round(1000 * profile.turn.u_turn)),
        slow_from=slow["edge"].to_numpy(np.int32),
        slow_at=slow["at"].to_numpy(np.int32),
        slow_ms=slow["ms"].to_numpy(np.int64),
        ban=ban,
        only=only,
        chains=chains,
    )


def _turning(mode: str, profile: Profile, tagged: Bools) -> Bools:
    if mode != "drive" or profile.turn.at == "none":
        return np.zeros_like(tagged)
    return tagged if profile.turn.at == "tagged" else np.ones_like(tagged)


def _restrictions(
    mode: str, numbers: Ints64, street_ids: pd.Index, turns: gpd.GeoDataFrame | None
) -> tuple[Triples, Triples, tuple[Chain, ...]]:
    """Return the turns that are forbidden, those that are the only ones allowed, and restrictions over ways."""
    none = Triples(*np.empty((3, 0), dtype=np.int32))
    if mode != "drive" or turns is None or not len(turns):
        return none, none, ()
    require_columns(turns, {"from_street", "junction", "to_street", "kind", "exempt", "via"}, what="turns")
    bans, onlies = turns["kind"].str.startswith("no_"), turns["kind"].str.startswith("only_")
    strange = turns.index[~(bans | onlies)]
    if len(strange):
        raise InputError(
            f"turns: {len(strange)} rows are of an unknown kind (turn {strange[0]}: "
            f"{turns.loc[strange[0], 'kind']!r}); expected no_… or only_…"
        )
    ends = [
        street_ids.get_indexer(turns["from_street"]),
        pd.Index(numbers).get_indexer(turns["junction"]),
        street_ids.get_indexer(turns["to_street"]),
    ]
    binds = np.min(ends, axis=0) >= 0
    binds &= [EXEMPT not in (word.strip() for word in words.split(";")) for words in turns["exempt"]]
    at_once = (turns["via"] == "").to_numpy()
    some = [binds & at_once & each.to_numpy() for each in (bans, onlies)]
    ban, only = (Triples(*(end[rows].astype(np.int32) for end in ends)) for rows in some)
    chains = []
    for row in np.flatnonzero(binds & ~at_once).tolist():
        via = tuple(street_ids.get_indexer(pd.Index(turns["via"].iloc[row].split(VIA))).tolist())
        if min(via) >= 0:
            come, at, go = (int(end[row]) for end in ends)
            chains.append(Chain(come, at, via, go, bool(onlies.iloc[row])))
    return ban, only, tuple(chains)


def heights_of(numbers: Ints64, junctions: gpd.GeoDataFrame | None) -> Floats | None:
    """Return the elevation of each junction (metres, NaN unknown), or None where none is known."""
    if junctions is None or not junctions["elevation_m"].notna().any():
        return None
    known = junctions[junctions["elevation_m"].notna()].groupby("junction")["elevation_m"].first()
    return np.asarray(known.reindex(numbers), dtype=np.float64)

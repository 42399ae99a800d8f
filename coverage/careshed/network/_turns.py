"""Turns: delays at junctions, turns that are forbidden, junctions that are closed, as nodes and arcs of the search.

Most junctions are one node of the search. One that only delays is two, with
the delay on the arc between them. One where it matters by which street one
comes and goes has a node for each street that leads to it and for each that
leads away, and an arc for each turn that is allowed: the edge-based graph of
Caldwell (1961), only where it is needed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from careshed.network._rules import Rules

__all__ = ["Streets", "Turns", "expand", "plain"]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BEARING_M = 10.0
"""The direction of a street at a junction is that of its first so many metres."""

TURN_DEGREES = 45.0
"""A change of direction beyond this is a turn to the left or to the right."""


class Streets(NamedTuple):
    """The streets of a mode: junctions (positions), milliseconds each way (−1 closed), lines from u to v."""

    u: Ints32
    v: Ints32
    forward_ms: Ints32
    backward_ms: Ints32
    lines: npt.NDArray[np.object_]


class Turns(NamedTuple):
    """Where edges begin and end in the search, and what turns cost.

    Attributes
    ----------
    owner
        The junction that each node of the search belongs to, (m,); the first n are the junctions themselves.
    fwd_tail, fwd_head
        Nodes at which an edge's direction from u to v begins and ends, (e,).
    bwd_tail, bwd_head
        The same of the direction from v to u, (e,).
    leave, arrive
        Node that a trip beginning at each junction leaves from, and node that one ending there comes to, (n,).
    tail, head, ms
        Arcs inside junctions with their whole milliseconds, (t,).
    """

    owner: Ints32
    fwd_tail: Ints32
    fwd_head: Ints32
    bwd_tail: Ints32
    bwd_head: Ints32
    leave: Ints32
    arrive: Ints32
    tail: Ints32
    head: Ints32
    ms: Ints32


class _Runs(NamedTuple):
    """Open directions of edges: the edge, whether from u to v, and the junctions it leads from and to."""

    edge: Ints32
    ahead: Bools
    start: Ints32
    end: Ints32


def plain(u: Ints32, v: Ints32, junctions: int) -> Turns:
    """Return what is there without any delay or restriction: junctions are the nodes of the search."""
    same = np.arange(junctions, dtype=np.int32)
    none = np.empty(0, dtype=np.int32)
    return Turns(same, u, v, v, u, same, same, none, none, none)


def expand(streets: Streets, rules: Rules) -> Turns | None:
    """Return nodes and arcs of the search, or None where no junction needs more than one node.

    Parameters
    ----------
    streets
        The streets of the mode.
    rules
        Delays and restrictions at their junctions.
    """
    junctions = len(rules.delay_ms)
    full = _full(streets, rules)
    double = (rules.delay_ms > 0) & ~full
    if not (full.any() or double.any()):
        return None
    runs = _runs(streets)
    coming, going = np.flatnonzero(full[runs.end]), np.flatnonzero(full[runs.start])
    twins = np.flatnonzero(full | double)
    belongs = np.concatenate([twins, runs.end[coming], runs.start[going]]).astype(np.int32)
    # a junction's nodes stand beside each other, as junctions do along their curve
    order = np.argsort(belongs, kind="stable")
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(junctions, junctions + len(order), dtype=np.int32)
    twin, come, go = np.split(number, [len(twins), len(twins) + len(coming)])
    leave = np.arange(junctions, dtype=np.int32)
    arrive = leave.copy()
    arrive[twins] = twin
    tail, head = leave[runs.start], arrive[runs.end]
    tail[going], head[coming] = go, come
    one = np.flatnonzero(double)
    arcs = [
        (arrive[one], one, rules.delay_ms[one]),
        (twins, twin, np.zeros(len(twins))),
        (runs.start[going], go, np.zeros(len(going))),
        (come, arrive[runs.end[coming]], np.zeros(len(coming))),
        _turn_arcs(streets, rules, runs, head, tail, full),
    ]
    joined = [np.concatenate([arc[side] for arc in arcs]).astype(np.int32) for side in range(3)]
    ends = _by_edge(streets, runs, tail, head)
    return Turns(np.concatenate([leave, belongs[order]]), *ends, leave, arrive, *joined)


def _full(streets: Streets, rules: Rules) -> Bools:
    """Say at which junctions it matters by which street one comes and goes."""
    full = rules.closed.copy()
    for at in (rules.ban.at, rules.only.at, rules.slow_at):
        full[at] = True
    if max(rules.turn_ms) > 0:
        # where two streets meet there is a bend, not a turn
        degree = np.bincount(np.concatenate([streets.u, streets.v]), minlength=len(full))
        full |= rules.turning & (degree > 2)
    return full


def _runs(streets: Streets) -> _Runs:
    forward, backward = np.flatnonzero(streets.forward_ms >= 0), np.flatnonzero(streets.backward_ms >= 0)
    return _Runs(
        np.concatenate([forward, backward]).astype(np.int32),
        np.repeat([True, False], [len(forward), len(backward)]),
        np.concatenate([streets.u[forward], streets.v[backward]]),
        np.concatenate([streets.v[forward], streets.u[backward]]),
    )


def _by_edge(streets: Streets, runs: _Runs, tail: Ints32, head: Ints32) -> tuple[Ints32, Ints32, Ints32, Ints32]:
    """Return tails and heads by edge, forward and backward; those of closed directions are the junctions."""
    ends = [streets.u.copy(), streets.v.copy(), streets.v.copy(), streets.u.copy()]
    for ahead, first in ((True, 0), (False, 2)):
        some = runs.ahead == ahead
        ends[first][runs.edge[some]] = tail[some]
        ends[first + 1][runs.edge[some]] = head[some]
    return ends[0], ends[1], ends[2], ends[3]


def _turn_arcs(
    streets: Streets, rules: Rules, runs: _Runs, head: Ints32, tail: Ints32, full: Bools
) -> tuple[Ints32, Ints32, Ints64]:
    """Return an arc for each turn that is allowed, from the street one comes by to the one that one leaves by."""
    coming, going = np.flatnonzero(full[runs.end]), np.flatnonzero(full[runs.start])
    both = pd.DataFrame({"at": runs.end[coming], "come": coming}).merge(
        pd.DataFrame({"at": runs.start[going], "go": going}), on="at"
    )
    at, come, go = (both[name].to_numpy() for name in ("at", "come", "go"))
    come_by, go_by = runs.edge[come], runs.edge[go]
    back = (come_by == go_by) & (runs.ahead[come] != runs.ahead[go])
    turn = pd.MultiIndex.from_arrays([come_by, at, go_by])
    arrival = pd.MultiIndex.from_arrays([come_by, at])
    allowed = ~turn.isin(_index(rules.ban))
    allowed &= ~arrival.isin(_index(rules.only).droplevel(2)) | turn.isin(_index(rules.only))
    allowed &= back | ~rules.closed[at]
    ms = rules.delay_ms[at] + _slow_ms(rules, arrival)
    turning = rules.turning[at] & allowed
    ms[turning] += _turn_ms(streets, rules, runs, come[turning], go[turning], back[turning])
    return head[come[allowed]], tail[go[allowed]], ms[allowed]


def _index(turns: tuple[Ints32, Ints32, Ints32]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(list(turns))


def _slow_ms(rules: Rules, arrival: pd.MultiIndex) -> Ints64:
    """Return the delay of coming to a junction by a street that waits there."""
    if not len(rules.slow_at):
        return np.zeros(len(arrival), dtype=np.int64)
    wait = pd.Series(rules.slow_ms, index=pd.MultiIndex.from_arrays([rules.slow_from, rules.slow_at]))
    most = wait.groupby(level=[0, 1]).max().reindex(arrival)
    return most.fillna(0).to_numpy(dtype=np.int64)


def _turn_ms(streets: Streets, rules: Rules, runs: _Runs, come: Ints64, go: Ints64, back: Bools) -> Ints64:
    """Return the delay of turning, by the change of direction."""
    into = _heading(streets.lines[runs.edge[come]], runs.ahead[come], at_end=True)
    out = _heading(streets.lines[runs.edge[go]], runs.ahead[go], at_end=False)
    across = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    degrees = np.degrees(np.arctan2(across, (into * out).sum(axis=1)))
    left, right, u_turn = rules.turn_ms
    ms = np.where(degrees > TURN_DEGREES, left, np.where(degrees < -TURN_DEGREES, right, 0))
    return np.where(back, u_turn, ms).astype(np.int64)


def _heading(lines: npt.NDArray[np.object_], ahead: Bools, *, at_end: bool) -> Floats:
    """Return the direction of travel (dx, dy) on streets near the junction that they lead to, or from."""
    last = ahead == at_end
    length_m = shapely.length(lines)
    stretch_m = np.minimum(BEARING_M, length_m)
    near = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.where(last, length_m, 0.0)))
    inner_m = np.where(last, length_m - stretch_m, stretch_m)
    inner = shapely.get_coordinates(shapely.line_interpolate_point(lines, inner_m))
    return np.asarray(near - inner if at_end else inner - near)

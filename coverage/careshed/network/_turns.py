"""Turns: delays at junctions, turns that are forbidden, junctions that are closed, as nodes and arcs of the search.

Most junctions are one node of the search. One that only delays is two, with
the delay on the arc between them. One where it matters by which street one
comes and goes has a node for each street that leads to it and for each that
leads away, and an arc for each turn that is allowed: the edge-based graph of
Caldwell (1961), only where it is needed. A street on which it matters by which
way one came to it, since a restriction runs over it, has more than one arc.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from careshed.network._chains import Memory, Runs, remember
from careshed.network._rules import Rules, Triples

__all__ = ["Arcs", "Streets", "Turns", "arcs_of", "expand", "plain"]

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
        Nodes at which an edge's direction from u to v begins and ends, (e,); from the one its inside is reached, from
        its inside the other is.
    bwd_tail, bwd_head
        The same of the direction from v to u, (e,).
    leave, arrive
        Node that a trip beginning at each junction leaves from, and node that one ending there comes to, (n,).
    tail, head, ms
        Arcs inside junctions with their whole milliseconds, (t,).
    copy_tail, copy_head, copy_edge, copy_ahead
        Arcs of those directions of edges that have more than one, all of them: the nodes, the edge and whether it is
        gone along from u to v, (c,).
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
    copy_tail: Ints32
    copy_head: Ints32
    copy_edge: Ints32
    copy_ahead: Bools


class Arcs(NamedTuple):
    """Arcs of the search: nodes, whole milliseconds, and the edge gone along, −1 inside a junction."""

    tail: Ints32
    head: Ints32
    ms: Ints32
    edge: Ints32


def arcs_of(turns: Turns, forward_ms: Ints32, backward_ms: Ints32) -> Arcs:
    """Return all arcs: of open directions of edges, and inside junctions.

    Parameters
    ----------
    turns
        Where edges begin and end.
    forward_ms, backward_ms
        Their times from u to v and back, −1 closed.
    """
    parts = []
    for ms, tail, head, ahead in (
        (forward_ms, turns.fwd_tail, turns.fwd_head, True),
        (backward_ms, turns.bwd_tail, turns.bwd_head, False),
    ):
        copied = turns.copy_ahead == ahead
        single = ms >= 0
        single[turns.copy_edge[copied]] = False
        edge = np.flatnonzero(single).astype(np.int32)
        parts.append(Arcs(tail[edge], head[edge], ms[edge], edge))
        edge = turns.copy_edge[copied]
        parts.append(Arcs(turns.copy_tail[copied], turns.copy_head[copied], ms[edge], edge))
    parts.append(Arcs(turns.tail, turns.head, turns.ms, np.full(len(turns.ms), -1, dtype=np.int32)))
    return Arcs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def plain(u: Ints32, v: Ints32, junctions: int) -> Turns:
    """Return what is there without any delay or restriction: junctions are the nodes of the search."""
    same = np.arange(junctions, dtype=np.int32)
    none = np.empty(0, dtype=np.int32)
    return Turns(same, u, v, v, u, same, same, none, none, none, none, none, none, none.astype(np.bool_))


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
    # where two streets meet there is a bend, not a turn
    degree = np.bincount(np.concatenate([streets.u, streets.v]), minlength=junctions)
    rules = rules._replace(turning=rules.turning & (degree > 2))
    runs = _runs(streets)
    memory = remember(rules.chains, runs)
    rules = rules._replace(only=_with_firsts(rules.only, memory, runs))
    full = _full(rules)
    for past in memory.states:
        full[runs.start[past[-1]]] = full[runs.end[past[-1]]] = True
    double = (rules.delay_ms > 0) & ~full
    if not (full.any() or double.any()):
        return None
    coming, going = np.flatnonzero(full[runs.end]), np.flatnonzero(full[runs.start])
    # the run of each state, which has a copy for it, and the runs that have copies
    last = np.array([past[-1] for past in memory.states], dtype=np.int64)
    many = np.unique(last)
    twins = np.flatnonzero(full | double)
    sets: list[npt.NDArray[np.integer]] = [
        twins,
        runs.end[coming],
        runs.start[going],
        runs.start[many],
        runs.start[last],
        runs.end[last],
    ]
    belongs = np.concatenate(sets).astype(np.int32)
    # a junction's nodes stand beside each other, as junctions do along their curve
    order = np.argsort(belongs, kind="stable")
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(junctions, junctions + len(order), dtype=np.int32)
    twin, come, go, inside, copy_tail, copy_head = np.split(number, np.cumsum([len(each) for each in sets[:-1]]))
    leave = np.arange(junctions, dtype=np.int32)
    arrive = leave.copy()
    arrive[twins] = twin
    tail, head = leave[runs.start], arrive[runs.end]
    tail[going], head[coming] = go, come
    one = np.flatnonzero(double)
    allowed = _allowed_turns(streets, rules, runs, full)
    arcs = [
        (arrive[one], one, rules.delay_ms[one]),
        (twins, twin, np.zeros(len(twins))),
        (runs.start[going], go, np.zeros(len(going))),
        (come, arrive[runs.end[coming]], np.zeros(len(coming))),
        (copy_head, arrive[runs.end[last]], np.zeros(len(last))),
        (tail[many], inside, np.zeros(len(many))),
        (copy_tail, inside[np.searchsorted(many, last)], np.zeros(len(last))),
        _turn_arcs(allowed, memory, _Ends(tail, head), _Ends(copy_tail, copy_head)),
    ]
    joined = [np.concatenate([arc[side] for arc in arcs]).astype(np.int32) for side in range(3)]
    run = np.concatenate([many, last])
    copies = np.concatenate([tail[many], copy_tail]), np.concatenate([head[many], copy_head])
    # what lies on a street is reached from any of its copies, and so from a node of its own
    tail[many] = inside
    ends = _by_edge(streets, runs, tail, head)
    owner = np.concatenate([leave, belongs[order]])
    inner = joined[0], joined[1], joined[2]
    return Turns(owner, *ends, leave, arrive, *inner, *copies, runs.edge[run], runs.ahead[run])


def _with_firsts(only: Triples, memory: Memory, runs: Runs) -> Triples:
    """Add the first turns of chains that are the only way on."""
    come, go = np.array(memory.firsts, dtype=np.int64).reshape(-1, 2).T
    more = Triples(runs.edge[come], runs.end[come], runs.edge[go])
    return Triples(*(np.concatenate(pair) for pair in zip(only, more, strict=True)))


def _full(rules: Rules) -> Bools:
    """Say at which junctions it matters by which street one comes and goes."""
    full = rules.closed | rules.turning if max(rules.turn_ms) > 0 else rules.closed.copy()
    for at in (rules.ban.at, rules.only.at, rules.slow_at):
        full[at] = True
    return full


def _runs(streets: Streets) -> Runs:
    forward, backward = np.flatnonzero(streets.forward_ms >= 0), np.flatnonzero(streets.backward_ms >= 0)
    return Runs(
        np.concatenate([forward, backward]).astype(np.int32),
        np.repeat([True, False], [len(forward), len(backward)]),
        np.concatenate([streets.u[forward], streets.v[backward]]),
        np.concatenate([streets.v[forward], streets.u[backward]]),
    )


class _Ends(NamedTuple):
    """Nodes at which runs, or the copies of runs for states, begin and end."""

    tail: Ints32
    head: Ints32


class _Allowed(NamedTuple):
    """Turns from run to run with their milliseconds, as far as the last run alone says."""

    come: Ints64
    go: Ints64
    ms: Ints64


def _turn_arcs(allowed: _Allowed, memory: Memory, plain_: _Ends, copies: _Ends) -> tuple[Ints32, Ints32, Ints64]:
    """Return an arc for each turn that is allowed, from the street one comes by to the one that one leaves by."""
    tail, head, ms = [plain_.head[allowed.come]], [plain_.tail[allowed.go]], [allowed.ms]
    for state, past in enumerate(memory.states):
        if len(past) == 2:
            head[0][(allowed.come == past[0]) & (allowed.go == past[1])] = copies.tail[state]
        on = np.flatnonzero(allowed.come == past[-1])
        on = on[[memory.allows(past, run) for run in allowed.go[on].tolist()]]
        after = np.array([memory.after(past, run) for run in allowed.go[on].tolist()], dtype=np.int64)
        tail.append(np.full(len(on), copies.head[state]))
        head.append(np.where(after >= 0, copies.tail[after], plain_.tail[allowed.go[on]]))
        ms.append(allowed.ms[on])
    return np.concatenate(tail), np.concatenate(head), np.concatenate(ms)


def _by_edge(streets: Streets, runs: Runs, tail: Ints32, head: Ints32) -> tuple[Ints32, Ints32, Ints32, Ints32]:
    """Return tails and heads by edge, forward and backward; those of closed directions are the junctions."""
    ends = [streets.u.copy(), streets.v.copy(), streets.v.copy(), streets.u.copy()]
    for ahead, first in ((True, 0), (False, 2)):
        some = runs.ahead == ahead
        ends[first][runs.edge[some]] = tail[some]
        ends[first + 1][runs.edge[some]] = head[some]
    return ends[0], ends[1], ends[2], ends[3]


def _allowed_turns(streets: Streets, rules: Rules, runs: Runs, full: Bools) -> _Allowed:
    """Return the turns that are allowed where it matters by which street one comes and goes."""
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
    return _Allowed(come[allowed], go[allowed], ms[allowed])


def _index(turns: tuple[Ints32, Ints32, Ints32]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(list(turns))


def _slow_ms(rules: Rules, arrival: pd.MultiIndex) -> Ints64:
    """Return the delay of coming to a junction by a street that waits there."""
    if not len(rules.slow_at):
        return np.zeros(len(arrival), dtype=np.int64)
    wait = pd.Series(rules.slow_ms, index=pd.MultiIndex.from_arrays([rules.slow_from, rules.slow_at]))
    most = wait.groupby(level=[0, 1]).max().reindex(arrival)
    return most.fillna(0).to_numpy(dtype=np.int64)


def _turn_ms(streets: Streets, rules: Rules, runs: Runs, come: Ints64, go: Ints64, back: Bools) -> Ints64:
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

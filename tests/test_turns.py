"""Turns: restrictions and delays at junctions, against networkx on a graph of streets, not junctions."""

import itertools
import math

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, assume, currently_in_test_context, given, settings
from hypothesis import strategies as st

from careshed.errors import InputError, MissingColumnError
from careshed.network import RoadNetwork, default_profile
from careshed.reach import reach_times, route, travel_times
from made import CRS, access_of, streets_of


def junctions_of(*rows):
    """Make a layer of junction tags from (junction, kind, from street, elevation)."""
    columns = dict(zip(("junction", "kind", "from_street", "elevation_m"), zip(*rows, strict=True), strict=True))
    index = pd.Index([f"j{row}" for row in range(len(rows))], name="junction_id")
    return gpd.GeoDataFrame(columns, index=index, geometry=[shapely.Point(0, 0)] * len(rows), crs=CRS)


def turns_of(*rows):
    """Make a layer of restrictions from (from street, junction, to street, kind, exempt[, streets between])."""
    names = ("from_street", "junction", "to_street", "kind", "exempt", "via")
    columns = pd.DataFrame([(*row, "")[:6] for row in rows], columns=names).astype(
        dict.fromkeys(set(names) - {"junction"}, "str")
    )
    columns.index = pd.Index([f"t{row}" for row in range(len(rows))], name="turn_id", dtype="str")
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(0, 0)] * len(rows), crs=CRS)


def profile_of(**turn):
    """Return a profile of 1 m/s with delays that no sum of others equals."""
    made = default_profile()
    junction = made.junction.model_copy(update={"drive": {"traffic_signals": 7.001, "stop": 3.013, "crossing": 0.5}})
    turning = made.turn.model_copy(update={"left": 5.4, "right": 2.1, "u_turn": 27.5, "at": "tagged"} | turn)
    driving = made.drive.model_copy(update={"kmh": {"other": 3.6, "residential": 3.6}})
    return made.model_copy(update={"junction": junction, "turn": turning, "drive": driving})


def heading(line, *, ahead, leaving):
    """Return the direction of the first or the last segment; all of them are longer than 10 m."""
    xy = list(line.coords) if ahead else list(line.coords)[::-1]
    (x0, y0), (x1, y1) = xy[:2] if leaving else xy[-2:]
    return math.atan2(y1 - y0, x1 - x0)


class Oracle:
    """Times on a graph whose nodes are the last few open directions of streets, made of the layers alone."""

    def __init__(self, streets, network, profile, junctions, turns):
        self.network, self.profile = network, profile
        self.streets, self.junctions, self.turns = streets, junctions, turns
        self.runs = {}
        for edge, row in enumerate(streets.itertuples()):
            if row.drive & 1:
                self.runs[edge, True] = (row.u, row.v, int(network.forward_ms[edge]))
            if row.drive & 2:
                self.runs[edge, False] = (row.v, row.u, int(network.backward_ms[edge]))
        self.degree = pd.concat([streets["u"], streets["v"]]).value_counts()
        # as many runs as the longest restriction has before its last street
        self.past = max((1 + rule[5].count(";") + 1 for rule in turns if "".join(rule[5:])), default=1)
        self.graph = nx.DiGraph()
        after = {run: [other for other in self.runs if self.runs[other][0] == self.runs[run][1]] for run in self.runs}
        new = [(run,) for run in self.runs]
        while new:
            past = new.pop()
            self.graph.add_node(past)
            for b in after[past[-1]]:
                turn_ms = self.turn_ms(past[-1], b) if self.may_follow(past, b) else None
                if turn_ms is not None:
                    onto = (*past, b)[-self.past :]
                    if onto not in self.graph:
                        new.append(onto)
                        self.graph.add_node(onto)
                    self.graph.add_edge(past, onto, ms=self.runs[past[-1]][2] + turn_ms)

    def may_follow(self, past, b):
        """Say whether restrictions over ways let one go on along a run."""
        allowed = None
        for come, at, to, kind, exempt, *via in self.turns:
            if not via or not via[0] or "emergency" in exempt:
                continue
            chain = [come, *via[0].split(";"), to]
            if not self.leads_on(chain, at):
                continue
            for size in range(1, len(chain)):
                own = past[-size:]
                if [f"s{run[0]}" for run in own] != chain[:size] or self.runs[own[0]][1] != at:
                    continue
                if kind.startswith("no_") and size == len(chain) - 1 and f"s{b[0]}" == chain[-1]:
                    return False
                if kind.startswith("only_") and size > 1:
                    allowed = (allowed or set()) | {(size, chain[size])}
        sizes = {size for size, _ in allowed or ()}
        return all((size, f"s{b[0]}") in allowed for size in sizes)

    def leads_on(self, chain, at):
        """Say whether the streets of a chain can be gone along one behind the other."""
        heads = {run: ends[1] for run, ends in self.runs.items() if f"s{run[0]}" == chain[0] and ends[1] == at}
        for street in chain[1:]:
            heads = {
                run: ends[1]
                for run, ends in self.runs.items()
                if f"s{run[0]}" == street and ends[0] in set(heads.values())
            }
        return bool(heads)

    def turn_ms(self, a, b):
        """Return what going from one run to another costs at the junction, None where it can't be."""
        at = self.runs[a][1]
        if self.runs[b][0] != at:
            return None
        come, go = (f"s{run[0]}" for run in (a, b))
        rules = [rule for rule in self.turns if rule[:2] == (come, at) and "emergency" not in rule[4]]
        direct = [rule for rule in rules if not "".join(rule[5:])]
        if any(rule[2] == go and rule[3].startswith("no_") for rule in direct):
            return None
        only = {rule[2] for rule in direct if rule[3].startswith("only_")}
        for come_by, junction, to, kind, _, *via in rules:
            if "".join(via) and kind.startswith("only_"):
                streets = via[0].split(";")
                only |= {streets[0]} if self.leads_on([come_by, *streets, to], junction) else set()
        if only and go not in only:
            return None
        tags = [tag for tag in self.junctions if tag[0] == at]
        kinds = {kind for _, kind, *_ in tags}
        back = a[0] == b[0] and a[1] != b[1]
        if "barrier" in kinds and not back:
            return None
        wait = {"": 0, come: 0}
        for _, kind, street, _ in tags:
            if street in wait:
                wait[street] = max(wait[street], round(1000 * self.profile.junction.drive.get(kind, 0)))
        tagged = self.profile.turn.at == "tagged" and kinds & {"traffic_signals", "stop", "give_way"}
        turning = self.profile.turn.at == "all" or tagged
        turn = self.angle_ms(a, b, back=back) if turning and self.degree[at] > 2 else 0
        return sum(wait.values()) + turn

    def angle_ms(self, a, b, *, back):
        into = heading(self.streets.geometry.iloc[a[0]], ahead=a[1], leaving=False)
        out = heading(self.streets.geometry.iloc[b[0]], ahead=b[1], leaving=True)
        degrees = (math.degrees(out - into) + 540) % 360 - 180
        plain = back or (abs(abs(degrees) - 45) > 1e-6 and abs(abs(degrees) - 180) > 1e-6)
        assert plain or currently_in_test_context()
        if not plain:
            assume(plain)
        turn = self.profile.turn
        if back:
            return round(1000 * turn.u_turn)
        return round(1000 * (turn.left if degrees > 45 else turn.right if degrees < -45 else 0))

    def place(self, access, row):
        """Return where a point is: a junction, or an edge with the time from the run's start by run."""
        edge, offset, network = int(access.edge[row]), access.offset_m[row], self.network
        if offset in (0, network.edge_length_m[edge]):
            street = self.streets.iloc[edge]
            at = street.u if offset == 0 else street.v
        else:
            at = None
        here = {(edge, True): int(access.at_forward_ms[row]), (edge, False): int(access.at_backward_ms[row])}
        return at, {run: ms for run, ms in here.items() if run in self.runs}, (edge, offset)

    def times(self, origins, destinations, cutoff_ms):
        found = {}
        for o in range(len(origins)):
            at, on, spot = self.place(origins, o)
            graph = self.graph.copy()
            for run, (start, *_) in self.runs.items():
                if at is not None and start == at:
                    graph.add_edge("o", (run,), ms=0)
            for run, already in on.items() if at is None else ():
                for onto, arc in self.graph[run,].items():
                    old = graph.edges["o", onto]["ms"] if graph.has_edge("o", onto) else math.inf
                    graph.add_edge("o", onto, ms=min(old, arc["ms"] - already))
            reached = nx.single_source_dijkstra_path_length(graph, "o", weight="ms") if "o" in graph else {}
            for d in range(len(destinations)):
                ms = self.arrival(reached, (at, on, spot), self.place(destinations, d))
                ms += int(origins.leg_ms[o] + destinations.leg_ms[d])
                if ms <= cutoff_ms:
                    found[o, d] = ms
        return found

    def arrival(self, reached, origin, destination):
        (at, on, spot), (end, inside, goal) = origin, destination
        best = [math.inf]
        if spot == goal or (at is not None and at == end):
            best.append(0)
        for past, ms in reached.items():
            if past != "o":
                run = past[-1]
                if end is not None and self.runs[run][1] == end:
                    best.append(ms + self.runs[run][2])
                if end is None and run in inside:
                    best.append(ms + inside[run])
        for run, start in on.items():
            if at is None and end is not None and self.runs[run][1] == end:
                best.append(self.runs[run][2] - start)
            if run in inside and (goal[1] > spot[1] if run[1] else goal[1] < spot[1]):
                best.append(inside[run] - start)
        return min(best)


@st.composite
def chains(draw, rows, kinds):
    """Draw restrictions over one street or two, most of them along ways that there are."""
    runs = [(row, *end) for row, (u, v, drive, _) in enumerate(rows) for end in ([(u, v)] * (drive & 1))]
    runs += [(row, v, u) for row, (u, v, drive, _) in enumerate(rows) if drive & 2]
    drawn = []
    for _ in range(draw(st.integers(0, 2))):
        path = [draw(st.sampled_from(runs))]
        for _ in range(draw(st.integers(2, 3))):
            onward = [run for run in runs if run[1] == path[-1][2]]
            path += [draw(st.sampled_from(onward or runs))]
        names = [f"s{run[0]}" for run in path]
        exempt = draw(st.sampled_from(["", "", "", "emergency"]))
        drawn.append((names[0], path[0][2], names[-1], draw(kinds), exempt, ";".join(names[1:-1])))
    return drawn


@st.composite
def towns(draw):
    """Draw a small network with tags and restrictions, one-ways, parallel streets and self-loops, and points on it."""
    spots = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=6, unique=True))
    spots = [(100 * x + 7 * y, 100 * y) for x, y in spots]
    node = st.integers(0, len(spots) - 1)
    rows = []
    for u, v in draw(st.lists(st.tuples(node, node), min_size=2, max_size=9)):
        (x, y), (x1, y1) = spots[u], spots[v]
        a, b = draw(st.integers(20, 60)), draw(st.integers(21, 60))
        middle = [(x + a, y), (x + a, y + b)] if u == v else []
        if u != v and draw(st.booleans()):
            middle = [((x + x1) / 2 + a, (y + y1) / 2 - b)]
        rows.append((u, v, draw(st.sampled_from([1, 2, 3, 3])), [spots[u], *middle, spots[v]]))
    assume(all(math.dist(p, q) > 11 for *_, line in rows for p, q in itertools.pairwise(line)))
    streets = streets_of(rows)
    street = st.sampled_from(list(streets.index))
    used = sorted({end for row in rows for end in row[:2]})
    kind = st.sampled_from(["traffic_signals", "stop", "crossing", "give_way", "barrier", ""])
    waits = st.tuples(st.sampled_from(used), kind, st.one_of(st.just(""), street), st.just(math.nan))
    tags = draw(st.lists(waits, max_size=4))
    kinds = st.sampled_from(["no_left_turn", "no_u_turn", "only_straight_on", "no_entry", "only_right_turn"])
    rule = st.tuples(
        street, st.sampled_from(used), street, kinds, st.sampled_from(["", "", "psv;emergency", "bicycle"])
    )
    rules = [*draw(st.lists(rule, max_size=6)), *draw(chains(rows, kinds))]
    profile = profile_of(at=draw(st.sampled_from(["tagged", "all", "none"])))
    layers = {"junctions": junctions_of(*tags) if tags else None, "turns": turns_of(*rules)}
    network = RoadNetwork.from_streets(streets, "drive", profile=profile, **layers)
    oracle = Oracle(streets, network, profile, tags, rules)
    share = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0.1, 0.9))
    spot = st.tuples(st.integers(0, len(rows) - 1), share, st.sampled_from([0.0, 1.0, 2.345]))
    sides = [access_of(network, draw(st.lists(spot, min_size=1, max_size=5)), name) for name in "od"]
    return network, oracle, *sides, draw(st.sampled_from([200_000, 700_000, 3_000_000]))


few = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def grid_town(seed):
    """Make a grid of streets, 100 m apart or a little more, with many restrictions over ways, as `towns` does."""
    rng = np.random.default_rng(seed)
    xy = {(x, y): (110 * x + 3 * y + x * x, 110 * y + 2 * x * y) for x in range(4) for y in range(3)}
    number = {spot: at for at, spot in enumerate(xy)}
    pairs = [(a, (a[0] + dx, a[1] + dy)) for a in xy for dx, dy in ((1, 0), (0, 1)) if (a[0] + dx, a[1] + dy) in xy]
    rows = [(number[a], number[b], int(rng.choice([1, 2, 3, 3, 3, 3, 3])), [xy[a], xy[b]]) for a, b in pairs]
    runs = [(row, u, v) for row, (u, v, drive, _) in enumerate(rows) if drive & 1]
    runs += [(row, v, u) for row, (u, v, drive, _) in enumerate(rows) if drive & 2]
    rules = []
    while len(rules) < 24:
        path = [runs[rng.integers(len(runs))]]
        while path[-1] and len(path) < 2 + len(rules) % 3:
            onward = [run for run in runs if run[1] == path[-1][2] and run[0] != path[-1][0]]
            path.append(onward[rng.integers(len(onward))] if onward else ())
        if path[-1]:
            names = [f"s{run[0]}" for run in path]
            kind = "only_straight_on" if rng.random() < 0.2 else "no_left_turn"
            rules.append((names[0], path[0][2], names[-1], kind, "", ";".join(names[1:-1])))
    tags = [(5, "traffic_signals", "", math.nan), (6, "stop", "", math.nan)]
    streets, profile = streets_of(rows), profile_of(at="tagged")
    network = RoadNetwork.from_streets(
        streets, "drive", profile=profile, junctions=junctions_of(*tags), turns=turns_of(*rules)
    )
    spots = [(int(rng.integers(len(rows))), float(rng.choice([0.0, 0.25, 0.5, 0.9])), 1.0) for _ in range(24)]
    sides = access_of(network, spots[:12], "o"), access_of(network, spots[12:], "d")
    return network, Oracle(streets, network, profile, tags, rules), *sides, 700_000


def assert_times_equal(town):
    network, oracle, origins, destinations, cutoff_ms = town
    for some in (destinations, destinations.take([0])):  # the second is searched backwards
        times = travel_times(network, origins, some, cutoff_s=cutoff_ms / 1000)
        got = {(o, d): ms for o, d, ms in zip(*(array.tolist() for array in times.pairs()), strict=True)}
        assert got == oracle.times(origins, some, cutoff_ms)


def assert_reach_equals(town):
    network, oracle, places, points, cutoff_ms = town
    limit_s = cutoff_ms / 4000
    for direction in ("from", "to"):
        ends = (places, points) if direction == "from" else (points, places)
        reach = reach_times(network, places, cutoff_s=cutoff_ms / 1000, direction=direction)
        best = pd.Series(np.nan, index=points.ids)
        for (o, d), ms in oracle.times(*ends, cutoff_ms).items():
            point = points.ids[d if direction == "from" else o]
            best[point] = np.fmin(best[point], ms / 1000)
        pd.testing.assert_series_equal(reach.at(points), best, check_names=False)
        parts = reach.parts(limit_s)
        for row, seconds in enumerate(reach.at(points) - points.leg_ms / 1000):
            if abs(seconds - limit_s) <= 0.0021 or points.offset_m[row] in (0, network.edge_length_m[points.edge[row]]):
                continue  # a point at a junction may be reached though no street at it is
            own = parts[parts["street_id"] == network.street_ids[points.edge[row]]]
            near_an_end = np.abs(own[["start_m", "end_m"]] - points.offset_m[row]).to_numpy().min() < 0.0021
            at = own[(own["start_m"] <= points.offset_m[row]) & (points.offset_m[row] <= own["end_m"])]
            assert near_an_end or at["reached"].tolist() == [seconds <= limit_s]


@few
@given(towns())
def test_times_equal_networkx_on_a_graph_of_streets(town):
    assert_times_equal(town)


@few
@given(towns())
def test_reach_at_points_equals_networkx_and_its_parts(town):
    assert_reach_equals(town)


@pytest.mark.parametrize("seed", range(4))
def test_restrictions_over_ways_equal_networkx_on_a_graph_of_pasts(seed):
    network, oracle, origins, destinations, cutoff_ms = town = grid_town(seed)
    assert len(network.turns.copy_edge) > 20
    assert_times_equal(town)
    assert_reach_equals((network, oracle, origins.take([0, 1]), destinations, cutoff_ms))
    times = travel_times(network, origins, destinations, cutoff_s=cutoff_ms / 1000).to_frame()
    for row in times.iloc[::7].itertuples():
        ends = origins.take(origins.ids == row.origin_id), destinations.take(destinations.ids == row.destination_id)
        runs = [(int(one.street_id[1:]), one.forward) for one in route(network, *ends).streets.itertuples()]
        pasts = [tuple(runs[max(0, last - oracle.past) : last]) for last in range(1, len(runs) + 1)]
        assert all(oracle.graph.has_edge(one, other) for one, other in itertools.pairwise(pasts))


# A crossroads: s0 from the west, s1 from the south, s2 from the east, s3 from the north, 100 m each;
# a way round from east to south, 141.421 m: s4. One may turn back at the streets' outer ends.
CROSS = [
    (1, 0, 3, [(-100, 0), (0, 0)]),
    (2, 0, 3, [(0, -100), (0, 0)]),
    (3, 0, 3, [(100, 0), (0, 0)]),
    (4, 0, 3, [(0, 100), (0, 0)]),
    (3, 2, 3, [(100, 0), (0, -100)]),
]


def seconds_between(start, end, *, tags=(), rules=(), mode="drive", **turn):
    """Return the time between the outer ends of two streets of the crossroads."""
    profile = profile_of(**({"at": "none"} | turn))
    network = RoadNetwork.from_streets(
        streets_of(CROSS),
        mode,
        walk_speed_mps=1.0,
        profile=profile,
        junctions=junctions_of(*tags) if tags else None,
        turns=turns_of(*rules),
    )
    at = {0: (-99, 0), 1: (0, -99), 2: (99, 0), 3: (0, 99)}
    ends = [gpd.GeoSeries([shapely.Point(at[end])], index=["p"], crs=CRS) for end in (start, end)]
    return travel_times(network, *ends, cutoff_s=3000).to_frame()["seconds"].item()


def test_a_forbidden_turn_takes_the_way_round():
    assert seconds_between(0, 1) == 198
    assert seconds_between(0, 1, rules=[("s0", 0, "s1", "no_right_turn", "")]) == 99 + 100 + 141.421 + 1
    assert seconds_between(1, 0, rules=[("s0", 0, "s1", "no_right_turn", "")]) == 198
    assert seconds_between(0, 1, rules=[("s0", 0, "s1", "no_right_turn", "psv; emergency")]) == 198
    assert seconds_between(0, 1, rules=[("s0", 0, "s1", "no_right_turn", "psv")]) > 198
    assert seconds_between(0, 1, rules=[("s0", 0, "s1", "no_right_turn", "")], mode="walk") == 198


def test_an_only_turn_forbids_all_others_and_turning_back():
    only = [("s0", 0, "s2", "only_straight_on", "")]
    assert seconds_between(0, 2, rules=only) == 198
    assert seconds_between(0, 1, rules=only) == 99 + 100 + 141.421 + 1
    assert seconds_between(0, 3, rules=only) == 99 + 200 + 99  # turning back where s2 ends
    also = [*only, ("s0", 0, "s1", "only_right_turn", "")]
    assert seconds_between(0, 1, rules=also) == 198


# A street from west to east, s0 s1 s2, 100 m each, and a way round its middle by the south, s3 s5 s4.
BLOCK = [
    (1, 0, 3, [(-100, 0), (0, 0)]),
    (0, 5, 3, [(0, 0), (100, 0)]),
    (5, 6, 3, [(100, 0), (200, 0)]),
    (0, 2, 3, [(0, 0), (0, -100)]),
    (5, 7, 3, [(100, 0), (100, -100)]),
    (2, 7, 3, [(0, -100), (100, -100)]),
]


def block(*rules):
    """Return the block's network with restrictions, and points near streets' outer ends and in the middle of s1."""
    network = RoadNetwork.from_streets(
        streets_of(BLOCK), "drive", profile=profile_of(at="none"), turns=turns_of(*rules) if rules else None
    )
    places = access_of(network, [(0, 0.01, 0.0), (1, 0.5, 0.0), (2, 0.99, 0.0), (3, 0.99, 0.0), (4, 0.99, 0.0)], "p")
    return network, places


def seconds_of(network, places):
    frame = travel_times(network, places, places, cutoff_s=3000).to_frame().set_index(["origin_id", "destination_id"])
    return frame["seconds"]


def test_a_restriction_over_a_way_binds_who_came_by_its_first_street(tmp_path):
    free = seconds_of(*block())
    network, places = block(("s0", 0, "s2", "no_straight_on", "", "s1"))
    bound = seconds_of(network, places)
    changed = bound[bound != free]
    assert changed.to_dict() == {("p0", "p2"): 99 + 300 + 99}  # by the south; all others are as before
    network.to_file(tmp_path / "drive.npz")
    again = RoadNetwork.from_file(tmp_path / "drive.npz")
    assert again.hash == network.hash != block()[0].hash
    assert seconds_of(again, places).equals(bound)
    assert seconds_of(*block(("s0", 0, "s2", "no_straight_on", "psv;emergency", "s1"))).equals(free)
    assert network.main.all()
    assert "1 turn restrictions" in network.profile


def test_the_only_way_on_over_a_way_forbids_leaving_it():
    free = seconds_of(*block())
    bound = seconds_of(*block(("s0", 0, "s2", "only_straight_on", "", "s1")))
    changed = bound[bound != free]
    assert changed.to_dict() == {
        ("p0", "p3"): 99 + 100 + 200 + 100 + 99,  # back from the east
        ("p0", "p4"): 99 + 100 + 200 + 99,
    }


def test_streets_of_a_restriction_over_a_way_are_reached_and_drawn():
    network, places = block(("s0", 0, "s2", "no_straight_on", "", "s1"))
    west, east = places.take([0]), places.take([2])
    reach = reach_times(network, west, cutoff_s=150, direction="from")
    assert reach.covered_m()["s1"] == pytest.approx(51)
    assert reach_times(network, east, cutoff_s=150, direction="to").covered_m()["s1"] == pytest.approx(51)
    for start, end in itertools.permutations(range(len(places)), 2):
        way = route(network, places.take([start]), places.take([end]))
        assert way.line.length == pytest.approx(way.seconds)
    way = route(network, west, east)
    assert way.streets["street_id"].tolist()[:2] != ["s0", "s1"] or way.streets["street_id"].iloc[2] != "s2"


def test_two_restrictions_over_one_way_and_two_ways_are_told_apart():
    rules = [
        ("s0", 0, "s2", "no_straight_on", "", "s1"),
        ("s3", 0, "s4", "no_u_turn", "", "s1"),
        ("s2", 5, "s5", "no_u_turn", "", "s1;s3"),
    ]
    free, bound = seconds_of(*block()), seconds_of(*block(*rules))
    changed = bound[bound != free]
    assert changed.index.tolist() == [("p0", "p2")]
    lost = [("s9", 0, "s2", "no_u_turn", "", "s1"), ("s0", 0, "s2", "no_u_turn", "", "s1;s9")]
    for rule in lost:
        with pytest.raises(InputError, match="turns: 1 of 1 rows name a street"):
            block(rule)
    assert block(("s0", 0, "s2", "no_u_turn", "", "s5"))[0].turns is None  # its streets don't meet


def test_turns_and_signals_take_their_time():
    signals = [(0, "traffic_signals", "", math.nan)]
    assert seconds_between(0, 2, tags=signals) == 198 + 7.001
    assert seconds_between(0, 2, tags=signals, at="tagged") == 198 + 7.001
    assert seconds_between(0, 1, tags=signals, at="tagged") == 198 + 7.001 + 2.1
    assert seconds_between(0, 3, tags=signals, at="tagged") == 198 + 7.001 + 5.4
    assert seconds_between(0, 3, at="tagged") == 198
    assert seconds_between(0, 3, at="all") == 198 + 5.4
    assert seconds_between(0, 2, tags=[(0, "stop", "s0", math.nan)]) == 198 + 3.013
    assert seconds_between(2, 0, tags=[(0, "stop", "s0", math.nan)]) == 198
    # where two streets meet there is a bend, whatever else is there
    bend = [(3, "stop", "s4", math.nan)]
    assert (
        seconds_between(1, 2, tags=bend, rules=[("s1", 0, "s2", "no_right_turn", "")], at="tagged")
        == 142.421 + 1 + 3.013
    )
    assert seconds_between(0, 2, tags=[(0, "crossing", "", math.nan)], mode="walk") == 198 + 3


def test_a_barrier_stops_cars_alone():
    bollard = [(0, "barrier", "", math.nan)]
    assert seconds_between(2, 1, tags=bollard) == 1 + 141.421 + 1
    assert seconds_between(0, 2, tags=bollard, mode="walk") == 198
    profile = profile_of()
    network = RoadNetwork.from_streets(streets_of(CROSS), "drive", profile=profile, junctions=junctions_of(*bollard))
    ends = access_of(network, [(1, 0.5, 0.0)], "o"), access_of(network, [(2, 0.5, 0.0)], "d")
    assert travel_times(network, *ends, cutoff_s=3000).to_frame()["seconds"].item() == 50 + 141.421 + 50


def test_who_stands_at_a_junction_leaves_by_any_street_and_does_not_wait():
    tags = junctions_of((0, "traffic_signals", "", math.nan))
    rules = turns_of(("s0", 0, "s1", "no_right_turn", ""))
    network = RoadNetwork.from_streets(streets_of(CROSS), "drive", profile=profile_of(), junctions=tags, turns=rules)
    middle = access_of(network, [(0, 1.0, 0.0), (3, 1.0, 0.0)], "m")
    outer = access_of(network, [(0, 0.5, 0.0), (1, 0.5, 0.0), (3, 0.5, 0.0)], "x")
    for some in (middle, outer):
        for origins, destinations in ((middle, some), (some, middle)):
            found = travel_times(network, origins, destinations, cutoff_s=999).to_frame()["seconds"]
            assert set(found) == ({0.0} if some is middle else {50.0})
    assert reach_times(network, middle, cutoff_s=10).node_ms.tolist().count(0) == 1
    near = access_of(network, [(0, 0.9999, 0.0)], "n")  # a centimetre before the junction one waits, and may not turn
    found = travel_times(network, near, outer.take([1, 2]), cutoff_s=9999).to_frame()["seconds"].tolist()
    # to the south by the north, and back: two signals, one left turn
    assert found == pytest.approx([0.01 + 7.001 + 5.4 + 200 + 7.001 + 50, 0.01 + 7.001 + 5.4 + 50])


def test_without_rules_the_graph_is_that_of_junctions():
    streets = streets_of(CROSS)
    bare = RoadNetwork.from_streets(streets, "drive")
    nothing = RoadNetwork.from_streets(
        streets,
        "drive",
        junctions=junctions_of((0, "", "", 12.0), (1, "crossing", "", math.nan)),
        turns=turns_of(("s0", 0, "s1", "no_right_turn", "emergency")),
    )
    assert bare.turns is None
    assert nothing.turns is None
    assert nothing.hash == bare.hash
    assert np.shares_memory(bare.fwd_tail, bare.edge_u)
    ruled = RoadNetwork.from_streets(streets, "drive", turns=turns_of(("s0", 0, "s1", "no_right_turn", "")))
    assert ruled.hash != bare.hash
    assert len(ruled.out_start) - 1 == 5 + 1 + 8
    assert len(ruled.turns.ms) == 1 + 4 + 4 + 15
    with pytest.raises(ValueError, match="read-only"):
        ruled.turns.ms[0] = 1


def test_rules_of_other_streets_are_refused():
    streets = streets_of(CROSS)
    for layers, words in (
        ({"turns": turns_of(("s9", 0, "s1", "no_u_turn", ""))}, "turns: 1 of 1 rows name a street"),
        ({"turns": turns_of(("s0", 9, "s1", "no_u_turn", ""))}, "first: t0"),
        ({"junctions": junctions_of((9, "stop", "", math.nan))}, "junctions: 1 of 1 rows"),
        ({"junctions": junctions_of((0, "stop", "s9", math.nan))}, "junctions: 1 of 1 rows"),
        ({"turns": turns_of(("s0", 0, "s1", "maybe_left", ""))}, "unknown kind.*'maybe_left'"),
    ):
        with pytest.raises(InputError, match=words):
            RoadNetwork.from_streets(streets, "drive", **layers)
    with pytest.raises(MissingColumnError, match="exempt"):
        RoadNetwork.from_streets(
            streets, "drive", turns=turns_of(("s0", 0, "s1", "no_u_turn", "")).drop(columns="exempt")
        )

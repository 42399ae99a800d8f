"""Audit: what in a study area is wrong, doubtful or worth knowing before it is planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from careshed.area import StudyArea
from careshed.errors import InputError
from careshed.network import MAX_SNAP_M, Mode, RoadNetwork
from careshed.stranded import FAR_SHARE, far_points, reach_cutoff_s, unreached

__all__ = ["Audit", "Finding", "audit"]

SLIVER_M2 = 10_000.0
"""Overlaps and gaps smaller than a hectare come from digitising one line twice."""

EXAMPLES = 5
"""So many ids or names are shown of each finding."""

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes
    ----------
    check
        What was looked at.
    severity
        ``error``: the area can't be planned; ``warning``: figures may mislead; ``info``: worth knowing.
    count
        How many.
    text
        What was found.
    remedy
        What to do.
    examples
        Ids or names of the first few.
    """

    check: str
    severity: Severity
    count: int
    text: str
    remedy: str
    examples: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """All findings about an area.

    Attributes
    ----------
    table
        One row each: ``check``, ``severity``, ``count``, ``text``, ``remedy``,
        ``examples``; errors first.
    """

    table: pd.DataFrame

    @property
    def plannable(self) -> bool:
        """Whether no finding is an error."""
        return not (self.table["severity"] == "error").any()


def audit(area: StudyArea) -> Audit:
    """Look an area over before it is planned.

    Parameters
    ----------
    area
        The study area.

    Returns
    -------
    Audit
        Rejected rows; points far from streets by mode; islands; people whom no place reaches; units without
        people, candidates or streets; outlines that overlap or leave gaps;
        facilities outside; what is missing; fewer candidates than stations.

    Examples
    --------
    >>> audit(StudyArea.read("data/xicheng")).plannable  # doctest: +SKIP
    True
    """
    findings = [
        *_rejected(area),
        *_crs(area),
        *_outlines(area),
        *_people(area),
        *_networks(area),
        *_facilities(area),
        *_candidates(area),
        *_missing(area),
    ]
    order = {"error": 0, "warning": 1, "info": 2}
    findings.sort(key=lambda finding: order[finding.severity])
    columns = ["check", "severity", "count", "text", "remedy", "examples"]
    return Audit(pd.DataFrame([[getattr(one, name) for name in columns] for one in findings], columns=columns))


def _some(names: Iterable[object]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:EXAMPLES]) + (" …" if len(shown) > EXAMPLES else "")


def _rejected(area: StudyArea) -> list[Finding]:
    rows = area.rejected
    if not len(rows):
        return []
    findings = []
    for file, group in rows.groupby("file", sort=True):
        where = [f"{line or name}: {reason}" for line, name, reason in group[["line", "id", "reason"]].to_numpy()]
        text = f"{len(group)} rows of {file} could not be used"
        findings.append(
            Finding(
                "rejected rows", "warning", len(group), text, "mend them (rejected.csv) and build again", _some(where)
            )
        )
    return findings


def _crs(area: StudyArea) -> list[Finding]:
    west, south, east, north = area.streets.to_crs("EPSG:4326").total_bounds if len(area.streets) else (0.0,) * 4
    text = f"{area.crs.name}; roads from {west:.3f}°, {south:.3f}° to {east:.3f}°, {north:.3f}°"
    found = [Finding("CRS", "info", 1, text, "")]
    box = shapely.box(*area.streets.total_bounds) if len(area.streets) else shapely.Polygon()
    away = ~area.subdistricts.geometry.intersects(box)
    if len(area.streets) and away.any():
        names = area.subdistricts.loc[away, "name"]
        text = f"{int(away.sum())} subdistricts lie where there are no roads at all"
        found.append(
            Finding(
                "CRS",
                "warning",
                int(away.sum()),
                text,
                "check CRS and datum, or give roads that reach them",
                _some(names),
            )
        )
    return found


def _outlines(area: StudyArea) -> list[Finding]:
    units = area.subdistricts
    found = []
    if not len(units):
        return [
            Finding("subdistricts", "error", 0, "there is no subdistrict", "build the area with subdistricts or roads")
        ]
    invalid = ~units.geometry.is_valid
    if invalid.any():
        text = f"{int(invalid.sum())} outlines cross themselves"
        found.append(
            Finding(
                "outlines",
                "error",
                int(invalid.sum()),
                text,
                "redraw them and build again",
                _some(units.index[invalid]),
            )
        )
        return found
    shapes = units.geometry.to_numpy()
    first, second = units.sindex.query(shapes, predicate="intersects")
    keep = first < second
    first, second = first[keep], second[keep]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    over = shared > SLIVER_M2
    if over.any():
        names = [
            f"{units['name'].iloc[a]}/{units['name'].iloc[b]}" for a, b in zip(first[over], second[over], strict=True)
        ]
        text = f"{int(over.sum())} pairs of outlines overlap, {shared[over].sum() / 1e6:.2f} km² in all"
        remedy = "mend the outlines; a place in an overlap belongs to the first by id"
        found.append(Finding("overlapping polygons", "warning", int(over.sum()), text, remedy, _some(names)))
    holes = [hole for part in shapely.get_parts(shapely.union_all(shapes)) for hole in _holes(part)]
    if holes:
        text = f"{len(holes)} gaps between outlines, {sum(holes) / 1e6:.2f} km² in all"
        found.append(
            Finding("gaps between polygons", "warning", len(holes), text, "mend the outlines; nobody lives in a gap")
        )
    return found


def _holes(part: shapely.Polygon) -> list[float]:
    return [area for ring in part.interiors if (area := float(shapely.area(shapely.Polygon(ring)))) > SLIVER_M2]


def _people(area: StudyArea) -> list[Finding]:
    if not len(area.demand) or area.people == 0:
        reason = area.missing.get("demand", "no demand point has people")
        return [
            Finding("people", "error", 0, f"nobody lives in the area: {reason}", "give --population or communities")
        ]
    found = [Finding("people", "info", area.people, f"{area.people:,} people at {len(area.demand):,} points", "")]
    people = area.demand.groupby("subdistrict_id")["population"].sum().reindex(area.subdistricts.index).fillna(0)
    bare = people.index[people == 0]
    if len(bare):
        text = f"{len(bare)} subdistricts have no people"
        names = area.subdistricts.loc[bare, "name"]
        found.append(Finding("units without people", "warning", len(bare), text, "give their population", _some(names)))
    stated = area.subdistricts["population"]
    differ = stated.notna() & ((stated - people).abs() >= 1)
    if differ.any():
        text = f"{int(differ.sum())} subdistricts have other people at their points than they state"
        names = area.subdistricts.loc[differ, "name"]
        found.append(
            Finding(
                "people",
                "warning",
                int(differ.sum()),
                text,
                "see which source is right, communities or totals",
                _some(names),
            )
        )
    outside = ~area.demand.geometry.intersects(_around(area))
    if outside.any():
        text = f"{int(outside.sum())} demand points lie just outside the outlines"
        found.append(
            Finding(
                "people",
                "info",
                int(outside.sum()),
                text,
                "mend the outlines or the points",
                _some(area.demand.index[outside]),
            )
        )
    return found


def _around(area: StudyArea) -> shapely.Geometry:
    """Return the boundary and a metre, whatever state the outlines are in."""
    return shapely.buffer(shapely.union_all(shapely.make_valid(area.subdistricts.geometry.to_numpy())), 1.0)


def _networks(area: StudyArea) -> list[Finding]:
    found: list[Finding] = []
    modes: tuple[Mode, ...] = ("walk", "drive")
    for mode in modes:
        try:
            network = RoadNetwork.from_streets(
                area.streets, mode, crs=area.crs, junctions=area.junctions, turns=area.turns
            )
        except InputError as error:
            found.append(
                Finding(f"{mode} network", "error", 0, f"there is none: {error}", "check the roads and their tags")
            )
            continue
        if not len(network.node_x):
            text = f"no street is open to the mode {mode}"
            found.append(Finding(f"{mode} network", "error", 0, text, "check the roads and their tags"))
            continue
        found += [*_islands(network), *_snapped(area, network), *_unreached(area, network)]
    return found


def _islands(network: RoadNetwork) -> list[Finding]:
    """Say how much of a network is cut off."""
    n = len(network.node_x)
    forward, backward = network.forward_ms >= 0, network.backward_ms >= 0
    tail = np.concatenate([network.edge_u[forward], network.edge_v[backward]])
    head = np.concatenate([network.edge_v[forward], network.edge_u[backward]])
    graph = coo_array((np.ones(len(tail), np.int8), (tail, head)), shape=(n, n)).tocsr()
    strong = network.mode == "drive"
    count, label = connected_components(graph, directed=True, connection="strong" if strong else "weak")
    kept = np.zeros(n, bool)
    kept[network.edge_u[network.main]] = True
    kept[network.edge_v[network.main]] = True
    components = len(np.unique(label[kept]))
    share = kept.mean()
    km = float(network.edge_length_m[~network.main].sum()) / 1000
    text = (
        f"{network.mode}: {count:,} components, {components} kept with {share:.1%} of the junctions; "
        f"{km:,.1f} km of street are islands that no point is joined to"
    )
    severity: Severity = "info" if share >= 0.9 else "warning"
    remedy = "join them in the map where they are joined on the ground" if count > components else ""
    return [Finding("islands", severity, count - components, text, remedy)]


def _snapped(area: StudyArea, network: RoadNetwork) -> list[Finding]:
    """Say which points are too far from the network, or doubtfully far."""
    points = far_points(area, network)
    found = []
    limit = MAX_SNAP_M[network.mode]
    for name, own in points.groupby("layer", sort=False):
        total = len(getattr(area, str(name)))
        lost, far = own[~own["joined"]], own[own["joined"]]
        people = f", with {int(lost['population'].sum()):,} people" if name == "demand" else ""
        if len(lost):
            severity: Severity = "error" if len(lost) == total else "warning"
            text = f"{network.mode}: {len(lost)} of {total} {name} are over {limit:.0f} m from a street{people}"
            remedy = "check their coordinates and datum, or give roads that reach them"
            found.append(Finding("rejected points", severity, len(lost), text, remedy, _some(lost["id"])))
        if len(far):
            text = f"{network.mode}: {len(far)} {name} are {FAR_SHARE * limit:.0f} to {limit:.0f} m from a street"
            remedy = "check their coordinates"
            found.append(Finding("far-snapped points", "info", len(far), text, remedy, _some(far["id"])))
    return found


def _unreached(area: StudyArea, network: RoadNetwork) -> list[Finding]:
    """Say which people no place of a service reaches at all, by service."""
    found = []
    for key, service in area.targets.service.items():
        if service.mode != network.mode or area.demand.empty:
            continue
        lost = unreached(area, service, network)
        if len(lost):
            places = "station or candidate site" if service.siting is not None else "facility"
            text = (
                f"{key}: {len(lost)} of {len(area.demand)} demand points, "
                f"with {int(lost['population'].sum()):,} people, "
                f"have no {places} within {reach_cutoff_s(service) / 60:g} minutes ({network.mode})"
            )
            remedy = "give roads or places that reach them; they stay in every share's denominator"
            found.append(Finding("unreachable points", "warning", len(lost), text, remedy, _some(lost.index)))
    return found


def _facilities(area: StudyArea) -> list[Finding]:
    frame = area.facilities
    found = []
    outside = frame["outside"].to_numpy(bool)
    if outside.any():
        text = f"{int(outside.sum())} of {len(frame)} facilities lie outside the boundary"
        remedy = "none needed: they count for coverage and response, never for quotas"
        found.append(
            Finding("facilities outside", "info", int(outside.sum()), text, remedy, _some(frame.index[outside]))
        )
    twice = pd.DataFrame({"kind": frame["kind"], "at": frame.geometry.to_wkb()}).duplicated()
    if twice.any():
        text = f"{int(twice.sum())} facilities stand where another of their kind stands"
        found.append(
            Finding(
                "facilities twice",
                "warning",
                int(twice.sum()),
                text,
                "leave the repeated rows out",
                _some(frame.index[twice]),
            )
        )
    return found


def _candidates(area: StudyArea) -> list[Finding]:
    sites = area.candidates[area.candidates["status"] != "excluded"]
    found = []
    for key, service in area.targets.service.items():
        if service.siting is None:
            continue
        existing = area.facilities_of(service.kinds)
        own = existing[~existing["outside"]]
        needed = sum(tier.count for tier in service.siting.tiers) or service.siting.stations
        if len(sites) + len(own) < needed:
            text = f"{key}: {len(sites)} candidates and {len(own)} existing stations, but {needed} are to be sited"
            found.append(Finding("candidates", "error", needed, text, "give more candidates, or let them be generated"))
        if service.siting.min_per_subdistrict:
            covered = set(sites["subdistrict_id"]) | set(own["subdistrict_id"])
            bare = area.subdistricts.index[~area.subdistricts.index.isin(covered)]
            if len(bare):
                text = f"{key}: {len(bare)} subdistricts have neither candidate nor station, but each must get one"
                names = area.subdistricts.loc[bare, "name"]
                found.append(
                    Finding("units without candidates", "error", len(bare), text, "add sites there", _some(names))
                )
    return found


def _missing(area: StudyArea) -> list[Finding]:
    found = []
    if not area.targets.service:
        text = "no targets: there is no service to plan"
        found.append(Finding("targets", "error", 0, text, "build with --targets targets.toml"))
    for layer, reason in area.missing.items():
        if layer not in {"targets", "demand", "population"}:
            found.append(Finding(f"missing {layer}", "info", 0, reason, ""))
    if area.synthetic:
        found.append(
            Finding(
                "synthetic", "warning", 0, "roads or facilities are synthetic (合成数据)", "figures show the method"
            )
        )
    return found

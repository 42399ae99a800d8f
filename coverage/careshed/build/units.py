"""Subdistricts: from a file, from OpenStreetMap's boundaries, or the extent of the roads as one unit."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from careshed.build.draft import Draft, fit
from careshed.tables import read_places

__all__ = ["add_subdistricts", "report_overlaps"]

OVERLAP_M2 = 10_000.0
"""Outlines that overlap by less, a hectare, are digitised along one line twice."""


def add_subdistricts(draft: Draft, path: Path | str | None, *, name: str) -> gpd.GeoDataFrame:
    """Add the layer ``subdistricts``; return it with ``elderly`` where the file has it."""
    if path is not None:
        units = _from_file(draft, path)
    elif draft.extract is not None and draft.extract.outline is not None and len(draft.extract.boundaries):
        units = _from_boundaries(draft)
    else:
        units = _one_unit(draft, name)
    draft.layers["subdistricts"] = fit(units, "subdistricts")
    report_overlaps(draft)
    return units


def _from_file(draft: Draft, path: Path | str) -> gpd.GeoDataFrame:
    draft.say(f"reading subdistricts from {path}")
    box = gpd.GeoSeries([shapely.box(*draft.streets.total_bounds)], crs=draft.crs)
    places = read_places(path, "subdistricts", crs=draft.crs, near=box, max_away_m=0.0, strict=draft.strict)
    draft.took(places, "subdistricts")
    file = draft.hash_file(path, "subdistricts")
    draft.came_from("subdistricts", "real", file)
    frame = places.frame
    if frame["population"].notna().any():
        estimated = frame.loc[frame["population"].notna(), "population_status"].eq("estimated").any()
        draft.came_from("population", "estimated" if estimated else "real", file)
    return frame


def _from_boundaries(draft: Draft) -> gpd.GeoDataFrame:
    extract = draft.extract
    assert extract is not None  # noqa: S101 - the caller looked
    units = extract.boundaries.to_crs(draft.crs)
    units = units.set_geometry(shapely.set_precision(shapely.make_valid(units.geometry.to_numpy()), 0.01))
    # people's tags say neither when nor how they were counted
    units = units.assign(population=units["population"].round(), population_status="estimated")
    draft.came_from("subdistricts", "real", f"{extract.source} (ODbL)", extract.date)
    if units["population"].notna().any():
        draft.came_from(
            "population", "estimated", f"{extract.source}: population tags of boundaries (ODbL)", extract.date
        )
    return units


def _one_unit(draft: Draft, name: str) -> gpd.GeoDataFrame:
    """Take the place's outline, or what the roads span, as one unit."""
    outline = draft.extract.outline if draft.extract is not None else None
    if draft.extract is not None and outline is not None:
        shape = gpd.GeoSeries([outline], crs="EPSG:4326").to_crs(draft.crs).iloc[0]
        text, status = f"one unit, the outline of {name}", "real"
        source = f"{draft.extract.source} (ODbL)"
    else:
        shape = shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(draft.streets.geometry.to_numpy())))
        text, status, source = "one unit, the convex hull of the roads", "estimated", "convex hull of the roads"
    draft.came_from("subdistricts", "real" if status == "real" else "estimated", source)
    draft.assumptions["subdistricts"] = f"no subdistricts are given: the area is {text}"
    frame = {"name": [name], "name_en": [""], "population": [np.nan], "population_status": ["estimated"]}
    shape = shapely.set_precision(shape, 0.01)
    return gpd.GeoDataFrame(frame, geometry=[shape], crs=draft.crs, index=pd.Index(["area"], name="subdistrict_id"))


def report_overlaps(draft: Draft) -> None:
    """Say which outlines overlap, and what becomes of places there."""
    units = draft.units
    pairs = overlaps(units)
    if pairs:
        shown = "; ".join(
            f"{units['name'].iloc[a]} and {units['name'].iloc[b]}, {m2 / 1e6:.2f} km²" for a, b, m2 in pairs[:5]
        )
        draft.assumptions["overlapping subdistricts"] = (
            f"{len(pairs)} pairs of outlines overlap ({shown}); a place in an overlap belongs to the first by id"
        )


def overlaps(units: gpd.GeoDataFrame) -> list[tuple[int, int, float]]:
    """Return pairs of positions whose outlines overlap by more than a hectare, with the square metres."""
    shapes = units.geometry.to_numpy()
    first, second = units.sindex.query(shapes, predicate="intersects")
    keep = first < second
    first, second = first[keep], second[keep]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    found = [(int(a), int(b), float(m2)) for a, b, m2 in zip(first, second, shared, strict=True) if m2 > OVERLAP_M2]
    return sorted(found, key=lambda pair: -pair[2])

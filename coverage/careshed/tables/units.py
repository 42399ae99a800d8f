"""Which subdistrict a place belongs to: by the name in its row, else by where it lies."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from careshed.tables._locate import Region
from careshed.tables._rows import Rows
from careshed.tables.schema import plain

__all__ = ["join_units", "locate_units", "match_units", "unit_keys"]

_ENDINGS = ("街道办事处", "地区办事处", "街道", "地区", "镇", "乡", "民族乡")


def unit_keys(units: gpd.GeoDataFrame) -> dict[str, str]:
    """Return what names a subdistrict: its id, its names, and its name without 街道, 镇, 乡, 地区.

    A short form that two units share names neither.
    """
    sure: dict[str, str] = {}
    short: dict[str, set[str]] = {}
    for unit in units.index:
        for column in ("name", "name_en"):
            name = plain(units.loc[unit, column]) if column in units.columns else ""
            if name:
                sure.setdefault(name, unit)
                short.setdefault(_short(name), set()).add(unit)
    sure |= {plain(unit): unit for unit in units.index}
    return {name: next(iter(owners)) for name, owners in short.items() if len(owners) == 1} | sure


def _short(name: str) -> str:
    for ending in sorted(_ENDINGS, key=len, reverse=True):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending)
    return name


def match_units(rows: Rows, units: gpd.GeoDataFrame, *, among: npt.NDArray[np.bool_] | None = None) -> pd.Series:
    """Return the id of the unit that each row names, '' where it names none; unknown names are rejected.

    Of the rows that are not `among` them a name may be unknown.
    """
    text = rows.text("subdistrict")
    keys = unit_keys(units)
    known = {value: keys.get(plain(value)) or keys.get(_short(plain(value)), "") for value in text.unique()}
    known[""] = ""
    unit = text.map(known)
    names = ", ".join(units["name"].iloc[:4]) + (" …" if len(units) > 4 else "")
    unknown = (unit == "") & (text != "") & (True if among is None else among)
    rows.reject(unknown, text.map(lambda cell: f"subdistrict {cell[:40]!r} is unknown; expected one of {names}"))
    return unit


def locate_units(points: gpd.GeoSeries, units: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Return the id of the unit that each point lies in, '' for none; in an overlap the first by id."""
    found = np.full(len(points), "", dtype=object)
    point, unit = units.sindex.query(points.to_numpy(), predicate="intersects")
    names = units.index.to_numpy()[unit]
    order = np.lexsort((names.astype(str), point))[::-1]
    # written last to first, so that the first by id stays
    found[point[order]] = names[order]
    return found


def join_units(
    rows: Rows, shapes: gpd.GeoSeries, units: gpd.GeoDataFrame | None, region: Region, *, keep_outside: bool
) -> npt.NDArray[np.object_]:
    """Return each row's subdistrict: the named one, else the one it lies in or, just outside, next to.

    Rows outside are rejected unless `keep_outside`; then they get ''.
    """
    if units is None:
        return np.full(len(shapes), "", dtype=object)
    here = ~shapes.isna().to_numpy() & (rows.reasons == "")
    middle = gpd.GeoSeries(shapes[here].representative_point(), crs=shapes.crs)
    lies = np.full(len(shapes), "", dtype=object)
    lies[here] = locate_units(middle, units)
    away = np.zeros(len(shapes))
    position = np.full(len(shapes), -1)
    pairs, distance = units.sindex.nearest(middle.to_numpy(), return_all=False, return_distance=True)
    away[np.flatnonzero(here)[pairs[0]]] = distance
    position[np.flatnonzero(here)[pairs[0]]] = pairs[1]
    # a site over the border is no site of the district, however near; a village on it is
    slack = 0.0 if keep_outside else min(region.max_away_m, 200.0)
    edge = here & (lies == "") & (away <= slack)
    lies[edge] = units.index.to_numpy()[position[edge]]
    if edge.any():
        rows.note(
            f"{int(edge.sum())} places lie up to {away[edge].max():.0f} m outside the outlines and join the nearest"
        )
    if not keep_outside:
        text = [f"it lies {one / 1000:.1f} km outside the subdistricts" for one in away]
        rows.reject(pd.Series(here & (lies == "")), pd.Series(text, dtype=object))
    # a clinic over the border may name its own subdistrict
    named = match_units(rows, units, among=lies != "" if keep_outside else None).to_numpy()
    unit = np.where((named != "") & (lies != ""), named, lies)
    apart = here & (named != "") & (lies != "") & (named != lies) & (rows.reasons == "")
    if apart.any():
        rows.note(f"{int(apart.sum())} places lie in another subdistrict than the one they name; the name is taken")
    return unit

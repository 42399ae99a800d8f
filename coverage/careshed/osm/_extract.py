"""OsmExtract: what a file or a download holds, before it is made into layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
from shapely.geometry.base import BaseGeometry

from careshed.osm._features import (
    Feature,
    feature_class,
    frame_boundaries,
    frame_buildings,
    frame_facilities,
    frame_water,
)
from careshed.streets import RoadRules, Roads, StreetNotes, Way, roads_from_ways, streets_from_ways

__all__ = ["OsmExtract"]


@dataclass(frozen=True, slots=True, eq=False)
class OsmExtract:
    """Roads and features of OpenStreetMap, all in WGS-84.

    Parameters
    ----------
    source
        File name or place that it comes from.
    date
        Date of the data as its source states it, '' where it does not.
    node_ids, lon, lat
        Nodes of the ways: ids and degrees (n each).
    ways
        Ways with a ``highway`` tag.
    facilities
        Health facilities, by `osm_id`: ``name``, ``kind``, ``address``, ``capacity`` (beds, NaN unknown), a point.
    boundaries
        Administrative units of the level asked for: ``name``, ``name_en``, ``population`` (NaN unknown), a polygon.
    buildings
        Residential buildings: ``building``, ``levels`` (NaN unknown), ``floor_area_m2``, a point.
    water
        Lakes and wide rivers: ``kind``, ``name``, a polygon.
    outline
        Outline of the place that was asked for; None for a file.
    notes
        What was left out or assumed, a sentence each.
    rules
        Signals, stops, barriers and turn restrictions.
    """

    source: str
    date: str
    node_ids: npt.NDArray[np.int64]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    ways: tuple[Way, ...]
    facilities: gpd.GeoDataFrame
    boundaries: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    outline: BaseGeometry | None = None
    notes: tuple[str, ...] = ()
    rules: RoadRules = field(default_factory=RoadRules)

    @classmethod
    def from_parts(  # noqa: PLR0913 - each with its name
        cls,
        *,
        source: str,
        date: str,
        nodes: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
        ways: Sequence[Way],
        features: Sequence[Feature],
        admin_level: int,
        outline: BaseGeometry | None = None,
        notes: Sequence[str] = (),
        rules: RoadRules | None = None,
    ) -> OsmExtract:
        """Sort features into their frames.

        Parameters
        ----------
        source, date, outline, notes, rules
            As for the class.
        nodes
            Ids, longitudes, latitudes.
        ways
            Ways with a ``highway`` tag.
        features
            Anything tagged; what planning doesn't need is passed over.
        admin_level
            Level of the boundaries that are kept.
        """
        sorted_out: dict[str | None, list[Feature]] = {}
        for feature in features:
            sorted_out.setdefault(feature_class(feature.tags), []).append(feature)
        facilities, twice = frame_facilities(sorted_out.get("facilities", []))
        boundaries, levels = frame_boundaries(sorted_out.get("boundaries", []), admin_level=admin_level)
        buildings, storeys = frame_buildings(sorted_out.get("buildings", []))
        ids, lon, lat = nodes
        return cls(
            source=source,
            date=date,
            node_ids=np.asarray(ids, np.int64),
            lon=np.asarray(lon, np.float64),
            lat=np.asarray(lat, np.float64),
            ways=tuple(ways),
            facilities=facilities,
            boundaries=boundaries,
            buildings=buildings,
            water=frame_water(sorted_out.get("water", [])),
            outline=outline,
            notes=(*notes, *twice, *levels, *storeys),
            rules=rules or RoadRules(),
        )

    def streets(self, *, crs: pyproj.CRS | None = None) -> tuple[gpd.GeoDataFrame, StreetNotes]:
        """Make the streets layer.

        Parameters
        ----------
        crs
            Projected CRS; by default the UTM zone of the extent's centre.

        Raises
        ------
        InputError
            If no way is a street.
        """
        return streets_from_ways(self.node_ids, self.lon, self.lat, self.ways, crs=crs)

    def roads(self, *, crs: pyproj.CRS | None = None) -> Roads:
        """Make the layers streets, junctions and turns; streets are also cut at signals, stops and barriers.

        Parameters
        ----------
        crs
            Projected CRS; by default the UTM zone of the extent's centre.

        Raises
        ------
        InputError
            If no way is a street.
        """
        return roads_from_ways(self.node_ids, self.lon, self.lat, self.ways, self.rules, crs=crs)

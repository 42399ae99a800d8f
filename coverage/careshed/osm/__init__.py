"""OpenStreetMap: from files to roads and the features that planning needs."""

from __future__ import annotations

from careshed.osm._extract import OsmExtract
from careshed.osm._files import read_osm
from careshed.osm._roads import read_roads

__all__ = ["OsmExtract", "read_osm", "read_roads"]

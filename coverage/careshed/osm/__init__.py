"""OpenStreetMap: from files to roads and the features that planning needs."""

from __future__ import annotations

from careshed.osm._extract import OsmExtract
from careshed.osm._files import read_osm
from careshed.osm._place import download_place
from careshed.osm._roads import read_roads
from careshed.osm._services import MapServices

__all__ = ["MapServices", "OsmExtract", "download_place", "read_osm", "read_roads"]

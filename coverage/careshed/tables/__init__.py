"""Tables of places that planners have: read, checked row by row, brought to one CRS.

Formats are CSV (UTF-8 or GB18030), XLSX, GeoJSON, GeoPackage, Shapefile and
Parquet; headings are Chinese or English by one table (:data:`LAYERS`).
"""

from careshed.tables.files import FORMATS, Table, decode, read_table, read_table_in_chunks
from careshed.tables.ids import read_site_ids
from careshed.tables.places import Places, has_coordinates, read_places, read_places_in_chunks, read_totals
from careshed.tables.schema import FIELDS, KINDS, LAYERS, STATUSES, Field, Layer, canonical, match_headings, plain
from careshed.tables.units import locate_units, unit_keys

__all__ = [
    "FIELDS",
    "FORMATS",
    "KINDS",
    "LAYERS",
    "STATUSES",
    "Field",
    "Layer",
    "Places",
    "Table",
    "canonical",
    "decode",
    "has_coordinates",
    "locate_units",
    "match_headings",
    "plain",
    "read_places",
    "read_places_in_chunks",
    "read_site_ids",
    "read_table",
    "read_table_in_chunks",
    "read_totals",
    "unit_keys",
]

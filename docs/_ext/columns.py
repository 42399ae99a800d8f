"""What each column of an area's layers holds, where the sheets' own dictionary does not say it."""

from careshed.tables import FIELDS

__all__ = ["MEANING"]

UNIT = "Id of the subdistrict that it is in; empty outside all."

MEANING: dict[str, str] = {
    **{name: field.en for name, field in FIELDS.items()},
    "index": "The layer's index: unique text.",
    "geometry": "In the area's projected CRS, metres.",
    "streets": "Streets from junction to junction, for each mode that may use them",
    "streets.shape": "line",
    "u": "Number of the junction where the line begins.",
    "v": "Number of the junction where it ends.",
    "highway": "Class of the street, OpenStreetMap's `highway`.",
    "walk": "Open on foot: 1 from `u` to `v`, 2 back, 3 both, 0 closed.",
    "drive": "Open to an ambulance, likewise.",
    "maxspeed_kmh": "Signed limit, empty where there is none.",
    "subdistricts": "Subdistricts and townships (街道、乡镇): the units of quotas",
    "subdistricts.shape": "polygon",
    "population_status": "`real`, `estimated` or `synthetic`.",
    "communities": "Communities and villages (社区、村): the units of the community share",
    "communities.shape": "polygon or point",
    "subdistrict_id": UNIT,
    "demand": "People where they live: points with whole people",
    "demand.shape": "point",
    "community_id": "Id of the community that it belongs to; empty for none.",
    "facilities": "Places of care of all kinds",
    "facilities.shape": "point",
    "outside": "Outside the boundary: counts for coverage and response, never for quotas.",
    "candidates": "Places where a station could open",
    "candidates.shape": "point",
    "backdrop": "What a map shows beneath: water, parks, hills, railways",
    "backdrop.shape": "line or polygon",
    "backdrop.kind": "`water`, `park`, `hills`, `mountain`, `closed` or `rail`.",
    "junctions": "Junctions about which the map says more: signals, signs, barriers, heights",
    "junctions.shape": "point",
    "junction": "Number of the junction, as in `u` and `v`.",
    "junctions.kind": "`traffic_signals`, `stop`, `barrier` …, as the tags say; empty for a height alone.",
    "from_street": "Street that one comes by; empty where it does not matter.",
    "elevation_m": "Metres above the sea, empty where unknown.",
    "turns": "Turns that are forbidden or prescribed",
    "turns.shape": "point",
    "to_street": "Street that one leaves by.",
    "turns.kind": "`no_…` or `only_…`, as OpenStreetMap's restriction.",
    "exempt": "Who is exempt, its tag `except`.",
    "via": "Streets gone along in between, with semicolons; empty for a turn at one junction.",
    "targets.rule": "Tells the rules apart.",
    "targets.name": "What `--without` calls the rule; else its key `rule`.",
    "targets.at_most": "The limit, included.",
    "targets.distance_m": "Metres, as the crow flies.",
    "targets.within_min": "Minutes of response, call handling and turnout included.",
}
"""Layer, ``layer.column``, column or ``targets.key`` → what it holds."""

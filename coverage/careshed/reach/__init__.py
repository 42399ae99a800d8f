"""Travel times on a road network: all pairs within a cutoff, and reach from places.

Times are exact on the network's whole milliseconds, from point to point inside
edges, legs included. "Within" includes the limit.
"""

from __future__ import annotations

from careshed.reach._ends import Direction
from careshed.reach._limits import MAX_CUTOFF_S, Seconds
from careshed.reach._nodes import NodeTimes, node_times
from careshed.reach._reach import Reach, reach_times
from careshed.reach._route import Route, route
from careshed.reach._stream import CHUNK, CHUNK_PAIRS, StreamedTimes, Streaming, stream_times
from careshed.reach._times import TravelTimes
from careshed.reach._travel import travel_times

__all__ = [
    "CHUNK",
    "CHUNK_PAIRS",
    "MAX_CUTOFF_S",
    "Direction",
    "NodeTimes",
    "Reach",
    "Route",
    "Seconds",
    "StreamedTimes",
    "Streaming",
    "TravelTimes",
    "node_times",
    "reach_times",
    "route",
    "stream_times",
    "travel_times",
]

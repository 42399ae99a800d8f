"""Streets, points and joined points from a few figures, for tests of networks and of what is done on them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from careshed.network._access import locate

CRS = "EPSG:32650"


def streets_of(rows, **columns):
    """Make a streets layer from (u, v, drive, coordinates); all of them are walked both ways."""
    u, v, drive, lines = zip(*rows, strict=True)
    frame = {
        "u": np.array(u, dtype="int64"),
        "v": np.array(v, dtype="int64"),
        "highway": "residential",
        "walk": np.int8(3),
        "drive": np.array(drive, dtype="int8"),
        "maxspeed_kmh": np.nan,
        "name": "",
    }
    ids = pd.Index([f"s{row}" for row in range(len(rows))], name="street_id")
    return gpd.GeoDataFrame(frame | columns, index=ids, geometry=[shapely.LineString(xy) for xy in lines], crs=CRS)


def points_of(*xy, prefix="p"):
    """Make points from (x, y)."""
    names = pd.Index([f"{prefix}{row}" for row in range(len(xy))], dtype="str")
    return gpd.GeoSeries([shapely.Point(at) for at in xy], index=names, crs=CRS)


def access_of(network, rows, prefix):
    """Put points on edges: (edge, share of its length, leg in metres)."""
    edge = np.array([row[0] for row in rows], dtype=np.int32)
    offset = network.edge_length_m[edge] * np.array([row[1] for row in rows])
    leg = np.array([row[2] for row in rows], dtype=np.float64)
    xy = network.points_on(edge, offset)
    ids = pd.Index([f"{prefix}{row}" for row in range(len(rows))], dtype="str")
    return locate(network, ids, edge, offset, leg_m=leg, points=(xy[:, 0], xy[:, 1]), max_snap_m=100.0)

"""A town small enough to check by hand, and where the real data is."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

import browsing
from careshed.area import Provenance, StudyArea, empty_layer
from careshed.targets import Targets

CRS = pyproj.CRS(32650)
EAST, NORTH = 440_000.0, 4_420_000.0
BLOCK_M, SIDE = 250.0, 9
"""The town is a square grid of 9 × 9 junctions, 250 m apart, in four quarters."""

SHARED = Path(__file__).parents[2] / "shared" / "data"
DATA = Path(__file__).parents[1] / "data"


def _at(x, y):
    return EAST + x, NORTH + y


def _streets():
    rows = []
    for row in range(SIDE):
        for column in range(SIDE):
            u = row * SIDE + column
            steps = ((1, 0), (0, 1))
            for right, up in steps:
                if column + right < SIDE and row + up < SIDE:
                    v = u + right + up * SIDE
                    ends = [_at(column * BLOCK_M, row * BLOCK_M), _at((column + right) * BLOCK_M, (row + up) * BLOCK_M)]
                    rows.append((u, v, shapely.LineString(ends)))
    u, v, lines = zip(*rows, strict=True)
    frame = gpd.GeoDataFrame(
        {
            "u": np.array(u, "int64"),
            "v": np.array(v, "int64"),
            "highway": pd.Series(["residential"] * len(u), dtype="str"),
            "walk": np.full(len(u), 3, "int8"),
            "drive": np.full(len(u), 3, "int8"),
            "maxspeed_kmh": np.full(len(u), np.nan),
            "name": pd.Series([""] * len(u), dtype="str"),
        },
        geometry=list(lines),
        crs=CRS,
    )
    frame.index = pd.Index([f"w{i}" for i in range(len(frame))], name="street_id")
    return frame


def _places(layer, rows, geometry, **columns):
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)
    frame.index = pd.Index(rows, name=empty_layer(layer).index.name)
    return frame


def _quarters(half):
    corners = [(x * half, y * half) for y in (0, 1) for x in (0, 1)]
    return [shapely.box(*_at(x, y), *_at(x + half, y + half)) for x, y in corners]


@pytest.fixture
def town_targets():
    """Return targets of the town: 15 minutes' walk, 4 stations, 3 of them first."""
    return Targets.model_validate(
        {
            "title": "Town",
            "service": {
                "chc": {
                    "label_zh": "社区卫生服务",
                    "label_en": "community health",
                    "kinds": ["community_health_centre"],
                    "mode": "walk",
                    "direction": "to",
                    "minutes": 10,
                },
                "ems": {
                    "label_zh": "院前急救",
                    "label_en": "first aid",
                    "kinds": ["first_aid_station"],
                    "mode": "drive",
                    "direction": "from",
                    "minutes": 6,
                    "call_handling_s": 60,
                    "turnout_s": 180,
                    "siting": {
                        "stations": 4,
                        "min_per_subdistrict": 1,
                        "phases": [{"by": "2021-12-31", "share": 0.7}, {"by": "2022-12-31", "share": 1.0}],
                    },
                },
            },
            "quota": {
                "centre": {
                    "label_zh": "中心",
                    "label_en": "a centre each",
                    "kinds": ["community_health_centre"],
                    "rule": "at_least",
                }
            },
            "target": [
                {"id": "X1", "text": "share", "service": "chc", "statistic": "community_share", "at_least": 0.9},
                {"id": "X2", "text": "count", "service": "ems", "statistic": "station_count", "at_least": 4},
                {
                    "id": "X3",
                    "text": "phase",
                    "service": "ems",
                    "statistic": "phase_share",
                    "by": "2021-12-31",
                    "at_least": 0.7,
                },
                {"id": "T2", "text": "mean", "service": "ems", "statistic": "mean_response", "at_most_min": 12},
                {"id": "B1", "text": "quota", "quota": "centre", "statistic": "quota_share", "at_least": 1},
            ],
        }
    )


@pytest.fixture
def town(town_targets):
    """Return a study area of 2 km × 2 km: 4 quarters, 16 communities, 144 demand points of 10 people."""
    side = (SIDE - 1) * BLOCK_M
    half = side / 2
    streets = _streets()
    subdistricts = _places(
        "subdistricts",
        ["Q1", "Q2", "Q3", "Q4"],
        _quarters(half),
        name=["一街道", "二街道", "三街道", "四街道"],
        name_en=["First", "Second", "Third", "Fourth"],
        population=[360.0] * 4,
        population_status=["estimated"] * 4,
    )
    blocks = [
        (x, y, shapely.box(*_at(x * half / 2, y * half / 2), *_at((x + 1) * half / 2, (y + 1) * half / 2)))
        for y in range(4)
        for x in range(4)
    ]
    unit = [f"Q{1 + x // 2 + 2 * (y // 2)}" for x, y, _ in blocks]
    communities = _places(
        "communities",
        [f"C{i:02}" for i in range(16)],
        [box for *_, box in blocks],
        name=[f"社区{i}" for i in range(16)],
        subdistrict_id=unit,
        population=[90.0] * 16,
        population_status=["estimated"] * 16,
    )
    middle = [
        (i, shapely.Point(_at(x * half / 2 + 125.0 + 125 * a, y * half / 2 + 50.0 + 160 * b)))
        for i, (x, y, _) in enumerate(blocks)
        for a in range(3)
        for b in range(3)
    ]
    demand = _places(
        "demand",
        [f"D{i:03}" for i in range(len(middle))],
        [point for _, point in middle],
        subdistrict_id=[unit[i] for i, _ in middle],
        community_id=[f"C{i:02}" for i, _ in middle],
        population=np.full(len(middle), 10, "int64"),
        elderly=np.full(len(middle), 2, "int64"),
        calls=np.full(len(middle), np.nan),
    )
    facilities = _places(
        "facilities",
        ["F1", "F2", "S1"],
        [shapely.Point(_at(250, 250)), shapely.Point(_at(1750, 1750)), shapely.Point(_at(500, 500))],
        name=["一中心", "四中心", "老站"],
        kind=["community_health_centre", "community_health_centre", "first_aid_station"],
        status=["existing"] * 3,
        tier=[""] * 3,
        capacity=[np.nan] * 3,
        subdistrict_id=["Q1", "Q4", "Q1"],
        outside=[False] * 3,
        address=[""] * 3,
    )
    spots = [(x, y) for y in range(250, 2000, 500) for x in range(250, 2000, 500)]
    candidates = _places(
        "candidates",
        [f"K{i:02}" for i in range(len(spots))],
        [shapely.Point(_at(x, y)) for x, y in spots],
        name=[f"候选{i}" for i in range(len(spots))],
        status=["candidate"] * len(spots),
        tier=[""] * len(spots),
        subdistrict_id=[f"Q{1 + x // 1000 + 2 * (y // 1000)}" for x, y in spots],
    )
    made = Provenance("synthetic", "made for tests", "2021")
    return StudyArea(
        name="小城 Town",
        crs=CRS,
        streets=streets,
        subdistricts=subdistricts,
        communities=communities,
        demand=demand,
        facilities=facilities,
        candidates=candidates,
        backdrop=empty_layer("backdrop", CRS),
        targets=town_targets,
        provenance=dict.fromkeys(("streets", "facilities", "demand"), made),
    )


@pytest.fixture
def shared():
    """Return the folder of real data, skipping where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real data is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def embedded():
    """Return the folder of the embedded areas."""
    return DATA


@pytest.fixture(scope="session")
def browser():
    """Chromium, or a skip that says what is missing."""
    if browsing.CHROMIUM is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browsing.CHROMIUM, args=browsing.FLAGS)
        yield found
        found.close()


@pytest.fixture
def visit(browser):
    """Open a file in the browser with no network: ``visit(path, width=800)``."""
    visits = []

    def go(path, **options):
        visits.append(browsing.Visit(browser, path, **options))
        return visits[-1]

    yield go
    for made in visits:
        made.page.context.close()

"""Calibration: hidden speeds are found again, outliers don't matter, little data changes nothing."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from careshed.calibration import fit_speeds, read_trips, write_profile
from careshed.errors import DuplicateIdError, MissingColumnError, RowFaultError
from careshed.network import FREE_FLOW, Profile, RoadNetwork, default_profile, read_profile
from careshed.reach import travel_times

CLASSES = ("primary", "secondary", "tertiary", "residential")
TRUE_KMH = {
    FREE_FLOW: dict(zip(CLASSES, (48.0, 41.0, 33.0, 21.0), strict=True)),
    "morning_peak": dict(zip(CLASSES, (22.0, 19.0, 18.0, 14.0), strict=True)),
}
N = 400


@pytest.fixture(scope="module")
def streets():
    """Return a net of 21 × 21 junctions, 300 m apart, whose every other line is of a higher class."""
    side, block = 21, 300.0
    kinds = ["primary", "residential", "tertiary", "residential", "secondary", "residential", "tertiary"]
    rows = []
    for j in range(side):
        for i in range(side):
            for right, up in ((1, 0), (0, 1)):
                if i + right < side and j + up < side:
                    kind = kinds[(j if right else i) % len(kinds)]
                    line = shapely.LineString([(i * block, j * block), ((i + right) * block, (j + up) * block)])
                    rows.append((j * side + i, (j + up) * side + i + right, kind, line))
    u, v, kind, lines = zip(*rows, strict=True)
    columns = {
        "u": np.array(u), "v": np.array(v), "highway": list(kind), "walk": np.int8(3), "drive": np.int8(3),
        "maxspeed_kmh": np.nan, "name": "",
    }  # fmt: skip
    ids = pd.Index([f"s{row}" for row in range(len(rows))], name="street_id")
    shifted = [shapely.transform(line, lambda xy: np.add(xy, (440_000, 4_420_000))) for line in lines]
    return gpd.GeoDataFrame(columns, index=ids, geometry=shifted, crs=32650)


def hidden():
    table = default_profile().model_dump()
    table["drive"]["kmh"] |= TRUE_KMH[FREE_FLOW]
    table["period"]["morning_peak"]["kmh"] = TRUE_KMH["morning_peak"]
    return Profile.model_validate(table)


@pytest.fixture(scope="module")
def trips(streets):
    """Return exact times of trips at the hidden speeds, half of them at 8 and half at noon."""
    rng = np.random.default_rng(7)
    ends = rng.uniform((440_000, 4_420_000), (446_000, 4_426_000), (2, N, 2))
    frames = []
    for hour, first in ((8, 0), (12, 1)):
        network = RoadNetwork.from_streets(streets, "drive", profile=hidden(), hour=hour)
        rows = range(first, N, 2)
        start, end = (
            gpd.GeoSeries(gpd.points_from_xy(*side[first::2].T), index=[f"T{row:03}" for row in rows], crs=32650)
            for side in ends
        )
        times = travel_times(network, start, end, cutoff_s=7200).to_frame()
        times = times[times["origin_id"] == times["destination_id"]].set_index("origin_id")["seconds"]
        frames += [(f"T{i:03}", hour, times[f"T{i:03}"], *ends[0, i], *ends[1, i], i + 2) for i in rows]
    columns = ["trip_id", "hour", "seconds", "origin_x", "origin_y", "destination_x", "destination_y", "line"]
    return pd.DataFrame(frames, columns=columns).set_index("trip_id").sort_index()


def speeds_of(fit, period):
    return fit.speeds[fit.speeds["period"] == period].set_index("highway")


def test_hidden_speeds_are_found_again(streets, trips):
    fit = fit_speeds(streets, trips, profile=default_profile())
    for period, true in TRUE_KMH.items():
        got = speeds_of(fit, period)["kmh"]
        for kind, kmh in true.items():
            assert got[kind] == pytest.approx(kmh, rel=0.03), (period, kind)
    assert fit.error_before > 0.15
    assert fit.error_after < 0.02
    assert fit.held_out > 40


def test_noise_and_outliers(streets, trips):
    rng = np.random.default_rng(11)
    noisy = trips.copy()
    noisy["seconds"] *= np.exp(rng.normal(0, 0.1, len(noisy)))
    wild = noisy.index[rng.choice(len(noisy), 32, replace=False)]
    noisy.loc[wild, "seconds"] *= rng.choice([0.2, 4.0, 6.0], 32)
    fit = fit_speeds(streets, noisy, profile=default_profile())
    for period, true in TRUE_KMH.items():
        got = speeds_of(fit, period)
        for kind, kmh in true.items():
            assert got["kmh"][kind] == pytest.approx(kmh, rel=0.15), (period, kind)
            assert got["low_kmh"][kind] <= got["kmh"][kind] <= got["high_kmh"][kind]
    assert set(wild) <= set(fit.outliers.index)
    assert len(fit.outliers) < 45
    assert fit.error_after < 0.12 < fit.error_before


def test_with_too_little_data_the_default_is_kept(streets, trips):
    base = default_profile()
    fit = fit_speeds(streets, trips.iloc[:20], profile=base)
    assert fit.speeds["note"].str.contains("too little data").all()
    assert fit.profile == base
    assert fit.error_before == fit.error_after


def test_the_same_trips_give_the_same_file_and_it_is_a_profile(streets, trips, tmp_path):
    for name in ("a.toml", "b.toml"):
        write_profile(fit_speeds(streets, trips, profile=default_profile()), tmp_path / name, source="trips.csv")
    assert (tmp_path / "a.toml").read_bytes() == (tmp_path / "b.toml").read_bytes()
    profile = read_profile(tmp_path / "a.toml")
    assert profile.name == "calibrated"
    assert "trips.csv" in profile.source
    assert "held-out" in profile.source
    assert profile.drive.kmh["primary"] == pytest.approx(48, rel=0.03)
    assert profile.drive.kmh["motorway"] == default_profile().drive.kmh["motorway"]
    assert profile.period_at(8) == "morning_peak"
    assert profile.turn == default_profile().turn


def test_trips_that_have_no_way_are_listed(streets, trips):
    away = trips.iloc[:3].assign(destination_x=500_000.0)
    fit = fit_speeds(streets, pd.concat([trips.iloc[10:60], away]), profile=default_profile())
    assert fit.outliers.loc[away.index, "reason"].tolist() == ["no way on the network"] * 3
    with pytest.raises(RowFaultError, match="datum"):
        fit_speeds(streets, away, profile=default_profile())


HEAD = "id,origin_lon,origin_lat,destination_lon,destination_lat,departure,seconds\n"


def test_rows_are_checked_by_line(tmp_path):
    path = tmp_path / "trips.csv"
    path.write_text(
        HEAD
        + "a,116.3,39.9,116.4,39.95,2024-03-05 08:12,600\n"
        + "b,116.3,39.9,116.4,39.95,later,600\n"
        + "c,116.3,99,116.4,39.95,8,600\n"
        + "d,116.3,39.9,116.4,39.95,23:59:30,-5\n"
        + "e,116.3,39.9,,39.95,7,600\n"
        + "f,116.3,39.9,116.4,39.95,24,600\n"
        + "g,116.3,39.9,116.4,39.95,17,600\n",
        encoding="utf-8",
    )
    found = read_trips(path, crs=gpd.GeoSeries(crs=32650).crs)
    assert found.trips.index.tolist() == ["a", "g"]
    assert found.trips["hour"].tolist() == [8, 17]
    assert found.rejected["line"].tolist() == ["3", "4", "5", "6", "7"]
    assert [reason.split()[0] for reason in found.rejected["reason"]] == [
        "departure", "origin_lat", "seconds", "destination_lon", "departure",
    ]  # fmt: skip
    with pytest.raises(RowFaultError, match="line 3"):
        read_trips(path, crs=gpd.GeoSeries(crs=32650).crs, strict=True)


def test_files_of_trips_that_cannot_be_read(tmp_path):
    crs = gpd.GeoSeries(crs=32650).crs
    path = tmp_path / "trips.csv"
    path.write_text("id,seconds\n1,5\n", encoding="utf-8")
    with pytest.raises(MissingColumnError, match="起点经度"):
        read_trips(path, crs=crs)
    row = "a,116.3,39.9,116.4,39.95,8,600\n"
    path.write_text(HEAD + row + row, encoding="utf-8")
    with pytest.raises(DuplicateIdError, match="trip a"):
        read_trips(path, crs=crs)
    path.write_text(HEAD + row.replace("600", "x"), encoding="utf-8")
    with pytest.raises(RowFaultError, match="can't be used"):
        read_trips(path, crs=crs)

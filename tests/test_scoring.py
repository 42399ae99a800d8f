"""Candidate scores equal what coverage says when the facility is really added."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from careshed.errors import DuplicateIdError, MissingColumnError, RowFaultError
from careshed.indicators import coverage_shares
from careshed.scoring import baseline, score_candidates, score_file
from careshed.services import facility_times, service_network


def coverage_with(town, extra=None):
    if extra is not None:
        row = town.facilities.loc[["F1"]].rename(index={"F1": "NEW"})
        row["geometry"] = extra
        both = pd.concat([town.facilities, row]).rename_axis("facility_id")
        town = dataclasses.replace(town, facilities=gpd.GeoDataFrame(both, crs=town.crs))
    service = town.targets.service["chc"]
    network = service_network(town, service)
    return coverage_shares(town, service, network, facility_times(town, service, network))


def test_scores_equal_coverage_with_the_facility_added(town):
    before = coverage_with(town)
    scores = score_candidates(baseline(town, "chc"), town.candidates.geometry)
    assert scores["people_gained"].max() > 0
    assert scores["communities_gained"].max() > 0
    cutoff = 2 * town.targets.service["chc"].standard_s
    for site in town.candidates.index:
        after = coverage_with(town, town.candidates.geometry[site])
        row = scores.loc[site]
        assert row["people_gained"] == after.total["people_covered"] - before.total["people_covered"]
        assert row["communities_gained"] == after.total["communities_covered"] - before.total["communities_covered"]
        saved = before.demand["seconds"].fillna(cutoff) - after.demand["seconds"].fillna(cutoff)
        assert row["time_saved_s"] == pytest.approx(saved.mean(), abs=1e-6)


def test_overlap_is_one_at_an_existing_facility(town):
    scores = score_candidates(baseline(town, "chc"), town.facilities.geometry.loc[["F1", "F2"]])
    assert scores["overlap"].tolist() == [1, 1]
    assert scores["people_gained"].tolist() == [0, 0]
    assert scores["time_saved_s"].tolist() == pytest.approx([0, 0])


@pytest.fixture
def table(town, tmp_path):
    degrees = town.candidates.geometry.to_crs(4326)
    path = tmp_path / "sites.csv"
    frame = pd.DataFrame({"编号": town.candidates.index, "经度": degrees.x, "纬度": degrees.y, "owner": "district"})
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("chunk", [1, 5, 1000])
def test_a_file_is_scored_alike_in_any_chunks(town, table, tmp_path, chunk):
    found = score_file(town, table, tmp_path / "scores.parquet", chunk=chunk)
    scores = pd.read_parquet(tmp_path / "scores.parquet").set_index("site_id")
    direct = score_candidates(baseline(town, "chc"), town.candidates.geometry)
    assert found.scored == 16
    assert scores.index.tolist() == town.candidates.index.tolist()
    assert scores["owner"].unique().tolist() == ["district"]
    for column in direct.columns.drop("snap_m"):
        np.testing.assert_allclose(scores[column], direct[column], atol=1e-3)
    order = direct.sort_values(["people_gained", "communities_gained", "time_saved_s"], ascending=False, kind="stable")
    assert scores.sort_values("rank").index.tolist() == order.index.tolist()
    assert sorted(scores["rank"]) == list(range(1, 17))
    assert found.best["rank"].tolist() == list(range(1, 11))
    assert {file.name for file in tmp_path.iterdir()} == {"sites.csv", "scores.parquet"}


def test_bad_rows_are_reported_with_their_line_and_skipped(town, table, tmp_path):
    text = table.read_text(encoding="utf-8").splitlines()
    text[3] = "K02,,39.9,district"
    text[5] = "K04,116.9,40.9,district"
    table.write_text("\n".join(text), encoding="utf-8")
    found = score_file(town, table, tmp_path / "scores.csv", chunk=4)
    assert found.scored == 14
    assert found.rejected["line"].astype(int).tolist() == [4, 6]
    assert pd.read_csv(tmp_path / "scores.rejected.csv")["id"].tolist() == ["K02", "K04"]
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == 14
    with pytest.raises(RowFaultError, match=r"2 rows can't be scored.*line 4"):
        score_file(town, table, tmp_path / "strict.csv", strict=True)
    assert not (tmp_path / "strict.csv").exists()


def test_one_id_twice_is_refused_even_in_different_chunks(town, table, tmp_path):
    text = table.read_text(encoding="utf-8").replace("K15", "K00")
    table.write_text(text, encoding="utf-8")
    with pytest.raises(DuplicateIdError, match="K00"):
        score_file(town, table, tmp_path / "scores.csv", chunk=4)
    assert {file.name for file in tmp_path.iterdir()} == {"sites.csv"}


def test_a_table_without_coordinates_is_refused(town, tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("id,name\n1,a\n", encoding="utf-8")
    with pytest.raises(MissingColumnError, match="longitude"):
        score_file(town, path, tmp_path / "scores.csv")

"""Travel times in chunks: whatever happens in between, the folder ends up the same."""

import json
import subprocess
import sys
import textwrap

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from careshed.errors import FileFaultError, InputError
from careshed.network import RoadNetwork
from careshed.reach import StreamedTimes, TravelTimes, stream_times, travel_times
from made import CRS, streets_of


@pytest.fixture(scope="module")
def town():
    """A ladder of 40 rungs, 30 origins and 12 destinations."""
    rows = [(i, i + 2, 0, [(50 * (i // 2), 80 * (i % 2)), (50 * (i // 2) + 50, 80 * (i % 2))]) for i in range(80)]
    rows += [(2 * i, 2 * i + 1, 0, [(50 * i, 0), (50 * i, 80)]) for i in range(41)]
    rng = np.random.default_rng(4)
    sides = [
        gpd.GeoSeries(gpd.points_from_xy(*(rng.uniform(0, 1, (2, n)) * [[2000], [80]])), crs=CRS)
        .rename(lambda row, name=name: f"{name}{row}")
        for n, name in ((30, "o"), (12, "d"))
    ]  # fmt: skip
    return RoadNetwork.from_streets(streets_of(rows, highway="path"), "walk"), *sides


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_chunks_hold_all_pairs(town, tmp_path):
    seen = []
    far = pd.concat([town[1], gpd.GeoSeries([shapely.Point(9_999, 0)], index=["far"], crs=CRS)])
    delays = pd.Series(np.arange(31.0), index=far.index)
    options = {"cutoff_s": 600, "origin_delay_s": delays}
    done = stream_times(town[0], far, town[2], tmp_path / "t", chunk=8, progress=seen.append, **options)
    whole = travel_times(town[0], far, town[2], **options)
    frames = [times.to_frame() for times in done]
    pd.testing.assert_frame_equal(pd.concat(frames, ignore_index=True), whole.to_frame())
    assert len(frames) == 4
    assert done.pairs == len(whole)
    assert [at[:2] for at in seen] == [(0, 31), (8, 31), (16, 31), (24, 31), (31, 31)]
    assert seen[-1] == (31, 31, done.pairs, 0)
    assert [times.rejected["id"].tolist() for times in done][-1] == ["far"]
    assert StreamedTimes.open(tmp_path / "t") == done


def test_a_killed_run_is_taken_up(town, tmp_path):
    network, origins, destinations = town
    network.to_file(tmp_path / "walk.npz")
    for name, side in (("o", origins), ("d", destinations)):
        gpd.GeoDataFrame(geometry=side).to_parquet(tmp_path / f"{name}.parquet")
    code = f"""
        import os, signal, sys
        from pathlib import Path
        import geopandas as gpd
        from careshed.network import RoadNetwork
        from careshed.reach import stream_times
        home = Path({str(tmp_path)!r})
        sides = [gpd.read_parquet(home / f"{{name}}.parquet") for name in "od"]

        def progress(at):
            if at.done == 20:
                (home / "t" / "times-000002.parquet").write_bytes(b"PAR1 half a chunk")
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

        stream_times(RoadNetwork.from_file(home / "walk.npz"), *sides, home / "t", cutoff_s=600, chunk=10,
                     progress=progress)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode != 0
    with pytest.raises(FileFaultError, match="2 of 3 chunks"):
        StreamedTimes.open(tmp_path / "t")
    first = (tmp_path / "t" / "times-000000.parquet").stat().st_mtime_ns
    seen = []
    options = {"cutoff_s": 600, "chunk": 10}
    done = stream_times(network, origins, destinations, tmp_path / "t", progress=seen.append, **options)
    assert [(at.done, at.kept) for at in seen] == [(20, 20), (30, 20)]
    assert (tmp_path / "t" / "times-000000.parquet").stat().st_mtime_ns == first
    stream_times(network, origins, destinations, tmp_path / "once", cutoff_s=600, chunk=10)
    assert contents(tmp_path / "t") == contents(tmp_path / "once")
    assert done.pairs == sum(map(len, done))
    stream_times(network, origins, destinations, tmp_path / "t", resume=False, progress=seen.append, **options)
    assert seen[2].done == 0
    assert contents(tmp_path / "t") == contents(tmp_path / "once")


def test_chunks_become_one_table_of_ids(town, tmp_path):
    far = pd.concat([town[1], gpd.GeoSeries([shapely.Point(9_999, 0)], index=["far"], crs=CRS)])
    done = stream_times(town[0], far, town[2], tmp_path / "t", cutoff_s=600, chunk=8)
    done.to_parquet(tmp_path / "times.parquet")
    whole = travel_times(town[0], far, town[2], cutoff_s=600)
    table = pd.read_parquet(tmp_path / "times.parquet")
    assert table["origin_id"].dtype == "category"
    strings = {"origin_id": "str", "destination_id": "str"}
    pd.testing.assert_frame_equal(table.astype(strings), whole.to_frame().astype(strings))
    again = TravelTimes.from_frame(table, cutoff_s=600, origins=whole.origin_ids, destinations=whole.destination_ids)
    for one, other in zip(again.pairs(), whole.pairs(), strict=True):
        np.testing.assert_array_equal(one, other)
    meta = json.loads(pq.read_schema(tmp_path / "times.parquet").metadata[b"careshed.streamed"])
    assert meta == {"cutoff_s": 600, "mode": "walk", "hash": town[0].hash, "profile": town[0].profile}
    (tmp_path / "t" / "mine.txt").write_text("mine")
    done.discard()
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["mine.txt"]


def test_the_usual_chunk_bounds_its_pairs(town, tmp_path, monkeypatch):
    monkeypatch.setattr("careshed.reach._stream.CHUNK_PAIRS", 100)
    seen = []
    stream_times(*town, tmp_path / "t", cutoff_s=600, progress=seen.append)
    assert [at.done for at in seen] == [0, 8, 16, 24, 30]


def test_no_origins_are_an_empty_table(town, tmp_path):
    stream_times(town[0], town[1][:0], town[2], tmp_path / "t", cutoff_s=600).to_parquet(tmp_path / "times.parquet")
    assert pd.read_parquet(tmp_path / "times.parquet").columns.tolist() == ["origin_id", "destination_id", "seconds"]


def test_a_changed_input_starts_over(town, tmp_path):
    network, origins, destinations = town
    changes = [
        {"cutoff_s": 601}, {"chunk": 7}, {"origin_delay_s": 1}, {"origins": origins[::-1]},
        {"destinations": destinations[:5]},
    ]  # fmt: skip
    usual = {"network": network, "origins": origins, "destinations": destinations, "cutoff_s": 600, "chunk": 10}
    for change in changes:
        stream_times(folder=tmp_path / "t", **usual)
        stream_times(folder=tmp_path / "t", **(usual | change))
        stream_times(folder=tmp_path / "fresh", **(usual | change))
        assert contents(tmp_path / "t") == contents(tmp_path / "fresh")


def test_a_spoilt_chunk_is_found_and_redone(town, tmp_path):
    network, origins, destinations = town
    done = stream_times(network, origins, destinations, tmp_path / "t", cutoff_s=600, chunk=10)
    good = contents(tmp_path / "t")
    (tmp_path / "t" / "times-000001.parquet").write_bytes(good["times-000000.parquet"])
    with pytest.raises(FileFaultError, match="has changed"):
        list(done)
    stream_times(network, origins, destinations, tmp_path / "t", cutoff_s=600, chunk=10)
    assert contents(tmp_path / "t") == good
    assert all(isinstance(times, TravelTimes) for times in done)


def test_what_is_no_folder_of_times_is_refused(town, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        stream_times(*town, tmp_path, cutoff_s=600)
    with pytest.raises(InputError, match="chunk"):
        stream_times(*town, tmp_path / "t", cutoff_s=600, chunk=0)
    for text in ("{", "[]", "{}", json.dumps({"format": 9, "inputs": "", "chunks": 1, "done": {}})):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(FileFaultError, match="manifest"):
            StreamedTimes.open(tmp_path)

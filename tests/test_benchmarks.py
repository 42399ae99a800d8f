"""The benchmark runs, agrees with the libraries it measures, and says what it should."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "benchmarks" / "reach.py"


def test_a_small_benchmark_says_what_it_should(tmp_path):
    out = tmp_path / "reach.json"
    size = ["--nodes", "2000", "--facilities", "20", "--minutes", "5", "--isochrones", "5"]
    words = [*size, "--peers", "scipy,networkx,c", "--repeat", "1", "--json", out]
    subprocess.run([sys.executable, SCRIPT, *words], check=True)
    found = json.loads(out.read_text())
    assert {"nodes", "edges", "facilities", "cutoff_s", "pairs", "ours", "peers", "checksum"} <= found.keys()
    assert {"median_s", "peak_mb", "edges_per_s", "threads", "load_s", "first_snap_s", "file_mb"} <= found[
        "ours"
    ].keys()
    assert found["edges_per_node"] == 2.63
    assert abs(found["mean_edge_m"] - 52) < 0.1
    assert found["pairs"] > found["facilities"] == 20
    for peer in found["peers"].values():
        assert "absent" in peer or peer["pairs_equal"]

"""spopt's San Francisco results, from the test data in spopt's own source distribution.

205 census tracts, 16 stores, network distances in metres. The source distribution comes from the package index
through pip, once: its two tables stay in pytest's cache. Where it can't be had the tests skip.
"""

import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from careshed.siting import LSCP, from_cost_matrix, site
from careshed.siting.cut.costs import Costs
from careshed.siting.fast.pcenter import CostRows, p_center
from careshed.siting.fast.pmedian import p_median

VERSION = "0.7.0"
FILE = "SF_network_distance_candidateStore_16_censusTract_205_new.csv"
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def pairs(request, tmp_path_factory):
    """Return the long table of distances: store, tract, metres, people."""
    folder = Path(request.config.cache.mkdir(f"spopt-{VERSION}"))
    if not (folder / FILE).exists():
        unpack(download(tmp_path_factory.mktemp("spopt")), folder / FILE)
    frame = pd.read_csv(folder / FILE, dtype={"DestinationName": str})
    return frame.rename(columns={"name": "site_id", "DestinationName": "demand_id", "distance": "metres"})


def download(folder):
    """Return the source distribution that pip leaves in `folder`."""
    words = ["pip", "download", f"spopt=={VERSION}", "--no-deps", "--no-binary", "spopt", "--dest", folder, "--quiet"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"spopt's source distribution was not here within {TIMEOUT_S} s")
    found = list(folder.glob("spopt-*.tar.gz"))
    if not found:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        pytest.skip(f"spopt's source distribution can't be had: {said}")
    return found[0]


def unpack(archive, target):
    """Write the table of distances out of the source distribution."""
    with tarfile.open(archive) as packed:
        (name,) = (name for name in packed.getnames() if name.endswith("/" + FILE))
        text = packed.extractfile(name).read()
    partial = target.with_suffix(".partial")
    partial.write_bytes(text)
    partial.replace(target)


def problem_of(pairs, **given):
    weights = pairs.drop_duplicates("demand_id").set_index("demand_id")["demand"]
    return from_cost_matrix(pairs.drop(columns="demand"), weights=weights, **given)


def costs_of(problem):
    """Return costs of a problem, milliseconds."""
    site_of, demand, ms = problem.pairs()
    base, always = problem.cutoff_ms, problem.existing
    return Costs.build(site_of, demand, ms, base=base, weights=problem.weights, always=always, groups=0)


def test_the_table(pairs):
    assert (pairs["site_id"].nunique(), pairs["demand_id"].nunique(), len(pairs)) == (16, 205, 16 * 205)
    assert problem_of(pairs, stations=4).weights.sum() == 955_113


@pytest.mark.parametrize(("radius_m", "fewest"), [(5000, 8), (8000, 3)])
def test_set_covering(pairs, radius_m, fewest):
    solution = site(problem_of(pairs, stations=4, standard=radius_m), LSCP())
    assert solution.status == "optimal"
    assert solution.levels[0].objective == fewest
    assert solution.report.settings["method"].startswith("set cover")


def test_maximal_covering(pairs):
    solution = site(problem_of(pairs, stations=4, standard=5000))
    assert solution.status == "optimal"
    assert solution.levels[0].objective == 875_247
    assert solution.assignment["weight"].sum() == 955_113


def test_p_median(pairs):
    problem = problem_of(pairs, stations=4)
    costs = costs_of(problem)
    people = int(problem.weights.sum())
    found = p_median(costs, 4)
    assert found.proven
    mean_m = found.value / people / 1000
    assert f"{mean_m:,.3f}" == "2,982.127"


def test_p_center(pairs):
    found = p_center(CostRows.of(problem_of(pairs, stations=4)), 4)
    assert found.proven
    assert f"{found.value / 1000:,.2f}" == "7,403.06"

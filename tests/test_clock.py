"""Time limits and Ctrl-C: the best plan so far, with a bound that holds."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pandas as pd
import pytest

from careshed.siting import MCLP, MEXCLP, Pairs, PCenter, Phase, PMedian, SitingProblem, site
from careshed.siting.clock import Clock, stoppable


def made(*, phases=()) -> SitingProblem:
    """Return a problem that takes a little while."""
    rng = np.random.default_rng(4)
    sites, demand = rng.random((60, 2)), rng.random((400, 2))
    ms = np.rint(np.hypot(*(sites[:, None] - demand[None]).T).T * 1_000_000).astype(int)
    frame = pd.DataFrame(
        {
            "site_id": np.repeat([f"s{j:02d}" for j in range(60)], 400),
            "demand_id": np.tile([f"d{i:03d}" for i in range(400)], 60),
            "ms": ms.ravel(),
        }
    )
    groups = pd.DataFrame({"group": [f"g{j % 4}" for j in range(60)]}, index=[f"s{j:02d}" for j in range(60)])
    weights = pd.Series(rng.integers(1, 99, 400), index=[f"d{i:03d}" for i in range(400)])
    return SitingProblem.build(
        groups, weights, Pairs.from_frame(frame), stations=9, standard_ms=130_000, min_per_group=1 if phases else 0,
        phases=phases,
    )  # fmt: skip


TWO = (Phase("2021-12-31", 6), Phase("2022-12-31", 9))


def interrupting():
    """Return a progress callable that presses Ctrl-C the first time."""
    pressed = []

    def tell(incumbent, bound, text):
        if not pressed:
            pressed.append(text)
            signal.raise_signal(signal.SIGINT)

    return tell, pressed


@pytest.mark.parametrize("model", [None, PMedian(), PCenter(), MEXCLP(12, 0.4)], ids=lambda m: type(m).__name__)
def test_ctrl_c_gives_the_best_plan_so_far(model):
    tell, pressed = interrupting()
    problem = made(phases=TWO)
    stopped = site(problem, model, progress=tell)
    assert pressed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert stopped.status in ("feasible", "optimal")
    assert len(stopped.open_ids()) == 9
    if not isinstance(model, MEXCLP):
        best = site(problem, model)
        assert best.status == "optimal"
        first, true = stopped.levels[0], best.levels[0]
        low, high = sorted((first.bound, first.objective))
        assert low - 1e-6 <= true.objective <= high + 1e-6


@pytest.mark.parametrize("model", [MCLP(), PMedian(), PCenter()], ids=lambda m: type(m).__name__)
def test_ctrl_c_on_a_fast_road(model):
    tell, pressed = interrupting()
    stopped = site(made(), model, progress=tell)
    best = site(made(), model)
    assert best.status == "optimal"
    assert len(stopped.open_ids()) == 9
    low, high = sorted((stopped.levels[0].bound, stopped.levels[0].objective))
    assert low - 1e-6 <= best.levels[0].objective <= high + 1e-6
    assert pressed or stopped.status == "optimal"


def test_a_second_ctrl_c_ends():
    clock = Clock()
    with pytest.raises(KeyboardInterrupt), stoppable(clock):
        signal.raise_signal(signal.SIGINT)
        assert clock.stopped
        assert clock.late()
        signal.raise_signal(signal.SIGINT)


def test_another_thread_changes_nothing():
    clock = Clock(1000.0)
    seen = []

    def work():
        with stoppable(clock):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
    assert not clock.late()
    assert 0 < clock.left_s(0.5) <= 500

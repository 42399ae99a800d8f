"""Static pictures: what they show, that they are the same each time, and what is refused."""

import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
import shapely
from matplotlib.patches import Rectangle

from careshed import pictures
from careshed.cli import app
from careshed.demand import nearest_ground
from careshed.errors import InputError, MissingLayerError
from careshed.fonts import chinese_font
from careshed.pictures import (
    plot_coverage,
    plot_isochrones,
    plot_population,
    plot_response,
    plot_stations,
    save_picture,
    write_picture,
)
from careshed.pictures._pen import Pen
from careshed.pictures._sheet import _round_length
from careshed.plan import make_plan
from careshed.words import Label
from made import points_of


@pytest.fixture
def plan(town):
    return make_plan(town)


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_each_picture_is_the_same_bytes_each_time_in_every_format(plan, tmp_path):
    for what, suffix, head in (
        ("coverage", ".png", b"\x89PNG"),
        ("isochrones", ".pdf", b"%PDF"),
        ("response", ".svg", b"<?xml"),
        ("stations", ".svg", b"<?xml"),
        ("population", ".pdf", b"%PDF"),
    ):
        files = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
        for file in files:
            write_picture(plan, file, what=what, dpi=60)
        first, second = (file.read_bytes() for file in files)
        assert first.startswith(head)
        assert first == second
        assert b"CreationDate" not in first
        assert b"<dc:date>" not in first
    ET.parse(tmp_path / "a.svg")  # noqa: S314 - written here


def test_the_coverage_picture_names_counts_and_sources(plan):
    shown = words(plot_coverage(plan, language="en"))
    total = plan.coverage.total
    assert any("community health within 10 minutes" in text for text in shown)
    assert any(f"{total['population_share']:.1%} of people" in text for text in shown)
    assert f"Community not covered ({16 - int(total['communities_covered'])})" in shown
    assert "Community health centre (2)" in shown
    assert "Synthetic data: it shows the method, not the place." in shown
    assert any("UTM zone 50N (EPSG:32650)" in text for text in shown)
    assert {"N", "Grid north", "0"} <= set(shown)
    share = plan.coverage.subdistricts["population_share"]["Q1"]
    assert f"First\n{share:.1%}" in shown


def test_stations_by_phase_and_those_that_the_plan_leaves_out(plan):
    shown = words(plot_stations(plan, language="en"))
    new = plan.stations[plan.stations["status"] != "existing"]
    for by, part in new.groupby("by"):
        assert f"new by {by} ({len(part)})" in shown
    # the digit of a phase stands in each mark and in the legend
    assert shown.count("1") == (new["phase"] == 1).sum() + 1
    assert "existing (1)" in shown


def test_response_before_and_after(plan):
    before, after = (words(plot_response(plan, stage=stage, language="en")) for stage in ("before", "after"))
    assert any("stations of today" in text for text in before)
    assert any("stations of the plan" in text for text in after)
    assert any(text.startswith(f"mean {plan.after.total['mean_s'] / 60:.1f} min") for text in after)


def test_chinese_is_drawn_with_a_font_that_has_it(plan, monkeypatch):
    title = words(plot_isochrones(plan, language="zh"))[0]
    if chinese_font("街道") is None:
        assert title.isascii()
    else:
        assert "步行等时圈" in title
    monkeypatch.setattr("careshed.pictures._pen.chinese_font", lambda _: None)
    figure = plot_isochrones(plan, language="zh")
    assert "walking time" in words(figure)[0]
    # warnings are errors: a letter that no font has would end this
    figure.canvas.draw()
    assert not any(re.search("[\u4e00-\u9fff]", text) for text in words(figure))


def test_the_map_has_one_scale_and_its_bar_is_true(plan):
    figure = plot_population(plan.area)
    paper, ground = figure.axes
    wide_mm = ground.get_position().width * 180
    high_mm = ground.get_position().height * figure.get_figheight() * 25.4
    metres_per_mm = np.ptp(ground.get_xlim()) / wide_mm
    assert np.ptp(ground.get_ylim()) / high_mm == pytest.approx(metres_per_mm)
    bars = [box for box in paper.patches if isinstance(box, Rectangle) and box.get_height() == pytest.approx(1.3)]
    length_m = sum(box.get_width() for box in bars) * metres_per_mm
    assert length_m == pytest.approx(500)
    assert any(text.startswith("500 ") for text in words(figure))
    assert figure.get_figwidth() * 25.4 == pytest.approx(180)


@pytest.mark.parametrize(("longest", "found"), [(1999, 1000), (2000, 2000), (7, 5), (0.3, 0.2)])
def test_a_scale_bar_is_round(longest, found):
    assert _round_length(longest) == pytest.approx(found)


def test_lines_break_between_chinese_letters_and_at_spaces():
    assert Pen.wrapped("街道街道", width_mm=8, size_pt=10) == ["街道", "街道"]
    assert Pen.wrapped("one two", width_mm=8, size_pt=10) == ["one", "two"]
    assert Pen.wrapped("街道，街", width_mm=8, size_pt=10) == ["街道，", "街"]
    assert Pen("en", [Label("街", "street")]).say(Label("街", "street")) == "street"


def test_ground_of_points_at_one_spot():
    box = shapely.box(0, 0, 10, 10)
    cells = nearest_ground(points_of((2, 5), (2, 5), (8, 5)), box)
    assert cells[0].equals(cells[1])
    assert cells[0].intersection(box).area == pytest.approx(50)
    assert nearest_ground(points_of((2, 5)), box)[0].equals(box)


def test_what_can_not_be_drawn_is_said(town, tmp_path):
    walked = make_plan(town, parts=("coverage",))
    with pytest.raises(MissingLayerError, match="no picture of plan: that part of the plan was not computed"):
        plot_stations(walked)
    with pytest.raises(MissingLayerError, match="no picture of response"):
        plot_response(walked)
    driven = make_plan(town, parts=("response",))
    for plot in (plot_coverage, plot_isochrones):
        with pytest.raises(MissingLayerError, match="no picture of coverage"):
            plot(driven)
    with pytest.raises(InputError, match=r"not written as \.gif; name it \.png, \.svg, \.pdf"):
        save_picture(plot_population(town), tmp_path / "a.gif")
    assert mpl.rcParams["svg.hashsalt"] is None
    assert set(pictures.__all__) <= set(dir(pictures))


@pytest.fixture
def careshed(town, embedded, tmp_path):
    from typer.testing import CliRunner

    town.write(tmp_path / "town", targets_toml=embedded / "xicheng" / "targets.toml")
    return lambda *options: CliRunner().invoke(app, ["plot", str(tmp_path / "town"), *map(str, options)])


@pytest.mark.parametrize("what", ["coverage", "response", "population"])
def test_the_command_draws(careshed, tmp_path, what):
    done = careshed("--what", what, "-o", tmp_path / "a.png", "--dpi", 60, "--width-mm", 120, "--lang", "en")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_the_command_refuses_another_ending_before_it_computes(careshed, tmp_path):
    done = careshed("-o", tmp_path / "a.jpg")
    assert isinstance(done.exception, InputError)
    assert "not written as .jpg" in str(done.exception)
    assert not (tmp_path / "a.jpg").exists()

"""The report: its figures, its charts, that it stands alone."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from careshed import fonts
from careshed.area import Provenance, empty_layer
from careshed.fonts import chinese_font
from careshed.plan import make_plan
from careshed.report import _tables, write_report
from careshed.report._charts import Spread, distribution
from careshed.scorecard import Row
from careshed.siting import Conflict
from careshed.wording import Label, count, key_figures, minutes, percent, verdict

IMG = "<img src=x onerror=alert(1)>"


@pytest.fixture
def plan(town):
    return make_plan(town)


def _written(plan, folder):
    write_report(plan, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


class _Text(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.words, self.headings, self._in = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._in = tag
        if tag == "h2":
            self.headings.append(dict(attrs)["id"])

    def handle_data(self, data):
        if self._in != "style" and data.strip():
            self.words.append(data.strip())


def test_all_parts_have_their_section(plan, tmp_path):
    text = _Text(_written(plan, tmp_path))
    assert text.headings == ["scorecard", "coverage", "response", "stations", "proof", "quotas", "data"]


def test_headline_says_that_the_plan_is_proven(plan, tmp_path):
    html = _written(plan, tmp_path)
    assert "方案已证明最优" in html
    assert "proven optimal" in html
    assert "gap 0" in html


def test_figures_are_those_of_the_plan(plan, tmp_path):
    html = _written(plan, tmp_path)
    for share in plan.coverage.subdistricts["population_share"]:
        assert percent(share) in html
    for response in (plan.before, plan.after):
        assert minutes(response.total["mean_s"]) in html
    for station in plan.stations.index:
        assert f'<th scope="row">{station}</th>' in html
    assert count(plan.area.people) in html


def test_coverage_shows_four_shares_and_the_standard(plan, tmp_path):
    table = _tables.coverage_table(plan)
    assert [str(column) for column in table.columns[3:7]] == [
        "覆盖社区 Communities",
        "覆盖人口 People",
        "覆盖面积 Area",
        "覆盖道路 Streets",
    ]
    assert len(table.rows) == 4
    assert table.total[1] == "1,440"
    assert "1.25 m/s,10 分钟以内" in _written(plan, tmp_path)


def test_met_and_not_met_are_told_by_sign_and_word(plan, tmp_path):
    html = _written(plan, tmp_path)
    assert "✓ 达标 met" in html
    assert "✗ 未达标 not met" in html


def test_the_same_plan_gives_the_same_bytes_whatever_time_it_took(town, tmp_path):
    first = _written(make_plan(town), tmp_path)
    later = dataclasses.replace(make_plan(town), runtime_s=123456.0)
    assert _written(later, tmp_path) == first
    assert "123456" not in first


def test_nothing_is_fetched_and_no_script_runs(plan, tmp_path):
    html = _written(plan, tmp_path)
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert not re.search(r"(src|href)=[\"'](?!data:|#)", html)


def test_markup_in_data_is_text(town, tmp_path):
    changes = {layer: getattr(town, layer).assign(name=IMG) for layer in ("subdistricts", "facilities", "candidates")}
    rejected = pd.DataFrame({"file": [IMG], "line": ["3"], "id": [IMG], "reason": [IMG]}, dtype="str")
    provenance = {"streets": Provenance("real", IMG, IMG)}
    assumptions = {IMG: IMG}
    area = dataclasses.replace(
        town, name=IMG, rejected=rejected, provenance=provenance, assumptions=assumptions, inputs={IMG: IMG}, **changes
    )
    html = _written(make_plan(area), tmp_path)
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") > 10


def test_what_was_left_out_is_said(town, tmp_path):
    bare = dataclasses.replace(
        town, facilities=empty_layer("facilities", town.crs), missing={"facilities": "no file of facilities was given"}
    )
    html = _written(make_plan(bare), tmp_path)
    text = _Text(html)
    assert "left-out" in text.headings
    assert "coverage" not in text.headings
    assert "no file of facilities was given" in html


def test_an_infeasible_plan_says_which_rule_and_what_would_help(plan, tmp_path):
    reason = (Conflict("quota", "Q4 has no site", "add a candidate site in Q4"),)
    none = dataclasses.replace(
        plan.solution,
        status="infeasible",
        levels=(),
        reason=reason,
        stations=plan.solution.stations.iloc[:0],
        phases=plan.solution.phases.iloc[:0],
    )
    left = dataclasses.replace(plan, solution=none, after=None, stations=plan.stations.iloc[:0])
    html = _written(left, tmp_path)
    assert "没有可行方案" in html
    assert "Q4 has no site" in html
    assert "add a candidate site in Q4" in html


def test_a_plan_stopped_early_shows_its_gap(plan, tmp_path):
    level = dataclasses.replace(plan.solution.levels[-1], gap=0.0123, status="feasible")
    stopped = dataclasses.replace(plan.solution, status="feasible", levels=(plan.solution.levels[0], level))
    html = _written(dataclasses.replace(plan, solution=stopped), tmp_path)
    assert "1.23%" in html
    assert "方案已证明最优" not in html


def test_rejected_rows_are_counted_by_file_and_reason(plan):
    rejected = pd.DataFrame(
        {"file": ["a.csv"] * 3, "line": ["2", "3", "9"], "id": ["x", "y", "z"], "reason": ["far", "far", "nan"]}
    )
    area = dataclasses.replace(plan.area, rejected=rejected)
    table = _tables.rejected_table(dataclasses.replace(plan, area=area))
    assert table.rows == [["a.csv", "far", "2", "x, y"], ["a.csv", "nan", "1", "z"]]


def test_no_documents_no_scorecard(town):
    bare = dataclasses.replace(town, targets=town.targets.model_copy(update={"target": ()}))
    assert _tables.scorecard_table(make_plan(bare)) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.9, "90.0%"), (0.8996, "89.96%"), (0.89999, "89.999%"), (0.85, "85.0%")],
)
def test_a_figure_just_off_its_limit_is_not_rounded_onto_it(value, shown):
    row = Row("X1", "", "community_share", value, 0.9, value >= 0.9, True, "", "")
    assert verdict(row).value == shown
    assert verdict(row).target == "≥ 90%"


def test_times_are_shown_in_minutes_and_at_most():
    row = Row("T2", "", "mean_response", 498.0, 720.0, True, False, "", "")
    assert (verdict(row).value, verdict(row).target) == ("8.3 min", "≤ 12 min")


def test_key_figures_hold_before_and_after(plan):
    figures = {label.en: text for label, _, text in key_figures(plan)}
    before, after = (minutes(response.total["mean_s"]) for response in (plan.before, plan.after))
    assert figures["Mean response"] == f"{before} → {after} min"
    assert figures["Stations"] == "3 (2021) → 4 (2022)"
    assert figures["Plan"] == "已证明最优 proven optimal (gap 0)"


def _chart(name="a"):
    spread = Spread(Label("方案", "plan"), np.array([60.0, 300.0, np.nan]), np.array([1.0, 2.0, 1.0]))
    words = {"x": Label("分钟", "Minutes"), "y": Label("人口", "People"), "limit": Label("目标", "target")}
    return distribution([spread], limit_s=720.0, name=name, **words)


def test_chinese_letters_are_drawn_and_never_boxes():
    if chinese_font("覆盖") is None:
        pytest.skip("no Chinese font is installed here")
    svg = _chart()
    # letters are shapes: each used one is defined, and none is the font's shape for "missing"
    used = set(re.findall(r'<use xlink:href="#([^"]+)"|<use href="#([^"]+)"', svg))
    names = {a or b for a, b in used}
    assert any("CJK" in name or "Hei" in name or "Sans-" in name for name in names)
    assert not [name for name in names if name.endswith("-0")]


def test_without_a_chinese_font_labels_are_english(monkeypatch):
    monkeypatch.setattr(fonts, "FONTS", ("No Such Font",))
    chinese_font.cache_clear()
    try:
        assert chinese_font("覆盖") is None
        svg = _chart()
    finally:
        chinese_font.cache_clear()
    assert "CJK" not in svg


def test_charts_are_the_same_each_time_and_keep_their_ids_apart():
    assert _chart() == _chart()
    ids = [set(re.findall(r'\bid="([^"]+)"', _chart(name))) for name in ("a", "b")]
    assert not ids[0] & ids[1]
    assert "<metadata" not in _chart()

"""The report: its figures, its charts, that it stands alone."""

import dataclasses
import itertools
import re
import warnings
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.font_manager import FontProperties, fontManager, get_font

from careshed import fonts
from careshed.area import Provenance, empty_layer
from careshed.errors import InputError
from careshed.fonts import chinese_font
from careshed.plan import make_plan
from careshed.report import _pdf, _sources, _stations, _tables, find_browser, print_pdf, write_report
from careshed.report._charts import Spread, distribution, draw_frontier
from careshed.report._frontier import Frontier, rule_free
from careshed.scorecard import Row
from careshed.siting import Conflict, Relaxation
from careshed.wording import Label, count, day, key_figures, minutes, percent, verdict
from careshed.words import pages

IMG = "<img src=x onerror=alert(1)>"
CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
SECTIONS = ["scorecard", "coverage", "response", "stations", "proof", "quotas", "data", "method", "versions"]


@pytest.fixture
def plan(town):
    return make_plan(town)


@pytest.fixture
def english_plan(town):
    """Return a plan of the town with English names everywhere, also in what data says."""
    ids = {
        layer: getattr(town, layer).assign(name=getattr(town, layer).index)
        for layer in ("subdistricts", "communities", "facilities", "candidates")
    }
    return make_plan(dataclasses.replace(town, name="Town", **ids))


def _written(plan, folder, language="zh"):
    write_report(plan, folder / "report.html", language)
    return (folder / "report.html").read_text(encoding="utf-8")


class _Text(HTMLParser):
    """What is read on a page, without what stands beside it in the other language."""

    def __init__(self, html):
        super().__init__()
        self.words, self.headings, self._open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in {"meta", "link", "br"}:
            self._open.append(attrs.get("lang") if tag == "span" else tag)
        if tag == "h2":
            self.headings.append(attrs["id"])
        self.words += [attrs["aria-label"]] if "aria-label" in attrs else []

    def handle_endtag(self, _):
        if self._open:
            self._open.pop()

    def handle_data(self, data):
        if not {"style", "svg", "zh", "en"} & set(self._open) and data.strip():
            self.words.append(data.strip())

    @property
    def all(self):
        return "\n".join(self.words)


def test_all_parts_have_their_section_and_their_line_in_the_contents(plan, tmp_path):
    html = _written(plan, tmp_path)
    assert _Text(html).headings == SECTIONS
    assert re.findall(r'<li><a href="#([a-z-]+)">', html) == SECTIONS


def test_an_english_page_has_no_chinese_but_the_names_of_data(english_plan, tmp_path):
    html = _written(english_plan, tmp_path, "en")
    assert '<html lang="en">' in html
    words = _Text(html)
    assert [text for text in words.words if CHINESE.search(text)] == []
    assert "The plan is proven optimal" in words.all
    # headings carry the other language beside, marked as such
    assert '<span class="other" lang="zh">指标对照</span>' in html


def test_a_chinese_page_has_no_english_of_the_catalogue(plan, tmp_path):
    html = _written(plan, tmp_path)
    assert '<html lang="zh-CN">' in html
    assert "方案已证明最优" in html
    read = _Text(html).all
    ours = [
        text
        for page in ("report", "figures", "verdicts", "statuses", "layers", "provenance")
        for text in pages()[page].values()
    ]
    parts = {part.strip() for text in ours if text.en != text.zh for part in re.split(r"\{\w+\}", text.en)}
    sayings = {part for part in parts if len(part) > 5}
    assert len(sayings) > 100
    known = {name for names in plan.assumptions.items() for name in names}
    assert [part for part in sayings if part in read and not any(part in name for name in known)] == []


def test_english_names_of_subdistricts_are_used_where_there_are(plan, tmp_path):
    assert '<th scope="row">Third</th>' in _written(plan, tmp_path, "en")
    assert '<th scope="row">三街道</th>' in _written(plan, tmp_path, "zh")


def test_headline_says_that_the_plan_is_proven(plan, tmp_path):
    assert "方案已证明最优" in _written(plan, tmp_path)
    assert "proven optimal (gap 0)" in _written(plan, tmp_path, "en")


def test_figures_are_those_of_the_plan(plan, tmp_path):
    html = _written(plan, tmp_path)
    for share in plan.coverage.subdistricts["population_share"]:
        assert percent(share) in html
    for response in (plan.before, plan.after):
        assert minutes(response.total["mean_s"]) in html
    for station in plan.stations.index:
        assert f"<small>{station}</small></th>" in html
    assert count(plan.area.people) in html


def test_coverage_shows_four_shares_and_the_standard(plan, tmp_path):
    table = _tables.coverage_table(plan)
    assert [column.zh for column in table.columns[3:7]] == ["社区达标比例", "人口覆盖率", "面积覆盖率", "道路覆盖率"]
    assert len(table.rows) == 4
    assert table.total[1] == "1,440"
    assert "步行 1.25 米/秒，10 分钟以内（含）" in _written(plan, tmp_path)


def test_met_and_not_met_are_told_by_sign_and_word(plan, tmp_path):
    html = _written(plan, tmp_path)
    assert "✓ 达标" in html
    assert "✗ 未达标" in html


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
    text, remedy = (
        Label("四街道没有站址", "Q4 has no site"),
        Label("在四街道增加候选站址", "add a candidate site in Q4"),
    )
    less = Relaxation("quota", 1, 0, Label("四街道的下限改为 0", "ask for 0 in Q4"))
    reason = (Conflict("quota", text, remedy, (less,)),)
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
    assert "frontier" not in html
    for said in (text, remedy, less.text):
        assert said.zh in html
        assert said.en not in html
        assert said.en in _written(left, tmp_path, "en")


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
    table = _sources.rejected_table(dataclasses.replace(plan, area=area))
    assert table.rows == [["a.csv", "far", "2", "x, y"], ["a.csv", "nan", "1", "z"]]


def test_what_lower_rooms_say_is_read_in_the_language_of_the_page(plan, tmp_path):
    said = Label("数据中没有社区。", "the area has no communities")
    left = dataclasses.replace(plan, left_out={"community share": said}, assumptions={"walk speeds": said})
    chinese, english = _written(left, tmp_path), _written(left, tmp_path, "en")
    assert said.zh in chinese
    assert said.en not in chinese
    assert "<dt>community share</dt><dd>the area has no communities</dd>" in english


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


def test_units_and_dates_are_in_the_language_of_the_page():
    row = Row("T2", "", "mean_response", 498.0, 720.0, True, False, "", "")
    assert (verdict(row, "zh").value, verdict(row, "zh").target) == ("8.3 分钟", "≤ 12 分钟")
    assert day("2021-12-31") == Label("2021年12月31日", "31\u00a0Dec\u00a02021")
    assert day("2020") == Label("2020年", "2020")
    assert day("spring") == Label("spring", "")


def test_key_figures_hold_before_and_after(plan):
    figures = {name.en: text for name, _, text in key_figures(plan)}
    before, after = (minutes(response.total["mean_s"]) for response in (plan.before, plan.after))
    assert figures["Mean response"] == f"{before} → {after} min"
    assert figures["Stations, first aid"] == "3 (2021) → 4 (2022)"
    assert figures["Plan"] == Label("已证明最优（差距 0）", "proven optimal (gap 0)")
    assert [text for *_, text in key_figures(plan, "zh")][-1] == "已证明最优（差距 0）"
    assert [text for *_, text in key_figures(plan, "en")][-1] == "proven optimal (gap 0)"


def test_people_within_the_standard_before_and_after_are_those_of_the_demand(plan):
    table = _tables.in_time_table(plan)
    held = [
        int(plan.area.demand["population"][response.demand["seconds"] <= response.target_s].sum())
        for response in (plan.before, plan.after)
    ]
    assert held[0] < held[1]
    assert table.total[2:5] == [count(held[0]), count(held[1]), f"+{held[1] - held[0]:,}"]
    same = dataclasses.replace(plan, after=plan.before)
    assert _tables.in_time_table(same) is None
    assert len(_tables.response_table(same).columns) == len(_tables.response_table(plan).columns) + 2


def test_stations_tell_where_they_are_and_whom_they_serve(plan):
    streets = plan.area.streets.assign(name="Long Street")
    facilities = plan.area.facilities.assign(address=["", "", "1 Short Street"])
    area = dataclasses.replace(plan.area, streets=streets, facilities=facilities)
    table = _stations.stations_table(dataclasses.replace(plan, area=area))
    names = [column.en for column in table.columns]
    places = {cells[0].note: cells[names.index("Address")] for cells in table.rows}
    assert places.pop("S1") == "1 Short Street"
    assert {place.en for place in places.values()} == {"near Long Street"}
    served = [cells[names.index("Serves")].en for cells in table.rows]
    communities = [int(re.search(r"(\d+) communities", text)[1]) for text in served]
    assert sum(communities) >= len(area.communities)
    people = [int(cells[names.index("People served")].replace(",", "")) for cells in table.rows]
    assert sum(people) == area.people


def test_phases_are_told_beside_today(plan):
    today, *phases = _stations.stages_of(plan)
    assert (today.name.en, today.stations) == ("Today", 1)
    assert [stage.stations for stage in phases] == [3, 4]
    assert phases[-1].share == pytest.approx(plan.after.total["share_within_target"])
    assert phases[-1].mean_s == pytest.approx(plan.after.total["mean_s"], rel=1e-6)
    assert today.mean_s == pytest.approx(plan.before.total["mean_s"])


def test_the_frontier_is_the_best_of_all_sets_of_sites(plan):
    problem = plan.brief.problem
    site, demand, took_ms = problem.pairs()
    covers = np.zeros((len(problem.site_ids), len(problem.demand_ids)), dtype=bool)
    within = took_ms <= problem.standard_ms
    covers[site[within], demand[within]] = True
    people = problem.weights.sum()
    frontier = rule_free(plan)
    assert len(frontier.shares) == 4
    for number in (1, 2):
        sets = itertools.combinations(range(len(covers)), number)
        best = max(problem.weights[covers[list(chosen)].any(axis=0)].sum() for chosen in sets)
        assert frontier.shares[number - 1] <= best / people <= frontier.shares[number - 1] + frontier.off
    for stage in _stations.stages_of(plan):
        assert stage.share <= frontier.shares[stage.sites - 1] + frontier.off + 1e-9
    assert rule_free(dataclasses.replace(plan, solution=None)) is None


def _chart(name="a", language="zh"):
    spread = Spread(Label("方案", "plan"), np.array([60.0, 300.0, np.nan]), np.array([1.0, 2.0, 1.0]))
    words = (Label("分钟", "Minutes"), Label("人口", "People"), Label("目标", "target"))
    return distribution([spread, spread], name, limit_s=720.0, words=words, language=language)


def _needs_font(monkeypatch, families=None):
    """Take only some fonts, skipping where none of them is there."""
    if families is not None:
        monkeypatch.setattr(fonts, "FONTS", families)
        chinese_font.cache_clear()
    if chinese_font("覆盖") is None:
        pytest.skip("no Chinese font is installed here")


def test_chinese_letters_are_drawn_and_never_boxes(monkeypatch):
    _needs_font(monkeypatch)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        svg = _chart()
        draw_frontier(Frontier((0.5, 0.9), 0.0, None), [_stations.Stage(day("2021-12-31"), 1, 1, 0.4, 60.0)], "zh")
    assert [str(one.message) for one in said if "missing" in str(one.message)] == []
    assert svg != _chart(language="en")
    # letters are shapes: each used one is defined, and none is the font's shape for "missing"
    used = {a or b for a, b in re.findall(r'<use xlink:href="#([^"]+)"|<use href="#([^"]+)"', svg)}
    assert used <= set(re.findall(r'\bid="([^"]+)"', svg))
    assert not [name for name in used if name.endswith("-0")]
    font = get_font(fontManager.findfont(FontProperties(family=chinese_font("目标"))))
    shapes = [_shape(font, font.get_char_index(ord(letter))) for letter in "目标"]
    assert _shape(font, 0) not in shapes
    assert shapes[0] != shapes[1]


def _shape(font, glyph):
    font.load_glyph(glyph)
    vertices, _ = font.get_path()
    return vertices.tobytes()


def test_the_font_that_is_shipped_serves_where_none_is_installed(monkeypatch):
    pytest.importorskip(fonts.SHIPPED[0], reason="careshed[fonts] is not installed")
    try:
        _needs_font(monkeypatch, ("Noto Sans SC",))
        assert chinese_font("医疗卫生设施覆盖（，）") == "Noto Sans SC"
        assert "NotoSansSC" in _chart()
    finally:
        chinese_font.cache_clear()


def test_without_a_chinese_font_labels_are_english(monkeypatch):
    monkeypatch.setattr(fonts, "FONTS", ("No Such Font",))
    chinese_font.cache_clear()
    try:
        assert chinese_font("覆盖") is None
        assert _chart() == _chart(language="en")
    finally:
        chinese_font.cache_clear()


def test_charts_are_the_same_each_time_and_keep_their_ids_apart():
    assert _chart() == _chart()
    ids = [set(re.findall(r'\bid="([^"]+)"', _chart(name))) for name in ("a", "b")]
    assert not ids[0] & ids[1]
    assert "<metadata" not in _chart()
    assert mpl.rcParams["svg.hashsalt"] is None


def test_without_a_browser_no_pdf_is_promised(monkeypatch, tmp_path):
    monkeypatch.setattr(_pdf, "BROWSERS", ("no-such-browser",))
    with pytest.raises(InputError, match=r"no Chromium was found.*install it"):
        find_browser()
    (tmp_path / "page.html").write_text("<p>", encoding="utf-8")
    with pytest.raises(InputError, match="no Chromium"):
        print_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert not (tmp_path / "page.pdf").exists()


def test_a_browser_that_prints_nothing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(_pdf, "find_browser", lambda: "/bin/false")
    with pytest.raises(InputError, match="/bin/false did not print"):
        print_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert list(tmp_path.iterdir()) == []

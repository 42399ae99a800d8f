"""The report in a browser with no network, in both languages, on screen and on paper."""

import re

import pytest

from careshed.plan import make_plan
from careshed.report import print_pdf, write_report


@pytest.fixture
def plan(town):
    return make_plan(town)


@pytest.mark.parametrize(("language", "lang"), [("zh", "zh-CN"), ("en", "en")])
def test_the_report_reads_well_for_everybody(plan, tmp_path, visit, language, lang):
    write_report(plan, tmp_path / "report.html", language)
    report = visit(tmp_path / "report.html")
    assert report.page.locator("html").get_attribute("lang") == lang
    assert report.count("figure [role=img] svg") == 4
    assert all(name for name in report.page.locator("[role=img]").evaluate_all("all => all.map(e => e.ariaLabel)"))
    assert report.count("th:not([scope])") == 0
    assert report.serious_faults() == []
    assert report.faults == []


def test_every_line_of_the_contents_leads_to_its_section_by_keyboard(plan, tmp_path, visit):
    write_report(plan, tmp_path / "report.html")
    page = visit(tmp_path / "report.html").page
    links = page.locator("nav a").count()
    for place in range(links):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('nav a')"), place
        assert page.locator(page.evaluate("document.activeElement.getAttribute('href')")).count() == 1
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#versions"


@pytest.mark.parametrize("width", [1300, 760, 400])
def test_no_page_is_wider_than_its_window(plan, tmp_path, visit, width):
    write_report(plan, tmp_path / "report.html", "en")
    report = visit(tmp_path / "report.html", width=width)
    assert not report.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_the_first_screen_holds_what_a_reader_wants_first(plan, tmp_path, visit):
    write_report(plan, tmp_path / "report.html")
    page = visit(tmp_path / "report.html").page
    for selector in ("h1", ".badge", ".trust", ".cards", "nav", "#scorecard"):
        box = page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= 900, selector


def test_on_paper_no_column_is_cut(plan, tmp_path, visit):
    write_report(plan, tmp_path / "report.html")
    page = visit(tmp_path / "report.html").page
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins
    cut = page.evaluate(
        "[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert cut == 0


def test_the_report_is_printed(plan, tmp_path, browser):
    write_report(plan, tmp_path / "report.html")
    print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    width, height = (float(side) for side in re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups())
    assert (round(width), round(height)) == (595, 842)
    assert 2 <= len(re.findall(rb"/Type /Page\b", pdf)) < 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.pdf"]

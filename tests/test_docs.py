"""The docs site: every command in it exists, every file that is written is named, and no page loads anything."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main

from careshed.cli import app
from careshed.publish import PLAN_FILES, SITE_FILES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE = ROOT / "out" / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
GROUP = typer.main.get_command(app)


def commands_of(page):
    """Return the command lines of a page's shell blocks, continued lines joined and remarks left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [words[1:] for line in lines if (words := shlex.split(line, comments=True))[:1] == ["careshed"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_is_understood(page):
    for name, *arguments in commands_of(page):
        assert name in GROUP.commands, f"careshed {name} is no command"
        GROUP.commands[name].make_context(name, list(arguments))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_in_a_sentence_exists_with_its_options(page):
    for text in re.findall(r"`careshed ([^`]+)`", page.read_text(encoding="utf-8")):
        for name in re.match(r"[\w|-]+", text)[0].split("|"):
            if name.isupper():
                continue
            assert name in GROUP.commands, f"careshed {name} is no command"
            known = {"--help"}.union(*(one.opts + one.secondary_opts for one in GROUP.commands[name].params))
            assert set(re.findall(r"(?<=\s)--?[a-z][\w-]*", text)) <= known, text


def test_how_tos_show_commands():
    assert [page.name for page in sorted((DOCS / "howto").glob("*.md")) if not commands_of(page)] == []


def test_every_file_that_is_written_is_named():
    said = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
    assert [name for name in (*PLAN_FILES, *SITE_FILES) if f"`{name}`" not in said] == []


def test_generated_parts_explain_every_column_and_key(monkeypatch):
    if find_spec("sphinx") is None:
        pytest.skip("sphinx is not installed: pip install .[docs]")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    from generated import PARTS

    made = {name: make() for name, make in PARTS.items()}
    assert all(f"## {name}\n" in made["commands"] for name in GROUP.commands)
    assert "`min_per_subdistrict`" in made["targets"]
    assert "`maxspeed_kmh`" in made["layers"]


@pytest.mark.parametrize("tex", [r"\max Σ_i w_i x_i ≤ ⌈n / 2⌉ \; ∀ i ∈ D", r"S_1 ⊆ … ⊆ S_K", r"a · b"])
def test_formulas_become_mathml(monkeypatch, tex):
    if find_spec("sphinx") is None:
        pytest.skip("sphinx is not installed: pip install .[docs]")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    from mathml import mathml

    made = mathml(tex, block=True)
    assert made.startswith("<math")
    assert "∑" in made or "Σ" not in tex


def built():
    if not (SITE / "index.html").exists():
        pytest.skip("the site is not built: make docs")
    return sorted(SITE.rglob("*.html"))


def test_no_page_names_a_resource_of_the_net():
    net = r"\"(?:https?:)?//"
    loads = re.compile(rf"<(?:script|img|iframe|source|embed)\b[^>]*\bsrc={net}|<link\b[^>]*\bhref={net}")
    assert [page.name for page in built() if loads.search(page.read_text(encoding="utf-8"))] == []
    style = re.compile(r"@import|url\(\s*['\"]?(?:https?:)?//")
    assert [sheet.name for sheet in SITE.rglob("*.css") if style.search(sheet.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("page", "shows"), [("index", "figure img"), ("models", "div.math math"), ("reference/rooms/area", "dt.sig")]
)
def test_pages_open_with_the_network_refused(browser, page, shows):
    built()
    context = browser.new_context(viewport={"width": 400, "height": 900})
    tab, faults = context.new_page(), []
    tab.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("requestfailed", lambda request: faults.append(request.url))
    tab.route(re.compile(r"^(?!file:|data:)"), lambda route: (faults.append(route.request.url), route.abort()))
    tab.goto((SITE / f"{page}.html").as_uri(), wait_until="load")
    assert tab.locator(shows).first.is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults == []
    context.close()

"""The rendered papers are those of the notebooks as they are now."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAPERS = ROOT / "docs" / "papers"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 2_000_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def both(request):
    """Return a notebook's cells as (kind, text), and its paper."""
    cells = json.loads(request.param.read_text("utf-8"))["cells"]
    paper = (PAPERS / f"{request.param.stem}.md").read_text("utf-8")
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells], paper


def test_a_paper_holds_its_notebook_as_it_is(both):
    cells, paper = both
    at = 0
    for kind, text in cells:
        wanted = text if kind == "markdown" else f"```python\n{text}\n```"
        found = paper.find(wanted, at)
        assert found >= 0, f"run make papers: the notebook has changed at\n{text}"
        at = found + len(wanted)
    assert paper.count("```python\n") == sum(kind == "code" for kind, _ in cells)


def test_a_paper_asks_shows_a_map_and_a_plot_and_ends_with_the_answer(both):
    _, paper = both
    heading, *_ = re.findall(r"^# (.*)$", re.sub(r"```.*?```", "", paper, flags=re.DOTALL), re.MULTILINE)
    assert heading.endswith("?")
    assert len(re.findall(r"^# ", re.sub(r"```.*?```", "", paper, flags=re.DOTALL), re.MULTILINE)) == 1
    pictures = re.findall(r"!\[(Map|Picture): .*?\]\((.*?)\)", paper)
    assert {kind for kind, _ in pictures} == {"Map", "Picture"}
    assert all((PAPERS / name).stat().st_size > 5_000 for _, name in pictures)
    assert re.search(r"^\| .* \|$", paper.split("**Answer**")[1], re.MULTILINE)
    assert re.fullmatch(r"\*\*[^*]+\*\*", paper.strip().splitlines()[-1])


def test_no_paper_is_left_over_and_all_are_small():
    assert {path.stem for path in PAPERS.glob("*.md")} == {path.stem for path in NOTEBOOKS}
    named = {
        name for path in PAPERS.glob("*.md") for name in re.findall(r"\]\(([^)]*\.png)\)", path.read_text("utf-8"))
    }
    assert {path.name for path in PAPERS.glob("*.png")} == named
    assert sum(path.stat().st_size for path in PAPERS.iterdir()) < MOST_BYTES


def test_a_table_of_html_becomes_rows(monkeypatch):
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    monkeypatch.syspath_prepend(ROOT / "docs")
    spec = importlib.util.spec_from_file_location("papers", ROOT / "docs" / "papers.py")
    papers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(papers)
    head = "<tr><th></th><th>a</th></tr><tr><th>id</th><th></th></tr>"
    text = f"<table>{head}<tr><th>x</th><td>1 &lt; 2 | 3</td></tr></table>"
    assert papers.table(text) == "| id | a |\n| --- | --- |\n| x | 1 < 2 \\| 3 |"

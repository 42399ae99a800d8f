"""Run the notebooks and write each as a page with its pictures: docs/papers/<name>.md.

Maps are shown as Chromium draws them, tables as rows of text. Needs Chromium.
"""

from __future__ import annotations

import base64
import html
import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright
from shots import chromium, keep

ROOT = Path(__file__).parents[1]
PAPERS = ROOT / "docs" / "papers"


class _Rows(HTMLParser):
    """Reads the cells of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as it is called
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data.strip().replace("|", "\\|")


def table(text: str) -> str:
    """Return an HTML table as Markdown; a second heading row, which names the index, goes into the first."""
    reader = _Rows()
    reader.feed(text)
    head, *rows = reader.rows
    if rows and len(rows[0]) == len(head) and not any(rows[0][1:]) and not head[0]:
        head[0] = rows.pop(0)[0]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


class Paper:
    """One notebook in the making."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.name = path.stem
        self.folder = folder
        self.pictures = 0
        self.notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        self.question = self.notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        NotebookClient(self.notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()

    def text(self) -> str:
        """Return the page; its pictures are written beside it."""
        parts = []
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown":
                parts.append(cell.source)
                continue
            parts.append(f"```python\n{cell.source}\n```")
            parts += [shown for shown in map(self._output, cell.outputs) if shown]
        return "\n\n".join(parts) + "\n"

    def _output(self, output: Any) -> str:
        if output.output_type == "stream":
            return "" if output.name == "stderr" else f"```text\n{output.text.rstrip()}\n```"
        data = output.get("data", {})
        if "image/png" in data:
            return self._picture(base64.b64decode(data["image/png"]), "Picture")
        if "text/markdown" in data:
            return str(data["text/markdown"])
        if "text/html" in data:
            framed = re.search(r'srcdoc="([^"]*)"', data["text/html"])
            return self._picture(screenshot(html.unescape(framed[1])), "Map") if framed else table(data["text/html"])
        return f"```text\n{data['text/plain']}\n```" if "text/plain" in data else ""

    def _picture(self, png: bytes, kind: str) -> str:
        self.pictures += 1
        name = f"{self.name}-{self.pictures}.png"
        keep(png, self.folder / name)
        return f"![{kind}: {self.question}]({name})"


def screenshot(page_html: str) -> bytes:
    """Return a page as Chromium shows it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "map.html"
        page_file.write_text(page_html, encoding="utf-8")
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1100, "height": 680})
        page.goto(page_file.as_uri())
        page.wait_for_timeout(1500)
        png = page.screenshot()
        browser.close()
    return png


def main() -> None:
    """Render every notebook, or those that are named."""
    PAPERS.mkdir(exist_ok=True)
    chosen = [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in chosen:
        paper = Paper(path.resolve(), PAPERS)
        for old in PAPERS.glob(f"{paper.name}-*.png"):
            old.unlink()
        (PAPERS / f"{paper.name}.md").write_text(paper.text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

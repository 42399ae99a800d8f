"""Take the pictures of the docs: map, phases, what-if before and after two clicks, report, and a plot in Chinese.

Run after ``make plan``. Needs Chromium.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from shots import chromium, keep

from careshed.area import StudyArea
from careshed.pictures import write_picture
from careshed.plan import make_plan

ROOT = Path(__file__).parents[1]
PLANNED = ROOT / "out" / "xicheng"
PICTURES = ROOT / "docs" / "pictures"


def take(page: Page, name: str) -> None:
    """Keep what the page shows once it has settled."""
    page.wait_for_timeout(1500)
    keep(page.screenshot(), PICTURES / f"{name}.png")


def map_and_phases(page: Page) -> None:
    """Show the coverage map, then the stations that are open by the first date."""
    page.goto((PLANNED / "map.html").as_uri())
    take(page, "map")
    page.locator(".cs-steps label").nth(1).click()
    take(page, "phases")


def what_if(page: Page) -> None:
    """Close a station of the plan and open a candidate."""
    page.goto((PLANNED / "map.html").as_uri())
    page.get_by_role("button", name="试一试").click()
    take(page, "what-if-before")
    for state in ("new", "idle"):
        page.locator(f".cs-site[data-state={state}]").nth(3).click(force=True)
    page.mouse.move(5, 5)
    take(page, "what-if-after")


def report(page: Page) -> None:
    """Show the first screen of the report."""
    page.goto((PLANNED / "report.html").as_uri())
    take(page, "report-zh")


def plot() -> None:
    """Draw stations by phase with Chinese labels, as ``careshed plot`` does."""
    plan = make_plan(StudyArea.read(ROOT / "data" / "xicheng"))
    drawn = PICTURES / "plot-zh.png"
    write_picture(plan, drawn, what="stations", language="zh", width_mm=150, dpi=150)
    keep(drawn.read_bytes(), drawn)


def main() -> None:
    """Take all pictures into docs/pictures/."""
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for scene in (map_and_phases, what_if, report):
            page = browser.new_page(viewport={"width": 1280, "height": 760})
            scene(page)
            page.close()
        browser.close()
    plot()


if __name__ == "__main__":
    main()

"""Draw the README's picture: the map of the embedded Xicheng, as a browser shows it.

Run after ``make plan``. Needs Chromium.
"""

from pathlib import Path
from shutil import which

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def main() -> None:
    """Open out/xicheng/map.html and save docs/map.png."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=QUIET.split())
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto((ROOT / "out" / "xicheng" / "map.html").as_uri())
        page.wait_for_timeout(1500)
        page.screenshot(path=ROOT / "docs" / "map.png")
        browser.close()


if __name__ == "__main__":
    main()

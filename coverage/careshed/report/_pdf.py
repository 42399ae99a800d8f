"""The report on paper: printed by the Chromium that is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from careshed._checks import new_file
from careshed.errors import InputError

__all__ = ["BROWSERS", "find_browser", "print_pdf"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""Programs of Chromium's kind, as they are called on the path."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)
TIME_LIMIT_S = 120


def find_browser() -> str:
    """Return the path of an installed browser that can print.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise InputError(
        "no Chromium was found on the path, and it is what prints report.pdf; install it (apt-get install chromium) "
        "or print report.html from any browser"
    )


def print_pdf(page: Path | str, path: Path | str) -> None:
    """Print a page as PDF.

    Parameters
    ----------
    page
        The HTML file.
    path
        The PDF; it is there in full or not at all.

    Raises
    ------
    InputError
        If no browser is installed, or it does not print the page in time.
    """
    browser = find_browser()
    with new_file(path) as new, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        own = (f"--user-data-dir={profile}", f"--print-to-pdf={new}", Path(page).resolve().as_uri())
        try:
            done = subprocess.run(  # noqa: S603 - the browser that is installed, with our own page
                [browser, *FLAGS, *own], capture_output=True, check=False, timeout=TIME_LIMIT_S
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"{browser} did not print {page} within {TIME_LIMIT_S} s; print it from a browser"
            ) from None
        if done.returncode or not Path(new).is_file() or not Path(new).stat().st_size:
            raise InputError(f"{browser} did not print {page} (exit code {done.returncode}); print it from a browser")

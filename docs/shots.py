"""Chromium as the docs' pictures are taken with it, and pictures of few bytes."""

from __future__ import annotations

import io
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import Browser, Playwright

QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
STEP = 8
"""Colours are rounded to so many of 256 steps: no eye tells them apart, and the bytes are halved."""


def chromium(playwright: Playwright) -> Browser:
    """Return the browser that is installed."""
    return playwright.chromium.launch(executable_path=which("chromium"), args=QUIET.split())


def keep(png: bytes, path: Path) -> None:
    """Write a picture with few colours."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").point(lambda level: min(round(level / STEP) * STEP, 255)).save(path, optimize=True)

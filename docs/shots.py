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
COLOURS = 256
"""Of a picture: enough for maps, half the bytes."""


def chromium(playwright: Playwright) -> Browser:
    """Return the browser that is installed."""
    return playwright.chromium.launch(executable_path=which("chromium"), args=QUIET.split())


def keep(png: bytes, path: Path) -> None:
    """Write a picture with few colours."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS, kmeans=2).save(path, optimize=True)

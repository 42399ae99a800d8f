"""What is looked at in a map file before a parser gets it."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from careshed._checks import MAX_FILE_BYTES, readable_file
from careshed.errors import FileFaultError

__all__ = ["SUFFIXES", "guarded_file"]

SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".graphml", ".gpkg")
"""Suffixes of the map files that are read."""

_HEAD_BYTES = 1 << 16
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_NOISE = re.compile(rb"<\?.*?\?>|<!--.*?-->", re.DOTALL)
_AGAIN = "download or export it again"


def guarded_file(path: Path | str) -> tuple[Path, str]:
    """Return a map file's path and suffix, refusing one that is not what its suffix says.

    XML is refused where it brings a document type of its own: entities in it
    can swell a small file to any size, and no map needs them.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`.

    Raises
    ------
    FileFaultError
        If it is absent, empty, too large, of an unknown suffix, or begins like something else.
    """
    path = readable_file(path)
    suffix = next((known for known in SUFFIXES if path.name.lower().endswith(known)), None)
    if suffix is None:
        raise FileFaultError(
            f"{path}: is no map file that is read; expected {', '.join(SUFFIXES)} "
            "(a shapefile of roads: save it as GeoPackage first)"
        )
    if suffix == ".osm.gz":
        head = _unpacked_head(path)
    else:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    _check_head(path, suffix, head)
    return path, suffix


def _check_head(path: Path, suffix: str, head: bytes) -> None:
    if re.match(rb"\s*<(!doctype\s+html|html)", head.removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE):
        raise FileFaultError(f"{path}: is a web page (an error message of the server?), no map; {_AGAIN}")
    if suffix in {".osm.pbf", ".pbf"}:
        if b"OSMHeader" not in head[:64]:
            raise FileFaultError(f"{path}: does not begin as an OpenStreetMap PBF file does; {_AGAIN}")
    elif suffix == ".gpkg":
        if not head.startswith(b"SQLite format 3\x00"):
            raise FileFaultError(f"{path}: does not begin as a GeoPackage (SQLite) does; {_AGAIN}")
    else:
        _check_xml(path, "graphml" if suffix == ".graphml" else "osm", head)


def _check_xml(path: Path, root: str, head: bytes) -> None:
    if b"\x00" in head:
        raise FileFaultError(f"{path}: is no XML in UTF-8; {_AGAIN}")
    text = _NOISE.sub(b"", head.removeprefix(b"\xef\xbb\xbf")).lstrip()
    if re.search(rb"<!(doctype|entity)", text, re.IGNORECASE):
        raise FileFaultError(
            f"{path}: has a document type declaration (DOCTYPE), which no map needs and which can hide an attack; "
            "remove it or get the file elsewhere"
        )
    match = _ROOT.match(text)
    if match is None or match[1] != root.encode():
        found = f"<{match[1].decode('ascii', 'replace')}>" if match else "no XML element"
        raise FileFaultError(f"{path}: begins with {found}; expected <{root}>: {_AGAIN}")


def _unpacked_head(path: Path) -> bytes:
    """Return the first bytes, having unpacked the whole file once to see that it is whole and bounded."""
    try:
        with gzip.open(path) as file:
            head = file.read(_HEAD_BYTES)
            _measure(path, file)
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, FileFaultError):
            raise
        raise FileFaultError(f"{path}: is no whole gzip file ({error}); {_AGAIN}") from None
    return head


def _measure(path: Path, file: gzip.GzipFile) -> None:
    size = 0
    while block := file.read(1 << 22):
        size += len(block)
        if size > MAX_FILE_BYTES:
            raise FileFaultError(
                f"{path}: unpacks to more than the {MAX_FILE_BYTES >> 30} GB that is read; cut out the district first"
            )

"""Guards used at public entries, and the one way of writing a file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyproj

from careshed.errors import CRSError, DuplicateIdError, FileFaultError, InputError, MissingColumnError

__all__ = [
    "new_file",
    "new_folder",
    "readable_file",
    "require_columns",
    "require_projected",
    "require_unique",
    "sha256",
]

MAX_FILE_BYTES = 4 << 30
"""Nothing larger is read: a district's files are a thousandth of it."""


def require_projected(crs: pyproj.CRS | None, *, what: str) -> pyproj.CRS:
    """Return `crs`, refusing one that is missing or not in metres.

    Parameters
    ----------
    crs
        The coordinate reference system of some layer.
    what
        The layer's name, for the message.

    Raises
    ------
    CRSError
        If it is missing, geographic, or not in metres.
    """
    if crs is None:
        raise CRSError(f"{what} has no CRS; expected a projected one in metres: set it with GeoDataFrame.set_crs()")
    if not crs.is_projected or crs.axis_info[0].unit_name not in {"metre", "meter"}:
        raise CRSError(
            f"{what} is in {crs.name}; expected a projected CRS in metres: reproject it with GeoDataFrame.to_crs()"
        )
    return crs


def require_columns(frame: pd.DataFrame, columns: set[str] | frozenset[str], *, what: str) -> None:
    """Refuse a table that lacks one of `columns`.

    Raises
    ------
    MissingColumnError
        Naming the columns that are missing and those that are there.
    """
    missing = sorted(columns - set(frame.columns))
    if missing:
        raise MissingColumnError(
            f"{what} has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns)) or 'none'}"
        )


def require_unique(ids: pd.Index, *, what: str) -> None:
    """Refuse ids that occur twice.

    Raises
    ------
    DuplicateIdError
        Naming the first few ids that occur more than once.
    """
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        shown = ", ".join(map(str, twice[:5])) + (" …" if len(twice) > 5 else "")
        raise DuplicateIdError(f"{what}: {len(twice)} ids occur more than once ({shown}); give each row its own id")


def readable_file(path: Path | str) -> Path:
    """Return `path`, refusing one that is no file, empty, or too large to be meant.

    Raises
    ------
    FileFaultError
        Saying which of these it is.
    """
    path = Path(path)
    if not path.exists():
        raise FileFaultError(f"{path}: no such file; check the name and the folder ({Path.cwd()})")
    if not path.is_file():
        raise FileFaultError(f"{path}: is a folder; expected a file")
    size = path.stat().st_size
    if size == 0:
        raise FileFaultError(f"{path}: the file is empty (0 bytes); export or download it again")
    if size > MAX_FILE_BYTES:
        raise FileFaultError(f"{path}: {size >> 30} GB is more than the 4 GB that is read; cut out the district first")
    return path


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file as a hexadecimal string."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def new_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary name beside `path` that takes its place on success.

    A reader never sees half a file: where the body raises, the temporary file
    is removed and whatever stood at `path` stays.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the name of a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path | str, *, owned: Iterable[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; on success its files move into `folder`.

    Files that the body did not write again are kept, so that a planner's own
    notes in the folder survive; but those that match one of the patterns
    `owned` are of an earlier run, would contradict this one, and are removed.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a folder to write into")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        folder.mkdir(exist_ok=True)
        written = {file.name for file in temporary.iterdir()}
        for pattern in owned:
            for old in folder.glob(pattern):
                if old.name not in written:
                    old.unlink()
        for file in sorted(temporary.iterdir()):
            file.chmod(0o644)
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

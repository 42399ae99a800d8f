"""A network in one file: plain arrays and a little JSON, never pickled.

The file is a NumPy archive (``.npz``) without compression, so that numpy reads
its arrays too. Besides what a network is made of it keeps what is slow to work
out, both graphs and the hash. The checksum of every array, which the archive
has anyway and which is formed anew on reading, must be the one that stands in
the JSON: a file that was cut, spoilt or written over is refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyproj

from careshed._checks import new_file, readable_file
from careshed.errors import FileFaultError
from careshed.network._graph import Packed
from careshed.network._lines import LazyLines
from careshed.network._turns import Turns

if TYPE_CHECKING:
    from careshed.network import RoadNetwork

__all__ = ["read_network", "write_network"]

FORMAT = 2
META = "meta.json"
IDS, ID_ENDS = "street_ids", "street_id_ends"
XY, VERTICES = "lines_xy", "lines_vertices"
TURNS, PACKED = "turns.", "packed."

Arrays = dict[str, npt.NDArray[Any]]
Network = TypeVar("Network", bound="RoadNetwork")


def write_network(network: RoadNetwork, path: Path | str, source: str) -> None:
    """Write a network: arrays as they are, ids and lines as arrays, the rest as JSON."""
    arrays: Arrays = {}
    meta: dict[str, Any] = {"format": FORMAT, "source": source, "hash": network.hash, "crs": network.crs.to_wkt()}
    for name in _given(network):
        value = getattr(network, name)
        if isinstance(value, LazyLines):
            arrays |= {XY: value.xy, VERTICES: value.vertices}
        elif isinstance(value, Turns):
            arrays |= {f"{TURNS}{part}": array for part, array in value._asdict().items()}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, pd.Index):
            texts = [text.encode() for text in value]
            arrays |= {IDS: np.frombuffer(b"".join(texts), dtype=np.uint8)}
            arrays |= {ID_ENDS: np.cumsum([0, *map(len, texts)], dtype=np.int64)}
        elif not isinstance(value, pyproj.CRS):
            meta[name] = value
    arrays |= {f"{PACKED}{name}": getattr(network, name) for name in Packed._fields if name != "hash"}
    with new_file(path) as temporary:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # no array is named allow_pickle
        with zipfile.ZipFile(temporary, "a") as archive:
            meta["checksums"] = {each.filename: each.CRC for each in archive.infolist()}
            archive.writestr(zipfile.ZipInfo(META), json.dumps(meta, ensure_ascii=False))


def read_network(kind: type[Network], path: Path | str, source: str | None) -> Network:
    """Read a network that :func:`write_network` wrote."""
    path = readable_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(archive.read(META))
            made_from, fault = meta["source"], _fault(archive, meta)
            unusable = fault or source not in (None, made_from)
            network = None if unusable else kind(**_values(kind, _arrays(archive), meta))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise FileFaultError(
            f"{path}: isn't a network that RoadNetwork.to_file() wrote ({error}); build and write it again"
        ) from error
    except pyproj.exceptions.CRSError as error:
        raise FileFaultError(f"{path}: its CRS can't be read ({error}); build and write it again") from error
    if fault:
        raise FileFaultError(f"{path}: {fault}; build and write it again")
    if network is None:
        raise FileFaultError(
            f"{path}: was made from other streets or speeds (source {made_from!r}, expected {source!r}); "
            "build the network again with RoadNetwork.from_streets() and write it with to_file()"
        )
    return network


def _given(network: RoadNetwork | type[RoadNetwork]) -> list[str]:
    return [each.name for each in fields(network) if each.init]


def _fault(archive: zipfile.ZipFile, meta: dict[str, Any]) -> str:
    """Say what is wrong with an archive by its directory, '' where nothing is."""
    if meta["format"] != FORMAT:
        return f"format {meta['format']}, expected {FORMAT}"
    found = {each.filename: each.CRC for each in archive.infolist() if each.filename != META}
    return "" if found == meta["checksums"] else "its content has changed since it was written"


def _arrays(archive: zipfile.ZipFile) -> Arrays:
    """Return the archive's arrays; the bytes read, whose checksums are formed on the way, are not copied."""
    arrays: Arrays = {}
    for name in archive.namelist():
        if name == META:
            continue
        content = archive.read(name)
        head = io.BytesIO(content)
        version = np.lib.format.read_magic(head)
        shape, columns_first, dtype = (
            np.lib.format.read_array_header_1_0(head)
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0(head)
        )
        if columns_first:
            raise ValueError(f"{name} is stored by columns")
        flat = np.frombuffer(content, dtype=dtype, offset=head.tell())
        arrays[name.removesuffix(".npy")] = flat.reshape(shape)
    return arrays


def _values(kind: type[RoadNetwork], arrays: Arrays, meta: dict[str, Any]) -> dict[str, Any]:
    """Return what the network is made of."""

    def parts(prefix: str) -> Arrays:
        return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}

    turns = parts(TURNS)
    values: dict[str, Any] = {
        "packed": Packed(**parts(PACKED), hash=meta["hash"]),
        "turns": Turns(**turns) if turns else None,
        "lines": LazyLines(arrays.pop(XY), arrays.pop(VERTICES)),
        "crs": pyproj.CRS.from_wkt(meta["crs"]),
        IDS: _ids(arrays.pop(IDS), arrays.pop(ID_ENDS)),
        **arrays,
    }
    values |= {name: meta[name] for name in _given(kind) if name not in values}
    return values


def _ids(text: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> pd.Index:
    """Return ids from their letters, one behind the other, and where each ends."""
    strings = pa.LargeStringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(text))
    return pd.Index(pd.array(strings, dtype="str"), name="street_id")

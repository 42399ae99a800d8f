"""A network in one file: a NumPy archive of plain arrays, never pickled."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from careshed._checks import new_file, readable_file
from careshed.errors import FileFaultError
from careshed.network._turns import Turns

if TYPE_CHECKING:
    from careshed.network import RoadNetwork

__all__ = ["read_network", "write_network"]

FORMAT = 1
META = "meta"
IDS = "street_ids"
XY, VERTICES = "geometry_xy", "geometry_vertices"
TURNS = "turns."

Network = TypeVar("Network", bound="RoadNetwork")


def write_network(network: RoadNetwork, path: Path | str, source: str) -> None:
    """Write a network's given fields: arrays as they are, lines as coordinates, the rest as JSON."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    meta: dict[str, Any] = {"format": FORMAT, "hash": network.hash, "source": source, "crs": network.crs.to_wkt()}
    for name in _given(network):
        value = getattr(network, name)
        if name == "geometry":
            arrays[XY] = shapely.get_coordinates(value)
            arrays[VERTICES] = shapely.get_num_coordinates(value)
        elif isinstance(value, Turns):
            arrays |= {f"{TURNS}{part}": array for part, array in value._asdict().items()}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, pd.Index):
            arrays[name] = _text(value.tolist())
        elif not isinstance(value, pyproj.CRS):
            meta[name] = value
    arrays[META] = _text(meta)
    with new_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # no array is named allow_pickle


def read_network(kind: type[Network], path: Path | str, source: str | None) -> Network:
    """Read a network that :func:`write_network` wrote."""
    path = readable_file(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta = _parsed(arrays.pop(META))
        made_from, fault = meta["source"], meta["format"] != FORMAT and f"format {meta['format']}, expected {FORMAT}"
        network = None if fault or source not in (None, made_from) else kind(**_values(kind, arrays, meta))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        IndexError,
        zipfile.BadZipFile,
    ) as error:
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
    if network.hash != meta["hash"]:
        raise FileFaultError(f"{path}: its content has changed since it was written; build and write it again")
    return network


def _given(network: RoadNetwork | type[RoadNetwork]) -> list[str]:
    return [each.name for each in fields(network) if each.init]


def _values(kind: type[RoadNetwork], arrays: dict[str, npt.NDArray[Any]], meta: dict[str, Any]) -> dict[str, Any]:
    """Return what the network is made of."""
    vertices = arrays.pop(VERTICES)
    line = np.repeat(np.arange(len(vertices)), vertices)
    lines = shapely.linestrings(arrays.pop(XY), indices=line) if len(line) else np.empty(0, dtype=object)
    turns = {name.removeprefix(TURNS): arrays.pop(name) for name in list(arrays) if name.startswith(TURNS)}
    values: dict[str, Any] = {
        "turns": Turns(**turns) if turns else None,
        **arrays,
        "geometry": lines,
        "crs": pyproj.CRS.from_wkt(meta["crs"]),
    }
    values[IDS] = pd.Index(_parsed(arrays[IDS]), dtype="str", name="street_id")
    values |= {name: meta[name] for name in _given(kind) if name not in values}
    return values


def _text(value: Any) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), dtype=np.uint8)


def _parsed(text: npt.NDArray[np.uint8]) -> Any:
    return json.loads(text.tobytes().decode())

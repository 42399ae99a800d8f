"""Travel times larger than memory: chunk by chunk into a folder, and on from where a killed run stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from careshed._checks import new_file, readable_file, sha256
from careshed.errors import FileFaultError, InputError
from careshed.network import Access, RoadNetwork
from careshed.reach._ends import Places, joined
from careshed.reach._limits import Seconds, limit_ms, per_id_ms
from careshed.reach._times import TravelTimes
from careshed.reach._travel import travel_times

__all__ = ["CHUNK", "CHUNK_PAIRS", "StreamedTimes", "Streaming", "stream_times"]

CHUNK = 10_000
"""Origins that are searched from at once, at most."""

CHUNK_PAIRS = 20_000_000
"""Pairs that a chunk has at most where its size isn't given: 160 MB, and as much again while it is written."""

MANIFEST = "manifest.json"
FORMAT = 1
TABLE = pa.schema(
    {
        "origin_id": pa.dictionary(pa.int32(), pa.string()),
        "destination_id": pa.dictionary(pa.int32(), pa.string()),
        "seconds": pa.float64(),
    }
)
TABLE_META = b"careshed.streamed"


class Streaming(NamedTuple):
    """How far streaming is: origins done and in all, pairs found, and how many of the origins an earlier run did."""

    done: int
    origins: int
    pairs: int
    kept: int


@dataclass(frozen=True, slots=True)
class StreamedTimes:
    """Travel times in a folder, read one chunk at a time.

    Made by :func:`stream_times`, or by :meth:`open` from its folder.

    Parameters
    ----------
    folder
        Where the chunks are: Parquet files as :meth:`TravelTimes.to_parquet` writes them.
    pairs
        Number of pairs in all.
    """

    folder: Path
    pairs: int
    _files: dict[str, str] = field(repr=False)
    _about: dict[str, Any] = field(repr=False)

    @classmethod
    def open(cls, folder: Path | str) -> StreamedTimes:
        """Open a folder that :func:`stream_times` finished.

        Raises
        ------
        FileFaultError
            If it isn't one, or isn't finished.
        """
        folder = Path(folder)
        manifest = _manifest(folder)
        done = manifest["done"]
        if len(done) < manifest["chunks"]:
            raise FileFaultError(
                f"{folder}: {len(done)} of {manifest['chunks']} chunks are there; run stream_times() again to finish it"
            )
        files = {name: each["sha256"] for name, each in sorted(done.items())}
        return cls(folder, sum(each["pairs"] for each in done.values()), files, manifest["about"])

    def __iter__(self) -> Iterator[TravelTimes]:
        """Yield the chunks in the origins' order, each with its own origins and all destinations."""
        for name, digest in self._files.items():
            path = readable_file(self.folder / name)
            if sha256(path) != digest:
                raise FileFaultError(f"{path}: has changed since it was written; run stream_times() again to redo it")
            yield TravelTimes.from_parquet(path)

    def discard(self) -> None:
        """Delete the chunks and the manifest, and the folder where nothing else is in it."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for name in self._files:
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def to_parquet(self, path: Path | str) -> None:
        """Write all pairs as one long table, chunk by chunk: ``origin_id``, ``destination_id``, ``seconds``.

        Rows are in the origins' order, then in the destinations'. Ids are dictionary-encoded strings (categories in
        pandas); mode, cutoff, the network's hash and speeds stand in the schema's metadata, as JSON under
        ``careshed.streamed``. Places without a pair are not in the table.

        Raises
        ------
        FileFaultError
            If a chunk is no longer as it was written.
        """
        schema = TABLE.with_metadata({TABLE_META: json.dumps(self._about, ensure_ascii=False)})
        with new_file(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for times in self:
                origin, destination, ms = times.pairs()
                ids = (origin, times.origin_ids), (destination, times.destination_ids)
                columns = [pa.DictionaryArray.from_arrays(at, pa.array(names, pa.string())) for at, names in ids]
                writer.write_table(pa.table([*columns, ms / 1000], schema=schema))


def stream_times(  # noqa: PLR0913 - all but the folder are travel_times' own
    network: RoadNetwork,
    origins: Places,
    destinations: Places,
    folder: Path | str,
    *,
    cutoff_s: float,
    origin_delay_s: Seconds | None = None,
    chunk: int | None = None,
    resume: bool = True,
    progress: Callable[[Streaming], None] | None = None,
    threads: int | None = None,
) -> StreamedTimes:
    """Compute the times of all pairs within a cutoff into a folder, so many origins at a time.

    A run that was stopped is taken up by calling it again: chunks that the folder's manifest lists, and whose bytes
    are as listed, are kept, half-written ones are done again. Where the network, the places, the cutoff, the delays or
    `chunk` differ from the manifest's, all is done anew.

    Parameters
    ----------
    network, origins, destinations, cutoff_s, origin_delay_s, threads
        As :func:`travel_times` takes them.
    folder
        A folder of its own; made where absent.
    chunk
        Origins at a time. Memory holds the pairs of one chunk. Default: `CHUNK`, fewer where so many origins could
        have more than `CHUNK_PAIRS` pairs.
    resume
        Whether to keep what an earlier run did; if not, all is done anew.
    progress
        Called at the start, when it is known what an earlier run did, and after each chunk that is computed.

    Raises
    ------
    InputError
        If `chunk` isn't positive, or the folder holds other files.
    """
    leave, arrive = joined(network, origins, what="origins"), joined(network, destinations, what="destinations")
    chunk = max(1, min(CHUNK, CHUNK_PAIRS // max(len(arrive), 1))) if chunk is None else chunk
    if chunk < 1:
        raise InputError(f"chunk is {chunk}; expected 1 origin or more")
    delay_ms = 0 if origin_delay_s is None else per_id_ms(origin_delay_s, leave.ids, what="origin_delay_s")
    rows = {
        f"times-{row:06d}.parquet": range(len(leave))[row * chunk :][:chunk] for row in range(-(-len(leave) // chunk))
    }
    folder = Path(folder)
    fresh: dict[str, Any] = {
        "format": FORMAT,
        "inputs": _digest(network, leave, arrive, limit_ms(cutoff_s), delay_ms, chunk),
        "about": {name: getattr(network, name) for name in ("mode", "hash", "profile")} | {"cutoff_s": float(cutoff_s)},
        "chunks": len(rows),
        "done": {},
    }
    manifest = _begun(folder, fresh, resume=resume)
    done = manifest["done"]
    kept = sum(len(rows[name]) for name in done)

    def tell() -> None:
        if progress:
            origins_done, pairs = sum(len(rows[name]) for name in done), sum(each["pairs"] for each in done.values())
            progress(Streaming(origins_done, len(leave), pairs, kept))

    tell()
    for name in [name for name in rows if name not in done]:
        some = leave.take(np.asarray(rows[name]))
        delays_s = pd.Series(delay_ms / 1000, index=leave.ids).reindex(some.ids) if origin_delay_s is not None else None
        times = travel_times(network, some, arrive, cutoff_s=cutoff_s, origin_delay_s=delays_s, threads=threads)
        times.to_parquet(folder / name)
        done[name] = {"pairs": len(times), "sha256": sha256(folder / name)}
        _write(folder, manifest)
        tell()
    return StreamedTimes.open(folder)


def _digest(network: RoadNetwork, leave: Access, arrive: Access, cutoff_ms: int, delay_ms: Any, chunk: int) -> str:
    """Return the SHA-256 of all that the times depend on."""
    digest = hashlib.sha256(f"{FORMAT}|{network.hash}|{cutoff_ms}|{chunk}".encode())
    digest.update(np.broadcast_to(np.int64(0) + delay_ms, len(leave)).tobytes())
    for side in (leave, arrive):
        digest.update(json.dumps([*side.ids, side.max_snap_m]).encode())
        for array in (side.edge, side.offset_m, side.at_forward_ms, side.at_backward_ms, side.leg_ms, side.leg_m):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _begun(folder: Path, fresh: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """Return the folder's manifest, without chunks that aren't whole, or begin with a fresh one."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MANIFEST).exists():
        strange = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".manifest-"))
        if strange:
            raise InputError(f"{folder}: holds {strange[0]} and no {MANIFEST}; give travel times a folder of their own")
        manifest = fresh
    else:
        manifest = _manifest(folder)
        if manifest["inputs"] != fresh["inputs"] or not resume:
            manifest = fresh
    done = {
        name: each
        for name, each in manifest["done"].items()
        if (folder / name).is_file() and sha256(folder / name) == each["sha256"]
    }
    for path in [*folder.glob("times-*.parquet"), *folder.glob(".times-*.parquet"), *folder.glob(".manifest-*.json")]:
        if path.name not in done:
            path.unlink()
    manifest["done"] = done
    _write(folder, manifest)
    return manifest


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    with new_file(folder / MANIFEST) as path:
        path.write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")


def _manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest, refusing what is none."""
    path = readable_file(folder / MANIFEST)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        done = manifest["done"].values()
        whole = all(isinstance(each["pairs"], int) and isinstance(each["sha256"], str) for each in done)
        whole &= manifest["format"] == FORMAT and isinstance(manifest["chunks"], int)
        whole &= "inputs" in manifest and isinstance(manifest["about"], dict)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise FileFaultError(f"{path}: isn't a manifest of travel times; delete the folder and run again")
    return manifest

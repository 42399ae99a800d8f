"""Travel times: a sparse table by id, of all pairs within a cutoff."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from careshed._checks import new_file, readable_file, require_columns
from careshed.errors import FileFaultError, InputError
from careshed.network import Access, id_index
from careshed.reach._limits import Seconds, as_ms, limit_ms, per_id_ms

__all__ = ["TravelTimes", "no_rejects", "rejects", "row_starts"]

Ints32 = npt.NDArray[np.int32]
Ints64 = npt.NDArray[np.int64]
Side = Literal["origin", "destination"]

NONE = np.iinfo(np.int64).max
REJECTED_COLUMNS = ("id", "role", "reason", "distance_m")
FORMAT = 1
META = b"careshed.times"
COLUMNS = {"origin": pa.int32(), "destination": pa.int32(), "ms": pa.int32()}


@dataclass(frozen=True, slots=True, eq=False)
class TravelTimes:
    """Times from origins to destinations, of all pairs within a cutoff.

    Made by :func:`careshed.reach.travel_times`. Memory grows with the pairs
    found. Ask by id; the arrays behind are private, since arithmetic on a
    sparse matrix takes absent pairs for zeros.

    Parameters
    ----------
    origin_ids, destination_ids
        Unique strings, rejected places included.
    cutoff_s
        Pairs further apart are absent.
    mode
        The network's mode.
    network_hash, profile
        The network's hash and its speeds in words, ``''`` where the times came from elsewhere.
    rejected
        Places that could not be joined to the network: ``id``, ``role``
        (``'origin'`` or ``'destination'``), ``reason``, ``distance_m``.
    """

    origin_ids: pd.Index
    destination_ids: pd.Index
    cutoff_s: float
    mode: str
    network_hash: str
    rejected: pd.DataFrame
    _start: Ints64 = field(repr=False)
    _destination: Ints32 = field(repr=False)
    _ms: Ints32 = field(repr=False)
    profile: str = ""

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for array in (self._start, self._destination, self._ms):
            array.flags.writeable = False

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._ms)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        cutoff_s: float,
        mode: str = "given",
        origins: pd.Index | None = None,
        destinations: pd.Index | None = None,
    ) -> Self:
        """Make travel times from a long table, such as another program's.

        Parameters
        ----------
        frame
            Columns ``origin_id``, ``destination_id``, ``seconds``, each pair once.
        cutoff_s
            What the table was cut off at; no row may exceed it.
        mode
            For the record.
        origins, destinations
            All ids, in the order wanted; default: those in the table, sorted.

        Raises
        ------
        InputError
            If a time is negative, missing or beyond the cutoff, a pair stands twice, or an id isn't in `origins`
            or `destinations`.
        """
        require_columns(frame, {"origin_id", "destination_id", "seconds"}, what="the table of times")
        ids = [
            id_index(pd.Index(sorted(frame[f"{side}_id"].unique())) if given is None else given, what=f"{side}s")
            for side, given in (("origin", origins), ("destination", destinations))
        ]
        positions = [
            known.get_indexer(pd.Index(frame[f"{side}_id"]))
            for known, side in zip(ids, ("origin", "destination"), strict=True)
        ]
        ms = as_ms(frame["seconds"].to_numpy(dtype=np.float64), what="column seconds of the table of times")
        _refuse_bad_pairs((*positions, ms), limit_ms(cutoff_s))
        return cls._of_pairs(ids[0], ids[1], cutoff_s, mode, ("", ""), no_rejects(), *positions, ms)

    @classmethod
    def _of_pairs(
        cls,
        origin_ids: pd.Index,
        destination_ids: pd.Index,
        cutoff_s: float,
        mode: str,
        source: tuple[str, str],
        rejected: pd.DataFrame,
        *pairs: npt.NDArray[np.integer],
    ) -> Self:
        """Sort pairs (origin, destination, ms) into rows, refusing one that stands twice; `source`: hash, profile."""
        origin, destination, ms = pairs
        key = origin.astype(np.int64) * max(len(destination_ids), 1) + destination
        if (np.diff(key) <= 0).any():
            order = np.argsort(key, kind="stable")
            key, origin, destination, ms = key[order], origin[order], destination[order], ms[order]
            if (np.diff(key) == 0).any():
                raise InputError("a pair of origin and destination stands twice")
        return cls(
            origin_ids,
            destination_ids,
            float(cutoff_s),
            mode,
            source[0],
            rejected,
            row_starts(origin, len(origin_ids)),
            destination.astype(np.int32),
            ms.astype(np.int32),
            source[1],
        )

    def pairs(self) -> tuple[Ints32, Ints32, Ints32]:
        """Return positions of origins and of destinations, and milliseconds, sorted by origin then destination."""
        origin = np.repeat(np.arange(len(self.origin_ids), dtype=np.int32), np.diff(self._start))
        return origin, self._destination, self._ms

    def to_frame(self) -> pd.DataFrame:
        """Return all pairs as a long table: ``origin_id``, ``destination_id``, ``seconds``."""
        origin, destination, ms = self.pairs()
        return pd.DataFrame(
            {
                "origin_id": self.origin_ids[origin],
                "destination_id": self.destination_ids[destination],
                "seconds": ms / 1000,
            }
        )

    def within(self, seconds: float) -> pd.DataFrame:
        """Return the pairs at most `seconds` apart: ``origin_id``, ``destination_id``.

        Raises
        ------
        InputError
            If `seconds` is more than the cutoff: pairs beyond it weren't looked for.
        """
        most_ms = limit_ms(seconds, zero=True)
        if most_ms > limit_ms(self.cutoff_s):
            raise InputError(
                f"asked for pairs within {seconds:g} s of times cut off at {self.cutoff_s:g} s; "
                "compute them with a larger cutoff_s"
            )
        origin, destination, ms = self.pairs()
        near = ms <= most_ms
        return pd.DataFrame(
            {"origin_id": self.origin_ids[origin[near]], "destination_id": self.destination_ids[destination[near]]}
        )

    def nearest(self, by: Side = "origin", k: int = 1, *, delay_s: Seconds | None = None) -> pd.DataFrame:
        """Return the nearest place of the other side, for each of one side.

        Parameters
        ----------
        by
            The side whose ids are the index.
        k
            How many. With more than one, columns are numbered: ``destination_id_1``, ``seconds_1``, ….
        delay_s
            Seconds added to each origin's times before they are compared, one
            figure or one for each origin (call handling and turnout).

        Returns
        -------
        pandas.DataFrame
            Columns ``destination_id`` (or ``origin_id``) and ``seconds``; NaN
            where there is none within the cutoff. Of places equally near the
            first comes first.
        """
        if by not in ("origin", "destination"):
            raise InputError(f"by is {by!r}; expected 'origin' or 'destination'")
        if k < 1:
            raise InputError(f"k is {k}; expected 1 or more")
        origin, destination, ms = self.pairs()
        total = ms.astype(np.int64)
        if delay_s is not None:
            total += per_id_ms(delay_s, self.origin_ids, what="delay_s")[origin]
        sides = (origin, self.origin_ids), (destination, self.destination_ids)
        (mine, my_ids), (other, other_ids) = sides if by == "origin" else sides[::-1]
        # one integer that orders by time, then by position
        key = (total << 32) | other
        table = pd.DataFrame(index=my_ids.rename(f"{by}_id"))
        name = "destination_id" if by == "origin" else "origin_id"
        for nth in range(k):
            best = np.full(len(my_ids), NONE, dtype=np.int64)
            np.minimum.at(best, mine, key)
            key[key == best[mine]] = NONE
            there = best < NONE
            column = pd.Series(np.nan, index=table.index, dtype="str")
            column[there] = other_ids[best[there] & 0xFFFFFFFF]
            suffix = f"_{nth + 1}" if k > 1 else ""
            table[name + suffix] = column
            table[f"seconds{suffix}"] = np.where(there, (best >> 32) / 1000, np.nan)
        return table

    def select(self, *, origins: pd.Index | None = None, destinations: pd.Index | None = None) -> TravelTimes:
        """Return the times of some origins and destinations, in the order given.

        Parameters
        ----------
        origins, destinations
            Ids; default all.

        Raises
        ------
        InputError
            If an id is unknown.
        """
        chosen = [
            np.arange(len(known)) if wanted is None else _positions(known, pd.Index(wanted), side)
            for known, wanted, side in (
                (self.origin_ids, origins, "origins"),
                (self.destination_ids, destinations, "destinations"),
            )
        ]
        origin, destination, ms = self.pairs()
        new = []
        for known, some in zip((self.origin_ids, self.destination_ids), chosen, strict=True):
            rank = np.full(len(known), -1, dtype=np.int32)
            rank[some] = np.arange(len(some), dtype=np.int32)
            new.append(rank)
        origin, destination = new[0][origin], new[1][destination]
        kept = (origin >= 0) & (destination >= 0)
        names = {"origin": self.origin_ids[chosen[0]], "destination": self.destination_ids[chosen[1]]}
        role, named = self.rejected["role"], self.rejected["id"]
        concerned = np.logical_or.reduce([(role == side) & named.isin(ids) for side, ids in names.items()])
        return TravelTimes._of_pairs(
            names["origin"],
            names["destination"],
            self.cutoff_s,
            self.mode,
            (self.network_hash, self.profile),
            self.rejected[concerned].reset_index(drop=True),
            origin[kept],
            destination[kept],
            ms[kept],
        )

    def to_parquet(self, path: Path | str) -> None:
        """Write the times to a Parquet file.

        Columns are ``origin`` and ``destination`` (positions) and ``ms``; ids,
        cutoff, mode, network hash, profile and rejects stand in the schema's metadata.
        """
        meta = {
            "format": FORMAT,
            "cutoff_s": self.cutoff_s,
            "mode": self.mode,
            "network_hash": self.network_hash,
            "profile": self.profile,
            "origin_ids": self.origin_ids.tolist(),
            "destination_ids": self.destination_ids.tolist(),
            "rejected": [
                [None if value != value else value for value in row]  # noqa: PLR0124 - NaN isn't JSON
                for row in self.rejected[list(REJECTED_COLUMNS)].to_numpy(dtype=object).tolist()
            ],
        }
        text = json.dumps(meta, ensure_ascii=False, allow_nan=False)
        table = pa.table(
            dict(zip(COLUMNS, self.pairs(), strict=True)),
            schema=pa.schema(COLUMNS, metadata={META: text.encode()}),
        )
        with new_file(path) as file:
            pq.write_table(table, file, compression="zstd")

    @classmethod
    def from_parquet(cls, path: Path | str) -> Self:
        """Read times that :meth:`to_parquet` wrote.

        Raises
        ------
        FileFaultError
            If the file isn't Parquet, isn't one of ours, or its content doesn't hold together.
        """
        path = readable_file(path)
        try:
            table = pq.read_table(path, partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise FileFaultError(f"{path}: isn't a readable Parquet file ({error}); write it again") from error
        text = (table.schema.metadata or {}).get(META)
        if text is None or dict(zip(table.schema.names, table.schema.types, strict=True)) != COLUMNS:
            raise FileFaultError(f"{path}: holds no travel times; expected a file that TravelTimes.to_parquet() wrote")
        try:
            return cls._of_table(table, json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileFaultError(
                f"{path}: its travel times don't hold together: {error}; compute them again"
            ) from error

    @classmethod
    def _of_table(cls, table: pa.Table, meta: dict[str, Any]) -> Self:
        """Check a table and its metadata; anything wrong raises a ValueError, KeyError or TypeError."""
        if meta["format"] != FORMAT:
            raise ValueError(f"format {meta['format']}, expected {FORMAT}")
        ids = []
        for side in ("origin", "destination"):
            names = meta[f"{side}_ids"]
            if not isinstance(names, list):
                raise TypeError(f"{side}_ids is no list")
            ids.append(id_index(pd.Index(names, dtype=object), what=f"{side}_ids"))
        # files of earlier versions name no profile
        texts = meta["mode"], meta["network_hash"], meta.get("profile", "")
        cutoff_s = meta["cutoff_s"]
        if not (all(isinstance(text, str) for text in texts) and isinstance(cutoff_s, int | float)):
            raise TypeError("mode, network_hash, profile or cutoff_s is of the wrong type")
        if any(table.column(name).null_count for name in COLUMNS):
            raise ValueError("a value is missing")
        pairs = [table.column(name).to_numpy() for name in COLUMNS]
        sizes = len(ids[0]), len(ids[1])
        for side, position, size in zip(("origin", "destination"), pairs, sizes, strict=False):
            if len(position) and not 0 <= position.min() <= position.max() < size:
                raise ValueError(f"an {side} position is outside 0…{size - 1}")
        _refuse_bad_pairs(pairs, limit_ms(cutoff_s))
        rejected = pd.DataFrame(meta["rejected"], columns=list(REJECTED_COLUMNS)).astype(no_rejects().dtypes)
        return cls._of_pairs(ids[0], ids[1], float(cutoff_s), texts[0], texts[1:], rejected, *pairs)


def no_rejects() -> pd.DataFrame:
    """Return an empty table of rejected places."""
    kinds = dict.fromkeys(REJECTED_COLUMNS, "str") | {"distance_m": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def rejects(origins: Access, destinations: Access) -> pd.DataFrame:
    """Return the rejected places of both sides, with their roles."""
    tables = [
        access.rejected.assign(role=role) for access, role in ((origins, "origin"), (destinations, "destination"))
    ]
    filled = [table for table in tables if len(table)]
    if not filled:
        return no_rejects()
    return pd.concat(filled, ignore_index=True)[list(REJECTED_COLUMNS)].astype(no_rejects().dtypes)


def row_starts(rows: npt.NDArray[np.integer], count: int) -> Ints64:
    """Return where each row starts among values sorted by row, and the end."""
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=start[1:])
    return start


def _positions(known: pd.Index, wanted: pd.Index, what: str) -> npt.NDArray[np.intp]:
    wanted = id_index(wanted, what=what)
    found = known.get_indexer(wanted)
    if (found < 0).any():
        raise InputError(f"{what}: {(found < 0).sum()} ids are unknown (first: {wanted[found < 0][0]})")
    return np.asarray(found)


def _refuse_bad_pairs(pairs: Sequence[npt.NDArray[np.integer]], most_ms: int) -> None:
    """Refuse unknown ids (−1) and times beyond the cutoff."""
    origin, destination, ms = pairs
    if (origin < 0).any() or (destination < 0).any():
        raise InputError("the table of times has ids that aren't among the given ones")
    if len(ms) and not 0 <= ms.min() <= ms.max() <= most_ms:
        raise InputError(f"times run from {ms.min()} to {ms.max()} ms; expected 0 to the cutoff, {most_ms} ms")

"""Scoring a file of candidates, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely

from careshed._checks import new_file
from careshed.area import StudyArea
from careshed.errors import DuplicateIdError, InputError, RowFaultError
from careshed.network import Profile
from careshed.scoring.measure import Baseline, baseline, score_candidates
from careshed.tables import Places, read_places_in_chunks

__all__ = ["CHUNK", "Scores", "score_file"]

CHUNK = 5_000
"""Candidates that are held at once."""

_KEYS = ["people_gained", "communities_gained", "time_saved_s"]
"""What candidates are ranked by, in this order, more first; equal ones stand as in the file."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The outcome of scoring a file.

    Parameters
    ----------
    scored
        Number of candidates that were scored.
    best
        The ten best, on their ids.
    rejected
        Rows that could not be scored: ``file``, ``line``, ``id``, ``reason``.
    speeds
        The speeds and delays that times were computed with, in words.
    """

    scored: int
    best: pd.DataFrame
    rejected: pd.DataFrame
    speeds: str


def score_file(  # noqa: PLR0913 - options, each with its name
    area: StudyArea,
    candidates: Path | str,
    output: Path | str,
    *,
    service: str = "chc",
    profile: Profile | None = None,
    hour: int | None = None,
    strict: bool = False,
    chunk: int = CHUNK,
    progress: Callable[[str], None] | None = None,
) -> Scores:
    """Score every candidate of a table into a file.

    Parameters
    ----------
    area
        The study area.
    candidates
        Table of sites with longitude and latitude (``FILE`` or ``FILE:datum``),
        and an id where there is one; other columns are carried along.
    output
        ``.parquet`` or ``.csv``; rejected rows go beside it, into ``….rejected.csv``.
    service
        Id of a service in the area's targets.
    profile
        The time model; default the packaged one.
    hour
        Hour of the day; None is free flow.
    strict
        Refuse the file when any row is rejected.
    chunk
        Candidates held at once.
    progress
        Called with a sentence after each chunk.

    Returns
    -------
    Scores
        Counts, the best ten and the rejected rows. The file has the columns of
        `score_candidates`, longitude and latitude (WGS-84, degrees) and ``rank``, in the order of the table.

    Raises
    ------
    InputError
        If `output` has another suffix.
    DuplicateIdError
        If an id occurs twice.
    RowFaultError
        If no row can be scored, or one can't and `strict` is set.
    """
    output = Path(output)
    if output.suffix not in {".parquet", ".csv"}:
        raise InputError(f"{output}: is neither .parquet nor .csv; name the scores file one of these")
    today = baseline(area, service, profile=profile, hour=hour)
    rejected: list[pd.DataFrame] = []
    keys: list[pd.DataFrame] = []
    seen: set[int] = set()
    with new_file(output) as final, TemporaryDirectory(dir=output.parent, prefix=".scores-") as folder:
        chunks = read_places_in_chunks(candidates, "candidates", rows=chunk, crs=area.crs, units=area.subdistricts)
        for number, places in enumerate(chunks):
            scores, bad = _score_chunk(today, places, candidates)
            rejected.append(bad)
            _refuse_seen(scores.index, seen, candidates)
            scores.reset_index().to_parquet(Path(folder, f"{number:06}.parquet"), index=False)
            keys.append(scores[_KEYS].reset_index(drop=True))
            if progress is not None:
                progress(f"{sum(map(len, keys)):,} candidates scored")
        bad_rows = pd.concat(rejected, ignore_index=True)
        ranks = _ranks(pd.concat(keys, ignore_index=True))
        if not len(ranks) or (strict and len(bad_rows)):
            raise RowFaultError(_refusal(candidates, bad_rows, len(ranks)))
        best = _write_ranked(sorted(Path(folder).iterdir()), final, ranks)
    _write_rejects(bad_rows, output.with_suffix(".rejected.csv"))
    return Scores(len(ranks), best, bad_rows, today.network.profile)


def _score_chunk(today: Baseline, places: Places, candidates: Path | str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the places of a chunk; those too far from any street are rejected with their line."""
    frame = places.frame
    scores = score_candidates(today, frame.geometry)
    degrees = frame.geometry.to_crs(4326)
    carried = frame.drop(columns=["geometry", "status", "tier"]).astype("str")
    table = carried.join(scores)
    table.insert(0, "longitude", shapely.get_x(degrees.array).round(7))
    table.insert(1, "latitude", shapely.get_y(degrees.array).round(7))
    far = table["snap_m"].isna().to_numpy()
    bad = pd.DataFrame(
        {
            "file": Path(candidates).name,
            "line": places.lines[far].astype("str").to_numpy(),
            "id": frame.index[far],
            "reason": f"too far from any street that the service is reached by ({today.service.mode})",
        }
    )
    return table[~far], pd.concat([places.rejected, bad], ignore_index=True)


def _refuse_seen(ids: pd.Index, seen: set[int], candidates: Path | str) -> None:
    """Refuse an id that an earlier chunk had; hashes of 8 bytes stand for ids."""
    hashes = pd.util.hash_array(ids.to_numpy(dtype=object))
    twice = [str(site) for site, key in zip(ids, hashes.tolist(), strict=True) if key in seen]
    if twice:
        raise DuplicateIdError(f"{candidates}: id {twice[0]} occurs more than once; give each candidate its own id")
    seen.update(hashes.tolist())


def _refusal(candidates: Path | str, rejected: pd.DataFrame, scored: int) -> str:
    first = f"; first: line {rejected['line'].iloc[0]}: {rejected['reason'].iloc[0]}" if len(rejected) else ""
    found = f"{len(rejected)} rows can't be scored" if scored else f"none of the {len(rejected)} rows can be scored"
    remedy = "mend them, or run without --strict to leave them out" if scored else "mend them"
    return f"{candidates}: {found}{first}; {remedy}"


def _ranks(keys: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return each candidate's rank from 1, ties in the order of the file."""
    columns = [-keys[name].to_numpy() for name in reversed(_KEYS)]
    order = np.lexsort(columns)
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = np.arange(1, len(keys) + 1)
    return ranks


def _write_ranked(chunks: list[Path], final: Path, ranks: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Write all chunks with their ranks into one file; return the ten best."""
    best: list[pd.DataFrame] = []
    writer: pq.ParquetWriter | pyarrow.csv.CSVWriter | None = None
    done = 0
    for chunk in chunks:
        table = pq.read_table(chunk)
        part = ranks[done : done + len(table)]
        done += len(table)
        table = table.append_column("rank", pa.array(part)).replace_schema_metadata(None)
        if writer is None:
            make = pq.ParquetWriter if final.suffix == ".parquet" else pyarrow.csv.CSVWriter
            writer = make(final, table.schema)
        writer.write_table(table.cast(writer.schema) if isinstance(writer, pq.ParquetWriter) else table)
        top = part <= 10
        best.append(table.filter(pa.array(top)).to_pandas().set_index("site_id"))
    if writer is not None:
        writer.close()
    return pd.concat(best).sort_values("rank")


def _write_rejects(rejected: pd.DataFrame, path: Path) -> None:
    """Write the rejected rows beside the scores, or remove those of an earlier run."""
    if rejected.empty:
        path.unlink(missing_ok=True)
        return
    with new_file(path) as new:
        rejected.to_csv(new, index=False, encoding="utf-8-sig", lineterminator="\n")

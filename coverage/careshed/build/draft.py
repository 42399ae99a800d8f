"""What is known of an area while it is being built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import geopandas as gpd
import pandas as pd
import pyproj

from careshed._checks import sha256
from careshed.area import GIVEN_COLUMNS, SCHEMAS, Provenance, empty_layer
from careshed.datums import split_datum
from careshed.osm import OsmExtract
from careshed.tables import Places

__all__ = ["Draft", "fit"]


@dataclass(slots=True)
class Draft:
    """Layers and facts gathered so far.

    Attributes
    ----------
    crs
        The area's CRS.
    extract
        Features of OpenStreetMap beside the roads, where the roads come from there.
    say
        Is told each step.
    strict
        Whether a rejected row is an error.
    layers
        Layers by name, by their schemas.
    """

    crs: pyproj.CRS
    extract: OsmExtract | None
    say: Callable[[str], None]
    strict: bool
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    provenance: dict[str, Provenance] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    assumptions: dict[str, str] = field(default_factory=dict)
    rejected: list[pd.DataFrame] = field(default_factory=list)

    @property
    def streets(self) -> gpd.GeoDataFrame:
        """The streets."""
        return self.layers["streets"]

    @property
    def units(self) -> gpd.GeoDataFrame:
        """The subdistricts."""
        return self.layers["subdistricts"]

    def hash_file(self, path: Path | str, layer: str) -> str:
        """Keep the SHA-256 of a file, of all parts of a shapefile, and return the file's name."""
        path, _ = split_datum(path)
        parts = sorted(path.parent.glob(f"{path.stem}.*")) if path.suffix.lower() == ".shp" else [path]
        for part in parts:
            digest = sha256(part)
            name = part.name if self.inputs.get(part.name, digest) == digest else f"{layer}/{part.name}"
            self.inputs[name] = digest
        return path.name

    def came_from(
        self, layer: str, status: Literal["real", "estimated", "synthetic"], source: str, date: str = ""
    ) -> None:
        """Keep where a layer comes from."""
        self.provenance[layer] = Provenance(status, source, date)

    def took(self, places: Places, layer: str) -> None:
        """Keep the rejected rows of a file and what was said about it."""
        self.rejected.append(places.rejected)
        if len(places.rejected):
            self.say(f"{places.file}: {len(places.rejected)} rows rejected, {len(places.frame)} read")
        if places.notes:
            self.assumptions[f"{layer} file"] = "; ".join(places.notes)

    def reject(self, file: str, ids: pd.Index, reasons: list[str]) -> None:
        """Keep places that were left out, of a source without lines."""
        self.rejected.append(pd.DataFrame({"file": file, "line": "", "id": ids, "reason": reasons}, dtype="str"))

    def all_rejected(self) -> pd.DataFrame:
        """Return every rejected row: file, line, id, reason."""
        none = pd.DataFrame({name: [] for name in ("file", "line", "id", "reason")}, dtype="str")
        return pd.concat([none, *self.rejected], ignore_index=True)


def fit(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Cut a frame to its layer's columns and types; columns that need not be given are kept where they are."""
    index, columns = SCHEMAS[layer]
    if not len(frame):
        return empty_layer(layer, frame.crs)
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    columns = columns | {name: kind for name, kind in GIVEN_COLUMNS.get(layer, {}).items() if name in frame}
    shaped = frame[[*columns, "geometry"]].astype(columns)
    shaped.index = pd.Index(shaped.index, dtype="str", name=index)
    return shaped

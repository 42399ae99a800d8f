"""StudyArea: all that is known about a district, and its folder on disk.

Every layer is a GeoDataFrame of a fixed schema in one projected CRS, in
metres. A layer that is missing is an empty frame of the same schema, and
`StudyArea.missing` says why.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
import pyarrow.lib
import pyproj
import shapely

from careshed._checks import new_folder, readable_file, require_columns, require_projected, require_unique, sha256
from careshed.errors import FileFaultError, InputError
from careshed.targets import Targets, read_targets

__all__ = ["GIVEN_COLUMNS", "SCHEMAS", "Provenance", "StudyArea", "empty_layer"]

FORMAT = 1
"""Version of the folder's layout; a folder of another version is refused."""

SCHEMAS: dict[str, tuple[str, dict[str, str]]] = {
    "streets": (
        "street_id",
        {
            "u": "int64",
            "v": "int64",
            "highway": "str",
            "walk": "int8",
            "drive": "int8",
            "maxspeed_kmh": "float64",
            "name": "str",
        },
    ),
    "subdistricts": (
        "subdistrict_id",
        {"name": "str", "name_en": "str", "population": "float64", "population_status": "str"},
    ),
    "communities": (
        "community_id",
        {"name": "str", "subdistrict_id": "str", "population": "float64", "population_status": "str"},
    ),
    "demand": (
        "demand_id",
        {"subdistrict_id": "str", "community_id": "str", "population": "int64", "elderly": "int64", "calls": "float64"},
    ),
    "facilities": (
        "facility_id",
        {
            "name": "str",
            "kind": "str",
            "status": "str",
            "tier": "str",
            "capacity": "float64",
            "subdistrict_id": "str",
            "outside": "bool",
            "address": "str",
        },
    ),
    "candidates": ("site_id", {"name": "str", "status": "str", "tier": "str", "subdistrict_id": "str"}),
    "backdrop": ("backdrop_id", {"kind": "str", "name": "str"}),
    "junctions": (
        "junction_id",
        {"junction": "int64", "kind": "str", "from_street": "str", "elevation_m": "float64"},
    ),
    "turns": (
        "turn_id",
        {"from_street": "str", "junction": "int64", "to_street": "str", "kind": "str", "exempt": "str", "via": "str"},
    ),
}
"""Layer → (name of its index, columns with their types); geometry comes last."""

GIVEN_COLUMNS: dict[str, dict[str, str]] = {
    "facilities": {"owner": "str", "cost": "float64", "closing_cost": "float64"},
    "candidates": {"owner": "str", "cost": "float64"},
}
"""Columns that a layer has only where a planner gave them: siting rules about owners and money read them."""

VIA = ";"
"""Stands between the streets of a turn's ``via``: those that are gone along from the junction before `to_street`."""

OPTIONAL = ("junctions", "turns")
"""Layers that have no file where they are empty."""

_SUFFIXES = {".parquet", ".toml", ".json"}
_REJECTED = ["file", "line", "id", "reason"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a layer comes from.

    Parameters
    ----------
    status
        ``real``, ``estimated`` or ``synthetic``.
    source
        Who made it, with the licence where one is known.
    date
        Date of the data, as the source gives it.
    """

    status: Literal["real", "estimated", "synthetic"]
    source: str
    date: str = ""

    def __post_init__(self) -> None:
        """Refuse a status that maps and reports would not know."""
        if self.status not in {"real", "estimated", "synthetic"}:
            raise InputError(f"provenance status is {self.status!r}; expected real, estimated or synthetic")


def empty_layer(layer: str, crs: pyproj.CRS | None = None) -> gpd.GeoDataFrame:
    """Return an empty frame of a layer's schema.

    Parameters
    ----------
    layer
        A key of `SCHEMAS`.
    crs
        Its CRS.
    """
    index, columns = SCHEMAS[layer]
    data = {name: pd.Series([], dtype=kind) for name, kind in columns.items()}
    frame = gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    frame.index = pd.Index([], dtype="str", name=index)
    return frame


def _no_rejects() -> pd.DataFrame:
    return pd.DataFrame({"file": [], "line": [], "id": [], "reason": []}, dtype="str")


@dataclass(frozen=True, slots=True, eq=False)
class StudyArea:
    """A district to plan for.

    Parameters
    ----------
    name
        Its name, for people.
    crs
        The one projected CRS (a UTM zone, metres) of every layer.
    streets, subdistricts, communities, demand, facilities, candidates, backdrop
        Layers by the schemas in `SCHEMAS`; empty where missing.
    junctions
        Tags and elevations of junctions: ``kind`` (``traffic_signals``, ``stop``, ``crossing``, ``give_way``, or
        ``barrier``: closed to cars; ``''`` none), ``from_street`` (the street that one waits on, ``''`` all),
        ``elevation_m`` (NaN unknown). Empty where not given.
    turns
        Turn restrictions: from one street over a junction to another, ``kind`` as in OpenStreetMap (``no_left_turn``,
        ``only_straight_on`` …), ``exempt`` (OpenStreetMap's ``except``) and ``via`` (streets gone along in between,
        with semicolons; ``''`` none). Empty where not given.
    targets
        What the planning documents ask.
    provenance
        Layer → where it comes from.
    inputs
        File name → SHA-256 of each file it was built from.
    missing
        Layer → why it is not there.
    assumptions
        Figure → the value taken while building, in words.
    rejected
        Rows that could not be used: ``file``, ``line``, ``id``, ``reason``.
    files
        Where it was read from a folder: file of the folder → SHA-256.

    Raises
    ------
    CRSError
        If the CRS is not projected in metres or a layer is in another.
    MissingColumnError, DuplicateIdError
        If a layer does not follow its schema.

    Examples
    --------
    >>> area = StudyArea.read("data/xicheng")  # doctest: +SKIP
    >>> len(area.subdistricts)  # doctest: +SKIP
    15
    """

    name: str
    crs: pyproj.CRS
    streets: gpd.GeoDataFrame
    subdistricts: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    junctions: gpd.GeoDataFrame = None
    turns: gpd.GeoDataFrame = None
    targets: Targets = field(default_factory=Targets)
    provenance: dict[str, Provenance] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    assumptions: dict[str, str] = field(default_factory=dict)
    rejected: pd.DataFrame = field(default_factory=_no_rejects)
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every layer against its schema."""
        require_projected(self.crs, what=f"area {self.name}")
        for layer in OPTIONAL:
            if getattr(self, layer) is None:
                object.__setattr__(self, layer, empty_layer(layer, self.crs))
        for layer in SCHEMAS:
            _check_layer(getattr(self, layer), layer, self.crs)
        require_columns(self.rejected, set(_REJECTED), what="rejected")

    @property
    def boundary(self) -> shapely.Geometry:
        """The union of the subdistricts, in the area's CRS."""
        return shapely.union_all(self.subdistricts.geometry.array)

    @property
    def synthetic(self) -> bool:
        """True when the roads or the facilities are synthetic."""
        return any(
            layer in self.provenance and self.provenance[layer].status == "synthetic"
            for layer in ("streets", "facilities")
        )

    @property
    def people(self) -> int:
        """People of the area, as its demand points carry them."""
        return int(self.demand["population"].sum())

    def facilities_of(self, kinds: tuple[str, ...]) -> gpd.GeoDataFrame:
        """Return the existing facilities of some kinds, outside ones included.

        Parameters
        ----------
        kinds
            Kinds of facility, as a service's `Service.kinds`.
        """
        frame = self.facilities
        return frame[frame["kind"].isin(kinds) & (frame["status"] == "existing")]

    def write(self, folder: Path | str, *, targets_toml: Path | str | None = None) -> None:
        """Write the area into a folder; what stood there under the same names is replaced at the end.

        Parameters
        ----------
        folder
            The folder, made where it does not exist.
        targets_toml
            The file that `targets` was read from; it is copied as it is, comments included.
        """
        with new_folder(folder, owned=[f"{layer}.parquet" for layer in OPTIONAL]) as new:
            for layer in SCHEMAS:
                frame = getattr(self, layer)
                if layer in OPTIONAL and frame.empty:
                    continue
                frame.to_parquet(new / f"{layer}.parquet", compression="zstd", index=True)
            self.rejected.to_csv(new / "rejected.csv", index=False, encoding="utf-8-sig", lineterminator="\n")
            (new / "area.json").write_text(self._facts(), encoding="utf-8", newline="\n")
            if targets_toml is not None:
                shutil.copyfile(targets_toml, new / "targets.toml")

    def _facts(self) -> str:
        facts = {
            "format": FORMAT,
            "name": self.name,
            "crs": self.crs.to_string(),
            "provenance": {layer: dataclasses.asdict(row) for layer, row in sorted(self.provenance.items())},
            "inputs": self.inputs,
            "missing": self.missing,
            "assumptions": self.assumptions,
        }
        return json.dumps(facts, ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path | str) -> StudyArea:
        """Read an area from its folder.

        Parameters
        ----------
        folder
            A folder that `StudyArea.write`, ``careshed build`` or ``careshed synthesize`` made.

        Raises
        ------
        FileFaultError
            If the folder is no area, or a file in it is absent, broken or of another version.
        """
        folder = Path(folder)
        facts = _read_facts(folder)
        crs = pyproj.CRS.from_user_input(facts["crs"])
        paths = {layer: folder / f"{layer}.parquet" for layer in SCHEMAS}
        layers = {
            layer: _read_layer(path, layer) for layer, path in paths.items() if layer not in OPTIONAL or path.exists()
        }
        targets = folder / "targets.toml"
        rejected = folder / "rejected.csv"
        return cls(
            name=facts["name"],
            crs=crs,
            **layers,
            targets=read_targets(targets) if targets.exists() else Targets(),
            provenance={layer: Provenance(**row) for layer, row in facts["provenance"].items()},
            inputs=facts["inputs"],
            missing=facts["missing"],
            assumptions=facts["assumptions"],
            rejected=pd.read_csv(rejected, dtype="str", keep_default_na=False, encoding="utf-8-sig")
            if rejected.exists()
            else _no_rejects(),
            files={path.name: sha256(path) for path in sorted(folder.glob("*.*")) if path.suffix in _SUFFIXES},
        )


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "area.json"
    if not path.exists():
        raise FileFaultError(
            f"{folder}: is no study area (it has no area.json); make one with careshed build, or name data/xicheng"
        )
    try:
        facts = json.loads(readable_file(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FileFaultError(f"{path}: is no JSON in UTF-8 ({error}); build the area again") from None
    wanted = {"format", "name", "crs", "provenance", "inputs", "missing", "assumptions"}
    if not isinstance(facts, dict) or not wanted <= facts.keys():
        raise FileFaultError(f"{path}: lacks some of {', '.join(sorted(wanted))}; build the area again")
    if facts["format"] != FORMAT:
        raise FileFaultError(
            f"{path}: is of format {facts['format']}; this version reads {FORMAT}: build the area again"
        )
    return facts


def _read_layer(path: Path, layer: str) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(readable_file(path))
    except (pyarrow.lib.ArrowException, ValueError, OSError) as error:
        if isinstance(error, FileFaultError):
            raise
        raise FileFaultError(f"{path}: the {layer} can't be read ({error}); build the area again") from None


def _check_layer(frame: gpd.GeoDataFrame, layer: str, crs: pyproj.CRS) -> None:
    index, columns = SCHEMAS[layer]
    require_columns(frame, {*columns, "geometry"}, what=layer)
    if frame.index.name != index:
        raise InputError(f"{layer}: the index is named {frame.index.name!r}; expected {index!r}")
    require_unique(frame.index, what=layer)
    if require_projected(frame.crs, what=layer) != crs:
        raise InputError(f"{layer} is in {frame.crs.name}, the area in {crs.name}; reproject with to_crs()")

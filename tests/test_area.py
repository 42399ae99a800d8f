"""A study area on disk, and what is refused."""

import json

import pytest
from geopandas.testing import assert_geodataframe_equal

from careshed.area import SCHEMAS, Provenance, StudyArea, empty_layer
from careshed.errors import CRSError, DuplicateIdError, FileFaultError, InputError, MissingColumnError


def test_an_area_comes_back_as_it_was(town, tmp_path):
    town.write(tmp_path / "town")
    back = StudyArea.read(tmp_path / "town")
    for layer in SCHEMAS:
        assert_geodataframe_equal(getattr(back, layer), getattr(town, layer), check_dtype=False)
    assert back.name == town.name
    assert back.crs == town.crs
    assert back.provenance == town.provenance
    assert back.synthetic
    assert back.people == 1440
    assert {"area.json", "streets.parquet"} <= back.files.keys()


def test_writing_twice_gives_the_same_bytes(town, tmp_path):
    for name in ("a", "b"):
        town.write(tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_a_folder_that_is_no_area_is_said(tmp_path):
    with pytest.raises(FileFaultError, match=r"is no study area.*careshed build"):
        StudyArea.read(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("area.json", b"{", "is no JSON"),
        ("area.json", b"[]", "lacks some of"),
        ("streets.parquet", b"", "empty"),
        ("streets.parquet", b"PAR1 and no more", "can't be read"),
        ("demand.parquet", None, "no such file"),
    ],
)
def test_a_broken_file_is_named(town, tmp_path, file, content, words):
    folder = tmp_path / "town"
    town.write(folder)
    (folder / file).unlink() if content is None else (folder / file).write_bytes(content)
    with pytest.raises(FileFaultError, match=words) as caught:
        StudyArea.read(folder)
    assert file in str(caught.value)


def test_an_area_of_another_version_is_refused(town, tmp_path):
    town.write(tmp_path)
    path = tmp_path / "area.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 99}), encoding="utf-8")
    with pytest.raises(FileFaultError, match="format 99"):
        StudyArea.read(tmp_path)


def _replace(area, **layers):
    names = [*SCHEMAS, "name", "crs"]
    return StudyArea(**({name: getattr(area, name) for name in names} | layers))


def test_layers_are_checked_against_their_schema(town):
    with pytest.raises(MissingColumnError, match="streets has no column drive"):
        _replace(town, streets=town.streets.drop(columns="drive"))
    with pytest.raises(DuplicateIdError, match=r"demand: 1 ids occur more than once \(D000\)"):
        _replace(town, demand=town.demand.rename(index={"D001": "D000"}))
    with pytest.raises(CRSError, match="expected a projected CRS in metres"):
        _replace(town, demand=town.demand.to_crs(4326))
    with pytest.raises(InputError, match="reproject"):
        _replace(town, demand=town.demand.to_crs(32651))
    with pytest.raises(InputError, match="index is named"):
        _replace(town, demand=town.demand.rename_axis("id"))


def test_an_empty_layer_keeps_its_schema(town):
    bare = _replace(town, facilities=empty_layer("facilities", town.crs))
    assert bare.facilities_of(("first_aid_station",)).empty


def test_provenance_knows_three_words():
    with pytest.raises(InputError, match="expected real, estimated or synthetic"):
        Provenance("guessed", "")

"""Files are written whole or not at all."""

import pytest

from careshed._checks import new_file, new_folder, readable_file
from careshed.errors import CareshedError, FileFaultError, InputError, MissingColumnError


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), new_file(path) as new:
        new.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with new_file(path) as new:
        new.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_filled_at_once_and_keeps_what_is_not_ours(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "stations.csv").write_text("of an earlier run")
    with pytest.raises(RuntimeError), new_folder(folder, owned=["stations.*"]) as new:
        (new / "plan.json").write_text("half")
        raise RuntimeError
    assert {file.name for file in folder.iterdir()} == {"notes.txt", "stations.csv"}
    with new_folder(folder, owned=["stations.*"]) as new:
        (new / "plan.json").write_text("whole")
    assert {file.name for file in folder.iterdir()} == {"notes.txt", "plan.json"}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_is_no_folder_to_write_into(tmp_path):
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(InputError, match="is a file; expected a folder"), new_folder(path):
        pass


@pytest.mark.parametrize(("make", "words"), [("absent", "no such file"), ("empty", "empty"), ("folder", "is a folder")])
def test_what_can_not_be_read_is_said(tmp_path, make, words):
    path = tmp_path / "x.csv"
    if make == "empty":
        path.touch()
    if make == "folder":
        path.mkdir()
    with pytest.raises(FileFaultError, match=words):
        readable_file(path)


def test_every_error_is_ours_and_a_builtin():
    error = MissingColumnError("no column name")
    assert isinstance(error, CareshedError)
    assert isinstance(error, KeyError)
    assert isinstance(error, ValueError)
    assert str(error) == "no column name"

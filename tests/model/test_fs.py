"""Checks of local paths for task code."""

from __future__ import annotations

from pathlib import Path

import pytest

from otter.util.errors import FSError
from otter.util.fs import check_destination, check_dir, check_source, file_name


def test_directories_are_made(tmp_path: Path) -> None:
    """With those around them; one that is there is left alone."""
    assert tmp_path / "a" / "b" == check_dir(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    check_dir(str(tmp_path / "a"))


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    """A file where a directory is needed, and the other way round; a source that is missing."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(FSError, match="file is a file, where a directory is needed"):
        check_dir(tmp_path / "file")
    with pytest.raises(FSError, match="cannot be made: Not a directory"):
        check_dir(tmp_path / "file" / "below")
    with pytest.raises(FSError, match="is a directory, where a file is needed"):
        check_destination(tmp_path)
    with pytest.raises(FSError, match="none does not exist"):
        check_source(tmp_path / "none")
    with pytest.raises(FSError, match="is not a file"):
        check_source(tmp_path)


def test_destinations_are_made_ready(tmp_path: Path) -> None:
    """The directory is made; a file that is there stays unless it is to be removed."""
    destination = tmp_path / "new" / "file"
    assert destination == check_destination(destination)
    destination.write_text("x")
    assert destination == check_source(check_destination(destination))
    check_destination(destination, delete=True)
    assert not destination.exists()


def test_names_of_tasks_become_names_of_files() -> None:
    """Readable, safe, and different for different names, those that differ in case or in odd characters too."""
    names = ["copy a/b", "copy a_b", "copy A_b", "copy ../..", "copy \ud800", "é", "x" * 1000, "."]
    files = [file_name(name, ".log") for name in names]
    assert len(set(map(str.casefold, files))) == len(names)
    assert all(name.isascii() and "/" not in name and not name.startswith(".") and len(name) < 110 for name in files)
    assert files[0].startswith("copy_a_b-")

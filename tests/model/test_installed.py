"""Versions and entry points of installed distributions."""

from __future__ import annotations

import sys
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from otter.util.installed import installed_entry_points, installed_versions


def test_it_says_what_the_metadata_says() -> None:
    """The names of the directories have the versions that the metadata in them has."""
    names = ("otter-model", "otter-worker", "pytest-xdist")

    assert {name: version(name) for name in names} == installed_versions(names)


def test_what_is_not_installed_is_left_out() -> None:
    """No version is made up."""
    assert {} == installed_versions(("otter-that-does-not-exist",))


def test_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with imports, the first place hides the others; names are compared as installers write them."""
    for place, number in (("first", "2.0rc1"), ("second", "1.0")):
        (tmp_path / place / f"My_Tool-{number}.dist-info").mkdir(parents=True)
    paths = [str(tmp_path / "missing"), *(str(tmp_path / place) for place in ("first", "second"))]
    monkeypatch.setattr(sys, "path", paths)

    assert {"my-tool": "2.0rc1"} == installed_versions(("my-tool",))


@pytest.mark.parametrize("group", ["otter.tasks", "console_scripts", "pytest11", "a group that nobody has"])
def test_entry_points_are_those_of_the_metadata(group: str) -> None:
    """Of every group of this environment, in whatever order."""
    expected = {(entry.name, entry.value.partition("[")[0].strip()) for entry in entry_points(group=group)}

    assert expected == set(installed_entry_points(group))


def install(place: Path, name: str, text: str) -> str:
    """Leave what an installer leaves of a distribution with entry points; where."""
    directory = place / name
    directory.mkdir(parents=True)
    (directory / "entry_points.txt").write_text(text)
    (directory / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.partition('-')[0]}\nVersion: 1\n")
    return str(place)


def test_entry_points_are_read_as_they_are_specified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments and other groups are left out, and so are the extras that older tools wrote."""
    before, after = "# made by hand\n[other]\nx = y\n\n", "[end]\nz=w\n"
    text = f"{before}[otter.tasks]\n; none\nfirst = a.tasks\n second=b.tasks [extra] \n{after}"
    monkeypatch.setattr(sys, "path", [install(tmp_path, "one-1.dist-info", text)])

    assert [("first", "a.tasks"), ("second", "b.tasks")] == installed_entry_points("otter.tasks")


def test_the_first_distribution_of_a_name_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the other one was installed from sources by an older tool, under another spelling."""
    first = install(tmp_path / "1", "my_tool-1.egg-info", "[otter.tasks]\ntool = new.tasks\n")
    second = install(tmp_path / "2", "My.Tool-2.dist-info", "[otter.tasks]\ntool = old.tasks\n")
    monkeypatch.setattr(sys, "path", [first, second])

    assert [("tool", "new.tasks")] == installed_entry_points("otter.tasks")


def test_archives_on_the_path_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an application that is packed into one file has them."""
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("packed-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: packed\nVersion: 1\n")
        archive.writestr("packed-1.dist-info/entry_points.txt", "[otter.tasks]\npacked = packed.tasks\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "app.zip")])

    assert [("packed", "packed.tasks")] == installed_entry_points("otter.tasks")

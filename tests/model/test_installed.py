"""Versions of installed distributions."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from otter.util.installed import installed_versions


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

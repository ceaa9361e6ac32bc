"""Patterns match whole paths, each file once, in order."""

from __future__ import annotations

import asyncio
import os
from itertools import islice
from pathlib import Path

import pytest

from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import StorageError

FILES = ["a/1.txt", "a/b/2.txt", "a/b/c/3.csv", "a.txt", "z/a/b/4.txt", ".hidden/5.txt", "B/6.TXT"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A few files in a few directories."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["a.txt"]),
        ("*/*.txt", [".hidden/5.txt", "a/1.txt"]),
        ("**/*.txt", [".hidden/5.txt", "a/1.txt", "a/b/2.txt", "a.txt", "z/a/b/4.txt"]),
        ("**", sorted(FILES, key=lambda file: file.split("/"))),
        ("**/**/*", sorted(FILES, key=lambda file: file.split("/"))),
        ("a.txt/**", []),
        ("a/**", ["a/1.txt", "a/b/2.txt", "a/b/c/3.csv"]),
        ("a/**/b/**/*", ["a/b/2.txt", "a/b/c/3.csv"]),
        ("**/b/*", ["a/b/2.txt", "z/a/b/4.txt"]),
        ("**/a/**/*.txt", ["a/1.txt", "a/b/2.txt", "z/a/b/4.txt"]),
        ("a/b/?.txt", ["a/b/2.txt"]),
        ("**/[13].*", ["a/1.txt", "a/b/c/3.csv"]),
        ("**/[!1-4].txt", [".hidden/5.txt", "a.txt"]),
        ("a/b", []),
        ("nothing/*", []),
    ],
)
def test_a_pattern_matches_files(pattern: str, expected: list[str], tree: Path) -> None:
    """Directories are no matches; both handles agree."""
    absolute = [f"{tree}/{file}" for file in expected]
    assert absolute == StorageHandle(tree).glob(pattern)
    assert absolute == asyncio.run(AsyncStorageHandle(tree).glob(pattern))


def test_a_missing_directory_has_no_matches(tmp_path: Path) -> None:
    """As it is for a shell."""
    assert [] == StorageHandle(tmp_path / "nothing").glob("**/*")


@pytest.mark.parametrize("pattern", ["../*", "a/../../*", "/etc/*"])
def test_a_pattern_does_not_lead_out(pattern: str, tree: Path) -> None:
    """It is below the location of the handle, by definition."""
    with pytest.raises(StorageError, match="leads out of"):
        StorageHandle(tree).glob(pattern)


def test_what_otter_keeps_for_itself_is_not_matched(tmp_path: Path) -> None:
    """A pattern over the whole work path finds results, and neither journals nor half a file."""
    (tmp_path / ".otter/run").mkdir(parents=True)
    (tmp_path / ".otter/run/journal").touch()
    (tmp_path / ".otter-12.part").touch()
    (tmp_path / "x").touch()
    assert [f"{tmp_path}/x"] == StorageHandle(tmp_path).glob("**/*")


def test_links_are_followed_by_name_and_not_by_two_stars(tmp_path: Path) -> None:
    """So a loop ends, a broken link is no match, and a linked file is one."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d/x").touch()
    (tmp_path / "d/loop").symlink_to("..")
    (tmp_path / "linked").symlink_to("d/x")
    (tmp_path / "broken").symlink_to("nothing")
    (tmp_path / "self").symlink_to("self")
    assert [f"{tmp_path}/d/x", f"{tmp_path}/linked"] == StorageHandle(tmp_path).glob("**/*")
    assert [f"{tmp_path}/d/loop/linked"] == StorageHandle(tmp_path).glob("d/loop/*")


def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    """Nothing in the walk grows with the depth but one entry for each level."""
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(os.open("x", os.O_CREAT, dir_fd=fd))
    os.close(fd)
    assert [f"{tmp_path}{'/d' * 400}/x"] == StorageHandle(tmp_path).glob("**/x")


def test_matches_come_one_by_one(tree: Path) -> None:
    """The rest of the tree is not looked at before it is needed."""
    matches = StorageHandle(tree).iterate_glob("**/*")
    assert [f"{tree}/.hidden/5.txt"] == list(islice(matches, 1))
    (tree / "z/a/b/4.txt").rename(tree / "z/a/b/5.txt")
    assert f"{tree}/z/a/b/5.txt" in list(matches)

"""Locations are resolved by the documented rules, and do not leave their roots."""

from __future__ import annotations

from pathlib import Path

import pytest

from otter.config.model import Config
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.handle import Handle
from otter.storage.synchronous.handle import StorageHandle
from otter.storage.util import make_absolute, split_glob
from otter.util.errors import StorageError

LOCAL = Config(step="test", work_path="/work")
REMOTE = Config(step="test", work_path="/work", release_uri="https://host/release/25")


@pytest.mark.parametrize(
    ("config", "force_local", "location", "expected"),
    [
        (LOCAL, False, "a/b.txt", "/work/a/b.txt"),
        (LOCAL, True, "a/b.txt", "/work/a/b.txt"),
        (REMOTE, False, "a/b.txt", "https://host/release/25/a/b.txt"),
        (REMOTE, True, "a/b.txt", "/work/a/b.txt"),
        (REMOTE, True, "https://host/release/25/a/b.txt", "/work/a/b.txt"),
        (REMOTE, False, "https://host/release/25/a/b.txt", "https://host/release/25/a/b.txt"),
        (REMOTE, True, "https://host/release/251/b.txt", "https://host/release/251/b.txt"),
        (REMOTE, True, "/data/b.txt", "/data/b.txt"),
        (REMOTE, False, "/work/b.txt", "/work/b.txt"),
        (LOCAL, False, "/work2/data", "/work2/data"),
        (LOCAL, False, "file:///data/a%20b", "/data/a b"),
        (None, False, "/data/../data/x", "/data/../data/x"),
        (None, False, "https://host/a?b=c/../d", "https://host/a?b=c/../d"),
    ],
)
def test_locations_are_resolved(config: Config | None, force_local: bool, location: str, expected: str) -> None:
    """Absolute ones as they are, relative ones in the release or the work path, mapped if forced."""
    for kind in (StorageHandle, AsyncStorageHandle):
        assert expected == kind(location, config, force_local).absolute


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("a//b.txt", "/work/a/b.txt"),
        ("./a/./b.txt", "/work/a/b.txt"),
        ("a/../b.txt", "/work/b.txt"),
        ("/work/a/../b.txt", "/work/b.txt"),
        ("/x/../work/b.txt", "/work/b.txt"),
        ("", "/work"),
    ],
)
def test_paths_under_a_root_are_normalised(location: str, expected: str) -> None:
    """Dots and double slashes say nothing below a root."""
    assert expected == StorageHandle(location, LOCAL).absolute


@pytest.mark.parametrize(
    "location",
    ["../x", "a/../../x", "..", "/work/../etc/passwd", "/work/a/../../work2/x", "a/b/../../../x"],
)
@pytest.mark.parametrize("force_local", [True, False])
def test_dots_do_not_lead_out_of_the_work_path(location: str, force_local: bool) -> None:
    """A location that is relative to a root, or spelt as being below it, stays there."""
    with pytest.raises(StorageError, match="leaves /work"):
        StorageHandle(location, LOCAL, force_local)


@pytest.mark.parametrize(
    "location",
    [
        "../26/x",
        "https://host/release/25/../26/x",
        "https://host/release/25/%2e%2e/26/x",
        "https://host/release/25/a%2f..%2f..%2f..%2fx",
        "HTTPS://HOST/release/25/../x",
    ],
)
def test_dots_do_not_lead_out_of_the_release(location: str) -> None:
    """Encoded dots and slashes are dots and slashes."""
    with pytest.raises(StorageError, match="leaves https://host/release/25"):
        StorageHandle(location, REMOTE)


def test_forcing_a_url_to_be_local_cannot_escape_either() -> None:
    """What an encoded slash hides is seen before it becomes a path."""
    with pytest.raises(StorageError, match="leaves"):
        StorageHandle("https://host/release/25/..%2f..%2fetc", REMOTE, force_local=True)


def test_relative_names_are_encoded_in_urls() -> None:
    """In a relative location, a question mark is a letter of a name and not the beginning of a query."""
    handle = StorageHandle("a b/50%?#.txt", REMOTE)
    assert "https://host/release/25/a%20b/50%25%3F%23.txt" == handle.absolute
    assert "a b/50%?#.txt" == handle.relative
    assert "/work/a b/50%?#.txt" == StorageHandle(handle.absolute, REMOTE, force_local=True).absolute


@pytest.mark.parametrize("location", ["a\0b", "/a\0b", "https://host/a\0b", "file:///a%00b"])
def test_nul_is_refused(location: str) -> None:
    """A NUL would end the path for the system, but not for the checks."""
    with pytest.raises(StorageError, match="NUL"):
        StorageHandle(location, LOCAL)


def test_a_relative_location_needs_a_config() -> None:
    """Without one there is nothing it could be relative to."""
    with pytest.raises(ValueError, match="'a/b' is a relative location"):
        StorageHandle("a/b")


def test_a_url_cannot_be_forced_to_be_local_without_a_config() -> None:
    """Nobody says where that would be."""
    with pytest.raises(StorageError, match="only a config"):
        StorageHandle("https://host/x", force_local=True)


def test_an_unknown_scheme_is_refused_with_those_that_are_known() -> None:
    """The message lists what could be meant."""
    with pytest.raises(StorageError, match="no storage for gs:// locations; known: file, http, https"):
        StorageHandle("gs://bucket/x")


def test_a_local_release_is_a_root_like_any_other() -> None:
    """Relative locations live in it, are mapped out of it, and the innermost root counts."""
    config = Config(step="test", work_path="/work", release_uri="/work/release")
    assert "/work/release/x" == StorageHandle("x", config).absolute
    assert "/work/x" == StorageHandle("/work/release/x", config, force_local=True).absolute
    with pytest.raises(StorageError, match="leaves /work/release"):
        StorageHandle("/work/release/../x", config)


def test_a_relative_work_path_is_taken_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handles are absolute whatever the configuration says."""
    monkeypatch.chdir(tmp_path)
    handle = StorageHandle("x", Config(step="test", work_path="./work"))
    assert str(tmp_path / "work/x") == handle.absolute


@pytest.mark.parametrize(("location", "is_absolute"), [("a", False), ("/a", True), ("https://host/a", True)])
def test_is_absolute_tells_how_a_location_was_given(location: str, is_absolute: bool) -> None:
    """It says nothing about where the location lies."""
    assert is_absolute == StorageHandle(location, LOCAL).is_absolute


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (StorageHandle("a/b", LOCAL), "a/b"),
        (StorageHandle("/work/a/b", REMOTE), "a/b"),
        (StorageHandle("https://host/release/25/a/b", REMOTE), "a/b"),
        (StorageHandle("a/b", REMOTE, force_local=True), "a/b"),
    ],
)
def test_relative_is_the_path_below_the_root(handle: Handle, expected: str) -> None:
    """It is the same in the release and in the work path."""
    assert expected == handle.relative


def test_relative_needs_a_root_and_a_location_in_it() -> None:
    """The error says what is missing."""
    with pytest.raises(ValueError, match="a config must say"):
        assert StorageHandle("/work/a").relative
    with pytest.raises(StorageError, match="neither in the work path /work nor in the release"):
        assert StorageHandle("/work2/a", LOCAL).relative


def test_passwords_are_not_shown() -> None:
    """A handle keeps the URL for the request and masks it for people."""
    handle = StorageHandle("https://me:secret@host/x?y=@z")
    assert "https://me:secret@host/x?y=@z" == handle.absolute
    assert "https://me:***@host/x?y=@z" == handle.shown
    assert "secret" not in repr(handle)


def test_make_absolute_takes_one_location_or_a_table() -> None:
    """The values of a table are made absolute, its keys stay."""
    assert "/work/a" == make_absolute("a", LOCAL)
    assert {"x": "/work/a", "y": "/b"} == make_absolute({"x": "a", "y": "/b"}, LOCAL)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/a/b*/c", ("/a/", "b*/c")),
        ("a/b?.txt", ("a/", "b?.txt")),
        ("*.txt", ("", "*.txt")),
        ("/a/b.txt", ("/a/b.txt", "")),
        ("gs://x/2026.03/**/[ab].gz", ("gs://x/2026.03/", "**/[ab].gz")),
    ],
)
def test_split_glob_cuts_before_the_first_wildcard(location: str, expected: tuple[str, str]) -> None:
    """Only whole components are on either side."""
    assert expected == split_glob(location)

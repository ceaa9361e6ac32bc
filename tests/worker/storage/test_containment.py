"""Symbolic links do not lead out of the work path, whatever the operation."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.config.model import Config
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import StorageError

OPERATIONS: list[Callable[[StorageHandle], Any]] = [
    lambda handle: handle.stat(),
    lambda handle: handle.read(),
    lambda handle: handle.open("r").close(),
    lambda handle: handle.open("w").close(),
    lambda handle: handle.open("a").close(),
    lambda handle: handle.open("r+").close(),
    lambda handle: handle.write(b""),
    lambda handle: StorageHandle("/etc/hostname").copy_to(handle),
    lambda handle: handle.delete(),
    lambda handle: handle.delete(is_recursive=True),
    lambda handle: asyncio.run(AsyncStorageHandle("/etc/hostname").copy_to(handle)),
]


@pytest.fixture
def outside(config: Config, tmp_path: Path) -> Path:
    """A directory with a secret outside of the work path."""
    Path(config.work_path).mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    return outside


@pytest.mark.parametrize("operate", OPERATIONS)
@pytest.mark.parametrize("target", ["{outside}", "../outside", "in/../../outside", "hop"])
def test_a_linked_directory_does_not_lead_out(
    operate: Callable[[StorageHandle], Any], target: str, config: Config, outside: Path
) -> None:
    """Absolute and relative links, links through links, and dots in links are all the same."""
    work = Path(config.work_path)
    (work / "in").mkdir()
    (work / "hop").symlink_to(outside)
    (work / "link").symlink_to(target.format(outside=outside))
    with pytest.raises(StorageError, match=r"leaves .*/work through a symbolic link"):
        operate(StorageHandle("link/secret", config))
    assert "secret" == (outside / "secret").read_text()
    assert ["secret"] == os.listdir(outside)


@pytest.mark.parametrize("operate", OPERATIONS[:3])
@pytest.mark.parametrize("target", ["{outside}/secret", "../outside/secret", "hop/secret"])
def test_a_linked_file_does_not_lead_out(
    operate: Callable[[StorageHandle], Any], target: str, config: Config, outside: Path
) -> None:
    """What the last component points to is looked at as well."""
    (Path(config.work_path) / "hop").symlink_to(outside)
    (Path(config.work_path) / "link").symlink_to(target.format(outside=outside))
    with pytest.raises(StorageError, match=r"leaves .*/work through a symbolic link"):
        operate(StorageHandle("link", config))


def test_writing_replaces_a_link_and_not_what_it_points_to(config: Config, outside: Path) -> None:
    """So does copying, and deleting deletes the link."""
    link = Path(config.work_path) / "link"
    link.symlink_to(outside / "secret")
    StorageHandle("link", config).write(b"mine")
    assert not link.is_symlink()
    link.unlink()
    link.symlink_to(outside)
    assert 1 == StorageHandle("link", config).delete(is_recursive=True)
    assert "secret" == (outside / "secret").read_text()


def test_links_that_stay_inside_are_followed(config: Config, outside: Path) -> None:
    """Relative ones and absolute ones, to files and to directories."""
    work = Path(config.work_path)
    (work / "2025/a").mkdir(parents=True)
    (work / "2025/a/x").write_text("data")
    (work / "latest").symlink_to("2025")
    (work / "2025/here").symlink_to(work / "2025/a")
    (work / "2025/a/up").symlink_to("../../latest/a/x")
    for location in ("latest/a/x", "latest/here/x", "2025/a/up", "latest/here/up"):
        assert "data" == StorageHandle(location, config).read_text()[0]
    StorageHandle("latest/here/new", config).write(b"")
    assert (work / "2025/a/new").exists()
    assert StorageHandle("latest", config).stat().is_dir
    assert StorageHandle("", config).stat().is_dir


def test_a_loop_of_links_ends(config: Config, outside: Path) -> None:
    """With the system's own words."""
    (Path(config.work_path) / "a").symlink_to("b")
    (Path(config.work_path) / "b").symlink_to("a")
    for location in ("a", "a/x"):
        with pytest.raises(StorageError, match="Too many levels of symbolic links"):
            StorageHandle(location, config).read()


def test_the_work_path_itself_may_be_a_link(tmp_path: Path) -> None:
    """It was chosen by the operator."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "work").symlink_to("disk")
    config = Config(step="test", work_path=tmp_path / "work")
    StorageHandle("a/x", config).write(b"data")
    assert b"data" == (tmp_path / "disk/a/x").read_bytes()


def test_a_root_is_not_deleted(config: Config, outside: Path) -> None:
    """Neither the work path nor that of the system."""
    for handle in (StorageHandle("", config), StorageHandle("a/..", config), StorageHandle("/")):
        with pytest.raises(StorageError, match="is a root"):
            handle.delete(is_recursive=True)


def test_listing_does_not_enter_what_lies_outside(config: Config, outside: Path) -> None:
    """Neither through a link that a pattern names, nor from a base that is one."""
    (Path(config.work_path) / "link").symlink_to(outside)
    (Path(config.work_path) / "inside").mkdir()
    (Path(config.work_path) / "inside/x").touch()
    (Path(config.work_path) / "loop").symlink_to("inside")
    assert [f"{config.work_path}/inside/x", f"{config.work_path}/loop/x"] == StorageHandle("", config).glob("*/*")
    with pytest.raises(StorageError, match="through a symbolic link"):
        StorageHandle("link", config).glob("*")


steps = st.sampled_from(["a", "b", "up", "out", "root", "around", "..", "."])
ways = st.lists(steps, min_size=1, max_size=6).map("/".join)
targets = st.one_of(ways, ways.map(lambda way: f"../{way}"), ways.map(lambda way: f"WORK/{way}"), st.just("OUTSIDE"))


@settings(max_examples=150, deadline=None)
@given(links=st.lists(targets, min_size=4, max_size=4), way=ways)
def test_no_maze_of_links_leads_out(links: list[str], way: str) -> None:
    """Wherever a read or a write succeeds, the file is inside; links that stay inside are no obstacle."""
    with tempfile.TemporaryDirectory() as base:
        work, outside = f"{base}/work", f"{base}/outside"
        os.makedirs(f"{work}/a/b/a")
        os.makedirs(f"{outside}/a")
        for place, (directory, name) in enumerate([("", "up"), ("a", "out"), ("a/b", "root"), ("a/b/a", "around")]):
            target = links[place].replace("WORK", work).replace("OUTSIDE", outside)
            os.symlink(target, f"{work}/{directory}/{name}")
        for directory in (f"{work}/a", f"{work}/a/b", outside, f"{outside}/a", base):
            Path(directory, "file").write_text("untouched")
        config = Config(step="test", work_path=work)
        try:
            handle = StorageHandle(f"{way}/file", config)
            handle.read()
            handle.write(b"written")
        except StorageError:
            pass
        else:
            assert os.path.realpath(handle.absolute).startswith(f"{os.path.realpath(work)}/")
        for directory in (outside, f"{outside}/a", base):
            assert "untouched" == Path(directory, "file").read_text()
            assert {"file", "a", "work", "outside"} >= set(os.listdir(directory))

"""The file validators, in both flavours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otter.config.model import Config
from otter.util.errors import TaskValidationError
from otter.validators.file import async_exists, async_size, exists, size
from tests.support.http_server import Site

Check = Callable[..., None]


def waited(check: Callable[..., Any]) -> Check:
    return lambda *args, **named: asyncio.run(check(*args, **named))


each_exists = pytest.mark.parametrize("check", [exists, waited(async_exists)])
each_size = pytest.mark.parametrize("check", [size, waited(async_size)])


@each_exists
def test_what_exists_passes(check: Check, site: Site, tmp_path: Path) -> None:
    """Files, directories and URLs; relative ones with a config."""
    (tmp_path / "x").touch()
    check(str(tmp_path / "x"))
    check("x", config=Config(step="test", work_path=tmp_path))
    check(site.put("/x", b""))
    release = Config(step="test", work_path=tmp_path, release_uri=f"{site.url}/25")
    check("x", config=release, force_local=True)


@each_exists
def test_what_does_not_exist_fails(check: Check, site: Site, tmp_path: Path) -> None:
    """The error says what was asked and what came of it."""
    with pytest.raises(TaskValidationError, match=f"{tmp_path}/x: there is no such file"):
        check(str(tmp_path / "x"))
    with pytest.raises(TaskValidationError, match=f"{site.url}/x: the server answered 404 Not Found"):
        check(f"{site.url}/x")


@each_exists
def test_what_cannot_be_told_fails_as_well(check: Check, site: Site) -> None:
    """A server that refuses is no proof of anything."""
    site.put("/x", b"", status=503)
    with pytest.raises(TaskValidationError, match="503 Service Unavailable"):
        check(f"{site.url}/x")


@each_size
def test_equal_sizes_pass_and_others_fail(check: Check, site: Site, tmp_path: Path) -> None:
    """Empty files have a size, too."""
    (tmp_path / "empty").touch()
    (tmp_path / "x").write_bytes(b"12345")
    check(str(tmp_path / "x"), site.put("/x", b"54321"))
    check(str(tmp_path / "empty"), str(tmp_path / "empty"))
    with pytest.raises(TaskValidationError, match=f"{tmp_path}/empty has 0 bytes, and {tmp_path}/x has 5"):
        check(str(tmp_path / "empty"), str(tmp_path / "x"))


@each_size
def test_only_the_second_file_is_forced_to_be_local(check: Check, site: Site, tmp_path: Path) -> None:
    """So that a download can be compared with the release it came from."""
    site.put("/25/x", b"123")
    (tmp_path / "x").write_bytes(b"12")
    config = Config(step="test", work_path=tmp_path, release_uri=f"{site.url}/25")
    with pytest.raises(TaskValidationError, match=f"{site.url}/25/x has 3 bytes, and {tmp_path}/x has 2"):
        check("x", "x", config=config, force_local=True)


@each_size
def test_an_unknown_size_is_not_compared(
    check: Check, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning says so; whether the files can be looked at is still checked."""
    (tmp_path / "x").write_bytes(b"12345")
    check(site.put("/x", b"", length=False), str(tmp_path / "x"))
    assert f"the size of {site.url}/x is not known" in caplog.text
    with pytest.raises(TaskValidationError, match="there is no such file"):
        check(f"{site.url}/x", str(tmp_path / "nothing"))

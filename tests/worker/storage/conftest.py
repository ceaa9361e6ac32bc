"""Fixtures for tests of storage: a server, and a configuration with a work path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otter.config.model import Config
from tests.support.http_server import Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server."""
    with serving() as site:
        yield site


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration whose work path is the temporary directory."""
    return Config(step="test", work_path=tmp_path / "work")

"""A scene for each test; whatever a test leaves running is ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runs import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A directory with a pipeline, whose processes end with the test."""
    with Scene(tmp_path) as made:
        yield made

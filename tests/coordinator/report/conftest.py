"""The readers of other projects are heavy, and need programs that the suite must not: they run when they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

READERS = Path(__file__).parent / "readers"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out `readers`, unless it is given on the command line (`hatch run readers:test`)."""
    if collection_path != READERS:
        return None
    start = config.invocation_params.dir
    named = [(start / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(READERS) for path in named) else True

"""Fixtures for tests of the built-in tasks: a server, a context, and a way to run a task as an author would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otter.config.model import Config
from otter.task.model import Task, TaskContext
from tests.support.http_server import Site, serving

Run = Callable[[Task], str | None]


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server."""
    with serving() as site:
        yield site


@pytest.fixture
def context(tmp_path: Path) -> TaskContext:
    """A context with a work path and without a release."""
    return TaskContext(config=Config(step="test", work_path=tmp_path / "work"), abort=threading.Event())


@pytest.fixture
def run() -> Run:
    """Runs and validates a task; the reason why it failed, or none."""

    async def both(task: Task) -> None:
        await task.run()
        if task.manifest.failure_reason is None and type(task).validate is not Task.validate:
            await task.validate()

    def run(task: Task) -> str | None:
        asyncio.run(both(task))
        return task.manifest.failure_reason

    return run

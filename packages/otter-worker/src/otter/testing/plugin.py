"""The fixtures of `otter.testing`. pytest finds this module by its entry point.

`run_task(spec, …)`
    `otter.testing.run_task` in a temporary work path.
`run_pipeline(pipeline, …)`
    `otter.testing.run_pipeline` in a temporary directory.
`otter_config`
    The configuration that the tasks of a test see: its `work_path` is the temporary directory. Override it to change
    what `run_task` and `task_context` use.
`task_context`
    A `TaskContext` with that configuration, for tests that construct their tasks: `MyTask(spec, task_context)`.

pytest is imported when it asks for the fixtures, and not before: otter-worker does not depend on it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from otter.config.model import Config
    from otter.task.model import TaskContext


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures."""
    config.pluginmanager.register(_fixtures(), "otter-fixtures")


def _fixtures() -> object:
    import pytest

    class Fixtures:
        @pytest.fixture
        def otter_config(self, tmp_path: Path) -> Config:
            """A configuration whose work path is the temporary directory of the test."""
            from otter.config.model import Config

            return Config(step="test", steps=["test"], work_path=tmp_path)

        @pytest.fixture
        def task_context(self, otter_config: Config) -> TaskContext:
            """A context for tasks that the test constructs, with an `abort` event that is not set."""
            from threading import Event

            from otter.task.model import TaskContext

            return TaskContext(config=otter_config, abort=Event())

        @pytest.fixture
        def run_task(self, otter_config: Config) -> Callable[..., Any]:
            """`otter.testing.run_task` with the configuration of the test."""
            from otter.testing.task import run_task

            return functools.partial(run_task, config=otter_config)

        @pytest.fixture
        def run_pipeline(self, tmp_path: Path) -> Callable[..., Any]:
            """`otter.testing.run_pipeline` in the temporary directory of the test."""
            from otter.testing.pipeline import run_pipeline

            return functools.partial(run_pipeline, directory=tmp_path)

    return Fixtures()

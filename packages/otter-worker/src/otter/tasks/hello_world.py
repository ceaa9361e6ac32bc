"""`hello_world`: the smallest task there is, to copy from."""

from __future__ import annotations

import logging
from typing import Self

from otter.manifest.model import Artifact
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report

_log = logging.getLogger(__name__)


class HelloWorldSpec(Spec):
    """What `hello_world` is to do."""

    who: str = "world"
    """Whom to greet."""


class HelloWorld(Task):
    """Greet somebody.

    The module is named after the task type, and the classes after the module. `run` does the work,
    `artifacts` says what came of it. A task whose result can be checked has a `validate` method as
    well.
    """

    def __init__(self, spec: HelloWorldSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: HelloWorldSpec

    @report
    def run(self) -> Self:
        """Greet, and leave an artifact."""
        _log.info("hello %s", self.spec.who)
        self.artifacts = [Artifact(source="hello_world", destination=self.spec.who)]
        return self

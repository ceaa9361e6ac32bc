"""A task that says something, and fails."""

from __future__ import annotations

import logging

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskRunError


class StumbleSpec(Spec):
    says: list[str]
    why: str = "it stumbled"


class Stumble(Task):
    def __init__(self, spec: StumbleSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: StumbleSpec

    @report
    def run(self) -> None:
        for line in self.spec.says:
            logging.getLogger(__name__).warning(line)
        raise TaskRunError(self.spec.why)

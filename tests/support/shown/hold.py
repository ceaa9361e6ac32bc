"""A task that waits until it is let go."""

from __future__ import annotations

import time

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskAbortedError

DIRECTORY = "let-go"
LOOK = 0.005
"""Seconds between two looks."""


class HoldSpec(Spec):
    until: str = "end"
    """Of all that wait for one word, a test lets all go at once."""


class Hold(Task):
    def __init__(self, spec: HoldSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: HoldSpec

    @report
    def run(self) -> None:
        go = self.context.config.work_path / DIRECTORY / self.spec.until
        while not go.exists():
            if self.context.abort is not None and self.context.abort.is_set():
                raise TaskAbortedError("asked to stop")
            time.sleep(LOOK)

"""`hold`: a synchronous task that keeps its worker to itself without using the processor."""

from __future__ import annotations

import time
from typing import Self

from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report


class HoldSpec(Spec):
    """How long to hold the worker."""

    seconds: float
    """Seconds."""


class Hold(Task):
    """Sleep in the worker's main thread."""

    def __init__(self, spec: HoldSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: HoldSpec

    @report
    def run(self) -> Self:
        """Sleep."""
        time.sleep(self.spec.seconds)
        return self

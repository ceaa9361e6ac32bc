"""A task that needs more memory than it may have."""

from __future__ import annotations

from otter.task import Task
from otter.task.task_reporter import report
from tests.support import diary


class Eat(Task):
    @report
    def run(self) -> None:
        diary.note(self.context.config.work_path, self.name)
        hoard = []
        while True:
            hoard.append(bytearray(16 << 20))

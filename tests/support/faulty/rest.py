"""A task that does nothing, not even write into its diary."""

from __future__ import annotations

from otter.task import Task
from otter.task.task_reporter import report


class Rest(Task):
    @report
    def run(self) -> None:
        return

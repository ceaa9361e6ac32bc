"""`nothing`: what a task costs that costs nothing."""

from __future__ import annotations

from typing import Self

from otter.task.model import Task
from otter.task.task_reporter import report


class Nothing(Task):
    """Do nothing."""

    @report
    def run(self) -> Self:
        """Do nothing."""
        return self

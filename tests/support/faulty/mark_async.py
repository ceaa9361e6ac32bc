"""As `mark`, as a coroutine."""

from __future__ import annotations

import asyncio

from otter.task import Task
from otter.task.task_reporter import report
from tests.support import diary


class MarkAsync(Task):
    @report
    async def run(self) -> None:
        diary.note(self.context.config.work_path, self.name)
        await asyncio.sleep(0)

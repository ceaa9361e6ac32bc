"""A coroutine that waits at the gate."""

from __future__ import annotations

import asyncio

from otter.task import Task
from otter.task.task_reporter import report
from tests.support import diary, gate


class WaitAsync(Task):
    @report
    async def run(self) -> None:
        work = self.context.config.work_path
        diary.note(work, self.name)
        gate.arrive(work, self.name)
        while not gate.is_open(work):  # noqa: ASYNC110 - the gate is a file
            await asyncio.sleep(gate.LOOK)

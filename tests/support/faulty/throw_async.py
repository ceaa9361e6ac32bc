"""A coroutine that raises what coroutines seldom raise."""

from __future__ import annotations

import asyncio

from otter.task import Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary
from tests.support.faulty.throw import ThrowSpec, throw


class ThrowAsyncSpec(ThrowSpec):
    in_subtask: bool = False
    """Raise in a task that the coroutine started and waits for."""


class ThrowAsync(Task):
    def __init__(self, spec: ThrowAsyncSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: ThrowAsyncSpec

    @report
    async def run(self) -> None:
        diary.note(self.context.config.work_path, self.name)
        await asyncio.sleep(0)
        if self.spec.in_subtask:
            await asyncio.create_task(self._throw())
        throw(self.spec.how)

    async def _throw(self) -> None:
        throw(self.spec.how)

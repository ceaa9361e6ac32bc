"""A coroutine that does not end by itself."""

from __future__ import annotations

import asyncio
import time

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class HangAsyncSpec(Spec):
    how: str
    """`await`: waits for what never comes; `swallow`: the same, deaf to being cancelled; `block`: holds the loop."""


class HangAsync(Task):
    def __init__(self, spec: HangAsyncSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: HangAsyncSpec

    @report
    async def run(self) -> None:
        diary.note(self.context.config.work_path, self.name)
        match self.spec.how:
            case "await":
                await asyncio.Event().wait()
            case "swallow":
                while True:
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        continue
            case _:
                while True:
                    time.sleep(3600)  # noqa: ASYNC251 - that is the fault

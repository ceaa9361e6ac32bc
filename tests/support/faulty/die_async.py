"""As `die`, as a coroutine: others run in the same process."""

from __future__ import annotations

import asyncio

from otter.task import Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary, gate
from tests.support.faulty.die import DieSpec, die


class DieAsyncSpec(DieSpec):
    after_gate: bool = False
    """Wait at the gate before."""


class DieAsync(Task):
    def __init__(self, spec: DieAsyncSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: DieAsyncSpec

    @report
    async def run(self) -> None:
        work = self.context.config.work_path
        attempt = diary.note(work, self.name)
        if self.spec.after_gate:
            gate.arrive(work, self.name)
            while not gate.is_open(work):  # noqa: ASYNC110 - the gate is a file
                await asyncio.sleep(gate.LOOK)
        if attempt <= self.spec.times:
            die(self.spec.how)

"""`wait`: an asynchronous task that waits, as for a server."""

from __future__ import annotations

from typing import Self

from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report


class WaitSpec(Spec):
    """How long to wait."""

    seconds: float
    """Seconds."""


class Wait(Task):
    """Wait on the event loop."""

    def __init__(self, spec: WaitSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: WaitSpec

    @report
    async def run(self) -> Self:
        """Wait."""
        import asyncio  # a module of its size would be part of what every other case measures

        await asyncio.sleep(self.spec.seconds)
        return self

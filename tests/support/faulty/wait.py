"""A task that waits at the gate."""

from __future__ import annotations

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskAbortedError
from tests.support import diary, gate


class WaitSpec(Spec):
    deaf: bool = False
    """Do not listen when asked to stop."""


class Wait(Task):
    def __init__(self, spec: WaitSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: WaitSpec

    @report
    def run(self) -> None:
        work, abort = self.context.config.work_path, self.context.abort
        diary.note(work, self.name)
        if not gate.wait(work, self.name, lambda: not self.spec.deaf and abort is not None and abort.is_set()):
            raise TaskAbortedError("asked to stop")

"""A task that spoils what it is recorded in."""

from __future__ import annotations

from typing import Any

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class SpoilSpec(Spec):
    what: str
    """`constructor`, which never makes it; `manifest`; `everything`; or what becomes of the log: `line`, `log`."""


class Spoil(Task):
    def __init__(self, spec: SpoilSpec, context: TaskContext) -> None:
        diary.note(context.config.work_path, spec.name)
        if spec.what != "constructor":
            super().__init__(spec, context)
        self.spec: SpoilSpec = spec
        self.manifest: Any

    @report
    def run(self) -> None:
        match self.spec.what:
            case "manifest":
                self.manifest = None
            case "everything":
                self.__dict__.clear()
            case "line":
                self.manifest.log = ["a line", 5]
            case "log":
                self.manifest.log = 5

"""A task that does not end by itself."""

from __future__ import annotations

import ctypes
import os
import time

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class HangSpec(Spec):
    how: str
    """`python`: a busy loop; `gil`: in C code that keeps the interpreter's lock; `astray`: in the process group of the
    coordinator; `sleep`: waiting, deaf to abort."""
    phase: str = "run"
    times: int = 1000


class Hang(Task):
    def __init__(self, spec: HangSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: HangSpec
        self.attempt = 0

    @report
    def run(self) -> None:
        self.attempt = diary.note(self.context.config.work_path, self.name)
        print("what it said before")
        self._maybe_hang("run")

    @report
    def validate(self) -> None:
        self._maybe_hang("validate")

    def _maybe_hang(self, phase: str) -> None:
        if self.spec.phase != phase or self.attempt > self.spec.times:
            return
        match self.spec.how:
            case "python":
                while True:
                    pass
            case "gil":
                ctypes.PyDLL(None).sleep(3600)
            case "astray":
                os.setpgid(0, os.getpgid(os.getppid()))
                time.sleep(3600)
            case _:
                while True:
                    time.sleep(3600)

"""A task whose process ends in the middle of it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class DieSpec(Spec):
    how: str
    """`SIGKILL` and other signals by name, `exit:N`, `segfault`, `abort`, `stack`."""
    phase: str = "run"
    times: int = 1000
    """How many attempts die; the later ones succeed."""


def die(how: str) -> None:
    """End this process."""
    if how.startswith("exit:"):
        os._exit(int(how.removeprefix("exit:")))
    match how:
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "stack":
            sys.setrecursionlimit(2**31 - 1)
            _Deep(None).walk()
        case _:
            os.kill(os.getpid(), signal.Signals[how])
            signal.pause()


class _Deep:
    """Recursion through C code, which no limit of Python's own frames ends in time."""

    def __init__(self, below: Any) -> None:
        self.below = below

    def walk(self) -> None:
        value: Any = []
        for _ in range(300_000):
            value = [value]
        repr(value)
        value = None  # what repr survives, the deallocation does not matter for


class Die(Task):
    def __init__(self, spec: DieSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: DieSpec
        self.attempt = 0

    @report
    def run(self) -> None:
        self.attempt = diary.note(self.context.config.work_path, self.name)
        self._maybe_die("run")

    @report
    def validate(self) -> None:
        self._maybe_die("validate")

    def _maybe_die(self, phase: str) -> None:
        if self.spec.phase == phase and self.attempt <= self.spec.times:
            die(self.spec.how)

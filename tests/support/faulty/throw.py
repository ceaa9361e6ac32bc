"""A task that raises what tasks seldom raise."""

from __future__ import annotations

import asyncio
import sys
from typing import NoReturn

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class ThrowSpec(Spec):
    how: str
    phase: str = "run"
    """`init`, `run` or `validate`."""
    times: int = 1000


class UnprintableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def throw(how: str) -> NoReturn:
    """Raise."""
    match how:
        case "SystemExit":
            sys.exit(0)
        case "KeyboardInterrupt":
            raise KeyboardInterrupt
        case "GeneratorExit":
            raise GeneratorExit
        case "BaseException":
            raise BaseException("the base of all")  # noqa: TRY002 - that is the fault
        case "BaseExceptionGroup":
            raise BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError("one")])
        case "CancelledError":
            raise asyncio.CancelledError
        case "StopIteration":
            raise StopIteration
        case "StopAsyncIteration":
            raise StopAsyncIteration
        case "unprintable":
            raise UnprintableError
        case "cyclic":
            first, second = ValueError("first"), ValueError("second")
            first.__cause__, second.__cause__ = second, first
            raise first
        case "huge":
            raise ValueError("x" * 100_000_000)
        case "surrogate":
            raise ValueError("\ud800 and \x1b[2J\x00")
        case "empty":
            raise ValueError
        case "recursion":
            throw(how)
        case "exit in loop":
            asyncio.run(_exit())
    raise ValueError(how)


async def _exit() -> None:
    sys.exit(3)


class Throw(Task):
    def __init__(self, spec: ThrowSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: ThrowSpec
        self.attempt = diary.note(context.config.work_path, self.name)
        self._maybe_throw("init")

    @report
    def run(self) -> None:
        self._maybe_throw("run")

    @report
    def validate(self) -> None:
        self._maybe_throw("validate")

    def _maybe_throw(self, phase: str) -> None:
        if self.spec.phase == phase and self.attempt <= self.spec.times:
            throw(self.spec.how)

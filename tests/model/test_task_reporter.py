"""`report`: the manifest of a task is filled in around `run` and `validate`."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest

from otter.config.model import Config
from otter.manifest.model import Artifact, Result
from otter.scratchpad import Scratchpad
from otter.task import Spec, Task, TaskContext, report
from otter.task.task_reporter import is_asynchronous
from otter.util.errors import TaskAbortedError


def make(cls: type[Task]) -> Task:
    """A task as a test of a task package makes one."""
    context = TaskContext(config=Config(step="s"), scratchpad=Scratchpad())
    context.abort = threading.Event()
    return cls(Spec(name="sample task"), context)


class Plain(Task):
    @report
    def run(self) -> Any:
        self.artifacts = [Artifact(source="a", destination="b")]
        self.artifacts.append(Artifact(source="c", destination="d"))
        return self

    @report
    async def validate(self) -> Any:
        await asyncio.sleep(0)
        return self


def test_a_reported_method_gives_an_awaitable() -> None:
    """Sync methods too: this is how task packages are tested. Times, result and artifacts are recorded."""
    task = make(Plain)
    assert task is asyncio.run(task.run())
    manifest = task.manifest
    assert ("sample task", Result.SUCCESS, None) == (manifest.name, manifest.result, manifest.failure_reason)
    assert manifest.started_run_at is not None
    assert manifest.finished_run_at is not None
    assert manifest.started_run_at <= manifest.finished_run_at
    assert None is manifest.started_validation_at
    assert task is asyncio.run(task.validate())
    assert manifest.elapsed == (manifest.run_elapsed or 0) + (manifest.validation_elapsed or 0)
    assert ["b", "d"] == [artifact.destination for artifact in manifest.artifacts]


class Unchecked(Task):
    @report
    def run(self) -> Any:
        return self


def test_validate_gives_an_awaitable_where_the_class_has_none() -> None:
    """A test may call both methods of every task, whether its class overrides `validate` or not."""
    task = make(Unchecked)
    asyncio.run(task.run())
    assert task is asyncio.run(task.validate())
    assert Result.SUCCESS is task.manifest.result


def test_a_test_may_replace_what_a_context_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attribute or method of it, for one test."""
    task = make(Unchecked)
    added: list[Any] = []
    monkeypatch.setattr(task.context, "add_specs", added.append)
    monkeypatch.setattr(task.context, "of_the_test", 1, raising=False)
    task.context.add_specs(Spec(name="a b"))
    assert [Spec(name="a b")] == added
    assert 2 == len({task.context, make(Unchecked).context})


class Failing(Task):
    @report
    def run(self) -> Any:
        raise ValueError("{not a format} %s")

    @report
    def validate(self) -> Any:
        raise RuntimeError


def test_a_failure_is_recorded_instead_of_raised() -> None:
    """Its type and text are the reason, never empty; the traceback is kept as text."""
    task = make(Failing)
    assert task is asyncio.run(task.run())
    assert (Result.FAILURE, "ValueError: {not a format} %s") == (task.manifest.result, task.manifest.failure_reason)
    assert task.failure is not None
    assert "ValueError" == task.failure[0]
    assert 'raise ValueError("{not a format} %s")' in task.failure[1]
    asyncio.run(task.validate())
    assert "RuntimeError" == task.manifest.failure_reason
    assert task.manifest.finished_validation_at is not None


class Hostile(Exception):  # noqa: N818 - a class of a task's own
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "result", "reason"),
    [
        (SystemExit(3), Result.FAILURE, "SystemExit: 3"),
        (KeyboardInterrupt(), Result.FAILURE, "KeyboardInterrupt"),
        (Hostile(), Result.FAILURE, "Hostile: <unprintable>"),
        (
            BaseExceptionGroup("both", [KeyboardInterrupt()]),
            Result.FAILURE,
            "BaseExceptionGroup: both (1 sub-exception)",
        ),
        (GeneratorExit(), Result.FAILURE, "GeneratorExit"),
        (TaskAbortedError("as asked"), Result.ABORTED, "TaskAbortedError: as asked"),
        (ValueError("x" * 100_000), Result.FAILURE, f"ValueError: {'x' * 16384}… (100000 characters)"),
        (ValueError("\ud800"), Result.FAILURE, "ValueError: ?"),
    ],
)
def test_whatever_a_task_raises_is_recorded(error: BaseException, result: Result, reason: str) -> None:
    """No exception of a task ends its worker; a long text is cut, and one that cannot be written is replaced."""

    class Raising(Task):
        @report
        def run(self) -> Any:
            raise error

    task = make(Raising)
    asyncio.run(task.run())
    assert (result, reason) == (task.manifest.result, task.manifest.failure_reason)


def test_a_cancellation_goes_on() -> None:
    """It is recorded as aborted, and raised, because an event loop waits for it."""

    class Waiting(Task):
        @report
        async def run(self) -> Any:
            await asyncio.Event().wait()

    async def cancel(task: Task) -> None:
        running = asyncio.ensure_future(task.run())
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    task = make(Waiting)
    asyncio.run(cancel(task))
    assert (Result.ABORTED, "CancelledError") == (task.manifest.result, task.manifest.failure_reason)


class _Handle:
    """Stands for a file that is written when it is collected."""


def test_nothing_keeps_what_a_run_left_alive() -> None:
    """A file that a task never closed is collected before `validate`, after a success and after a failure."""
    seen: list[weakref.ref[_Handle]] = []

    class Leaving(Task):
        @report
        def run(self) -> Any:
            handle = _Handle()
            seen.append(weakref.ref(handle))
            if len(seen) > 1:
                raise ValueError("after opening")
            return handle

    gc.disable()
    try:
        for task in (make(Leaving), make(Leaving)):
            asyncio.run(task.run())
            assert None is seen[-1]()
    finally:
        gc.enable()


def test_a_task_without_run_fails_in_words() -> None:
    """The class is named."""

    class Empty(Task):
        """Nothing in it."""

    with pytest.raises(TypeError, match="the task class Empty has no run method"):
        make(Empty).run()


def test_coroutine_functions_are_told_apart() -> None:
    """Decorated or not."""
    assert is_asynchronous(Plain.validate)
    assert not is_asynchronous(Plain.run)
    assert not is_asynchronous(Task.run)

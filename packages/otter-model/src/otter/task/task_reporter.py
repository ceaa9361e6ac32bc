"""`TaskReporter` keeps the manifest of one task; `report` fills it in around `run` and `validate`."""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, TypeVar

from otter.manifest.model import Artifact, Result, TaskManifest
from otter.util.errors import TaskAbortedError, failure_text
from otter.util.record import sound_record

T = TypeVar("T", bound="TaskReporter")

_SUCCESS = Result.SUCCESS


def utc_now() -> dt.datetime:
    """The time as manifests record it: aware, UTC."""
    return dt.datetime.now(dt.UTC)


class TaskReporter:
    """The part of a task that knows what has happened to it.

    Attributes:
        name: the name of the task.
        manifest: the record; `failure_reason` is none as long as nothing failed.
        failure: the exception type and the formatted traceback of a failure, for the engine; none without one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # One is made for each task: that a name is a text need not be found out again.
        self.manifest = sound_record(TaskManifest, name=name) if type(name) is str else TaskManifest(name=name)
        self.failure: tuple[str, str] | None = None
        self._began = 0.0

    @property
    def artifacts(self) -> list[Artifact]:
        """What the task made."""
        return self.manifest.artifacts

    @artifacts.setter
    def artifacts(self, artifacts: list[Artifact]) -> None:
        self.manifest.artifacts = artifacts

    def start_run(self) -> None:
        """Record that `run` begins."""
        self.manifest.started_run_at = utc_now()
        self._began = time.monotonic()

    def finish_run(self) -> None:
        """Record that `run` ended well."""
        manifest = self.manifest
        manifest.finished_run_at = utc_now()
        manifest.run_elapsed = time.monotonic() - self._began
        self._account()

    def start_validation(self) -> None:
        """Record that `validate` begins."""
        self.manifest.started_validation_at = utc_now()
        self._began = time.monotonic()

    def finish_validation(self) -> None:
        """Record that `validate` ended well."""
        manifest = self.manifest
        manifest.finished_validation_at = utc_now()
        manifest.validation_elapsed = time.monotonic() - self._began
        self._account()

    def _account(self) -> None:
        manifest = self.manifest
        manifest.result = _SUCCESS
        manifest.elapsed = (manifest.run_elapsed or 0.0) + (manifest.validation_elapsed or 0.0)

    def fail(self, error: BaseException, phase: str = "run") -> None:
        """Record an exception: its type, its text, and the traceback as text; no frame is kept alive."""
        import traceback

        manifest = self.manifest
        elapsed = time.monotonic() - self._began
        if phase == "validate":
            manifest.finished_validation_at, manifest.validation_elapsed = utc_now(), elapsed
        else:
            manifest.finished_run_at, manifest.run_elapsed = utc_now(), elapsed
        self._account()
        aborted = isinstance(error, TaskAbortedError) or type(error).__name__ == "CancelledError"
        manifest.result = Result.ABORTED if aborted else Result.FAILURE
        manifest.failure_reason = failure_text(error)
        try:
            frames = error.__traceback__
            while frames is not None and frames.tb_next is not None and frames.tb_frame.f_code.co_filename == __file__:
                frames = frames.tb_next  # the decorator tells the author nothing
            lines = traceback.format_exception(type(error), error, frames, limit=100)
        except BaseException:  # noqa: BLE001 - a __str__ or a cause of the task's own may raise anything
            lines = [failure_text(error)]
        text = "".join(lines)[-65536:].encode("utf-8", "replace").decode("utf-8")  # a lone surrogate could not be sent
        self.failure = type(error).__name__, text


def report(method: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Decorate `run` or `validate`: times, result and failure go into the manifest of the task.

    Calling the decorated method gives a coroutine, whether the method is one or not, and the coroutine returns the
    task. An exception is recorded instead of raised; the engine and tests read `task.manifest`. Only a cancellation
    goes on, because swallowing it would keep an event loop from ending.
    """
    validates = method.__name__ == "validate"
    phase = "validate" if validates else "run"

    @functools.wraps(method)
    async def reported(self: T, *args: Any, **kwargs: Any) -> T:
        if validates:
            self.start_validation()
        else:
            self.start_run()
        try:
            outcome = method(self, *args, **kwargs)
            if outcome is not self and isawaitable(outcome):
                await outcome
            # A file that the task left open is closed when its last reference goes, and `validate` may read it.
            del outcome
        except BaseException as error:
            self.fail(error, phase)
            if type(error).__name__ == "CancelledError":
                raise
            error.__traceback__ = None
        else:
            if validates:
                self.finish_validation()
            else:
                self.finish_run()
        return self

    reported.otter_method = method  # type: ignore[attr-defined]  # what is_asynchronous looks at
    return reported


def is_asynchronous(method: Callable[..., Any]) -> bool:
    """Whether a `run` or `validate`, decorated or not, is a coroutine function of its author's."""
    from inspect import iscoroutinefunction

    return iscoroutinefunction(getattr(method, "otter_method", method))


Reported = Callable[..., Awaitable[Any]]

"""An observer that says nothing: for runs inside other programs, which read the manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otter.step.coordinator.events import TaskId, WorkerId
from otter.step.coordinator.overview import Overview
from otter.task.task_type import TaskType


class SilentObserver:
    """Does nothing; displays override what they show."""

    def on_open(self, look: Callable[[], Overview]) -> None:
        """See `Observer`."""

    def on_types(self, types: dict[str, TaskType]) -> None:
        """See `Observer`."""

    def on_begin(self, total: int) -> None:
        """See `Observer`."""

    def on_added(self, count: int, by: str) -> None:
        """See `Observer`."""

    def on_start(self, task: TaskId, name: str, worker: WorkerId) -> None:
        """See `Observer`."""

    def on_retry(self, name: str, attempt: int, reason: str, delay: float) -> None:
        """See `Observer`."""

    def on_end(self, task: TaskId, name: str, entry: dict[str, Any]) -> None:
        """See `Observer`."""

    def on_worker(self, worker: WorkerId, what: str) -> None:
        """See `Observer`."""

    def on_stop(self, reason: str) -> None:
        """See `Observer`."""

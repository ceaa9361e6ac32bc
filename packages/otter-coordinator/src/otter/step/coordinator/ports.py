"""What the loop needs of the world, as protocols: so that tests drive it with the real codec and no processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from otter.step.coordinator.events import TaskId, WorkerId
from otter.step.coordinator.overview import Overview
from otter.task.task_type import TaskType

Beginning = tuple[int, int, float]
"""A task that a worker began: its number, the attempt, and when, on the system's monotonic clock."""


class Workers(Protocol):
    """Workers by number. What they say and how they end comes back through callbacks."""

    @property
    def pids(self) -> dict[WorkerId, int]:
        """Process ids of the living ones."""

    def start(self, worker: WorkerId) -> None:
        """Start one; raises OSError when that is impossible."""

    def send(self, worker: WorkerId, messages: Sequence[Any], batons: int = 0) -> None:
        """Send messages in one frame, with a baton for each task among them."""

    def revoke(self, worker: WorkerId, tasks: Sequence[TaskId]) -> tuple[TaskId, ...]:
        """Take back tasks that have not begun; those for which it succeeded."""

    def abort(self, worker: WorkerId, tasks: Sequence[TaskId], grace: float) -> None:
        """Ask tasks to stop."""

    def begun(self, worker: WorkerId) -> list[Beginning]:
        """What it has begun since this was last asked, or told by a call."""

    def watch(self, worker: WorkerId) -> None:
        """Tell of what it begins next by a call, once."""

    def kill(self, worker: WorkerId, verdict: str) -> None:
        """End one at once."""

    def trim_output(self) -> None:
        """Keep what processes wrote behind Python's back within its limit."""

    def poll(self) -> None:
        """Look for dead ones."""

    async def close(self, patience: float = ...) -> list[tuple[int, str]]:
        """End them all; process ids and command lines of what tasks may have left and nobody could end."""


class ManifestStore(Protocol):
    """Where the manifest of a release is kept."""

    @property
    def location(self) -> str:
        """Where that is, for people."""

    def publish(self, key: str, entry: dict[str, Any], tasks: Iterable[bytes] = ...) -> None:
        """Insert or replace the entry of one step, with its tasks as JSON; raises ManifestError."""


class Observer(Protocol):
    """Someone who watches a run: a display, a log. Called in the loop, so it must be quick."""

    def on_open(self, look: Callable[[], Overview]) -> None:
        """The run is about to open; `look` shows it at a glance whenever the observer likes, in the loop."""

    def on_types(self, types: dict[str, TaskType]) -> None:
        """A worker said what it can run."""

    def on_begin(self, total: int) -> None:
        """The tasks of the step are known."""

    def on_added(self, count: int, by: str) -> None:
        """A task generated others."""

    def on_start(self, task: TaskId, name: str, worker: WorkerId) -> None:
        """An attempt began."""

    def on_retry(self, name: str, attempt: int, reason: str, delay: float) -> None:
        """An attempt failed and will be made again."""

    def on_end(self, task: TaskId, name: str, entry: dict[str, Any]) -> None:
        """A task ended; `entry` is its part of the manifest."""

    def on_worker(self, worker: WorkerId, what: str) -> None:
        """Something happened to a worker, in words."""

    def on_stop(self, reason: str) -> None:
        """The run was asked to stop."""

"""`Backlog`: which attempt may begin next. Pure: it knows nothing of queues, loops or clocks.

Attempts begin in the order in which they came. An asynchronous one may begin beside others, up to the limit; a
synchronous one, and one that must be alone, waits until the worker is empty, and nothing begins beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs

from otter.util.values import Shown
from otter.wire.messages import RunTask


@attrs.define(eq=False, repr=False)  # not frozen: there are as many as attempts
class Waiting(Shown):
    """An attempt that has not begun."""

    request: RunTask
    asynchronous: bool

    @property
    def shares(self) -> bool:
        """Whether it may run beside others."""
        return self.asynchronous and not self.request.alone


class Backlog:
    """The attempts of one worker.

    Args:
        concurrency: how many asynchronous attempts may run at once.

    Attributes:
        waiting: the attempts that have not begun, in order.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.waiting: deque[Waiting] = deque()
        self._running: dict[int, Waiting] = {}

    @property
    def running(self) -> int:
        """How many attempts have begun and not ended."""
        return len(self._running)

    def add(self, request: RunTask, asynchronous: bool) -> None:
        """An attempt came."""
        self.waiting.append(Waiting(request, asynchronous))

    def revoke(self, tasks: Iterable[int]) -> None:
        """Forget attempts that have not begun."""
        gone = set(tasks)
        self.waiting = deque(item for item in self.waiting if item.request.task not in gone)

    def ready(self) -> Waiting | None:
        """The attempt that may begin now; none if there is none, or the first has to wait for those that run."""
        if not self.waiting:
            return None
        head = self.waiting[0]
        if not self._running:
            return head
        if not head.shares or len(self._running) >= self.concurrency:
            return None
        return head if all(item.shares for item in self._running.values()) else None

    def begin(self) -> Waiting:
        """The attempt that `ready` named begins."""
        item = self.waiting.popleft()
        self._running[item.request.task] = item
        return item

    def end(self, task: int) -> None:
        """An attempt ended."""
        del self._running[task]

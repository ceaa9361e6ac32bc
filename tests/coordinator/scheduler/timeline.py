"""Simulated time: what is going to happen, in order, and a coordinator's clock that may jump."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

Action = Callable[..., None]


class Timeline:
    """What is going to happen.

    Args:
        offset: what the coordinator's clock shows at the beginning.

    Attributes:
        now: seconds since the beginning, without those that the whole machine slept.
        asleep: until when the coordinator alone does not run.
    """

    def __init__(self, offset: float) -> None:
        self.now = 0.0
        self.offset = offset
        self.asleep = 0.0
        self._heap: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._sequence = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def at(self) -> float:
        """The time on the coordinator's clock."""
        return self.now + self.offset

    def after(self, delay: float, action: Action, *args: Any) -> None:
        """Something happens in so many seconds; at the same moment, in the order of these calls."""
        self._at(self.now + delay, action, args)

    def when_awake(self, action: Action, *args: Any) -> None:
        """Something happens when the coordinator wakes up: at that very moment, since a sum would be rounded."""
        self._at(self.asleep, action, args)

    def advance(self, until: float) -> bool:
        """Let the next thing happen, if it happens by then; else go on to then, and return False."""
        if self._heap and self._heap[0][0] <= until:
            self.now, _, action, args = heapq.heappop(self._heap)
            action(*args)
            return True
        self.now = until
        return False

    def _at(self, moment: float, action: Action, args: tuple[Any, ...]) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (moment, self._sequence, action, args))

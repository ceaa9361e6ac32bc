"""`Briefly`: looks for something that is about to come before the process falls asleep for it.

To fall asleep and to be woken up takes about as long, on either side of a channel, as a small task with its whole way
there and back. Whoever looks lets others have the processor between two looks; where these keep it, the machine has
something better to do, and for a while nobody looks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

MOMENT = 3e-4
"""Seconds for which it is looked."""

TAKEN = 5e-4
"""Seconds after which the processor was given to somebody who needs it."""

PAUSE = 0.05
"""Seconds for which nobody looks then."""

_give_way: Callable[[], object] = getattr(os, "sched_yield", lambda: time.sleep(0))


class Briefly:
    """Looks again and again, for a moment, as long as nobody else needs the processor."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def look(self, look: Callable[[], bool]) -> bool:
        """Whether it came.

        Args:
            look: whether it is there; it takes no time.
        """
        now = time.monotonic()
        if now < self._not_before:
            return look()
        until = now + MOMENT
        while not look():
            before = now
            if before > until:
                return False
            _give_way()
            now = time.monotonic()
            if now - before > TAKEN:
                self._not_before = now + PAUSE
                return look()
        return True

"""`Durability`: when the journal is handed to the operating system, and when to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from otter.step.coordinator.background import Background
from otter.step.coordinator.journal import Journal, JournalError
from otter.util.errors import failure_text

SYNC_INTERVAL = 0.05
"""Seconds: the longest time that a commit waits for the disk."""


class Durability:
    """Keeps a journal written and synced. A failure of the storage is told once, in words, and ends the run.

    Args:
        journal: takes the commits.
        background: where syncing waits for the disk.
        on_failure: called from the event loop when a sync failed.
    """

    def __init__(self, journal: Journal, background: Background, on_failure: Callable[[str], None]) -> None:
        self._journal = journal
        self._background = background
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._syncing: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def record(self, *, last: bool) -> str | None:
        """Hand what was committed to the operating system.

        Args:
            last: nothing follows, and the journal is synced when it is closed.

        Returns:
            Why the run cannot go on; none if it can.
        """
        try:
            self._journal.flush()
        except (JournalError, OSError) as error:
            return _words(error)
        if not last and self._journal.unsynced and self._syncing is None and self._timer is None:
            self._timer = self._loop.call_later(SYNC_INTERVAL, self._begin_sync)
        return None

    def look(self) -> str | None:
        """Why the journal is not where it was: a task may take hours, and what it does would be lost."""
        if self._journal.failure is None:
            try:
                self._journal.check_place()
            except JournalError as error:
                return _words(error)
        return None

    async def close(self) -> None:
        """Begin no other sync, and wait for the one that goes on."""
        if self._timer is not None:
            self._timer.cancel()
        if self._syncing is not None:
            await asyncio.wait([self._syncing])

    def _begin_sync(self) -> None:
        self._timer = None
        self._syncing = self._background.run(self._journal.sync)
        self._syncing.add_done_callback(self._end_sync)

    def _end_sync(self, future: asyncio.Future[None]) -> None:
        self._syncing = None
        error = future.exception()
        if error is not None:
            self._on_failure(_words(error))


def _words(error: BaseException) -> str:
    return f"storage error: {error if isinstance(error, JournalError) else failure_text(error)}"

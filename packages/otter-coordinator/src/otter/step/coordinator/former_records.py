"""`FormerRecords`: records of a journal that are read again one by one, instead of being kept in memory."""

from __future__ import annotations

import os
import weakref

from otter.step.coordinator.journal import JournalError

WINDOW = 128 * 1024
"""Bytes that are read at once: who asks for one record mostly asks for the next one then."""


class FormerRecords:
    """Pieces of a journal that is only appended to; they can be had as long as this lives, whatever becomes of it.

    Args:
        fd: the open journal, which may be closed afterwards.
    """

    def __init__(self, fd: int) -> None:
        self._fd = os.dup(fd)
        self._window = (0, b"")
        weakref.finalize(self, os.close, self._fd)

    def read(self, at: int, size: int) -> bytes:
        """A piece of the journal.

        Raises:
            JournalError: it is not there any more, or cannot be read.
        """
        start, window = self._window  # replaced as a whole: a thread that writes the manifest reads here too
        if not start <= at <= at + size <= start + len(window):
            try:
                window = os.pread(self._fd, max(size, WINDOW), at)
            except OSError as error:
                raise JournalError(f"the journal cannot be read at byte {at}: {error.strerror}") from error
            start = at
            self._window = (start, window)
        piece = window[at - start : at - start + size]
        if len(piece) != size:
            raise JournalError(f"the journal was cut at byte {at + len(piece)} while it was in use")
        return piece

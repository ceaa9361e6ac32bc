"""The file for what a worker's process writes behind Python's back: C code, child processes, a dump while it dies.

Its beginning and its end are kept. What is written between them is given back to the disk while the file grows, as long
as the file system can do that; the worker moves what belongs to a task into the task's log.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

TAIL_KEPT = 2 * 1024 * 1024
"""Bytes of the end that are kept."""

_PUNCH_HOLE_KEEP_SIZE = 0x02 | 0x01
_BLOCK = 4096
_TAIL_READ = 16 * 1024
_TAIL_LINES = 40


class WorkerOutput:
    """An open output file.

    Args:
        fd: its descriptor.
        limit: bytes of the beginning that are kept.
    """

    def __init__(self, fd: int, limit: int) -> None:
        self.fd = fd
        self._limit = limit

    @classmethod
    def open(cls, path: Path, limit: int) -> WorkerOutput:
        """Make the file, or empty it.

        Raises:
            OSError: it cannot be made.
        """
        # In append mode, so that the worker can empty it while others write.
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return cls(os.open(path, flags, 0o644), limit)

    def trim(self) -> None:
        """Give the middle back to the disk, if there is one; called at intervals."""
        with contextlib.suppress(OSError):
            size = os.fstat(self.fd).st_size
            start = -(-self._limit // _BLOCK) * _BLOCK
            length = (size - TAIL_KEPT - start) // _BLOCK * _BLOCK
            if length > 0 and not _punch_hole(self.fd, start, length):
                os.ftruncate(self.fd, 0)

    def size(self) -> int:
        """How much was written, in bytes."""
        try:
            return os.fstat(self.fd).st_size
        except OSError:
            return 0

    def tail(self) -> tuple[str, ...]:
        """The last lines."""
        return tuple(_last_lines(self.fd))

    def close(self) -> None:
        """Close it."""
        os.close(self.fd)


def last_lines(path: Path) -> list[str]:
    """The last lines of a text file; none where it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return _last_lines(fd)
    finally:
        os.close(fd)


def _last_lines(fd: int) -> list[str]:
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, _TAIL_READ, max(0, size - _TAIL_READ))
    except OSError:
        return []
    return data.decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]


def _punch_hole(fd: int, start: int, length: int) -> bool:
    """Give a range of a file back to the disk; false where that is impossible."""
    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except AttributeError:  # not Linux
        return False
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return bool(fallocate(fd, _PUNCH_HOLE_KEEP_SIZE, start, length) == 0)

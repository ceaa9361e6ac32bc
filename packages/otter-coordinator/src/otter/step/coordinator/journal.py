"""The journal of a step: what was committed, record by record, so that nothing of it is lost or done twice.

A record is a line: CRC-32 of the body in eight hexadecimal digits, a blank, the length of the body in bytes, a blank,
the body as JSON. A process that dies leaves at most one incomplete record at the end, which is cut off when the journal
is opened again, before anything is appended. Any other damage is an error that names the place.

`append` gathers, `flush` hands everything to the operating system, where the death of this process cannot reach it any
more; `sync` makes it survive the death of the machine, and is called at intervals from a thread of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from otter.step.coordinator import failpoints
from otter.util.errors import OtterError

_HEAD = re.compile(rb"([0-9a-f]{8}) (\d{1,12}) ")


class JournalError(OtterError):
    """The journal cannot be read or written. The operator looks at the disk, or starts without --resume."""


def encode_record(record: Any) -> bytes:
    """A record as it stands in the file."""
    return frame_record(orjson.dumps(record))


def frame_record(body: bytes) -> bytes:
    """A record as it stands in the file, from its JSON text, which holds no newline."""
    return b"%08x %d %b\n" % (zlib.crc32(body), len(body), body)


def read_journal(data: bytes) -> tuple[list[Any], int]:
    """The records of a journal and the number of bytes that they take; what follows is an incomplete record.

    Raises:
        JournalError: a record is damaged in a way that no interrupted write explains; the offset is named.
    """
    records: list[Any] = []
    at = 0
    for at, end, body in _split(data):
        try:
            records.append(orjson.loads(body))
        except ValueError as error:
            raise JournalError(f"the record at byte {at} has a good checksum and is no JSON: {error}") from error
        at = end
    return records, at


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and body of each record. A body holds no newline, so an incomplete record holds none either."""
    at, size = 0, len(data)
    while at < size:
        newline = data.find(b"\n", at)
        if newline < 0:
            if _whole_but_for_its_newline(data[at:]):
                raise _damage(at)
            return
        head = _HEAD.match(data, at, newline)
        if head is None:
            raise _damage(at)
        body = data[head.end() : newline]
        if len(body) != int(head[2]) or b"%08x" % zlib.crc32(body) != head[1]:
            raise _damage(at)
        yield at, newline + 1, body
        at = newline + 1


def _whole_but_for_its_newline(rest: bytes) -> bool:
    """Whether a record stands there in full and only its newline is another byte: no write that was cut short."""
    head = _HEAD.match(rest)
    return head is not None and len(rest) == head.end() + int(head[2]) + 1 and rest[-1:] != b"\0"


def _damage(at: int) -> JournalError:
    return JournalError(f"the record at byte {at} is damaged: its length or checksum does not fit")


class Journal:
    """A journal that is open for appending.

    Args:
        path: the file.
        resume: go on with what is there; otherwise the former journal is kept beside it as `.previous`.

    Attributes:
        records: what was there when it was opened; the reader may clear it.
        failure: why nothing can be committed any more; none as long as all went well.

    Raises:
        JournalError: it is damaged, or cannot be opened.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = path
        self.records: list[Any] = []
        self.failure: JournalError | None = None
        self._pending = bytearray()
        self._written = 0
        self._synced = 0
        try:
            if not resume and path.exists():
                os.replace(path, path.with_name(path.name + ".previous"))
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                if resume:
                    self._recover()
                sync_directory(path.parent)
            except BaseException:
                os.close(self._fd)
                raise
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror}") from error

    def _recover(self) -> None:
        with open(self._fd, "rb", closefd=False) as file:
            data = file.read()
        try:
            self.records, good = read_journal(data)
        except JournalError as error:
            raise JournalError(
                f"{self.path}: {error}. Keep the file for inspection, and run without --resume to start anew"
            ) from error
        if good < len(data):
            os.ftruncate(self._fd, good)  # before anything is appended: a new record must not follow half a record
        os.lseek(self._fd, good, os.SEEK_SET)
        self._written = self._synced = good

    def append(self, record: bytes) -> None:
        """Gather a record, as `encode_record` makes it."""
        self._pending += record  # copied: the serialiser leaves kilobytes of room behind each short text

    def flush(self) -> None:
        """Hand what was gathered to the operating system.

        Raises:
            JournalError: the disk is full or broken. What was gathered is not committed, and nothing is any more: what
                cannot be followed without a gap must not be continued.
        """
        if not self._pending:
            return
        data = memoryview(bytes(self._pending))
        self._pending.clear()
        if self.failure is not None:
            raise self.failure
        try:
            failpoints.hit("journal.before")
            if failpoints.due("journal.torn"):
                os.write(self._fd, data[: len(data) // 2])
                failpoints.act()
            done = 0
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError as error:
            with contextlib.suppress(OSError):  # half a record at the end is cut when the journal is opened again
                os.ftruncate(self._fd, self._written)
            raise self._fail(error) from error
        self._written += len(data)
        failpoints.hit("journal.after")

    @property
    def unsynced(self) -> bool:
        """Whether something was written that a failure of the machine could still take."""
        return self._written > self._synced

    def sync(self) -> None:
        """Make durable what was flushed; may be called from another thread.

        Raises:
            JournalError: the disk could not do it.
        """
        written = self._written
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise self._fail(error) from error
        self._synced = max(self._synced, written)
        failpoints.hit("journal.after_fsync")

    def close(self) -> None:
        """Flush, sync and close.

        Raises:
            JournalError: as `flush` and `sync`.
        """
        if self._fd < 0:
            return
        try:
            self.flush()
            if self.unsynced:
                self.sync()
        finally:
            fd, self._fd = self._fd, -1
            try:
                os.close(fd)
            except OSError as error:  # where a file lies on a network, this is the call that tells of a full disk
                raise self._fail(error) from error

    def _fail(self, error: OSError) -> JournalError:
        self.failure = self.failure or JournalError(f"{self.path}: {error.strerror}")
        return self.failure


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable, after one was made or replaced."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

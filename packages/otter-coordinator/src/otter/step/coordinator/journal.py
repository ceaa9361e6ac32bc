"""The journal of a step: what was committed, record by record, so that nothing of it is lost or done twice.

A record is a line: CRC-32 of the body in eight hexadecimal digits, a blank, the length of the body in bytes, a blank,
the body as JSON. A process that dies leaves at most one incomplete record at the end; a machine that stops may also
leave holes in what was not synced. Both are cut off when the journal is opened again, before anything is appended. Any
other damage is an error that names the place.

`append` gathers, `flush` hands everything to the operating system, where the death of this process cannot reach it any
more; `sync` makes it survive the death of the machine, and is called at intervals from a thread of its own.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from otter.step.coordinator import failpoints
from otter.step.coordinator.durable import sync_directory
from otter.util.errors import OtterError

READ_SIZE = 256 * 1024
"""Bytes that are read at once."""

_HOLE = bytes(16)
"""What a disk gives back for what was written to it before the machine stopped, and not by then. JSON has no zeros."""

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
    end = 0
    for at, body in scan_journal(io.BytesIO(data)):
        records.append(decode_record(at, body))
        end = at + len(body) + 1
    return records, end


def scan_journal(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each record of a journal: where its body stands, and the body. Only one of them is in memory at a time.

    Args:
        lines: of the file, which is read as far as it is asked for.

    Raises:
        JournalError: as `read_journal`.
    """
    at = 0
    for line in lines:
        if line[-1:] != b"\n":  # a body holds no newline, so an incomplete record holds none either
            if _whole_but_for_its_newline(line):
                raise _damage(at)
            return
        head = _HEAD.match(line)
        body = line[head.end() : -1] if head is not None else b""
        if head is None or len(body) != int(head[2]) or b"%08x" % zlib.crc32(body) != head[1]:
            if _HOLE in line:  # a sync writes all that came before, so nothing that follows was ever synced
                return
            raise _damage(at)
        yield at + head.end(), body
        at += len(line)


def decode_record(at: int, body: bytes) -> Any:
    """What a record says.

    Args:
        at: where its body stands.

    Raises:
        JournalError: it is no JSON.
    """
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise JournalError(f"the record at byte {at} has a good checksum and is no JSON: {error}") from error


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
        resume: go on with what is there, once `recover` has read it; otherwise the former journal is kept beside it as
            `.previous`.

    Attributes:
        cut: bytes that were incomplete at the end of what was there, and are not there any more.
        failure: why nothing can be committed any more; none as long as all went well.

    Raises:
        JournalError: it cannot be opened.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = path
        self.failure: JournalError | None = None
        self.cut = 0
        self._pending = bytearray()
        self._written = 0
        self._synced = 0
        try:
            if not resume and path.exists():
                os.replace(path, path.with_name(path.name + ".previous"))
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                sync_directory(path.parent)
            except BaseException:
                os.close(self._fd)
                raise
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror}") from error

    @property
    def fd(self) -> int:
        """The open file."""
        return self._fd

    def recover(self, take: Callable[[int, bytes], None]) -> None:
        """Read what is there, and cut off what a dying process left incomplete; before anything is appended.

        Args:
            take: is called for each record with the place and the text of its body.

        Raises:
            JournalError: the journal is damaged, or cannot be read.
        """
        end = 0
        try:
            with open(self._fd, "rb", buffering=READ_SIZE, closefd=False) as file:
                for at, body in scan_journal(file):
                    take(at, body)
                    end = at + len(body) + 1
            self.cut = os.fstat(self._fd).st_size - end
            if self.cut:
                os.ftruncate(self._fd, end)  # a new record must not follow half a record,
                os.fsync(self._fd)  # nor come to stand before an old one, should the disk forget the cut
            os.lseek(self._fd, end, os.SEEK_SET)
        except JournalError as error:
            raise JournalError(
                f"{self.path}: {error}. Keep the file for inspection, and run without --resume to start anew"
            ) from error
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from error
        self._written = end  # and not known to be synced: who wrote it was killed, perhaps before that

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

    def check_place(self) -> None:
        """Make sure that what is written can be found: a file that lost its name takes everything, and keeps nothing.

        Raises:
            JournalError: the journal was removed, moved or replaced, perhaps with the directory that it is in.
        """
        try:
            there = os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except (FileNotFoundError, NotADirectoryError):
            there = False
        except OSError:  # it may be out of reach for now; writing will tell
            return
        if not there:
            self.failure = self.failure or JournalError(
                f"{self.path}: it was removed, moved or replaced while the run went on"
            )
            raise self.failure

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
        self.check_place()
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

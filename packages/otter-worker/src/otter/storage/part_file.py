"""Writing a local file so that others see the old one or the whole new one, and never a part.

The bytes go to a file without a name (Linux: `O_TMPFILE`, so that even after SIGKILL nothing is
left to clean up) or, where the file system has no such thing, to a hidden one beside the
destination. Publishing gives it its name in one step.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from otter.storage.globbing import OWN_PREFIX
from otter.storage.model import ABSENT, Revision
from otter.util.errors import PreconditionFailedError, StorageError

_ANONYMOUS = getattr(os, "O_TMPFILE", 0) if os.path.isdir("/proc/self/fd") else 0
_MAX_BLOCKS = 64
"""Buffers in one call of `writev`; POSIX promises 16, Linux takes 1024."""


def revision_of(stat: os.stat_result) -> str:
    """The revision of a local file: it changes with every publication and every change."""
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}-{stat.st_ino:x}"


class PartFile:
    """A local file being written; see `otter.storage.model.Publication`.

    Args:
        directory: descriptor of the directory it is for; a duplicate of it is kept.
        name: the name in that directory.
        shown: the location, for messages.
        expected: the revision that must be there when it is published; none for any.
        durable: flush to the device before the file becomes visible.

    Attributes:
        fd: descriptor to write to, by whoever can do it better than `write`.
    """

    def __init__(
        self,
        directory: int,
        name: str,
        shown: str,
        expected: Revision = None,
        durable: bool = False,
    ) -> None:
        self._name = name
        self._shown = shown
        self._expected = expected
        self._durable = durable
        self._part: str | None = None
        self._directory = os.dup(directory)
        try:
            self.fd = self._open()
        except BaseException:
            os.close(self._directory)
            raise
        self._open_still = True

    def _open(self) -> int:
        if _ANONYMOUS:
            with suppress(OSError):
                return os.open(".", _ANONYMOUS | os.O_RDWR | os.O_CLOEXEC, 0o666, dir_fd=self._directory)
        self._part = _part_name()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.open(self._part, flags, 0o666, dir_fd=self._directory)

    @property
    def may_wait(self) -> bool:
        """Whether `publish` may have to wait: for the lock, or for the device."""
        return self._durable or self._expected is not None

    def write(self, blocks: Sequence[bytes | memoryview]) -> None:
        """Append all blocks."""
        for start in range(0, len(blocks), _MAX_BLOCKS):
            pending = list(blocks[start : start + _MAX_BLOCKS])
            while pending:
                written = os.writev(self.fd, pending)
                while pending and written >= len(pending[0]):
                    written -= len(pending.pop(0))
                if written:
                    pending[0] = memoryview(pending[0])[written:]

    def publish(self) -> Revision:
        """Give the file its name; it is closed afterwards, and no part of it is left.

        Raises:
            PreconditionFailedError: something else is at the location than what was expected.
            StorageError: the file system cannot lock a directory, which an expectation needs.
            OSError: as usual.
        """
        try:
            if self._durable:
                os.fsync(self.fd)
            if self._expected is not None or not self._took_free_name():
                # Nobody who expects a revision comes between the look at what is there and the new
                # name. Whoever expects nothing takes no lock: no process, were it stopped right
                # here, keeps the others from publishing.
                with _locked(self._directory, self._shown, needed=self._expected is not None):
                    former = _stat_at(self._directory, self._name)
                    self._check(former)
                    self._set_time(former)
                    self._name_it()
            revision = revision_of(os.fstat(self.fd))
            if self._durable:
                os.fsync(self._directory)
            return revision
        finally:
            self.discard()

    def discard(self) -> None:
        """Close the file and leave nothing behind, unless it is published already."""
        if not self._open_still:
            return
        self._open_still = False
        try:
            if self._part is not None:
                with suppress(FileNotFoundError):
                    os.unlink(self._part, dir_fd=self._directory)
        finally:
            os.close(self._directory)
            os.close(self.fd)

    def _took_free_name(self) -> bool:
        """Give a file without a name its name if nothing has it, which is the usual case, in one call."""
        if self._part is not None:
            return False
        self._set_time(None)
        with suppress(FileExistsError):
            self._link(self._name)
            return True
        return False

    def _set_time(self, former: os.stat_result | None) -> None:
        """Give the file a time that it shares with none before it.

        Clocks of file systems tick in milliseconds, and inode numbers are used again: without it, a
        file could have the revision of the one before the last.
        """
        now = time.time_ns()
        when = now if former is None else max(now, former.st_mtime_ns + 1)
        os.utime(self.fd, ns=(when, when))

    def _check(self, former: os.stat_result | None) -> None:
        if self._expected is None:
            return
        found = ABSENT if former is None else revision_of(former)
        if found != self._expected:
            there = "nothing is there" if former is None else f"revision {found} is there"
            raise PreconditionFailedError(f"{self._shown}: expected revision {self._expected}, but {there}")

    def _name_it(self) -> None:
        if self._part is None:
            # Only a name that is free can be given to a file without one: for one that is taken, by
            # a detour.
            with suppress(FileExistsError):
                self._link(self._name)
                return
            part = _part_name()
            self._link(part)
            self._part = part
        os.replace(self._part, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self._part = None

    def _link(self, name: str) -> None:
        os.link(f"/proc/self/fd/{self.fd}", name, dst_dir_fd=self._directory, follow_symlinks=True)


def _part_name() -> str:
    return f"{OWN_PREFIX}-{secrets.token_hex(8)}.part"


def _stat_at(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def _locked(directory: int, shown: str, needed: bool) -> Iterator[None]:
    if not needed:
        yield
        return
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
    except OSError as error:
        raise StorageError(
            f"{shown}: this file system cannot lock a directory, so that no revision can be expected: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        fcntl.flock(directory, fcntl.LOCK_UN)

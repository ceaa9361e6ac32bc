"""Local files. Copies are real copies, whole or not there at all, and cost no memory."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from otter.storage.beneath import open_file, parent_directory, stat_beneath
from otter.storage.globbing import iterate_matches
from otter.storage.model import BLOCK_SIZE, Copied, Location, Publication, Revision, StatResult
from otter.storage.part_file import PartFile, revision_of
from otter.storage.storage_context import get_storage_context
from otter.util.errors import CopyError, NotFoundError, StorageError

_KERNEL_COPY_SIZE = 64 * BLOCK_SIZE
"""Bytes that the kernel copies in one call: at some GB/s, a wish to stop is seen in time."""
_NO_KERNEL_COPY = frozenset(
    {
        errno.EXDEV,
        errno.ENOSYS,
        errno.EINVAL,
        errno.EOPNOTSUPP,
        errno.EPERM,
        errno.EBADF,
        errno.ETXTBSY,
    }
)


class LocalBackend:
    """Local files; see `otter.storage.model.BlockingBackend`."""

    def stat(self, location: Location) -> StatResult:
        """What is known of a file or a directory."""
        with _told(location):
            return _stat_result(stat_beneath(location))

    def iterate_glob(self, location: Location, pattern: str) -> Iterator[str]:
        """Absolute paths of the files below a directory that match a pattern."""
        with _told(location):
            if location.root is not None:
                try:
                    stat_beneath(location)
                except (FileNotFoundError, NotADirectoryError):
                    return
            root = os.path.realpath(location.root) if location.root else None

            def may_enter(path: str) -> bool:
                return root is None or os.path.commonpath((root, os.path.realpath(path))) == root

            yield from iterate_matches(location.absolute, pattern, may_enter)

    def open_read(self, location: Location) -> tuple[BinaryIO, StatResult]:
        """The bytes of a file; whoever replaces it meanwhile does not change them."""
        with _told(location):
            fd = open_file(location)
            return os.fdopen(fd, "rb"), _stat_result(os.fstat(fd))

    def open_write(self, location: Location, expected: Revision = None) -> Publication:
        """Begin to write a file; missing directories are made."""
        with _told(location):
            return _ToldPublication(self._part_file(location, expected), location)

    def open_update(self, location: Location, mode: str) -> BinaryIO:
        """Open a file for changes in place; `a` makes it if it is missing."""
        with _told(location):
            if "a" not in mode:
                return os.fdopen(open_file(location, os.O_RDWR), "r+b")
            flags = os.O_APPEND | (os.O_RDWR if "+" in mode else os.O_WRONLY)
            try:
                fd = open_file(location, flags)
            except FileNotFoundError:
                self._part_file(location, None).publish()
                fd = open_file(location, flags)
            return os.fdopen(fd, "a+b" if "+" in mode else "ab")

    def copy(self, source: Location, destination: Location, stopped: Callable[[], bool]) -> Copied:
        """Copy a file to a file, by the kernel where it can."""
        with _told(source):
            reading = open_file(source)
        try:
            with _told(destination):
                part = self._part_file(destination, None)
                try:
                    size = _copy_bytes(reading, part.fd, stopped, f"{source.absolute} to {destination.absolute}")
                    return Copied(size, part.publish())
                finally:
                    part.discard()
        finally:
            os.close(reading)

    def delete(self, location: Location, is_recursive: bool) -> int:
        """Delete a file, or a directory with everything below it; links are not followed."""
        if location.absolute == "/" or (location.root is not None and not location.parts):
            raise StorageError(f"{location.absolute} is a root, and is not deleted")
        with _told(location):
            try:
                with parent_directory(location) as (directory, name):
                    if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                        os.unlink(name, dir_fd=directory)
                        return 1
                    if not is_recursive:
                        raise StorageError(f"{location.absolute} is a directory: it is deleted only recursively")
                    return _delete_tree(name, directory)
            except FileNotFoundError:
                return 0

    def _part_file(self, location: Location, expected: Revision) -> PartFile:
        durable = bool(get_storage_context().get("fsync", False))
        with parent_directory(location, create=True) as (directory, name):
            return PartFile(directory, name, location.absolute, expected, durable)


class _ToldPublication:
    """A part file whose errors name the location."""

    def __init__(self, part: PartFile, location: Location) -> None:
        self._part = part
        self._location = location

    @property
    def fd(self) -> int:
        """The file that is being written."""
        return self._part.fd

    @property
    def may_wait(self) -> bool:
        return self._part.may_wait

    def write(self, blocks: Sequence[bytes | memoryview]) -> None:
        with _told(self._location):
            self._part.write(blocks)

    def publish(self) -> Revision:
        with _told(self._location):
            return self._part.publish()

    def discard(self) -> None:
        with _told(self._location):
            self._part.discard()


@contextmanager
def _told(location: Location) -> Iterator[None]:
    """Errors of the operating system as errors of storage, with the location."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{location.absolute}: there is no such file") from error
    except OSError as error:
        raise StorageError(f"{location.absolute}: {error.strerror or error}") from error


def _stat_result(found: os.stat_result) -> StatResult:
    return StatResult(
        is_dir=stat.S_ISDIR(found.st_mode),
        is_reg=stat.S_ISREG(found.st_mode),
        size=found.st_size,
        revision=revision_of(found),
        mtime=found.st_mtime,
    )


def _copy_bytes(reading: int, writing: int, stopped: Callable[[], bool], shown: str) -> int:
    try:
        return _move_bytes(reading, writing, stopped, shown)
    except OSError as error:
        raise CopyError(f"{shown}: {error.strerror or error}") from error


def _move_bytes(reading: int, writing: int, stopped: Callable[[], bool], shown: str) -> int:
    copied = 0
    by_kernel = hasattr(os, "copy_file_range")
    while True:
        if stopped():
            raise CopyError(f"{shown}: stopped after {copied} bytes, as asked")
        if by_kernel:
            try:
                count = os.copy_file_range(reading, writing, _KERNEL_COPY_SIZE)
            except OSError as error:
                if copied or error.errno not in _NO_KERNEL_COPY:
                    raise
                count = 0
            # Files of /proc and the like have contents and no size, and the kernel copies nothing
            # of them: at the beginning, nothing is no proof of the end.
            if count or copied:
                copied += count
                if count:
                    continue
                return copied
            by_kernel = False
        block = os.read(reading, BLOCK_SIZE)
        if not block:
            return copied
        view = memoryview(block)
        while view:
            view = view[os.write(writing, view) :]
        copied += len(block)


def _delete_tree(name: str, directory: int) -> int:
    """Delete a directory from the leaves up, by descriptors: no link leads elsewhere."""
    gone = 0
    for _, folders, files, here in os.fwalk(name, topdown=False, follow_symlinks=False, dir_fd=directory):
        for file in files:
            os.unlink(file, dir_fd=here)
            gone += 1
        for folder in folders:
            if stat.S_ISLNK(os.stat(folder, dir_fd=here, follow_symlinks=False).st_mode):
                os.unlink(folder, dir_fd=here)
                gone += 1
            else:
                os.rmdir(folder, dir_fd=here)
    os.rmdir(name, dir_fd=directory)
    return gone

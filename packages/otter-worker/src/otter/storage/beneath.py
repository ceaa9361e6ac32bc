"""Opening local files so that a path cannot leave its root, whatever symbolic links say.

Each directory is opened relative to the one before it, never by its whole path, and never through a
symbolic link. A link is read and resolved here instead, so that one which stays inside the root
works, and one which leads out is refused. This is the rule of Linux's `openat2(RESOLVE_BENEATH)`,
for every POSIX system.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from otter.storage.model import Location
from otter.util.errors import StorageError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_LINKS = 40
"""Symbolic links that are followed on the way to one file, as in the Linux kernel."""


@contextmanager
def parent_directory(location: Location, create: bool = False) -> Iterator[tuple[int, str]]:
    """A descriptor of the directory that holds a file, and the name of the file in it.

    Directories that are missing are made if `create` is set.

    Raises:
        StorageError: the way leads out of the root.
        OSError: as usual.
    """
    if location.root is None:
        directory, _, name = location.absolute.rstrip("/").rpartition("/")
        fd = _open_directory(directory or "/", create)
    else:
        *parents, name = location.parts or (".",)
        fd = _walk(location, parents, create)
    try:
        yield fd, name
    finally:
        os.close(fd)


def open_file(location: Location, flags: int = os.O_RDONLY) -> int:
    """A descriptor of an existing regular file.

    Raises:
        StorageError: the way leads out of the root, or it is no regular file.
        OSError: as usual.
    """
    # O_NONBLOCK: without it, opening a FIFO that nobody writes to never returns.
    flags |= os.O_CLOEXEC | os.O_NONBLOCK
    if location.root is None:
        fd = os.open(location.absolute, flags)
    else:
        directory, name = _walk_to_file(location)
        try:
            fd = os.open(name, flags | os.O_NOFOLLOW, dir_fd=directory)
        finally:
            os.close(directory)
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise StorageError(f"{location.absolute} is {kind}")
    os.set_blocking(fd, True)
    return fd


def stat_beneath(location: Location) -> os.stat_result:
    """The stat of what is at a location, symbolic links resolved.

    Raises:
        StorageError: the way leads out of the root.
        OSError: as usual.
    """
    if location.root is None:
        return os.stat(location.absolute)
    directory, name = _walk_to_file(location)
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    finally:
        os.close(directory)


def _walk_to_file(location: Location) -> tuple[int, str]:
    """The directory and the name of a file, when the last component may be a link as well."""
    parts = list(location.parts) or ["."]
    for _ in range(_MAX_LINKS):
        *parents, name = parts
        directory = _walk(location, parents, create=False)
        try:
            target = os.readlink(name, dir_fd=directory)
        except OSError as error:
            if error.errno in (
                errno.EINVAL,
                errno.ENOENT,
            ):  # no link, or nothing at all: for the caller to see
                return directory, name
            os.close(directory)
            raise
        os.close(directory)
        inside = _inside(location, target)
        parts = [*parents, *target.split("/")] if inside is None else inside
        while parts and parts[-1] in ("", "."):
            parts.pop()
        if not parts or parts[-1] == "..":  # a link to a directory: the walk resolves it
            return _walk(location, parts, create=False), "."
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), location.absolute)


def _walk(location: Location, parts: list[str], create: bool) -> int:
    stack = [_open_directory(location.root or "/", create)]
    pending = deque(parts)
    links = 0
    try:
        while pending:
            part = pending.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                if len(stack) == 1:
                    raise _escape(location)
                os.close(stack.pop())
                continue
            try:
                stack.append(os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=stack[-1]))
            except FileNotFoundError:
                if not create:
                    raise
                _make_directory(part, stack[-1])
                pending.appendleft(part)
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                    raise
                target = _link_target(part, stack[-1])
                links += 1
                if target is None or links > _MAX_LINKS:
                    code = errno.ENOTDIR if target is None else errno.ELOOP
                    raise OSError(code, os.strerror(code), part) from None
                inside = _inside(location, target)
                if inside is not None:
                    while len(stack) > 1:
                        os.close(stack.pop())
                pending.extendleft(reversed(target.split("/") if inside is None else inside))
        return stack.pop()
    finally:
        for fd in stack:
            os.close(fd)


def _open_directory(path: str, create: bool) -> int:
    try:
        return os.open(path, _DIRECTORY)
    except FileNotFoundError:
        if not create:
            raise
        os.makedirs(path, exist_ok=True)
        return os.open(path, _DIRECTORY)


def _make_directory(name: str, directory: int) -> None:
    with suppress(FileExistsError):  # another process made it in the meantime
        os.mkdir(name, dir_fd=directory)


def _link_target(name: str, directory: int) -> str | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None


def _inside(location: Location, target: str) -> list[str] | None:
    """Components below the root of an absolute link target; none for a relative one."""
    if not target.startswith("/"):
        return None
    base = [part for part in (location.root or "/").split("/") if part]
    parts = [part for part in target.split("/") if part]
    if parts[: len(base)] != base:
        raise _escape(location)
    return parts[len(base) :]


def _escape(location: Location) -> StorageError:
    return StorageError(f"{location.absolute} leaves {location.root} through a symbolic link")

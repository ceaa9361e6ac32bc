"""Checks of local paths, for task code, and the names of files that are made from names of tasks."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from pathlib import Path

from otter.util.errors import FSError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def check_dir(path: str | Path) -> Path:
    """Make sure that a directory exists and can be written to; missing ones are made.

    Raises:
        FSError: it is a file, cannot be made, or cannot be written to.
    """
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FSError(f"{directory} is a file, where a directory is needed") from error
    except OSError as error:
        raise FSError(f"directory {directory} cannot be made: {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        reason = errno.EROFS if os.statvfs(directory).f_flag & os.ST_RDONLY else errno.EACCES
        raise FSError(f"directory {directory} cannot be written to: {os.strerror(reason)}")
    return directory


def check_source(path: str | Path) -> Path:
    """Make sure that a file exists and can be read.

    Raises:
        FSError: it is missing, is not a file, or cannot be read.
    """
    source = Path(path)
    if not source.exists():
        raise FSError(f"{source} does not exist")
    if not source.is_file():
        raise FSError(f"{source} is not a file")
    if not os.access(source, os.R_OK):
        raise FSError(f"{source} cannot be read")
    return source


def check_destination(path: str | Path, delete: bool = False) -> Path:
    """Make sure that a file can be written, and that its directory exists.

    Args:
        path: the file.
        delete: remove a file that is there.

    Raises:
        FSError: it is a directory, or cannot be written or removed.
    """
    destination = Path(path)
    check_dir(destination.parent)
    if destination.is_dir():
        raise FSError(f"{destination} is a directory, where a file is needed")
    if destination.exists():
        if not os.access(destination, os.W_OK):
            raise FSError(f"{destination} cannot be written to")
        if delete:
            try:
                destination.unlink()
            except OSError as error:
                raise FSError(f"{destination} cannot be removed: {error.strerror}") from error
    return destination


def file_name(name: str, suffix: str = "") -> str:
    """A file name for a task's name: readable, safe on every file system, and different for different names."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_UNSAFE.sub('_', name)[:80].strip('._')}-{digest}{suffix}"

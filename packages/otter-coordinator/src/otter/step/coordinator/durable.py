"""Names of files that survive the machine: a file whose name was not synced is lost with all that was synced in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable, after one was made or replaced."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_way_to(path: Path, levels: int) -> None:
    """Make the name of a directory durable, and those of the directories above it.

    Args:
        levels: how many names.
    """
    for above in path.parents[:levels]:
        with contextlib.suppress(OSError):  # who may not read a directory has not made the names in it
            sync_directory(above)

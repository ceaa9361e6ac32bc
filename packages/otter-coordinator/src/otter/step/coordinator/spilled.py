"""Results that are too large for a message come through a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from otter.util.errors import failure_text
from otter.wire.errors import PeerError
from otter.wire.messages import SpillMessage

MAX_SPILL = 256 * 1024 * 1024
"""Bytes of a result that comes through a file; the worker refuses to send a larger one."""


def read_spilled(message: SpillMessage, directory: Path) -> bytes:
    """The content of a file that a worker names; only of one in the directory that it was given.

    Raises:
        PeerError: it is elsewhere, cannot be read, or is not what the message says.
    """
    path = Path(message.path)
    if path.parent != directory or path.name.startswith("."):
        raise PeerError(f"a result is said to be in {path}, which is not where results go")
    if message.size > MAX_SPILL:
        raise PeerError(f"a result has {message.size} bytes; {MAX_SPILL} are allowed")
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            data = file.read(message.size + 1)
        path.unlink()
    except (OSError, ValueError) as error:
        raise PeerError(f"a result in {path} cannot be read: {failure_text(error)}") from error
    if len(data) != message.size or hashlib.sha256(data).hexdigest() != message.sha256:
        raise PeerError(f"the result in {path} does not match its SHA-256")
    return data

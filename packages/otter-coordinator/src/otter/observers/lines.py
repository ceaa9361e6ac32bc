"""Lines that are written at once, to whoever still reads."""

from __future__ import annotations

import contextlib
import os
from typing import TextIO


def write_line(stream: TextIO, text: str) -> None:
    """Write a line at once. What nobody reads, or no disk takes, must not end what it tells of."""
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Let a stream lead nowhere: Python flushes it once more when it exits, and would complain then."""
    with contextlib.suppress(OSError, ValueError):  # a stream of another program that has no descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)

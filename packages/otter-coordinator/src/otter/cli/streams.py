"""The standard streams of the command, as it can rely on them, however it was started."""

from __future__ import annotations

import contextlib
import os
import sys
from io import TextIOWrapper


def provide_streams() -> None:
    """Make the standard streams usable.

    One that was closed, as some that start programs in the background do it, leads nowhere; otherwise the next file
    that is opened would get its number, and what is printed. A character that the encoding of a stream does not have is
    spelled out, as Python does it for errors.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def directory_is_gone() -> bool:
    """Whether the working directory was removed."""
    with contextlib.suppress(FileNotFoundError):
        os.getcwd()
        return False
    return True

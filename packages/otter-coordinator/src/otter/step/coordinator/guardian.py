"""A small process that ends what is left of a run when its coordinator is gone, however it went.

The lifeline of a worker takes its process group along. What a task moved out of the group would stay, because the
coordinator that adopts and ends such processes is no more. This one waits for that moment, in a session of its own.

The file is run as a script, by path, without any package: it imports nothing but what every interpreter has loaded.
"""

from __future__ import annotations

# The module above this one loads enumerations, which takes half as long as the interpreter's start.
import _signal as signal  # type: ignore[import-not-found]
import os
import time

PATIENCE = 5.0
"""Seconds after which what cannot be killed is left alone."""


def main(mark: str) -> None:
    """Wait for the coordinator, then kill every process with the mark in its environment.

    Args:
        mark: as `NAME=value`.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever stops the run stops the coordinator; it is our turn after that
    os.read(0, 1)  # nothing is ever written: it ends when the coordinator does, which ends us before it ends in order
    deadline = time.monotonic() + PATIENCE
    while kill_marked(mark.encode()) and time.monotonic() < deadline:
        time.sleep(0.005)


def kill_marked(mark: bytes) -> bool:
    """Kill every other process with a mark; whether there was any."""
    found = False
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                marked = mark in file.read().split(b"\0")
            if marked:
                found = True
                os.kill(int(name), signal.SIGKILL)
        except OSError:  # it is gone, or somebody else's
            continue
    return found


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
    os._exit(0)

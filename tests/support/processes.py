"""Processes as the system sees them: who is marked, who is left, and waiting for an end without polling for it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path

MARK = "OTTER_TEST_MARK"
"""Environment variable of everything that a test starts."""


def marked(mark: str) -> dict[int, str]:
    """The living processes that carry a mark, with their command lines. Zombies carry nothing."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (directory / "environ").read_bytes().split(b"\0"):
                    command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    found[int(directory.name)] = command.strip()
    return found


def left_after(mark: str, seconds: float) -> dict[int, str]:
    """The marked processes that are still there after a time, which is only waited for as long as there are any.

    The seconds are those of a machine with nothing else to do: one with ten times the work for its processors is given
    ten times as many.
    """
    deadline = time.monotonic() + seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    while left := marked(mark):
        ended = [wait_for_end(pid, deadline - time.monotonic()) for pid in left]
        if not all(ended):
            return marked(mark)
    return {}


def wait_for_end(pid: int, timeout: float) -> bool:
    """Wait until a process has ended, child or not; false when it has not in time."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(max(0.0, timeout) * 1000))
    finally:
        os.close(pidfd)


def children(pid: int) -> list[int]:
    """The children of a process, zombies included."""
    with contextlib.suppress(OSError):
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    return []


def state(pid: int) -> str:
    """The state of a process as one letter; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def peak_memory(pid: int) -> int:
    """The largest resident size of a process so far, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024


def kill_all(mark: str) -> None:
    """End everything that is marked, and what it starts meanwhile."""
    while left := marked(mark):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            wait_for_end(pid, 5.0)

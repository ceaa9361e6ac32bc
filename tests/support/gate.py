"""A gate at which tasks wait until a test lets them go on: tests order events with it instead of sleeping."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

DIRECTORY = "gate"
LOOK = 0.005
"""Seconds between two looks of a waiting task."""


def arrive(work_path: Path, name: str) -> None:
    """Say that a task has come to the gate."""
    with open(work_path / DIRECTORY / "arrivals", "wb", buffering=0) as pipe:
        pipe.write(f"{name}\n".encode())


def is_open(work_path: Path) -> bool:
    """Whether tasks may go on."""
    return (work_path / DIRECTORY / "open").exists()


def wait(work_path: Path, name: str, give_up: Callable[[], bool]) -> bool:
    """Wait in a task; false when it gave up."""
    arrive(work_path, name)
    while not is_open(work_path):
        if give_up():
            return False
        time.sleep(LOOK)
    return True


class Gate:
    """The test's side of a gate.

    Args:
        work_path: where the tasks' run writes.
    """

    def __init__(self, work_path: Path) -> None:
        self._directory = work_path / DIRECTORY
        self._directory.mkdir(parents=True)
        os.mkfifo(self._directory / "arrivals")
        self._fd = os.open(self._directory / "arrivals", os.O_RDWR | os.O_NONBLOCK)
        self._text = ""

    def wait_for(self, count: int, timeout: float = 60.0) -> list[str]:
        """The names of the next tasks that come to the gate."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        deadline = time.monotonic() + timeout
        while self._text.count("\n") < count:
            left = deadline - time.monotonic()
            assert left > 0, f"only these came to the gate in {timeout:g} s: {self._text.split()}"
            if poll.poll(left * 1000):
                self._text += os.read(self._fd, 65536).decode()
        *names, self._text = self._text.split("\n", count)
        return names

    def open(self) -> None:
        """Let all go on, those who come later too."""
        (self._directory / "open").touch()

    def shut(self) -> None:
        """Let nobody go on any more."""
        (self._directory / "open").unlink()

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._fd)

"""A terminal in memory: what a person would see of a command that runs in it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import pyte

from tests.support import processes
from tests.support.runs import PATIENCE, ROOT

OTTER = "import sys; from otter.cli import main; sys.exit(main())"

_MASKS = (
    (r"    Traceback .*?\n    (?=[a-z.]+[A-Z]\w+:)", "    TRACEBACK\n    "),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "WHEN"),
    (r"\b\d[\d.]*(ms|s|m|h)(\d+[sm])?\b", "TIME"),
    (r"(  | · )[\d,.]+/s", ""),
    (r"(  | · )TIME left", ""),
    (r"[━╸╺]+", ""),
    (r"(?<=\S) {2,}", "  "),
    (r"\bworker \d+", "worker N"),
)

_BEGUN = re.compile(r" +TIME ")


def masked(text: str, directory: Path) -> list[str]:
    """The lines of a text, without what is different each time: times, rates, bars, gaps, workers, places."""
    manifest = "\n?".join(map(re.escape, f"{directory}/work/manifest.json"))  # it may be longer than a line
    text = re.sub(manifest, "DIR/work/manifest.json", text).replace(str(directory), "DIR")
    for pattern, word in _MASKS:
        text = re.sub(pattern, word, text, flags=re.DOTALL)
    lines = [line.rstrip() for line in text.splitlines()]
    begun = sorted(line for line in lines if _BEGUN.match(line))  # which of them began first is chance
    return [begun.pop(0) if _BEGUN.match(line) else line for line in lines]


class Terminal:
    """A command in a terminal.

    Args:
        arguments: of otter.
        directory: in which it runs.
        env: beside the environment of the tests.
        columns, lines: of the terminal.
    """

    def __init__(
        self, arguments: list[str], directory: Path, env: Mapping[str, str] | None = None, columns: int = 80,
        lines: int = 24,
    ) -> None:  # fmt: skip
        self._screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self._directory = directory
        self._mark = uuid.uuid4().hex
        self.written = b""
        """All that came, with every control sequence."""
        self._master, slave = pty.openpty()
        self._resize(columns, lines)
        plain = {name: text for name, text in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS", "LINES")}
        environment = {
            **plain, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), processes.MARK: self._mark, **(env or {})
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", OTTER, *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=directory,
            env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        processes.kill_all(self._mark)
        self._process.wait()
        os.close(self._master)

    def signal(self, number: int) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(columns=columns)
        cursor, gone = self._screen.cursor, max(0, self._screen.cursor.y + 1 - lines)
        at = cursor.y
        for _ in range(gone):  # as terminals do it: what has no room any more goes out at the top
            cursor.y = self._screen.lines - 1
            self._screen.index()
        cursor.y = at - gone
        self._screen.lines = lines
        for line in [line for line in self._screen.buffer if line >= lines]:
            del self._screen.buffer[line]
        self._screen.set_margins()
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def hides_cursor(self) -> bool:
        """Whether the cursor cannot be seen."""
        return bool(self._screen.cursor.hidden)

    def text(self) -> str:
        """What is on the screen, and what went out at its top, to the last line that has something in it."""
        gone = ["".join(line[place].data for place in range(self._screen.columns)) for line in self._screen.history.top]
        return "\n".join(line.rstrip() for line in [*gone, *self._screen.display]).rstrip()

    def shown(self) -> list[str]:
        """`text` by lines, see `masked`."""
        return masked(self.text(), self._directory)

    def wait_for(self, condition: Callable[[list[str]], bool], what: str) -> list[str]:
        """Wait until the screen, as `shown` has it, is as it should be; what it is then."""
        deadline = time.monotonic() + PATIENCE
        while not condition(self.shown()):
            assert time.monotonic() < deadline, f"never {what}:\n{self.text()}"
            assert self._read(0.1), f"it ended before {what}:\n{self.text()}"
        return self.shown()

    def wait_for_screen(self, expected: str) -> None:
        """Wait until the screen shows a text."""
        wanted = expected.strip("\n").splitlines()
        self.wait_for(lambda shown: shown == wanted, f"\n{expected}")

    def wait(self) -> int:
        """Wait for the end of the command; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(0.1):
            assert time.monotonic() < deadline, f"no end:\n{self.text()}"
        return self._process.wait(PATIENCE)

    def _read(self, patience: float) -> bool:
        """Take in what comes; false when nothing more can come."""
        if not select.select([self._master], [], [], patience)[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the last one who could write has gone
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

"""What tasks print and log goes to a file for each task, which is opened when the first line comes.

`print`, standard logging and loguru write through Python and are told apart by a context variable, also when tasks
run side by side. What a C library or a child process writes to the descriptors 1 and 2 is told apart only while a
task has the process to itself; see `adopt_output`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from otter.util.fs import file_name

TAIL_LINES = 20
TAIL_WIDTH = 2000
RING = 1024 * 1024
"""Bytes that are kept of the end of a log whose beginning has reached the limit."""

LEVELS = {"TRACE": 5, "SUCCESS": 25}
"""Levels that loguru has and the standard library has not."""


class TaskLog:
    """The log of one task.

    Args:
        directory: where its file goes; none keeps the last lines only.
        name: the name of the task.
        attempt: number of the attempt, for the line that divides the attempts in the file.
        limit: bytes kept from the beginning; of what follows, the last `RING` bytes are kept.
    """

    def __init__(self, directory: Path | None, name: str, attempt: int, limit: int) -> None:
        self._directory = directory
        self._name = name
        self._attempt = attempt
        self._limit = limit
        self._tail: deque[str] | None = None

    # What a log is before anything is written into it: most logs of brief tasks never change any of it.
    _file: BinaryIO | None = None
    _written = 0
    _broken = False
    _line = ""
    _ring_size = 0
    _dropped = 0

    @property
    def path(self) -> str | None:
        """The file, if there is anything in it."""
        return str(self._where()) if self._file is not None else None

    @property
    def used(self) -> bool:
        """Whether anything was written."""
        return self._tail is not None

    def write(self, text: str) -> None:
        """Append text."""
        self.write_bytes(text.encode("utf-8", "replace"))

    def write_bytes(self, data: bytes) -> None:
        """Append bytes. Never raises: a full disk must not make a task fail for having logged."""
        self._remember(data)
        if self._directory is None or self._broken:
            return
        try:
            self._append(data)
        except OSError as error:
            self._broken = True
            self._remember(f"\n[the log file cannot be written: {error.strerror}]\n".encode())

    def tail(self) -> list[str]:
        """The last lines."""
        lines = [*(self._tail or ()), self._line] if self._line else list(self._tail or ())
        return lines[-TAIL_LINES:]

    def close(self) -> None:
        """Write what the ring holds and close the file."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self._ring:
                if self._dropped:
                    self._file.write(f"\n[… {self._dropped} bytes left out …]\n".encode())
                self._file.writelines(self._ring)
            self._file.close()

    def _where(self) -> Path:
        assert self._directory is not None
        return self._directory / file_name(self._name, ".log")

    def _append(self, data: bytes) -> None:
        file = self._file
        if file is None:
            file = self._file = open(self._where(), "ab", buffering=65536)  # noqa: SIM115 - closed by close()
            if self._attempt > 1:
                file.write(f"[attempt {self._attempt}]\n".encode())
        room = self._limit - self._written
        if room > 0:
            file.write(data[:room])
            file.flush()  # what was logged before a crash is what explains it
            self._written += min(room, len(data))
        if len(data) > room:
            rest = data[max(room, 0) :]
            self._ring.append(rest[-RING:])
            self._ring_size += len(rest)
            while self._ring and self._ring_size - len(self._ring[0]) >= RING:
                gone = self._ring.popleft()
                self._ring_size -= len(gone)
                self._dropped += len(gone)

    def _remember(self, data: bytes) -> None:
        if self._tail is None:
            self._tail = deque(maxlen=TAIL_LINES)
            self._ring: deque[bytes] = deque()
        text = self._line + data[-TAIL_WIDTH * TAIL_LINES :].decode("utf-8", "replace")
        *lines, self._line = text.split("\n")
        self._tail.extend(line[:TAIL_WIDTH] for line in lines)
        self._line = self._line[-TAIL_WIDTH:]


_current: ContextVar[TaskLog | None] = ContextVar("otter_task_log", default=None)
_sole: TaskLog | None = None
"""The log of the task that has the process to itself: threads that it starts have no context of ours."""


_open: list[TaskLog] = []
"""The logs of the tasks that run."""


def current_log() -> TaskLog | None:
    """The log of the task in whose context this is called; in a thread without one, that of the only task there is."""
    return _current.get() or _sole or (_open[0] if len(_open) == 1 else None)


class logging_to:  # noqa: N801 - read as a function where it is used; a generator would cost more than a small task
    """Send what is printed and logged inside to a task's log.

    Args:
        log: the log.
        sole: the task has the process to itself.
    """

    def __init__(self, log: TaskLog, sole: bool = False) -> None:
        self._log = log
        self._sole = sole

    def __enter__(self) -> None:
        global _sole
        self._token = _current.set(self._log)
        _open.append(self._log)
        if self._sole:
            _sole = self._log

    def __exit__(self, *_: object) -> None:
        global _sole
        _current.reset(self._token)
        _open.remove(self._log)
        if self._sole:
            _sole = None


class _RoutedBytes(io.RawIOBase):
    def __init__(self, fallback: TextIO) -> None:
        self._fallback = fallback

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fallback.fileno()

    def write(self, data: Any) -> int:
        log = current_log()
        if log is not None:
            log.write_bytes(bytes(data))
        else:
            self._fallback.write(bytes(data).decode("utf-8", "replace"))
            self._fallback.flush()
        return len(data)


class RoutedStream(io.TextIOBase):
    """Stands for `sys.stdout` and `sys.stderr`: writes to the log of the task that prints.

    Args:
        fallback: takes what is printed outside tasks.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, fallback: TextIO) -> None:
        self._fallback = fallback
        self.buffer = _RoutedBytes(fallback)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._fallback.fileno()

    def write(self, text: str) -> int:
        log = current_log()
        if log is not None:
            log.write(text)
        else:
            self._fallback.write(text)
            self._fallback.flush()
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


class _TaskHandler(logging.Handler):
    """Standard logging to the log of the task that logs."""

    def emit(self, record: logging.LogRecord) -> None:
        log = current_log()
        if log is None:
            return
        try:
            log.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - a message whose arguments do not fit must not end the task
            log.write(f"{record.levelname} {record.name}: {record.msg!r} (its arguments do not fit)\n")


class _UtcFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


@contextlib.contextmanager
def capture(level: str) -> Iterator[None]:
    """Route what this process prints and logs to the logs of its tasks, and put everything back afterwards."""
    for name, number in LEVELS.items():
        logging.addLevelName(number, name)
    number = LEVELS.get(level) or logging.getLevelNamesMapping().get(level, logging.INFO)
    handler = _TaskHandler()
    handler.setFormatter(_UtcFormatter("%(asctime)s %(levelname)-8s %(name)s: %(message)s"))
    root = logging.getLogger()
    former = root.level, sys.stdout, sys.stderr
    root.addHandler(handler)
    root.setLevel(number)
    sys.stdout, sys.stderr = RoutedStream(former[1]), RoutedStream(former[2])
    _route_loguru(level)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(former[0])
        sys.stdout, sys.stderr = former[1], former[2]


def _route_loguru(level: str) -> None:
    """Send loguru to the logs of tasks, if task code imported it. One that is imported later finds our streams."""
    loguru = sys.modules.get("loguru")
    if loguru is None:
        return
    logger: Any = loguru.logger
    with contextlib.suppress(ValueError):
        logger.remove(0)  # the handler it starts with holds the stream of the time of its import

    def sink(message: str) -> None:
        log = current_log()
        if log is not None:
            log.write(str(message))

    # No queue and no thread of its own: either would die with the lock held.
    layout = "{time:YYYY-MM-DDTHH:mm:ss.SSS!UTC}Z {level: <8} {name}: {message}"
    logger.add(sink, level=level, format=layout, colorize=False, backtrace=False, diagnose=False, catch=True)


class OutputFile:
    """What was written to descriptors 1 and 2 behind Python's back, in the file that stands behind them."""

    def __init__(self) -> None:
        try:
            self._regular = stat.S_ISREG(os.fstat(1).st_mode)
        except OSError:
            self._regular = False
        self._begin = 0

    def begin(self) -> None:
        """A task begins: what was written before, by imports or by others, is not its own."""
        if self._regular:
            with contextlib.suppress(OSError):
                self._begin = os.lseek(1, 0, os.SEEK_END)

    def adopt(self, log: TaskLog) -> None:
        """Move what came since the last call into a task's log. The file is in append mode, so it can be emptied."""
        if not self._regular:
            return
        try:
            if os.lseek(1, 0, os.SEEK_END) <= self._begin:
                return
            with open("/proc/self/fd/1", "rb") as source:
                source.seek(self._begin)
                while chunk := source.read(1 << 20):
                    log.write_bytes(chunk)
            os.ftruncate(1, self._begin)
        except OSError:
            self._regular = False

"""A task gets the process as the worker started it, whatever the task before it did.

What can be put back is put back: working directory, umask, environment, standard streams, signal handlers. What cannot,
such as threads that still run, makes the process unfit for another task: the worker is replaced.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE)
_POOL_THREADS = ("asyncio_", "ThreadPoolExecutor", "otter-", "pydevd")
"""Threads that libraries keep for reuse: they sleep between tasks."""

_handler_of = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
"""The function below the one that turns numbers into enumerations: it is called six times for every task."""

MAX_NEW_FDS = 64
"""Descriptors that an unclean task may leave: libraries open a few of their own at first use."""


class Fingerprint:
    """The state of the process that tasks share, as it was when this was made."""

    def __init__(self) -> None:
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._cwd = os.getcwd()
        self._environ = dict(os.environ)
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self._handlers = [_handler_of(number) for number in _SIGNALS]
        self._threads = set(threading.enumerate())
        self._fds = _count_fds()

    def restore(self, thorough: bool) -> str | None:
        """Put back what a task changed.

        Args:
            thorough: also count descriptors, which costs some microseconds.

        Returns:
            Why the process is not fit for another task; none when it is.
        """
        problems: list[str] = []
        os.umask(self._umask)
        self._restore_cwd(problems)
        # The mapping itself would decode each key and value, for every task.
        if os.environ._data != self._environ_data():  # type: ignore[attr-defined]  # noqa: SLF001
            os.environ.clear()
            os.environ.update(self._environ)
        if (sys.stdin, sys.stdout, sys.stderr) != self._streams:
            sys.stdin, sys.stdout, sys.stderr = self._streams
        self._restore_handlers()
        if threading.active_count() > len(self._threads):
            left = [thread.name for thread in threading.enumerate() if self._is_left(thread)]
            if left:
                problems.append(f"threads left running: {', '.join(left[:5])}")
        if thorough and (fds := _count_fds()) > self._fds + MAX_NEW_FDS:
            problems.append(f"{fds - self._fds} descriptors left open")
        return "; ".join(problems) or None

    def _environ_data(self) -> dict[Any, Any]:
        data = self.__dict__.get("_encoded")
        if data is None:
            encode_key, encode_value = os.environ.encodekey, os.environ.encodevalue
            data = {encode_key(key): encode_value(value) for key, value in self._environ.items()}
            self.__dict__["_encoded"] = data
        return data

    def _restore_cwd(self, problems: list[str]) -> None:
        try:
            if os.getcwd() == self._cwd:
                return
        except OSError:
            pass  # the task removed the directory that it was in
        try:
            os.chdir(self._cwd)
        except OSError as error:
            problems.append(f"the working directory {self._cwd} cannot be entered: {error.strerror}")

    def _restore_handlers(self) -> None:
        for number, handler in zip(_SIGNALS, self._handlers, strict=True):
            if _handler_of(number) is not handler and handler is not None:
                signal.signal(number, handler)

    def _is_left(self, thread: threading.Thread) -> bool:
        return thread not in self._threads and not thread.name.startswith(_POOL_THREADS) and thread.is_alive()


def _count_fds() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0

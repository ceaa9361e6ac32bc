"""A task gets the process as the worker started it, whatever the task before it did.

What can be put back is put back: working directory, umask, environment, standard streams, signals, timers, a few
switches of the interpreter. What cannot, such as threads that still run, makes the process unfit for another task: the
worker is replaced. Import paths and hooks are left alone: libraries set them once, at their first import.
"""

from __future__ import annotations

import _thread
import functools
import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from operator import is_
from types import ModuleType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE)
_POOL_THREADS = ("asyncio_", "ThreadPoolExecutor", "otter-", "pydevd")
"""Threads that libraries keep for reuse: they sleep between tasks."""

_NUMBERS = tuple(map(int, _SIGNALS))
_count_threads = _thread._count  # noqa: SLF001 - without the lock of `threading`, and with threads that it does not know

_low: Any = sys.modules.get("_signal", signal)
_handler_of, _set_mask, _set_timer = _low.getsignal, _low.pthread_sigmask, _low.setitimer
"""The functions below those that turn numbers into enumerations: they are called seven times for every task."""

MAX_NEW_FDS = 64
"""Descriptors that an unclean task may leave: libraries open a few of their own at first use."""
_CLOSED = "descriptors were closed that are not the task's own"

_LIMITS = (
    resource.RLIMIT_NOFILE, resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE,
    resource.RLIMIT_NPROC,
)  # fmt: skip
_TIMERS = signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF
"""Timers whose signals would end a task that did not set them."""


LOOK_AGE = 0.01
"""Seconds for which a look at what the operating system keeps is good, if nothing changed that through Python."""

_CHANGES: dict[ModuleType, tuple[str, ...]] = {
    os: (
        "umask", "chdir", "fchdir", "chroot", "dup2", "closerange", "nice", "setpriority", "setuid", "seteuid",
        "setreuid", "setresuid", "setgid", "setegid", "setregid", "setresgid", "setpgid", "setpgrp", "setsid",
    ),
    resource: ("setrlimit", "prlimit"),
    signal: ("signal", "siginterrupt", "pthread_sigmask", "setitimer", "alarm"),
}  # fmt: skip
"""The functions with which Python changes what the operating system keeps of a process."""
_calls: int | None = None
"""How often these were called; none as long as nobody counts."""


def count_changes() -> None:
    """Count the calls that change what the operating system keeps: to ask for all of it costs as much as a small task.

    To be called before code of tasks is loaded, in a process that is there for them alone. What code in C changes
    without Python is seen when the last look is too old.
    """
    global _calls
    if _calls is None:
        _calls = 0
        for module, names in _CHANGES.items():
            for name in names:
                if hasattr(module, name):
                    setattr(module, name, _counted(getattr(module, name)))


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        global _calls
        _calls = (_calls or 0) + 1
        return function(*args, **kwargs)

    return counted


class Fingerprint:
    """The state of the process that tasks share, as it was when this was made."""

    def __init__(self) -> None:
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._cwd = _working_directory()
        self._environ = dict(os.environ)
        self._encoded = dict(os.environ._data)  # type: ignore[attr-defined]  # noqa: SLF001 - see restore
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self._handlers = tuple(map(_handler_of, _NUMBERS))
        self._mask = tuple(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        self._switches = sys.getrecursionlimit(), gc.isenabled(), sys.getswitchinterval()
        self._threads = set(threading.enumerate())
        self._thread_count = _count_threads()
        self._outputs = _identities()
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._limits = _limits()
        # A profiler that was there before the tasks keeps its timer.
        self._timers = tuple(timer for timer in _TIMERS if signal.getitimer(timer) == (0.0, 0.0))
        self._owner = _owner()
        self._looked: tuple[int | None, float] = _calls, -1.0
        self._free = _lowest_free_fd()

    def restore(self) -> str | None:
        """Put back what a task changed.

        Returns:
            Why the process is not fit for another task; none when it is.
        """
        problems: list[str] = []
        # The mapping itself would decode each key and value, for every task.
        if os.environ._data != self._encoded:  # type: ignore[attr-defined]  # noqa: SLF001
            os.environ.clear()
            os.environ.update(self._environ)
        if (sys.stdin, sys.stdout, sys.stderr) != self._streams:
            sys.stdin, sys.stdout, sys.stderr = self._streams
        self._restore_switches()
        if _count_threads() > self._thread_count:
            left = [thread.name for thread in threading.enumerate() if self._is_left(thread)]
            if left:
                problems.append(f"threads left running: {', '.join(left[:5])}")
        # A new descriptor gets the lowest free number: one question tells of many left open, and of any of ours closed.
        free = _lowest_free_fd()
        if free > self._free + MAX_NEW_FDS:
            problems.append("descriptors were left open")
        elif free < self._free:
            problems.append(_CLOSED)
        calls, at = self._looked
        if calls is None or calls != _calls or time.monotonic() - at >= LOOK_AGE:
            self._restore_system_state(problems)
            self._looked = _calls, time.monotonic()  # after what was put back: that is no change by a task
        return "; ".join(problems) or None

    def _restore_switches(self) -> None:
        limit, collects, interval = self._switches
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)
        if gc.isenabled() != collects:
            gc.enable() if collects else gc.disable()
        if sys.getswitchinterval() != interval:
            sys.setswitchinterval(interval)

    def _restore_system_state(self, problems: list[str]) -> None:
        os.umask(self._umask)
        self._restore_cwd(problems)
        self._restore_signals()
        if _CLOSED not in problems and _identities() != self._outputs:
            problems.append(_CLOSED)
        if os.getpriority(os.PRIO_PROCESS, 0) != self._nice:
            problems.append("the priority of the process was changed")
        if _limits() != self._limits:
            problems.append("limits of the process were changed")
        if _owner() != self._owner:
            problems.append("the user, the group or the process group of the process was changed")

    def _restore_cwd(self, problems: list[str]) -> None:
        if _working_directory() == self._cwd or self._cwd is None:
            return
        try:
            os.chdir(self._cwd)
        except OSError as error:
            problems.append(f"the working directory {self._cwd} cannot be entered: {error.strerror}")

    def _restore_signals(self) -> None:
        for timer in self._timers:
            _set_timer(timer, 0)
        _set_mask(signal.SIG_SETMASK, self._mask)
        if all(map(is_, map(_handler_of, _NUMBERS), self._handlers)):
            return
        for number, handler in zip(_NUMBERS, self._handlers, strict=True):
            if _handler_of(number) is not handler and handler is not None:
                signal.signal(number, handler)

    def _is_left(self, thread: threading.Thread) -> bool:
        return thread not in self._threads and not thread.name.startswith(_POOL_THREADS) and thread.is_alive()


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _lowest_free_fd() -> int:
    try:
        fd = os.dup(0)
    except OSError:  # none is left, or the first one was closed
        return sys.maxsize
    os.close(fd)
    return fd


def _identities() -> tuple[int, ...]:
    """What the standard outputs are; where one is missing, nothing."""
    try:
        output, errors = os.fstat(1), os.fstat(2)
    except OSError:
        return ()
    return output.st_ino, output.st_dev, errors.st_ino, errors.st_dev


def _owner() -> tuple[int, int, int]:
    """Who the process is to files and signals."""
    return os.geteuid(), os.getegid(), os.getpgrp()


def _limits() -> tuple[tuple[int, int], ...]:
    return tuple(map(resource.getrlimit, _LIMITS))

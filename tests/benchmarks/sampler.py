"""Finds out where the processor time of this process goes, without slowing it down.

A timer of processor time interrupts the main thread some hundred times a second. What the thread has used since the
interruption before is put down to the place where it is now: the innermost function of otter, of the event loop or of
a task, so that what a library does is put down to who called it. A handler runs only between two bytecodes, so the time
of a long call into C comes all at once when it returns, to the function that made the call; nothing of it is lost.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

INTERVAL = 0.001
"""Seconds of processor time between interruptions; the kernel may make them longer."""
DIRECTORY = "BENCHMARK_PROFILE"
"""The environment variable that tells workers the directory to write to."""
_OWN = ("otter.", "asyncio.", "selectors", "tests.benchmarks.tasks.")


class Sampler:
    """Samples from `start` to `write`."""

    def __init__(self) -> None:
        self._places: dict[str, float] = {}

    def start(self) -> None:
        """Begin; only in the main thread."""
        self._began = time.perf_counter()
        self._process = time.process_time()
        self._first = self._last = time.thread_time()
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def write(self, path: Path) -> None:
        """End, and write what was found."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        facts = {
            "wall": time.perf_counter() - self._began,
            "process": time.process_time() - self._process,
            "main": time.thread_time() - self._first,
            "places": self._places,
        }
        path.write_text(json.dumps(facts), "utf-8")

    def _take(self, _: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        place = _place(frame)
        self._places[place] = self._places.get(place, 0.0) + now - self._last
        self._last = now


def _place(frame: FrameType | None) -> str:
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        if module.startswith(_OWN):
            return f"{module}:{frame.f_code.co_qualname}"
        frame = frame.f_back
    return f"{sys.implementation.name}:"

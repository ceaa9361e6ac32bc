"""`Guardianship`: the coordinator's end of the process that watches over it; see `guardian.py`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from otter.step.coordinator import guardian


class Guardianship:
    """A guardian process, or none where there is no `/proc` for it to look into.

    Args:
        mark: of the processes that it is to end, as `NAME=value`.

    Attributes:
        pid: its process id; -1 while there is none.
    """

    def __init__(self, mark: str) -> None:
        self.pid = -1
        self._mark = mark
        self._process: subprocess.Popen[bytes] | None = None
        self._line = -1
        self._over = False

    def begin(self) -> None:
        """Start it. A system that gives no more processes gets along without it."""
        if self._over or not os.path.isdir("/proc/self"):
            return
        command = [sys.executable, "-I", "-S", guardian.__file__, self._mark]
        with contextlib.suppress(OSError):
            ours, self._line = os.pipe()
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=ours,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
                self.pid = self._process.pid
            finally:
                os.close(ours)

    def end(self) -> None:
        """End it before the line that it listens to: it has nothing to do any more, and may have been stopped."""
        self._over = True
        if self._process is not None:
            self._process.kill()
        if self._line >= 0:
            os.close(self._line)
            self._line = -1
        if self._process is not None:
            self._process.wait()
            self._process = None
            self.pid = -1

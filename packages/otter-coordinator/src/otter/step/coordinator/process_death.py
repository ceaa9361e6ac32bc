"""How a worker's process ended, and what speaks for one cause or another: the death certificate."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import attrs

from otter.util.units import format_size

TAIL_BYTES = 16 * 1024
_SUSPICIOUS_SIGNALS = {signal.SIGKILL}


@attrs.frozen
class Death:
    """The end of a worker's process.

    Attributes:
        code: exit status, or minus the number of the signal.
        peak_memory: largest resident size, in bytes; none when it is not known.
        oom: the kernel's out-of-memory killer acted since the worker started.
        output: the last lines of what its process wrote behind Python's back.
        ordered: why the coordinator itself ended it; none when it did not.
    """

    code: int
    peak_memory: int | None = None
    oom: bool = False
    output: tuple[str, ...] = ()
    ordered: str | None = None

    @property
    def signal_name(self) -> str | None:
        """The signal that ended it, by name."""
        if self.code >= 0:
            return None
        with contextlib.suppress(ValueError):
            return signal.Signals(-self.code).name
        return f"signal {-self.code}"

    @property
    def reason(self) -> str:
        """The end in words."""
        if self.ordered is not None:
            return self.ordered
        if self.signal_name is None:
            return f"exited with {self.code} before it answered"
        text = f"killed by {self.signal_name}"
        if self.oom:
            text += ", out of memory as the kernel reports"
        elif -self.code in _SUSPICIOUS_SIGNALS and self.peak_memory:
            text += ", possibly out of memory"
        return f"{text} (peak {format_size(self.peak_memory)})" if self.peak_memory else text

    @property
    def last_words(self) -> str:
        """The last line that its process wrote; empty without one."""
        return next((line for line in reversed(self.output) if line.strip()), "")


def read_tail(fd: int) -> tuple[str, ...]:
    """The last lines of a worker's output file."""
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, TAIL_BYTES, max(0, size - TAIL_BYTES))
    except OSError:
        return ()
    return tuple(data.decode("utf-8", "replace").splitlines()[-40:])


def oom_kills() -> int:
    """How often the kernel's out-of-memory killer has acted in our control group; 0 where that is not known."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        group = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
        for root in (f"/sys/fs/cgroup{group}", "/sys/fs/cgroup"):
            events = Path(root) / "memory.events"
            if events.exists():
                lines = events.read_text().splitlines()
                return int(next(line.split()[1] for line in lines if line.startswith("oom_kill ")))
    return 0

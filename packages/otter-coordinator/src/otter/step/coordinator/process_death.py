"""How a worker's process ended, and what speaks for one cause or another: the death certificate."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import attrs

from otter.util.units import format_size
from otter.util.values import Value

_SUSPICIOUS_SIGNALS = {signal.SIGKILL}


@attrs.frozen(eq=False, repr=False)
class Death(Value):
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
        """The place where its process was when it had to write that down, else the last line that it wrote."""
        for line, below in zip(self.output, self.output[1:], strict=False):
            if line.startswith("Current thread "):
                return below.strip()
        return next((line.strip() for line in reversed(self.output) if line.strip()), "")


def oom_kills() -> int:
    """How often the kernel's out-of-memory killer has acted in our control group; 0 where that is not known."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                files = [f"/sys/fs/cgroup{group}/memory.events", "/sys/fs/cgroup/memory.events"]
            elif controllers == "memory":
                files = [f"/sys/fs/cgroup/memory{group}/memory.oom_control", "/sys/fs/cgroup/memory/memory.oom_control"]
            else:
                continue
            for file in files:
                if (count := _oom_count(Path(file))) is not None:
                    return count
    return 0


def _oom_count(file: Path) -> int | None:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)

"""Running whole processes: wall clock, processor time, and the peak of memory of each process of a family."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from tests.benchmarks.machine import REPOSITORY

LIMIT = 900.0
"""Seconds after which a process is given up."""
SAMPLE_INTERVAL = 0.02
"""Seconds between two looks at the memory of a family. The kernel keeps the peaks, so a look need not be at one."""


class CommandError(Exception):
    """A process that was to be measured failed; its last lines are the message."""


@attrs.frozen
class Finished:
    """A process that ended well.

    Attributes:
        seconds: from its start to its end.
        cpu: processor seconds of it and of the children that it waited for.
        output: what it wrote to the standard output.
        peaks: peak of resident memory in bytes of each process of the family, by what it ran; only when watched.
    """

    seconds: float
    cpu: float
    output: str
    peaks: Mapping[str, int]


def run(
    command: Sequence[str | Path],
    *,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    watch: bool = False,
) -> Finished:
    """Run a process to its end.

    Args:
        directory: where it runs.
        environment: added to this process's own.
        watch: find the peaks of memory of it and all that it starts.

    Raises:
        CommandError: it ended with another code than 0, or took longer than `LIMIT`.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = subprocess.Popen(
            words, cwd=directory, env={**base_environment(), **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
        guard = threading.Timer(LIMIT, os.killpg, (child.pid, signal.SIGKILL))
        guard.start()
        family = Family(child.pid) if watch else None
        try:
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - began
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            guard.cancel()
            peaks = family.stop() if family is not None else {}
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read().decode("utf-8", "replace")
        if child.returncode:
            last = (err.read().decode("utf-8", "replace").strip() or output.strip()).splitlines()[-6:]
            raise CommandError(f"{Path(words[0]).name} ended with {child.returncode}: {' | '.join(last)}")
        return Finished(seconds, usage.ru_utime + usage.ru_stime, output, peaks)


def base_environment() -> dict[str, str]:
    """The environment of measured processes: the repository is importable, and nothing of the caller's Python leaks."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OTTER_"))}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}


class Family:
    """Looks at the peaks of memory of the processes of a session until it is stopped.

    Workers lead process groups of their own, but stay in the session that `run` made for the process that it started.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self._strangers: set[str] = set()
        self._peaks: dict[str, tuple[str, int]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, int]:
        """The peaks in bytes, by what each process ran; the largest for what several ran."""
        self._stopped.set()
        self._thread.join()
        largest: dict[str, int] = {}
        for name, peak in self._peaks.values():
            largest[name] = max(peak, largest.get(name, 0))
        return largest

    def members(self) -> list[str]:
        """Process ids of the session's living processes."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdecimal() and name not in self._strangers:
                if _session_of(name) == self._session:
                    found.append(name)
                else:
                    self._strangers.add(name)  # a number comes again only after all others
        return found

    def _look_on(self) -> None:
        while not self._stopped.wait(SAMPLE_INTERVAL):
            for pid in self.members():
                found = peak_memory(pid)
                if found is not None:
                    self._peaks[pid] = (_role(pid, self._session), found)


def peak_memory(pid: int | str = "self") -> int | None:
    """The peak of resident memory of a process, in bytes; none when it is gone.

    Not `ru_maxrss`: that one begins with the size of the process that started it.
    """
    try:
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def _role(pid: str, root: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        words = []
    if b"otter.step.worker" in words:
        return "worker"
    return "main" if pid == str(root) else "other"


def _session_of(pid: str) -> int | None:
    try:
        # The name of the program stands in parentheses, and may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[3])
    except (OSError, ValueError, IndexError):
        return None

"""Running whole processes: wall clock, processor time, and the peak of memory of each process of a family."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

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
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = _start(command, directory, environment, out, err)
        guard = threading.Timer(LIMIT, os.killpg, (child.pid, signal.SIGKILL))
        guard.start()
        family = Family(child.pid)
        if watch:
            family.watch()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - began
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            guard.cancel()
            peaks = family.stop()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read().decode("utf-8", "replace")
        if child.returncode:
            last = (err.read().decode("utf-8", "replace").strip() or output.strip()).splitlines()[-6:]
            raise CommandError(f"{Path(command[0]).name} ended with {child.returncode}: {' | '.join(last)}")
        return Finished(seconds, usage.ru_utime + usage.ru_stime, output, peaks)


@contextmanager
def started(command: Sequence[str | Path], *, directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], Family]]:
    """A process that runs during the block; whoever it started and left is killed with it at the end."""
    with tempfile.TemporaryFile() as output:
        child = _start(command, directory, None, output, output)
        family = Family(child.pid)
        try:
            yield child, family
        finally:
            for pid in family.members():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            child.wait()


def _start(
    command: Sequence[str | Path],
    directory: Path,
    environment: Mapping[str, str] | None,
    out: IO[bytes],
    err: IO[bytes],
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(word) for word in command], cwd=directory, env={**base_environment(), **(environment or {})},
        stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
    )  # fmt: skip


def base_environment() -> dict[str, str]:
    """The environment of measured processes: the repository is importable, and nothing of the caller's Python leaks."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OTTER_"))}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}


class Family:
    """The processes of a session, and the peaks of their memory while they are watched.

    Workers lead process groups of their own, but stay in the session that was made for the process that started them.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self._strangers: set[str] = set()
        self._peaks: dict[str, tuple[str, int]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def watch(self) -> None:
        """Begin to look at the peaks."""
        self._thread.start()

    def stop(self) -> dict[str, int]:
        """The peaks in bytes, by what each process ran; the largest for what several ran."""
        self._stopped.set()
        if self._thread.is_alive():
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
        while True:
            for pid in self.members():
                found = peak_memory(pid)
                if found is not None:
                    self._peaks[pid] = (_role(pid, self._session), found)
            if self._stopped.wait(SAMPLE_INTERVAL):
                return


@attrs.frozen
class Activity:
    """What a process has done so far.

    Attributes:
        seconds: of processor time of all its threads, to the nanosecond.
        wakes: how often one of them went on after it had waited.
    """

    seconds: float
    wakes: int

    def __add__(self, other: Activity) -> Activity:
        return Activity(self.seconds + other.seconds, self.wakes + other.wakes)

    def __sub__(self, other: Activity) -> Activity:
        return Activity(self.seconds - other.seconds, self.wakes - other.wakes)

    @classmethod
    def of(cls, pid: str) -> Activity:
        """That of a living process; nothing for one that is gone."""
        total = cls(0.0, 0)
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(OSError):
                seconds = int((thread / "schedstat").read_text("ascii").split()[0]) / 1e9
                status = (thread / "status").read_text("ascii", "replace")
                wakes = int(status.partition("\nvoluntary_ctxt_switches:")[2].split(None, 1)[0])
                total += cls(seconds, wakes)
        return total


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

"""What a figure depends on beside the code: the machine, and who else uses it."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path

import attrs

CALM_SECONDS = 2.0
CALM_SHARE = 0.25
"""Processors that others may keep busy on a calm machine."""
REPOSITORY = Path(__file__).resolve().parents[2]


@attrs.frozen(kw_only=True)
class Machine:
    """The machine; nothing that names it.

    Attributes:
        file_system: type of the file system that the runs write to.
    """

    processor: str
    cores: int
    memory_gib: int
    system: str
    python: str
    file_system: str


@attrs.frozen(kw_only=True)
class Conditions:
    """What went on while a case was measured.

    Attributes:
        when: its beginning, in UTC.
        commit: of the working copy.
        load_before: load average of a minute, when it began.
        load_after: and when it ended.
        others: processors that other processes kept busy meanwhile, on average; none where the system does not tell.
        seconds: how long it took.
    """

    when: str
    commit: str
    load_before: float
    load_after: float
    others: float | None
    seconds: float


class Watch:
    """Notes the conditions from its making to `conditions`."""

    def __init__(self) -> None:
        self._when = dt.datetime.now(dt.UTC)
        self._load = os.getloadavg()[0]
        self._began = time.monotonic()
        self._busy = _busy_seconds()
        self._own = _own_seconds()

    def conditions(self) -> Conditions:
        """The conditions until now."""
        seconds = time.monotonic() - self._began
        busy = _busy_seconds()
        others = None
        if busy is not None and self._busy is not None and seconds > 0:
            others = round(max(0.0, busy - self._busy - (_own_seconds() - self._own)) / seconds, 2)
        return Conditions(
            when=self._when.isoformat(timespec="seconds").replace("+00:00", "Z"), commit=_commit(),
            load_before=round(self._load, 2), load_after=round(os.getloadavg()[0], 2), others=others,
            seconds=round(seconds, 1),
        )  # fmt: skip


class Calm:
    """Waits until others leave the machine alone.

    Args:
        patience: seconds that it waits in all; then it lets everything pass.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self._patience = patience

    def wait(self) -> None:
        """Wait for two seconds in which hardly anything ran, as long as the patience lasts."""
        while self._patience > 0:
            busy = _busy_seconds()
            time.sleep(CALM_SECONDS)
            self._patience -= CALM_SECONDS
            now = _busy_seconds()
            if busy is None or now is None or now - busy < CALM_SHARE * CALM_SECONDS:
                return


def describe(directory: Path) -> Machine:
    """This machine, for runs that write to a directory."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(), cores=len(os.sched_getaffinity(0)), memory_gib=round(pages / 2**30),
        system=f"{platform.system()} {platform.release()}", python=platform.python_version(),
        file_system=_file_system(directory),
    )  # fmt: skip


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{found[1]} ({platform.machine()})" if found else platform.machine()


def _file_system(directory: Path) -> str:
    """Type of the file system with the longest mount point above a directory."""
    target = str(directory.resolve()) + "/"
    best = ("", "unknown")
    try:
        lines = Path("/proc/mounts").read_text("utf-8").splitlines()
    except OSError:
        return best[1]
    for line in lines:
        _, mount, kind = line.split(" ")[:3]
        if target.startswith(mount.rstrip("/") + "/") and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def _commit() -> str:
    """The commit of the working copy, with a plus sign when something in it differs."""
    git = ["git", "-C", str(REPOSITORY)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _busy_seconds() -> float | None:
    """Processor time of all processes since the machine started."""
    try:
        fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, soft_irq, *_ = map(int, fields)
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)

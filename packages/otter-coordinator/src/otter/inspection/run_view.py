"""The runs of a work directory: what is going on in it, and how the last run of each step ended.

A run is going on exactly as long as its lock is held: the kernel frees it with the process, however that ends. So
neither a process id nor a file's age is ever taken for a sign of life.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import attrs
import orjson

from otter.step.coordinator.journal import JournalError, read_journal
from otter.step.coordinator.run_directory import STATE_DIRECTORY, STATUS_FILE
from otter.util.errors import ConfigError
from otter.util.instants import instant

JOURNAL = "journal"
LOCK = "lock"
LOGS = "logs"
_TAIL = 256 * 1024
"""Bytes at the end of a journal in which its last record is looked for."""

Table = dict[str, Any]


@attrs.frozen(kw_only=True, eq=False)
class RunView:
    """The last run of a step.

    Attributes:
        key: `<runner>_<step>`.
        directory: its state, journal and logs.
        running: whether it is going on.
        paused: whether its process is stopped, as by SIGSTOP or Ctrl-Z, as far as that can be seen from here.
        holder: `pid`, `host` and `started_at` of its process; empty if that was not written.
        status: what it was doing when it last said so, as `otter.step.coordinator.status.snapshot` has it; none if it
            has not said anything.
        end: the step's part of the manifest without its tasks, if the run came to its end.
    """

    key: str
    directory: Path
    running: bool
    paused: bool
    holder: Table
    status: Table | None
    end: Table | None

    @property
    def work_path(self) -> Path:
        """The work directory."""
        return self.directory.parent.parent


def find_runs(work_path: Path, steps: list[str] | None = None) -> list[RunView]:
    """The last run of each step in a work directory.

    Args:
        work_path: the work directory.
        steps: keys, or names of steps; by default all.

    Raises:
        ConfigError: nothing ever ran there, or one of the steps did not.
    """
    root = work_path.absolute() / STATE_DIRECTORY
    views = [_view(lock.parent) for lock in sorted(root.glob(f"*/{LOCK}"))]
    # A run that was refused before it began has said nothing and recorded nothing.
    found = [run for run in views if run.running or run.status or (run.directory / JOURNAL).exists()]
    if not found:
        raise ConfigError(f"no step ever ran in {work_path}: name another work directory with --work-path")
    if not steps:
        return found
    chosen = []
    for wanted in steps:
        named = [run for run in found if wanted in (run.key, run.key.partition("_")[2])]
        if not named:
            known = ", ".join(run.key for run in found)
            raise ConfigError(f"no step {wanted!r} ran in {work_path}; there are: {known}")
        chosen += named
    return chosen


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock file. Nothing is left behind; a lock that is free is ours for an instant."""
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _view(directory: Path) -> RunView:
    running = is_held(directory / LOCK)
    holder, status = _read_table(directory / LOCK) or {}, _read_table(directory / STATUS_FILE)
    began = instant(holder.get("started_at"))
    if status is not None and began is not None and (instant(status.get("at")) or 0) < began:
        status = None  # an earlier run wrote it
    end = None if running else _end(directory / JOURNAL)
    return RunView(
        key=directory.name, directory=directory, running=running, paused=running and _is_stopped(holder), holder=holder,
        status=status, end=end,
    )  # fmt: skip


def _is_stopped(holder: Table) -> bool:
    """Whether the process that holds a run is on this machine and stopped."""
    pid = holder.get("pid")
    if type(pid) is not int or holder.get("host") != os.uname().nodename:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["T"]


def _read_table(path: Path) -> Table | None:
    try:
        table = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return table if isinstance(table, dict) else None


def _end(journal: Path) -> Table | None:
    """What the last record of a journal says of the run's end, if it does."""
    try:
        with open(journal, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            data = file.read()
        line = data[data.rfind(b"\n", 0, -1) + 1 :]
        records, _ = read_journal(line)
    except (OSError, JournalError):
        return None
    if records and isinstance(records[-1], dict) and records[-1].get("kind") == "end":
        entry = records[-1].get("entry")
        return entry if isinstance(entry, dict) else None
    return None

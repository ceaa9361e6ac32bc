"""The directory of one step's runs, and the lock that lets one run at a time into it."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import shutil
import socket
import time
from pathlib import Path

import orjson

from otter.step.coordinator.durable import sync_directory, sync_way_to
from otter.step.coordinator.journal import Journal, JournalError
from otter.util.errors import FSError, OtterError
from otter.util.fs import check_dir

STATE_DIRECTORY = ".otter"
STATUS_FILE = "status.json"
"""What the run that is going on says of itself, for those who look from outside."""
GLANCE = 0.1
"""Seconds for which a lock that is held may be one of `otter status`."""


class StepBusyError(OtterError):
    """Another run of the same step is going on in this work directory."""


class RunDirectory:
    """`<work_path>/.otter/<runner>_<step>`: journal, logs, output of workers, large results.

    Args:
        work_path: the work directory.
        key: `<runner>_<step>`.

    Raises:
        FSError: it cannot be made.
        StepBusyError: another run holds it; its process, host and start are named.
    """

    def __init__(self, work_path: Path, key: str) -> None:
        check_dir(work_path)  # what is wrong with it is said of it, and not of what would be in it
        self.path = check_dir(work_path / STATE_DIRECTORY / key)
        sync_way_to(self.path, 3)
        self._directory_lock: int | None = None
        self._lock = self._take_lock()
        self.logs = check_dir(self.path / "logs")
        self.workers = check_dir(self.path / "workers")
        self.spill = check_dir(self.path / "spill")
        self.journal = self.path / "journal"
        self.draft = self.path / "journal.new"

    def begin(self) -> None:
        """Clear what former runs left that nobody reads any more."""
        self.draft.unlink(missing_ok=True)
        for directory in (self.spill, self.workers):
            _clear(directory)

    def take_over(self, journal: Journal) -> None:
        """Let a journal that was begun as the draft be the one of this step; the former one is kept as `.previous`.

        Until then a run may still be refused, for a slip in the pipeline file perhaps, and must leave what a former run
        recorded: somebody wants to resume it. The logs of tasks belong to that record, and go with it.

        Raises:
            JournalError: the files cannot be renamed.
        """
        try:
            if self.journal.exists():
                os.replace(self.journal, self.journal.with_name(f"{self.journal.name}.previous"))
            os.replace(journal.path, self.journal)
            journal.path = self.journal
            sync_directory(self.path)
        except OSError as error:
            raise JournalError(f"{self.journal}: {error.strerror}") from error
        _clear(self.logs)

    def close(self) -> None:
        """Let the next run in."""
        with contextlib.suppress(OSError):
            self.draft.unlink()
        shutil.rmtree(self.spill, ignore_errors=True)
        os.close(self._lock)
        if self._directory_lock is not None:
            os.close(self._directory_lock)

    def _busy(self, holder: str) -> StepBusyError:
        return StepBusyError(
            f"this step is running in {self.path.parent.parent} already: {holder}. "
            "Wait for it, stop it, or choose another work path"
        )

    def _take_lock(self) -> int:
        path = self.path / "lock"
        try:
            # Not inherited by workers: the lock is free at the moment this process ends, however it ends.
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FSError(f"{path}: {error.strerror}") from error
        try:
            _lock(fd)
        except BlockingIOError:
            holder = _read_holder(fd)
            os.close(fd)
            raise self._busy(holder) from None
        try:
            # As well, because the file may be removed, as the stale locks of other programs are.
            self._directory_lock = _lock_directory(self.path)
        except BlockingIOError:
            os.close(fd)
            raise self._busy("by a process whose lock file was removed") from None
        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        facts = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": started}
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, orjson.dumps(facts), 0)
        except OSError as error:
            os.close(fd)
            if self._directory_lock is not None:
                os.close(self._directory_lock)
            raise FSError(f"{path}: {error.strerror}") from error
        return fd


def _clear(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    check_dir(directory)


def _lock(fd: int) -> None:
    """Take the lock. Whoever looks whether a run goes on holds it for an instant, and must not turn a run away."""
    deadline = time.monotonic() + GLANCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(GLANCE / 20)


def _lock_directory(path: Path) -> int | None:
    """Lock a directory itself; none where the file system has no such locks, as one on a network.

    Raises:
        BlockingIOError: another process has it.
    """
    fd = -1
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return fd


def _read_holder(fd: int) -> str:
    try:
        facts = orjson.loads(os.pread(fd, 4096, 0))
        return f"process {facts['pid']} on {facts['host']}, started {facts['started_at']}"
    except (ValueError, KeyError, TypeError):
        return "by a process that has not yet written who it is"

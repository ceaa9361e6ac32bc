"""Processes that a task left behind: they are found by marks in their environment, and ended.

A process group does not hold one that called `setsid`. Such a process comes to the coordinator when its parents are
gone, because the coordinator makes itself the reaper of its descendants. A child that an embedding program started is
never touched: it has no mark, and lives in our session or heads its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import attrs

from otter.step.coordinator.launching import RUN_MARK, WORKER_MARK
from otter.util.values import Value

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 64
"""How often the children of what was just ended are looked for: they come to us one generation at a time."""


@attrs.frozen(eq=False, repr=False)
class _Child(Value):
    pid: int
    zombie: bool
    group: int
    session: int


def become_reaper() -> None:
    """Let orphaned descendants become children of this process. Linux only; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_stragglers(run_id: str, spare: Collection[int], worker: int | None = None, patience: float = 0.0) -> None:
    """Kill children of this process that carry the marks of a run, and theirs as they come to us.

    Args:
        run_id: the run.
        spare: process ids of its living workers.
        worker: only what this worker left; none for all of the run.
        patience: seconds to wait for them to end.
    """
    marks = {f"{RUN_MARK}={run_id}".encode()}
    if worker is not None:
        marks.add(f"{WORKER_MARK}={worker}".encode())
    deadline = time.monotonic() + patience
    for _ in range(_ROUNDS):
        found = [child.pid for child in _children() if child.pid not in spare and _has_marks(child.pid, marks)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        while not _reap_all(found) and time.monotonic() < deadline:
            time.sleep(0.001)
        if time.monotonic() >= deadline:
            return


def reap_orphans(spare: Collection[int]) -> None:
    """Reap adopted descendants that have ended, which only their parent can.

    Args:
        spare: process ids of our own children, workers among them.
    """
    if not _any_has_ended():
        return
    own_group, own_session = os.getpgrp(), os.getsid(0)
    for child in _children():
        if not child.zombie or child.pid in spare or child.group == own_group:
            continue
        # A child that another part of this program started, in our group or at the head of its own, is not ours to
        # reap; only the first process of a container has to take all the others.
        adopted = child.group != child.pid or child.session not in (own_session, child.pid)
        if adopted or os.getpid() == 1:
            _reap_all([child.pid])


def _any_has_ended() -> bool:
    """Whether any child waits to be reaped; to look at each of them costs many times as much."""
    if not hasattr(os, "waitid"):
        return True
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def nameless(spare: Collection[int]) -> list[tuple[int, str]]:
    """Living children that are in nobody's session that we know: process ids and command lines.

    A task started them with an empty environment and out of its group, so that nothing tells whose they are.
    """
    own_session = os.getsid(0)
    found = []
    for child in _children():
        if not child.zombie and child.pid not in spare and child.session not in (own_session, child.pid):
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{child.pid}/cmdline").read_bytes().replace(b"\0", b" ")
                found.append((child.pid, command.decode("utf-8", "replace").strip()[:200]))
    return found


def _reap_all(pids: list[int]) -> bool:
    """Reap what has ended of some children; whether all have."""
    over = True
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            over &= os.waitpid(pid, os.WNOHANG)[0] == pid
    return over


def _children() -> Iterator[_Child]:
    try:
        pids = [int(word) for task in Path("/proc/self/task").iterdir() for word in _words(task / "children")]
    except OSError:
        return
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, _, group, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
            yield _Child(pid, state == "Z", int(group), int(session))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # a thread that has just ended
        return []


def _has_marks(pid: int, marks: set[bytes]) -> bool:
    try:
        return marks <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:
        return False

"""Processes that a task left behind: they are found by a mark in their environment, and ended.

A process group does not hold one that called `setsid`. Such a process comes to the coordinator when its parents are
gone, because the coordinator makes itself the reaper of its descendants.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

MARK = "OTTER_RUN_ID"
"""Environment variable of every worker; its descendants inherit it."""

_PR_SET_CHILD_SUBREAPER = 36


def become_reaper() -> None:
    """Let orphaned descendants become children of this process. Linux only; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_stragglers(run_id: str, spare: set[int]) -> list[int]:
    """Kill and reap children of this process that carry the mark of a run.

    Args:
        run_id: the run.
        spare: process ids of its living workers.

    Returns:
        The process ids that were ended.
    """
    ended = []
    for pid in _children():
        if pid in spare or not _is_marked(pid, run_id):
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            ended.append(pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    return ended


def _children() -> list[int]:
    try:
        tasks = list(Path("/proc/self/task").iterdir())
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return []


def _is_marked(pid: int, run_id: str) -> bool:
    try:
        return f"{MARK}={run_id}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False

"""Parts of manifests, as runs record them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Task = dict[str, Any]
Publish = Callable[..., Path]
"""Writes a step into the manifest of a directory: `publish(directory, key, tasks, **step)`."""
MakeTask = Callable[..., Task]
"""Makes a file and the record of the task that wrote it: `made(name, file, *sources, text=…, minute=…, **more)`."""


def task(name: str, *, minute: int = 1, **more: Any) -> Task:
    """A task's part of a manifest."""
    times = {"started_run_at": at(minute), "finished_run_at": at(minute, 30), "elapsed": 30.0}
    return {"name": name, "result": "success", **times, "artifacts": [], "failure_reason": None, **more}


def at(minute: int, second: int = 0) -> str:
    """A time of a manifest."""
    return f"2026-03-01T12:{minute:02d}:{second:02d}.000000Z"

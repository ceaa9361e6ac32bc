"""What the page shows of one task only: log, traceback, artifacts. Packed in chunks, which it unpacks at need.

A chunk is gzip in base64: an alphabet without a character that HTML could mistake for markup.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from typing import Any

import attrs
import orjson

from otter.manifest.model import Result
from otter.report.facts import TaskFacts

CHUNK_TASKS = 250
BUDGET = 48 * 1024 * 1024
"""Bytes of JSON for the logs and tracebacks of a step. Beyond it, only tasks that did not go well keep theirs."""
LOG_LINES = 400
"""Lines of a task's log at most; the manifest has the tail of it, and the log file all of it."""


@attrs.frozen
class Details:
    """The packed details of a step's tasks.

    Attributes:
        chunks: each for `CHUNK_TASKS` tasks, in order.
        left_out: how many tasks have no log here, because there are too many of them.
    """

    chunks: list[str]
    left_out: int


def pack_details(tasks: Sequence[TaskFacts], budget: int = BUDGET) -> Details:
    """Pack the details of tasks.

    Args:
        tasks: all tasks of a step.
        budget: bytes of JSON for logs and tracebacks.
    """
    logs = {}
    for place in sorted(range(len(tasks)), key=lambda place: (_went_well(tasks[place]), place)):
        text = orjson.dumps({"log": tasks[place].log[-LOG_LINES:], "traceback": tasks[place].traceback})
        if budget < len(text):
            break
        budget -= len(text)
        logs[place] = text
    left_out = sum(place not in logs and bool(task.log or task.traceback) for place, task in enumerate(tasks))
    chunks = []
    for first in range(0, len(tasks), CHUNK_TASKS):
        rows = [
            {**_facts(task), **(orjson.loads(logs[place]) if place in logs else {"left_out": bool(task.log)})}
            for place, task in enumerate(tasks[first : first + CHUNK_TASKS], first)
        ]
        chunks.append(_packed(orjson.dumps(rows)))
    return Details(chunks, left_out)


def _went_well(task: TaskFacts) -> bool:
    return task.result is Result.SUCCESS and len(task.attempts) < 2


def _facts(task: TaskFacts) -> dict[str, Any]:
    facts = {
        "artifacts": task.artifacts,
        "log_file": task.log_file,
        "reason": task.reason,
        "more": task.more,
        "attempts": [
            {"reason": attempt.reason, "signal": attempt.signal, "exit_code": attempt.exit_code,
             "last_output": attempt.last_output}
            for attempt in task.attempts
        ] if any(attempt.reason or attempt.last_output for attempt in task.attempts) else None,
        "times": [task.started, task.finished] if task.reused else None,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value}


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")

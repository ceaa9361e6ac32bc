"""What failed in a run, by cause, and what could not run because of it; asked for at the end of a run, only then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import orjson

from otter.step.coordinator.causes import Cause, cause_of
from otter.step.coordinator.events import TaskId
from otter.step.coordinator.task_node import Failed, Skipped, TaskNode

COUNTED = 20
"""Causes for which the tasks that they block are counted: each takes a walk through the graph."""


@attrs.frozen
class RootCause:
    """Failures with one cause.

    Attributes:
        failed: names of the tasks that failed, in the order of the step.
        blocked: tasks that never began because they need one of them, directly or not; one that needs failures of two
            causes is blocked by both. None for causes beyond the first `COUNTED`.
        sample: the reason of one of the failures, in full.
    """

    cause: Cause
    failed: tuple[str, ...]
    blocked: int | None
    sample: str


@attrs.frozen
class _Attempt:
    """The last attempt of a task, as its part of the manifest has it."""

    result: str
    reason: str | None
    signal: str | None
    exit_code: int | None


def root_causes(nodes: list[TaskNode], entry_of: Callable[[TaskId], bytes | None]) -> list[RootCause]:
    """The causes of a run's failures; the one with the most failures first.

    Args:
        nodes: the tasks of the run.
        entry_of: gives a task's part of the manifest.
    """
    groups: dict[tuple[str, ...], tuple[Cause, list[TaskNode], str]] = {}
    for node in nodes:
        if type(node.state) is Failed:
            entry = orjson.loads(entry_of(node.id) or b"{}")
            cause = _cause(entry)
            reason = str(entry.get("failure_reason") or "")
            groups.setdefault(cause.key, (cause, [], reason))[1].append(node)
    ordered = sorted(groups.values(), key=lambda group: -len(group[1]))
    return [
        RootCause(
            cause, tuple(node.name for node in failed), _blocked(nodes, failed) if place < COUNTED else None, reason
        )
        for place, (cause, failed, reason) in enumerate(ordered)
    ]


def _cause(entry: dict[str, Any]) -> Cause:
    attempts = entry.get("attempts") or [{}]
    last = attempts[-1]
    attempt = _Attempt(str(last.get("result")), last.get("reason"), last.get("signal"), last.get("exit_code"))
    return cause_of(entry.get("failure_reason"), entry.get("exception"), entry.get("traceback"), attempt)


def _blocked(nodes: list[TaskNode], failed: Iterable[TaskNode]) -> int:
    """How many tasks never began because of these failures."""
    pending = list(failed)
    seen: set[TaskId] = {node.id for node in pending}
    blocked = 0
    while pending:
        node = pending.pop()
        blocked += type(node.state) is Skipped
        # Who waits for a generator waits for all that it generated, so what blocks one of those blocks them too.
        above = [node.parent] if node.parent is not None and nodes[node.parent].spoiled is not None else []
        skipped = [other for other in node.dependents or () if type(nodes[other].state) is Skipped]
        for other in (*above, *skipped):
            if other not in seen:
                seen.add(other)
                pending.append(nodes[other])
    return blocked

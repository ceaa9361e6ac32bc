"""Failures by cause, as a manifest tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from otter.manifest.model import Result
from otter.report.facts import TaskFacts
from otter.step.coordinator.causes import Cause, cause_of


@attrs.define
class CauseGroup:
    """What failed for one cause: places of tasks, in the manifest's order, and one of the reasons in full."""

    cause: Cause
    tasks: list[int] = attrs.field(factory=list)
    sample: str = ""


def failures(tasks: Sequence[TaskFacts]) -> list[CauseGroup]:
    """The tasks that failed for good, by cause; the cause with the most tasks first."""
    rows = (
        (place, cause_of_task(task), task.reason)
        for place, task in enumerate(tasks)
        if task.result is Result.FAILURE and not task.reused
    )
    return _grouped(rows)


def recovered(tasks: Sequence[TaskFacts]) -> list[CauseGroup]:
    """Attempts that failed although another one of their task succeeded, by cause: what the run got away with."""
    rows = (
        (place, cause_of(attempt.reason, None, None, attempt), attempt.reason)
        for place, task in enumerate(tasks)
        if task.result is Result.SUCCESS and not task.reused
        for attempt in task.attempts
        if attempt.result != Result.SUCCESS.value
    )
    return _grouped(rows)


def cause_of_task(task: TaskFacts) -> Cause:
    """Why a task failed."""
    return cause_of(task.reason, task.exception, task.traceback, task.attempts[-1] if task.attempts else None)


def _grouped(rows: Iterator[tuple[int, Cause, str | None]]) -> list[CauseGroup]:
    groups: dict[tuple[str, ...], CauseGroup] = {}
    for place, cause, reason in rows:
        group = groups.setdefault(cause.key, CauseGroup(cause, sample=reason or ""))
        if not group.tasks or group.tasks[-1] != place:
            group.tasks.append(place)
    return sorted(groups.values(), key=lambda group: -len(group.tasks))

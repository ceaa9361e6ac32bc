"""A step as the page takes it: columns of numbers and tables of texts, which a browser reads and searches fast.

Times are microseconds after the step's `origin`; -1 stands for "not recorded" in every column of numbers. What the page
shows of one task only, such as its log, is in `otter.report.details`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from otter.manifest.model import Result
from otter.report.causes import CauseGroup, failures, recovered
from otter.report.facts import StepFacts, TaskFacts
from otter.report.lanes import Lanes, lanes_of
from otter.report.links import Links, Waits, blocked, critical_path, waits

REASON_LENGTH = 400
"""Characters of a reason in the tables; the whole of it is among the details."""

_LETTERS = {Result.SUCCESS: "s", Result.FAILURE: "f", Result.ABORTED: "a", Result.PENDING: "p"}


class Texts:
    """A table of texts; equal ones are stored once."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str | None) -> int:
        """The place of a text in the table; -1 for none."""
        if not text:
            return -1
        if text not in self._places:
            self._places[text] = len(self.all)
            self.all.append(text)
        return self._places[text]


def step_columns(step: StepFacts) -> dict[str, Any]:
    """A step as the page takes it."""
    texts, links, lanes = Texts(), Links.of(step.tasks), lanes_of(step)
    found = waits(step, links)
    begins = [bar.start for bar in lanes.bars]
    origin = min([*begins, *([step.started] if step.started is not None else [])], default=0)
    groups = failures(step.tasks)
    return {
        "key": step.key,
        "name": step.name,
        "result": step.result.value,
        "reason": step.reason,
        "origin": origin,
        "started": step.started if step.started is not None else -1,
        "finished": step.finished if step.finished is not None else -1,
        "elapsed": round(step.elapsed * 1e6) if step.elapsed is not None else -1,
        "span": max(step.ended - origin, 0),
        "log": step.log[-1000:],
        "run": step.run_id,
        "versions": step.versions,
        "more": step.more,
        "tasks": _task_columns(step.tasks, links, found, groups, texts, origin),
        "attempts": _attempt_columns(step, lanes, texts, origin),
        "lanes": [[lane.worker, lane.first, lane.rows] for lane in lanes.lanes],
        "causes": [_group(group, blocked(step.tasks, links, group.tasks)) for group in groups],
        "recovered": [_group(group, 0) for group in recovered(step.tasks)],
        "critical": critical_path(step, found),
        "texts": texts.all,
    }


def _task_columns(
    tasks: Sequence[TaskFacts],
    links: Links,
    found: Waits,
    groups: Sequence[CauseGroup],
    texts: Texts,
    origin: int,
) -> dict[str, Any]:
    causes = [-1] * len(tasks)
    for number, group in enumerate(groups):
        for place in group.tasks:
            causes[place] = number
    names = {task.name: place for place, task in enumerate(tasks)}
    return {
        "name": [task.name for task in tasks],
        "kind": [texts.place(task.kind) for task in tasks],
        "result": "".join(_LETTERS[task.result] for task in tasks),
        "reused": [place for place, task in enumerate(tasks) if task.reused],
        "start": [_after(origin, _begun(task)) for task in tasks],
        "checked": [_after(origin, task.checked if not task.reused else None) for task in tasks],
        "end": [_after(origin, task.finished if not task.reused else None) for task in tasks],
        "elapsed": [round(task.elapsed * 1e6) if task.elapsed is not None else -1 for task in tasks],
        "ready": [_after(origin, ready) for ready in found.ready],
        "memory": [max((a.peak_memory or -1 for a in task.attempts), default=-1) for task in tasks],
        "reason": [texts.place(_cut(task.reason)) for task in tasks],
        "exception": [texts.place(task.exception) for task in tasks],
        "cause": causes,
        "blocker": [names.get(task.blocked_by, -1) if task.blocked_by else -1 for task in tasks],
        "parent": links.parent,
        "artifacts": [len(task.artifacts) for task in tasks],
        "bytes": [_bytes_written(task) for task in tasks],
        "requires": _ragged(links.requires),
        "unknown": [
            [place, missing]
            for place, task in enumerate(tasks)
            if (missing := [name for name in task.requires if name not in names])
        ],
    }


def _attempt_columns(step: StepFacts, lanes: Lanes, texts: Texts, origin: int) -> dict[str, Any]:
    rows = {(bar.task, bar.attempt): bar for bar in lanes.bars}
    columns: dict[str, list[int]] = {
        name: [] for name in ("task", "number", "worker", "row", "start", "end", "result", "reason", "memory")
    }
    for place, task in enumerate(step.tasks):
        for number, attempt in enumerate(task.attempts):
            bar = rows.get((place, number))
            values = {
                "task": place,
                "number": attempt.number,
                "worker": attempt.worker if attempt.worker is not None else -1,
                "row": bar.row if bar is not None else -1,
                "start": bar.start - origin if bar is not None else -1,
                "end": bar.end - origin if bar is not None else -1,
                "result": texts.place(attempt.result),
                "reason": texts.place(_cut(attempt.reason)),
                "memory": attempt.peak_memory if attempt.peak_memory is not None else -1,
            }
            for name, value in values.items():
                columns[name].append(value)
    return columns


def _group(group: CauseGroup, blocks: int) -> dict[str, Any]:
    cause = group.cause
    return {
        "kind": cause.kind, "title": cause.title, "detail": cause.detail, "sample": _cut(group.sample, 4000),
        "tasks": group.tasks, "blocks": blocks,
    }  # fmt: skip


def _begun(task: TaskFacts) -> int | None:
    if task.reused:
        return None
    return next((attempt.started for attempt in task.attempts if attempt.started is not None), task.started)


def _after(origin: int, moment: int | None) -> int:
    return max(moment - origin, 0) if moment is not None else -1


def _cut(text: str | None, length: int = REASON_LENGTH) -> str | None:
    return text if text is None or len(text) <= length else f"{text[: length - 1]}…"


def _bytes_written(task: TaskFacts) -> int:
    sizes = [
        fact["size"]
        for artifact in task.artifacts
        if isinstance(artifact.get("files"), list)
        for fact in artifact["files"]
        if isinstance(fact, dict) and isinstance(fact.get("size"), int)
    ]
    return sum(sizes) if sizes else -1


def _ragged(rows: Iterable[list[int]]) -> list[int]:
    """Lists of different lengths in one: each is preceded by its length."""
    flat: list[int] = []
    for row in rows:
        flat.append(len(row))
        flat += row
    return flat

"""What a run says to programs: one JSON object a line, for log collectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from otter.observers.lines import write_line
from otter.observers.plain import PlainObserver
from otter.pipeline import Problem
from otter.step.coordinator.coordinator import Coordinator
from otter.step.coordinator.events import TaskId, WorkerId
from otter.step.coordinator.ledger import utc_text
from otter.step.model import Step

if TYPE_CHECKING:
    from otter.step.coordinator.explanation import Explanation
    from otter.step.coordinator.failures import RootCause

NAMES, SAMPLE = 100, 2000
"""Names of tasks that are told with a cause of failures, and characters of one of the reasons."""


class JsonObserver(PlainObserver):
    """Writes `{"at": …, "step": …, "event": …, …}` for each thing that happens; `--quiet` leaves out successes."""

    def warn(self, problems: Sequence[Problem]) -> None:
        """An object for each."""
        for problem in problems:
            self._write("warning", **problem.to_json())

    def advise(self, text: str) -> None:
        """Nothing: it is for a person."""

    def on_begin(self, total: int) -> None:
        self._write("begin", tasks=total)

    def on_added(self, count: int, by: str) -> None:
        if count and not self._quiet:
            self._write("added", tasks=count, by=by)

    def on_retry(self, name: str, attempt: int, reason: str, delay: float) -> None:
        self._write("retry", task=name, attempt=attempt, reason=reason, delay=delay)

    def on_end(self, task: TaskId, name: str, entry: dict[str, Any]) -> None:
        result = entry.get("result")
        if self._quiet and result == "success":
            return
        facts = {key: entry[key] for key in ("elapsed", "failure_reason", "log_file", "blocked_by") if entry.get(key)}
        if result == "failure":
            facts["log"] = entry.get("log") or []
        self._write("end", task=name, result=result, **facts)

    def on_worker(self, worker: WorkerId, what: str) -> None:
        if not self._quiet:
            self._write("worker", worker=worker, what=what)

    def on_stop(self, reason: str) -> None:
        self._write("stop", reason=reason)

    def conclude(self, step: Step, coordinator: Coordinator) -> None:
        """The failures by cause as one object, if there are any, and the summary as another."""
        manifest = step.manifest
        causes = coordinator.root_causes()
        if causes:
            told = [_cause(root) for root in causes if root.blocked is not None]
            self._write("causes", causes=told, total=len(causes))
        self._write(
            "summary", result=manifest.result, counts=coordinator.counts(), elapsed=manifest.elapsed,
            reason=manifest.failure_reason, manifest=coordinator.manifest_location,
        )  # fmt: skip

    def explain(self, explanation: Explanation) -> None:
        """An object for each task."""
        self._write("explain", task=explanation.name, runs=explanation.runs, why=explanation.why)

    def _write(self, event: str, **facts: Any) -> None:
        row = {"at": utc_text(time.time()), "step": self._step, "event": event, **facts}
        write_line(self._stream, orjson.dumps(row, default=str).decode())


def _cause(root: RootCause) -> dict[str, Any]:
    cause = root.cause
    return {
        "kind": cause.kind, "title": cause.title, "detail": cause.detail, "failed": len(root.failed),
        "blocked": root.blocked, "tasks": root.failed[:NAMES], "sample": root.sample[:SAMPLE],
    }  # fmt: skip

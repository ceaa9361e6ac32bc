"""What a manifest says of a run, read leniently: the one way in for the report and the exports.

A manifest may come from another version, from a run that was killed, or from somebody's editor. A field that is missing
or of another type counts as not recorded; nothing in it is ever used as code, as a template or as a path to open.
Instants are integers, microseconds since 1970 in UTC, so that differences are exact; none means not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import orjson

from otter.manifest.model import Result
from otter.step.coordinator.manifest_store import unseal
from otter.util.errors import ManifestError
from otter.util.instants import instant

Table = Mapping[str, Any]

_RESULTS = {result.value: result for result in Result}
_TASK_KEYS = frozenset(
    {
        "name", "task_type", "result", "started_run_at", "finished_run_at", "run_elapsed", "started_validation_at",
        "finished_validation_at", "validation_elapsed", "elapsed", "log", "artifacts", "failure_reason", "requires",
        "parent", "worker", "attempts", "exception", "traceback", "blocked_by", "reused", "log_file",
    }
)  # fmt: skip
_STEP_KEYS = frozenset(
    {
        "name", "result", "started_run_at", "finished_run_at", "elapsed", "log", "artifacts", "failure_reason",
        "counts", "tasks", "run_id", "versions",
    }
)  # fmt: skip


@attrs.frozen(kw_only=True)
class AttemptFacts:
    """One attempt of a task.

    Attributes:
        number: from 1.
        result: `success`, `failure`, `aborted`, or how its worker ended: `crashed`, `lost`, `timed out`, `stopped`.
        peak_memory: bytes, of its process.
        last_output: what its process wrote while it died.
    """

    number: int
    worker: int | None
    result: str
    reason: str | None = None
    started: int | None = None
    finished: int | None = None
    peak_memory: int | None = None
    signal: str | None = None
    exit_code: int | None = None
    last_output: list[str] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class TaskFacts:
    """One task.

    Attributes:
        kind: its task type.
        reused: an earlier run did it, and its times are those of that run.
        started: beginning of the last attempt.
        checked: beginning of its validation.
        finished: end of the last attempt, validation included.
        elapsed: seconds that its run and validation took.
        exception: type of the exception that failed it.
        blocked_by: name of the task whose failure kept it from beginning.
        parent: name of the task that generated it.
        artifacts: as recorded.
        more: recorded facts that have no field here.
    """

    name: str
    kind: str
    result: Result
    reused: bool = False
    started: int | None = None
    checked: int | None = None
    finished: int | None = None
    elapsed: float | None = None
    reason: str | None = None
    exception: str | None = None
    traceback: str | None = None
    blocked_by: str | None = None
    parent: str | None = None
    requires: list[str] = attrs.field(factory=list)
    attempts: list[AttemptFacts] = attrs.field(factory=list)
    artifacts: list[dict[str, Any]] = attrs.field(factory=list)
    log: list[str] = attrs.field(factory=list)
    log_file: str | None = None
    more: dict[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class StepFacts:
    """One step.

    Attributes:
        key: its place in the manifest.
        run_id: of the run that wrote it.
        versions: of Python and the distributions, by name, for the `coordinator` and for the `worker`.
        more: recorded facts that have no field here.
    """

    key: str
    name: str
    result: Result
    reason: str | None = None
    started: int | None = None
    finished: int | None = None
    elapsed: float | None = None
    log: list[str] = attrs.field(factory=list)
    tasks: list[TaskFacts] = attrs.field(factory=list)
    run_id: str | None = None
    versions: dict[str, dict[str, str]] = attrs.field(factory=dict)
    more: dict[str, Any] = attrs.field(factory=dict)

    @property
    def ended(self) -> int:
        """When the step ended; for one that did not, the last instant that is known of it."""
        known = [self.started or 0, self.finished or 0]
        known += [task.finished or task.started or 0 for task in self.tasks]
        return max(known)


@attrs.frozen(kw_only=True)
class ReleaseFacts:
    """A manifest.

    Attributes:
        path: the file that it came from.
        problem: what is wrong with the file, in words; none when it is sound.
    """

    path: Path
    result: Result
    started: int | None = None
    modified: int | None = None
    problem: str | None = None
    steps: list[StepFacts] = attrs.field(factory=list)

    def step(self, wanted: str) -> StepFacts:
        """The step with this key or name.

        Raises:
            ManifestError: there is none, or several have the name.
        """
        keyed = [step for step in self.steps if step.key == wanted]
        found = keyed or [step for step in self.steps if step.name == wanted]
        if len(found) == 1:
            return found[0]
        known = ", ".join(step.key for step in self.steps) or "none"
        what = "no step" if not found else "several steps called"
        raise ManifestError(f"{self.path}: {what} {wanted!r}; it has: {known}")


def read_release(path: Path) -> ReleaseFacts:
    """What a manifest says.

    Args:
        path: the file, or the directory that it stands in.

    Raises:
        ManifestError: it cannot be read, or is not a manifest. One that does not match its own digest is read all the
            same, and its `problem` says so.
    """
    if path.is_dir():
        path = path / "manifest.json"
    problem = None
    try:
        data = path.read_bytes()
        root: Any
        try:
            root = unseal(data)
        except ManifestError as error:
            root, problem = orjson.loads(data), f"The manifest is damaged or was edited: {error}."
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ManifestError(f"{path}: not a manifest: {error}") from error
    steps = root.get("steps") if isinstance(root, dict) else None
    if not isinstance(steps, dict):
        raise ManifestError(f"{path}: not a manifest: it has no table of steps")
    return ReleaseFacts(
        path=path,
        result=_result(root.get("result")),
        started=instant(root.get("started_at")),
        modified=instant(root.get("modified_at")),
        problem=problem,
        steps=[_step(key, _table(entry)) for key, entry in steps.items()],
    )


def _step(key: str, entry: Table) -> StepFacts:
    tasks = entry.get("tasks")
    return StepFacts(
        key=key,
        name=_text(entry.get("name")) or key,
        result=_result(entry.get("result")),
        reason=_text(entry.get("failure_reason")),
        started=instant(entry.get("started_run_at")),
        finished=instant(entry.get("finished_run_at")),
        elapsed=_number(entry.get("elapsed")),
        log=_texts(entry.get("log")),
        tasks=[_task(_table(task)) for task in tasks] if isinstance(tasks, list) else [],
        run_id=_text(entry.get("run_id")),
        versions={str(side): _versions(found) for side, found in _table(entry.get("versions")).items()},
        more={name: value for name, value in entry.items() if name not in _STEP_KEYS},
    )


def _versions(found: Any) -> dict[str, str]:
    return {str(name): version for name, version in _table(found).items() if isinstance(version, str)}


def _task(entry: Table) -> TaskFacts:
    name = _text(entry.get("name")) or "(without a name)"
    words = name.split(None, 1)
    started = instant(entry.get("started_run_at"))
    finished = instant(entry.get("finished_validation_at")) or instant(entry.get("finished_run_at"))
    result, worker = _result(entry.get("result")), _whole(entry.get("worker"))
    attempts = [_attempt(place, _table(item)) for place, item in enumerate(_list(entry.get("attempts")), 1)]
    if not attempts and started is not None:  # versions that recorded the last attempt only
        attempts = [AttemptFacts(number=1, worker=worker, result=result.value, started=started, finished=finished)]
    return TaskFacts(
        name=name,
        kind=_text(entry.get("task_type")) or (words[0] if words else name),
        result=result,
        reused=entry.get("reused") is True,
        started=started,
        checked=instant(entry.get("started_validation_at")),
        finished=finished,
        elapsed=_number(entry.get("elapsed")),
        reason=_text(entry.get("failure_reason")),
        exception=_text(entry.get("exception")),
        traceback=_text(entry.get("traceback")),
        blocked_by=_text(entry.get("blocked_by")),
        parent=_text(entry.get("parent")),
        requires=_texts(entry.get("requires")),
        attempts=attempts,
        artifacts=[dict(item) for item in _list(entry.get("artifacts")) if isinstance(item, dict)],
        log=_texts(entry.get("log")),
        log_file=_text(entry.get("log_file")),
        more={key: value for key, value in entry.items() if key not in _TASK_KEYS},
    )


def _attempt(place: int, entry: Table) -> AttemptFacts:
    return AttemptFacts(
        number=_whole(entry.get("attempt")) or place,
        worker=_whole(entry.get("worker")),
        result=_text(entry.get("result")) or "unknown",
        reason=_text(entry.get("reason")),
        started=instant(entry.get("started_at")),
        finished=instant(entry.get("finished_at")),
        peak_memory=_whole(entry.get("peak_memory")),
        signal=_text(entry.get("signal")),
        exit_code=_whole(entry.get("exit_code")),
        last_output=_texts(entry.get("last_output")),
    )


def _result(value: Any) -> Result:
    return _RESULTS.get(value, Result.PENDING) if isinstance(value, str) else Result.PENDING


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]


def _table(value: Any) -> Table:
    return value if isinstance(value, dict) else {}

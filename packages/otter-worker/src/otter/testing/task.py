"""One task, run as a worker runs it, in the process and the thread of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import attrs
import orjson

from otter.config.model import Config
from otter.manifest.model import Artifact, Result, TaskManifest
from otter.pipeline.nearest import suggestion
from otter.scratchpad.model import Scratchpad
from otter.step.worker.executor import Attempt, Executor
from otter.task.model import Spec, Task
from otter.task.task_registry import RegisteredType, TaskRegistry, describe_type
from otter.task.task_reporter import TaskReporter
from otter.task.task_type import ENGINE_KEYS, SPEC_REF
from otter.util.errors import OtterError, SpecError
from otter.wire.messages import AddSpecs, RunTask


@attrs.frozen(repr=False)
class TaskOutcome:
    """What came of a task.

    Attributes:
        task: the task itself; none when it could not be built.
        manifest: its record, as a manifest would hold it.
        specs: the tasks that it generated.
        values: what it stored in the scratchpad.
        traceback: of a failure; empty without one.
    """

    task: Task | None
    manifest: TaskManifest
    specs: list[Spec]
    values: dict[str, Any]
    traceback: str

    @property
    def result(self) -> Result:
        """How it ended."""
        return self.manifest.result

    @property
    def failure_reason(self) -> str | None:
        """Type and text of what made it fail."""
        return self.manifest.failure_reason

    @property
    def artifacts(self) -> list[Artifact]:
        """What it made."""
        return self.manifest.artifacts

    def __repr__(self) -> str:
        reason = f": {self.failure_reason}" if self.failure_reason else ""
        return f"<{self.manifest.name!r} {self.result}{reason}>"


def run_task(
    spec: Spec | Mapping[str, Any],
    *,
    task: type[Task] | None = None,
    packages: Iterable[str] = (),
    work_path: Path | None = None,
    config: Config | None = None,
    scratchpad: Mapping[str, Any] | None = None,
    abort: Event | None = None,
    check: bool = True,
    lenient: bool = False,
) -> TaskOutcome:
    """Run one task: `run`, and `validate` where its class has one.

    Placeholders of the spec are replaced, the spec is made into that of its type, and what the task leaves must be
    what a manifest can hold, all as in a worker.

    Args:
        spec: what to do, as a pipeline file would say it.
        task: the class of the task; by default the first word of the name finds it among the installed packages.
        packages: task packages beside the installed ones.
        work_path: where the task writes; needed unless there is a config.
        config: the configuration that the task sees.
        scratchpad: values for placeholders.
        abort: set it to see how the task stops.
        check: raise when the task does not succeed.
        lenient: let the spec have fields that its type does not declare, as `otter run --lenient` does.

    Raises:
        AssertionError: it did not succeed, and `check` is set; with its traceback.
        SpecError: the spec has a field that its type does not declare.
        OtterError: the type of the task is unknown, or a placeholder has no value.
    """
    __tracebackhide__ = True  # of a failing test pytest shows the test and the task, and not what is in between
    table: dict[str, Any] = orjson.loads(orjson.dumps(_table(spec), default=str))
    if config is None:
        if work_path is None:
            raise TypeError("run_task needs a work_path or a config")
        config = Config(step="test", steps=["test"], work_path=work_path)
    values = dict(scratchpad or {})
    try:
        registry = _registry(config, task, table, packages)
        if not lenient:
            _refuse_unknown_fields(table, registry)
        filled = _filled(table, registry, values)
    except OtterError as error:
        raise error.with_traceback(None) from error.__cause__  # it is about the spec: where it was found is no matter
    sent: list[AddSpecs] = []
    executor = Executor(registry, config.resolved(), sent.append)
    executor.store(values)
    request = RunTask(0, 1, filled)
    attempt = executor.prepare(request, abort if abort is not None else Event())
    _run_phases(attempt)
    result = executor.answer(attempt, abort is not None and abort.is_set())
    outcome = TaskOutcome(
        task=attempt.task,
        manifest=TaskManifest.model_validate({"name": table["name"], **result.record}),
        specs=[Spec(**generated) for page in sent for generated in page.specs],
        values=result.values or {},
        traceback=result.traceback or "",
    )
    if check and outcome.result is not Result.SUCCESS:
        raise AssertionError(f"{outcome!r}\n{outcome.traceback}")
    return outcome


def _table(spec: Spec | Mapping[str, Any]) -> dict[str, Any]:
    return spec.model_dump() if isinstance(spec, Spec) else dict(spec)


class _OnlyType(TaskRegistry):
    """A registry that knows one class, whatever module it is defined in."""

    def __init__(self, config: Config, kind: RegisteredType) -> None:
        super().__init__(config)
        self._only = kind

    def find(self, name: str) -> RegisteredType:
        return self._only


def _registry(config: Config, task: type[Task] | None, table: dict[str, Any], packages: Iterable[str]) -> TaskRegistry:
    if task is None:
        registry = TaskRegistry(config)
        registry.register_entry_points()
        for package in packages:
            registry.register(package)
        return registry
    import sys

    spec = getattr(sys.modules[task.__module__], f"{task.__name__}Spec", Spec)
    return _OnlyType(config, RegisteredType(Spec(**table).task_type, task, spec))


def _refuse_unknown_fields(table: dict[str, Any], registry: TaskRegistry) -> None:
    """As `otter check` does it: a slip in the name of a field that may be left out would show nowhere."""
    kind = describe_type(registry.find(Spec(**table).task_type))
    fields = [field.name for field in kind.fields]
    unknown = [] if kind.open else [name for name in table if name not in (*fields, *ENGINE_KEYS, "task_type")]
    if not unknown:
        return
    has = f"it has {', '.join(fields)}" if fields else "it has no fields of its own"
    problems = tuple(
        (name, f"{kind.name} has no field {name!r}; {suggestion(name, [*fields, *ENGINE_KEYS], has)}")
        for name in unknown
    )
    said = "\n    ".join(text for _, text in problems)
    raise SpecError(f"{table['name']!r}: {said}", problems=problems)


def _filled(table: dict[str, Any], registry: TaskRegistry, values: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with its placeholders replaced, as the coordinator sends it: templates are left to their generator."""
    kind = describe_type(registry.find(Spec(**table).task_type))
    templates = {field.name for field in kind.fields if SPEC_REF in str(field.schema)}
    ignore = bool(table.get("scratchpad_ignore_missing")) or kind.ignores_missing
    kept = {key: value for key, value in table.items() if key in templates}
    rest = {key: value for key, value in table.items() if key not in templates}
    return {**Scratchpad(values).replace(rest, ignore_missing=ignore), **kept}


def _run_phases(attempt: Attempt) -> None:
    """`run` and `validate`; coroutines share one event loop, plain methods run outside of it."""
    reporter = attempt.reporter
    assert reporter is not None, "a prepared attempt has someone who reports"
    with asyncio.Runner() as runner:
        for method, asynchronous in attempt.phases:
            try:
                if asynchronous:
                    runner.run(method(attempt.task))
                else:
                    _drive(method(attempt.task))
            except asyncio.CancelledError as error:
                reporter.fail(error)
            if not _succeeded(reporter):
                return


def _drive(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that wraps a plain method: it never suspends."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise OtterError("a plain run or validate returned an awaitable that waits: make the method a coroutine")


def _succeeded(reporter: TaskReporter) -> bool:
    return reporter.manifest.result is Result.SUCCESS

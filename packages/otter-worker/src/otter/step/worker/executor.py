"""`Executor`: message in, message out. Builds a task from a request, knows its phases, and makes the answer.

How the phases are driven, on a loop or not, is the worker's business; nothing here waits, forks or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from otter.config.model import Config
from otter.manifest.model import Result
from otter.scratchpad.model import Scratchpad
from otter.step.worker.artifact_files import file_facts
from otter.task.model import Spec, State, Task, TaskContext
from otter.task.task_registry import TaskRegistry
from otter.task.task_reporter import TaskReporter, is_asynchronous, report
from otter.util.errors import OtterError, SpecError, TaskBuildError, failure_text
from otter.util.record import Record
from otter.util.values import Shown
from otter.wire.errors import UnrepresentableError
from otter.wire.messages import AddSpecs, ReportResult, RunTask
from otter.wire.values import MAX_DEPTH, exact

PAGE = 500
"""Specs in a message: a generator of a million tasks must not need one message of 150 MB."""

# Members of enumerations are looked up by code of Python's own, up to its version 3.11.
_RUNNING, _DONE = State.RUNNING, State.DONE
_SUCCESS, _FAILURE = Result.SUCCESS, Result.FAILURE

Send = Callable[[Any], None]
Phase = tuple[Callable[[Any], Any], bool]
"""A reported method and whether it is a coroutine function of its author's."""

_PLAIN = frozenset(
    {"name", "result", "elapsed", "failure_reason", "started_run_at", "finished_run_at", "run_elapsed",
     "started_validation_at", "finished_validation_at", "validation_elapsed"}
)  # fmt: skip
"""Fields of a task's record that the reporter writes itself, in forms that JSON has."""


class _Recorded(dict[str, Any]):
    """The values of a scratchpad, which remembers what a task put there."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.changed: dict[str, None] = {}

    def __setitem__(self, key: str, value: Any) -> None:
        self.changed[key] = None
        super().__setitem__(key, value)

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **values: Any) -> None:
        for key, value in dict(*args, **values).items():
            self[key] = value

    def __ior__(self, values: Any) -> _Recorded:  # type: ignore[override, misc]  # as a dictionary does it
        self.update(values)
        return self


@attrs.define(eq=False, repr=False)
class Attempt(Shown):
    """One attempt while it runs.

    Attributes:
        task: the task; none when it could not be built.
        reporter: the task, or what records the failure to build it; none until `prepare` has ended.
        pages: how many pages of specs it has sent.
    """

    request: RunTask
    context: TaskContext
    reporter: TaskReporter | None = None
    task: Task | None = None
    phases: tuple[Phase, ...] = ()
    pages: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether nothing has failed until now."""
        return self.reporter is not None and self.reporter.manifest.result is _SUCCESS

    def fail(self, error: BaseException) -> None:
        """Record an exception that the task let out."""
        if self.reporter is None:
            return
        try:
            self.reporter.fail(error)
        except Exception:  # noqa: BLE001 - the task took apart what it is recorded in, or its constructor never made it
            self.reporter = _stand_in(self.request)
            self.reporter.fail(error)


class Executor:
    """Builds tasks and answers for them.

    Args:
        registry: the task types.
        config: given to every task.
        send: takes the messages that a task causes while it runs.
    """

    def __init__(self, registry: TaskRegistry, config: Config, send: Send) -> None:
        self.registry = registry
        self.config = config
        self.values: dict[str, Any] = {}
        self._send = send
        self._phases: dict[type[Task], tuple[Phase, ...]] = {}
        self._asynchronous: dict[str, bool] = {}

    def store(self, values: dict[str, Any]) -> None:
        """Values that other tasks made; those that are known already stay."""
        self.values = {**values, **self.values}

    def is_asynchronous(self, request: RunTask) -> bool:
        """Whether the task of a request runs on the event loop, beside others."""
        try:
            name = _type_of(request.spec)
            known = self._asynchronous.get(name)
            if known is None:
                known = self._asynchronous[name] = is_asynchronous(self.registry.find(name).task.run)
        except (OtterError, AttributeError, TypeError, IndexError, KeyError):
            return False  # building it will say what is wrong
        return known

    def prepare(self, request: RunTask, abort: Any) -> Attempt:
        """Build the task of a request. Whatever goes wrong becomes the attempt's failure."""
        context = TaskContext(config=self.config, scratchpad=Scratchpad(), abort=abort, state=_RUNNING)
        context.scratchpad.sentinel_dict = _Recorded(self.values)
        if request.from_tasks:
            context.from_tasks = frozenset(request.from_tasks)
        attempt = Attempt(request, context)
        context.publish = lambda specs: self._publish(attempt, specs)
        try:
            if not isinstance(request.spec, dict):
                raise TaskBuildError("a spec must be a table")
            kind = self.registry.find(_type_of(request.spec))
            spec = kind.spec(**request.spec)
            if spec.task_type != kind.name:  # a spec may choose another type for itself
                kind = self.registry.find(spec.task_type)
            attempt.task = attempt.reporter = kind.task(spec, context)
            attempt.phases = self._phases_of(type(attempt.task))
        except BaseException as error:  # noqa: BLE001 - a constructor may raise anything, SystemExit included
            attempt.reporter = _stand_in(request)
            attempt.reporter.fail(_explained(error))
        return attempt

    def answer(self, attempt: Attempt, aborted: bool, peak_memory: int | None = None) -> ReportResult:
        """The result of an attempt whose phases have ended.

        Args:
            attempt: the attempt.
            aborted: it had been asked to stop, so that an exception is no failure of its own.
        """
        reporter = attempt.reporter
        assert reporter is not None, "an attempt is answered for after it was prepared"
        attempt.context.state = _DONE
        values: dict[str, Any] | None = None
        try:
            if attempt.context.specs:
                self._publish(attempt, attempt.context.specs)
            pad = attempt.context.scratchpad.sentinel_dict
            changed = pad.changed if isinstance(pad, _Recorded) else pad
            if changed:
                values = {key: exact(pad[key], f"$.scratchpad.{key}") for key in changed if key in pad}
            record = _record(reporter)
            if "artifacts" in record:
                self._add_file_facts(record["artifacts"])
        except UnrepresentableError as error:
            values = None
            record = _failed_record(reporter, f"result not representable: {error}")
            reporter.failure = type(error).__name__, ""
        except Exception as error:  # noqa: BLE001 - a task may have put anything where its record is made of
            values = None
            record = _failed_record(reporter, f"result cannot be recorded: {failure_text(error)}")
            reporter.failure = type(error).__name__, ""
        finally:
            attempt.context.publish = None  # it refers to the attempt: a cycle would keep the task's files open
        if aborted and record["result"] == _FAILURE:
            record["result"] = Result.ABORTED
        failure, traceback = reporter.failure or (None, None)
        return ReportResult(
            task=attempt.request.task, attempt=attempt.request.attempt, record=record, values=values or None,
            failure=failure, traceback=traceback, peak_memory=peak_memory, pages=attempt.pages,
        )  # fmt: skip

    def check(self, specs: Iterable[Any]) -> list[list[Any]]:
        """What is wrong with specs that only their own classes can tell: rows of place, path and sentence."""
        problems: list[list[Any]] = []
        for place, table in enumerate(specs):
            try:
                if not isinstance(table, dict):
                    raise TaskBuildError("a spec must be a table")
                self._typed(table)
            except SpecError as error:
                problems += [[place, path, text] for path, text in error.problems or (("", str(error)),)]
            except Exception as error:  # noqa: BLE001 - a model_post_init may raise anything
                problems.append([place, "", failure_text(error)])
        return problems

    def _add_file_facts(self, artifacts: list[dict[str, Any]]) -> None:
        for artifact in artifacts:
            facts = file_facts(artifact, self.config)
            if facts:
                artifact["files"] = facts

    def _typed(self, table: dict[str, Any]) -> Spec:
        kind = self.registry.find(_type_of(table))
        return kind.spec(**table)

    def _phases_of(self, cls: type[Task]) -> tuple[Phase, ...]:
        phases = self._phases.get(cls)
        if phases is None:
            methods = [cls.run] if cls.validate is Task.validate else [cls.run, cls.validate]
            phases = tuple((_reported(method), is_asynchronous(method)) for method in methods)
            self._phases[cls] = phases
        return phases

    def _publish(self, attempt: Attempt, specs: Iterable[Spec]) -> None:
        request = attempt.request
        page: list[Any] = []
        for spec in specs:
            page.append(_dumped(spec, f"$.specs[{spec.name!r}]"))
            if len(page) == PAGE:
                self._send(AddSpecs(request.task, request.attempt, page))
                attempt.pages += 1
                page = []
        if page:
            self._send(AddSpecs(request.task, request.attempt, page))
            attempt.pages += 1


def _stand_in(request: RunTask) -> TaskReporter:
    """What records the failure of a task that cannot do so itself."""
    reporter = TaskReporter(str(request.spec.get("name", "?")) if isinstance(request.spec, dict) else "?")
    reporter.start_run()
    return reporter


def _type_of(table: dict[str, Any]) -> str:
    chosen = table.get("task_type")
    if chosen is not None:
        return str(chosen)
    words = str(table.get("name", "")).split(None, 1)
    if not words:
        raise TaskBuildError("a spec needs a name: a task type and a description")
    return words[0]


def _reported(method: Callable[..., Any]) -> Callable[[Any], Any]:
    return method if hasattr(method, "otter_method") else report(method)


def _explained(error: BaseException) -> BaseException:
    """An error of the engine's own as it is; anything else as the failure of a constructor, with its cause."""
    if isinstance(error, OtterError):
        return error
    explained = TaskBuildError(f"the constructor failed with {failure_text(error)}")
    explained.__cause__ = error
    return explained


def _record(reporter: TaskReporter) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field, value in reporter.manifest.__dict__.items():
        if value is None or field[0] == "_" or (not value and isinstance(value, list)):
            continue
        if field in _PLAIN:
            record[field] = value
        elif field == "artifacts":
            record[field] = [_dumped(item, f"$.artifacts[{place}]") for place, item in enumerate(value)]
        elif field == "log":
            record[field] = _lines(value)
        else:
            record[field] = exact(value, f"$.{field}")
    return record


def _lines(log: Any) -> list[str]:
    """What a task itself wrote into the log of its record."""
    for place, line in enumerate(log):
        if not isinstance(line, str):
            raise UnrepresentableError(f"$.log[{place}]", f"a {type(line).__name__} is no line of text")
    return list(map(str, log))


def _dumped(item: Record, path: str) -> Any:
    try:
        return exact(item.model_dump(), path)
    except RecursionError:  # a value that contains itself
        raise UnrepresentableError(path, f"values are nested more than {MAX_DEPTH} deep") from None


def _failed_record(reporter: TaskReporter, reason: str) -> dict[str, Any]:
    record = {
        field: value for field, value in reporter.manifest.__dict__.items() if field in _PLAIN and value is not None
    }
    record["result"] = Result.FAILURE
    record["failure_reason"] = reason
    return record

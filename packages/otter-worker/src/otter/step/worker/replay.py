"""`otter-worker replay`: one recorded attempt, made again in this process, for a person who wants to see it happen.

A request is a JSON file that `otter replay` writes from a run's journal: the spec as it was sent, the configuration and
the scratchpad. It names no code; which task packages are imported, the command line says. The task is built and run as
a worker does it, but what it logs and prints goes to the terminal, and nobody records the outcome.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import attrs
import orjson

from otter.config.model import Config
from otter.manifest.model import Result
from otter.scratchpad.model import Scratchpad
from otter.step.worker.capture import LEVELS
from otter.step.worker.executor import Attempt, Executor
from otter.task.model import Spec, State, Task, TaskContext
from otter.task.task_registry import TaskRegistry
from otter.task.task_reporter import TaskReporter, is_asynchronous, report
from otter.util.convert import MisfitError
from otter.util.errors import ConfigError, OtterError, TaskBuildError, failure_text
from otter.wire.messages import AddSpecs, ReportResult, RunTask

FORMAT = "otter-replay/1"
"""What a request says that it is; another number means another form."""
SUCCEEDED, FAILED, NO_TASK_PACKAGE, BAD_REQUEST = 0, 1, 2, 22

Say = Callable[[str], None]
Debug = Callable[[BaseException], None]


@attrs.frozen(kw_only=True)
class Request:
    """An attempt to make again.

    Attributes:
        spec: with placeholders replaced.
        attempt: its number.
        values: the scratchpad.
    """

    spec: dict[str, Any]
    attempt: int
    config: Config
    values: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the task."""
        return str(self.spec.get("name", "?"))


def read_request(path: Path) -> Request:
    """The request in a file.

    Raises:
        ConfigError: it cannot be read, or is of another form.
    """
    try:
        table = orjson.loads(path.read_bytes())
        if not isinstance(table, dict) or table.get("format") != FORMAT:
            raise ConfigError(f"{path}: not a request of the form {FORMAT}")
        spec, values = table["spec"], table["values"]
        if not isinstance(spec, dict) or not isinstance(values, dict):
            raise ConfigError(f"{path}: spec and values must be tables")
        config = Config.from_json(table["config"])
        return Request(spec=spec, attempt=int(table["attempt"]), config=config, values=values)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, LookupError, AttributeError, MisfitError) as error:
        raise ConfigError(f"{path}: not a request: {failure_text(error)}") from error


def replay(path: Path, packages: Sequence[str] = (), *, debug: bool = False) -> int:
    """Make an attempt again.

    Args:
        path: of the request.
        packages: task packages beside the installed ones.
        debug: where the task raises, stop in the debugger.

    Returns:
        The exit code: 0 if it succeeded, 1 if it failed, 2 if a task package is missing, 22 if the request is unusable.
    """
    try:
        request = read_request(path)
    except ConfigError as error:
        _say(f"error: {error}")
        return BAD_REQUEST
    registry = TaskRegistry(request.config)
    try:
        registry.register_entry_points()
        for package in packages:
            registry.register(package)
    except OtterError as error:
        _say(f"error: {error}")
        return NO_TASK_PACKAGE
    _log_to_terminal(request.config.log_level)
    _say(
        f"running {request.name!r} for real, attempt {request.attempt} once more: what it writes, sends or deletes, it"
    )
    _say("writes, sends or deletes now. Neither journal nor manifest will know of it.")
    began = time.monotonic()
    result, pages = run_request(request, registry, _post_mortem if debug else None)
    _tell(request, result, pages, time.monotonic() - began)
    return SUCCEEDED if result.record["result"] == Result.SUCCESS else FAILED


def run_request(
    request: Request, registry: TaskRegistry, debug: Debug | None = None
) -> tuple[ReportResult, list[AddSpecs]]:
    """Build and run the task, as a worker does it.

    Args:
        request: the attempt.
        registry: knows its type.
        debug: called with what the task raises, while its frames are alive.

    Returns:
        What a worker would answer, and the pages of specs that would have gone before.
    """
    pages: list[AddSpecs] = []
    executor = Executor(registry, request.config, pages.append)
    context = TaskContext(
        config=request.config, scratchpad=Scratchpad(request.values), abort=Event(), state=State.RUNNING
    )
    attempt = Attempt(RunTask(0, request.attempt, request.spec), context)
    _build(attempt, registry, debug)
    if attempt.task is not None:
        if debug is not None:
            _watch(attempt.task, debug)
        _run_phases(attempt)
    answer = executor.answer(attempt, aborted=False)
    stored = {key: value for key, value in (answer.values or {}).items() if request.values.get(key, pages) != value}
    return attrs.evolve(answer, values=stored or None), pages


def _build(attempt: Attempt, registry: TaskRegistry, debug: Debug | None) -> None:
    spec = attempt.request.spec
    try:
        kind = registry.find(Spec(**spec).task_type)
        attempt.task = attempt.reporter = kind.task(kind.spec(**spec), attempt.context)
    except BaseException as error:  # noqa: BLE001 - a constructor may raise anything, SystemExit included
        if debug is not None and not isinstance(error, OtterError):
            debug(error)
        if not isinstance(error, OtterError):
            explained = TaskBuildError(f"the constructor failed with {failure_text(error)}")
            explained.__cause__ = error
            error = explained
        attempt.reporter = TaskReporter(str(spec.get("name", "?")))
        attempt.reporter.start_run()
        attempt.reporter.fail(error)


def _watch(reporter: TaskReporter, debug: Debug) -> None:
    """Call the debugger before a failure is recorded, because recording it lets go of its frames."""
    record = reporter.fail

    def fail(error: BaseException, phase: str = "run") -> None:
        debug(error)
        record(error, phase)

    reporter.fail = fail  # type: ignore[method-assign]  # of this one object


def _run_phases(attempt: Attempt) -> None:
    task = attempt.task
    assert task is not None, "it was built"
    cls = type(task)
    methods = [cls.run] if cls.validate is Task.validate else [cls.run, cls.validate]
    with asyncio.Runner() as runner:
        for method in methods:
            reported = method if hasattr(method, "otter_method") else report(method)
            try:
                if is_asynchronous(method):
                    runner.run(reported(task))
                else:
                    _drive(reported(task))
            except (asyncio.CancelledError, KeyboardInterrupt) as error:
                task.fail(error)
            if task.manifest.result is not Result.SUCCESS:
                return


def _drive(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that wraps a plain method: it never suspends, and its method may use an event loop of its own."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise TypeError("a plain run or validate returned an awaitable that waits: make the method a coroutine (async def)")


def _post_mortem(error: BaseException) -> None:
    import pdb
    import traceback

    traceback.print_exception(error)
    if error.__traceback__ is not None:
        pdb.post_mortem(error.__traceback__)


def _log_to_terminal(level: str) -> None:
    for name, number in LEVELS.items():
        logging.addLevelName(number, name)
    number = LEVELS.get(level) or logging.getLevelNamesMapping().get(level, logging.INFO)
    logging.basicConfig(level=number, stream=sys.stderr, format="%(levelname)-8s %(name)s: %(message)s", force=True)


def _tell(request: Request, result: ReportResult, pages: list[AddSpecs], elapsed: float) -> None:
    record = result.record
    if result.traceback:
        sys.stderr.write(result.traceback)
    reason = f": {record['failure_reason']}" if record.get("failure_reason") else ""
    _say(f"{request.name}: {record['result']} in {elapsed:.2f}s{reason}")
    for artifact in record.get("artifacts", []):
        _say(f"artifact: {_listed(artifact.get('source'))} -> {_listed(artifact.get('destination'))}")
    if pages:
        _say(f"it generated {sum(len(page.specs) for page in pages)} tasks, which are not run")
    for key, value in (result.values or {}).items():
        _say(f"it stored {key} = {value!r}, which no other task sees")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _say(text: str) -> None:
    sys.stderr.write(f"otter-worker: {text}\n")
    sys.stderr.flush()

"""The tables of a pipeline file outside its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from otter.config.model import LOG_LEVELS, MAX_POOL_SIZE, directory_of
from otter.pipeline.fields import policy_findings
from otter.pipeline.kinds import subpath
from otter.pipeline.limits import MAX_VALUES
from otter.pipeline.nearest import suggestion
from otter.pipeline.problem import Finding, Path
from otter.pipeline.values import inexact, size_of, texts
from otter.scratchpad.model import placeholders
from otter.task.policy import Policy
from otter.util.convert import MisfitError, converter_for, describe_value
from otter.util.errors import ConfigError
from otter.util.units import format_size, parse_duration, parse_size
from otter.util.values import Value

SETTINGS = ("work_path", "release_uri", "pool_size", "log_level", "grace", "max_specs")
TABLES = ("scratchpad", "defaults", "pools", "workers", "steps")
NAMES_OF_CODE = frozenset({"tasks", "task_packages", "packages", "import", "imports", "modules", "plugins"})
"""Keys by which a file might try to name code. It never does: whoever may write a TOML file could run anything."""

DEFAULT_CONCURRENCY = 16
DEFAULT_GRACE = 10.0
DEFAULT_START_TIMEOUT = 30.0
MAX_STEP_NAME = 200
MAX_POOL = 10**9


@attrs.frozen(eq=False, repr=False)
class Workers(Value):
    """How workers run.

    Attributes:
        python: interpreter of their environment; none for the coordinator's own.
        memory: bytes that one worker may have; none for no limit.
        concurrency: tasks with coroutines that one worker runs at a time.
        env: names of the environment variables that workers inherit; none for all.
        start_timeout: seconds that a worker may take until it answers.
        grace: seconds between the wish that a task stop and its end by force.
    """

    python: str | None = None
    memory: int | None = None
    concurrency: int = DEFAULT_CONCURRENCY
    env: tuple[str, ...] | None = None
    start_timeout: float = DEFAULT_START_TIMEOUT
    grace: float = DEFAULT_GRACE


@attrs.define(eq=False, repr=False)
class Structure(Value):
    """The parts of a file, and what is wrong with them."""

    settings: dict[str, Any] = attrs.field(factory=dict)
    scratchpad: dict[str, Any] = attrs.field(factory=dict)
    defaults: Policy = attrs.field(factory=Policy)
    pools: dict[str, int] = attrs.field(factory=dict)
    workers: Workers = attrs.field(factory=Workers)
    steps: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)
    findings: list[Finding] = attrs.field(factory=list)


Read = Callable[[Any], Any]


def _text(value: Any) -> str:
    text = str(converter_for(str)(value))
    if not text.strip():
        raise MisfitError([("", "expected text, got none")])
    return text


def _release(value: Any) -> str:
    text = _text(value)
    try:
        directory_of(text)
    except ConfigError as error:
        raise MisfitError([("", str(error))]) from error
    return text


def _integer(low: int, high: int) -> Read:
    def read(value: Any) -> int:
        number: int = converter_for(int)(value)
        if not low <= number <= high:
            raise MisfitError([("", f"expected {low} to {high:,}, got {number}")])
        return number

    return read


def _level(value: Any) -> str:
    level = _text(value).upper()
    if level not in LOG_LEVELS:
        raise MisfitError([("", f"expected one of {', '.join(LOG_LEVELS)}, got {value!r}")])
    return level


def _with_unit(parse: Callable[[Any], Any], expected: str) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, str | int | float):
            raise MisfitError([("", f"expected {expected}, got {describe_value(value)}")])
        try:
            return parse(value)
        except ValueError as error:
            raise MisfitError([("", str(error))]) from error

    return read


_duration = _with_unit(parse_duration, "a duration")
_READERS: dict[str, Read] = {
    "work_path": _text,
    "release_uri": _release,
    "pool_size": _integer(1, MAX_POOL_SIZE),
    "log_level": _level,
    "grace": _duration,
    "max_specs": _integer(1, 10**9),
}
_WORKER_READERS: dict[str, Read] = {
    "python": _text,
    "memory": _with_unit(parse_size, "a size"),
    "concurrency": _integer(1, 10_000),
    "env": lambda value: tuple(converter_for(list[str])(value)),
    "start_timeout": _duration,
}


def read_structure(value: dict[str, Any]) -> Structure:
    """The parts of a file from its tables."""
    structure = Structure()
    report = structure.findings.append
    for key in value:
        if key not in SETTINGS and key not in TABLES:
            report(_unknown_key(key))
    structure.settings = dict(_read_table(value, (), {key: _READERS[key] for key in SETTINGS}, report))
    table = _table(value, "scratchpad", report)
    structure.scratchpad = table
    for finding in _scratchpad_findings(table):
        report(finding)
    structure.pools = dict(_read_pools(_table(value, "pools", report), report))
    structure.workers = _read_workers(_table(value, "workers", report), structure.settings, report)
    structure.defaults = _read_defaults(_table(value, "defaults", report), structure.pools, report)
    structure.steps = _read_steps(value, report)
    return structure


Report = Callable[[Finding], None]


def _unknown_key(key: str) -> Finding:
    if key in NAMES_OF_CODE:
        hint = "name packages of task types where the run is started: --tasks PACKAGE"
        return Finding("names-code", "a pipeline file names no code to import", (key,), hint=hint, part="key")
    known = [*SETTINGS, *TABLES]
    return Finding(
        "unknown-key",
        f"unknown key {key!r}",
        (key,),
        hint=suggestion(key, known, f"a file has {', '.join(known)}"),
        part="key",
    )


def _table(value: dict[str, Any], key: str, report: Report) -> dict[str, Any]:
    table = value.get(key, {})
    if isinstance(table, dict):
        return table
    report(Finding("wrong-type", f"expected a table, got {describe_value(table)}", (key,), hint=f"write [{key}]"))
    return {}


def _read_table(
    table: dict[str, Any], path: Path, readers: dict[str, Read], report: Report
) -> Iterator[tuple[str, Any]]:
    for key, read in readers.items():
        if key in table:
            if found := list(inexact(table[key])):
                for below, message in found:
                    report(Finding("not-exact", message, (*path, key, *below)))
                continue
            try:
                yield key, read(table[key])
            except MisfitError as error:
                for where, message in error.problems:
                    report(Finding("wrong-type", message, (*path, key, *subpath(table[key], where))))


def _scratchpad_findings(table: dict[str, Any]) -> Iterator[Finding]:
    for below, message in inexact(table):
        yield Finding("not-exact", message, ("scratchpad", *below))
    size = size_of(table)
    if size > MAX_VALUES:
        message = f"its values have {format_size(size)}; workers take {format_size(MAX_VALUES)} at most"
        yield Finding("too-large", message, ("scratchpad",), hint="what is larger belongs into a file")
    for below, text in texts(table):
        if names := placeholders(text):
            yield Finding(
                "scratchpad-placeholder",
                f"${{{names[0]}}} is not replaced here: values are put in once, and not read again",
                ("scratchpad", *below),
                severity="warning",
                text=f"${{{names[0]}}}",
            )


def _read_pools(table: dict[str, Any], report: Report) -> Iterator[tuple[str, int]]:
    read = _integer(1, MAX_POOL)
    return _read_table(table, ("pools",), dict.fromkeys(table, read), report)


def _read_workers(table: dict[str, Any], settings: dict[str, Any], report: Report) -> Workers:
    for key in table:
        if key not in _WORKER_READERS:
            hint = suggestion(key, _WORKER_READERS, f"workers have {', '.join(_WORKER_READERS)}")
            report(Finding("unknown-key", f"unknown key {key!r}", ("workers", key), hint=hint, part="key"))
    values = dict(_read_table(table, ("workers",), _WORKER_READERS, report))
    return Workers(**values, grace=settings.get("grace", DEFAULT_GRACE))


def _read_defaults(table: dict[str, Any], pools: dict[str, int], report: Report) -> Policy:
    for key in table:
        if key != "policy":
            hint = "write [defaults.policy], or defaults.policy = { … }"
            report(Finding("unknown-key", f"unknown key {key!r}", ("defaults", key), hint=hint, part="key"))
    if "policy" not in table:
        return Policy()
    path: Path = ("defaults", "policy")
    findings = list(policy_findings(table["policy"], path, Policy(), pools))
    for finding in findings:
        report(finding)
    return Policy() if findings else Policy.from_table(table["policy"])


def _read_steps(value: dict[str, Any], report: Report) -> dict[str, list[dict[str, Any]]]:
    steps = value.get("steps")
    if steps is None or steps == {}:
        at: Path = ("steps",) if steps is not None else ()
        report(Finding("no-steps", "the file has no steps", at, hint="write [[steps.NAME]] before each task"))
        return {}
    if not isinstance(steps, dict):
        message = f"expected a table, got {describe_value(steps)}"
        report(Finding("step-type", message, ("steps",), hint="write [[steps.NAME]] before each task"))
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, specs in steps.items():
        path: Path = ("steps", name)
        if reason := _bad_step_name(name):
            report(Finding("step-name", reason, path, part="key"))
        if isinstance(specs, dict):
            message = "a step is an array of tables, got a single one"
            hint = f"write [[{'.'.join(map(str, path))}]] with double brackets"
            report(Finding("step-type", message, path, hint=hint, part="key"))
        elif not isinstance(specs, list):
            report(Finding("step-type", f"expected an array of tables, got {describe_value(specs)}", path))
        else:
            for index, spec in enumerate(specs):
                if not isinstance(spec, dict):
                    message = f"a task is a table, got {describe_value(spec)}"
                    report(Finding("task-type", message, (*path, index)))
            found[name] = specs
    return found


def _bad_step_name(name: str) -> str | None:
    """Why a name cannot be that of a step: it becomes the name of a directory and a key of the manifest."""
    if not name.strip():
        return "a step needs a name"
    if "/" in name or "\\" in name or name.startswith(".") or not name.isprintable():
        return f"the step name {name!r} cannot be the name of a directory"
    if len(name.encode()) > MAX_STEP_NAME:
        return f"the step name is longer than {MAX_STEP_NAME} bytes"
    return None

"""The task types at hand, without importing any of them here: a worker's environment describes itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from otter.task.task_type import TaskType
from otter.util.errors import ConfigError, OtterError

WORKER_MODULE = "otter.step.worker"


class TaskPackageError(OtterError):
    """A task package is missing or cannot be imported; or the environment has no otter-worker."""


def published_types(
    tasks: Sequence[str] = (), python: str | None = None, types_file: Path | None = None
) -> dict[str, TaskType]:
    """Task types by name, with their documentation.

    Args:
        tasks: task packages beside those that entry points name.
        python: interpreter of the environment to ask; none for this one.
        types_file: what `otter-worker describe` printed elsewhere; nothing is started then.

    Raises:
        TaskPackageError: a package is missing or cannot be imported.
        ConfigError: the file cannot be read or is of another kind.
    """
    if types_file is not None:
        return _from_file(types_file)
    return _read(describe(tasks, python), "the worker's description of its task types")


def describe(tasks: Sequence[str] = (), python: str | None = None) -> bytes:
    """What `otter-worker describe` prints in an environment.

    Raises:
        TaskPackageError: it failed; its message is carried over.
    """
    return ask_environment(WORKER_MODULE, ["describe", *(f"--tasks={package}" for package in tasks)], python)


def ask_environment(module: str, arguments: Sequence[str], python: str | None, data: bytes = b"") -> bytes:
    """What a module of otter-worker prints in the environment of the workers.

    Args:
        module: run as a program.
        arguments: of that program.
        python: interpreter of the environment; none for this one, which then finds what this process can import.
        data: its standard input.

    Raises:
        TaskPackageError: it failed; its message is carried over.
        ConfigError: there is no such interpreter.
    """
    command = [python or sys.executable, "-P", "-m", module, *arguments]
    environ = dict(os.environ)
    if python is None:
        environ["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        done = subprocess.run(command, capture_output=True, input=data, env=environ, check=False)
    except OSError as error:
        raise ConfigError(
            f"the interpreter for workers, {command[0]}: it cannot be started: {error.strerror}"
        ) from error
    if done.returncode:
        text = done.stderr.decode("utf-8", "replace").strip()
        if f"No module named {module}" in text or "No module named otter" in text:
            text = f"{command[0]} has no otter-worker: install it there, or describe the task types with --types"
        raise TaskPackageError(text.splitlines()[-1].removeprefix("otter-worker: ") if text else "no task types")
    return done.stdout


def _from_file(path: Path) -> dict[str, TaskType]:
    try:
        return _read(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _read(data: bytes, where: str) -> dict[str, TaskType]:
    try:
        tables = orjson.loads(data)["task_types"]
        return {table["name"]: TaskType.from_json(table) for table in tables}
    except (ValueError, TypeError, LookupError) as error:
        raise ConfigError(f"{where}: not a description of task types: {error}") from error

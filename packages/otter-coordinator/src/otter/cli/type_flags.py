"""The flags by which several verbs say where task types come from."""

from __future__ import annotations

import argparse
from pathlib import Path

from otter.core.types import published_types
from otter.task.task_type import TaskType


def add_type_flags(parser: argparse.ArgumentParser) -> None:
    """`--tasks`, `--types` and `--worker-python`."""
    parser.add_argument(
        "--tasks", action="append", default=[], metavar="PACKAGE", help="a task package beside the installed ones"
    )
    parser.add_argument(
        "--types", type=Path, metavar="FILE.json", help="task types as `otter-worker describe` printed them elsewhere"
    )
    parser.add_argument("--worker-python", metavar="PYTHON", help="interpreter of the environment for workers")


def task_types(args: argparse.Namespace, python: str | None = None) -> dict[str, TaskType]:
    """The task types that the flags choose, with their documentation.

    Args:
        args: what `add_type_flags` added.
        python: interpreter to ask where no flag names one.

    Raises:
        TaskPackageError: a package is missing or cannot be imported.
        ConfigError: the file cannot be read or is of another kind.
    """
    return published_types(args.tasks, args.worker_python or python, args.types)

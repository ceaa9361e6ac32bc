"""The flags by which verbs say which runs of which work directory they are about."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from otter.config.model import DEFAULT_WORK_PATH
from otter.inspection import RunView, find_runs
from otter.step.coordinator.run_directory import STATE_DIRECTORY


def add_work_path_flags(parser: argparse.ArgumentParser) -> None:
    """The work directory, and the steps in it."""
    parser.add_argument(
        "-w", "--work-path", type=Path, metavar="DIR",
        help="the work directory (default: $OTTER_WORK_PATH, or this directory if steps ran in it, or ./work)",
    )  # fmt: skip
    parser.add_argument(
        "-s", "--step", action="append", default=[], metavar="STEP", help="a step, by key or name; by default all"
    )


def chosen_runs(args: argparse.Namespace, environ: Mapping[str, str]) -> list[RunView]:
    """The last runs of the steps that the flags choose.

    Raises:
        ConfigError: nothing ever ran there.
    """
    return find_runs(_work_path(args.work_path, environ), args.step)


def _work_path(named: Path | None, environ: Mapping[str, str]) -> Path:
    if named is not None:
        return named
    if variable := environ.get("OTTER_WORK_PATH"):
        return Path(variable).expanduser()
    return Path() if Path(STATE_DIRECTORY).is_dir() else DEFAULT_WORK_PATH

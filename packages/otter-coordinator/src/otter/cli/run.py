"""`otter run`: run a step. What it takes to do so is loaded while the first worker loads; see `_head_start`."""

from __future__ import annotations

import argparse
import os
import stat

from otter.core.flags import LENIENT, add_run_flags
from otter.step.coordinator.head_start import HeadStart

GLANCED_AT = 64 * 1024
"""Bytes of a pipeline file that are looked at before it is read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("file", metavar="FILE", nargs="?", help="the pipeline file")
    parser.add_argument("-c", "--config-path", metavar="FILE", help="the pipeline file, as applications name it")
    add_run_flags(parser)
    parser.add_argument(
        "--tasks", action="append", default=[], metavar="PACKAGE", help="a task package beside the installed ones"
    )
    parser.add_argument("--worker-python", metavar="PYTHON", help="interpreter of the environment for workers")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a scratchpad value")
    parser.add_argument("--retries", metavar="N", help="attempts after a failure, for tasks that say nothing else")
    parser.add_argument("--keep-going", action="store_true", help="run all that does not depend on a failure")
    parser.add_argument("--resume", action="store_true", help="do not run again what an earlier run completed")
    parser.add_argument("--explain", action="store_true", help="with --resume: say for each task why it runs or not")
    parser.add_argument("--lenient", action="store_true", help=LENIENT)
    parser.add_argument("--log-format", choices=("plain", "json"), default="plain", help="lines for people or programs")
    parser.add_argument("-q", "--quiet", action="store_true", help="failures and the summary only")


def run(args: argparse.Namespace) -> int:
    """Run the step; the exit code."""
    os.getcwd()  # raises where it was removed: workers could not begin in it
    head_start = _head_start(args)
    try:
        from otter.cli.run_step import run_step

        return run_step(args, head_start)
    finally:
        if head_start is not None:
            head_start.discard()


def named_file(args: argparse.Namespace) -> str | None:
    """The pipeline file that the command line names, or else the environment."""
    return args.file or args.config_path or os.environ.get("OTTER_CONFIG_PATH")


def _head_start(args: argparse.Namespace) -> HeadStart | None:
    """The first worker, if the file looks as if it needed one of the usual kind. Whatever is wrong is told later."""
    chosen = named_file(args)
    if chosen is None or args.worker_python is not None or not hasattr(os, "O_TMPFILE"):
        return None
    try:
        if not stat.S_ISREG(os.stat(chosen).st_mode):  # a pipe can be read once
            return None
        with open(chosen, "rb") as file:
            beginning = file.read(GLANCED_AT)
        if b"steps" not in beginning or b"workers" in beginning:
            return None
        near = args.work_path or os.environ.get("OTTER_WORK_PATH") or "."
        return HeadStart(tuple(args.tasks), near)
    except (OSError, ValueError):
        return None

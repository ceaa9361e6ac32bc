"""`otter logs`: the log of a task."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

from otter.cli.printing import while_somebody_reads
from otter.cli.work_path import add_work_path_flags, chosen_runs
from otter.core import exit_codes
from otter.inspection.run_view import LOCK, is_held
from otter.inspection.task_logs import LogFile, find_log, follow, harmless, last_lines, read_from
from otter.pipeline import visible
from otter.util.errors import OtterError

EXIT_CODES = "exit codes: 0 it was printed; 22 no task is meant, or several are; 130 following it was ended with Ctrl-C"
PAUSE = 0.1
"""Seconds between two looks at a log that is followed."""
LOCK_PAUSE = 1.0
"""Seconds between two looks at whether the run is going on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.epilog = EXIT_CODES
    parser.add_argument(
        "task", metavar="TASK", help="name of the task, with or without its type, or a part that no other name has"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="print what comes, until the run is over")
    parser.add_argument("-n", "--lines", type=_lines, metavar="N", help="begin with the last N lines")
    parser.add_argument("--path", action="store_true", help="print where the log is instead")
    add_work_path_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Print the log; the exit code."""
    try:
        log = find_log(chosen_runs(args, os.environ), args.task)
        if args.path:
            print(log.path)
            return exit_codes.SUCCESS
        if not args.follow and not log.path.exists():
            print(visible(f"otter logs: {log.name!r} has logged nothing"), file=sys.stderr)
            return exit_codes.SUCCESS
        with while_somebody_reads():
            _print(_pieces(args, log))
    except OtterError as error:
        print(f"otter logs: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    except OSError as error:
        if error.filename is None:  # it is not the log that failed
            raise
        print(f"otter logs: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    except KeyboardInterrupt:
        return exit_codes.SIGNALLED + signal.SIGINT
    return exit_codes.SUCCESS


def _lines(text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number of lines, got {text!r}")


def _pieces(args: argparse.Namespace, log: LogFile) -> Iterable[bytes]:
    offset = 0
    if args.lines is not None and log.path.exists():
        offset = last_lines(log.path, args.lines)
    if not args.follow:
        return read_from(log.path, offset)
    return follow(log.path, offset, _is_over(log), lambda: time.sleep(PAUSE))


def _is_over(log: LogFile) -> Callable[[], bool]:
    """Whether the run is over; the lock is looked at now and then only."""
    lock = log.run.directory / LOCK
    looked = -LOCK_PAUSE
    over = False

    def is_over() -> bool:
        nonlocal looked, over
        if not over and time.monotonic() - looked >= LOCK_PAUSE:
            looked, over = time.monotonic(), not is_held(lock)
        return over

    return is_over


def _print(pieces: Iterable[bytes]) -> None:
    """On a terminal nothing of the log acts; in a pipe it is what the task wrote, byte for byte."""
    if sys.stdout.isatty():
        for text in harmless(pieces):
            sys.stdout.write(text)
            sys.stdout.flush()
    else:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()

"""`otter replay`: the last attempt of a task, made again in the worker package alone."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from otter.cli.work_path import add_work_path_flags, chosen_runs
from otter.core import exit_codes
from otter.core.settings import parse_overrides
from otter.core.types import WORKER_MODULE
from otter.inspection.records import RecordedAttempt, last_attempt, names_in, read_records
from otter.inspection.task_logs import only_one
from otter.pipeline import visible
from otter.report.output import write_output
from otter.util.errors import FSError, OtterError

FORMAT = "otter-replay/1"
"""The form of a request, as the worker's reader knows it."""
EXIT_CODES = """\
exit codes: 0 the task succeeded; 1 it failed; 2 a task package is missing; 22 no task is meant, or several are"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.description = (
        "Make the last recorded attempt of a task again, in a process of its own, with what it logs on the terminal. "
        "The task really runs: what it writes, sends or deletes, it writes, sends or deletes again, where it did then. "
        "Start it in the directory in which the run was started. Journal and manifest stay as they are."
    )
    parser.epilog = EXIT_CODES
    parser.add_argument(
        "task", metavar="TASK", help="name of the task, with or without its type, or a part that no other name has"
    )
    add_work_path_flags(parser)
    parser.add_argument("--pdb", action="store_true", help="stop in the debugger where the task raises")
    parser.add_argument(
        "--tasks", action="append", default=[], metavar="PACKAGE", help="a task package beside the installed ones"
    )
    parser.add_argument("--worker-python", metavar="PYTHON", help="interpreter of the environment to run it in")
    parser.add_argument(
        "-r", "--release-uri", metavar="URI", help="where the release lives, in place of what was recorded"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="a scratchpad value for the code of the task; placeholders in its spec are replaced already",
    )  # fmt: skip
    parser.add_argument(
        "--save",
        metavar="REQUEST.json",
        help="only write the request, for `otter-worker replay` elsewhere; - for the standard output",
    )


def run(args: argparse.Namespace) -> int:
    """Run the task; the exit code."""
    try:
        attempt = _find(args)
        data = orjson.dumps(_request(attempt, args), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if args.save is not None:
            write_output(args.save, data)
            return exit_codes.SUCCESS
        return _start(args, attempt, data)
    except OtterError as error:
        print(f"otter replay: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION


def _find(args: argparse.Namespace) -> RecordedAttempt:
    found = [(run, name) for run in chosen_runs(args, os.environ) for name in names_in(read_records(run))]
    run, name = found[only_one(args.task, [(run.key, name) for run, name in found])]
    if run.running:
        _say("warning: the run is going on, and may be running this task, too")
    return last_attempt(run, read_records(run), name)


def _request(attempt: RecordedAttempt, args: argparse.Namespace) -> dict[str, Any]:
    config = {**attempt.config, **({"release_uri": args.release_uri} if args.release_uri is not None else {})}
    values = {**attempt.values, **parse_overrides(args.set)}
    return {"format": FORMAT, "spec": attempt.spec, "attempt": attempt.number, "config": config, "values": values}


def _start(args: argparse.Namespace, attempt: RecordedAttempt, data: bytes) -> int:
    reason = f": {attempt.reason.splitlines()[0]}" if attempt.reason else ""
    _say(f"attempt {attempt.number} of {attempt.name!r} ended with {attempt.result}{reason}")
    with tempfile.TemporaryDirectory(prefix="otter-replay-") as directory:  # only its owner may read it
        file = Path(directory, "request.json")
        _write(file, data)
        command = [args.worker_python or sys.executable, "-P", "-m", WORKER_MODULE, "replay", str(file)]
        command += [*(f"--tasks={package}" for package in args.tasks), *(["--pdb"] if args.pdb else [])]
        try:
            code = subprocess.run(command, env=_environment(args.worker_python), check=False).returncode
        except OSError as error:
            raise FSError(f"{command[0]} cannot be started: {error.strerror}") from error
        except KeyboardInterrupt:  # it reached the task as well, which has ended by now
            return exit_codes.SIGNALLED + signal.SIGINT
    if code < 0:
        _say(f"{attempt.name}: its process was killed by {signal.Signals(-code).name}")
        return exit_codes.FAILED
    return code


def _environment(python: str | None) -> dict[str, str]:
    """The environment of a worker: with this interpreter, its `sys.path` too."""
    environ = dict(os.environ)
    if python is None:
        environ["OTTER_WORKER_PYTHONPATH"] = environ.get("PYTHONPATH", "")
        environ["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return environ


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise FSError(f"{path} cannot be written: {error.strerror}") from error


def _say(text: str) -> None:
    print(visible(f"otter replay: {text}"), file=sys.stderr)

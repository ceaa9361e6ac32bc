"""`otter check`: every mistake in pipeline files, without running anything."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO

import attrs

from otter.cli.printing import count, wants_colour, while_somebody_reads
from otter.cli.type_flags import add_type_flags, task_types
from otter.core import exit_codes
from otter.core.flags import LENIENT
from otter.core.releases import release_problems
from otter.core.settings import parse_overrides, readable_file
from otter.core.spec_problems import Judge, every_problem, judge_specs
from otter.core.types import TaskPackageError
from otter.pipeline import Pipeline, PipelineError, Problem, load_pipeline, render_one, summary
from otter.task.task_type import TaskType
from otter.util.errors import OtterError

SHOWN = 1000
"""Problems that are shown to a person; a program gets all of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="pipeline files")
    parser.add_argument("-s", "--step", metavar="NAME", help="check this step only (default: all of them)")
    parser.add_argument("--lenient", action="store_true", help=LENIENT)
    parser.add_argument("--json", action="store_true", help="print what is found as JSON")
    add_type_flags(parser)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a scratchpad value")


def run(args: argparse.Namespace) -> int:
    """Check the files; the exit code: 0 if a run could begin, 22 if a file has an error."""
    try:
        values = parse_overrides(args.set)
        types = _TaskTypes(args)
        reports = [_check(file, args, values, types) for file in args.files]
    except OtterError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_codes.NO_TASK_PACKAGE if isinstance(error, TaskPackageError) else exit_codes.BAD_CONFIGURATION
    problems = [problem for report in reports for problem in report.problems]
    with while_somebody_reads():
        if args.json:
            _print_json(reports, problems)
        else:
            _print_text(sys.stdout, reports, problems)
    wrong = any(problem.severity == "error" for problem in problems)
    return exit_codes.BAD_CONFIGURATION if wrong else exit_codes.SUCCESS


@attrs.frozen
class Report:
    """What was found in one file.

    Attributes:
        steps: for each step that was checked the number of tasks that the file lists.
    """

    file: str
    steps: dict[str, int]
    problems: tuple[Problem, ...]


def _check(file: str, args: argparse.Namespace, values: Mapping[str, Any], known: _TaskTypes) -> Report:
    try:
        pipeline = load_pipeline(readable_file(file), faulty=True)
        steps = {name: len(pipeline.tables(name)) for name in ([args.step] if args.step else pipeline.steps)}
    except PipelineError as error:
        return Report(file, {}, error.problems)
    types = known.of(pipeline)
    judge = known.judge(pipeline) if args.types is None else None
    release = release_problems(pipeline, pipeline.settings.get("release_uri"), "", fatal=False, lenient=args.lenient)
    pipeline = attrs.evolve(pipeline, warnings=(*pipeline.warnings, *release))
    found = every_problem(pipeline, steps, types, judge, scratchpad=values, lenient=args.lenient)
    return Report(file, steps, tuple(found))


class _TaskTypes:
    """The task types of the environments that would run the files; each is asked once.

    The one that most files use is asked at once, while they are read: describing itself takes an environment longer
    than reading ten thousand tasks.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._answers: dict[str | None, dict[str, TaskType] | OtterError] = {}
        self._first = threading.Thread(target=self._ask, args=(args.worker_python,), daemon=True)
        self._first.start()

    def of(self, pipeline: Pipeline) -> dict[str, TaskType]:
        """The task types that a file can use.

        Raises:
            OtterError: the environment cannot be asked.
        """
        python = self._args.worker_python or pipeline.workers.python
        self._first.join()
        if python not in self._answers:
            self._ask(python)
        answer = self._answers[python]
        if isinstance(answer, OtterError):
            raise answer
        return answer

    def judge(self, pipeline: Pipeline) -> Judge:
        """What lets the code of the task types judge specs, in the environment that would run them."""
        python = self._args.worker_python or pipeline.workers.python
        return lambda specs: judge_specs(specs, self._args.tasks, python)

    def _ask(self, python: str | None) -> None:
        try:
            self._answers[python] = task_types(self._args, python)
        except OtterError as error:
            self._answers[python] = error


def _print_text(stream: TextIO, reports: list[Report], problems: list[Problem]) -> None:
    colour = wants_colour(stream)
    for problem in problems[:SHOWN]:
        print(render_one(problem, colour=colour), file=stream)
    if len(problems) > SHOWN:
        print(f"… and {len(problems) - SHOWN:,} more; --json has all of them", file=stream)
    steps, tasks = (
        sum(counts) for counts in zip(*((len(r.steps), sum(r.steps.values())) for r in reports), strict=True)
    )
    checked = f"{count(steps, 'step')}, {count(tasks, 'task')}"
    where = f" in {len(reports)} files" if len(reports) > 1 else ""
    print(f"{checked}{where}: {summary(problems)}", file=stream)


def _print_json(reports: list[Report], problems: list[Problem]) -> None:
    import orjson

    errors = sum(problem.severity == "error" for problem in problems)
    table = {
        "errors": errors,
        "warnings": len(problems) - errors,
        "files": [
            {"file": r.file, "steps": r.steps, "problems": [problem.to_json() for problem in r.problems]}
            for r in reports
        ],
    }
    sys.stdout.buffer.write(orjson.dumps(table, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

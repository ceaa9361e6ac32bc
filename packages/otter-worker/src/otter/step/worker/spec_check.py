"""`python -m otter.step.worker.spec_check`: what only the code of task types can find wrong with specs.

Reads `{"specs": [...]}` from standard input, constructs each spec as a worker would, and prints
`{"problems": [[place, path, sentence], ...]}`. Nothing runs. `otter check` asks for it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

import orjson

from otter.config.model import Config
from otter.step.worker.executor import Executor
from otter.task.task_registry import TaskRegistry
from otter.util.errors import OtterError


def main(argv: Sequence[str] | None = None) -> int:
    """Check the specs; the exit code: 2 for a task package that cannot be imported."""
    parser = argparse.ArgumentParser(prog="python -m otter.step.worker.spec_check", description=__doc__)
    parser.add_argument("--tasks", action="append", default=[], metavar="PACKAGE", help="a task package to register")
    args = parser.parse_args(argv)
    specs = orjson.loads(sys.stdin.buffer.read())["specs"]
    output = sys.stdout.buffer
    with contextlib.redirect_stdout(sys.stderr):  # what task code prints is no part of the answer
        registry = TaskRegistry(None)
        try:
            registry.register_entry_points()
            for package in args.tasks:
                registry.register(package)
        except OtterError as error:
            print(f"otter-worker: {error}", file=sys.stderr)  # noqa: T201 - a program's output
            return 2
        problems = Executor(registry, Config(step="check"), lambda _: None).check(specs)
    output.write(orjson.dumps({"problems": problems}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

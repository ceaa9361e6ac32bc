"""`Runner`: how an application starts its steps.

    runner = Runner("myapp")
    runner.start()
    runner.register_tasks("myapp.tasks")
    step = asyncio.run(runner.run())

It is the application's command line, so it prints what is wrong and exits: 22 for a bad configuration, 2 for a missing
task package. Whether the step failed is in `step.manifest.result`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from otter.config.model import RUNNER_NAME, Config
from otter.core import exit_codes
from otter.core.flags import add_run_flags
from otter.core.releases import release_problems
from otter.core.session import Session
from otter.core.settings import from_environment, readable_file, resolve_config, source_of
from otter.core.spec_problems import load_sound
from otter.observers.plain import PlainObserver
from otter.pipeline import Pipeline, PipelineError, Problem, read_text, render
from otter.step.coordinator.coordinator import RunOptions
from otter.step.coordinator.opening import WorkerRefusedError
from otter.step.coordinator.run_directory import StepBusyError
from otter.step.model import Step
from otter.task.task_registry import no_package
from otter.util.errors import ConfigError, FSError, OtterError
from otter.util.fs import check_dir

DEFAULT_CONFIG_PATH = Path("config.toml")


class Runner:
    """Runs a step of an application's pipeline file.

    Args:
        name: of the application; it prefixes environment variables and manifest keys.

    Raises:
        ConfigError: the name is not 2 to 32 lower-case letters, digits and underscores, beginning with a letter.
    """

    def __init__(self, name: str) -> None:
        if not RUNNER_NAME.fullmatch(name):
            raise ConfigError(
                "a runner's name has 2 to 32 lower-case letters, digits and underscores, and begins with a letter: "
                f"{name!r}"
            )
        self.name = name
        self.config: Config | None = None
        self._pipeline: Pipeline | None = None
        self._found: list[Problem] = []
        self._packages: list[str] = []

    def start(self, argv: Sequence[str] | None = None) -> None:
        """Read flags, environment and pipeline file, and make sure that the work path can be written to.

        Args:
            argv: arguments; none for those of the process. Unknown ones are left alone, with a warning.

        Raises:
            SystemExit: with 22, after what is wrong has been printed.
        """
        flags, unknown = self._parser().parse_known_args(argv)
        if unknown:
            self._say(f"warning: unknown arguments are left alone: {' '.join(unknown)}")
        given = vars(flags)
        try:
            env = from_environment(self.name, os.environ)
            path = given["config_path"] or env.get("config_path") or DEFAULT_CONFIG_PATH
            file = readable_file(path)
            self._pipeline = load_sound(
                read_text(file), file, given["step"] or env.get("step"), None, None, scratchpad={}, lenient=True
            )
            self.config = resolve_config(self.name, self._pipeline, given, os.environ)
            check_dir(self.config.work_path)
            source = source_of("release_uri", self.name, given, os.environ)
            self._found = release_problems(
                self._pipeline, self.config.release_uri, source, fatal=True, lenient=True
            )  # fmt: skip
        except OtterError as error:
            self._refuse(error, exit_codes.BAD_CONFIGURATION)

    def register_tasks(self, package: str) -> None:
        """Register the task types of a package, beside those of installed ones. Only workers import it.

        Raises:
            SystemExit: with 2, if there is no such package.
        """
        try:
            found = importlib.util.find_spec(package)
        except ImportError:
            found = None
        if found is None:
            self._say(f"error: {no_package(package)}")
            raise SystemExit(exit_codes.NO_TASK_PACKAGE)
        if package not in self._packages:
            self._packages.append(package)

    async def run(self) -> Step:
        """Run the step to its end. Never raises for a task's failure.

        Raises:
            SystemExit: the step could not begin: with 22 for mistakes in the pipeline file, 2 for a task package that
                cannot be imported, 75 if the same step is running already.
        """
        if self.config is None or self._pipeline is None:
            raise ConfigError("start() comes before run()")
        pipeline, workers = self._pipeline, self._pipeline.workers
        options = RunOptions(
            defaults=pipeline.defaults, pools=pipeline.pools, grace=workers.grace,
            max_specs=pipeline.settings.get("max_specs", 1_000_000), concurrency=workers.concurrency,
            start_timeout=workers.start_timeout, python=workers.python, memory=workers.memory, env=workers.env,
            task_packages=tuple(self._packages),
        )  # fmt: skip
        observer = PlainObserver(sys.stderr, self.config.step)
        session = Session(
            self.config,
            pipeline,
            options,
            observer,
            lenient=True,
            found=self._found,
            warn=observer.warn,
            advise=observer.advise,
        )
        try:
            step = await session.run()
        except OtterError as error:
            self._refuse(error, exit_code(error))
        for text in session.replaced:
            self._say(f"warning: {text}")
        if session.coordinator is not None:
            observer.conclude(step, session.coordinator)
        return step

    def _parser(self) -> argparse.ArgumentParser:
        parser = _Parser(prog=self.name, allow_abbrev=False)
        add_run_flags(parser)
        parser.add_argument("-c", "--config-path", metavar="FILE", help="the pipeline file (default: config.toml)")
        return parser

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{self.name}: {text}\n")

    def _refuse(self, error: OtterError, code: int) -> NoReturn:
        self._say(render(error.problems).rstrip() if isinstance(error, PipelineError) else f"error: {error}")
        raise SystemExit(code) from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A flag without its value is a bad configuration; argparse would exit with 2, which means something else."""
        self.exit(exit_codes.BAD_CONFIGURATION, f"{self.prog}: error: {message}\n")


def exit_code(error: OtterError) -> int:
    """The exit code that stands for an error."""
    from otter.core.types import TaskPackageError

    if isinstance(error, StepBusyError):
        return exit_codes.BUSY
    if isinstance(error, TaskPackageError):
        return exit_codes.NO_TASK_PACKAGE
    if isinstance(error, WorkerRefusedError) and ("task package" in str(error) or "task module" in str(error)):
        return exit_codes.NO_TASK_PACKAGE
    if isinstance(error, FSError):  # of a path that somebody named: the work path, the release, or an output
        full = isinstance(error.__cause__, OSError) and error.__cause__.errno in exit_codes.NO_ROOM
        return exit_codes.FAILED if full else exit_codes.BAD_CONFIGURATION
    return exit_codes.BAD_CONFIGURATION if isinstance(error, ConfigError) else exit_codes.FAILED

"""What `otter run` does, once all that it takes is loaded."""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from otter.cli.printing import tell_problems, while_somebody_reads
from otter.cli.run import named_file
from otter.core import exit_codes
from otter.core.releases import release_problems
from otter.core.runner import exit_code
from otter.core.session import Session
from otter.core.settings import from_environment, parse_overrides, readable_file, resolve_config, source_of
from otter.core.spec_problems import judge_specs, load_sound
from otter.core.types import published_types
from otter.observers.json_lines import JsonObserver
from otter.observers.plain import PlainObserver
from otter.pipeline import Pipeline, PipelineError, preamble_of, read_text, visible
from otter.step.coordinator.coordinator import RunOptions
from otter.step.coordinator.head_start import HeadStart
from otter.task.policy import Policy
from otter.util.collector import paused_collector
from otter.util.errors import ConfigError, OtterError, SpecError

RUNNER_NAME = "otter"
NO_DISPLAY = ("", "dumb", "unknown")
"""Terminals that can do nothing but take lines."""


def run_step(args: argparse.Namespace, head_start: HeadStart | None) -> int:
    """Run the step; the exit code.

    Args:
        head_start: a first worker that was started already; whoever gives it ends it, if the run has no use for it.
    """
    try:
        if args.explain and not args.resume:
            raise ConfigError("--explain says what --resume does: give both")
        values = parse_overrides(args.set)
        with paused_collector(keep=True):
            file = readable_file(_file(args))
            text = read_text(file)
            preamble = preamble_of(text, str(file))
            pipeline = preamble.pipeline if preamble is not None else _load(args, text, file, values)
        flags = {name: getattr(args, name) for name in ("step", "work_path", "release_uri", "pool_size", "log_level")}
        config = resolve_config(RUNNER_NAME, pipeline, flags, os.environ)
        observer = _observer(config.step, args.quiet, args.log_format)
        source = source_of("release_uri", RUNNER_NAME, flags, os.environ)
        found = release_problems(pipeline, config.release_uri, source, fatal=True, lenient=args.lenient)
        session = Session(
            config, pipeline, _options(args, pipeline), observer, values=values, lenient=args.lenient, found=found,
            preamble=preamble, head_start=head_start, warn=observer.warn, advise=observer.advise,
        )  # fmt: skip
        try:
            step = asyncio.run(session.run())
        except PipelineError:
            if session.preamble is not None:  # its tasks could not be read: say what else is wrong as well
                _load(args, text, file, values)
            raise
        finally:
            observer.close()
    except PipelineError as error:
        tell_problems(error.problems)
        return exit_codes.BAD_CONFIGURATION
    except OtterError as error:
        print(f"otter: error: {visible(str(error))}", file=sys.stderr)
        return exit_code(error)
    assert session.coordinator is not None, "the session ran"
    if args.explain:
        with while_somebody_reads():
            for explanation in session.coordinator.explanations():
                observer.explain(explanation)
    observer.conclude(step, session.coordinator)
    if session.stopped_by is not None and step.manifest.result != "success":
        return exit_codes.SIGNALLED + session.stopped_by
    return exit_codes.SUCCESS if step.manifest.result == "success" else exit_codes.FAILED


def _load(args: argparse.Namespace, text: str, file: Path, values: Mapping[str, Any]) -> Pipeline:
    step = args.step or from_environment(RUNNER_NAME, os.environ).get("step")
    return load_sound(
        text,
        file,
        step,
        lambda python: published_types(args.tasks, args.worker_python or python),
        lambda python: functools.partial(judge_specs, tasks=args.tasks, python=args.worker_python or python),
        scratchpad=values,
        lenient=args.lenient,
    )


def _observer(step: str, quiet: bool, log_format: str) -> PlainObserver:
    if log_format == "json":
        return JsonObserver(sys.stderr, step, quiet)
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "") in NO_DISPLAY or os.environ.get("CI"):
        return PlainObserver(sys.stderr, step, quiet)
    from otter.cli.live import LiveObserver  # rich takes longer to load than a small step takes to run

    return LiveObserver(sys.stderr, step)


def _file(args: argparse.Namespace) -> str:
    if args.file and args.config_path and args.file != args.config_path:
        raise ConfigError(f"name one pipeline file: {args.file}, or {args.config_path}")
    chosen = named_file(args)
    if chosen is None:
        raise ConfigError("name a pipeline file: otter run FILE")
    return chosen


def _options(args: argparse.Namespace, pipeline: Pipeline) -> RunOptions:
    workers = pipeline.workers
    return RunOptions(
        keep_going=args.keep_going, resume=args.resume, defaults=_defaults(args, pipeline), pools=pipeline.pools,
        grace=workers.grace, max_specs=pipeline.settings.get("max_specs", 1_000_000), concurrency=workers.concurrency,
        start_timeout=workers.start_timeout, python=args.worker_python or workers.python,
        memory=workers.memory, env=workers.env,
        task_packages=tuple(args.tasks),
    )  # fmt: skip


def _defaults(args: argparse.Namespace, pipeline: Pipeline) -> Policy:
    if args.retries is None:
        return pipeline.defaults
    try:
        return attrs.evolve(pipeline.defaults, retries=Policy.from_table({"retries": args.retries}).retries)
    except SpecError as error:
        raise ConfigError(f"--{error}") from error

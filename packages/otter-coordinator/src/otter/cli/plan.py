"""`otter plan`: what a run would do, in what order, and why, without doing it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TextIO

from otter.cli.printing import tell_problems
from otter.cli.run_step import RUNNER_NAME
from otter.cli.type_flags import add_type_flags, task_types
from otter.core import exit_codes
from otter.core.flags import LENIENT, add_run_flags
from otter.core.releases import release_problems
from otter.core.runner import exit_code
from otter.core.settings import from_environment, parse_overrides, readable_file, resolve_config, source_of
from otter.core.spec_problems import load_sound
from otter.pipeline import PipelineError, read_text, visible
from otter.plan.durations import Durations, read_durations
from otter.plan.forecast import Entry, Forecast, Forecaster
from otter.plan.reuse import read_history
from otter.util.errors import OtterError
from otter.util.units import format_duration

SIBLINGS = 6
"""Tasks of one generator that are listed one by one."""

LINKS = 30
"""Tasks of the critical path that are listed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("file", metavar="FILE", help="the pipeline file")
    add_run_flags(parser)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a scratchpad value")
    parser.add_argument("--resume", action="store_true", help="plan a run with --resume")
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE",
        help="an earlier run, from which durations are foretold (default: the one in the work path)",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="list every task of a generator with many")
    parser.add_argument("--lenient", action="store_true", help=LENIENT)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_type_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plan; the exit code."""
    try:
        forecast = _forecast(args)
    except PipelineError as error:
        tell_problems(error.problems)
        return exit_codes.BAD_CONFIGURATION
    except OtterError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_code(error)
    if args.json:
        import orjson

        sys.stdout.buffer.write(
            orjson.dumps(forecast.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    else:
        _print(sys.stdout, forecast, args.all, args.resume)
    return exit_codes.SUCCESS


def _forecast(args: argparse.Namespace) -> Forecast:
    values = parse_overrides(args.set)
    step = args.step or from_environment(RUNNER_NAME, os.environ).get("step")
    file = readable_file(args.file)
    pipeline = load_sound(
        read_text(file), file, step, lambda python: task_types(args, python), None,
        scratchpad=values, lenient=args.lenient,
    )  # fmt: skip
    flags = {name: getattr(args, name) for name in ("step", "work_path", "release_uri", "pool_size", "log_level")}
    config = resolve_config(RUNNER_NAME, pipeline, flags, os.environ)
    types = task_types(args, pipeline.workers.python)
    problems = pipeline.check(config.step, types, scratchpad=values, lenient=args.lenient)
    if any(problem.severity == "error" for problem in problems):
        raise PipelineError(problems)
    source = source_of("release_uri", RUNNER_NAME, flags, os.environ)
    release = release_problems(pipeline, config.release_uri, source, fatal=False, lenient=args.lenient)
    tell_problems(release, summed_up=False)
    durations: Durations = read_durations(config, args.manifest)
    history = read_history(config.work_path.absolute(), f"{config.runner_name}_{config.step}") if args.resume else None
    return Forecaster(pipeline, config, types, values, durations, history).forecast()


def _print(stream: TextIO, forecast: Forecast, every: bool, resumed: bool) -> None:
    def say(text: str = "") -> None:
        print(visible(text), file=stream)

    run, kept = forecast.count("run"), forecast.count("reuse")
    generated = sum(entry.made_by is not None for entry in forecast.entries)
    facts = [_count(run, "task") + " to run", *([f"{kept:,} done before"] if resumed else [])]
    facts += [f"{generated:,} of them generated"] if generated else []
    say(f"step {forecast.step}: {', '.join(facts)}")
    for name in forecast.unknown:
        say(f"{name!r} makes tasks at run time; how many, an earlier run's manifest would tell")
    say()
    for line in _lines(forecast.entries, forecast.elapsed is not None, every):
        say(line)
    say()
    if forecast.stuck is not None:
        say(f"the run would fail: {forecast.stuck}")
    for line in _prediction(forecast):
        say(line)


def _lines(entries: Iterable[Entry], measured: bool, every: bool) -> Iterator[str]:
    number = 0
    for _, siblings in groupby(entries, key=lambda entry: (entry.made_by or entry.name, entry.kind, entry.action)):
        group = list(siblings)
        shown = group if every or len(group) <= SIBLINGS else group[: SIBLINGS // 2]
        for place, entry in enumerate(shown):
            yield _line(number + place + 1, entry, measured)
        number += len(group)
        if len(shown) < len(group):
            yield f"{'…':>5}  and {len(group) - len(shown):,} more of {group[0].made_by!r} (--all lists them)"


def _line(number: int, entry: Entry, measured: bool) -> str:
    known = "" if entry.action == "reuse" or entry.basis == "unknown" else format_duration(entry.seconds)
    seconds = f"{known:>8}  " if measured else ""
    action = "keep  " if entry.action == "reuse" else ""
    return f"{number:>5}  {seconds}{action}{entry.name}  ({entry.why})"


def _prediction(forecast: Forecast) -> Iterator[str]:
    if forecast.elapsed is None:
        yield "no earlier run tells how long tasks take: run it, and plan again"
        return
    if not forecast.count("run"):
        return
    bases = [entry.basis for entry in forecast.entries if entry.action == "run"]
    recorded, by_type, unknown = (bases.count(basis) for basis in ("recorded", "type", "unknown"))  # type: ignore[arg-type]
    known = [f"{recorded:,} of {_count(len(bases), 'task')} as in the earlier run"]
    known += [f"{by_type:,} as others of their type"] if by_type else []
    known += [f"{unknown:,} unknown, counted as nothing"] if unknown else []
    yield f"durations: {', '.join(known)}"
    yield (
        f"predicted: {format_duration(forecast.elapsed)} with pool_size {forecast.pool_size}, "
        f"for {format_duration(forecast.work)} of work"
    )
    sizes = (
        f"{size}: {format_duration(seconds)}{' *' if size == forecast.pool_size else ''}"
        for size, seconds in forecast.by_pool_size.items()
    )
    yield f"by pool_size:  {'   '.join(sizes)}   (this machine has {_count(os.cpu_count() or 1, 'processor')})"
    if forecast.path:
        yield f"critical path: {format_duration(forecast.path[-1].done)} in {_count(len(forecast.path), 'task')}"
    for link in forecast.path[:LINKS]:
        yield f"       {format_duration(link.seconds):>8}  {link.name}"
    if len(forecast.path) > LINKS:
        yield f"{'…':>7}  and {len(forecast.path) - LINKS:,} more (--json has all)"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"

"""Running otter for the cases: each run in a work directory of its own."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.measure import Figures
from tests.benchmarks.processes import Finished, run

TASKS = "tests.benchmarks.tasks"
_numbers = itertools.count()


def command() -> Path:
    """The command `otter` of the environment that runs the benchmarks."""
    return Path(sys.executable).with_name("otter")


def run_file(
    file: Path,
    *,
    pool: int = 2,
    work: Path | None = None,
    options: Sequence[str] = (),
    watch: bool = False,
    count_starts: bool = False,
    sample: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Figures, Finished]:
    """Run the step of a pipeline file to its end, as a whole process that also measures itself.

    Its whole time is more than that of the command: what that loads while its worker loads is loaded before, here.

    Args:
        pool: worker processes at most.
        work: the work directory; without one the run gets a fresh one, which is removed.
        options: more arguments of `otter run`.
        watch: find the peak of memory of every process.
        count_starts: count the processes that it starts, which costs a little time.
        sample: write there where the coordinator's processor time went.
        environment: more environment variables.

    Returns:
        Figures and the process. `whole`: seconds of the process; `all cpu`: processor seconds of it and its workers;
        `inside`: seconds of the command within it; `cpu`: processor seconds of the coordinator meanwhile; `peak`: bytes
        of the coordinator; `workers` and `helpers`: processes that it started, where they are counted.

    Raises:
        CommandError: the run failed.
    """
    number = next(_numbers)
    place = work if work is not None else file.with_name(f"work-{number}")
    facts = file.with_name(f"facts-{number}.json")
    arguments = _arguments(file, place, pool, options)
    probe: list[object] = [
        sys.executable,
        "-m",
        "tests.benchmarks.probe",
        facts,
        *(["--count-starts"] if count_starts else []),
        *(["--sample", sample] if sample is not None else []),
    ]
    try:
        finished = run(
            [*map(str, probe), "--", *arguments], directory=file.parent, environment=environment, watch=watch
        )
        figures: Figures = {"whole": finished.seconds, "all cpu": finished.cpu, **json.loads(facts.read_text())}
    finally:
        facts.unlink(missing_ok=True)
        if work is None:
            shutil.rmtree(place, ignore_errors=True)
    return figures, finished


def run_as_users_do(file: Path, *, pool: int, work: Path) -> Figures:
    """Run the step of a pipeline file with the command `otter`, which loads itself while its first worker loads.

    Args:
        pool: worker processes at most.
        work: the work directory.

    Returns:
        `whole`: seconds of the process; `all cpu`: processor seconds of it and its workers.

    Raises:
        CommandError: the run failed.
    """
    finished = run([str(command()), *_arguments(file, work, pool)], directory=file.parent)
    return {"whole": finished.seconds, "all cpu": finished.cpu}


def _arguments(file: Path, work: Path, pool: int, options: Sequence[str] = ()) -> list[str]:
    words = ["run", file, "--work-path", work, "--pool-size", pool, "--tasks", TASKS, "--quiet", *options]
    return [str(word) for word in words]


def step_of(work: Path) -> dict[str, Any]:
    """The only step in the manifest of a work directory."""
    steps = orjson.loads((work / "manifest.json").read_bytes())["steps"]
    (step,) = steps.values()
    return dict(step)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two times of a manifest."""
    return (dt.datetime.fromisoformat(later) - dt.datetime.fromisoformat(earlier)).total_seconds()

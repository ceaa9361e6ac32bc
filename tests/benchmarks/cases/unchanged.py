"""What runs nothing: checking a large file, and resuming a run in which nothing is left to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures
from tests.benchmarks.otter import TASKS, command, run_file
from tests.benchmarks.processes import run
from tests.benchmarks.results import Row, at_most

SECONDS = 0.7
_PARSE = "import sys, tomli; tomli.load(open(sys.argv[1], 'rb'))"


def measure(bench: Bench) -> Iterator[Finding]:
    """Whole processes, beside one that only parses the file."""
    count = bench.scale.few
    file = pipelines.independent(bench.directory / "tasks.toml", count)
    work = bench.directory / "work"
    run_file(file, work=work)

    def resume() -> Figures:
        return run_file(file, work=work, options=["--resume"])[0]

    check: list[str | Path] = [command(), "check", file, "--tasks", TASKS]
    resumed, parsed = bench.rounds(5, resume, partial(_whole, [sys.executable, "-c", _PARSE, file], bench.directory))
    parser = "tomli alone, whole process"
    yield Row(
        what=f"--resume of {count:,} tasks, whole process", unit="s", ours=resumed["whole"], beside=parser,
        theirs=parsed["seconds"], aim=at_most(SECONDS),
    )  # fmt: skip
    yield Row(what=f"--resume of {count:,} tasks, inside", unit="s", ours=resumed["inside"])
    checked, parsed = bench.rounds(
        5,
        partial(_whole, check, bench.directory),
        partial(_whole, [sys.executable, "-c", _PARSE, file], bench.directory),
    )
    yield Row(
        what=f"otter check of {count:,} tasks, whole process", unit="s", ours=checked["seconds"], beside=parser,
        theirs=parsed["seconds"], aim=at_most(SECONDS),
    )  # fmt: skip


def _whole(words: list[str | Path], directory: Path) -> Figures:
    return {"seconds": run(words, directory=directory).seconds}

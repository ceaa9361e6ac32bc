"""What must be paid before any work is done: one task as a whole process, the command's help, the workers started."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures, Series
from tests.benchmarks.otter import TASKS, command, run_file
from tests.benchmarks.processes import run
from tests.benchmarks.results import Row, at_most

ONE_TASK = 0.45
HELP = 0.12
LARGE_POOL = 32


def measure(bench: Bench) -> Iterator[Finding]:
    """Seconds of whole processes beside those of an interpreter that does nothing."""
    one = pipelines.independent(bench.directory / "one.toml", 1)
    otter = command()
    run_one: list[str | Path] = [
        otter,
        "run",
        one,
        "--work-path",
        bench.directory / "work",
        "--tasks",
        TASKS,
        "--quiet",
    ]
    run_file(one)
    task, inside, usage, bare = bench.rounds(
        11,
        partial(_whole, run_one, bench.directory),
        lambda: run_file(one)[0],
        partial(_whole, [str(otter), "--help"], bench.directory),
        partial(_whole, [sys.executable, "-c", "pass"], bench.directory),
    )
    python = "Python that does nothing"
    two = bare["seconds"].map(lambda seconds: 2 * seconds)
    yield Row(
        what="otter run of one task, whole process", unit="s", ours=task["seconds"], beside=f"{python}, twice",
        theirs=two, aim=at_most(ONE_TASK),
    )  # fmt: skip
    yield Row(what="otter run of one task, inside", unit="s", ours=inside["inside"])
    yield Row(
        what="otter --help", unit="s", ours=usage["seconds"], beside=python, theirs=bare["seconds"], aim=at_most(HELP)
    )
    figures, _ = run_file(one, pool=LARGE_POOL, count_starts=True)
    yield Row(
        what=f"workers started for one task, pool of {LARGE_POOL}", unit="", ours=Series((figures["workers"],)),
        aim=at_most(1),
    )  # fmt: skip
    yield Row(what="other processes started for it", unit="", ours=Series((figures["helpers"],)))
    for peer in bench.peers:
        if "independent" in peer.works:
            ours, theirs = bench.rounds(
                3,
                partial(_whole, run_one, bench.directory),
                partial(peer.do, "independent", 1, directory=bench.directory),
            )
            yield Row(
                what="one task, whole process", unit="s", ours=ours["seconds"], beside=peer.label,
                theirs=theirs["whole"],
            )  # fmt: skip


def _whole(words: Sequence[str | Path], directory: Path) -> Figures:
    finished = run(words, directory=directory)
    return {"seconds": finished.seconds, "cpu": finished.cpu}

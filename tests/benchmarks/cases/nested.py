"""A million tasks that ten lines of TOML make: memory, and whether anything grows faster than the number of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Series
from tests.benchmarks.otter import run_file
from tests.benchmarks.results import Row, at_most

SECONDS = 90.0
MEMORY = 2e9
TASK_MEMORY = 2_000.0


def measure(bench: Bench) -> Iterator[Finding]:
    """Time and memory of the coordinator, and the same for each task."""
    width = bench.scale.width
    file = pipelines.nested(bench.directory / "nested.toml", width)
    one = pipelines.independent(bench.directory / "one.toml", 1)
    tasks = width * width + width + 1
    single, run = bench.rounds(1, lambda: run_file(one)[0], lambda: run_file(file)[0])
    each = Series(
        tuple((most - least) / tasks for most, least in zip(run["peak"].values, single["peak"].values, strict=True))
    )
    yield Row(what=f"{tasks:,} tasks, inside", unit="s", ours=run["inside"], aim=at_most(SECONDS))
    yield Row(what=f"{tasks:,} tasks, whole process", unit="s", ours=run["whole"])
    yield Row(what="rate, inside", unit="tasks/s", ours=run["inside"].map(lambda seconds: tasks / seconds))
    yield Row(
        what="peak memory of the coordinator", unit="B", ours=run["peak"], beside="with one task",
        theirs=single["peak"], aim=at_most(MEMORY),
    )  # fmt: skip
    yield Row(what="memory of a task in the coordinator", unit="B", ours=each, aim=at_most(TASK_MEMORY))

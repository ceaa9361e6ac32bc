"""Asynchronous tasks that wait for something: they should take as long as the waiting, and not longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures, Series
from tests.benchmarks.otter import run_file
from tests.benchmarks.results import Row, ratio_at_most

SECONDS = 0.1
WORKERS = 2
CONCURRENCY = 16
"""Asynchronous tasks of one worker at most, where nobody says anything else."""
SHARE = 1.3


def measure(bench: Bench) -> Iterator[Finding]:
    """The time beside that of plain asyncio with as many tasks at once, and beside what the waiting takes by itself."""
    count = bench.scale.waits
    file = pipelines.timed(bench.directory / "wait.toml", "wait", [SECONDS] * count)
    run_file(pipelines.timed(bench.directory / "one.toml", "wait", [0.0]))

    def plain() -> Figures:
        began = time.perf_counter()
        asyncio.run(_wait_all(count))
        return {"seconds": time.perf_counter() - began}

    ours, theirs = bench.rounds(3, lambda: run_file(file, pool=WORKERS)[0], plain)
    least = Series((count * SECONDS / (WORKERS * CONCURRENCY),) * len(ours["inside"].values))
    what = f"{count:,} tasks of {SECONDS * 1000:g} ms, {WORKERS} workers"
    yield Row(
        what=f"{what}, inside", unit="s", ours=ours["inside"], beside="the waiting, computed", theirs=least,
        aim=ratio_at_most(SHARE),
    )  # fmt: skip
    yield Row(
        what=f"{what}, inside", unit="s", ours=ours["inside"],
        beside=f"asyncio in one process, {WORKERS * CONCURRENCY} at once", theirs=theirs["seconds"],
    )  # fmt: skip
    yield Row(what=f"{what}, whole process", unit="s", ours=ours["whole"])


async def _wait_all(count: int) -> None:
    limit = asyncio.Semaphore(WORKERS * CONCURRENCY)

    async def wait() -> None:
        async with limit:
            await asyncio.sleep(SECONDS)

    await asyncio.gather(*(wait() for _ in range(count)))

"""Processor time of those who have nothing to do while a long task runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures
from tests.benchmarks.otter import TASKS, command
from tests.benchmarks.processes import Activity, CommandError, Family, started
from tests.benchmarks.results import Row, at_most

WORKERS = 4
SHORT = 0.5
SETTLED = 2.0
"""Seconds without a new process after which every short task has ended."""
LONG = 600.0
SHARE = 0.125
"""Percent of a processor that count as nothing: one hundredth of a second, by which `top` counts, in eight."""


def measure(bench: Bench) -> Iterator[Finding]:
    """Shares of a processor of the coordinator and of all workers together, and how often they wake up."""
    file = pipelines.timed(bench.directory / "hold.toml", "hold", [LONG] + [SHORT] * (WORKERS - 1))
    (figures,) = bench.rounds(1, lambda: _watch(bench, file))
    unit, seconds = "% of a processor", f"{bench.scale.idle:g} s"
    yield Row(
        what=f"coordinator, for {seconds} of one long task", unit=unit, ours=figures["coordinator"], aim=at_most(SHARE)
    )
    yield Row(what="its workers together", unit=unit, ours=figures["workers"], aim=at_most(SHARE))
    yield Row(what="workers alive", unit="", ours=figures["alive"])
    yield Row(what="coordinator, times it woke up", unit="/s", ours=figures["coordinator wakes"])
    yield Row(what="workers, times they woke up", unit="/s", ours=figures["workers wake"])


def _watch(bench: Bench, file: Path) -> Figures:
    work = file.with_suffix(".work")
    words: list[str | Path] = [
        command(), "run", file, "--work-path", work, "--pool-size", str(WORKERS), "--tasks", TASKS, "--quiet",
    ]  # fmt: skip
    with started(words, directory=bench.directory) as (child, family):
        alive = _settled(child, family)
        before = {pid: Activity.of(pid) for pid in alive}
        began = time.perf_counter()
        time.sleep(bench.scale.idle)
        seconds = time.perf_counter() - began
        spent = {pid: Activity.of(pid) - before[pid] for pid in alive}
    main = spent.pop(str(child.pid))
    others = sum(spent.values(), Activity(0.0, 0))
    return {
        "coordinator": 100 * main.seconds / seconds, "coordinator wakes": main.wakes / seconds,
        "workers": 100 * others.seconds / seconds, "workers wake": others.wakes / seconds, "alive": len(spent),
    }  # fmt: skip


def _settled(child: subprocess.Popen[bytes], family: Family) -> list[str]:
    """The processes of a run, once they have been the same for `SETTLED` seconds."""
    former: list[str] = []
    alive: list[str] = []
    while len(alive) < 2 or alive != former:
        former = alive
        time.sleep(SETTLED)
        if child.poll() is not None:
            raise CommandError(f"the run ended with {child.returncode} before its long task")
        alive = family.members()
    return alive

"""Independent tasks that do nothing: what each task costs at the least."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.cases.pipe import in_batches, singly
from tests.benchmarks.measure import Figures
from tests.benchmarks.otter import run_as_users_do, run_file
from tests.benchmarks.peers.peer import EXECUTOR, Peer
from tests.benchmarks.results import Row, at_least, ratio_at_most

RATE = 20_000.0
GROWTH = 11.0
UNIT = "tasks/s"


def measure(bench: Bench) -> Iterator[Finding]:
    """Rates for few and for many tasks beside those of the baselines, and the growth of the time."""
    few, many = bench.scale.few, bench.scale.many
    few_file = pipelines.independent(bench.directory / "few.toml", few)
    many_file = pipelines.independent(bench.directory / "many.toml", many)
    run_file(pipelines.independent(bench.directory / "one.toml", 1))  # so that nothing has to be compiled any more

    ours, pool, single, batches = bench.rounds(
        5,
        partial(otter, few_file, few),
        partial(other, EXECUTOR, few, bench.directory),
        partial(singly, bench),
        partial(in_batches, bench),
    )
    inside, what = ours["inside rate"], f"{few:,} tasks, inside"
    aim = at_least(RATE)
    yield Row(what=what, unit=UNIT, ours=inside, beside=EXECUTOR.name, theirs=pool["inside rate"], aim=aim)
    yield Row(what=what, unit=UNIT, ours=inside, beside="raw pipe, singly", theirs=single["rate"])
    yield Row(what=what, unit=UNIT, ours=inside, beside="raw pipe, in batches", theirs=batches["rate"])
    what = f"{few:,} tasks, whole process"
    yield Row(what=what, unit=UNIT, ours=ours["whole rate"], beside=EXECUTOR.name, theirs=pool["whole rate"])

    what = f"{few:,} tasks, processor time of one in all processes"
    yield Row(what=what, unit="s", ours=ours["cpu of one"], beside=EXECUTOR.name, theirs=pool["cpu of one"])

    small, large = bench.rounds(3, partial(otter, few_file, few), partial(otter, many_file, many))
    yield Row(what=f"{many:,} tasks, inside", unit=UNIT, ours=large["inside rate"], aim=aim)
    yield Row(what=f"{many:,} tasks, whole process", unit=UNIT, ours=large["whole rate"])
    what = f"{many:,} tasks, processor time of one in all processes"
    yield Row(what=what, unit="s", ours=large["cpu of one"])
    yield Row(
        what=f"{many:,} tasks, inside", unit="s", ours=large["inside"], beside=f"{few:,} tasks",
        theirs=small["inside"], aim=ratio_at_most(GROWTH * many / few / 10),
    )  # fmt: skip
    yield Row(what=f"{many:,} tasks, memory of the coordinator", unit="B", ours=large["peak"])
    for peer in bench.peers:
        if "independent" in peer.works:
            yield from _beside(bench, peer)
    yield (
        "Inside: from the call of the command, with all imports done, to its return; workers start and end within it. "
        "For the others: from making them ready to their end."
    )


def otter(file: Path, count: int) -> Figures:
    """Run tasks with otter, measured inside and as a whole."""
    figures, _ = run_file(file)
    work = file.with_name(f"{file.stem}-whole")
    figures |= run_as_users_do(file, pool=2, work=work)
    shutil.rmtree(work)
    return _with_rates(figures, count)


def other(peer: Peer, count: int, directory: Path) -> Figures:
    """Run as many with another system."""
    return _with_rates(peer.do("independent", count, directory=directory), count)


def _with_rates(figures: Figures, count: int) -> Figures:
    return figures | {
        "inside rate": count / figures["inside"],
        "whole rate": count / figures["whole"],
        "cpu of one": figures["all cpu"] / count,
    }


def _beside(bench: Bench, peer: Peer) -> Iterator[Finding]:
    """Otter beside a peer, with as many tasks as the peer can do in some seconds."""
    count = bench.scale.slow if peer.slow else bench.scale.peer
    file = pipelines.independent(bench.directory / "peer.toml", count)
    ours, theirs = bench.rounds(3, partial(otter, file, count), partial(other, peer, count, bench.directory))
    for kind in ("inside", "whole"):
        what = f"{count:,} tasks, {kind if kind == 'inside' else 'whole process'}"
        key = f"{kind} rate"
        yield Row(what=what, unit=UNIT, ours=ours[key], beside=peer.label, theirs=theirs[key])

"""A chain: each task waits for the one before, so that nothing can be gathered into batches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.cases.pipe import round_trips
from tests.benchmarks.measure import Figures
from tests.benchmarks.otter import run_file, seconds_between, step_of
from tests.benchmarks.peers.peer import EXECUTOR, Peer
from tests.benchmarks.results import Row, at_most, ratio_at_most

LINK = 0.25e-3


def measure(bench: Bench) -> Iterator[Finding]:
    """Seconds for each link, beside the standard library's executor, a round trip of the raw pipe, and the peers."""
    links = bench.scale.links
    file = pipelines.chain(bench.directory / "chain.toml", links)
    run_file(pipelines.chain(bench.directory / "short.toml", 2))
    ours, pool, trips = bench.rounds(
        5,
        partial(otter, file, links),
        partial(other, EXECUTOR, links, bench.directory),
        partial(round_trips, bench),
    )
    what, link = f"one of {links:,} links", ours["link"]
    yield Row(what=what, unit="s", ours=link, aim=at_most(LINK))
    yield Row(what=what, unit="s", ours=link, beside=EXECUTOR.name, theirs=pool["link"], aim=ratio_at_most(1.0))
    yield Row(what=what, unit="s", ours=link, beside="round trip of a raw pipe", theirs=trips["trip"])
    what = f"{links:,} links, inside"
    yield Row(what=what, unit="s", ours=ours["inside"], beside=EXECUTOR.name, theirs=pool["inside"])
    what = f"{links:,} links, whole process"
    yield Row(what=what, unit="s", ours=ours["whole"], beside=EXECUTOR.name, theirs=pool["whole"])
    for peer in bench.peers:
        if "chain" in peer.works:
            yield from _beside(bench, peer)
    yield (
        "One link: from the beginning of the first task to the end of the last one, as the manifest has them, by the "
        "number of links. For the others: the work without making them ready, by the same number."
    )


def otter(file: Path, links: int) -> Figures:
    """Run a chain with otter."""
    work = file.with_suffix(".work")
    try:
        figures, _ = run_file(file, work=work)
        tasks = step_of(work)["tasks"]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    seconds = seconds_between(tasks[0]["started_run_at"], tasks[-1]["finished_run_at"])
    return figures | {"link": seconds / links}


def other(peer: Peer, links: int, directory: Path) -> Figures:
    """Run a chain of as many with another system."""
    figures = peer.do("chain", links, directory=directory)
    return figures | {"link": figures["work"] / links}


def _beside(bench: Bench, peer: Peer) -> Iterator[Finding]:
    links = max(2, bench.scale.links // (50 if peer.slow else 5))
    file = pipelines.chain(bench.directory / "peer.toml", links)
    ours, theirs = bench.rounds(3, partial(otter, file, links), partial(other, peer, links, bench.directory))
    yield Row(what=f"one of {links:,} links", unit="s", ours=ours["link"], beside=peer.label, theirs=theirs["link"])

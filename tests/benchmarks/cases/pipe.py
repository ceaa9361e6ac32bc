"""The limit of the machine: a raw pipe with orjson, singly and in batches."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial

from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures
from tests.benchmarks.processes import run
from tests.benchmarks.results import Row

BATCH = 100
SINGLE_FRAMES = 64
BATCH_FRAMES = 4
TRIPS_SHARE = 20
"""One part of this many of the messages makes round trips, which are slow."""


def singly(bench: Bench) -> Figures:
    """Send messages through a raw pipe, one in a frame, many on the way; `seconds`, and the `rate` of answers."""
    return _exchange(bench, bench.scale.messages, 1, SINGLE_FRAMES)


def in_batches(bench: Bench) -> Figures:
    """The same with many in a frame."""
    return _exchange(bench, bench.scale.messages, BATCH, BATCH_FRAMES)


def round_trips(bench: Bench) -> Figures:
    """The same with one on the way; `trip` is the time of one."""
    figures = _exchange(bench, bench.scale.messages // TRIPS_SHARE, 1, 1)
    return figures | {"trip": 1 / figures["rate"]}


def _exchange(bench: Bench, count: int, batch: int, frames: int) -> Figures:
    words = [sys.executable, "-m", "tests.benchmarks.pipe", str(count), str(batch), str(frames)]
    figures: Figures = json.loads(run(words, directory=bench.directory).output)
    return figures


def measure(bench: Bench) -> Iterator[Finding]:
    """Rates of messages that are answered, and the time of one round trip."""
    single, batches, trips = bench.rounds(
        5, partial(singly, bench), partial(in_batches, bench), partial(round_trips, bench)
    )
    yield Row(what="one message in a frame, many on the way", unit="messages/s", ours=single["rate"])
    yield Row(what=f"{BATCH} messages in a frame", unit="messages/s", ours=batches["rate"])
    yield Row(what="round trip", unit="s", ours=trips["trip"])
    yield "A message here is a request and its answer, of the size of otter's; each end parses what it gets."

"""The limit of the machine: a raw pipe with orjson, singly and in batches."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial

from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures, rounds
from tests.benchmarks.processes import run
from tests.benchmarks.results import Row

BATCH = 100
OUTSTANDING = 2_000
TRIPS_SHARE = 20
"""One part of this many of the messages makes round trips, which are slow."""


def raw_pipe(bench: Bench, batch: int, outstanding: int = OUTSTANDING) -> Figures:
    """Send messages through a raw pipe and take the answers once: `seconds` and `rate`."""
    count = bench.scale.messages if outstanding > 1 else bench.scale.messages // TRIPS_SHARE
    words = [sys.executable, "-m", "tests.benchmarks.pipe", str(count), str(batch), str(outstanding)]
    figures: Figures = json.loads(run(words, directory=bench.directory).output)
    return figures


def measure(bench: Bench) -> Iterator[Finding]:
    """Rates of messages that are answered, and the time of one round trip."""
    singly, batches, trips = rounds(
        bench.runs(5), partial(raw_pipe, bench, 1), partial(raw_pipe, bench, BATCH), partial(raw_pipe, bench, 1, 1)
    )
    yield Row(what="one message in a frame, many on the way", unit="messages/s", ours=singly["rate"])
    yield Row(what=f"{BATCH} messages in a frame", unit="messages/s", ours=batches["rate"])
    yield Row(what="round trip", unit="s", ours=trips["rate"].map(lambda rate: 1 / rate))
    yield "Each message is one request and its answer, of the size of otter's; both ends parse what they get."

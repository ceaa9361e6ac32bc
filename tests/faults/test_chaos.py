"""Chaos: workers are killed and stopped, the coordinator is killed, and what comes out is held against the journal.

`OTTER_CHAOS_TASKS` and `OTTER_CHAOS_SEED` make it longer and different; see `hatch run chaos`.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal

from tests.support.history import Snapshot, check_effects, check_journal
from tests.support.runs import PATIENCE, Running, Scene

TASKS = int(os.environ.get("OTTER_CHAOS_TASKS", "5000"))
SEED = int(os.environ.get("OTTER_CHAOS_SEED", "1"))
STRIKES = max(12, TASKS // 250)
COORDINATOR_EVERY = 4
"""Every so many strikes the coordinator is the victim."""


def strike(running: Running, rng: random.Random) -> None:
    """Kill or stop a worker; those that were stopped before go on."""
    workers = running.workers()
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    if workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(workers), rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP]))


def test_each_task_ends_once_whatever_dies(scene: Scene) -> None:
    """Thousands of tasks under attack: each is committed once, and what was done is exactly what was committed."""
    each = TASKS // 3
    names = [f"{kind} {number}" for kind in ("mark", "mark_async") for number in range(each)]
    scene.write(*({"name": name} for name in names), {"name": "breed many", "count": each})
    names += ["breed many", *(f"mark many {number}" for number in range(each))]
    rng = random.Random(SEED)
    snapshots = []

    running = scene.start("-p", "3", "-q")
    for number in range(1, STRIKES + 1):
        with contextlib.suppress(AssertionError):  # it may have ended before it could be hurt again
            running.wait_for_journal(number * len(names) // (STRIKES + 1))
        if number % COORDINATOR_EVERY:
            strike(running, rng)
            continue
        running.signal(signal.SIGKILL)
        running.wait()
        snapshots.append(Snapshot.of(scene))
        running = scene.start("-p", "3", "-q", "--resume")
    for pid in running.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    ended = running.wait(PATIENCE + TASKS / 100)

    assert ended.code == 0, ended.output[-2000:]
    assert dict.fromkeys(names, "success") == ended.results()
    check_journal(scene.journal())
    check_effects(scene)
    for snapshot in snapshots:
        snapshot.check_later(scene)
    assert len(snapshots) == STRIKES // COORDINATOR_EVERY

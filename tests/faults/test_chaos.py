"""Chaos: workers are killed and stopped, the coordinator is killed, and what comes out is held against the journal.

`OTTER_CHAOS_TASKS` and `OTTER_CHAOS_SEED` make it longer and different; see `hatch run chaos`.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections import Counter

from tests.support.runs import Running, Scene

TASKS = int(os.environ.get("OTTER_CHAOS_TASKS", "5000"))
SEED = int(os.environ.get("OTTER_CHAOS_SEED", "1"))
STRIKES = max(12, TASKS // 250)
COORDINATOR_EVERY = 4
"""Every so many strikes the coordinator is the victim."""


def strike(running: Running, rng: random.Random, number: int) -> bool:
    """Hurt the run; whether the coordinator was killed."""
    workers = running.workers()
    if number % COORDINATOR_EVERY == 0:
        running.signal(signal.SIGKILL)
        return True
    if workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(workers), rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP]))
    return False


def revive(running: Running) -> None:
    """Let stopped workers go on."""
    for pid in running.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_each_task_ends_once_whatever_dies(scene: Scene) -> None:
    """Thousands of tasks under attack: each is committed once, and what was done is exactly what was committed."""
    names = [f"mark {number}" for number in range(TASKS)]
    scene.write(*({"name": name} for name in names))
    rng = random.Random(SEED)
    step = TASKS // (STRIKES + 1)

    running = scene.start("--pool-size=3")
    for number in range(1, STRIKES + 1):
        if running.process.poll() is not None:
            break
        with contextlib.suppress(AssertionError):  # it may have ended before it could be hurt again
            running.wait_for_journal(min(number * step, TASKS))
        revive(running)
        if strike(running, rng, number):
            running.wait()
            running = scene.start("--pool-size=3", "--resume")
    revive(running)
    ended = running.wait(timeout=80)

    assert ended.code == 0, ended.output[-2000:]
    commits = Counter(
        record["entry"]["name"]
        for record in scene.journal()
        if record["kind"] == "task" and record["entry"]["result"] == "success"
    )
    assert dict.fromkeys(names, 1) == commits
    assert dict.fromkeys(names, "success") == ended.results()
    assert all(scene.attempts(name) >= 1 for name in names)

"""A run at a glance."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.overview import GeneratorGlance, PoolGlance, TaskGlance, overview
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]


def test_what_runs_and_what_waits_for_what(drive: Drive) -> None:
    """Each task is counted once: by what it waits for, or as running, or by how it ended."""
    run = drive(pool_size=2, keep_going=True, pools={"db": 1})
    run.add(
        task("first", priority=1),
        *(task(f"db {number}", uses={"db": 1}) for number in range(3)),
        *(task(f"free {number}") for number in range(2)),
        task("after", "first"),
        task("after all", "first", "after"),
    )
    run.ready(0)
    run.ready(1)
    run.now = 3.0
    run.started(0, "first")
    run.started(1, "db 0")

    seen = overview(run.scheduler)

    assert (8, 0, 2, 2, 2, 2, 0) == (
        seen.total, seen.ended, seen.running, seen.for_worker, seen.for_pool, seen.for_tasks, seen.for_retry
    )  # fmt: skip
    assert {TaskGlance("first", 0, 1, 3.0, 2), TaskGlance("db 0", 1, 1, 3.0, 0)} == set(seen.oldest)
    assert (PoolGlance("db", 1, 1, 2, 0),) == seen.pools


def test_a_pool_tells_who_waits_for_it_and_how_many_have_passed(drive: Drive) -> None:
    """Attempts that began and ended have passed, whatever their outcome; a task that was taken back has not."""
    run = drive(pool_size=2, keep_going=True, pools={"db": 1})
    run.add(*(task(f"db {number}", uses={"db": 1}) for number in range(4)))
    run.ready(0)
    run.ready(1)
    assert (PoolGlance("db", 1, 1, 3, 0),) == overview(run.scheduler).pools
    run.lost(0)
    assert 0 == overview(run.scheduler).pools[0].passed
    run.succeeded(1, "db 0")
    run.failed(1, "db 1")

    seen = overview(run.scheduler)

    assert (PoolGlance("db", 1, 1, 1, 2),) == seen.pools
    assert (1, 1, 1) == (seen.succeeded, seen.failed, seen.for_pool)


def test_retries_and_generators(drive: Drive) -> None:
    """A task in its back-off says when it goes on; a generator, how far it is, until all that it made has ended."""
    run = drive(keep_going=True)
    run.add(task("explode"), task("gather", "explode"))
    run.ready(0)
    run.started(0, "explode")
    run.ended(0, "explode", added=[task("part 1"), task("part 2", retries=1, backoff="fixed"), task("part 3")])
    run.succeeded(0, "part 1")
    run.failed(0, "part 2")

    seen = overview(run.scheduler)

    assert (GeneratorGlance("explode", 1, 3, False, 1),) == seen.generators
    (again,) = seen.next
    assert ("part 2", None, 2, 0) == (again.name, again.worker, again.attempt, again.holds_up)
    assert 0.0 < again.at < 10.0
    run.failed(0, "part 3")
    assert (GeneratorGlance("explode", 2, 3, True, 1),) == overview(run.scheduler).generators
    run.tick(again.at + 1)
    run.started(0, "part 2", 2)
    run.ended(0, "part 2", 2)
    assert () == overview(run.scheduler).generators

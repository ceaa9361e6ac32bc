"""Attempts that fail, and those that take too long."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otter.step.coordinator.events import (
    Abort,
    AttemptEnded,
    Commit,
    Dispatch,
    Finish,
    KillWorker,
    Outcome,
    Retry,
    StartWorker,
    StopWorker,
    TaskId,
    WorkerId,
)  # fmt: skip
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
T0, W0, W1 = TaskId(0), WorkerId(0), WorkerId(1)


def delays(run: Driver) -> list[float]:
    """Seconds that the retries so far were told to wait."""
    return [command.delay for command in run.of(Retry)]


def test_a_failure_without_retries_is_final(drive: Drive) -> None:
    """A task fails with its reason at the first failure, unless its policy allows more."""
    run = drive()
    run.add(task("a"))
    run.ready(0)

    assert [
        Commit(T0, Outcome.FAILURE, 1, "OSError: no"),
        StopWorker(W0),
        Finish(Outcome.FAILURE, "a: OSError: no"),
    ] == run.failed(0, "a")


def test_a_failure_is_tried_again_after_its_delay(drive: Drive) -> None:
    """A retry is announced with its delay, comes when that is over and not before, and may succeed."""
    run = drive()
    run.add(task("a", retries=1, retry_delay=4.0))
    run.ready(0)

    [retry] = run.failed(0, "a")
    assert isinstance(retry, Retry)
    assert Retry(T0, 1, "OSError: no", retry.delay) == retry
    assert retry.delay == run.scheduler.next_wakeup()
    assert [] == run.tick(retry.delay - 0.001)
    assert [Dispatch(W0, T0, 2)] == run.tick(0.001)
    run.started(0, "a", 2)
    assert [Commit(T0, Outcome.SUCCESS, 2), StopWorker(W0), Finish(Outcome.SUCCESS)] == run.ended(0, "a", 2)


def test_retries_end(drive: Drive) -> None:
    """A task with n retries has n + 1 attempts, and fails with the reason of the last one."""
    run = drive()
    run.add(task("a", retries=2, retry_delay=0.0))
    run.ready(0)
    run.failed(0, "a", 1)
    run.tick()
    run.failed(0, "a", 2)
    run.tick()

    assert Commit(T0, Outcome.FAILURE, 3, "the last") in run.failed(0, "a", 3, "the last")


@pytest.mark.parametrize(("backoff", "expected"), [("fixed", [2.0, 2.0, 2.0]), ("exponential", [2.0, 4.0, 8.0])])
def test_backoff(drive: Drive, backoff: str, expected: list[float]) -> None:
    """A fixed delay stays, an exponential one doubles, and each is varied by at most a quarter."""
    run = drive()
    run.add(task("a", retries=3, retry_delay=2.0, backoff=backoff))  # type: ignore[arg-type]  # one of its literals
    run.ready(0)
    for attempt in (1, 2, 3):
        run.failed(0, "a", attempt)
        run.tick(10)

    assert [True] * 3 == [0.75 <= delay / base <= 1.25 for base, delay in zip(expected, delays(run), strict=True)]


def test_jitter_comes_from_the_seed(drive: Drive) -> None:
    """Equal seeds give equal delays, other seeds others: tasks that failed together do not come back together."""

    def with_seed(seed: int) -> list[float]:
        run = drive(seed=seed, pool_size=1, keep_going=True)
        run.add(task("a", retries=1), task("b", retries=1))
        run.ready(0)
        run.failed(0, "a")
        run.failed(0, "b")
        return delays(run)

    first = with_seed(1)
    assert first == with_seed(1)
    assert first != with_seed(2)
    assert first[0] != first[1]


def test_what_is_not_idempotent_is_never_tried_again(drive: Drive) -> None:
    """`idempotent = false` wins over `retries`."""
    run = drive()
    run.add(task("a", retries=5, idempotent=False))
    run.ready(0)

    assert Commit(T0, Outcome.FAILURE, 1, "OSError: no") in run.failed(0, "a")


def test_other_tasks_go_on_while_one_waits_for_its_retry(drive: Drive) -> None:
    """A delay holds up nobody else, and what requires the task waits for the attempt that succeeds."""
    run = drive()
    run.add(task("a", retries=1, priority=1), task("after", "a"), task("b"))
    run.ready(0)

    assert [Dispatch(W0, TaskId(2), 1)] == run.failed(0, "a")[1:]
    run.succeeded(0, "b")
    run.tick(2)
    run.started(0, "a", 2)
    assert Dispatch(W0, TaskId(1), 1) in run.ended(0, "a", 2)


def test_a_task_beyond_its_time_is_asked_to_stop(drive: Drive) -> None:
    """At its timeout a task is asked to stop; one that does fails with the timeout as its reason."""
    run = drive()
    run.add(task("a", timeout=3.0))
    run.ready(0)
    run.started(0, "a")

    assert [] == run.tick(2.9)
    assert [Abort(W0, (T0,), 0.5)] == run.tick(0.1)
    assert Commit(T0, Outcome.FAILURE, 1, "timed out after 3 s") in run.ended(
        0, "a", outcome=Outcome.ABORTED, reason="TaskAbortedError"
    )


def test_a_task_that_does_not_stop_is_killed(drive: Drive) -> None:
    """Half a second after it was asked, its worker is killed; then the task failed by its timeout, not by a crash."""
    run = drive()
    run.add(task("a", timeout=3.0))
    run.ready(0)
    run.started(0, "a")
    run.tick(3.0)

    assert [KillWorker(W0, "timed out")] == run.tick(0.5)
    assert [
        Commit(T0, Outcome.FAILURE, 1, "timed out after 3 s"),
        Finish(Outcome.FAILURE, "a: timed out after 3 s"),
    ] == run.lost(0)


def test_a_timeout_counts_as_a_failure(drive: Drive) -> None:
    """A task that timed out is tried again as often as its policy says, each time with a new deadline."""
    run = drive()
    run.add(task("a", timeout=3.0, retries=1, retry_delay=0.0))
    run.ready(0)
    run.started(0, "a")
    run.tick(3.5)

    assert [Retry(T0, 1, "timed out after 3 s", 0.0)] == run.lost(0)
    assert [StartWorker(W1)] == run.tick()
    run.ready(1)
    run.started(1, "a", 2)
    assert [] == run.tick(2.9)
    assert [Abort(W1, (T0,), 0.5)] == run.tick(0.1)


def test_a_result_in_the_last_moment_counts(drive: Drive) -> None:
    """A task that succeeds after it was asked to stop has succeeded."""
    run = drive()
    run.add(task("a", timeout=3.0))
    run.ready(0)
    run.started(0, "a")
    run.tick(3.0)

    assert [Commit(T0, Outcome.SUCCESS, 1), StopWorker(W0), Finish(Outcome.SUCCESS)] == run.ended(0, "a")


def test_a_deadline_ends_with_its_attempt(drive: Drive) -> None:
    """The deadline of an attempt that has ended does nothing to the next one."""
    run = drive()
    run.add(task("a", timeout=3.0, retries=1, retry_delay=0.0))
    run.ready(0)
    run.tick(1)
    run.failed(0, "a", 1)
    run.tick(2)
    run.started(0, "a", 2)

    assert [] == run.tick(2.9)


def test_time_in_a_queue_is_no_time_of_the_task(drive: Drive) -> None:
    """The clock of a timeout starts when the attempt begins, not when it is handed out."""
    run = drive()
    run.add(task("a", timeout=3.0))
    run.ready(0)
    run.tick(60)
    run.started(0, "a")

    assert [] == run.tick(2.9)


def test_a_neighbour_of_a_timeout_is_not_blamed(drive: Drive) -> None:
    """Asynchronous tasks that shared the worker of one that was killed run again, and nothing counts against them."""
    run = drive(keep_going=True, crash_limit=1)
    run.add(task("slow", asynchronous=True, timeout=3.0), task("other", asynchronous=True))
    run.ready(0)
    run.started(0, "slow")
    run.started(0, "other")
    run.tick(3.5)

    assert [
        Commit(T0, Outcome.FAILURE, 1, "timed out after 3 s"),
        Retry(TaskId(1), 1, "its worker was killed because of 'slow'", 0.0),
        StartWorker(W1),
    ] == run.lost(0)


def test_a_kill_that_comes_too_late_blames_nobody(drive: Drive) -> None:
    """When a task answers just before its worker is killed for its timeout, its neighbours run again all the same."""
    run = drive(crash_limit=1)
    run.add(task("slow", asynchronous=True, timeout=3.0), task("other", asynchronous=True))
    run.ready(0)
    run.started(0, "slow")
    run.started(0, "other")
    run.tick(3.5)
    run.ended(0, "slow")

    assert [Retry(TaskId(1), 1, "its worker was killed because of another task", 0.0), StartWorker(W1)] == run.lost(0)


def test_a_spec_that_cannot_be_completed_fails_its_task(drive: Drive) -> None:
    """A task whose placeholders nothing defined fails when it is handed out, without an attempt."""
    run = drive(keep_going=True)
    run.add(task("a"), task("b"))
    run.ready(0)

    assert [Commit(T0, Outcome.FAILURE, 0, "${x} is not defined"), Dispatch(W0, TaskId(1), 1)] == run.refused(
        0, "a", "${x} is not defined"
    )


def test_an_elapsed_time_that_is_no_time_does_no_harm(drive: Drive) -> None:
    """What a worker says of its tasks' time is only a hint: nonsense neither raises nor stops the handing out."""
    run = drive()
    names = ["a", "b", "c", "d"]
    run.add(*map(task, names))
    run.ready(0)
    for name, elapsed in zip(names, (float("nan"), float("inf"), -1.0, 1e300), strict=True):
        run.started(0, name)
        run.handle(AttemptEnded(run.now, W0, run.id(name), 1, Outcome.SUCCESS, elapsed=elapsed))

    assert Finish(Outcome.SUCCESS) == run.commands[-1]

"""Clocks that jump, and processes that sleep."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.events import (
    Abort,
    AttemptStarted,
    Dispatch,
    KillWorker,
    StartWorker,
    TaskId,
    Tick,
    WorkerId,
)  # fmt: skip
from otter.step.coordinator.worker_care import LATE
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
T0, W0 = TaskId(0), WorkerId(0)


def test_sleeping_is_no_time_of_a_task(drive: Drive) -> None:
    """When the whole machine slept beyond a timeout, the task has the rest of its time afterwards."""
    run = drive()
    run.add(task("a", timeout=60.0))
    run.ready(0)
    run.started(0, "a")
    run.tick(30)

    assert [] == run.sleep(3600)
    assert [] == run.tick(29.5)
    assert [Abort(W0, (T0,), 0.5)] == run.tick(0.5)


def test_a_task_that_began_unnoticed_before_a_sleep_has_its_time(drive: Drive) -> None:
    """A beginning that is told after the sleep, and happened before it, is no reason to be late."""
    run = drive()
    run.add(task("a", timeout=60.0))
    run.ready(0)
    began = run.now + 0.001
    run.sleep(3600)

    assert [] == run.handle(AttemptStarted(began, W0, T0, 1))
    assert [] == run.tick(59.5)
    assert [Abort(W0, (T0,), 0.5)] == run.tick(0.5)


def test_sleeping_is_no_grace_and_no_delay(drive: Drive) -> None:
    """A retry's delay, the time for a hello and the grace period go on after a sleep where they stood before it."""
    run = drive(grace=10.0, keep_going=True)
    run.add(task("a", retries=1, retry_delay=20.0, backoff="fixed", priority=1), task("b"))
    run.ready(0)
    retry = run.failed(0, "a")[0]
    run.started(0, "b")
    run.sleep(3600)
    assert run.scheduler.next_wakeup() == 3600 + retry.delay  # type: ignore[union-attr]  # it is a Retry

    run.stop()
    run.sleep(3600)
    assert [] == run.tick(9.5)
    assert [KillWorker(W0, "still running 10 s after it was asked to stop")] == run.tick(0.5)


def test_sleeping_is_no_failed_start(drive: Drive) -> None:
    """A worker that could not say hello because the machine slept has its time again."""
    run = drive(start_timeout=30.0)
    run.add(task("a"))

    assert [] == run.sleep(86_400)
    assert [Dispatch(W0, T0, 1)] == run.ready(0)


def test_a_slow_turn_is_no_sleep(drive: Drive) -> None:
    """A loop that was busy for some seconds is still punctual: deadlines do not move."""
    run = drive()
    run.add(task("a", timeout=60.0))
    run.ready(0)
    run.started(0, "a")
    run.tick(57)

    assert [Abort(W0, (T0,), 0.5)] == run.sleep(4.9)


def test_a_first_event_at_any_time_is_no_sleep(drive: Drive) -> None:
    """Monotonic clocks begin anywhere."""
    run = drive()
    run.now = 1e6
    run.add(task("a", timeout=1.0))

    assert 1e6 + 30.0 == run.scheduler.next_wakeup()


def test_time_does_not_go_back(drive: Drive) -> None:
    """An event with an earlier time than the one before it, as two sources may have them, is taken as of now."""
    run = drive()
    run.add(task("a", timeout=10.0))
    run.tick(5)
    run.ready(0)
    run.tick(5)
    run.handle(AttemptStarted(7.0, W0, T0, 1))

    assert [] == run.handle(Tick(3.0))
    assert 17.0 == run.scheduler.next_wakeup()
    assert [] == run.handle(Tick(14.5))
    assert [Abort(W0, (T0,), 0.5)] == run.handle(Tick(17.0))


def test_it_says_when_it_must_be_woken(drive: Drive) -> None:
    """The next wake-up is the earliest of all that is waited for; nothing waits for time alone when all is idle."""
    run = drive(start_timeout=30.0)
    assert run.scheduler.next_wakeup() is None
    run.add(task("a", timeout=7.0), task("b"))
    assert 30.0 == run.scheduler.next_wakeup()
    run.ready(0)
    assert LATE == run.scheduler.next_wakeup()
    run.started(0, "a")
    assert 7.0 == run.scheduler.next_wakeup()


def test_a_back_off_is_waited_for_only_with_work(drive: Drive) -> None:
    """After a failed start the next one is due when the pause is over, if there is anything to do."""
    run = drive(pool_size=1)
    run.add(task("a"))
    run.lost(0)
    assert 0.1 == run.scheduler.next_wakeup()

    assert [StartWorker(WorkerId(1))] == run.tick(0.1)
    assert 0.1 + 30.0 == run.scheduler.next_wakeup()

"""Runs that stop before everything is done."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.events import (
    Abort,
    Commit,
    Dispatch,
    EngineFailed,
    Finish,
    KillWorker,
    Outcome,
    Revoke,
    StartWorker,
    StopLevel,
    StopWorker,
    TaskId,
    WorkerId,
)  # fmt: skip
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
T0, T1, T2 = TaskId(0), TaskId(1), TaskId(2)
W0, W1 = WorkerId(0), WorkerId(1)


def two_running(drive: Drive, **settings: object) -> Driver:
    """Two workers with a task each, and one task that is left."""
    run = drive(pool_size=2, **settings)
    run.add(task("a"), task("b"), task("c"))
    run.ready(0)
    run.ready(1)
    run.started(0, "a")
    run.started(1, "b")
    return run


def test_a_failure_stops_the_step(drive: Drive) -> None:
    """After a failure nothing more begins, what runs is asked to stop, and the rest stays pending."""
    run = two_running(drive)

    assert [
        Commit(T0, Outcome.FAILURE, 1, "OSError: no"),
        Abort(W1, (T1,), 10.0),
    ] == run.ended(0, "a", outcome=Outcome.FAILURE, reason="OSError: no")
    assert [
        Commit(T1, Outcome.ABORTED, 1, "TaskAbortedError"),
        StopWorker(W0),
        StopWorker(W1),
        Finish(Outcome.FAILURE, "a: OSError: no", pending=1),
    ] == run.ended(1, "b", outcome=Outcome.ABORTED, reason="TaskAbortedError")


def test_what_succeeds_while_the_step_stops_has_succeeded(drive: Drive) -> None:
    """An outcome is an outcome, also while the step stops; but nothing that waited for it begins."""
    run = drive(pool_size=2)
    run.add(task("a", priority=1), task("b"), task("after b", "b"))
    run.ready(0)
    run.ready(1)
    run.started(1, "b")
    run.failed(0, "a")

    assert [
        Commit(T1, Outcome.SUCCESS, 1),
        StopWorker(W0),
        StopWorker(W1),
        Finish(Outcome.FAILURE, "a: OSError: no", pending=1),
    ] == run.ended(1, "b")


def test_keep_going_skips_only_what_depends_on_the_failure(drive: Drive) -> None:
    """With keep_going everything else runs; what cannot is skipped, and names the failure that is the root of it."""
    run = drive(keep_going=True)
    run.add(task("a"), task("b", "a"), task("c", "b"), task("d"))
    run.ready(0)
    needs_a = "not begun: it needs 'a', which did not succeed"

    assert [
        Commit(T0, Outcome.FAILURE, 1, "OSError: no"),
        Commit(T1, Outcome.SKIPPED, 0, needs_a, cause=T0),
        Commit(T2, Outcome.SKIPPED, 0, needs_a, cause=T0),
        Dispatch(W0, TaskId(3), 1),
    ] == run.failed(0, "a")
    assert [
        Commit(TaskId(3), Outcome.SUCCESS, 1),
        StopWorker(W0),
        Finish(Outcome.FAILURE, "a: OSError: no"),
    ] == run.succeeded(0, "d")


def test_keep_going_names_the_first_failure(drive: Drive) -> None:
    """The reason of a run with several failures is the first of them."""
    run = drive(keep_going=True)
    run.add(task("a"), task("b"))
    run.ready(0)
    run.failed(0, "a", reason="first")
    run.failed(0, "b", reason="second")

    assert Finish(Outcome.FAILURE, "a: first") == run.commands[-1]


def test_a_request_drains(drive: Drive) -> None:
    """A first request asks running tasks to stop, takes back what has not begun, and ends when all have answered."""
    run = two_running(drive)

    assert [Abort(W0, (T0,), 10.0), Abort(W1, (T1,), 10.0)] == run.stop("cancelled by SIGTERM")
    assert [Commit(T0, Outcome.ABORTED, 1, "x")] == run.ended(0, "a", outcome=Outcome.ABORTED, reason="x")
    assert [
        Commit(T1, Outcome.SUCCESS, 1),
        StopWorker(W0),
        StopWorker(W1),
        Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1),
    ] == run.ended(1, "b")


def test_what_has_not_begun_is_taken_back(drive: Drive) -> None:
    """Tasks that wait in a worker when a run stops stay pending."""
    run = drive()
    run.add(task("first"), task("b"), task("c"))
    run.ready(0)
    run.succeeded(0, "first", elapsed=0.0001)
    run.started(0, "b")

    assert [Revoke(W0, (T2,)), Abort(W0, (T1,), 10.0)] == run.stop()
    run.ended(0, "b", elapsed=0.0001)
    assert [StopWorker(W0), Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1)] == run.revoked(0, "c")


def test_what_begins_while_it_is_taken_back_is_asked_to_stop(drive: Drive) -> None:
    """A task that begins between the decision to stop and its revocation is asked to stop as well."""
    run = drive()
    run.add(task("a"))
    run.ready(0)

    assert [Revoke(W0, (T0,))] == run.stop()
    assert [Abort(W0, (T0,), 10.0)] == run.started(0, "a")
    assert [] == run.revoked(0)
    assert Commit(T0, Outcome.ABORTED, 1, "aborted") in run.ended(0, "a", outcome=Outcome.ABORTED)


def test_the_grace_period_ends(drive: Drive) -> None:
    """What still runs when the grace period is over is killed, and was aborted: it has not crashed."""
    run = two_running(drive, grace=3.0)
    run.stop()
    run.ended(0, "a", outcome=Outcome.ABORTED)

    assert [] == run.tick(2.9)
    reason = "still running 3 s after it was asked to stop"
    assert [KillWorker(W0, reason), KillWorker(W1, reason)] == run.tick(0.1)
    run.lost(0)
    assert [
        Commit(T1, Outcome.ABORTED, 1, "aborted: cancelled by SIGTERM"),
        Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1),
    ] == run.lost(1)


def test_a_second_request_kills(drive: Drive) -> None:
    """A second request does not wait for the grace period."""
    run = two_running(drive)
    run.stop()

    assert [KillWorker(W0, "again"), KillWorker(W1, "again")] == run.stop("again", StopLevel.KILL)
    assert [Commit(T0, Outcome.ABORTED, 1, "aborted: cancelled by SIGTERM")] == run.lost(0)
    assert Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1) == run.lost(1)[-1]


def test_a_request_before_any_worker_is_there(drive: Drive) -> None:
    """A run without a worker that serves ends at once, and the worker that is starting is not waited for."""
    run = drive()
    run.add(task("a"))

    assert [
        KillWorker(W0, "not needed any more"),
        Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1),
    ] == run.stop()


def test_workers_that_were_starting_are_not_called_failed(drive: Drive) -> None:
    """Workers that were killed because nobody needs them any more are no failed starts."""
    run = drive(pool_size=5, starts_at_once=4)
    run.add(*(task(f"t{place}") for place in range(8)))
    run.ready(0)
    run.started(0, "t0")
    run.stop()
    for worker in range(1, 5):
        run.lost(worker)

    assert Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=7) == run.ended(0, "t0")[-1]


def test_a_task_between_two_attempts_is_aborted(drive: Drive) -> None:
    """A task that failed and waits for its next attempt when the run stops is neither pending nor failed."""
    run = drive(keep_going=True)
    run.add(task("a", retries=3), task("after", "a"), task("b"))
    run.ready(0)
    run.failed(0, "a")
    run.started(0, "b")
    run.stop()

    assert [
        Commit(T2, Outcome.SUCCESS, 1),
        Commit(T0, Outcome.ABORTED, 1, "aborted before its next attempt: cancelled by SIGTERM"),
        Commit(T1, Outcome.SKIPPED, 0, "not begun: it needs 'a', which did not succeed", cause=T0),
        StopWorker(W0),
        Finish(Outcome.ABORTED, "cancelled by SIGTERM"),
    ] == run.ended(0, "b")


def test_a_generator_whose_parts_are_left_is_not_pending(drive: Drive) -> None:
    """Only what never began counts as pending: not a generator that did its own work."""
    run = drive()
    run.add(task("explode"))
    run.ready(0)
    run.started(0, "explode")
    run.ended(0, "explode", added=[task("a"), task("b")])
    run.started(0, "a")
    run.stop()

    assert Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1) == run.ended(0, "a")[-1]


def test_a_failure_while_the_run_drains_is_recorded(drive: Drive) -> None:
    """A task that fails while the run stops has failed, without a retry; the run was still cancelled."""
    run = drive()
    run.add(task("a", retries=5))
    run.ready(0)
    run.started(0, "a")
    run.stop()

    assert [
        Commit(T0, Outcome.FAILURE, 1, "OSError: no"),
        StopWorker(W0),
        Finish(Outcome.ABORTED, "cancelled by SIGTERM"),
    ] == run.ended(0, "a", outcome=Outcome.FAILURE, reason="OSError: no")


def test_the_engine_fails(drive: Drive) -> None:
    """When the engine cannot go on, the run drains and fails with that reason, also when it was draining."""
    run = two_running(drive)
    assert [Abort(W0, (T0,), 10.0), Abort(W1, (T1,), 10.0)] == run.handle(EngineFailed(run.now, "storage error: full"))
    run.ended(0, "a")
    run.ended(1, "b")
    assert Finish(Outcome.FAILURE, "storage error: full", pending=1) == run.commands[-1]

    run = two_running(drive)
    run.stop()
    run.handle(EngineFailed(run.now, "storage error: full"))
    run.ended(0, "a")
    run.ended(1, "b")
    assert Finish(Outcome.FAILURE, "storage error: full", pending=1) == run.commands[-1]


def test_nothing_happens_after_the_end(drive: Drive) -> None:
    """Events that come after the end are ignored, and no time is waited for."""
    run = drive()
    run.add(task("a"), task("b"))
    run.ready(0)
    run.failed(0, "a")

    assert run.scheduler.finished
    assert [] == run.lost(0) + run.stop() + run.tick(100) + run.started(0, "b") + run.ended(0, "b")
    assert run.scheduler.next_wakeup() is None


def test_no_worker_is_started_while_the_run_stops(drive: Drive) -> None:
    """The death of a worker while the run stops is not made good."""
    run = two_running(drive)
    run.stop()
    run.lost(0)

    assert [StartWorker(W0), StartWorker(W1)] == run.of(StartWorker)

"""Workers that die, and who is blamed."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.events import (
    Commit,
    Dispatch,
    Finish,
    KillWorker,
    Outcome,
    Retry,
    Revoke,
    StartWorker,
    StopWorker,
    TaskId,
    WorkerId,
    WorkerUnstartable,
)  # fmt: skip
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
T0, T1, T2 = TaskId(0), TaskId(1), TaskId(2)
W0, W1, W2 = WorkerId(0), WorkerId(1), WorkerId(2)


def learn(run: Driver, elapsed: float = 0.0001) -> None:
    """Let a first task show that its type takes little time, so that the others are handed out in batches."""
    run.ready(0)
    run.succeeded(0, "first", elapsed=elapsed)


def test_a_task_that_was_running_alone_is_blamed(drive: Drive) -> None:
    """A worker's death during the only task that it ran is that task's crash; it is tried again on a fresh worker."""
    run = drive()
    run.add(task("a"))
    run.ready(0)
    run.started(0, "a")

    assert [Retry(T0, 1, "crashed: SIGKILL", 0.0), StartWorker(W1)] == run.lost(0)
    assert [Dispatch(W1, T0, 2)] == run.ready(1)


def test_a_second_crash_is_final(drive: Drive) -> None:
    """A task that took down two workers has failed."""
    run = drive()
    run.add(task("a", retries=10))
    run.ready(0)
    run.started(0, "a")
    run.lost(0)
    run.ready(1)
    run.started(1, "a", 2)

    assert [
        Commit(T0, Outcome.FAILURE, 2, "crashed: SIGSEGV (in 2 attempts)"),
        Finish(Outcome.FAILURE, "a: crashed: SIGSEGV (in 2 attempts)"),
    ] == run.lost(1, "SIGSEGV")


def test_crashes_and_failures_are_counted_apart(drive: Drive) -> None:
    """A crash uses up no retry, and a failure is no crash."""
    run = drive()
    run.add(task("a", retries=1, retry_delay=0.0))
    run.ready(0)
    run.started(0, "a")
    run.lost(0)
    run.ready(1)

    assert [Retry(T0, 2, "OSError: no", 0.0)] == run.failed(1, "a", 2)


def test_what_is_not_idempotent_does_not_survive_a_crash(drive: Drive) -> None:
    """A task that must not run twice fails with its first crash, and the reason says why it is not tried again."""
    run = drive()
    run.add(task("a", idempotent=False))
    run.ready(0)
    run.started(0, "a")

    assert Commit(
        T0, Outcome.FAILURE, 1, "crashed: SIGKILL; not tried again, because it is not idempotent"
    ) in run.lost(0)


def test_a_task_that_had_not_begun_is_not_blamed(drive: Drive) -> None:
    """An attempt that was handed out and never began is as if it had not been: same number, no retry announced."""
    run = drive()
    run.add(task("a", idempotent=False))
    run.ready(0)

    assert [StartWorker(W1)] == run.lost(0) + run.tick(1)
    assert [Dispatch(W1, T0, 1)] == run.ready(1)


def test_tasks_behind_the_one_that_crashed_are_not_blamed(drive: Drive) -> None:
    """Of a batch, what was running is blamed; what waited behind it is handed out again, in its order."""
    run = drive(crash_limit=1, keep_going=True)
    run.add(task("first"), task("bad"), task("b"), task("c"))
    learn(run)
    run.started(0, "bad")

    assert [
        Commit(T1, Outcome.FAILURE, 1, "crashed: SIGKILL (in 1 attempts)"),
        StartWorker(W1),
    ] == run.lost(0)
    assert [Dispatch(W1, T2, 1), Dispatch(W1, TaskId(3), 1)] == run.ready(1)


def test_a_result_that_came_before_the_death_counts(drive: Drive) -> None:
    """What a worker had sent is handled before its death is: the task is done, and nothing is blamed."""
    run = drive()
    run.add(task("a"), task("b", "a"))
    run.ready(0)
    run.succeeded(0, "a")

    assert [Commit(T0, Outcome.SUCCESS, 1)] == run.of(Commit)
    assert [] == [command for command in run.lost(0) if isinstance(command, Commit | Retry)]


def test_several_suspects_are_tried_again_alone(drive: Drive) -> None:
    """When several tasks ran in a worker that died, none is blamed; each has its next attempt by itself."""
    run = drive(pool_size=2, crash_limit=1)
    run.add(task("a", asynchronous=True), task("b", asynchronous=True), task("c", asynchronous=True))
    run.ready(0)
    run.started(0, "a")
    run.started(0, "b")

    assert [
        Retry(T0, 1, "lost with its worker, beside other tasks: SIGKILL", 0.0),
        Retry(T1, 1, "lost with its worker, beside other tasks: SIGKILL", 0.0),
    ] == run.lost(0)[:2]
    assert [Dispatch(W1, T0, 2, alone=True), StartWorker(W2)] == run.ready(1)
    assert [Dispatch(W2, T1, 2, alone=True)] == run.ready(2)


def test_a_suspect_that_crashes_alone_is_blamed(drive: Drive) -> None:
    """The attempt that a suspect has by itself tells whether it was the one."""
    run = drive(crash_limit=1, keep_going=True)
    run.add(task("a", asynchronous=True), task("b", asynchronous=True))
    run.ready(0)
    run.started(0, "a")
    run.started(0, "b")
    run.lost(0)
    run.ready(1)
    run.started(1, "a", 2)

    assert Commit(T0, Outcome.FAILURE, 2, "crashed: SIGKILL (in 1 attempts)") in run.lost(1)
    assert [Dispatch(W2, T1, 2, alone=True)] == run.ready(2)
    run.started(2, "b", 2)
    assert Commit(T1, Outcome.SUCCESS, 2) in run.ended(2, "b", 2)


def test_nothing_joins_a_suspect(drive: Drive) -> None:
    """A worker with a task that must be alone gets no other until that one has ended."""
    run = drive(keep_going=True)
    run.add(task("a", asynchronous=True), task("b", asynchronous=True))
    run.ready(0)
    run.started(0, "a")
    run.started(0, "b")
    run.lost(0)

    assert [Dispatch(W1, T0, 2, alone=True)] == run.ready(1)
    assert [] == run.started(1, "a", 2)
    assert [Commit(T0, Outcome.SUCCESS, 2), Dispatch(W1, T1, 2, alone=True)] == run.ended(1, "a", 2)


def test_a_suspect_that_is_not_idempotent_is_not_called_crashed(drive: Drive) -> None:
    """A task that must not run twice ends with its worker, but is not said to have crashed: that is not known."""
    run = drive(keep_going=True)
    run.add(task("a", asynchronous=True, idempotent=False), task("b", asynchronous=True))
    run.ready(0)
    run.started(0, "a")
    run.started(0, "b")

    reason = "lost with its worker, beside other tasks: SIGKILL; not tried again, because it is not idempotent"
    assert Commit(T0, Outcome.FAILURE, 1, reason) in run.lost(0)


def test_a_worker_that_dies_with_nothing_to_do_is_not_missed(drive: Drive) -> None:
    """An idle worker's death blames nobody, and no other is started unless there is work for it."""
    run = drive(pool_size=2)
    run.add(task("a"), task("b"))
    run.ready(0)
    run.ready(1)
    run.started(0, "a")
    run.succeeded(1, "b")

    assert [] == run.lost(1)
    assert [Commit(T0, Outcome.SUCCESS, 1), StopWorker(W0), Finish(Outcome.SUCCESS)] == run.ended(0, "a")


def test_failed_starts_back_off_and_end_the_run(drive: Drive) -> None:
    """Three workers in a row that die before their hello end the run with the reason; the pauses between them grow."""
    run = drive(pool_size=8, starts_at_once=1)
    assert [StartWorker(W0)] == run.add(task("a"))

    assert [] == run.lost(0, "exit 1")
    assert 0.1 == run.scheduler.next_wakeup()
    assert [StartWorker(W1)] == run.tick(0.1)
    assert [] == run.lost(1, "exit 1")
    assert [] == run.tick(0.19)
    assert [StartWorker(W2)] == run.tick(0.01)
    assert [Finish(Outcome.FAILURE, "workers cannot be started: exit 1", pending=1)] == run.lost(2, "exit 1")


def test_a_hello_forgives_failed_starts(drive: Drive) -> None:
    """Only failures in a row count: a worker that begins a task proves that workers can start."""
    run = drive(starts_at_once=1)
    run.add(task("a", retries=5))
    run.lost(0)
    run.tick(1)
    run.lost(1)
    run.tick(1)
    run.ready(2)
    run.started(2, "a")
    run.lost(2)
    run.lost(3)

    assert [StartWorker(WorkerId(4))] == run.tick(1)


def test_workers_that_greet_and_die_end_the_run_too(drive: Drive) -> None:
    """A worker that says hello and dies before it begins what it was given counts as a failed start: the run ends."""
    run = drive()
    run.add(task("a"))
    for worker in (0, 1):
        run.ready(worker)
        run.lost(worker, "SIGKILL")
        run.tick(1)
    run.ready(2)

    assert [Finish(Outcome.FAILURE, "workers cannot be started: SIGKILL", pending=1)] == run.lost(2, "SIGKILL")


def test_failed_starts_do_not_end_a_run_that_has_a_worker(drive: Drive) -> None:
    """When a worker serves and no further one can be started, the run goes on with what there is."""
    run = drive(pool_size=4, starts_at_once=1)
    run.add(*(task(f"t{place}") for place in range(6)))
    run.ready(0)
    run.started(0, "t0")
    for worker in (1, 2, 3):
        run.lost(worker, "cannot allocate memory")
        run.tick(1)

    assert 4 == len(run.of(StartWorker))
    run.ended(0, "t0")
    for place in range(1, 6):
        run.succeeded(0, f"t{place}")
    assert Finish(Outcome.SUCCESS) == run.commands[-1]


def test_a_worker_that_cannot_be_made_lowers_the_pool(drive: Drive) -> None:
    """Without descriptors or processes for another worker, the run goes on with those that it has."""
    run = drive(pool_size=4)
    run.add(*(task(f"t{place}") for place in range(6)))
    run.ready(0)

    assert [] == run.handle(WorkerUnstartable(run.now, W1, "too many open files"))
    assert [] == run.tick(5)
    assert [Dispatch(W0, T1, 1)] == run.succeeded(0, "t0")[1:]


def test_no_worker_at_all_can_be_made(drive: Drive) -> None:
    """When not even one worker can be made, the run ends with the reason after a few tries."""
    run = drive(pool_size=4, starts_at_once=1)
    run.add(task("a"))
    for worker in range(3):
        run.handle(WorkerUnstartable(run.now, WorkerId(worker), "no such interpreter"))
        run.tick(1)

    assert Finish(Outcome.FAILURE, "workers cannot be started: no such interpreter", pending=1) == run.commands[-1]


def test_a_worker_that_never_says_hello_is_killed(drive: Drive) -> None:
    """A worker has its start deadline to say hello; then it is killed, and counts as a failed start."""
    run = drive(start_timeout=30.0)
    run.add(task("a"))

    assert [] == run.tick(29.9)
    assert [KillWorker(W0, "no hello within 30 s")] == run.tick(0.1)
    assert [] == run.lost(0)
    assert [StartWorker(W1)] == run.tick(0.1)


def test_a_late_hello_does_not_bring_a_killed_worker_back(drive: Drive) -> None:
    """A worker that greets while it is being killed gets nothing."""
    run = drive(start_timeout=30.0)
    run.add(task("a"))
    run.tick(30)

    assert [] == run.ready(0)


def test_a_tainted_worker_is_replaced(drive: Drive) -> None:
    """A worker whose process a task left unclean gets nothing more: what it holds is taken back, and it ends."""
    run = drive()
    run.add(task("first"), task("b"), task("c"), task("d"))
    learn(run)
    run.started(0, "b")

    assert [
        Revoke(W0, (T2, TaskId(3))),
        StopWorker(W0),
        Commit(T1, Outcome.SUCCESS, 1),
    ] == run.ended(0, "b", tainted="threads left running: x", elapsed=0.0001)
    assert [] == run.revoked(0, "c", "d")
    assert [StartWorker(W1)] == run.lost(0, "exited with 0")
    assert [Dispatch(W1, T2, 1), Dispatch(W1, TaskId(3), 1)] == run.ready(1)


def test_a_worker_that_does_not_end_is_killed(drive: Drive) -> None:
    """A worker that was told to end and does not, because of a thread that a task left, does not hold up the run."""
    run = drive(grace=10.0)
    run.add(task("a"), task("b"))
    run.ready(0)
    run.started(0, "a")
    run.ended(0, "a", tainted="threads left running: x")

    assert [] == run.tick(9.9)
    assert [KillWorker(W0, "no end within 10 s")] == run.tick(0.1)
    assert [StartWorker(W1)] == run.lost(0)


def test_an_unknown_worker_is_ignored(drive: Drive) -> None:
    """Events about a worker that is gone already, or never was, change nothing."""
    run = drive()
    run.add(task("a"))
    run.ready(0)

    assert [] == run.lost(7)
    assert [] == run.ready(7)
    assert [] == run.revoked(7, "a")
    assert [] == run.confirmed(7)

"""Named pools limit how many tasks run at once."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.events import Commit, Dispatch, Finish, NewTask, Outcome, TaskId, WorkerId
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]


def all_ready(drive: Drive, *tasks: NewTask, **pools: int) -> Driver:
    """A run whose four workers are there before it has tasks."""
    run = drive(pool_size=4, starts_at_once=4, pools=pools, keep_going=True)
    run.add(*tasks)
    for worker in range(4):
        run.ready(worker)
    return run


def running(run: Driver) -> list[str]:
    """Names of the tasks that workers have."""
    return sorted(
        run.scheduler.graph.nodes[number].name
        for worker in run.scheduler.workers.values()
        for number in (*worker.running, *worker.waiting)
    )


def worker_of(run: Driver, name: str) -> int:
    """The worker that has a task."""
    number = run.id(name)
    return next(w.id for w in run.scheduler.workers.values() if number in w.running or number in w.waiting)


def finish(run: Driver, name: str, outcome: Outcome = Outcome.SUCCESS, attempt: int = 1) -> None:
    """Let a task that a worker has begin and end."""
    worker = worker_of(run, name)
    run.started(worker, name, attempt)
    run.ended(worker, name, attempt, outcome, reason=None if outcome is Outcome.SUCCESS else "no")


def test_a_pool_limits_its_users(drive: Drive) -> None:
    """As many tasks run as their pool has room for; others are not held up."""
    run = all_ready(drive, *(task(f"db {n}", uses={"db": 1}) for n in range(4)), task("free"), db=2)

    assert ["db 0", "db 1", "free"] == running(run)
    finish(run, "db 0")
    assert ["db 1", "db 2", "free"] == running(run)


def test_amounts_add_up(drive: Drive) -> None:
    """A task holds the amount that its policy names."""
    run = all_ready(drive, task("two", uses={"m": 2}), task("three", uses={"m": 3}), m=4)

    assert ["two"] == running(run)
    finish(run, "two")
    assert ["three"] == running(run)


def test_an_amount_beyond_the_size_has_the_pool_to_itself(drive: Drive) -> None:
    """A task that needs more than there is runs when nobody else uses the pool, and nobody joins it."""
    run = all_ready(drive, task("a", uses={"m": 1}), task("huge", uses={"m": 9}, priority=-1), m=2)
    assert ["a"] == running(run)

    finish(run, "a")
    assert ["huge"] == running(run)
    run.started(worker_of(run, "huge"), "huge")
    run.ended(worker_of(run, "huge"), "huge", added=[task("b", uses={"m": 1})])
    assert ["b"] == running(run)


def test_a_pool_without_a_size_has_room_for_one(drive: Drive) -> None:
    """A pool that the pipeline file does not describe lets one task run at a time."""
    run = all_ready(drive, task("a", uses={"unknown": 1}), task("b", uses={"unknown": 1}))

    assert ["a"] == running(run)
    finish(run, "a")
    assert ["b"] == running(run)


def test_a_smaller_amount_goes_ahead(drive: Drive) -> None:
    """Room that is too small for the first in line is given to one that it does for, before and after a release."""
    run = all_ready(
        drive,
        task("a", uses={"m": 2}, priority=9), task("b", uses={"m": 1}, priority=9),
        task("large", uses={"m": 3}, priority=5), task("small", uses={"m": 1}), task("tiny", uses={"m": 1}),
        m=3,
    )  # fmt: skip
    assert ["a", "b"] == running(run)

    finish(run, "b")
    assert ["a", "small"] == running(run)
    finish(run, "small")
    assert ["a", "tiny"] == running(run)
    finish(run, "tiny")
    finish(run, "a")
    assert ["large"] == running(run)


def test_the_first_in_line_has_the_room_that_it_needs(drive: Drive) -> None:
    """Among those that a pool has room for, the order of tasks decides."""
    run = all_ready(
        drive,
        task("a", uses={"m": 1}, priority=9),
        task("late", uses={"m": 1}),
        task("soon", uses={"m": 1}, priority=1),
        m=1,
    )

    finish(run, "a")
    assert ["soon"] == running(run)


def test_room_that_the_first_in_line_cannot_use_is_given_on(drive: Drive) -> None:
    """A task that waits for two pools keeps neither from others."""
    run = all_ready(
        drive,
        task("x holder", uses={"x": 1}, priority=9), task("y holder", uses={"y": 1}, priority=9),
        task("both", uses={"x": 1, "y": 1}, priority=5), task("x only", uses={"x": 1}),
        x=1, y=1,
    )  # fmt: skip
    assert ["x holder", "y holder"] == running(run)

    finish(run, "x holder")
    assert ["x only", "y holder"] == running(run)
    finish(run, "y holder")
    finish(run, "x only")
    assert ["both"] == running(run)


def test_room_is_given_on_from_one_kind_of_task_to_the_other(drive: Drive) -> None:
    """Room that asynchronous tasks cannot use reaches a synchronous one in the same turn, if a worker is idle."""
    run = drive(pool_size=2, starts_at_once=2, pools={"db": 1, "net": 1}, keep_going=True)
    both = {"net": 1, "db": 1}
    run.add(
        task("holder", uses=both, asynchronous=True, priority=9),
        task("db only", uses={"db": 1}, asynchronous=True, priority=5),
        task("sync both", uses=both, priority=4),
        task("async both", uses=both, asynchronous=True, priority=3),
        task("net only", uses={"net": 1}),
    )
    run.ready(0)
    run.ready(1)
    assert ["holder"] == running(run)

    finish(run, "holder")
    assert ["db only", "net only"] == running(run)


def test_every_way_out_gives_the_pool_back(drive: Drive) -> None:
    """A failure, a retry, a refusal, a revocation and a death all free what their task held."""
    uses = {"m": 1}
    run = all_ready(
        drive,
        task("fails", uses=uses, priority=9), task("retried", uses=uses, priority=8, retries=1),
        task("refused", uses=uses, priority=7), task("crashes", uses=uses, priority=6, idempotent=False),
        task("dispatched only", uses=uses, priority=5), task("last", uses=uses),
        m=1,
    )  # fmt: skip
    finish(run, "fails", Outcome.FAILURE)
    finish(run, "retried", Outcome.FAILURE)
    run.refused(worker_of(run, "refused"), "refused", "${x} is not defined")
    worker = worker_of(run, "crashes")
    run.started(worker, "crashes")
    run.lost(worker)
    assert ["dispatched only"] == running(run)
    run.lost(worker_of(run, "dispatched only"))
    assert ["dispatched only"] == running(run)
    finish(run, "dispatched only")
    assert ["last"] == running(run)
    run.tick(2)
    finish(run, "last")
    finish(run, "retried", attempt=2)

    assert isinstance(run.commands[-1], Finish)
    assert {"m": 1} == run.scheduler.ready.free


def test_the_scheduler_says_what_a_task_waits_for(drive: Drive) -> None:
    """`why` names the pool, the requirement, the time or the worker that holds a task up."""
    run = drive(pools={"db": 1}, keep_going=True)
    run.add(
        task("first", uses={"db": 1}), task("second", uses={"db": 1}),
        task("third", "first", "ghost"), task("fourth"), task("again", retries=1, priority=9),
    )  # fmt: skip
    run.ready(0)
    run.failed(0, "again")

    def why(name: str) -> str:
        return run.scheduler.why(run.id(name))

    assert "waits for the pool 'db'" == why("second")
    assert "waits for 'first', 'ghost'" == why("third")
    assert "waits for a worker" == why("fourth")
    assert "assigned" == why("first")
    assert why("again").endswith("s for its next attempt")


def test_parked_tasks_are_no_work_for_more_workers(drive: Drive) -> None:
    """Tasks that wait for a pool do not start workers beyond what the pool lets run."""
    run = drive(pool_size=8, starts_at_once=1, pools={"db": 1})
    run.add(*(task(f"t{n}", uses={"db": 1}) for n in range(20)))
    run.ready(0)
    run.started(0, "t0")

    assert 1 == len(run.scheduler.workers)
    assert [Dispatch(WorkerId(0), TaskId(1), 1)] == [c for c in run.ended(0, "t0") if not isinstance(c, Commit)]

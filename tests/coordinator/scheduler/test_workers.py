"""Which worker gets what, and how many there are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from otter.step.coordinator.events import (
    Commit,
    Dispatch,
    Finish,
    KillWorker,
    Opened,
    Outcome,
    Revoke,
    StartWorker,
    TaskId,
    WorkerId,
)  # fmt: skip
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
W0, W1, W2 = WorkerId(0), WorkerId(1), WorkerId(2)


def held(run: Driver, worker: int) -> list[str]:
    """Names of what a worker has, what it runs first."""
    node = run.scheduler.workers[WorkerId(worker)]
    return [run.scheduler.graph.nodes[number].name for number in (*sorted(node.running), *node.waiting)]


def test_one_worker_for_one_task_at_a_time(drive: Drive) -> None:
    """A chain keeps one worker busy, however large the pool is."""
    run = drive(pool_size=32)
    names = [f"t{place}" for place in range(10)]
    run.add(task(names[0]), *(task(name, before) for before, name in pairwise(names)))
    run.ready(0)
    run.succeeded(0, *names)

    assert [StartWorker(W0)] == run.of(StartWorker)
    assert Finish(Outcome.SUCCESS) == run.commands[-1]


def test_no_more_workers_than_tasks(drive: Drive) -> None:
    """Three tasks are worth three workers, and two of them start at a time."""
    run = drive(pool_size=32, starts_at_once=2)

    assert [StartWorker(W0), StartWorker(W1)] == run.add(task("a"), task("b"), task("c"))
    assert [Dispatch(W0, TaskId(0), 1), StartWorker(W2)] == run.ready(0)
    assert [Dispatch(W1, TaskId(1), 1)] == run.ready(1)
    assert [Dispatch(W2, TaskId(2), 1)] == run.ready(2)


def test_no_more_workers_than_the_pool_has(drive: Drive) -> None:
    """`pool_size` limits the workers whatever there is to do."""
    run = drive(pool_size=2, starts_at_once=4)

    assert [StartWorker(W0), StartWorker(W1)] == run.add(*(task(f"t{place}") for place in range(9)))


def test_small_tasks_call_for_few_workers(drive: Drive) -> None:
    """Work that is done sooner than a worker starts is worth one more worker at most."""
    run = drive(pool_size=32, starts_at_once=8)
    run.add(task("first"))
    run.ready(0)
    run.started(0, "first")
    run.ended(0, "first", elapsed=0.001, added=[task(f"t{place}") for place in range(90)])

    assert [StartWorker(W0), StartWorker(W1)] == run.of(StartWorker)


def brief(run: Driver, count: int, elapsed: float) -> None:
    """A first task has ended, and has shown how long its type takes; so many others are to be done."""
    run.add(task("first"))
    run.ready(0)
    run.started(0, "first")
    run.ended(0, "first", elapsed=elapsed, added=[task(f"t{place}") for place in range(count)])


@pytest.mark.parametrize(
    ("count", "elapsed", "processors", "workers"),
    [(100_000, 1e-6, 2, 1), (1000, 1e-4, 8, 1), (10_000, 1e-4, 8, 3), (10_000, 9e-4, 8, 8), (10_000, 9e-4, 2, 8)],
)
def test_another_worker_has_to_save_more_than_it_costs(
    drive: Drive, count: int, elapsed: float, processors: int, workers: int
) -> None:
    """To hand a task out takes as long as a very brief one: the coordinator is what many workers would wait for."""
    run = drive(pool_size=8, starts_at_once=8, processors=processors)
    brief(run, count, elapsed)

    assert workers == len(run.of(StartWorker))


def test_a_worker_that_is_held_up_is_not_waited_for(drive: Drive) -> None:
    """A few brief tasks are worth no worker of their own, unless the one that is there does not come to them."""
    run = drive(pool_size=8, max_specs=1000)
    brief(run, 300, 1e-4)
    assert [StartWorker(W0)] == run.of(StartWorker)

    run.started(0, "t0")
    wakeup = run.scheduler.next_wakeup()
    assert wakeup is not None
    assert wakeup <= run.now + 0.01
    run.tick(0.009)
    assert [StartWorker(W0)] == run.of(StartWorker)
    assert StartWorker(W1) in run.tick(0.002)


def test_more_workers_are_started_once_it_is_sure_that_they_are_of_use(drive: Drive) -> None:
    """What seems to be needed and is not a moment later, because a task was brief after all, would cost for nothing."""
    run = drive(pool_size=2, hesitation=0.01)
    run.add(*(task(f"t{place}") for place in range(100)))
    run.ready(0)
    run.tick(0.009)
    run.succeeded(0, "t0", elapsed=1e-6)
    run.tick(0.009)
    assert [StartWorker(W0)] == run.of(StartWorker)

    run = drive(pool_size=2, hesitation=0.01)
    run.add(*(task(f"t{place}") for place in range(100)))
    run.ready(0)
    run.started(0, "t0")
    wakeup = run.scheduler.next_wakeup()
    assert wakeup is not None
    assert wakeup <= run.now + 0.01
    run.tick(0.011)
    assert [StartWorker(W0), StartWorker(W1)] == run.of(StartWorker)


def test_several_early_workers_where_there_is_work_for_them(drive: Drive) -> None:
    """A run that will have much to do starts as many workers at once as may start, and no more than its pool has."""
    run = drive(pool_size=3, starts_at_once=2)
    assert [StartWorker(W0), StartWorker(W1)] == run.handle(Opened(run.now, 100))

    run = drive(pool_size=1, starts_at_once=2)
    assert [StartWorker(W0)] == run.handle(Opened(run.now, 100))

    run = drive(pool_size=3, starts_at_once=2)
    assert [StartWorker(W0)] == run.handle(Opened(run.now, 0))


@pytest.mark.parametrize(("load", "workers"), [(0.95, 2), (0.2, 8)])
def test_no_more_workers_than_processors_where_tasks_keep_these_busy(drive: Drive, load: float, workers: int) -> None:
    """Asynchronous tasks that use the processor are not given the whole pool; those that wait are."""
    run = drive(pool_size=8, starts_at_once=2, concurrency=4)
    run.add(*(task(f"t{place}", asynchronous=True) for place in range(200)))
    run.ready(0)
    run.started(0, "t0")
    run.ended(0, "t0", elapsed=0.03, load=load)
    for worker in range(1, 8):
        if len(run.of(StartWorker)) > worker:
            run.ready(worker)

    assert workers == len(run.of(StartWorker))


def test_asynchronous_tasks_that_take_their_time_get_the_whole_pool(drive: Drive) -> None:
    """Nothing is known of tasks before the first has ended; if that takes long, they are taken to wait."""
    run = drive(pool_size=8, starts_at_once=2, concurrency=4)
    run.add(*(task(f"t{place}", asynchronous=True) for place in range(200)))
    run.ready(0)
    run.ready(1)
    assert 2 == len(run.of(StartWorker))

    wakeup = run.scheduler.next_wakeup()
    assert wakeup is not None
    run.tick(wakeup - run.now)
    assert 4 == len(run.of(StartWorker))


def test_an_early_worker_for_a_run_that_is_not_known_yet(drive: Drive) -> None:
    """A run that has to ask a worker what it can run starts one, keeps at it, and gives it the first task."""
    run = drive()

    assert [StartWorker(W0)] == run.handle(Opened(run.now))
    assert [] == run.lost(0, "killed by SIGKILL")
    assert [StartWorker(W1)] == run.tick(0.1)
    assert [] == run.ready(1)
    assert [Dispatch(W1, TaskId(0), 1)] == run.add(task("a"))


def test_an_early_worker_that_cannot_start_ends_the_run(drive: Drive) -> None:
    """A run that waits for its first worker does not wait for ever."""
    run = drive()
    run.handle(Opened(run.now))
    for worker in range(3):
        run.lost(worker, "exit 1")
        run.tick(1)

    assert Finish(Outcome.FAILURE, "workers cannot be started: exit 1") == run.commands[-1]


def test_a_type_that_is_not_known_is_handed_out_singly(drive: Drive) -> None:
    """Until a task of its type has ended, a worker gets one synchronous task at a time."""
    run = drive()
    run.add(task("a"), task("b"))

    assert [Dispatch(W0, TaskId(0), 1)] == run.ready(0)
    assert [] == run.started(0, "a")


def test_small_tasks_travel_together(drive: Drive) -> None:
    """As many tasks as make up some milliseconds of work are handed out with one event, and refilled by halves."""
    run = drive(pool_size=1)
    run.add(*(task(f"t{place}") for place in range(40)))
    run.ready(0)

    batch = run.succeeded(0, "t0", elapsed=0.001)[1:]
    assert [Dispatch(W0, TaskId(place), 1) for place in range(1, 9)] == batch
    assert [] == run.started(0, "t1")
    assert [Commit(TaskId(1), Outcome.SUCCESS, 1)] == run.ended(0, "t1", elapsed=0.001)


def test_other_types_do_not_travel_with_them(drive: Drive) -> None:
    """A task of an unknown type waits until a worker has nothing else."""
    run = drive(pool_size=1)
    run.add(task("a"), task("b"), task("c", kind="other"), task("d"))
    run.ready(0)

    assert [Dispatch(W0, TaskId(1), 1)] == run.succeeded(0, "a", elapsed=0.0001)[1:]
    assert [Dispatch(W0, TaskId(2), 1)] == run.succeeded(0, "b", elapsed=0.0001)[1:]


def a_stuck_worker(drive: Drive, pool_size: int = 2) -> Driver:
    """A worker with a batch whose first task turns out to take long."""
    run = drive(pool_size=pool_size)
    run.add(task("first"))
    run.ready(0)
    run.started(0, "first")
    run.ended(0, "first", elapsed=0.0001, added=[task("long"), task("b"), task("c")])
    run.started(0, "long")
    assert ["long", "b", "c"] == held(run, 0)
    return run


def test_what_waits_behind_a_long_task_gets_another_worker(drive: Drive) -> None:
    """A worker is started for what turned out to sit behind a long task; then that is taken back and handed to it."""
    run = a_stuck_worker(drive)
    assert 0.01 == run.scheduler.next_wakeup()

    assert [StartWorker(W1)] == run.tick(0.01)
    assert [Revoke(W0, (TaskId(2), TaskId(3)))] == run.ready(1)
    assert [Dispatch(W1, TaskId(2), 1), Dispatch(W1, TaskId(3), 1)] == run.revoked(0, "b", "c")
    assert ["long"] == held(run, 0)


def test_only_what_could_be_taken_back_is_handed_out_again(drive: Drive) -> None:
    """A task that had begun before it could be taken back stays where it is, and has one attempt."""
    run = a_stuck_worker(drive)
    run.tick(0.01)
    run.ready(1)

    assert [Dispatch(W1, TaskId(3), 1)] == run.revoked(0, "c")
    run.ended(0, "long")
    run.started(0, "b")
    assert Commit(TaskId(2), Outcome.SUCCESS, 1) in run.ended(0, "b")


def test_nothing_is_taken_back_twice(drive: Drive) -> None:
    """While a revocation is under way there is no second one, and the worker gets nothing until it has confirmed."""
    run = a_stuck_worker(drive)
    run.tick(0.01)
    run.ready(1)

    assert [] == run.tick(1)
    run.revoked(0, "b", "c")
    run.ended(0, "long", elapsed=0.0001, added=[task("more"), task("even more")])
    assert ["b", "c", "more", "even more"] == held(run, 1)
    assert [] == held(run, 0)
    run.started(1, "b")
    assert [] == run.confirmed(0)
    assert [Revoke(W1, tuple(map(run.id, ("c", "more", "even more"))))] == run.tick(0.01)


def test_an_empty_revocation_leaves_the_worker_as_it_was(drive: Drive) -> None:
    """When everything had begun before it could be taken back, the worker has nothing to confirm."""
    run = a_stuck_worker(drive)
    run.tick(0.01)
    run.ready(1)
    run.revoked(0)
    run.ended(0, "long", elapsed=0.0001)
    run.succeeded(0, "b", elapsed=0.0001)
    run.started(0, "c")

    assert Dispatch(W0, TaskId(4), 1) in run.ended(0, "c", elapsed=0.0001, added=[task("next")])


def test_a_batch_is_not_taken_back_without_need(drive: Drive) -> None:
    """With no idle worker, and none that could be started, what waits behind a long task stays there."""
    run = a_stuck_worker(drive, pool_size=1)

    assert [] == run.tick(5)
    assert ["long", "b", "c"] == held(run, 0)


def test_nothing_is_put_behind_a_long_task(drive: Drive) -> None:
    """A worker whose task has run for a while gets nothing behind it, also when there is no other worker."""
    run = drive(pool_size=1)
    run.add(task("again", retries=1), task("long"))
    run.ready(0)
    run.started(0, "again")
    run.ended(0, "again", outcome=Outcome.FAILURE, elapsed=0.0001)
    run.started(0, "long")
    run.tick(2)

    assert ["long"] == held(run, 0)
    assert [Dispatch(W0, TaskId(0), 2)] == run.ended(0, "long")[1:]


def test_asynchronous_tasks_share_a_worker(drive: Drive) -> None:
    """Asynchronous tasks go to one worker together, before another one is started for them."""
    run = drive(pool_size=8)
    assert [StartWorker(W0)] == run.add(*(task(f"t{place}", asynchronous=True) for place in range(4)))

    assert [Dispatch(W0, TaskId(place), 1) for place in range(4)] == run.ready(0)


def test_asynchronous_tasks_are_limited(drive: Drive) -> None:
    """A worker holds at most `concurrency` asynchronous tasks of a type that is not known."""
    run = drive(pool_size=1, concurrency=3)
    run.add(*(task(f"t{place}", asynchronous=True) for place in range(5)))

    assert [Dispatch(W0, TaskId(place), 1) for place in range(3)] == run.ready(0)
    assert [] == run.started(0, "t0")
    assert [Dispatch(W0, TaskId(3), 1)] == run.ended(0, "t0")[1:]


def test_many_asynchronous_tasks_are_spread(drive: Drive) -> None:
    """More than one worker's share of asynchronous tasks is spread over several workers."""
    run = drive(pool_size=2, starts_at_once=2)
    run.add(*(task(f"t{place}", asynchronous=True) for place in range(8)))
    run.ready(0)
    run.ready(1)

    assert (4, 4) == (len(held(run, 0)), len(held(run, 1)))


def test_a_synchronous_task_has_its_worker_alone(drive: Drive) -> None:
    """Asynchronous and synchronous tasks are never in one worker together."""
    run = drive(pool_size=2, starts_at_once=2)
    run.add(task("sync"), task("async 1", asynchronous=True), task("async 2", asynchronous=True))
    run.ready(0)
    run.ready(1)

    assert [["async 1", "async 2"], ["sync"]] == sorted([held(run, 0), held(run, 1)])


@pytest.mark.parametrize("starving", [True, False])
def test_neither_kind_starves_the_other(drive: Drive, starving: bool) -> None:
    """While one kind fills every worker, one of them is kept free of it, so that the other kind comes to its turn."""
    run = drive(pool_size=2, starts_at_once=2, concurrency=1)
    crowd = [task(f"crowd {place}", asynchronous=not starving) for place in range(20)]
    run.add(*crowd)
    run.ready(0)
    run.ready(1)
    run.started(0, "crowd 0")
    run.started(1, "crowd 1")
    run.ended(0, "crowd 0", added=[task("rare", asynchronous=starving, kind="rare")])
    run.started(0, "crowd 2")
    run.ended(1, "crowd 1")

    rare = Dispatch(WorkerId(0), run.id("rare"), 1)
    assert {rare.task} & {
        command.task for command in [*run.of(Dispatch), *_next_end(run)] if isinstance(command, Dispatch)
    }


def _next_end(run: Driver) -> list[object]:
    """End one task in each worker that still runs or holds a task of the crowd."""
    commands: list[object] = []
    for worker in (0, 1):
        for name in held(run, worker)[:1]:
            if name != "rare":
                run.started(worker, name)
                commands += run.ended(worker, name)
    return commands


def test_in_a_single_worker_the_order_decides_between_the_kinds(drive: Drive) -> None:
    """A pool of one runs synchronous and asynchronous tasks in their order, without starving either."""
    run = drive(pool_size=1)
    run.add(task("sync", priority=-1), task("a1", asynchronous=True), task("s2", priority=-2))
    assert [Dispatch(W0, TaskId(1), 1)] == run.ready(0)
    assert [Dispatch(W0, TaskId(0), 1)] == run.succeeded(0, "a1")[1:]

    run = drive(pool_size=1, concurrency=2)
    run.add(task("s", priority=1), *(task(f"a{place}", asynchronous=True) for place in range(5)))
    assert [Dispatch(W0, TaskId(0), 1)] == run.ready(0)
    assert [Dispatch(W0, TaskId(1), 1), Dispatch(W0, TaskId(2), 1)] == run.succeeded(0, "s")[1:]


def test_a_worker_that_begins_nothing_is_killed(drive: Drive) -> None:
    """A stopped worker that never begins what it has is found by its deadline; its tasks go elsewhere, unblamed."""
    run = drive(start_timeout=30.0)
    run.add(task("a"), task("b"))
    run.ready(0)
    run.succeeded(0, "a")

    assert [] == run.tick(29.9)
    assert [KillWorker(W0, "no task begun within 30 s")] == run.tick(0.1)
    assert [StartWorker(W1)] == run.lost(0)
    assert [Dispatch(W1, TaskId(1), 1)] == run.ready(1)


def test_others_get_what_a_worker_does_not_begin(drive: Drive) -> None:
    """What a stopped worker never begins does not wait for its end, once another worker has nothing to do."""
    run = drive(pool_size=2, start_timeout=30.0)
    run.add(task("a"), task("b"))
    run.ready(0)
    run.ready(1)
    run.started(1, "b")

    assert [] == run.tick(1.0)
    run.succeeded(1, "b")
    assert [Revoke(W0, (TaskId(0),))] == run.tick(1.0)
    assert [Dispatch(W1, TaskId(0), 1)] == run.revoked(0, "a")
    run.started(1, "a")
    assert [] == run.tick(29.9)
    assert [KillWorker(W0, "no answer to a revocation within 30 s")] == run.tick(0.1)


def test_a_long_task_is_no_silence(drive: Drive) -> None:
    """A worker that runs a task without a timeout may take any time."""
    run = drive(start_timeout=30.0)
    run.add(task("a"))
    run.ready(0)
    run.started(0, "a")

    assert [] == run.tick(10_000)


def test_a_worker_that_confirms_nothing_is_killed(drive: Drive) -> None:
    """A worker that never says that it has forgotten what was taken back does not block its place in the pool."""
    run = a_stuck_worker(drive)
    run.tick(0.01)
    run.ready(1)
    run.revoked(0, "b", "c")
    run.started(1, "b")
    run.ended(0, "long")

    assert [] == run.tick(29.9)
    assert [KillWorker(W0, "no answer to a revocation within 30 s")] == run.tick(0.1)


def test_a_worker_that_leaves_is_no_worker_for_asynchronous_tasks(drive: Drive) -> None:
    """Small asynchronous tasks get a worker though one that was told to end, and does not, is still there."""
    run = drive(pool_size=2, starts_at_once=1)
    run.add(task("first", asynchronous=True), task("second", "first", asynchronous=True))
    run.ready(0)
    run.started(0, "first")

    assert StartWorker(W1) in run.ended(0, "first", elapsed=0.001, tainted="threads left running: x")

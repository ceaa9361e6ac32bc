"""Messages that do not fit: late, doubled, reordered, forged."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from otter.step.coordinator.events import (
    AttemptEnded,
    AttemptStarted,
    Commit,
    Dispatch,
    Finish,
    Outcome,
    Retry,
    StopWorker,
    TaskId,
    TasksAdded,
    WorkerId,
    WorkerLost,
    WorkerReady,
)  # fmt: skip
from otter.step.coordinator.scheduler import Scheduler, Settings
from otter.step.coordinator.task_node import DONE, TERMINAL, TRANSITIONS, InvalidTransitionError, TaskState
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
T0, T1, W0, W1 = TaskId(0), TaskId(1), WorkerId(0), WorkerId(1)


@pytest.fixture
def run(drive: Drive) -> Driver:
    """Two workers; one runs the second attempt of a task, the other has nothing."""
    run = drive(pool_size=2, keep_going=True)
    run.add(task("a", retries=5, retry_delay=0.0), task("b"))
    run.ready(0)
    run.ready(1)
    run.succeeded(1, "b")
    run.failed(0, "a")
    run.tick()
    run.started(0, "a", 2)
    return run


@pytest.mark.parametrize(
    ("worker", "number", "attempt"),
    [
        pytest.param(0, 0, 1, id="earlier attempt"),
        pytest.param(0, 0, 3, id="attempt to come"),
        pytest.param(1, 0, 2, id="other worker"),
        pytest.param(7, 0, 2, id="unknown worker"),
        pytest.param(0, 1, 1, id="other task"),
        pytest.param(1, 1, 1, id="ended task"),
        pytest.param(0, 2, 1, id="no such task"),
        pytest.param(0, -1, 1, id="negative task"),
        pytest.param(0, -2, 2, id="task counted from behind"),
        pytest.param(0, 10**18, 1, id="huge task"),
    ],
)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_result_of_another_attempt_is_ignored_and_counted(
    run: Driver, worker: int, number: int, attempt: int, outcome: Outcome
) -> None:
    """A result counts only if that worker was given that attempt of that task and has not answered for it."""
    ended = AttemptEnded(run.now, WorkerId(worker), TaskId(number), attempt, outcome, "forged", (task("new"),))
    started = AttemptStarted(run.now, WorkerId(worker), TaskId(number), attempt)

    assert [] == run.handle(ended) + run.handle(started)
    assert 2 == run.scheduler.stale
    stops = [StopWorker(W0), StopWorker(W1)]
    assert [Commit(T0, Outcome.SUCCESS, 2), *stops, Finish(Outcome.SUCCESS)] == run.ended(0, "a", 2)


def test_a_result_that_comes_twice_counts_once(run: Driver) -> None:
    """The second result of an attempt is ignored, whatever it says."""
    run.ended(0, "a", 2, Outcome.FAILURE, reason="no")

    assert [] == [command for command in run.ended(0, "a", 2) if isinstance(command, Commit | Retry)]
    assert 1 == run.scheduler.stale


def test_a_start_that_comes_twice_changes_nothing(run: Driver) -> None:
    """A second report that an attempt began does not begin its deadline anew."""
    assert [] == run.started(0, "a", 2)


def test_a_result_without_a_start_counts(drive: Drive) -> None:
    """A worker whose report of the beginning got lost has still run the task."""
    run = drive()
    run.add(task("a"))
    run.ready(0)

    assert Commit(T0, Outcome.SUCCESS, 1) in run.ended(0, "a")


def test_a_start_after_the_end_changes_nothing(drive: Drive) -> None:
    """A report of the beginning that comes after the result is stale."""
    run = drive()
    run.add(task("a"), task("b"))
    run.ready(0)
    run.ended(0, "a")

    assert [] == run.started(0, "a")
    assert 1 == run.scheduler.stale


def test_a_result_of_a_dead_worker_is_ignored(drive: Drive) -> None:
    """After a worker is lost, nothing that carries its number counts, though its task has the same attempt again."""
    run = drive()
    run.add(task("a"))
    run.ready(0)
    run.lost(0)
    run.tick(1)
    assert [Dispatch(W1, T0, 1)] == run.ready(1)

    assert [] == run.ended(0, "a")
    assert Commit(T0, Outcome.SUCCESS, 1) in run.succeeded(1, "a")


def test_a_result_of_a_task_that_was_taken_back_is_ignored(drive: Drive) -> None:
    """A worker has no say in an attempt that was taken back from it."""
    run = drive()
    run.add(task("a"))
    run.ready(0)
    run.stop()
    assert [StopWorker(W0), Finish(Outcome.ABORTED, "cancelled by SIGTERM", pending=1)] == run.revoked(0, "a")


def test_a_refusal_that_comes_too_late_is_ignored(drive: Drive) -> None:
    """A spec that could not be completed for a worker that died meanwhile is looked at again for the next one."""
    run = drive()
    run.add(task("a"))
    run.ready(0)
    run.lost(0)

    assert [] == [command for command in run.refused(0, "a", "${x} is not defined") if isinstance(command, Commit)]


def test_a_move_that_no_table_has_raises_with_its_story() -> None:
    """A defect of the scheduler names the task, both states, and the events before it."""
    scheduler = Scheduler(Settings())
    scheduler.handle(TasksAdded(0.0, (task("a"),)))
    scheduler.handle(WorkerReady(0.0, W0))
    scheduler.graph.nodes[T0].state = DONE

    with pytest.raises(InvalidTransitionError) as caught:
        scheduler.handle(WorkerLost(0.0, W0, "SIGKILL"))

    text = str(caught.value)
    assert text.startswith("task 'a' cannot go from Done to Ready; the last events were:\n  TasksAdded(")
    assert "\n  WorkerReady(" in text
    assert "\n  WorkerLost(" in text


def test_the_table_of_moves_is_complete() -> None:
    """Every state has a row, no row names anything else, and nothing leaves a terminal state."""
    states = set(get_args(TaskState))

    assert states == set(TRANSITIONS)
    assert states >= set().union(*TRANSITIONS.values())
    assert {state for state, after in TRANSITIONS.items() if not after} == TERMINAL

"""Outcomes of an earlier run that may stand."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.events import (
    Commit,
    DecideReuse,
    Dispatch,
    Finish,
    Outcome,
    StartWorker,
    StopWorker,
    TaskId,
    WorkerId,
)  # fmt: skip
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
T0, T1, T2, W0 = TaskId(0), TaskId(1), TaskId(2), WorkerId(0)


def test_a_recorded_outcome_that_stands_is_taken_over(drive: Drive) -> None:
    """A recorded task is asked about when its turn comes; if its outcome stands, it needs no worker."""
    run = drive()

    assert [DecideReuse(T0, stale=False)] == run.add(task("a", recorded=True), task("b", "a", recorded=True))
    assert [Commit(T0, Outcome.SUCCESS, 0, reused=True), DecideReuse(T1, stale=False)] == run.decided("a", True)
    assert [Commit(T1, Outcome.SUCCESS, 0, reused=True), Finish(Outcome.SUCCESS)] == run.decided("b", True)


def test_a_recorded_outcome_that_does_not_stand(drive: Drive) -> None:
    """A recorded task whose outcome does not stand runs like any other, and what requires it is told that it did."""
    run = drive()
    run.add(task("a", recorded=True), task("b", "a", recorded=True))

    assert [StartWorker(W0)] == run.decided("a", False)
    assert [Dispatch(W0, T0, 1)] == run.ready(0)
    assert [Commit(T0, Outcome.SUCCESS, 1), DecideReuse(T1, stale=True)] == run.succeeded(0, "a")


def test_staleness_goes_through_a_new_task(drive: Drive) -> None:
    """A recorded task behind one that was never recorded, and so ran, is stale."""
    run = drive()
    run.add(task("new"), task("old", "new", recorded=True))
    run.ready(0)

    assert [Commit(T0, Outcome.SUCCESS, 1), DecideReuse(T1, stale=True)] == run.succeeded(0, "new")


def test_a_reused_generator_brings_back_what_it_generated(drive: Drive) -> None:
    """The tasks that a generator made in the earlier run are added again, and each is decided by itself."""
    run = drive()
    run.add(task("explode", recorded=True), task("gather", "explode", recorded=True))

    assert [
        Commit(T0, Outcome.SUCCESS, 0, reused=True),
        DecideReuse(T2, stale=False),
        DecideReuse(TaskId(3), stale=False),
    ] == run.decided("explode", True, task("p1", recorded=True), task("p2", recorded=True))
    assert [Commit(T2, Outcome.SUCCESS, 0, reused=True)] == run.decided("p1", True)
    assert [Commit(TaskId(3), Outcome.SUCCESS, 0, reused=True), DecideReuse(T1, stale=False)] == run.decided("p2", True)


def test_a_part_that_ran_again_makes_its_generator_stale(drive: Drive) -> None:
    """What requires a reused generator is stale when a part of it had to run again."""
    run = drive()
    run.add(task("explode", recorded=True), task("gather", "explode", recorded=True))
    run.decided("explode", True, task("p1", recorded=True))
    run.decided("p1", False)
    run.ready(0)

    assert [Commit(T2, Outcome.SUCCESS, 1), DecideReuse(T1, stale=True)] == run.succeeded(0, "p1")


def test_parts_of_a_generator_that_ran_again_are_stale(drive: Drive) -> None:
    """A recorded part of a generator that had to run again depends on what the generator did."""
    run = drive()
    run.add(task("explode", recorded=True))
    run.decided("explode", False)
    run.ready(0)
    run.started(0, "explode")

    assert DecideReuse(T1, stale=True) in run.ended(0, "explode", added=[task("p1", recorded=True)])


def test_what_can_no_longer_be_added_is_generated_anew(drive: Drive) -> None:
    """When the tasks that a recorded generator made do not fit the step any more, the generator runs."""
    run = drive()
    run.add(task("explode", recorded=True), task("p1"))

    run.decided("explode", True, task("P1", recorded=True))

    assert [Dispatch(W0, T0, 1)] == [command for command in run.ready(0) if isinstance(command, Dispatch)]


def test_a_decision_that_comes_twice_or_unasked_is_ignored(drive: Drive) -> None:
    """Only the first answer to a question counts."""
    run = drive()
    run.add(task("a", recorded=True), task("b"))
    run.decided("b", True)
    run.decided("a", True)
    run.decided("a", False)

    assert 2 == run.scheduler.stale
    run.ready(0)
    assert [Commit(T1, Outcome.SUCCESS, 1), StopWorker(W0), Finish(Outcome.SUCCESS)] == run.succeeded(0, "b")


def test_a_question_does_not_hold_up_others(drive: Drive) -> None:
    """While it is being looked at whether one outcome stands, other tasks run."""
    run = drive()

    assert [DecideReuse(T0, stale=False), StartWorker(W0)] == run.add(task("a", recorded=True), task("b"))
    assert [Dispatch(W0, T1, 1)] == run.ready(0)
    assert [Commit(T1, Outcome.SUCCESS, 1)] == run.succeeded(0, "b")
    assert [Commit(T0, Outcome.SUCCESS, 0, reused=True), StopWorker(W0), Finish(Outcome.SUCCESS)] == run.decided(
        "a", True
    )

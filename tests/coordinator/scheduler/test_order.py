"""In which order tasks are handed out."""

from __future__ import annotations

from collections.abc import Callable

from otter.step.coordinator.events import Commit, Dispatch, Finish, Outcome, StartWorker, StopWorker, TaskId, WorkerId
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]


def dispatched(run: Driver) -> list[str]:
    """Names of the tasks that were handed out, in order."""
    return [run.scheduler.graph.nodes[command.task].name for command in run.of(Dispatch)]


def test_a_single_task(drive: Drive) -> None:
    """One task starts one worker, runs there once, and ends the run."""
    run = drive(pool_size=32)

    assert [StartWorker(WorkerId(0))] == run.add(task("only"))
    assert [Dispatch(WorkerId(0), TaskId(0), 1)] == run.ready(0)
    assert [] == run.started(0, "only")
    assert [
        Commit(TaskId(0), Outcome.SUCCESS, 1),
        StopWorker(WorkerId(0)),
        Finish(Outcome.SUCCESS),
    ] == run.ended(0, "only")


def test_no_task_at_all(drive: Drive) -> None:
    """A step without tasks succeeds without a worker."""
    assert [Finish(Outcome.SUCCESS)] == drive().add()


def test_chain(drive: Drive) -> None:
    """Each link of a chain is handed out with the event that ends the one before it."""
    run = drive()
    run.add(task("a"), task("b", "a"), task("c", "b"))

    assert [Dispatch(WorkerId(0), TaskId(0), 1)] == run.ready(0)
    assert [Commit(TaskId(0), Outcome.SUCCESS, 1), Dispatch(WorkerId(0), TaskId(1), 1)] == run.succeeded(0, "a")
    assert [Commit(TaskId(1), Outcome.SUCCESS, 1), Dispatch(WorkerId(0), TaskId(2), 1)] == run.succeeded(0, "b")
    assert [
        Commit(TaskId(2), Outcome.SUCCESS, 1),
        StopWorker(WorkerId(0)),
        Finish(Outcome.SUCCESS),
    ] == run.succeeded(0, "c")


def test_the_order_of_the_file_does_not_matter(drive: Drive) -> None:
    """A task may be described before what it requires."""
    run = drive()
    run.add(task("b", "a"), task("a"))

    assert [Dispatch(WorkerId(0), TaskId(1), 1)] == run.ready(0)


def test_diamond(drive: Drive) -> None:
    """Both sides of a diamond run at the same time, and its end once both are done."""
    run = drive(pool_size=2)
    assert [StartWorker(WorkerId(0))] == run.add(
        task("top"), task("left", "top"), task("right", "top"), task("bottom", "left", "right")
    )
    run.ready(0)

    assert [
        Commit(TaskId(0), Outcome.SUCCESS, 1),
        Dispatch(WorkerId(0), TaskId(1), 1),
        StartWorker(WorkerId(1)),
    ] == run.succeeded(0, "top")
    assert [Dispatch(WorkerId(1), TaskId(2), 1)] == run.ready(1)
    assert [Commit(TaskId(2), Outcome.SUCCESS, 1)] == run.succeeded(1, "right")
    assert [Commit(TaskId(1), Outcome.SUCCESS, 1), Dispatch(WorkerId(0), TaskId(3), 1)] == run.succeeded(0, "left")


def test_a_name_required_twice_counts_once(drive: Drive) -> None:
    """A requirement that is listed twice is met by the one task that it names."""
    run = drive()
    run.add(task("a"), task("b", "a", "a"))
    run.ready(0)

    assert Dispatch(WorkerId(0), TaskId(1), 1) in run.succeeded(0, "a")


def test_priority_comes_first(drive: Drive) -> None:
    """A task of higher priority is handed out before others, whatever waits for these."""
    run = drive()
    run.add(task("low"), task("after low", "low"), task("high", priority=5), task("lower", priority=-1))
    run.ready(0)
    run.succeeded(0, "high")
    run.succeeded(0, "low")
    run.succeeded(0, "after low")

    assert ["high", "low", "after low", "lower"] == dispatched(run)


def test_the_longest_path_comes_first(drive: Drive) -> None:
    """Among equals, the task that the longest chain waits for comes first; then the order of the file decides."""
    run = drive()
    run.add(
        task("short"),
        task("x"), task("x2", "x"),
        task("y"), task("y2", "y"), task("y3", "y2"),
    )  # fmt: skip
    run.ready(0)
    for name in ("y", "x", "y2"):
        run.succeeded(0, name)

    assert ["y", "x", "y2", "short"] == dispatched(run)


def test_generated_tasks_inherit_the_urgency_of_their_generator(drive: Drive) -> None:
    """What a chain waits for through a generator comes before what nothing waits for."""
    run = drive()
    run.add(task("generate"), task("idle"), task("gather", "generate"), task("publish", "gather"))
    run.ready(0)
    run.started(0, "generate")

    assert [Commit(TaskId(0), Outcome.SUCCESS, 1), Dispatch(WorkerId(0), TaskId(4), 1)] == run.ended(
        0, "generate", added=[task("part")]
    )

"""Tasks that generate tasks, and what waits for either."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otter.step.coordinator.events import Commit, Dispatch, Finish, NewTask, Outcome, StopWorker, TaskId, WorkerId
from tests.support.scheduling import Driver, task

Drive = Callable[..., Driver]
W0 = WorkerId(0)


def begin(run: Driver, *tasks: NewTask) -> None:
    """Add tasks, and let the first worker and the first task begin."""
    run.add(*tasks)
    run.ready(0)
    run.started(0, tasks[0].name)


def reason_of(run: Driver, name: str) -> str:
    """Why a task failed."""
    commits = [command for command in run.of(Commit) if command.task == run.id(name)]
    assert [Outcome.FAILURE] == [command.outcome for command in commits]
    return commits[0].reason or ""


def test_a_generator_is_done_when_all_that_it_generated_is_done(drive: Drive) -> None:
    """What requires a generator runs after everything that it generated; the generator itself is committed at once."""
    run = drive()
    begin(run, task("explode"), task("gather", "explode"))

    assert [Commit(TaskId(0), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(2), 1)] == run.ended(
        0, "explode", added=[task("part 1"), task("part 2")]
    )
    assert [Commit(TaskId(2), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(3), 1)] == run.succeeded(0, "part 1")
    assert [Commit(TaskId(3), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(1), 1)] == run.succeeded(0, "part 2")


def test_generators_nest(drive: Drive) -> None:
    """A generator that another one generated holds up what requires the outer one."""
    run = drive()
    begin(run, task("outer"), task("after", "outer"))
    run.ended(0, "outer", added=[task("inner")])
    run.started(0, "inner")

    assert [Commit(TaskId(2), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(3), 1)] == run.ended(
        0, "inner", added=[task("leaf")]
    )
    assert [Commit(TaskId(3), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(1), 1)] == run.succeeded(0, "leaf")


def test_a_generated_name_may_be_required_before_it_exists(drive: Drive) -> None:
    """A requirement on a task that will be generated is met by that task, not by its generator."""
    run = drive()
    begin(run, task("explode"), task("reader", "part 1"))

    run.ended(0, "explode", added=[task("part 1"), task("part 2")])

    assert [Commit(TaskId(2), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(1), 1)] == run.succeeded(0, "part 1")


def test_generated_tasks_may_require_each_other_and_what_there_is(drive: Drive) -> None:
    """Requirements among generated tasks, and on tasks that are done, are understood in any order."""
    run = drive()
    begin(run, task("first"), task("explode", "first"))
    run.ended(0, "first")
    run.started(0, "explode")

    assert [Commit(TaskId(1), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(3), 1)] == run.ended(
        0, "explode", added=[task("b", "a", "first"), task("a", "first")]
    )
    assert [Commit(TaskId(3), Outcome.SUCCESS, 1), Dispatch(W0, TaskId(2), 1)] == run.succeeded(0, "a")


def test_a_failed_part_spoils_its_generator(drive: Drive) -> None:
    """What requires a generator is skipped when a part of it failed, and the part is named as the cause."""
    run = drive(keep_going=True)
    begin(run, task("explode"), task("gather", "explode"))
    run.ended(0, "explode", added=[task("part 1"), task("part 2")])
    run.failed(0, "part 1")

    assert [
        Commit(TaskId(3), Outcome.SUCCESS, 1),
        Commit(TaskId(1), Outcome.SKIPPED, 0, "not begun: it needs 'part 1', which did not succeed", cause=TaskId(2)),
        StopWorker(W0),
        Finish(Outcome.FAILURE, "part 1: OSError: no"),
    ] == run.succeeded(0, "part 2")


@pytest.mark.parametrize("required", ["bad", "after bad"])
def test_a_late_requirement_on_what_did_not_succeed_is_skipped_at_once(drive: Drive, required: str) -> None:
    """A generated task that requires a failed or a skipped task never begins, and names the one that failed."""
    run = drive(keep_going=True)
    begin(run, task("bad"), task("explode"), task("after bad", "bad"))
    run.ended(0, "bad", outcome=Outcome.FAILURE, reason="no")
    run.started(0, "explode")

    assert [
        Commit(TaskId(1), Outcome.SUCCESS, 1),
        Commit(TaskId(3), Outcome.SKIPPED, 0, "not begun: it needs 'bad', which did not succeed", cause=TaskId(0)),
        StopWorker(W0),
        Finish(Outcome.FAILURE, "bad: no"),
    ] == run.ended(0, "explode", added=[task("late", required)])


def test_a_late_requirement_on_a_spoiled_generator_is_skipped_at_once(drive: Drive) -> None:
    """A generator whose part failed counts as not succeeded also for tasks that are added later."""
    run = drive(keep_going=True)
    begin(run, task("explode", priority=1), task("second", priority=-1))
    run.ended(0, "explode", added=[task("part")])
    run.failed(0, "part")
    run.started(0, "second")

    run.ended(0, "second", added=[task("late", "explode"), task("later", "late")])

    part = run.id("part")
    assert [(run.id("late"), part), (run.id("later"), part)] == [
        (command.task, command.cause) for command in run.of(Commit) if command.cause is not None
    ]


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (["there"], "there is a task 'there' already"),
        (["There"], "there is a task 'there' already, which differs from 'There' only by case or composition"),
        (["caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"], "only by case or composition"),
        (["STRASSE", "stra\N{LATIN SMALL LETTER SHARP S}e"], "only by case or composition"),
        (["twice", "twice"], "there is a task 'twice' already"),
        (["explode"], "there is a task 'explode' already"),
        (["done"], "there is a task 'done' already"),
    ],
)  # fmt: skip
def test_a_generated_name_that_is_taken_fails_its_generator(drive: Drive, added: list[str], expected: str) -> None:
    """Names must differ by more than case and composition, from finished tasks and from each other too."""
    run = drive(keep_going=True)
    begin(run, task("done"), task("explode"), task("there", priority=-1))
    run.ended(0, "done")
    run.started(0, "explode")

    run.ended(0, "explode", added=[task(name) for name in added])

    assert expected in reason_of(run, "explode")
    assert 3 == len(run.scheduler.graph.nodes)


def test_what_requires_a_generator_that_was_refused_is_skipped(drive: Drive) -> None:
    """A generator whose tasks cannot be added has failed, and nothing of what it generated exists."""
    run = drive(keep_going=True)
    begin(run, task("explode"), task("after", "explode"))

    run.ended(0, "explode", added=[task("part"), task("explode")])

    assert Commit(
        TaskId(1), Outcome.SKIPPED, 0, "not begun: it needs 'explode', which did not succeed", cause=TaskId(0)
    ) in run.of(Commit)


@pytest.mark.parametrize(
    ("added", "cycle"),
    [
        ([task("loop", "loop")], "loop -> loop"),
        ([task("a", "b"), task("b", "a")], "a -> b -> a"),
        ([task("part", "explode")], "part -> explode -> part"),
        ([task("part", "after")], "part -> after -> explode -> part"),
        ([task("wanted", "wants")], "wanted -> wants -> wanted"),
    ],
)
def test_a_generated_cycle_fails_its_generator(drive: Drive, added: list[NewTask], cycle: str) -> None:
    """What would wait for itself, through new tasks, old ones or the generator, is refused, and the cycle is named."""
    run = drive(keep_going=True)
    begin(run, task("explode"), task("after", "explode"), task("wants", "wanted"))

    run.ended(0, "explode", added=added)

    assert f"would close a cycle: {cycle}" == reason_of(run, "explode")


def test_a_requirement_on_an_uncle_is_no_cycle(drive: Drive) -> None:
    """A generated task may require what stands beside its generator."""
    run = drive()
    begin(run, task("explode"), task("uncle"), task("after", "explode", "uncle"))
    run.ended(0, "explode", added=[task("part", "uncle")])

    run.succeeded(0, "uncle")
    run.succeeded(0, "part")
    run.succeeded(0, "after")

    assert Finish(Outcome.SUCCESS) == run.commands[-1]


def test_max_specs(drive: Drive) -> None:
    """A generator that would exceed the number of tasks fails with both numbers; one that reaches it does not."""
    run = drive(max_specs=3)
    begin(run, task("explode"))
    run.ended(0, "explode", added=[task("a"), task("b")])
    run.started(0, "a")

    run.ended(0, "a", added=[task("c")])

    assert "the step would have 4 tasks; max_specs allows 3" == reason_of(run, "a")


def test_what_nothing_generates_is_named_at_the_end(drive: Drive) -> None:
    """A requirement that can never be met fails its task once nothing else can run, and all such tasks are named."""
    run = drive()
    begin(run, task("a"), task("b", "ghost"), task("c", "phantom", "a"), task("d", "c"))
    run.started(0, "a")

    missing = "requires {!r}, which is no task of the step and was never generated"
    blocked = "not begun: it needs 'c', which did not succeed"
    assert [
        Commit(TaskId(0), Outcome.SUCCESS, 1),
        Commit(TaskId(1), Outcome.FAILURE, 0, missing.format("ghost")),
        Commit(TaskId(2), Outcome.FAILURE, 0, missing.format("phantom")),
        Commit(TaskId(3), Outcome.SKIPPED, 0, blocked, cause=TaskId(2)),
        StopWorker(W0),
        Finish(Outcome.FAILURE, f"b: {missing.format('ghost')}"),
    ] == run.ended(0, "a")


def test_a_requirement_that_differs_by_case_is_not_met(drive: Drive) -> None:
    """Requirements name tasks exactly."""
    run = drive()
    begin(run, task("a"), task("b", "A"))
    run.ended(0, "a")

    assert "requires 'A', which is no task of the step and was never generated" == reason_of(run, "b")


def test_a_cycle_of_described_tasks_is_named_at_the_end(drive: Drive) -> None:
    """Tasks that wait for each other from the beginning fail once nothing else can run; they are never waited for."""
    run = drive()
    begin(run, task("a"), task("x", "z"), task("y", "x"), task("z", "y"))

    commits = [command for command in run.ended(0, "a") if isinstance(command, Commit)]

    assert [Outcome.SUCCESS, Outcome.FAILURE, Outcome.SKIPPED, Outcome.SKIPPED] == [c.outcome for c in commits]
    assert "waits for itself: x -> z -> y -> x" == commits[1].reason


def test_the_scheduler_says_beforehand_what_it_would_refuse(drive: Drive) -> None:
    """`refusal` finds duplicates and cycles of a pipeline file before anything is added."""
    scheduler = drive(max_specs=2).scheduler

    assert scheduler.refusal((task("a"), task("b", "a"))) is None
    assert "there is a task 'a' already" == scheduler.refusal((task("a"), task("a")))
    assert "would close a cycle: a -> b -> a" == scheduler.refusal((task("a", "b"), task("b", "a")))
    assert "the step would have 3 tasks; max_specs allows 2" == scheduler.refusal((task("a"), task("b"), task("c")))

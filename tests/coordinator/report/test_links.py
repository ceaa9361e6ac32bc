"""Who waits for whom: blocked tasks, waiting times and the critical path."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otter.manifest.model import Result
from otter.report.facts import AttemptFacts, StepFacts, TaskFacts
from otter.report.links import Links, blocked, critical_path, waits


def task(name: str, span: tuple[int, int] | None = (0, 1), **values: Any) -> TaskFacts:
    """A task that ran once, or, without a span, never began."""
    if span is None:
        return TaskFacts(name=name, kind="x", result=Result.PENDING, **values)
    attempt = AttemptFacts(number=1, worker=0, result="success", started=span[0], finished=span[1])
    values = {"result": Result.SUCCESS, "started": span[0], "finished": span[1], "attempts": [attempt], **values}
    return TaskFacts(name=name, kind="x", **values)


def step(*tasks: TaskFacts) -> StepFacts:
    """A step that began at 0."""
    return StepFacts(key="otter_x", name="x", result=Result.SUCCESS, started=0, tasks=list(tasks))


def test_a_failure_blocks_what_needs_it_directly_or_not() -> None:
    """All that waits for the failed task counts, as long as it never began."""
    tasks = [
        task("a", result=Result.FAILURE),
        task("b", None, requires=["a"]),
        task("c", None, requires=["b"]),
        task("d", None),
        task("e", requires=["a"]),
    ]
    assert 2 == blocked(tasks, Links.of(tasks), [0])


def test_a_failed_child_blocks_what_requires_its_generator_and_not_its_siblings() -> None:
    """Requiring a generator means waiting for all that it generated."""
    tasks = [
        task("root"),
        task("generate", parent="root"),
        task("child", parent="generate", result=Result.FAILURE),
        task("sibling", None, parent="generate"),
        task("after", None, requires=["root"]),
    ]
    assert 1 == blocked(tasks, Links.of(tasks), [2])


def test_a_blocked_task_is_counted_where_the_manifest_names_the_cause() -> None:
    """What the engine recorded counts even where the edge is not recorded."""
    tasks = [task("a", result=Result.FAILURE), task("b", None, blocked_by="a")]
    assert 1 == blocked(tasks, Links.of(tasks), [0])


def test_tasks_are_ready_when_the_last_one_that_they_need_has_ended() -> None:
    """The wait begins at the end of the requirement that ended last."""
    found = step(task("a", (0, 5)), task("b", (0, 7)), task("c", (9, 10), requires=["a", "b"]))
    waited = waits(found, Links.of(found.tasks))
    assert [0, 0, 7] == waited.ready
    assert [-1, -1, 1] == waited.decided_by


def test_a_generator_is_done_when_its_children_are() -> None:
    """Who requires a generator waits for the last of what it generated, recursively."""
    found = step(
        task("g", (0, 1)), task("h", (1, 2), parent="g"), task("leaf", (2, 8), parent="h"),
        task("z", (8, 9), requires=["g"]),
    )  # fmt: skip
    assert [0, 1, 2, 8] == waits(found, Links.of(found.tasks)).ready


def test_the_critical_path_leads_from_the_first_task_to_the_last() -> None:
    """Each task on it was what the next one waited for."""
    found = step(
        task("a", (0, 5)), task("b", (0, 7)), task("c", (7, 10), requires=["a", "b"]), task("d", (7, 8), requires=["b"])
    )
    assert [1, 2] == critical_path(found, waits(found, Links.of(found.tasks)))


def test_reused_tasks_have_no_part_in_the_times_of_this_run() -> None:
    """What an earlier run did kept nobody waiting in this one."""
    found = step(task("a", (-90, -80), reused=True), task("b", (3, 4), requires=["a"]))
    assert [1] == critical_path(found, waits(found, Links.of(found.tasks)))


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=3), st.integers(-1, 9)), max_size=10))
def test_circles_do_not_hang(edges: list[tuple[list[int], int]]) -> None:
    """Whatever a manifest says of requirements and generators, all of it is followed to an end."""
    tasks = [
        task(str(place), (0, 0), requires=[str(other) for other in needs], parent=str(parent) if parent >= 0 else None)
        for place, (needs, parent) in enumerate(edges)
    ]
    found = step(*tasks)
    links = Links.of(tasks)
    path = critical_path(found, waits(found, links))
    assert len(path) == len(set(path))
    assert 0 == blocked(tasks, links, range(len(tasks)))

"""Rows 25 to 30 of the matrix: graphs that cannot be, and graphs that are too large."""

from __future__ import annotations

import pytest

from tests.support.runs import Scene

MARK = {"name": "mark known"}


def test_row_25_a_cycle_in_the_file_is_printed(scene: Scene) -> None:
    """A cycle in the file is refused before anything runs, and shown as a cycle."""
    scene.write(
        {"name": "mark a", "requires": ["mark c"]},
        {"name": "mark b", "requires": ["mark a"]},
        {"name": "mark c", "requires": ["mark b"]},
    )

    ended = scene.run()

    assert ended.code == 22
    assert "mark a -> mark c -> mark b -> mark a" in ended.output.replace("→", "->")
    assert scene.attempts("mark a") == 0


def test_row_25_a_task_that_requires_itself_is_refused(scene: Scene) -> None:
    """A task that requires itself is refused before anything runs."""
    scene.write({"name": "mark a", "requires": ["mark a"]})

    ended = scene.run()

    assert ended.code == 22
    assert "mark a" in ended.output
    assert scene.attempts("mark a") == 0


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("self", "would close a cycle: mark loop -> mark loop"),
        ("cycle", "would close a cycle: mark one -> mark two -> mark one"),
        ("parent", "would close a cycle"),
        ("duplicate", "there is a task 'mark known' already"),
        ("twice", "there is a task 'mark new' already"),
        ("case", "differs from 'mark KNOWN' only by case or composition"),
        ("composition", "only by case or composition"),
        ("unknown type", "unknown task type 'nothing'"),
        ("placeholder", "nothing defines ${nowhere}"),
    ],
)
def test_row_26_28_generated_specs_that_cannot_be(scene: Scene, how: str, reason: str) -> None:
    """Specs that close a cycle, or whose names are taken, make the task that generated them fail; the run ends."""
    scene.write(MARK, {"name": "breed some", "how": how, "requires": ["mark known"]})

    ended = scene.run("--keep-going")

    assert ended.code == 1
    assert reason in ended.reason("breed some")
    assert ended.results() == {"mark known": "success", "breed some": "failure"}


def test_row_26_a_requirement_that_nobody_generates(scene: Scene) -> None:
    """A generated task that requires what never comes is named, not waited for."""
    scene.write({"name": "breed some", "how": "unknown requirement"})

    ended = scene.run("--keep-going")

    assert ended.code == 1
    assert "requires 'mark nobody'" in ended.reason("mark waiting")


def test_row_27_a_late_requirement_on_a_failure(scene: Scene) -> None:
    """A task that is generated after what it requires has failed is skipped at once, with the root of it."""
    scene.write(
        {"name": "throw early", "how": "empty"},
        MARK,
        {
            "name": "explode late", "requires": ["mark known"], "foreach": ["x"],
            "do": [{"name": "mark ${each}", "requires": ["throw early"]}],
        },
    )  # fmt: skip

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.code == 1
    assert ended.results()["mark x"] == "pending"
    assert "throw early" in ended.reason("mark x")
    assert ended.tasks["mark x"]["blocked_by"] == "throw early"


def test_row_28_duplicates_in_the_file_are_refused(scene: Scene) -> None:
    """Equal names, and names that differ by case or composition only, are refused before anything runs."""
    scene.write(MARK, MARK, {"name": "mark KNOWN"}, {"name": "mark caf\u00e9"}, {"name": "mark cafe\u0301"})

    ended = scene.run()

    assert ended.code == 22
    assert "3 errors" in ended.output
    assert scene.attempts("mark known") == 0


def test_row_29_generators_of_generators(scene: Scene) -> None:
    """Generators may generate generators, deeply; the outermost is done after all of them."""
    scene.write({"name": "breed tree", "how": "nested", "count": 20}, {"name": "mark last", "requires": ["breed tree"]})

    ended = scene.run("-p", "2")

    assert ended.code == 0
    assert ended.step["counts"]["success"] == 42
    assert list(scene.ended())[-1] == "mark last"


def test_row_29_twenty_thousand_tasks_from_one(scene: Scene) -> None:
    """A generator of many tasks sends them in pages, and its worker and the coordinator stay small."""
    scene.write({"name": "breed many", "count": 20_000, "child": "rest"})

    ended = scene.run("-p", "2", "-q")

    assert ended.code == 0
    assert ended.step["counts"] == {"pending": 0, "success": 20_001, "failure": 0, "aborted": 0}
    assert ended.tasks["breed many"]["attempts"][0]["peak_memory"] < 150 << 20


def test_row_29_an_endless_generator_is_stopped(scene: Scene) -> None:
    """A generator that never stops fails with the number that was allowed, and does not fill our memory."""
    scene.write({"name": "breed more", "how": "endless"}, MARK, max_specs=5000)

    ended = scene.run("--keep-going")

    assert ended.code == 1
    assert "exceed max_specs, 5000" in ended.reason("breed more")
    assert ended.results() == {"breed more": "failure", "mark known": "success"}


def test_row_29_specs_of_a_dead_attempt_do_not_count(scene: Scene) -> None:
    """Pages of a generator that died are forgotten; those of the next attempt are all there is."""
    scene.write({"name": "breed many", "count": 2500, "child": "rest", "die": True})

    ended = scene.run("-p", "1", "-q")

    assert ended.code == 0
    assert ended.step["counts"]["success"] == 2501
    assert scene.attempts("breed many") == 2

"""Row 31 of the matrix, for attempts: those that a killed coordinator leaves behind are in the next manifest."""

from __future__ import annotations

import signal
from typing import Any

from tests.support.runs import Scene


def attempts_of(task: dict[str, Any]) -> list[tuple[int, str]]:
    """Number and result of each attempt."""
    return [(attempt["attempt"], attempt["result"]) for attempt in task["attempts"]]


def beginnings(scene: Scene) -> int:
    """How many beginnings of attempts are in the journal."""
    return sum(record["kind"] == "start" for record in scene.journal())


def kill_at_the_gate(scene: Scene, *flags: str, also: str = "") -> str:
    """Start a run, kill its coordinator when a task waits at the gate and another has ended; what it said."""
    before = beginnings(scene)
    running = scene.start(*flags)
    scene.gate.wait_for(1)
    running.wait_until(lambda: beginnings(scene) > before, "a beginning in the journal")
    if also:
        running.wait_for_output(also)
    running.signal(signal.SIGKILL)
    return running.wait().output


def test_row_31_attempts_of_a_killed_run_are_in_the_next_manifest(scene: Scene) -> None:
    """What ran when the coordinator was killed has that attempt in its entry, and is numbered on; twice, too."""
    scene.write({"name": "wait here"}, {"name": "mark later", "requires": ["wait here"]})
    kill_at_the_gate(scene)
    kill_at_the_gate(scene, "--resume")
    scene.gate.open()

    ended = scene.run("--resume", "--explain")

    assert ended.code == 0, ended.output
    assert [(1, "lost"), (2, "lost"), (3, "success")] == attempts_of(ended.tasks["wait here"])
    assert "killed" in ended.tasks["wait here"]["attempts"][0]["reason"]
    assert ended.tasks["wait here"]["attempts"][0]["started_at"] < ended.tasks["wait here"]["attempts"][1]["started_at"]
    assert [(1, "success")] == attempts_of(ended.tasks["mark later"])
    assert "wait here: it was running when an earlier run was killed\n" in ended.output
    assert "mark later: never run before\n" in ended.output
    assert 3 == scene.attempts("wait here")


def test_row_31_attempts_that_failed_before_the_kill_are_kept(scene: Scene) -> None:
    """A task that waited for its next attempt when the coordinator was killed keeps the failed ones."""
    scene.write(
        {"name": "wait here"},
        {"name": "throw twice", "how": "empty", "times": 1, "policy": {"retries": 2, "retry_delay": "1h"}},
        pool_size=2,
    )
    kill_at_the_gate(scene, also="attempt 1 failed")
    scene.gate.open()

    ended = scene.run("--resume", "--explain")

    assert ended.code == 0, ended.output
    assert [(1, "failure"), (2, "success")] == attempts_of(ended.tasks["throw twice"])
    assert "throw twice: it was to be tried again when an earlier run was killed: ValueError\n" in ended.output


def test_row_31_crashes_are_counted_anew_after_a_kill(scene: Scene) -> None:
    """The limit of crashes holds for each run: attempts of a killed one do not use it up."""
    scene.write({"name": "wait here"})
    kill_at_the_gate(scene)
    scene.write({"name": "wait here"}, {"name": "die here", "how": "exit:3"})
    scene.gate.open()
    limit = len(scene.run("--resume", "--keep-going").tasks["die here"]["attempts"])

    again = scene.run("--resume", "--keep-going")

    assert limit > 1
    assert [(number, "crashed") for number in range(1, 2 * limit + 1)] == attempts_of(again.tasks["die here"])
    assert 2 * limit == scene.attempts("die here")


def test_row_31_what_was_begun_again_is_not_taken_over(scene: Scene) -> None:
    """A task that was completed, and then begun again with another spec and killed, is not complete any more."""
    scene.write({"name": "wait here"})
    scene.gate.open()
    scene.run()
    scene.gate.shut()
    scene.gate.wait_for(1)
    scene.write({"name": "wait here", "deaf": True})
    kill_at_the_gate(scene, "--resume")
    scene.write({"name": "wait here"})
    scene.gate.open()

    ended = scene.run("--resume", "--explain")

    assert "wait here: it was running when an earlier run was killed\n" in ended.output
    assert [(1, "lost"), (2, "success")] == attempts_of(ended.tasks["wait here"])


def test_row_31_a_task_that_never_came_to_its_turn_keeps_its_attempts(scene: Scene) -> None:
    """Attempts of a killed run stay with a task that the next run blocks, and come out in the one after it."""
    scene.write({"name": "wait here"}, pool_size=2)
    kill_at_the_gate(scene)
    scene.write({"name": "throw it", "how": "empty"}, {"name": "wait here", "requires": ["throw it"]})
    blocked = scene.run("--resume").tasks["wait here"]
    scene.write({"name": "wait here"})
    scene.gate.open()

    ended = scene.run("--resume")

    assert [(1, "lost")] == attempts_of(blocked)
    assert ("pending", None) == (blocked["result"], blocked["started_run_at"])
    assert [(1, "lost"), (2, "success")] == attempts_of(ended.tasks["wait here"])

"""Row 31 and the kill loop: SIGKILL of the coordinator at every failpoint, then --resume until done."""

from __future__ import annotations

from typing import Any

import pytest

from otter.step.coordinator import failpoints
from tests.support.runs import Ended, Scene

KILL = -9
MAX_RUNS = 12
"""Runs until a step must be done; each of them but the last is killed once."""

TASKS: tuple[dict[str, Any], ...] = (
    {"name": "mark first", "destination": "out/first", "store": {"colour": "blue"}},
    {"name": "mark second", "destination": "out/second", "requires": ["mark first"]},
    {
        "name": "explode letters",
        "requires": ["mark second"],
        "foreach": ["a", "b", "c"],
        "do": [{"name": "mark ${each} ${colour}", "destination": "out/${each}"}],
    },
    {"name": "mark last", "destination": "out/last", "requires": ["explode letters"]},
)
MOVING = {
    "started_run_at", "finished_run_at", "run_elapsed", "elapsed", "attempts", "worker", "log_file", "log", "reused",
    "modified_ns", "started_validation_at", "finished_validation_at", "validation_elapsed", "files",
}  # fmt: skip
"""Fields that differ between two runs of the same step."""


def lasting(value: Any, work: str) -> Any:
    """What must be the same however often a run was killed."""
    if isinstance(value, dict):
        return {key: lasting(item, work) for key, item in value.items() if key not in MOVING}
    if isinstance(value, list):
        return [lasting(item, work) for item in value]
    return value.replace(work, "") if isinstance(value, str) else value


def outcome(ended: Ended) -> Any:
    """Results and artifacts of all tasks by name."""
    return {name: lasting(task, str(ended.scene.work)) for name, task in ended.tasks.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the step comes to when nobody disturbs it."""
    with Scene(tmp_path_factory.mktemp("undisturbed")) as scene:
        scene.write(*TASKS)
        ended = scene.run()
        assert ended.code == 0, ended.output
        return outcome(ended)


@pytest.mark.parametrize("hits", [1, 2, 5])
@pytest.mark.parametrize("point", failpoints.NAMES)
def test_row_31_a_killed_coordinator_loses_nothing(scene: Scene, undisturbed: Any, point: str, hits: int) -> None:
    """Killed at a failpoint and resumed, the step ends as if undisturbed; nothing committed runs twice; nobody is left.

    That no process is left after one second is looked at by each wait for an end.
    """
    scene.write(*TASKS)
    committed: set[str] = set()
    attempts: dict[str, int] = {}

    ended = scene.run(env={"OTTER_FAIL": f"{point}:kill:{hits}"})
    runs = 1
    while ended.code == KILL:
        committed |= set(scene.committed())
        attempts = {name: scene.attempts(name) for name in committed if name.startswith("mark")}
        assert runs < MAX_RUNS
        ended = scene.run("--resume")
        runs += 1

    assert ended.code == 0, ended.output
    assert undisturbed == outcome(ended)
    assert attempts == {name: scene.attempts(name) for name in attempts}


def test_row_31_killed_again_and_again(scene: Scene, undisturbed: Any) -> None:
    """A coordinator that is killed at the second commit of every run still gets the step done."""
    scene.write(*TASKS)
    codes = []

    for _ in range(MAX_RUNS):
        ended = scene.run("--resume", env={"OTTER_FAIL": "coord.commit:kill:3"})
        codes.append(ended.code)
        if ended.code != KILL:
            break

    assert codes[0] == KILL
    assert codes[-1] == 0, ended.output
    assert undisturbed == outcome(ended)

"""Row 31 of the matrix: the coordinator is killed at every named place, and the run is resumed until it is done."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.step.coordinator import failpoints
from tests.support.history import Snapshot, check_effects, check_journal, outcome
from tests.support.runs import Scene

HITS = {
    "manifest.tmp": (1,), "manifest.after_fsync": (1,), "manifest.after_replace": (1,), "coord.finish": (1,),
    "journal.after_fsync": (1, 2),
}  # fmt: skip
"""Which hits of a place act; elsewhere the first, the second, the fourth and the seventh."""

TASKS: list[dict[str, Any]] = [
    {"name": "mark seed", "store": {"key": "value"}, "destination": "seed.txt"},
    {"name": "breed some", "count": 3, "requires": ["mark seed"]},
    {"name": "mark use", "destination": "${key}.txt", "requires": ["mark seed", "breed some"]},
    {"name": "mark_async a"},
    {"name": "mark_async b"},
    {"name": "die once", "how": "SIGKILL", "times": 1, "requires": ["mark seed"]},
    {"name": "mark last", "destination": "last.txt", "requires": ["mark use", "die once", "mark_async a"]},
]
"""Values, artifacts, a generator, coroutines, a worker that dies, and an order among them."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a run that nobody disturbs."""
    with Scene(tmp_path_factory.mktemp("undisturbed")) as scene:
        scene.write(*TASKS)
        ended = scene.run("-p", "2")
        assert ended.code == 0, ended.output
        return in_place(scene, outcome(scene.manifest()))


def in_place(scene: Scene, found: dict[str, Any]) -> dict[str, Any]:
    """An outcome without the name of the directory in which it came about."""
    text = orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode().replace(str(scene.path), "")
    return orjson.loads(text)  # type: ignore[no-any-return]


CASES = [(name, hit) for name in failpoints.NAMES for hit in HITS.get(name, (1, 2, 4, 7))]


@pytest.mark.parametrize(("name", "hit"), CASES, ids=[f"{name}-{hit}" for name, hit in CASES])
def test_row_31_killed_anywhere_and_resumed(scene: Scene, undisturbed: dict[str, Any], name: str, hit: int) -> None:
    """Killed twice at a place, then left alone: the same results, nothing committed ran again, no process was left."""
    scene.write(*TASKS)
    env = {"OTTER_FAIL": f"{name}:kill:{hit}"}

    first = scene.run("-p", "2", env=env)
    snapshots = [Snapshot.of(scene)]
    second = scene.run("-p", "2", "--resume", env=env)
    snapshots.append(Snapshot.of(scene))
    assert {first.code, second.code} <= {0, -signal.SIGKILL}, second.output
    manifest = scene.work / "manifest.json"
    assert not manifest.exists() or orjson.loads(manifest.read_bytes())["steps"]
    last = scene.run("-p", "2", "--resume")

    assert last.code == 0, last.output
    assert undisturbed == in_place(scene, outcome(scene.manifest()))
    for snapshot in snapshots:
        snapshot.check_later(scene)
    check_journal(scene.journal())
    check_effects(scene)
    left = sorted(path.name for path in scene.work.iterdir() if path.is_file() and not path.name.endswith(".lock"))
    assert ["last.txt", "manifest.json", "seed.txt", "value.txt"] == left


def test_row_31_the_places_are_come_by(scene: Scene) -> None:
    """The first hit of every place of the coordinator kills it: a place that nothing passes would test nothing."""
    survived = []
    for name in failpoints.NAMES:
        scene.write(*TASKS, {"name": f"mark {name}"})
        if scene.run("-p", "2", env={"OTTER_FAIL": f"{name}:kill"}).code != -signal.SIGKILL:
            survived.append(name)

    assert survived == []


def test_row_31_a_kill_from_outside(scene: Scene, undisturbed: dict[str, Any]) -> None:
    """Killed by somebody else at a moment of his choice, the run is resumed as well."""
    scene.write(*TASKS, {"name": "wait here", "requires": ["mark last"]})
    running = scene.start("-p", "2")
    scene.gate.wait_for(1)
    before = Snapshot.of(scene)
    running.signal(signal.SIGKILL)
    running.wait()
    scene.gate.open()

    ended = scene.run("--resume")

    assert ended.code == 0, ended.output
    before.check_later(scene)
    assert len(before.attempts) == 10
    assert scene.attempts("wait here") == 2
    assert Path(ended.tasks["mark last"]["artifacts"][0]["files"][0]["path"]).exists()

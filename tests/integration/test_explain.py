"""`--explain`: why each task runs, or does not, whatever became of it before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.runs import OTTER, ROOT, Ended, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A directory with a pipeline, whose processes end with the test."""
    with Scene(tmp_path) as made:
        yield made


def mark(name: str, *requires: str, **fields: Any) -> dict[str, Any]:
    """A task that succeeds, if it runs."""
    return {"name": f"mark {name}", "requires": list(requires), **fields}


def explained(ended: Ended, *names: str) -> dict[str, str]:
    """What a run said of tasks."""
    lines = [line.partition(": ") for line in ended.output.splitlines()]
    return {name: why for name, _, why in lines if name in names and not why.startswith(("done in", "FAILED"))}


def planned(scene: Scene) -> dict[str, tuple[str, str]]:
    """What the plan of a resumed run says of each task: what becomes of it, and why."""
    done = subprocess.run(
        [sys.executable, "-c", OTTER, "plan", "pipeline.toml", "--resume", "--json", "--tasks", "tests.support.faulty"],
        cwd=scene.path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return {entry["name"]: (entry["action"], entry["why"]) for entry in orjson.loads(done.stdout)["entries"]}


def test_each_task_says_why_it_runs_or_not(scene: Scene) -> None:
    """Unchanged, changed by field, gone, after another one, failed, crashed, never begun, new: each is told apart."""
    before = (
        mark("kept"), mark("changed", destination="a"), mark("gone", destination="gone"), mark("after", "mark gone"),
        {"name": "throw it", "how": "empty"}, {"name": "die it", "how": "exit:3", "policy": {"idempotent": False}},
        mark("blocked", "throw it"),
    )  # fmt: skip
    scene.write(*before)
    assert scene.run("--keep-going").code == 1
    (scene.work / "gone").unlink()
    repaired = (
        mark("kept"), mark("changed", destination="b", store={"x": 1}), *before[2:4], mark("blocked", "throw it"),
        {"name": "throw it", "how": "empty", "times": 0}, {"name": "die it", "how": "exit:3", "times": 0}, mark("new"),
    )  # fmt: skip
    scene.write(*repaired)
    names = [str(task["name"]) for task in repaired]
    plan = planned(scene)

    ended = scene.run("--resume", "--explain", "--quiet")

    why = explained(ended, *names)
    assert ended.code == 0, ended.output
    assert {
        "mark kept": "done before, nothing changed",
        "mark changed": "its spec changed (destination, store)",
        "mark gone": f"its artifact {scene.work}/gone is gone",
        "mark after": "'mark gone', which it requires, ran again",
        "throw it": "it failed: ValueError",
        "die it": "it crashed: exited with 3 before it answered; not tried again, because it is not idempotent",
        "mark blocked": "it was not begun: it needs 'throw it', which did not succeed",
        "mark new": "never run before",
    } == why
    assert {
        name: ("reuse" if name == "mark kept" else "run", text.replace("ran again", "runs again"))
        for name, text in why.items()
    } == plan


def test_a_task_that_does_not_run_says_why(scene: Scene) -> None:
    """What is blocked now, and what the end of the run leaves, is told as well."""
    scene.write({"name": "throw it", "how": "empty"}, mark("blocked", "throw it"))
    scene.run()

    ended = scene.run("--resume", "--explain", "--quiet")

    assert {
        "throw it": "it failed: ValueError",
        "mark blocked": "not begun: it needs 'throw it', which did not succeed",
    } == explained(ended, "throw it", "mark blocked")


def test_programs_get_an_event_for_each_task(scene: Scene) -> None:
    """With JSON lines each explanation is an object."""
    scene.write(mark("one"))
    scene.run()
    scene.write(mark("one"), mark("two"))

    ended = scene.run("--resume", "--explain", "--log-format", "json")

    rows = [orjson.loads(line) for line in ended.output.splitlines()]
    assert [
        ("mark one", False, "done before, nothing changed"), ("mark two", True, "never run before")
    ] == [(row["task"], row["runs"], row["why"]) for row in rows if row["event"] == "explain"]  # fmt: skip

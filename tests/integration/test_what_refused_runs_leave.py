"""A run that does not come about changes nothing of what the one before it left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.runs import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A directory whose processes end with the test."""
    with Scene(tmp_path) as made:
        yield made


MISTAKES: dict[str, list[dict[str, Any]]] = {
    "a field that is none": [{"name": "mark one"}, {"name": "mark two", "destinatoin": "x"}],
    "a name that is none": [{"name": "mark one"}, {"name": "mark"}],
    "a requirement that is none": [{"name": "mark one"}, {"name": "mark two", "requires": ["mark tow"]}],
    "a type that is none": [{"name": "mark one"}, {"name": "marc two"}],
}


@pytest.mark.parametrize("flags", [(), ("--resume",)], ids=["anew", "resumed"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_costs_nothing_that_was_done(scene: Scene, mistake: str, flags: tuple[str, ...]) -> None:
    """Journal, logs and manifest stay, so that the run after the repair goes on where the last sound one ended."""
    scene.write({"name": "mark one"}, {"name": "mark two"})
    before = scene.run()
    logs = {path.name: path.read_bytes() for path in (scene.state / "logs").iterdir()}
    journal, manifest = (scene.state / "journal").read_bytes(), scene.manifest()
    scene.write(*MISTAKES[mistake])
    refused = scene.run(*flags)
    assert refused.code == 22, refused.output
    assert journal == (scene.state / "journal").read_bytes()
    assert logs == {path.name: path.read_bytes() for path in (scene.state / "logs").iterdir()}
    assert manifest == scene.manifest()
    scene.write({"name": "mark one"}, {"name": "mark two"})
    resumed = scene.run("--resume")
    assert (before.code, resumed.code) == (0, 0)
    assert [scene.attempts("mark one"), scene.attempts("mark two")] == [1, 1]


def test_a_run_that_is_stopped_before_its_tasks_begin_leaves_the_journal(scene: Scene) -> None:
    """Workers that load for ever never tell what they can run; Ctrl-C ends that, and nothing has to be done again."""
    scene.write({"name": "mark one"})
    assert scene.run().code == 0
    journal = (scene.state / "journal").read_bytes()
    package = scene.path / "slow_tasks"
    package.mkdir()
    (package / "__init__.py").write_text("import signal; signal.pause()")
    running = scene.start("--tasks", "slow_tasks")
    running.wait_until(lambda: bool(running.workers()), "a worker")
    running.signal(signal.SIGINT)
    assert running.wait().code == 130
    assert journal == (scene.state / "journal").read_bytes()
    assert scene.run("--resume").code == 0
    assert scene.attempts("mark one") == 1

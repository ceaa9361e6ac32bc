"""Row 32: signals to the coordinator."""

from __future__ import annotations

import signal
import time

import pytest

from tests.support.runs import Scene

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_row_32_the_first_signal_lets_tasks_end(scene: Scene, number: signal.Signals) -> None:
    """Running tasks are asked to stop, none begins any more; manifest and exit code name the signal."""
    scene.write({"name": "wait one"}, {"name": "mark after", "requires": ["wait one"]})
    gate = scene.gate
    running = scene.start()
    gate.wait_for(1)

    running.signal(number)
    ended = running.wait()

    assert ended.code == 128 + number
    assert {"wait one": "aborted", "mark after": "pending"} == ended.results()
    assert ended.step["result"] == "aborted"
    assert f"stopped by {number.name}" in ended.step["failure_reason"]
    assert scene.attempts("mark after") == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_row_32_the_second_signal_kills(scene: Scene, number: signal.Signals) -> None:
    """A task that is deaf to the wish to stop is killed by the second signal, long before its grace is over."""
    scene.write({"name": "wait one", "deaf": True}, grace="1h")
    gate = scene.gate
    running = scene.start()
    gate.wait_for(1)

    running.signal(number)
    running.wait_for_output(f"stopped by {number.name}")
    running.signal(number)
    ended = running.wait()

    assert ended.code == 128 + number
    assert {"wait one": "aborted"} == ended.results()


def test_row_32_the_grace_ends(scene: Scene) -> None:
    """A deaf task is killed when its grace is over, and what was done before stays recorded."""
    scene.write({"name": "mark one"}, {"name": "wait two", "deaf": True, "requires": ["mark one"]}, grace="300ms")
    gate = scene.gate
    running = scene.start()
    gate.wait_for(1)

    running.signal(signal.SIGTERM)
    ended = running.wait()

    assert ended.code == 143
    assert {"mark one": "success", "wait two": "aborted"} == ended.results()


def test_row_32_a_stopped_run_can_be_resumed(scene: Scene) -> None:
    """What a stopped run completed is not run again; what it aborted is."""
    scene.write({"name": "mark one"}, {"name": "wait two", "requires": ["mark one"]})
    gate = scene.gate
    running = scene.start()
    gate.wait_for(1)
    running.signal(signal.SIGINT)
    assert running.wait().code == 130
    gate.open()

    ended = scene.run("--resume")

    assert ended.code == 0, ended.output
    assert {"mark one": "success", "wait two": "success"} == ended.results()
    assert (1, 2) == (scene.attempts("mark one"), scene.attempts("wait two"))


def test_row_31_a_killed_coordinator_takes_everything_along(scene: Scene) -> None:
    """SIGKILL of the coordinator ends its workers and their children within a second, whatever they do."""
    scene.write({"name": "wait one", "deaf": True}, {"name": "hang two", "how": "gil"})
    gate = scene.gate
    running = scene.start("--pool-size=2")
    gate.wait_for(1)
    running.wait_until(lambda: scene.attempts("hang two") == 1, 40, "the hanging task")

    running.signal(signal.SIGKILL)
    began = time.monotonic()
    ended = running.wait()

    assert ended.code == -signal.SIGKILL
    assert time.monotonic() - began < 10

"""What `otter status` says in another shell of runs that really go on, stand still, or have ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.runs import KEY, OTTER, Running, Scene

Entry = dict[str, Any]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A place for runs."""
    with Scene(tmp_path) as scene:
        yield scene


def status(scene: Scene, *flags: str) -> str:
    """What `otter status` prints."""
    command = [sys.executable, "-c", OTTER, "status", "-w", str(scene.work), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def of(scene: Scene, key: str = KEY) -> Entry:
    """What `otter status --json` says of a step."""
    return next(run for run in orjson.loads(status(scene, "--json")) if run["step"] == key)


def wait_for(scene: Scene, running: Running, condition: Callable[[Entry], bool], what: str) -> None:
    """Wait until a run says of itself that something is so."""

    def is_so() -> bool:
        if not (scene.state / "status.json").exists():
            return False
        said = of(scene)["status"]
        return said is not None and condition(said)

    running.wait_until(is_so, what)


def masked(text: str) -> list[str]:
    """The lines, without times, workers and processes."""
    text = re.sub(r"\b\d[\d.]*[smh](\d+[sm])?\b", "TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "WHEN", text)
    return re.sub(r"worker \d+", "worker N", re.sub(r"process \d+ on \S+", "process PID", text)).splitlines()


def test_why_each_waiting_task_waits(scene: Scene) -> None:
    """For a task, for generated ones, for a pool, for another attempt, for a free worker; and what runs."""
    scene.gate  # noqa: B018 - makes the gate
    scene.write(
        {"name": "throw again", "how": "ValueError", "policy": {"retries": 1, "retry_delay": "1h", "priority": 3}},
        {
            "name": "explode two", "foreach": ["a", "b"], "policy": {"priority": 2},
            "do": [{"name": "wait ${each}", "policy": {"uses": "hosts", "priority": 1}}],
        },
        {"name": "wait first", "policy": {"priority": 1}},
        {"name": "wait idle"},
        {"name": "wait last", "requires": ["explode two"]},
        pool_size=2, pools={"hosts": 1},
    )  # fmt: skip
    running = scene.start()
    wait_for(scene, running, lambda said: len(said["running"]) == 2 and len(said["waiting"]) == 5, "two run")

    first, second, *rest = masked(status(scene))

    assert f"{KEY}: running for TIME: process PID" == first
    assert "    0 of 7 tasks ended, as of TIME ago" == second
    assert (
        """\
    runs
        wait a: worker N, for TIME
        wait first: worker N, for TIME
    waits
        throw again: waits TIME for its next attempt
        explode two: waits for 2 generated tasks
        wait idle: waits for a worker
        wait last: waits for 'explode two'
        wait b: waits for the pool 'hosts'
    pool hosts: 1 of 1 used, 1 waiting
    explode two: 0 of 2 generated tasks ended
""".splitlines()
        == [*rest[:1], *sorted(rest[1:3]), *rest[3:]]
    )
    running.signal(signal.SIGINT)
    running.wait_for_output("stopped by SIGINT")
    scene.gate.open()
    running.wait()
    (line,) = masked(status(scene))
    assert f"{KEY}: not running; aborted in TIME, ended WHEN: stopped by SIGINT" == line


def test_a_run_that_stands_still_and_one_that_was_killed(scene: Scene) -> None:
    """A stopped process is told from one that works; a killed one did not come to its end, and can be resumed."""
    scene.gate  # noqa: B018 - makes the gate
    scene.write({"name": "wait one"})
    running = scene.start()
    wait_for(scene, running, lambda said: len(said["running"]) == 1, "it runs")
    assert not of(scene)["paused"]

    os.kill(running.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, running.pid, os.WSTOPPED | os.WNOWAIT)

    assert of(scene)["paused"]
    assert f"    the process is paused; `kill -CONT {running.pid}` lets it go on" in status(scene).splitlines()
    running.signal(signal.SIGKILL)
    running.wait()
    (line,) = masked(status(scene))
    assert (
        f"{KEY}: not running; it did not come to its end; 0 of 1 task ended at WHEN; `otter run --resume` goes on"
    ) == line
    assert (False, False, None) == (of(scene)["running"], of(scene)["paused"], of(scene)["end"])


def test_two_steps_in_one_work_directory(scene: Scene) -> None:
    """Each step is told of; one can be chosen by its name."""
    scene.gate.open()
    scene.write({"name": "mark one"}, step="early")
    assert 0 == scene.run().code
    scene.write({"name": "mark one"})
    assert 0 == scene.run().code

    assert [
        "otter_early: not running; success in TIME, ended WHEN", "",
        f"{KEY}: not running; success in TIME, ended WHEN",
    ] == masked(status(scene))  # fmt: skip
    assert ["otter_early: not running; success in TIME, ended WHEN"] == masked(status(scene, "-s", "early"))


def test_of_very_many_waiting_tasks_the_rest_is_a_number(scene: Scene) -> None:
    """A run lists some hundreds of those that wait; how many more there are, and for what, is said as well."""
    scene.gate  # noqa: B018 - makes the gate
    scene.write({"name": "wait one"}, *({"name": f"mark {n}", "requires": ["wait one"]} for n in range(500)))
    running = scene.start()
    wait_for(scene, running, lambda said: len(said["running"]) == 1, "it runs")

    lines = status(scene).splitlines()

    assert "        mark 0, mark 1, mark 2 and 197 more: waits for 'wait one'" in lines
    assert "        … and 300 more; of all of them 500 for other tasks" in lines
    scene.gate.open()
    assert 0 == running.wait().code

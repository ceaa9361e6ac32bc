"""The first worker is started before the command knows what it will do: whatever that is, nobody notices."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.runs import OTTER, ROOT, Scene

MARK = {"name": "mark one"}

WHILE_IT_LOADS = """
import os, signal, sys, time

def commands():
    # For an instant a new process has no command line, as its program is being loaded.
    found = [""]
    while not all(found):
        time.sleep(0.001)
        with open("/proc/thread-self/children") as children:
            found = [open(f"/proc/{{pid}}/cmdline").read() for pid in children.read().split()]
    return found

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "otter.cli.run_step":
            {what}

sys.meta_path.insert(0, Finder())
"""


def command(what: str) -> tuple[str, str, str]:
    """A command that does something when its first worker has been started, and the rest of it has not been loaded."""
    return sys.executable, "-c", WHILE_IT_LOADS.format(what=what) + OTTER


def test_the_worker_is_there_before_the_command_is_loaded(scene: Scene) -> None:
    """It is the one that runs the first task, and its output stands where that of every worker stands."""
    scene.write(MARK)
    ended = scene.run(command=command("print(*commands())"))

    assert 0 == ended.code, ended.output
    assert "--worker-id=0" in ended.output
    assert ended.results() == {"mark one": "success"}
    assert (scene.state / "workers" / "0.out").exists()


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.3])
def test_killed_while_it_loads(scene: Scene, pause: float) -> None:
    """The worker, in whatever state it is, goes with it; the next run finds nothing in its way."""
    scene.write(MARK)
    killed = scene.start(command=command(f"time.sleep({pause}); os.kill(os.getpid(), signal.SIGKILL)"))
    assert -signal.SIGKILL == killed.process.wait()
    assert {} == processes.left_after(scene.mark, 1.0)
    assert not scene.work.exists()

    assert scene.run().results() == {"mark one": "success"}


def test_interrupted_while_it_loads(scene: Scene) -> None:
    """Ctrl-C ends the worker as well, and there is no traceback."""
    scene.write(MARK)
    ended = scene.start(command=command("os.kill(os.getpid(), signal.SIGINT)")).wait()
    assert (130, "") == (ended.code, ended.output)
    assert not scene.work.exists()


def test_a_refused_run_leaves_nothing(scene: Scene) -> None:
    """The worker of a run that does not come about is gone when the command is."""
    scene.write(MARK, wrok_path="here")
    ended = scene.run()
    assert 22 == ended.code
    assert "unknown key 'wrok_path'" in ended.output
    assert {} == processes.left_after(scene.mark, 0.0)
    assert not scene.work.exists()


def test_a_worker_that_cannot_load_is_told_of(scene: Scene) -> None:
    """It is the first one of the run, and what it says counts."""
    scene.write(MARK)
    ended = scene.run("--tasks", "tests.nowhere")
    assert 2 == ended.code
    assert "tests.nowhere" in ended.output


def test_another_interpreter_or_limit_needs_another_worker(scene: Scene) -> None:
    """What the file says of workers holds for the first one, too, wherever it says it."""
    scene.write({"name": "wait here", "note": "x" * 70_000}, workers={"env": ["PYTHONPATH", processes.MARK]})
    file = scene.path / "pipeline.toml"
    head, name, rest = file.read_text().partition("[workers]")
    settings, header, task = rest.partition("[[steps")
    file.write_text(head + header + task + name + settings)
    running = scene.start("--lenient", env={"SECRET": "known"})
    scene.gate.wait_for(1)
    (worker,) = running.workers()
    assert b"SECRET" not in Path(f"/proc/{worker}/environ").read_bytes()
    scene.gate.open()
    assert running.wait().results() == {"wait here": "success"}


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_a_work_path_on_another_file_system(scene: Scene) -> None:
    """The worker's output cannot come there by a new name; so another worker is started."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        scene.write(MARK, work_path=f"{place}/work")
        text = (scene.path / "pipeline.toml").read_text()
        assert place in text
        running = scene.start()
        assert 0 == running.process.wait(), running.output()
        assert {} == processes.left_after(scene.mark, 0.0)
        assert (Path(place) / "work" / ".otter" / scene.state.name / "workers" / "0.out").exists()


def test_a_file_that_can_be_read_once(scene: Scene) -> None:
    """As a shell gives it with `<(...)`: looking at it before it is read would take it away."""
    scene.write(MARK)
    text = (scene.path / "pipeline.toml").read_bytes()
    words = [sys.executable, "-m", "otter.cli", "run", "/dev/stdin", "--tasks", "tests.support.faulty", "--quiet"]
    done = subprocess.run(
        words, input=text, cwd=scene.path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert (0, b"") == (done.returncode, done.stdout), done.stderr
    assert ["mark one"] == scene.committed()

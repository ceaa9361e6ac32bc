"""What is said at once of a failure: the task's own last words, and where it failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otter.cli import main
from otter.pipeline import dumps_pipeline
from otter.testing import PipelineOutcome, run_pipeline

NUMBERS = "for number in range(20): print('line', number)"


def failed(directory: Path, program: str) -> PipelineOutcome:
    """A run of one program that fails."""
    task = {"name": "command it", "argv": [sys.executable, "-c", program]}
    return run_pipeline({"step": [task]}, directory=directory, packages=["otter.commands"], check=False)


def test_the_traceback_does_not_take_the_place_of_what_the_task_said(tmp_path: Path) -> None:
    """The last ten lines of the program are there, and no line of what calls a task."""
    outcome = failed(tmp_path, f"{NUMBERS}\nraise SystemExit(4)")
    shown = [line.strip() for line in outcome.output.splitlines()]
    assert [f"line {number}" for number in range(10, 20)] == [line for line in shown if line.startswith("line ")]
    assert "otter.util.errors.TaskRunError: " in outcome.output
    assert "task_reporter.py" not in outcome.output
    assert "task_reporter.py" not in str(outcome.tasks["command it"].model_dump()["traceback"])


@pytest.mark.parametrize("depth", [1, 30])
def test_of_a_long_traceback_the_end_is_shown(tmp_path: Path, depth: int) -> None:
    """The innermost frames and the exception; that something was left out can be seen."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").touch()
    (tmp_path / "deep" / "dive.py").write_text(DIVE)
    sys.path.insert(0, str(tmp_path))
    try:
        tasks = {"step": [{"name": "dive in", "depth": depth}]}
        outcome = run_pipeline(tasks, directory=tmp_path, packages=["deep"], check=False)
    finally:
        sys.path.remove(str(tmp_path))
    lines = outcome.output.splitlines()
    trace = lines[lines.index("    Traceback (most recent call last):") : lines.index("    ValueError: too deep") + 1]
    assert len(trace) <= 12
    assert ("      …" in trace) is (depth == 30)
    assert "        raise ValueError('too deep')" == trace[-2]


def test_a_task_that_is_stopped_shows_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own frames, at once and afterwards, and none of those that call a task, or of other threads."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").touch()
    (tmp_path / "deep" / "wait.py").write_text(WAIT)
    sys.path.insert(0, str(tmp_path))
    try:
        policy = {"timeout": "0.5s", "retries": 1, "retry_delay": "0s"}
        tasks = {"step": [{"name": "wait long", "policy": policy}]}
        text = dumps_pipeline(tasks, settings={"grace": "0s"})
        outcome = run_pipeline(text, directory=tmp_path, packages=["deep"], check=False)
    finally:
        sys.path.remove(str(tmp_path))
    assert 0 == main(["manifest", "show", str(tmp_path / "work")])
    for said, indent in ((outcome.output, "    "), (capsys.readouterr().out, "    | ")):
        lines = [line.removeprefix(indent) for line in said.splitlines() if line.startswith(indent)]
        at = next(place for place, line in enumerate(lines) if line.startswith("Current thread "))
        assert f'  File "{tmp_path}/deep/wait.py", line 10 in run' == lines[at + 1]
        assert "  …" == lines[at + 2]
        assert "otter/step/worker" not in said


WAIT = """\
import threading

from otter.task import Task, report


class Wait(Task):
    @report
    def run(self):
        lock = threading.Lock()
        with lock, lock:  # it waits for itself
            pass
"""


def test_of_a_chain_of_tracebacks_the_last_is_shown(tmp_path: Path) -> None:
    """The others do not take the place of what the task said; the log has them."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").touch()
    (tmp_path / "deep" / "chain.py").write_text(CHAIN)
    sys.path.insert(0, str(tmp_path))
    try:
        outcome = run_pipeline({"step": [{"name": "chain it"}]}, directory=tmp_path, packages=["deep"], check=False)
    finally:
        sys.path.remove(str(tmp_path))
    lines = outcome.output.splitlines()
    at = lines.index("    Traceback (most recent call last):")
    assert lines[at - 1] == "    the last that I say"
    assert ["    OSError: second"] == [line for line in lines[at:] if line.startswith(("    OSError", "    KeyError"))]


CHAIN = """\
from otter.task import Task, report


class Chain(Task):
    @report
    def run(self):
        print("the last that I say")
        try:
            raise KeyError("first")
        except KeyError as error:
            raise OSError("second") from error
"""


DIVE = """\
from otter.task import Spec, Task, report


class DiveSpec(Spec):
    depth: int


class Dive(Task):
    @report
    def run(self):
        self.go(self.spec.depth)

    def go(self, depth):
        if depth == 1:
            raise ValueError('too deep')
        self.go(depth - 1)
"""

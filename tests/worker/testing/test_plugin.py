"""The fixtures of `otter.testing`, as a test suite elsewhere gets them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
from otter.config.model import Config
from otter.manifest.model import Result
from otter.tasks.hello_world import HelloWorld, HelloWorldSpec
import asyncio
import pytest


def test_a_task(run_task, tmp_path):
    outcome = run_task({"name": "hello_world a", "who": "you"})
    assert "you" == outcome.artifacts[0].destination
    assert tmp_path == outcome.task.context.config.work_path


def test_a_constructed_task(task_context, otter_config):
    assert otter_config is task_context.config
    task = HelloWorld(HelloWorldSpec(name="hello_world b"), task_context)
    assert asyncio.run(task.run()) is task
    assert Result.SUCCESS == task.manifest.result
    assert not task_context.abort.is_set()


class TestWithAnotherConfiguration:
    @pytest.fixture
    def otter_config(self, tmp_path):
        return Config(step="mine", work_path=tmp_path / "mine")

    def test_it_is_used(self, run_task):
        assert "mine" == run_task({"name": "hello_world c"}).task.context.config.step


def test_a_pipeline(run_pipeline, tmp_path):
    outcome = run_pipeline({"greet": [{"name": "hello_world a", "who": "you"}]})
    assert tmp_path / "work" == outcome.work_path
    assert ["hello_world a"] == list(outcome.tasks)
"""

LIGHT = """
import sys
from otter.testing import plugin
heavy = {"otter.testing.task", "otter.testing.pipeline", "asyncio", "attrs", "pytest"}
print(sorted(heavy & sys.modules.keys()))
"""


def test_fixtures_are_found(tmp_path: Path) -> None:
    """By the entry point alone: no conftest names them. They have temporary directories, and can be overridden."""
    (tmp_path / "test_mine.py").write_text(TESTS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_plugin_is_light() -> None:
    """Every pytest session of an environment loads it: nothing heavy comes with it, pytest itself included."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_a_failing_test_shows_the_task_and_not_the_machinery(tmp_path: Path) -> None:
    """What pytest prints has the test and what failed the task, and nothing of how the task was run."""
    text = """
def test_it(run_task):
    run_task({"name": "copy a", "source": "/no/where", "destination": "b"})
"""
    (tmp_path / "test_failing.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_failing.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed" in done.stdout
    assert "otter.util.errors.NotFoundError: /no/where: there is no such file" in done.stdout
    assert "otter/testing/task.py" not in done.stdout


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "hello_world x", "woh": "y"}, "SpecError: 'hello_world x': hello_world has no field 'woh'"),
        ({"name": "hello_world x", "who": "${v}"}, "ScratchpadError: nothing defines ${v}"),
        ({"name": "hallo_world x"}, "TaskBuildError: unknown task type 'hallo_world'"),
        ({"name": "hello_world"}, "SpecError: Spec: name: a name is the task type and a description"),
    ],
)
def test_a_spec_that_is_refused_shows_the_test_only(tmp_path: Path, spec: dict[str, str], said: str) -> None:
    """What is wrong with it stands in the test; nothing of how it was found is printed."""
    (tmp_path / "test_failing.py").write_text(f"def test_it(run_task):\n    run_task({spec!r})\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_failing.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"E       otter.util.errors.{said}" in done.stdout
    places = [line.split(": ")[0] for line in done.stdout.splitlines() if ".py:" in line and "FAILED" not in line]
    assert ["test_failing.py:2"] == places

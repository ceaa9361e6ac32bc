"""`otter-worker replay`: one attempt, made again in the worker package alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.config.model import Config
from otter.step.worker.replay import FORMAT, Request, replay, run_request
from otter.task.model import Spec, Task
from otter.task.task_registry import RegisteredType, TaskRegistry
from otter.task.task_reporter import report


class Probe(Task):
    """Does what its spec says."""

    def __init__(self, spec: Spec, context: Any) -> None:
        super().__init__(spec, context)
        if getattr(spec, "broken", False):
            raise LookupError("no such thing")

    @report
    def run(self) -> Any:
        """Fail, generate, or store."""
        local = "seen by the debugger"
        if getattr(self.spec, "fails", False):
            raise ValueError(local)
        self.context.add_specs([{"name": "probe more"}])
        self.context.scratchpad.store("made", self.context.scratchpad.sentinel_dict["given"] + 1)
        return self


class Wait(Task):
    """Asynchronous, and checks itself."""

    async def run(self) -> Any:
        """Wait for the loop once."""
        await asyncio.sleep(0)
        self.waited = True
        return self

    def validate(self) -> Any:
        """See the object that `run` left, outside of any loop."""
        assert self.waited
        asyncio.run(asyncio.sleep(0))
        return self


class Registry(TaskRegistry):
    """Knows the two."""

    def find(self, name: str) -> RegisteredType:
        return RegisteredType(name, {"probe": Probe, "wait": Wait}[name], Spec)


def request(tmp_path: Path, name: str, **fields: Any) -> Request:
    """A request for a task."""
    config = Config(step="x", steps=["x"], work_path=tmp_path)
    return Request(spec={"name": name, **fields}, attempt=3, config=config, values={"given": 1})


def run(tmp_path: Path, name: str, **fields: Any) -> Any:
    """What a worker would answer, and the pages before it."""
    wanted = request(tmp_path, name, **fields)
    return run_request(wanted, Registry(wanted.config))


def test_the_answer_is_that_of_a_worker(tmp_path: Path) -> None:
    """Result, attempt, generated specs, and of the scratchpad what the task itself stored."""
    answer, pages = run(tmp_path, "probe a")
    assert ("success", 3, {"made": 2}) == (answer.record["result"], answer.attempt, answer.values)
    assert [["probe more"]] == [[spec["name"] for spec in page.specs] for page in pages]


def test_asynchronous_tasks_run_and_validate(tmp_path: Path) -> None:
    """A coroutine on a loop, a plain method beside it; methods without `report` are reported as well."""
    answer, _ = run(tmp_path, "wait a")
    assert "success" == answer.record["result"]
    assert answer.record["validation_elapsed"] > 0


@pytest.mark.parametrize(
    ("fields", "failure", "reason"),
    [
        ({"fails": True}, "ValueError", "ValueError: seen by the debugger"),
        ({"broken": True}, "TaskBuildError", "the constructor failed with LookupError: no such thing"),
    ],
)
def test_failures_keep_their_traceback(tmp_path: Path, fields: Any, failure: str, reason: str) -> None:
    """Of a method and of a constructor."""
    answer, _ = run(tmp_path, "probe a", **fields)
    assert ("failure", failure) == (answer.record["result"], answer.failure)
    assert reason in answer.record["failure_reason"]
    assert "Traceback" in answer.traceback


@pytest.mark.parametrize("fields", [{"fails": True}, {"broken": True}])
def test_the_debugger_sees_the_frames(tmp_path: Path, fields: Any) -> None:
    """It is called while they are alive, with the exception that the task raised."""
    seen: list[str] = []

    def debug(error: BaseException) -> None:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        assert traceback is not None
        seen.append(f"{type(error).__name__} in {traceback.tb_frame.f_code.co_qualname}")

    wanted = request(tmp_path, "probe a", **fields)
    run_request(wanted, Registry(wanted.config), debug)
    expected = "ValueError in Probe.run" if "fails" in fields else "LookupError in Probe.__init__"
    assert [expected] == seen


def written(tmp_path: Path, **changed: Any) -> Path:
    """The file of a request."""
    config = Config(step="x", steps=["x"], work_path=tmp_path).to_json()
    table = {
        "format": FORMAT,
        "spec": {"name": "hello_world a"},
        "attempt": 1,
        "config": config,
        "values": {},
        **changed,
    }
    path = tmp_path / "request.json"
    path.write_bytes(orjson.dumps(table))
    return path


def command(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the worker's command as a person does."""
    program = [sys.executable, "-m", "otter.step.worker", "replay", *map(str, arguments)]
    return subprocess.run(program, input=stdin, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_says_that_it_is_real(tmp_path: Path) -> None:
    """Before it runs; then what the task logs, and how it ended."""
    done = command(written(tmp_path))
    assert 0 == done.returncode
    said = done.stderr
    assert said.index("running 'hello_world a' for real") < said.index("otter.tasks.hello_world: hello")
    assert "otter-worker: hello_world a: success in " in said


def test_the_debugger_is_one_to_talk_to(tmp_path: Path) -> None:
    """`--pdb` stops where the task raised, and goes on when it is left."""
    spec = {"name": "copy a", "source": str(tmp_path / "missing"), "destination": "a"}
    done = command(written(tmp_path, spec=spec), "--pdb", stdin="print('frame:', __name__)\nquit\n")
    assert 1 == done.returncode
    assert "frame: otter.storage.filesystem" in done.stdout
    assert "NotFoundError" in done.stderr


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"format": "otter-replay/9"}, "not a request of the form otter-replay/1"),
        ({"spec": []}, "spec and values must be tables"),
        ({"attempt": "x"}, "not a request: ValueError"),
        ({"config": {"step": "x", "pool_size": 0}}, "pool_size: must be 1 to 4096"),
    ],
)
def test_what_is_no_request_is_refused(
    tmp_path: Path, changed: dict[str, Any], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 22; nothing is imported and nothing runs."""
    assert 22 == replay(written(tmp_path, **changed), ["no.such.package"])
    assert problem in capsys.readouterr().err


def test_a_request_names_no_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys that might are not looked at; packages come from the command line, and one that is missing gives 2."""
    assert 2 == replay(written(tmp_path, tasks=["os"], task_packages=["os"]), ["no.such.package"])
    assert "no.such.package" in capsys.readouterr().err

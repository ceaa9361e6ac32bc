"""`otter replay`: from the journal of a run to an attempt of one of its tasks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.cli import main
from otter.config.model import Config
from otter.inspection.records import last_attempt
from otter.inspection.run_view import find_runs
from otter.step.coordinator.journal import Journal, encode_record
from otter.step.coordinator.run_directory import RunDirectory

PIPELINE = """\
[scratchpad]
what = "missing"

[[steps.fetch]]
name = "hello_world a"
who = "${what}"

[[steps.fetch]]
name = "copy b"
source = "/nowhere/${what}"
destination = "b"
policy = { retries = 1, retry_delay = 0 }

[[steps.fetch]]
name = "copy never"
requires = ["copy b"]
source = "/nowhere/else"
destination = "c"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of a run in which a task failed."""
    directory = tmp_path_factory.mktemp("run")
    (directory / "p.toml").write_text(PIPELINE)
    otter("run", "p.toml", "--keep-going", cwd=directory, code=1)
    return directory / "work"


def otter(*arguments: str | Path, cwd: Path, code: int) -> subprocess.CompletedProcess[str]:
    """Run the command; it must end with an exit code."""
    program = [sys.executable, "-m", "otter.cli", *map(str, arguments)]
    done = subprocess.run(program, cwd=cwd, capture_output=True, text=True, check=False, timeout=80)
    assert code == done.returncode, done.stderr
    return done


def test_a_failure_happens_again(work: Path) -> None:
    """In the worker package alone, with the spec as it was sent, and it is said how it ended then."""
    done = otter("replay", "copy b", cwd=work.parent, code=1)
    assert "otter replay: attempt 2 of 'copy b' ended with failure: NotFoundError" in done.stderr
    assert "running 'copy b' for real, attempt 2 once more" in done.stderr
    assert "NotFoundError: /nowhere/missing" in done.stderr


def test_nothing_is_recorded(work: Path) -> None:
    """Journal and manifest are what they were."""
    kept = [work / "manifest.json", work / ".otter/otter_fetch/journal"]
    before = [path.read_bytes() for path in kept]
    done = otter("replay", "hello", "-w", work, cwd=work.parent, code=0)
    assert "hello_world: hello missing" in done.stderr
    assert before == [path.read_bytes() for path in kept]


def test_a_request_can_be_kept(work: Path, tmp_path: Path) -> None:
    """For another environment: it has all that it takes, and `otter-worker replay` runs it."""
    file = tmp_path / "request.json"
    otter("replay", "hello", "--save", file, "--set", "more=1", "-r", "file:///release", cwd=work.parent, code=0)
    table = orjson.loads(file.read_bytes())
    assert {"name": "hello_world a", "who": "missing"}.items() <= table["spec"].items()
    assert ("fetch", str(work), "file:///release") == tuple(
        table["config"][key] for key in ("step", "work_path", "release_uri")
    )
    assert "1" == table["values"]["more"]
    program = [sys.executable, "-m", "otter.step.worker", "replay", str(file)]
    assert 0 == subprocess.run(program, capture_output=True, check=False, timeout=60).returncode


def test_a_task_that_never_began_has_no_attempt(work: Path) -> None:
    """That is said, with exit code 22."""
    done = otter("replay", "never", cwd=work.parent, code=22)
    assert "no worker has had 'copy never' to its end" in done.stderr


def test_several_tasks_are_named(work: Path) -> None:
    """One has to be chosen."""
    done = otter("replay", "copy", cwd=work.parent, code=22)
    assert "'copy' is in the names of 2 tasks:\n    copy b\n    copy never" in done.stderr


def record(name: str, who: str, **values: Any) -> dict[str, Any]:
    """The end of a task, as a journal has it."""
    entry = {"name": name, "result": "success", "attempts": [{"attempt": 1}]}
    return {"kind": "task", "spec": {"name": name, "who": who}, "values": values, "entry": entry}


def journal(tmp_path: Path, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a journal; its records."""
    directory = RunDirectory(tmp_path, "otter_fetch")
    written = Journal(directory.journal, resume=False)
    for item in records:
        written.append(encode_record(item))
    written.close()
    directory.close()
    return list(records)


def test_the_last_attempt_counts(tmp_path: Path) -> None:
    """Of several runs in one journal."""
    records = journal(tmp_path, {"kind": "run"}, record("greet a", "old"), {"kind": "run"}, record("greet a", "new"))
    (run,) = find_runs(tmp_path)
    assert "new" == last_attempt(run, records, "greet a").spec["who"]


def test_the_scratchpad_is_that_of_the_moment(tmp_path: Path) -> None:
    """What the run was given, and what tasks had stored by then; nothing replaces what was there first."""
    records = journal(
        tmp_path, {"kind": "run", "scratchpad": {"given": 1}}, record("greet a", "x", given=9, stored=2),
        record("greet b", "x", own=3), record("greet c", "x", late=4),
    )  # fmt: skip
    (run,) = find_runs(tmp_path)
    assert {"given": 1, "stored": 2} == last_attempt(run, records, "greet b").values


def test_the_configuration_is_that_of_its_run(tmp_path: Path) -> None:
    """Where the journal has it; the work path is where the journal is now."""
    config = Config(step="fetch", steps=["fetch", "load"], work_path=Path("/before"), release_uri="s3://b/r").to_json()
    records = journal(tmp_path, {"kind": "run", "config": config}, record("greet a", "x"))
    (run,) = find_runs(tmp_path)
    assert {**config, "work_path": str(tmp_path)} == last_attempt(run, records, "greet a").config


def test_a_running_step_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may run the same task at this moment."""
    journal(tmp_path, {"kind": "run"}, record("greet a", "x"))
    directory = RunDirectory(tmp_path, "otter_fetch")
    assert 0 == main(["replay", "greet", "-w", str(tmp_path), "--save", str(tmp_path / "request.json")])
    directory.close()
    assert "warning: the run is going on, and may be running this task, too" in capsys.readouterr().err


KILLER = """\
import os, signal
from otter.task.model import Task

class Kill(Task):
    def run(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_task_that_takes_its_process_along_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signal is named, and this process lives on."""
    package = tmp_path / "deadly"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "kill.py").write_text(KILLER)
    monkeypatch.syspath_prepend(tmp_path)
    journal(tmp_path / "work", {"kind": "run"}, record("kill it", "x"))
    assert 1 == main(["replay", "kill", "-w", str(tmp_path / "work"), "--tasks", "deadly"])
    assert "otter replay: kill it: its process was killed by SIGKILL" in capsys.readouterr().err

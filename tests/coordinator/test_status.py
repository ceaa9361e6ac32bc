"""`otter status`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.cli import main
from otter.inspection.run_view import is_held
from otter.step.coordinator.journal import Journal, encode_record
from otter.step.coordinator.run_directory import RunDirectory
from otter.step.coordinator.status import write_status

LATER = "2999-01-01T00:00:00.000000Z"
"""A time at which a status is newer than every run, so that none counts as that of an earlier run."""

STATUS: dict[str, Any] = {
    "at": LATER,
    "total": 9,
    "counts": {"done": 3, "failed": 1, "running": 1, "waiting": 4},
    "stopping": None,
    "workers": [],
    "pools": {"ebi": 0},
    "pool_use": [{"pool": "ebi", "size": 4, "used": 4, "waiting": 1}],
    "generators": [{"name": "explode genes", "ended": 2, "total": 1200}],
    "waits": {"worker": 0, "pool": 1, "tasks": 1004, "retry": 0, "generated": 0},
    "running": [{"name": "copy a", "worker": 2, "attempt": 2, "since": None}],
    "waiting": [
        *({"name": f"sum {letter}", "why": "waits for 'copy a'"} for letter in "abcd"),
        {"name": "load x", "why": "waits for the pool 'ebi'"},
    ],
}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[RunDirectory]:
    """The directory of a run that is going on."""
    directory = RunDirectory(tmp_path, "otter_fetch")
    yield directory
    directory.close()


def test_a_run_says_what_it_does(directory: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its process, how far it is, what runs, and why the others wait, by reason."""
    write_status(directory.path, STATUS)
    assert 0 == main(["status", "-w", str(tmp_path)])
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("otter_fetch: running for 0.")
    assert ": process " in first
    assert second.startswith("    4 of 9 tasks ended: 3 succeeded, 1 failed, as of 0.00s ago")
    expected = """\
    runs
        copy a: worker 2, attempt 2
    waits
        sum a, sum b, sum c and 1 more: waits for 'copy a'
        load x: waits for the pool 'ebi'
        … and 1,000 more; of all of them 1 for a pool, 1,004 for other tasks
    pool ebi: 4 of 4 used, 1 waiting
    explode genes: 2 of 1,200 generated tasks ended
"""
    assert expected.splitlines() == rest


def test_a_program_gets_all_of_it(directory: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` has the process and what the run last said."""
    write_status(directory.path, STATUS)
    assert 0 == main(["status", "-w", str(tmp_path), "--json"])
    (run,) = orjson.loads(capsys.readouterr().out)
    assert ("otter_fetch", True, STATUS, None) == (run["step"], run["running"], run["status"], run["end"])
    assert {"pid", "host", "started_at"} <= run.keys()


def test_what_an_earlier_run_said_does_not_count(
    directory: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that has just begun has said nothing yet."""
    write_status(directory.path, {**STATUS, "at": "2001-01-01T00:00:00.000000Z"})
    assert 0 == main(["status", "-w", str(tmp_path)])
    assert "    it has not said yet what it is doing\n" in capsys.readouterr().out


def test_a_run_that_ended_says_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lock is free, and the last record of its journal has the result."""
    directory = RunDirectory(tmp_path, "otter_fetch")
    journal = Journal(directory.journal, resume=False)
    journal.append(encode_record({"kind": "task", "entry": {"name": "copy a", "log": ["x" * 300_000]}}))
    end = {
        "result": "failure",
        "elapsed": 65.0,
        "finished_run_at": "2026-03-01T12:00:00.5Z",
        "failure_reason": "a: no\nb",
    }
    journal.append(encode_record({"kind": "end", "entry": end}))
    journal.close()
    directory.close()
    assert 0 == main(["status", "-w", str(tmp_path)])
    expected = "otter_fetch: not running; failure in 1m05s, ended 2026-03-01 12:00:00Z: a: no\n"
    assert expected == capsys.readouterr().out


def test_a_run_that_was_killed_can_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lock went with its process, although the process id still stands in the file."""
    program = f"""
import os, signal
from pathlib import Path
from otter.step.coordinator.run_directory import RunDirectory
directory = RunDirectory(Path({str(tmp_path)!r}), "otter_fetch")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], check=False)
    write_status(tmp_path / ".otter/otter_fetch", STATUS)
    assert 0 == main(["status", "-w", str(tmp_path)])
    expected = (
        "otter_fetch: not running; it did not come to its end; 4 of 9 tasks ended: 3 succeeded, 1 failed "
        "at 2999-01-01 00:00:00Z; `otter run --resume` goes on\n"
    )
    assert expected == capsys.readouterr().out


def test_looking_leaves_the_lock_as_it_is(directory: RunDirectory) -> None:
    """A held lock stays held, a free one free."""
    lock = directory.path / "lock"
    assert [True, True] == [is_held(lock), is_held(lock)]
    other = RunDirectory(directory.path.parent.parent, "otter_other")
    other.close()
    assert [False, False] == [is_held(other.path / "lock"), is_held(other.path / "lock")]
    RunDirectory(directory.path.parent.parent, "otter_other").close()


def test_steps_can_be_chosen(directory: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By name or key; an unknown one is an error."""
    load = RunDirectory(tmp_path, "otter_load")
    load.journal.touch()
    load.close()
    assert 0 == main(["status", "-w", str(tmp_path), "--step", "load"])
    assert capsys.readouterr().out.startswith("otter_load: not running")
    assert 22 == main(["status", "-w", str(tmp_path), "--step", "x"])
    assert "no step 'x' ran in" in capsys.readouterr().err


def test_where_nothing_ran_there_is_nothing_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is an error, with exit code 22."""
    assert 22 == main(["status", "-w", str(tmp_path)])
    assert f"no step ever ran in {tmp_path}: name another work directory" in capsys.readouterr().err


def test_the_work_directory_is_found(
    directory: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the environment, or here."""
    monkeypatch.setenv("OTTER_WORK_PATH", str(tmp_path))
    assert 0 == main(["status"])
    monkeypatch.delenv("OTTER_WORK_PATH")
    monkeypatch.chdir(tmp_path)
    assert 0 == main(["status"])
    assert 2 == capsys.readouterr().out.count("otter_fetch: running")

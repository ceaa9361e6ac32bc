"""`command`: programs as tasks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otter.commands.command import Command
from otter.manifest.model import Result
from otter.testing import TaskOutcome, run_task

Run = Callable[..., TaskOutcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program in a work path of its own."""

    def run(*argv: str, abort: threading.Event | None = None, check: bool = True, **fields: Any) -> TaskOutcome:
        table = {"name": "command x", "argv": list(argv), **fields}
        return run_task(table, task=Command, work_path=tmp_path / "work", abort=abort, check=check)

    return run


def python(code: str) -> tuple[str, ...]:
    """The arguments that make Python run some code."""
    return sys.executable, "-c", textwrap.dedent(code)


def test_a_program_runs_without_a_shell(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a shell would read in its arguments is plain text; what it prints is the log; it runs in the work path."""
    code = "import os, sys; print(sys.argv[1:], os.getcwd(), flush=True); print('warning', file=sys.stderr)"
    run(*python(code), "*.txt; echo $HOME | cat > x")
    where = os.path.realpath(tmp_path / "work")
    assert f"['*.txt; echo $HOME | cat > x'] {where}\nwarning\n" == capsys.readouterr().out
    assert [] == list((tmp_path / "work").iterdir())


def test_outputs_are_recorded(run: Run, tmp_path: Path) -> None:
    """Declared outputs become artifacts, with the declared inputs as their sources; their directories are made."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "in.txt").write_text("b\na\n")
    outcome = run("sort", "--output=out/sorted.txt", "in.txt", inputs=["in.txt"], outputs=["out/sorted.txt"])
    assert "a\nb\n" == (work / "out/sorted.txt").read_text()
    (artifact,) = outcome.artifacts
    assert ([str(work / "in.txt")], str(work / "out/sorted.txt")) == (artifact.source, artifact.destination)


def test_standard_streams_may_be_files(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`stdin` is a source and `stdout` an artifact; what goes to standard error is the log all the same."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "in.txt").write_bytes(b"\xffabc")
    code = (
        "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); print(len(data), file=sys.stderr)"
    )
    outcome = run(*python(code), stdin="in.txt", stdout="a/out.txt")
    assert b"\xffabc" == (work / "a/out.txt").read_bytes()
    assert "4\n" == capsys.readouterr().out
    (artifact,) = outcome.artifacts
    assert ([str(work / "in.txt")], str(work / "a/out.txt")) == (artifact.source, artifact.destination)


def test_a_missing_output_fails(run: Run) -> None:
    """A program that succeeds without having made what it should is no success."""
    outcome = run("true", outputs=["a.txt", "b"], check=False)
    assert "TaskValidationError: it succeeded, but did not make 'a.txt', 'b'" == outcome.failure_reason


def test_a_missing_input_fails_before_it_begins(run: Run, tmp_path: Path) -> None:
    """The program is not started."""
    outcome = run("touch", "made", inputs=["in.txt"], check=False)
    assert f"TaskRunError: it needs {tmp_path}/work/in.txt, which is not there" == outcome.failure_reason
    assert not (tmp_path / "work/made").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('first'); print('no such table'); raise SystemExit(3)", "exited with 3: no such table"),
        ("raise SystemExit(2)", "exited with 2"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
    ],
)
def test_how_it_failed_is_said(run: Run, code: str, reason: str) -> None:
    """The exit code or the signal, and the last line that it wrote."""
    outcome = run(*python(code), check=False)
    assert f"TaskRunError: {sys.executable} {reason}" == outcome.failure_reason


def test_other_exit_codes_may_mean_success(run: Run) -> None:
    """As with `grep`, which exits with 1 when it finds nothing."""
    assert Result.SUCCESS == run(*python("raise SystemExit(1)"), exit_codes=[0, 1]).result


def test_a_failure_leaves_no_output(run: Run, tmp_path: Path) -> None:
    """The file of `stdout` appears whole or not at all; what stood there stays."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "out.txt").write_text("old")
    run(*python("print('new', flush=True); raise SystemExit(1)"), stdout="out.txt", check=False)
    assert {"out.txt": "old"} == {path.name: path.read_text() for path in work.iterdir()}


def test_a_program_that_is_not_there(run: Run) -> None:
    """The reason is that of the system; the environment of the spec decides where it is looked for."""
    outcome = run("no-such-program", check=False)
    expected = "TaskRunError: 'no-such-program' cannot be started: No such file or directory"
    assert expected == outcome.failure_reason
    assert Result.FAILURE == run("true", env={"PATH": "/nonexistent"}, check=False).result


def test_the_environment_is_that_of_the_worker_and_more(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Variables of the spec win."""
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("CHANGED", "before")
    run(*python("import os; print(os.environ['KEPT'], os.environ['CHANGED'])"), env={"CHANGED": "after"})
    assert "kept after\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"argv": []}, "argv: expected a program and its arguments"),
        ({"argv": ["a\0b"]}, "argv: an argument cannot contain a NUL character"),
        ({"env": {"A=B": "c"}}, "env: 'A=B' cannot be a variable of an environment"),
    ],
)
def test_a_bad_spec_is_refused(tmp_path: Path, fields: dict[str, Any], text: str) -> None:
    """Before anything runs; `otter check` finds it too."""
    table = {"name": "command x", "argv": ["true"], **fields}
    outcome = run_task(table, task=Command, work_path=tmp_path, check=False)
    assert outcome.failure_reason is not None
    assert text in outcome.failure_reason


@pytest.mark.parametrize("field", ["cwd", "stdin", "stdout", "inputs", "outputs"])
def test_paths_stay_in_the_work_path(run: Run, field: str) -> None:
    """A relative path that leads out of it is refused."""
    value: Any = ["../x"] if field.endswith("puts") else "../x"
    outcome = run("true", **{field: value}, check=False)
    assert outcome.failure_reason is not None
    assert "'../x' leaves" in outcome.failure_reason


def test_what_it_leaves_running_ends_with_it(run: Run, tmp_path: Path) -> None:
    """A process in the background holds neither the task nor its output up, and is gone afterwards."""
    code = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid, file=open("pid", "w"))
    """
    run(*python(code))
    assert_gone(int((tmp_path / "work/pid").read_text()))


def test_an_abort_ends_the_whole_group(run: Run, tmp_path: Path) -> None:
    """SIGTERM goes to the program and to what it started; the task counts as aborted."""
    code = """
        import os, signal, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open("pid.new", "w") as file:
            print(child.pid, file=file)
        os.rename("pid.new", "pid")
        child.wait()
        print("the child ended by", -child.returncode, flush=True)
        signal.pause()
    """
    abort, pid = threading.Event(), tmp_path / "work/pid"

    def stop() -> None:
        wait_for(pid)
        abort.set()

    watcher = threading.Thread(target=stop)
    watcher.start()
    outcome = run(*python(code), abort=abort, check=False)
    watcher.join()
    assert Result.ABORTED == outcome.result
    assert outcome.failure_reason is not None
    assert outcome.failure_reason.endswith("was stopped")
    assert_gone(int(pid.read_text()))


def test_it_ends_with_the_worker(tmp_path: Path) -> None:
    """However the worker ends: killed at once, it leaves neither the program nor its children behind."""
    program = """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(os.getpid(), child.pid, flush=True)
        time.sleep(600)
    """
    worker = f"""
        import pathlib
        from otter.commands.command import Command
        from otter.testing import run_task
        argv = {list(python(program))!r}
        run_task({{"name": "command x", "argv": argv}}, task=Command, work_path=pathlib.Path({str(tmp_path)!r}))
    """
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(python(worker), stdout=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    assert 2 == len(pids)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for pid in pids:
        assert_gone(pid)


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    while not path.exists():
        threading.Event().wait(0.01)


def assert_gone(pid: int) -> None:
    """A process has ended, or ends now; the test's own time limit is the patience."""
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        threading.Event().wait(0.01)

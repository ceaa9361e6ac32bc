"""Rows 32 to 37 of the matrix: what comes to the coordinator from outside, and its own defects."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.runs import OTTER, ROOT, Scene, stop_group

MARK = {"name": "mark one"}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


# --- row 32: signals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", CODES)
def test_row_32_the_first_signal_drains(scene: Scene, number: signal.Signals) -> None:
    """After one signal running tasks are asked to stop, nothing begins, and manifest and exit code say why."""
    scene.write({"name": "wait here"}, {"name": "mark later", "requires": ["wait here"]})
    running = scene.start()
    scene.gate.wait_for(1)

    running.signal(number)
    ended = running.wait()

    assert ended.code == CODES[number], ended.output
    assert ended.step["result"] == "aborted"
    assert ended.step["failure_reason"] == f"stopped by {number.name}"
    assert ended.results() == {"wait here": "aborted", "mark later": "pending"}
    assert "asked to stop" in ended.reason("wait here")
    assert "Traceback" not in ended.output


def test_row_32_what_ends_within_its_grace_counts(scene: Scene) -> None:
    """A task that does its work to the end within its grace has succeeded, and is not run again."""
    scene.write({"name": "wait here", "deaf": True}, {"name": "mark later", "requires": ["wait here"]}, grace="30s")
    running = scene.start()
    scene.gate.wait_for(1)

    running.signal(signal.SIGTERM)
    running.wait_for_output("SIGTERM")
    scene.gate.open()
    ended = running.wait()

    assert ended.code == 143
    assert ended.results() == {"wait here": "success", "mark later": "pending"}
    assert scene.run("--resume").code == 0
    assert scene.attempts("wait here") == 1


def test_row_32_the_grace_ends(scene: Scene) -> None:
    """A task that does not listen is killed when its grace is over."""
    scene.write({"name": "wait here", "deaf": True}, grace="200ms")
    running = scene.start()
    scene.gate.wait_for(1)

    running.signal(signal.SIGTERM)
    ended = running.wait()

    assert ended.code == 143
    assert ended.results() == {"wait here": "aborted"}


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_row_32_the_second_signal_kills(scene: Scene, first: signal.Signals) -> None:
    """A second signal does not wait for the grace; the exit code is that of the first."""
    scene.write({"name": "hang now", "how": "gil"}, {"name": "wait here", "deaf": True}, grace="1h")
    running = scene.start("-p", "2")
    scene.gate.wait_for(1)

    running.signal(first)
    running.wait_for_output(first.name)
    running.signal(signal.SIGTERM)
    ended = running.wait()

    assert ended.code == CODES[first], ended.output
    assert ended.results() == {"hang now": "aborted", "wait here": "aborted"}


def test_row_32_the_third_signal_leaves(scene: Scene) -> None:
    """A third signal leaves at once; the lifelines take the workers along, and --resume goes on."""
    scene.write(MARK, {"name": "wait here", "deaf": True, "requires": ["mark one"]}, grace="1h")
    running = scene.start(env={"OTTER_FAIL": "coord.on_death:stop"})
    scene.gate.wait_for(1)

    running.signal(signal.SIGTERM)
    running.wait_for_output("SIGTERM")
    running.signal(signal.SIGTERM)  # kills the worker, whose death stops the coordinator itself
    running.wait_until(lambda: processes.state(running.pid) == "T", "stopped coordinator")
    running.signal(signal.SIGTERM)
    running.signal(signal.SIGCONT)
    first = running.wait()
    scene.gate.open()
    ended = scene.run("--resume")

    assert first.code == 143
    assert ended.code == 0, ended.output
    assert scene.attempts("mark one") == 1


INTERRUPTED_AT_IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "otter.cli.run":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""


def test_row_32_stopped_while_the_command_loads(scene: Scene) -> None:
    """Ctrl-C before there is a run to be stopped ends the command without a traceback."""
    scene.write(MARK)

    ended = scene.start(command=(sys.executable, "-c", INTERRUPTED_AT_IMPORT + OTTER)).wait()

    assert 130 == ended.code
    assert "" == ended.output


def test_row_32_stopped_before_anything_ran(scene: Scene) -> None:
    """Stopped while the first worker is still starting, a run has a manifest all the same."""
    package = scene.path / "slow_tasks"
    package.mkdir()
    (package / "__init__.py").write_text("import time; print('loading', flush=True); time.sleep(3600)")
    scene.write(MARK)
    running = scene.start("--tasks", "slow_tasks", env={"PYTHONPATH": f"{ROOT}:{scene.path}"})
    running.wait_until(lambda: any(b"loading" in path.read_bytes() for path in scene.state.glob("workers/*")), "worker")

    running.signal(signal.SIGTERM)
    ended = running.wait()

    assert ended.code == 143, ended.output
    assert ended.step["failure_reason"] == "stopped by SIGTERM"
    assert ended.results() == {"mark one": "pending"}


def test_row_32_a_stopped_run_is_resumed(scene: Scene) -> None:
    """What a stopped run completed is not run again; what it aborted is."""
    scene.write(MARK, {"name": "wait here", "requires": ["mark one"]})
    running = scene.start()
    scene.gate.wait_for(1)
    running.signal(signal.SIGINT)
    stopped = running.wait()
    scene.gate.open()

    ended = scene.run("--resume")

    assert [130, 0] == [stopped.code, ended.code], ended.output
    assert ended.results() == {"mark one": "success", "wait here": "success"}
    assert [1, 2] == [scene.attempts("mark one"), scene.attempts("wait here")]


def test_row_32_no_signal_can_be_caught_for_sigkill(scene: Scene) -> None:
    """SIGKILL of the coordinator ends its workers and their children within a second, whatever they do."""
    scene.write({"name": "wait one", "deaf": True}, {"name": "hang two", "how": "gil"})
    running = scene.start("-p", "2")
    scene.gate.wait_for(1)
    running.wait_until(lambda: scene.attempts("hang two") == 1, "hanging task")

    running.signal(signal.SIGKILL)

    assert running.wait().code == -signal.SIGKILL


# --- row 33: as the first process of a container ----------------------------------------------------------------------


def namespaces() -> list[str]:
    """The command that runs another as the first process of its own namespace; empty where the system forbids it."""
    for prefix in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *prefix, "--pid", "--fork", "--mount-proc", "--kill-child"]
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
    return []


def test_row_33_as_the_first_process(scene: Scene) -> None:
    """As process 1, which no signal reaches that it has no handler for, SIGTERM stops the run, and orphans are reaped.

    Where no namespace can be made, the same is seen from the handlers that the process has installed.
    """
    scene.write({"name": "spawn one", "how": "daemon", "then": "die"}, {"name": "wait here", "requires": []})
    command = namespaces()
    running = scene.start("--keep-going", "-p", "2", command=(*command, sys.executable, "-c", OTTER))
    scene.gate.wait_for(1)
    running.wait_for_journal_record("spawn one")
    coordinator = processes.children(running.pid)[0] if command else running.pid
    caught = int(
        next(line for line in Path(f"/proc/{coordinator}/status").read_text().splitlines() if "SigCgt" in line)[8:], 16
    )
    running.wait_until(lambda: "Z" not in map(processes.state, processes.children(coordinator)), "reaped orphans")

    os.kill(coordinator, signal.SIGTERM)
    ended = running.wait()

    assert all(caught & (1 << (number - 1)) for number in CODES)
    assert ended.code == 143, ended.output
    assert ended.results() == {"spawn one": "failure", "wait here": "aborted"}


# --- row 34: one run at a time ----------------------------------------------------------------------------------------


def test_row_34_the_second_run_is_refused(scene: Scene) -> None:
    """A second run of the same step is refused, and says which process has it, on which host, since when."""
    scene.write({"name": "wait here"})
    running = scene.start()
    scene.gate.wait_for(1)

    second = scene.run_beside()

    assert second.code == 75
    assert f"process {running.pid} on {socket.gethostname()}, started 20" in second.output
    assert "Traceback" not in second.output
    scene.gate.open()
    assert running.wait().code == 0


def test_row_34_a_removed_lock_file_lets_nobody_in(scene: Scene) -> None:
    """Two runs in one journal would write over each other's records, so that a lock file is not all that keeps them."""
    scene.write({"name": "wait here"})
    running = scene.start()
    scene.gate.wait_for(1)

    (scene.state / "lock").unlink()
    second = scene.run_beside("--resume")
    scene.gate.open()

    assert 75 == second.code
    assert "already: by a process whose lock file was removed" in second.output
    assert 0 == running.wait().code
    assert 1 == scene.attempts("wait here")


def test_row_34_a_lock_does_not_outlive_its_owner(scene: Scene) -> None:
    """After SIGKILL the lock is free at once: there is nothing to unlock, whoever else inherited what."""
    scene.write({"name": "spawn one", "how": "daemon", "then": "gate"})
    running = scene.start()
    scene.gate.wait_for(1)
    running.signal(signal.SIGKILL)
    processes.wait_for_end(running.pid, 10)
    scene.gate.open()

    second = scene.run_beside("--resume")
    running.wait()

    assert second.code == 0, second.output


def test_row_34_a_stopped_run_holds_its_lock(scene: Scene) -> None:
    """A run whose processes are all stopped still has its step; it goes on afterwards as if nothing had been."""
    scene.write({"name": "wait here"})
    running = scene.start()
    scene.gate.wait_for(1)
    stop_group(running, signal.SIGSTOP)

    second = scene.run_beside()
    stop_group(running, signal.SIGCONT)
    scene.gate.open()

    assert second.code == 75
    assert running.wait().code == 0


# --- row 35: our own defects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["coord.dispatch", "coord.on_result", "coord.on_death", "coord.commit", "coord.finish"]
)
def test_row_35_a_defect_ends_the_run(scene: Scene, name: str) -> None:
    """An exception in the coordinator itself ends the run with a traceback and a manifest; no worker is left."""
    scene.write({"name": "die once", "how": "SIGKILL", "times": 1}, {"name": "mark two", "requires": ["die once"]})

    ended = scene.run(env={"OTTER_FAIL": f"{name}:raise"})

    assert ended.code == 1, ended.output
    assert ended.step["result"] == "failure"
    assert f"internal error of otter, please report it: RuntimeError: failpoint {name}" in ended.step["failure_reason"]
    assert "Traceback (most recent call last)" in ended.output
    assert scene.run("--resume").code == 0


def test_row_35_an_output_that_nobody_reads(scene: Scene) -> None:
    """A reader of our output that goes away does not end the run."""
    scene.write(*({"name": f"mark {number}"} for number in range(20)))
    read, write = os.pipe()
    os.close(read)

    def to_nobody() -> None:
        os.dup2(write, 1)
        os.dup2(write, 2)

    ended = scene.run(before=to_nobody)
    os.close(write)

    assert ended.code == 0
    assert ended.step["counts"]["success"] == 20


# --- row 36: nothing is left ------------------------------------------------------------------------------------------


def limited(number: int, value: int) -> Callable[[], None]:
    """What gives a new process a limit."""
    return lambda: resource.setrlimit(number, (value, value))


def test_row_36_few_descriptors(scene: Scene) -> None:
    """With few descriptors the pool is as large as they allow, and every task is done."""
    scene.write(*({"name": f"wait {number}"} for number in range(12)))
    running = scene.start("-p", "12", before=limited(resource.RLIMIT_NOFILE, 64))
    scene.gate.wait_for(2)
    workers = len(running.workers())
    scene.gate.open()

    ended = running.wait()

    assert ended.code == 0, ended.output
    assert 2 <= workers < 8
    assert ended.step["counts"]["success"] == 12


def test_row_36_the_limit_is_raised_where_it_can_be(scene: Scene) -> None:
    """A soft limit of descriptors that is too low for the pool is raised, as far as the hard one allows."""
    scene.write(*({"name": f"wait {number}"} for number in range(8)))
    running = scene.start("-p", "8", before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 4096)))
    assert len(scene.gate.wait_for(8)) == 8
    scene.gate.open()

    assert running.wait().code == 0


def test_row_36_no_descriptors_at_all(scene: Scene) -> None:
    """Where not even one worker can be started the run fails, and says what is missing."""
    scene.write(MARK)

    ended = scene.run(before=limited(resource.RLIMIT_NOFILE, 20))

    assert ended.code == 1
    assert "Too many open files" in ended.output
    assert "Traceback" not in ended.output


def unprivileged() -> list[str]:
    """The command that runs another under a user whose processes are counted: those of root are not."""
    if os.geteuid():
        return []
    capabilities = "+dac_override,+dac_read_search"
    user = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    return ["setpriv", *user, f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]


@pytest.mark.parametrize("room", [1, 3, 6])
def test_row_36_few_processes(scene: Scene, room: int) -> None:
    """Where the system gives no more processes the pool is as large as it is; else the run fails and says why."""
    user = os.geteuid() or 65534
    owned = [path for path in Path("/proc").iterdir() if path.name.isdigit() and path.stat().st_uid == user]
    threads = sum(len(list((path / "task").iterdir())) for path in owned)
    scene.write(*({"name": f"mark {number}"} for number in range(8)))
    limit = limited(resource.RLIMIT_NPROC, threads + room)

    with tempfile.TemporaryDirectory() as work:
        Path(work).chmod(0o777)
        command = (*unprivileged(), sys.executable, "-c", OTTER)
        ended = scene.run("-p", "8", "-w", work, command=command, before=limit)

    assert "Traceback" not in ended.output
    nothing_left = ("Resource temporarily unavailable", "can't start new thread")
    assert any(text in ended.output for text in (nothing_left if ended.code else ["8 succeeded"]))

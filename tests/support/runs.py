"""Whole runs of `otter run` in processes of their own: started, disturbed, waited for, and looked at afterwards."""

from __future__ import annotations

import functools
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
import orjson
import tomli_w

from otter.step.coordinator.journal import read_journal
from tests.support import diary, processes
from tests.support.gate import Gate

ROOT = Path(__file__).parent.parent.parent
STEP = "step"
KEY = f"otter_{STEP}"
PATIENCE = 40.0
"""Seconds that anything may take before a test gives it up: far more than it needs on a busy machine."""

OTTER = "import sys; from otter.cli import main; sys.exit(main())"


@attrs.frozen
class Ended:
    """A run that has ended.

    Attributes:
        code: exit status, or minus the signal that ended it.
        output: what it said.
        elapsed: seconds from its start to its end.
        scene: where it ran.
    """

    code: int
    output: str
    elapsed: float
    scene: Scene

    @functools.cached_property
    def step(self) -> dict[str, Any]:
        """The step's entry in the manifest."""
        return self.scene.manifest()["steps"][KEY]  # type: ignore[no-any-return]

    @functools.cached_property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """The entries of the tasks by name."""
        return {task["name"]: task for task in self.step["tasks"]}

    def results(self) -> dict[str, str]:
        """The results of the tasks by name."""
        return {name: task["result"] for name, task in self.tasks.items()}

    def reason(self, name: str) -> str:
        """Why a task failed."""
        return str(self.tasks[name]["failure_reason"])


@attrs.define(eq=False)
class Running:
    """A run that is going on."""

    scene: Scene
    process: subprocess.Popen[bytes]
    log: Path
    began: float

    @property
    def pid(self) -> int:
        """The process of the coordinator."""
        return self.process.pid

    def signal(self, number: int) -> None:
        """Send the coordinator a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = PATIENCE) -> Ended:
        """Wait for the end of the run. Afterwards no process of it may be left, after one second at most."""
        ended = processes.wait_for_end(self.pid, timeout)
        assert ended, f"no end within {timeout:g} s; {processes.marked(self.scene.mark)}\n{self.output()}"
        elapsed = time.monotonic() - self.began
        code = self.process.wait()
        assert processes.left_after(self.scene.mark, 1.0) == {}, self.output()
        return Ended(code, self.output(), elapsed, self.scene)

    def output(self) -> str:
        """What it has said so far."""
        return self.log.read_text("utf-8", "replace")

    def wait_for_output(self, text: str, timeout: float = PATIENCE) -> None:
        """Wait until it has said something."""
        self.wait_until(lambda: text in self.output(), text, timeout)

    def wait_for_journal(self, count: int, timeout: float = PATIENCE) -> None:
        """Wait until so many ends of tasks are in the journal."""
        path = self.scene.state / "journal"
        mark = b' {"kind":"task"'
        self.wait_until(lambda: path.exists() and path.read_bytes().count(mark) >= count, f"{count} ends", timeout)

    def wait_for_journal_record(self, name: str, timeout: float = PATIENCE) -> None:
        """Wait until the end of a task is in the journal, whatever end it is."""
        self.wait_until(lambda: name in self.scene.ended(), f"end of {name}", timeout)

    def workers(self) -> list[int]:
        """The worker processes, the oldest first."""
        return sorted(
            pid
            for pid, command in processes.marked(self.scene.mark).items()
            if "otter.step.worker --worker-id" in command
        )

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
        """Wait until something is so, as long as the run goes on."""
        poll = select.poll()
        pidfd = os.pidfd_open(self.pid)
        try:
            poll.register(pidfd, select.POLLIN)
            deadline = time.monotonic() + timeout
            while not condition():
                over = poll.poll(10)
                assert condition() or not over, f"it ended before {what!r}:\n{self.output()}"
                assert time.monotonic() < deadline, f"no {what!r} within {timeout:g} s:\n{self.output()}"
        finally:
            os.close(pidfd)


@attrs.define
class Scene:
    """A directory with a pipeline file, and what runs of it leave there.

    Attributes:
        path: the directory.
        mark: in the environment of every process that is started here.
    """

    path: Path
    mark: str = attrs.field(factory=lambda: uuid.uuid4().hex)
    _gate: Gate | None = None
    _runs: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        processes.kill_all(self.mark)
        if self._gate is not None:
            self._gate.close()

    @property
    def work(self) -> Path:
        """The work path."""
        return self.path / "work"

    @property
    def state(self) -> Path:
        """Where the step keeps its journal and logs."""
        return self.work / ".otter" / KEY

    @property
    def gate(self) -> Gate:
        """The gate at which tasks wait."""
        if self._gate is None:
            self._gate = Gate(self.work)
        return self._gate

    def write(self, *tasks: Mapping[str, Any], step: str = STEP, **settings: Any) -> None:
        """Write the pipeline file."""
        table = {"work_path": str(self.work), **settings, "steps": {step: list(tasks)}}
        (self.path / "pipeline.toml").write_text(tomli_w.dumps(table))

    def start(
        self,
        *flags: str,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-c", OTTER),
        before: Callable[[], None] | None = None,
    ) -> Running:
        """Start `otter run`.

        Args:
            flags: of the command.
            env: beside the environment of the tests.
            command: what runs otter.
            before: called in the new process before it becomes otter.
        """
        self._runs += 1
        log = self.path / f"output-{self._runs}"
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(paths), processes.MARK: self.mark,
            "PYTHONFAULTHANDLER": "1", **(env or {}),
        }  # fmt: skip
        arguments = [*command, "run", "pipeline.toml", "--tasks", "tests.support.faulty", *flags]
        with open(log, "wb") as output:
            began = time.monotonic()
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.path, env=environment,
                process_group=0, preexec_fn=before,  # noqa: PLW1509 - no threads run here
            )  # fmt: skip
        return Running(self, process, log, began)

    def run(self, *flags: str, timeout: float = PATIENCE, **how: Any) -> Ended:
        """Start `otter run` and wait for its end."""
        return self.start(*flags, **how).wait(timeout)

    def run_beside(self, *flags: str) -> Ended:
        """Run otter beside another run that goes on here; only the processes of this one must be gone at its end."""
        running = self.start(*flags)
        assert processes.wait_for_end(running.pid, PATIENCE), running.output()
        return Ended(running.process.wait(), running.output(), time.monotonic() - running.began, self)

    def manifest(self) -> dict[str, Any]:
        """The manifest as it is on disk."""
        return orjson.loads((self.work / "manifest.json").read_bytes())  # type: ignore[no-any-return]

    def journal(self) -> list[dict[str, Any]]:
        """The records of the journal, as far as they are complete."""
        try:
            return read_journal((self.state / "journal").read_bytes())[0]
        except FileNotFoundError:
            return []

    def ended(self) -> dict[str, str]:
        """The last results of the tasks in the journal, by name, in order of commitment."""
        records = [record["entry"] for record in self.journal() if record["kind"] == "task"]
        return {entry["name"]: entry["result"] for entry in records}

    def committed(self) -> list[str]:
        """The names of the tasks whose success is in the journal."""
        return [name for name, result in self.ended().items() if result == "success"]

    def attempts(self, name: str) -> int:
        """How many attempts of a task really began."""
        return len(diary.pids(self.work, name))

    def log(self, ended: Ended, name: str) -> str:
        """The log of a task."""
        return Path(ended.tasks[name]["log_file"]).read_text("utf-8", "replace")


def stop_group(running: Running, number: int = signal.SIGSTOP) -> None:
    """Send a signal to the coordinator and to all that it started."""
    for pid in (running.pid, *processes.marked(running.scene.mark)):
        os.kill(pid, number)

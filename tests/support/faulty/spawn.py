"""A task that leaves processes behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary, gate


class SpawnSpec(Spec):
    how: str
    """`orphan`: in the group; `daemon`: forked twice, in a session of its own; `nameless`: the same without a mark in
    its environment; `returns`: the child runs on in our code; `returns in C`: the same, unknown to Python."""
    then: str = "return"
    """`return`, `die`, or `gate`: wait there."""


def _sleep() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


class Spawn(Task):
    def __init__(self, spec: SpawnSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: SpawnSpec

    @report
    def run(self) -> None:
        work = self.context.config.work_path
        diary.note(work, self.name)
        match self.spec.how:
            case "orphan":
                if os.fork() == 0:
                    _sleep()
            case "daemon":
                self._daemon(dict(os.environ))
            case "nameless":
                self._daemon({})
            case "returns":
                if os.fork() == 0:
                    return
            case _:
                if ctypes.CDLL(None).fork() == 0:
                    return
        if self.spec.then == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.spec.then == "gate":
            gate.wait(work, self.name, lambda: False)

    def _daemon(self, environment: dict[str, str]) -> None:
        ready = self.context.config.work_path / "daemon.pid"
        code = (
            "import os, signal, sys, time\n"
            "if os.fork(): os._exit(0)\n"
            "os.setsid()\n"
            "if os.fork(): os._exit(0)\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            f"open({str(ready)!r} + '.new', 'w').write(str(os.getpid()))\n"
            f"os.rename({str(ready)!r} + '.new', {str(ready)!r})\n"
            "time.sleep(3600)\n"
        )
        subprocess.run([sys.executable, "-I", "-S", "-c", code], env=environment, check=True)
        while not Path(ready).exists():
            time.sleep(gate.LOOK)

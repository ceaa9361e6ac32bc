"""How the process of a worker is started: its channels, its command line, its environment.

Nothing here needs more than the standard library's smallest modules: the first worker of a command is started before
the command has loaded the rest of itself; see `head_start.py`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

WORKER_MODULE = "otter.step.worker"
"""The entry point of workers, by name only: they may live in an environment that has nothing else of otter."""
RUN_MARK, WORKER_MARK = "OTTER_RUN_ID", "OTTER_WORKER_ID"
"""Environment variables of every worker; its descendants inherit them."""
NEEDED = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "OTTER_FAIL"})
"""Environment variables that workers inherit even where the operator lists what they may."""
DUMP_SIGNAL = getattr(signal, "SIGRTMAX", None)
"""The signal on which a worker writes the stacks of its threads into its output; none where there is none to spare."""
RESERVE = 8
"""Descriptors that must be left after a worker was started: the manifest, logs and results need some, too."""


class Program:
    """What workers run, and with what.

    Args:
        module: the entry point, by name: the coordinator never imports it.
        python: their interpreter.
        task_packages: packages of task modules that the operator named.
        memory: limit of their data segment, in bytes; none for no limit.
        env: names of the environment variables that they inherit, beside a few that no program can do without; none for
            all of them.
        share_path: give them the `sys.path` of this process; only sensible with the same interpreter.
    """

    def __init__(
        self,
        module: str,
        *,
        python: str,
        task_packages: tuple[str, ...],
        memory: int | None,
        env: tuple[str, ...] | None,
        share_path: bool,
    ) -> None:
        self.module = module
        self.python = python
        self.task_packages = task_packages
        self.memory = memory
        self.env = env
        self.share_path = share_path

    def command(self, worker: int, handed: Sequence[int]) -> list[str]:
        """The command line of a worker.

        Args:
            handed: the descriptors of its channel, control channel, batons, lifeline and beginnings.
        """
        names = ("channel", "control", "batons", "lifeline", "beginnings")
        command = [self.python, "-P", "-m", self.module, f"--worker-id={worker}"]
        command += [f"--{name}={fd}" for name, fd in zip(names, handed, strict=True)]
        command += [f"--tasks={package}" for package in self.task_packages]
        if self.memory is not None:
            command.append(f"--memory={self.memory}")
        if DUMP_SIGNAL is not None:
            command.append(f"--dump-signal={int(DUMP_SIGNAL)}")
        if self.share_path:
            command.append(f"--sys-path={os.pathsep.join(_import_path())}")
        return command

    def environment(self, worker: int, run_id: str) -> dict[str, str]:
        """The environment of a worker."""
        inherited = dict(os.environ)
        if self.env is not None:
            inherited = {name: value for name, value in inherited.items() if name in self.env or name in NEEDED}
        environment = {**inherited, RUN_MARK: run_id, WORKER_MARK: str(worker), "PYTHONUNBUFFERED": "1"}
        if self.share_path:
            environment["OTTER_WORKER_PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
            environment["PYTHONPATH"] = os.pathsep.join(_import_path())
        return environment


class Launched:
    """A process that was started, and our ends of what connects us with it.

    Attributes:
        channel: socket of messages, non-blocking as all of these are.
        control: socket of urgent messages.
        baton_in, baton_out: both ends of the pipe of batons.
        beginnings: the reading end of the pipe of what has begun.
        lifeline: the writing end of the pipe whose end is that of the process.
        pidfd: tells of its end; -1 where the system has none.
    """

    def __init__(self, program: Program, worker: int, run_id: str, output: int) -> None:
        """Start it.

        Args:
            output: descriptor of the file that takes what it prints.

        Raises:
            OSError: there are no descriptors or processes left, or no such interpreter; nothing is left open.
        """
        opened: list[int] = []
        spare: list[int] = []
        try:
            spare += [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(RESERVE)]
            ours, theirs = _pair(opened)
            our_control, their_control = _pair(opened)
            self.baton_out, self.baton_in = _pipe(opened)
            life_out, self.lifeline = _pipe(opened)
            self.beginnings, begun_in = _pipe(opened)
            handed = (theirs, their_control, self.baton_out, life_out, begun_in)
            self.popen = subprocess.Popen(
                program.command(worker, handed),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=handed, env=program.environment(worker, run_id), process_group=0,
            )  # fmt: skip
            self.pidfd = _open_pidfd(self.popen.pid)
        except BaseException:
            for fd in opened:
                os.close(fd)
            raise
        finally:
            for fd in spare:
                os.close(fd)
        for fd in (theirs, their_control, life_out, begun_in):
            os.close(fd)  # the end of file must come when the worker dies, so no copy may stay here
        self.channel = socket.socket(fileno=ours)
        self.control = socket.socket(fileno=our_control)
        self.channel.setblocking(False)
        self.control.setblocking(False)
        for fd in (self.baton_out, self.baton_in, self.beginnings):
            os.set_blocking(fd, False)

    def kill(self) -> None:
        """End its process group, and itself, should a task have led it out of that."""
        # Not reaped yet, so the number still belongs to the worker and its children.
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close our ends."""
        self.channel.close()
        self.control.close()
        for fd in (self.baton_in, self.baton_out, self.beginnings, self.lifeline, self.pidfd):
            if fd >= 0:
                os.close(fd)


def _import_path() -> list[str]:
    return [entry or os.getcwd() for entry in sys.path]


def _pair(opened: list[int]) -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    ends = ours.detach(), theirs.detach()
    opened.extend(ends)
    return ends


def _pipe(opened: list[int]) -> tuple[int, int]:
    ends = os.pipe()
    opened.extend(ends)
    return ends


def _open_pidfd(pid: int) -> int:
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return -1

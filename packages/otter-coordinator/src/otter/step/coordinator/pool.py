"""`WorkerPool`: starts, watches and stops worker processes. It decides nothing; the scheduler does.

Each worker has a socket pair for messages, one for urgent messages, a pipe of batons, one of beginnings and a lifeline,
all private to it, and leads a process group. Everything is non-blocking and runs in the thread of the event loop. When
a process dies, the order is: drain what it sent, close, kill its group, reap, and only then say so, because what it had
sent is part of the judgement.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import termios
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from otter.step.coordinator.events import TaskId, WorkerId
from otter.step.coordinator.guardianship import Guardianship
from otter.step.coordinator.head_start import FIRST, HeadStart
from otter.step.coordinator.launching import DUMP_SIGNAL, RUN_MARK, Launched, Program
from otter.step.coordinator.ports import Beginning
from otter.step.coordinator.process_death import Death, oom_kills
from otter.step.coordinator.scheduler import NOT_NEEDED
from otter.step.coordinator.stragglers import end_stragglers, nameless, reap_orphans
from otter.step.coordinator.worker_output import WorkerOutput
from otter.util.briefly import Briefly
from otter.util.values import Shown, Value
from otter.wire.codec import TO_WORKER
from otter.wire.errors import PeerError
from otter.wire.frames import BEGINNING, FrameDecoder, encode_frame
from otter.wire.messages import AbortTasks

RECEIVE = 64 * 1024
MOST_UNREAD = 1024 * 1024
"""Bytes that a channel may hold, for all that is known."""
BEGINNINGS = 3000 * BEGINNING.size
"""Bytes that are read at once of what a worker has begun: whole records, as it writes them."""
STRETCH = 5e-3
"""Seconds for which nothing but one channel is looked at."""
CLOSED_PATIENCE = 0.5
"""Seconds that a process may live after it closed its channel."""
DUMP_TIME = 0.05
"""Seconds that a process has to write down where it hangs, before it is killed for hanging."""
DUMPS = 5
"""How many times as long it has while it has not begun to write, or still writes: on a machine with much to do."""
CLOSE_INTERVAL = 0.005
"""Seconds between two looks for processes that end, where nothing tells of them."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Launch(Value):
    """How workers are started.

    Attributes:
        program: what they run.
        run_id: marks their processes.
        output_dir: directory for what their processes write.
        log_limit: bytes kept of the beginning of what a process writes behind Python's back.
        head_start: a first worker that was started already; none where there is none.
    """

    program: Program
    run_id: str
    output_dir: Path
    log_limit: int = 64 * 1024 * 1024
    head_start: HeadStart | None = None


@attrs.define(eq=False, repr=False)
class _Process(Shown):
    id: WorkerId
    launched: Launched
    output: WorkerOutput
    oom_before: int
    decoder: FrameDecoder = attrs.field(factory=FrameDecoder)
    outgoing: deque[memoryview] = attrs.field(factory=deque)
    writing: bool = False
    closed: bool = False
    watched: bool = False
    muted: bool = False
    verdict: str | None = None


class WorkerPool:
    """The worker processes of a run.

    Args:
        launch: how they are started.
        on_bodies: called with a worker and the bodies of complete frames, in order.
        on_begun: called with a worker and what it has begun, when it is watched or has died.
        on_death: called once for each worker, after the last of its bodies.
        is_due: whether a worker is about to answer, and nothing else is to be done before.
    """

    def __init__(
        self,
        launch: Launch,
        on_bodies: Callable[[WorkerId, list[bytes]], None],
        on_begun: Callable[[WorkerId, list[Beginning]], None],
        on_death: Callable[[WorkerId, Death], None],
        is_due: Callable[[WorkerId], bool] = lambda _: False,
    ) -> None:
        self._launch = launch
        self._on_bodies = on_bodies
        self._on_begun = on_begun
        self._on_death = on_death
        self._is_due = is_due
        self._briefly = Briefly()
        self._loop = asyncio.get_running_loop()
        self._processes: dict[WorkerId, _Process] = {}
        self._guardian: Guardianship | None = None
        self._ended = asyncio.Event()
        """Set when a process has ended, for whoever waits for that."""

    @property
    def pids(self) -> dict[WorkerId, int]:
        """Process ids of the living workers."""
        return {worker: process.launched.popen.pid for worker, process in self._processes.items()}

    def start(self, worker: WorkerId) -> None:
        """Start a process.

        Raises:
            OSError: there are no descriptors or processes left, or no such interpreter; nothing is left open.
        """
        launched, output = self._head_start(worker) or self._launched(worker)
        process = _Process(id=worker, launched=launched, output=output, oom_before=oom_kills())
        self._processes[worker] = process
        self._loop.add_reader(launched.channel.fileno(), self._on_readable, process)
        if launched.pidfd >= 0:
            self._loop.add_reader(launched.pidfd, self._on_exit, process)

    def _head_start(self, worker: WorkerId) -> tuple[Launched, WorkerOutput] | None:
        head_start, launch = self._launch.head_start, self._launch
        if head_start is None or worker != FIRST:
            return None
        path = self._output_of(worker)
        taken = head_start.take(launch.program, str(path))
        if taken is None:
            return None
        self._guardian = head_start.guardian
        launched, output = taken
        return launched, WorkerOutput(output, launch.log_limit)

    def _launched(self, worker: WorkerId) -> tuple[Launched, WorkerOutput]:
        launch = self._launch
        if self._guardian is None:
            self._guardian = Guardianship(f"{RUN_MARK}={launch.run_id}")
            self._guardian.begin()  # before there is anything to guard: we may be killed at any instruction
        output = WorkerOutput.open(self._output_of(worker), launch.log_limit)
        try:
            return Launched(launch.program, worker, launch.run_id, output.fd), output
        except BaseException:
            output.close()
            raise

    def _output_of(self, worker: WorkerId) -> Path:
        return self._launch.output_dir / f"{worker}.out"

    def send(self, worker: WorkerId, messages: Sequence[Any], batons: int = 0) -> None:
        """Send messages in one frame, and put in a baton for each task among them. A dead worker is ignored."""
        process = self._processes.get(worker)
        if process is None or process.closed:
            return
        process.outgoing.append(memoryview(encode_frame(TO_WORKER.encode(messages))))
        if batons:
            with contextlib.suppress(OSError):
                os.write(process.launched.baton_in, b"\0" * batons)
        if not process.writing:
            self._write(process)

    def revoke(self, worker: WorkerId, tasks: Sequence[TaskId]) -> tuple[TaskId, ...]:
        """Take back as many of the last tasks as still have their batons; those will not begin."""
        process = self._processes.get(worker)
        if process is None or not tasks:
            return ()
        try:
            taken = len(os.read(process.launched.baton_out, len(tasks)))
        except BlockingIOError:
            return ()
        return tuple(tasks[len(tasks) - taken :])

    def abort(self, worker: WorkerId, tasks: Sequence[TaskId], grace: float) -> None:
        """Ask attempts to stop, on the way that a busy worker hears."""
        process = self._processes.get(worker)
        if process is None:
            return
        frame = encode_frame(TO_WORKER.encode([AbortTasks(grace, list(tasks))]))
        with contextlib.suppress(OSError):  # a full socket holds thousands of requests that were not read: it hangs
            process.launched.control.send(frame)

    def begun(self, worker: WorkerId) -> list[Beginning]:
        """What a worker has begun since this was last asked, or told by a call."""
        process = self._processes.get(worker)
        return [] if process is None else self._take_beginnings(process)

    def watch(self, worker: WorkerId) -> None:
        """Tell of what a worker begins next by a call, once."""
        process = self._processes.get(worker)
        if process is not None and not process.watched:
            process.watched = True
            self._loop.add_reader(process.launched.beginnings, self._on_watched, process)

    def kill(self, worker: WorkerId, verdict: str) -> None:
        """End a process group, after the process had a moment to write down where it is."""
        process = self._processes.get(worker)
        if process is None:
            return
        if process.verdict is not None or DUMP_SIGNAL is None or verdict == NOT_NEEDED:
            process.verdict = process.verdict or verdict
            process.launched.kill()
            return
        process.verdict = verdict
        # What it sent until now counts; the signal may wake a task that waits, and make it say what is not so.
        self._drain(process)
        process.muted = True
        before = process.output.size()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.launched.popen.pid, DUMP_SIGNAL)
        self._loop.call_later(DUMP_TIME, self._kill_late, process, before, before, DUMPS)

    def trim_output(self) -> None:
        """Keep what processes wrote behind Python's back within its limit; called at intervals."""
        for process in self._processes.values():
            process.output.trim()

    def poll(self) -> None:
        """Look for dead processes where the system has no descriptors that tell of them; called at intervals."""
        for process in list(self._processes.values()):
            if process.launched.pidfd < 0 and _has_exited(process.launched.popen.pid):
                self._on_exit(process)
        reap_orphans(self._own())

    async def close(self, patience: float = 2.0) -> list[tuple[int, str]]:
        """Wait for the processes that were asked to end, then kill the rest and everything they left.

        Returns:
            Process ids and command lines of what tasks may have left and what bears no mark, so that it was let live.
        """
        deadline = time.monotonic() + patience
        while self._processes and time.monotonic() < deadline:
            self.poll()
            self._ended.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), CLOSE_INTERVAL)
        for process in list(self._processes.values()):
            process.verdict = process.verdict or "did not end when it was asked to"
            process.launched.kill()
            _wait_for_exit(process.launched.popen.pid)
            self._on_exit(process)
        end_stragglers(self._launch.run_id, self._own(), patience=patience)
        left = nameless(self._own())
        if self._guardian is not None:
            self._guardian.end()
        return left

    def _own(self) -> set[int]:
        """Process ids of the children that we started and that live."""
        guardian = {self._guardian.pid} if self._guardian is not None else set()
        return {process.launched.popen.pid for process in self._processes.values()} | guardian

    def _write(self, process: _Process) -> None:
        outgoing = process.outgoing
        try:
            while outgoing:
                sent = process.launched.channel.send(outgoing[0])
                if sent == len(outgoing[0]):
                    outgoing.popleft()
                else:
                    outgoing[0] = outgoing[0][sent:]
        except BlockingIOError:
            if not process.writing:
                process.writing = True
                self._loop.add_writer(process.launched.channel.fileno(), self._write, process)
            return
        except OSError:
            outgoing.clear()  # it is gone; its death will be noticed by the other way
        if process.writing:
            process.writing = False
            self._loop.remove_writer(process.launched.channel.fileno())

    def _on_watched(self, process: _Process) -> None:
        self._end_watch(process)
        self._on_begun(process.id, self._take_beginnings(process))

    def _end_watch(self, process: _Process) -> None:
        if process.watched:
            process.watched = False
            self._loop.remove_reader(process.launched.beginnings)

    def _take_beginnings(self, process: _Process) -> list[Beginning]:
        try:
            data = os.read(process.launched.beginnings, BEGINNINGS)
        except BlockingIOError:
            return []
        rest = len(data) % BEGINNING.size
        if rest:  # what stands before it was written whole, and counts
            self.kill(process.id, "broke the protocol: what it wrote into the pipe of beginnings is none")
        return list(BEGINNING.iter_unpack(data[: len(data) - rest]))

    def _on_readable(self, process: _Process) -> None:
        self._receive(process)
        until = time.monotonic() + STRETCH
        while self._is_due(process.id) and time.monotonic() < until:
            if not self._briefly.look(lambda: self._receive(process)) or process.closed:
                break

    def _receive(self, process: _Process) -> bool:
        """Read once; false when nothing more will come for now."""
        try:
            data = process.launched.channel.recv(RECEIVE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            if not process.closed:
                process.closed = True
                self._loop.remove_reader(process.launched.channel.fileno())
                # A process that closed its end is about to end; one that does not can never answer again.
                self._loop.call_later(CLOSED_PATIENCE, self._end_silent, process)
            return False
        if process.muted:
            return True
        try:
            bodies = process.decoder.feed(data)
            if bodies:
                self._on_bodies(process.id, bodies)
            if process.decoder.broken is not None:  # good frames stood before the damage; nothing good can follow it
                raise PeerError(process.decoder.broken)
        except PeerError as error:
            process.muted = True  # who has broken the protocol once is not believed any more
            self.kill(process.id, f"broke the protocol: {error}")
            return False
        return True

    def _drain(self, process: _Process) -> None:
        """Read what has been sent by now, and no more: a process that lives may send faster than anybody reads."""
        unread = _unread(process.launched.channel)
        while self._receive(process) and unread > RECEIVE:
            unread -= RECEIVE

    def _end_silent(self, process: _Process) -> None:
        self.poll()
        if self._processes.get(process.id) is process:
            self.kill(process.id, "closed its channel and lived on")

    def _on_exit(self, process: _Process) -> None:
        if self._processes.get(process.id) is not process:
            return
        self._drain(process)
        del self._processes[process.id]
        self._ended.set()
        for fd in {process.launched.channel.fileno(), process.launched.pidfd} - {-1}:
            self._loop.remove_reader(fd)
        if process.writing:
            self._loop.remove_writer(process.launched.channel.fileno())
        self._end_watch(process)
        while begun := self._take_beginnings(process):
            self._on_begun(process.id, begun)
        process.launched.kill()
        code, peak = _reap(process.launched.popen)
        death = Death(
            code=code, peak_memory=peak, oom=oom_kills() > process.oom_before, output=process.output.tail(),
            ordered=process.verdict,
        )  # fmt: skip
        process.output.close()
        process.launched.close()
        end_stragglers(self._launch.run_id, self._own(), process.id)
        self._on_death(process.id, death)

    def _kill_late(self, process: _Process, before: int, former: int, left: int) -> None:
        """Kill a process that has written where it is.

        Args:
            before: size of its output before it was asked to.
            former: size of its output at the last look.
            left: how often it may still be looked at.
        """
        if self._processes.get(process.id) is not process:
            return
        size = process.output.size()
        if left > 1 and (size == before or size != former):
            self._loop.call_later(DUMP_TIME, self._kill_late, process, before, size, left - 1)
        else:
            process.launched.kill()


def _unread(channel: socket.socket) -> int:
    """Bytes that a socket holds; everything that it ever could where the system does not tell."""
    try:
        (unread,) = struct.unpack("i", fcntl.ioctl(channel.fileno(), termios.FIONREAD, bytes(4)))
    except OSError:
        return MOST_UNREAD
    return int(unread)


def _has_exited(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _wait_for_exit(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def _reap(popen: subprocess.Popen[bytes]) -> tuple[int, int | None]:
    """Exit status and peak memory in bytes of a process that has ended."""
    try:
        _, status, usage = os.wait4(popen.pid, 0)
    except ChildProcessError:  # someone else in this process reaped it
        return popen.wait(), None
    popen.returncode = os.waitstatus_to_exitcode(status)
    return popen.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)

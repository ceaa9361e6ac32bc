"""A program with everything that it starts, as one process group.

The group ends with the program: what the program left in the background is killed. It also ends with the worker,
however that ends: see `_tie_to_this_process`.

A sub-package, so that it is not taken for a task type.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

DRAIN = 1.0
"""Seconds to wait for the end of the output of a group that is gone: a process that left the group may hold it."""

_F_SETSIG = 10
_CHUNK = 65536


class ProgramGroup:
    """A running program.

    Made inside a running event loop. What the program writes goes to `sys.stdout` of the context in which this is
    made, which in a worker is the log of the task.

    Args:
        argv: the program and its arguments.
        environ: its whole environment; the program is looked for on its `PATH`.
        cwd: its working directory.
        stdin: what it reads; none for nothing.
        stdout: where its standard output goes; none for the log.

    Attributes:
        ended: done when the program has ended; what it started may still run.
        last_line: the last line with text in it that the program wrote to the log.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str],
        cwd: str,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        self.last_line = ""
        self._loop = asyncio.get_running_loop()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = ""
        self._drained = self._loop.create_future()
        held, self._hold = os.pipe()
        try:
            self._process = subprocess.Popen(
                list(argv), cwd=cwd, env=dict(environ), stdin=stdin or subprocess.DEVNULL,
                stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE if stdout else subprocess.STDOUT,
                process_group=0, pass_fds=(held,),
            )  # fmt: skip
            _tie_to_this_process(held, self._process.pid)
        except BaseException:
            os.close(self._hold)
            raise
        finally:
            os.close(held)
        pipe = self._process.stderr if stdout else self._process.stdout
        assert pipe is not None
        self._output: IO[Any] = pipe
        os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(pipe.fileno(), self._read)
        self._pidfd: int | None = None
        self.ended = self._watch()

    async def finish(self) -> int:
        """End what an ended program has left, and take the rest of its output; its exit code, negative for a signal."""
        self._kill()  # before it is reaped, so that the number of the group is still its own
        code = self._process.wait()
        await asyncio.wait([self._drained], timeout=DRAIN)
        return code

    def terminate(self) -> None:
        """Ask the program and what it started to end."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def close(self) -> None:
        """End whatever still runs, at once."""
        if self._process.returncode is None:
            self._kill()
            self._process.wait()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        if not self._drained.done():
            self._loop.remove_reader(self._output.fileno())
            self._drained.cancel()
        self._output.close()
        os.close(self._hold)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self) -> asyncio.Future[Any]:
        """A future that is done when the program has ended. It is left to be reaped."""
        if not hasattr(os, "pidfd_open"):
            return self._loop.run_in_executor(None, os.waitid, os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        ended: asyncio.Future[Any] = self._loop.create_future()
        self._pidfd = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._pidfd, self._on_end, ended)
        return ended

    @staticmethod
    def _on_end(ended: asyncio.Future[Any]) -> None:
        if not ended.done():
            ended.set_result(None)

    def _read(self) -> None:
        try:
            data = os.read(self._output.fileno(), _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._show(self._decoder.decode(data, final=not data))
        if not data:
            self._loop.remove_reader(self._output.fileno())
            if not self._drained.done():
                self._drained.set_result(None)

    def _show(self, text: str) -> None:
        if not text:
            return
        sys.stdout.write(text)
        lines = (self._tail + text)[-_CHUNK:].split("\n")
        self._tail = lines[-1]
        self.last_line = next((line.strip() for line in reversed(lines) if line.strip()), self.last_line)


def _tie_to_this_process(held: int, group: int) -> None:
    """Let the kernel kill a process group when this process ends.

    The program's group is not the worker's, so that it can be stopped by itself; what ends the worker's group with the
    coordinator does not reach it. The program therefore holds the reading end of a pipe whose only writing end is
    here: when this process ends, the kernel sends SIGKILL to the group. Only Linux can do that.
    """
    if sys.platform != "linux":
        return
    import fcntl

    fcntl.fcntl(held, fcntl.F_SETOWN, -group)
    fcntl.fcntl(held, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(held, fcntl.F_SETFL, fcntl.fcntl(held, fcntl.F_GETFL) | os.O_ASYNC)

"""The worker's ends of its private channel, and what makes any other queue look like them.

A queue has `get(timeout=)` and `put()`, and carries bytes: bodies of messages. The worker process gets queues over a
socket pair that it shares with the coordinator alone. `put` writes synchronously, so that "sent" means written, also
when the process is killed at the next instruction.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from otter.util.briefly import Briefly
from otter.wire.errors import PeerError
from otter.wire.frames import BEGINNING, FrameDecoder, encode_frame

RECEIVE = 64 * 1024


class Queue(Protocol):
    """Any queue of bodies."""

    def get(self, block: bool = ..., timeout: float | None = ...) -> Any:
        """The next body; raises `queue.Empty` after the timeout."""

    def put(self, body: Any) -> None:
        """Add a body."""


class ChannelClosedError(OSError):
    """The coordinator has closed its end: the worker has nobody to work for."""


class SocketQueue:
    """A queue over one end of a socket pair; the other end belongs to one other process.

    Args:
        connection: the end; it stays in blocking mode.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._identity = os.fstat(connection.fileno()).st_ino
        self._decoder = FrameDecoder()
        self._bodies: deque[bytes] = deque()
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)

    def fileno(self) -> int:
        """The descriptor, to wait for bodies on it."""
        return self._socket.fileno()

    def get(self, block: bool = True, timeout: float | None = None) -> bytes:
        """The next body.

        Raises:
            queue.Empty: none came in time.
            ChannelClosedError: the peer is gone.
            PeerError: what came is not a frame.
        """
        while not self._bodies:
            self._refuse_broken()
            wait = 0 if not block else -1 if timeout is None else max(0.0, timeout * 1000)
            if not self._poll.poll(wait):
                raise queue.Empty
            self._receive()
        return self._bodies.popleft()

    def take(self) -> list[bytes]:
        """Every body that is here already; does not wait."""
        if not self._bodies:
            self._refuse_broken()
        while self._decoder.broken is None and self._receive(socket.MSG_DONTWAIT):
            pass
        bodies = list(self._bodies)
        self._bodies.clear()
        return bodies

    def put(self, body: bytes) -> None:
        """Write a body; returns when the operating system has all of it.

        Raises:
            ChannelClosedError: the peer is gone.
            OSError: a task closed the descriptor, and what has its number now may be a file of its own.
        """
        if os.fstat(self._socket.fileno()).st_ino != self._identity:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        try:
            self._socket.sendall(encode_frame(body))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosedError("the coordinator is gone") from error

    def put_half(self, body: bytes) -> None:
        """Write the first half of a body's frame: what a process leaves that dies while it writes."""
        frame = encode_frame(body)
        self._socket.sendall(frame[: len(frame) // 2])

    @property
    def broken(self) -> bool:
        """Whether the stream broke: nothing will come any more, and the next call that needs something raises."""
        return self._decoder.broken is not None

    def _refuse_broken(self) -> None:
        if self._decoder.broken is not None:
            raise PeerError(self._decoder.broken)

    def _receive(self, flags: int = 0) -> bool:
        try:
            data = self._socket.recv(RECEIVE, flags)
        except BlockingIOError:
            return False
        except ConnectionResetError as error:
            raise ChannelClosedError("the coordinator is gone") from error
        if not data:
            raise ChannelClosedError("the coordinator is gone")
        self._bodies.extend(self._decoder.feed(data))
        return len(data) == RECEIVE


class Inbox:
    """Bodies from a queue, for a main thread that also runs tasks and an event loop.

    For a queue over a socket it reads directly. Any other queue is read by a thread, which wakes the main thread.

    Args:
        source: the queue.
        urgent: called with each body by the reading thread, before the main thread sees it; it picks out what cannot
            wait for the main thread, which may be inside a task.
        interval: seconds between looks at whether to end.
    """

    def __init__(self, source: Any, urgent: Callable[[bytes], None], interval: float) -> None:
        self._direct = source if isinstance(source, SocketQueue) else None
        self._source = source
        self._urgent = urgent
        self._interval = interval
        self._bodies: deque[bytes] = deque()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        if self._direct is not None:
            self._wake_in = self._wake_out = -1
            self._fd = self._direct.fileno()
        else:
            self._wake_in, self._wake_out = os.pipe()
            os.set_blocking(self._wake_in, False)
            self._fd = self._wake_in
            self._thread = threading.Thread(target=self._read, name="otter-inbox", daemon=True)
            self._thread.start()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._briefly = Briefly()

    def fileno(self) -> int:
        """A descriptor that is readable when bodies are here."""
        return self._fd

    def take(self) -> list[bytes]:
        """Every body that is here; does not wait."""
        if self._direct is not None:
            return self._direct.take()
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_in, 4096)
        bodies = []
        while self._bodies:
            bodies.append(self._bodies.popleft())
        return bodies

    def wait(self, *, eagerly: bool = False) -> None:
        """Wait for bodies, at most the interval.

        Args:
            eagerly: they are about to come: look for a moment before falling asleep.
        """
        if self._bodies or (self._direct is not None and self._direct.broken):
            return
        if not eagerly or not self._briefly.look(self._is_here):
            self._poll.poll(self._interval * 1000)

    def _is_here(self) -> bool:
        return bool(self._bodies or self._poll.poll(0))

    def close(self) -> None:
        """Stop reading."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(self._interval * 4)
            if not self._thread.is_alive():
                os.close(self._wake_in)
                os.close(self._wake_out)

    def _read(self) -> None:
        while not self._closed.is_set():
            try:
                body = self._source.get(timeout=self._interval)
            except queue.Empty:
                continue
            except (OSError, EOFError, ValueError):  # the queue was closed under us
                break
            self._urgent(body)
            self._bodies.append(body)
            with contextlib.suppress(OSError):
                os.write(self._wake_out, b"\0")


class Batons:
    """Permissions to begin attempts, as single bytes in a pipe whose both ends the coordinator holds as well.

    The coordinator puts in one byte for each task that it hands over, and takes bytes out before it revokes tasks. The
    operating system gives each byte to one reader, so whoever has it decides: no lock, no answer to wait for, and it
    works while this process is stuck inside a task.

    Args:
        fd: the reading end, non-blocking.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    def take(self) -> bool:
        """Take one; false when there is none, because the coordinator has revoked what is left."""
        try:
            return bool(os.read(self._fd, 1))
        except BlockingIOError:
            return False


class Beginnings:
    """Says what begins in a pipe that wakes nobody: the coordinator looks into it when it has a reason to.

    A message would make the coordinator run at each beginning, at the cost of a small task. What stands in a pipe is
    there, like what stands in a socket, also when this process is killed at the next instruction.

    Args:
        fd: the writing end.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def put(self, task: int, attempt: int) -> None:
        """An attempt begins now."""
        os.write(self._fd, BEGINNING.pack(task, attempt, time.monotonic()))

"""A backend of coroutines for blocking code, inside and outside of a running event loop.

The coroutines run on an event loop of their own, in a thread that is started when it is first
needed. So a synchronous task works the same in a script, in a test, and in a worker whose thread is
already running a loop, and its connections are kept from one call to the next. The thread is a
daemon, named `otter-storage`; it ends with the interpreter.
"""

from __future__ import annotations

import asyncio
import atexit
import io
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, BinaryIO, TypeVar, cast

from otter.storage.model import (
    BLOCK_SIZE,
    AsyncBackend,
    Block,
    Copied,
    Location,
    Publication,
    Revision,
    Sink,
    Source,
    StatResult,
)
from otter.util.errors import StorageError

C = TypeVar("C")
T = TypeVar("T")


class _LoopThread:
    """An event loop in a thread of its own, started by the first call."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open: set[AbstractAsyncContextManager[Any]] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; what interrupts the wait, such as Ctrl-C, cancels it."""
        try:
            loop = self._running_loop()
        except StorageError:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def enter(self, context: AbstractAsyncContextManager[C]) -> C:
        """Enter an asynchronous context that is left by `leave`."""
        entered = self.run(_entered(context))
        self._open.add(context)
        return entered

    def leave(self, context: AbstractAsyncContextManager[Any], error: BaseException | None) -> None:
        """Leave an asynchronous context, once; at the end of the interpreter, `end` has done it."""
        if context not in self._open:
            return
        self._open.discard(context)
        if threading.current_thread() is self._thread:
            # A file that nobody closed is collected wherever the collector happens to run, here as
            # well; to wait here for what this thread is to do would be to wait for ever.
            leaving = asyncio.get_running_loop().create_task(_left(context, error))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        else:
            self.run(_left(context, error))

    def end(self) -> None:
        """Leave what is open, close the connections, end the loop and the thread, for ever."""
        for context in tuple(self._open):
            self.leave(context, asyncio.CancelledError())
        with self._lock:
            self._ended = True
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(_finished(loop), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def forget(self) -> None:
        """After a fork the thread is gone, and whatever it held belongs to the parent."""
        self._begin()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._ended:
                raise StorageError("the interpreter is ending: no storage can be used any more")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="otter-storage", daemon=True)
                self._thread.start()
            return self._loop


_thread = _LoopThread()
atexit.register(_thread.end)
os.register_at_fork(after_in_child=_thread.forget)


class BridgedBackend:
    """An `AsyncBackend` as a `BlockingBackend`."""

    def __init__(self, backend: AsyncBackend) -> None:
        self._backend = backend

    def stat(self, location: Location) -> StatResult:
        """What is known of an object."""
        return _thread.run(self._backend.stat(location))

    def iterate_glob(self, location: Location, pattern: str) -> Iterator[str]:
        """Absolute locations of the objects below a location that match a pattern."""
        matches = self._backend.iterate_glob(location, pattern)
        while (match := _thread.run(_next(matches))) is not None:
            yield match

    def open_read(self, location: Location) -> tuple[BinaryIO, StatResult]:
        """The bytes of an object, fetched as they are read."""
        context = self._backend.source(location)
        source = _thread.enter(context)
        raw = _RawSource(context, source)
        return cast(BinaryIO, io.BufferedReader(raw, BLOCK_SIZE)), source.stat

    def open_write(self, location: Location, expected: Revision = None) -> Publication:
        """Begin to write an object."""
        context = self._backend.sink(location, expected)
        return _BridgedPublication(context, _thread.enter(context))

    def open_update(self, location: Location, mode: str) -> BinaryIO:
        """Objects of a store are written whole."""
        raise StorageError(f"{location.absolute}: cannot be changed in place over {location.scheme} ({mode!r})")

    def copy(self, source: Location, destination: Location, stopped: Callable[[], bool]) -> Copied | None:
        """Copy within the backend; a wait that is interrupted cancels it."""
        return _thread.run(self._backend.copy(source, destination, stopped))

    def delete(self, location: Location, is_recursive: bool) -> int:
        """Delete an object, or everything below it."""
        return _thread.run(self._backend.delete(location, is_recursive))


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that uses asynchronous backends, for blocking code."""
    return _thread.run(work)


class _RawSource(io.RawIOBase):
    """A source as a raw file: one block of it is kept at a time."""

    def __init__(self, context: AbstractAsyncContextManager[Source], source: Source) -> None:
        self._context = context
        self._blocks = aiter(source)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(_thread.run(_block(self._blocks)))
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            super().close()
            _thread.leave(self._context, None)


class _BridgedPublication:
    """A sink as a publication."""

    may_wait = True

    def __init__(self, context: AbstractAsyncContextManager[Sink], sink: Sink) -> None:
        self._context = context
        self._sink = sink

    def write(self, blocks: Sequence[bytes | memoryview]) -> None:
        for block in blocks:
            _thread.run(self._sink.write(bytes(block)))

    def publish(self) -> Revision:
        _thread.leave(self._context, None)
        return self._sink.revision

    def discard(self) -> None:
        _thread.leave(self._context, asyncio.CancelledError())


async def _finished(loop: asyncio.AbstractEventLoop) -> None:
    """Wait for the end of what still runs, and of the generators that hold connections.

    Unlike `asyncio.Runner`, this starts no thread to wait for other threads: an interpreter that ends allows none.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()


async def _next(matches: AsyncIterator[str]) -> str | None:
    return await anext(matches, None)


async def _block(blocks: AsyncIterator[Block]) -> Block:
    while (block := await anext(blocks, None)) is not None:
        if block:
            return block
    return b""


async def _entered(context: AbstractAsyncContextManager[C]) -> C:
    return await context.__aenter__()


async def _left(context: AbstractAsyncContextManager[Any], error: BaseException | None) -> None:
    try:
        await context.__aexit__(type(error) if error else None, error, None)
    except asyncio.CancelledError as same:
        if same is not error:
            raise

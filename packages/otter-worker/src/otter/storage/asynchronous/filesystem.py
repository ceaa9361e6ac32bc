"""Local files for coroutines.

Whatever may take long (listing, reading, copying, deleting, waiting for a lock) runs in a thread.
What ends in the page cache does not: for a block that is already in memory, a thread costs more
than the write. On two cores, a download of 1 GiB took twice as long with a writing thread, and a
thousand of 10 KB took three times as long.

A thread cannot be cancelled. So a cancelled coroutine waits until its call has come to an end,
which is soon, because a long copy is told to stop; only then the cancellation goes on. Nothing is
left behind, and no call works on a file that somebody else believes to be closed.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import islice
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from otter.storage.filesystem import LocalBackend
from otter.storage.model import BLOCK_SIZE, Block, Copied, Location, Publication, Revision, Sink, Source, StatResult

T = TypeVar("T")
_MATCHES = 1000
"""Results of a glob that one call fetches."""


class AsyncLocalBackend:
    """Local files; see `otter.storage.model.AsyncBackend`."""

    def __init__(self) -> None:
        self._backend = LocalBackend()

    async def stat(self, location: Location) -> StatResult:
        """What is known of a file or a directory."""
        return self._backend.stat(location)

    async def iterate_glob(self, location: Location, pattern: str) -> AsyncIterator[str]:
        """Absolute paths of the files below a directory that match a pattern."""
        matches = self._backend.iterate_glob(location, pattern)
        while page := await _in_thread(_page, matches):
            for match in page:
                yield match

    @asynccontextmanager
    async def source(self, location: Location) -> AsyncIterator[Source]:
        """The bytes of a file."""
        file, stat = self._backend.open_read(location)
        with file:
            yield _FileSource(file, stat)

    def sink(self, location: Location, expected: Revision = None) -> AbstractAsyncContextManager[Sink]:
        """Where to write a file; it is begun with the first block, so that a source that fails leaves no trace."""
        return _FileSink(self._backend, location, expected)

    async def copy(self, source: Location, destination: Location, stopped: Callable[[], bool]) -> Copied | None:
        """Copy a file to a file."""
        cancelled = threading.Event()
        return await _in_thread(
            self._backend.copy,
            source,
            destination,
            lambda: cancelled.is_set() or stopped(),
            stop=cancelled.set,
        )

    async def delete(self, location: Location, is_recursive: bool) -> int:
        """Delete a file, or a directory with everything below it."""
        return await _in_thread(self._backend.delete, location, is_recursive)


class _FileSource:
    def __init__(self, file: BinaryIO, stat: StatResult) -> None:
        self.stat = stat
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await _in_thread(self._file.read, BLOCK_SIZE):
            yield block


class _FileSink:
    def __init__(self, backend: LocalBackend, location: Location, expected: Revision) -> None:
        self.revision: Revision = None
        self._backend = backend
        self._location = location
        self._expected = expected
        self._publication: Publication | None = None

    async def write(self, block: Block) -> None:
        self._begun().write([block])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                publication = self._begun()
                if publication.may_wait:
                    self.revision = await _in_thread(publication.publish)
                else:
                    self.revision = publication.publish()
        finally:
            if self._publication is not None:
                self._publication.discard()

    def _begun(self) -> Publication:
        if self._publication is None:
            self._publication = self._backend.open_write(self._location, self._expected)
        return self._publication


async def _in_thread(call: Callable[..., T], *args: Any, stop: Callable[[], None] | None = None) -> T:
    """The result of a blocking call in a thread, with the context variables of the caller.

    `stop` is called when the caller is cancelled, to hasten the end of the call.

    Raises:
        asyncio.CancelledError: the caller was cancelled; the call has ended all the same.
    """
    context = contextvars.copy_context()
    future = asyncio.get_running_loop().run_in_executor(None, context.run, call, *args)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if stop is not None:
            stop()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue  # the first cancellation is on its way already
        if not future.cancelled():
            future.exception()  # it is nobody's any more
        raise


def _page(matches: Iterator[str]) -> list[str]:
    return list(islice(matches, _MATCHES))

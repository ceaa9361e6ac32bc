"""Reading over HTTP. Nothing can be written, listed or deleted there: each of these says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Self

from otter.storage.http.client import answer
from otter.storage.http.content import coding_of, inflated, stat_of
from otter.storage.http.errors import refused, translated
from otter.storage.http.options import Options
from otter.storage.location import shown
from otter.storage.model import Block, Copied, Location, Revision, Sink, Source, StatResult
from otter.storage.storage_context import get_storage_context
from otter.util.errors import DownloadError, StorageError, UploadError
from otter.util.units import format_size

_GOOD = frozenset({200, 203})
_HEAD_REFUSED = frozenset({400, 403, 405, 500, 501})
"""Answers to HEAD of servers that may well answer a GET."""


class HttpBackend:
    """HTTP and HTTPS; see `otter.storage.model.AsyncBackend`."""

    async def stat(self, location: Location) -> StatResult:
        """What the server says of an object: to HEAD, or to a GET where HEAD is refused."""
        options = _options()
        for method in ("HEAD", "GET"):
            with await answer(method, location.absolute, options) as response:
                if response.status in _GOOD:
                    return stat_of(response.headers, response.url)
                if method == "GET" or response.status not in _HEAD_REFUSED:
                    raise refused(location.absolute, response.status)
        raise AssertionError("a GET returns or raises")

    def iterate_glob(self, location: Location, pattern: str) -> AsyncIterator[str]:
        """Servers have no way to list what they have."""
        raise StorageError(f"{shown(location.absolute)}: HTTP has no listings to match {pattern!r} with")

    def source(self, location: Location) -> AbstractAsyncContextManager[Source]:
        """The bytes of an object, as they arrive."""
        return _HttpSource(location.absolute)

    def sink(self, location: Location, expected: Revision = None) -> AbstractAsyncContextManager[Sink]:
        """Nothing is written over HTTP."""
        raise UploadError(f"{shown(location.absolute)}: HTTP locations can only be read")

    async def copy(self, source: Location, destination: Location, stopped: Callable[[], bool]) -> Copied | None:
        """Servers do not copy."""
        return None

    async def delete(self, location: Location, is_recursive: bool) -> int:
        """Nothing is deleted over HTTP."""
        raise StorageError(f"{shown(location.absolute)}: HTTP locations can only be read, not deleted")


class _HttpSource:
    stat: StatResult

    def __init__(self, url: str) -> None:
        self._url = url
        self._size = 0

    async def __aenter__(self) -> Self:
        options = _options()
        self._max_size = options.max_size
        response = self._response = await answer("GET", self._url, options)
        try:
            if response.status not in _GOOD:
                raise refused(self._url, response.status)
            self._coding = coding_of(response.headers, response.url)
            self.stat = stat_of(response.headers, response.url)
            self._refuse_over(self.stat.size or 0)
        except BaseException:
            response.release()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.release()

    def __aiter__(self) -> AsyncIterator[Block]:
        return self if self._coding is None else self._inflated()

    async def __anext__(self) -> Block:
        block = await self._next_block()
        if block is None:
            raise StopAsyncIteration
        self._refuse_over(self._size)
        return block

    async def _inflated(self) -> AsyncIterator[Block]:
        size = 0
        async for block in inflated(self._next_block, self._url):
            size += len(block)
            self._refuse_over(size)
            yield block

    async def _next_block(self) -> Block | None:
        try:
            with translated(self._url):
                block = await self._response.next_block()
        except DownloadError as error:
            announced = self._response.headers.get("content-length")
            of = f" of {announced}" if announced is not None else ""
            raise DownloadError(f"{error} (after {self._size}{of} bytes)") from error.__cause__
        self._size += len(block or b"")
        return block

    def _refuse_over(self, size: int) -> None:
        if self._max_size is not None and size > self._max_size:
            limit = format_size(self._max_size)
            raise DownloadError(f"{shown(self._url)}: larger than the max_size of {limit} that was set")


def _options() -> Options:
    return Options.from_settings(get_storage_context())

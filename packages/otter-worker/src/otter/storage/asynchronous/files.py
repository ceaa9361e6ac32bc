"""An object as a file for coroutines, to be used with `async with` and `async for`."""

from __future__ import annotations

import codecs
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, AnyStr, Generic, Self, cast

from otter.storage.model import BLOCK_SIZE, AsyncBackend, Location, Sink


class AsyncFile(Generic[AnyStr]):
    """A file that is open within an `async with`: for reading, or for writing all of it anew.

    What is written becomes visible when the block ends, and not at all when an exception ends it.
    """

    def __init__(self, backend: AsyncBackend, location: Location) -> None:
        self._backend = backend
        self._location = location
        self._stack = AsyncExitStack()

    async def read(self, size: int = -1) -> AnyStr:
        """At most `size` bytes or characters, all of them if it is negative; empty at the end."""
        raise OSError("this file is not open for reading")

    async def readline(self) -> AnyStr:
        """The next line with its end; empty at the end of the file."""
        raise OSError("this file is not open for reading")

    async def write(self, data: AnyStr) -> int:
        """Append to what becomes the object; the number of bytes or characters."""
        raise OSError("this file is not open for writing")

    async def __aiter__(self) -> AsyncIterator[AnyStr]:
        while line := await self.readline():
            yield line

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, traceback)


def open_file(backend: AsyncBackend, location: Location, mode: str, encoding: str) -> AsyncFile[Any]:
    """A file for a mode: `r` or `w`, with `b` for bytes and `t` for text, which is the default.

    Raises:
        ValueError: another mode.
    """
    kind = mode.replace("t", "").replace("b", "")
    if kind not in ("r", "w") or ("b" in mode and "t" in mode):
        raise ValueError(f"mode {mode!r}: an asynchronous file has the modes r, w, rb, wb")
    text = None if "b" in mode else encoding
    return _Reader(backend, location, text) if kind == "r" else _Writer(backend, location, text)


class _Reader(AsyncFile[Any]):
    def __init__(self, backend: AsyncBackend, location: Location, encoding: str | None) -> None:
        super().__init__(backend, location)
        # Line ends become "\n", as in any file that is opened for text.
        self._decoder = (
            io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True) if encoding else None
        )
        self._empty: Any = "" if encoding else b""
        self._newline: Any = "\n" if encoding else b"\n"
        self._pending: Any = self._empty
        self._ended = False

    async def __aenter__(self) -> Self:
        source = await self._stack.enter_async_context(self._backend.source(self._location))
        self._blocks = aiter(source)
        return self

    async def read(self, size: int = -1) -> Any:
        parts, length = [self._pending], len(self._pending)
        while not self._ended and (size < 0 or length < size):
            parts.append(await self._more())
            length += len(parts[-1])
        whole = self._empty.join(parts)
        cut = len(whole) if size < 0 else size
        self._pending = whole[cut:]
        return whole[:cut]

    async def readline(self) -> Any:
        parts = []
        found = self._pending.find(self._newline)
        while found < 0 and not self._ended:
            parts.append(self._pending)
            self._pending = await self._more()
            found = self._pending.find(self._newline)
        cut = len(self._pending) if found < 0 else found + 1
        parts.append(self._pending[:cut])
        self._pending = self._pending[cut:]
        return self._empty.join(parts)

    async def _more(self) -> Any:
        block = await anext(self._blocks, None)
        self._ended = block is None
        data = bytes(block or b"")
        return data if self._decoder is None else self._decoder.decode(data, final=block is None)


class _Writer(AsyncFile[Any]):
    def __init__(self, backend: AsyncBackend, location: Location, encoding: str | None) -> None:
        super().__init__(backend, location)
        self._encoder = codecs.getincrementalencoder(encoding)() if encoding else None
        self._sink: Sink | None = None
        self._buffer = bytearray()

    async def __aenter__(self) -> Self:
        self._sink = await self._stack.enter_async_context(self._backend.sink(self._location))
        self._stack.push_async_exit(self._flush_at_end)
        return self

    async def write(self, data: Any) -> int:
        self._buffer += self._encoder.encode(data) if self._encoder is not None else data
        if len(self._buffer) >= BLOCK_SIZE:
            await self._flush()
        return len(data)

    async def _flush(self) -> None:
        block, self._buffer = bytes(self._buffer), bytearray()
        await cast(Sink, self._sink).write(block)

    async def _flush_at_end(self, kind: Any, *_: Any) -> None:
        if kind is None:
            await self._flush()

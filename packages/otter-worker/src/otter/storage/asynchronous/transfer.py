"""From one location to another, across backends, in blocks."""

from __future__ import annotations

from collections.abc import Callable

from otter.storage.location import shown
from otter.storage.model import Copied, Location
from otter.storage.registry import async_backend
from otter.util.errors import CopyError


def never() -> bool:
    """No wish to stop."""
    return False


async def transfer(source: Location, destination: Location, stopped: Callable[[], bool] = never) -> Copied:
    """Copy an object; the destination is replaced when all of it has arrived, or not at all.

    Args:
        source: what to copy.
        destination: where to.
        stopped: asked now and then; the copy ends with `CopyError` when it says yes.

    Raises:
        NotFoundError: there is no source.
        StorageError: one side failed; the error says which, and why.
    """
    reader, writer = async_backend(source.scheme), async_backend(destination.scheme)
    if reader is writer:
        copied = await reader.copy(source, destination, stopped)
        if copied is not None:
            return copied
    size = 0
    async with writer.sink(destination) as sink, reader.source(source) as content:
        async for block in content:
            size += len(block)
            if stopped():
                raise CopyError(f"{shown(source.absolute)}: stopped after {size} bytes, as asked")
            await sink.write(block)
        expected = content.stat.size
        if expected is not None and size != expected:
            raise CopyError(f"{shown(source.absolute)}: {expected} bytes were announced, and {size} came")
    return Copied(size, sink.revision)

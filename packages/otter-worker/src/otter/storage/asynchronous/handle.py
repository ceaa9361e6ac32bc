"""`AsyncStorageHandle`: one location, with coroutines to read and write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from otter.storage.handle import Handle
from otter.storage.model import Revision, StatResult
from otter.storage.registry import async_backend

if TYPE_CHECKING:
    from otter.config.model import Config
    from otter.storage.asynchronous.files import AsyncFile


class AsyncStorageHandle(Handle):
    """`StorageHandle` with coroutines; the contracts of the methods are there."""

    def __init__(self, location: str | Path, config: Config | None = None, force_local: bool = False) -> None:
        super().__init__(location, config, force_local)
        self._backend = async_backend(self.resolved.scheme)

    async def stat(self) -> StatResult:
        """What is known of the object without reading it."""
        return await self._backend.stat(self.resolved)

    async def glob(self, pattern: str) -> list[str]:
        """Absolute locations of the files below this one that match a pattern, in order."""
        return [match async for match in self._backend.iterate_glob(self.resolved, pattern)]

    def open(self, mode: str = "r", encoding: str = "utf-8") -> AsyncFile[Any]:
        """The object as a file for `async with`; modes `r` and `w`, with `b` for bytes."""
        from otter.storage.asynchronous.files import open_file

        return open_file(self._backend, self.resolved, mode, encoding)

    async def read(self) -> tuple[bytes, Revision]:
        """All bytes, and the revision that they are."""
        async with self._backend.source(self.resolved) as source:
            return b"".join([bytes(block) async for block in source]), source.stat.revision

    async def read_text(self, encoding: str = "utf-8") -> tuple[str, Revision]:
        """The text, and the revision that it is."""
        data, revision = await self.read()
        return data.decode(encoding), revision

    async def write(self, data: bytes, *, expected_revision: Revision = None) -> Revision:
        """Replace the object; see `StorageHandle.write`."""
        async with self._backend.sink(self.resolved, expected_revision) as sink:
            await sink.write(data)
        return sink.revision

    async def write_text(self, data: str, encoding: str = "utf-8", *, expected_revision: Revision = None) -> Revision:
        """Replace the object by a text; see `write`."""
        return await self.write(data.encode(encoding), expected_revision=expected_revision)

    async def copy_to(self, dest: Handle) -> Revision:
        """Copy the object to another location, across backends; the revision there."""
        from otter.storage.asynchronous.transfer import transfer

        return (await transfer(self.resolved, dest.resolved)).revision

    async def delete(self, is_recursive: bool = False) -> int:
        """Delete the object; see `StorageHandle.delete`."""
        return await self._backend.delete(self.resolved, is_recursive)

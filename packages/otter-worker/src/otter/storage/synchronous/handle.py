"""`StorageHandle`: one location, with blocking calls to read and write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from otter.storage.handle import Handle
from otter.storage.model import Copied, Revision, StatResult
from otter.storage.registry import blocking_backend

if TYPE_CHECKING:
    from otter.config.model import Config


class StorageHandle(Handle):
    """A local file or an HTTP location.

    Works outside and inside of a running event loop; a coroutine that must not block uses
    `AsyncStorageHandle`. Every method raises an error of the `StorageError` branch, which names the
    location, and `NotFoundError` when nothing is there.
    """

    def __init__(self, location: str | Path, config: Config | None = None, force_local: bool = False) -> None:
        super().__init__(location, config, force_local)
        self._backend = blocking_backend(self.resolved.scheme)

    def stat(self) -> StatResult:
        """What is known of the object without reading it."""
        return self._backend.stat(self.resolved)

    def glob(self, pattern: str) -> list[str]:
        """Absolute locations of the files below this one that match a pattern, in order.

        `*`, `?` and `[…]` match within a component, `**` stands for any number of components.
        """
        return list(self.iterate_glob(pattern))

    def iterate_glob(self, pattern: str) -> Iterator[str]:
        """The matches of `glob`, one by one, so that millions of them need no memory."""
        return self._backend.iterate_glob(self.resolved, pattern)

    def open(self, mode: str = "r", encoding: str | None = None) -> IO[Any]:
        """The object as a file object; text is UTF-8 unless said otherwise.

        What is written with `w` becomes visible, whole, when the file is closed; nothing of it does
        when an exception leaves the `with` block.

        Raises:
            ValueError: not a mode.
        """
        from otter.storage.synchronous.files import open_file

        return open_file(self._backend, self.resolved, mode, encoding)

    def read(self) -> tuple[bytes, Revision]:
        """All bytes, and the revision that they are."""
        file, stat = self._backend.open_read(self.resolved)
        with file:
            return file.read(), stat.revision

    def read_text(self, encoding: str = "utf-8") -> tuple[str, Revision]:
        """The text, and the revision that it is."""
        data, revision = self.read()
        return data.decode(encoding), revision

    def write(self, data: bytes, *, expected_revision: Revision = None) -> Revision:
        """Replace the object in one step; the revision that it has then.

        Args:
            data: all of its bytes.
            expected_revision: what must be there now: the revision of an earlier read,
                `otter.storage.ABSENT` for nothing, none for anything.

        Raises:
            PreconditionFailedError: something else is there; the object is as it was.
        """
        publication = self._backend.open_write(self.resolved, expected_revision)
        try:
            publication.write([data])
            return publication.publish()
        finally:
            publication.discard()

    def write_text(self, data: str, encoding: str = "utf-8", *, expected_revision: Revision = None) -> Revision:
        """Replace the object by a text; see `write`."""
        return self.write(data.encode(encoding), expected_revision=expected_revision)

    def copy_to(self, dest: Handle) -> Revision:
        """Copy the object to another location, across backends; the revision there."""
        return self._copied(dest).revision

    def delete(self, is_recursive: bool = False) -> int:
        """Delete the object; the number of objects that are gone, 0 if there was none.

        Args:
            is_recursive: delete a directory with everything below it. Without it, a directory is
                refused.
        """
        return self._backend.delete(self.resolved, is_recursive)

    def _copied(self, dest: Handle) -> Copied:
        if blocking_backend(dest.resolved.scheme) is self._backend:
            copied = self._backend.copy(self.resolved, dest.resolved, lambda: False)
            if copied is not None:
                return copied
        from otter.storage.asynchronous.transfer import transfer
        from otter.storage.synchronous.bridge import run_blocking

        return run_blocking(transfer(self.resolved, dest.resolved))

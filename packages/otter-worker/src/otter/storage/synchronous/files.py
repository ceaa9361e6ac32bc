"""An object as an ordinary file object.

What is written becomes visible when the file is closed, or collected while it was open: tasks exist
that leave that to the reference count. When an exception leaves its `with` block, or a write has
failed, nothing becomes visible.
"""

from __future__ import annotations

import io
import os
from types import TracebackType
from typing import IO, Any, BinaryIO, cast

from otter.storage.model import ABSENT, BLOCK_SIZE, BlockingBackend, Location, Publication, Revision


def open_file(backend: BlockingBackend, location: Location, mode: str, encoding: str | None) -> IO[Any]:
    """A file object for a mode, with the meaning that `open` gives it.

    `w` and `x` write the object anew; `a` and `r+` change it in place, where the backend can do so.

    Raises:
        ValueError: not a mode.
    """
    kind = mode.replace("b", "").replace("t", "")
    if kind not in ("r", "w", "x", "a", "r+", "a+") or ("b" in mode and ("t" in mode or encoding)):
        raise ValueError(f"mode {mode!r}: the modes are r, w, x, a, r+, a+; with b for bytes, without encoding")
    if kind == "r":
        binary, _ = backend.open_read(location)
    elif kind in ("w", "x"):
        return _written(backend.open_write(location, ABSENT if kind == "x" else None), mode, encoding)
    else:
        binary = backend.open_update(location, f"{kind}b")
    if "b" in mode:
        return binary
    return io.TextIOWrapper(binary, encoding=encoding or "utf-8")


def _written(publication: Publication, mode: str, encoding: str | None) -> IO[Any]:
    raw = _RawPublication(publication)
    if "b" in mode:
        return cast(BinaryIO, _BytesWriter(raw, BLOCK_SIZE))
    return _TextWriter(io.BufferedWriter(raw, BLOCK_SIZE), encoding=encoding or "utf-8")


class _RawPublication(io.RawIOBase):
    """A publication as a raw file. Formats with an index, such as archives, ask where they are, and some go back."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._fd: int | None = getattr(publication, "fd", None)  # a local one has a file, where one can go back
        self._written = 0
        self._spoilt = False
        self.revision: Revision = None

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._fd is not None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self._fd is None:
            raise io.UnsupportedOperation("what goes to a store is written from its beginning to its end")
        return os.lseek(self._fd, offset, whence)

    def tell(self) -> int:
        return self._written if self._fd is None else os.lseek(self._fd, 0, os.SEEK_CUR)

    def truncate(self, size: int | None = None) -> int:
        if self._fd is None:
            raise io.UnsupportedOperation("what goes to a store is written from its beginning to its end")
        size = self.tell() if size is None else size
        os.ftruncate(self._fd, size)
        return size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        try:
            # The buffer above may reuse its memory as soon as this returns.
            self._publication.write([view])
        except BaseException:
            self._spoilt = True
            raise
        self._written += len(view)
        return len(view)

    def spoil(self) -> None:
        """Let nothing become visible."""
        self._spoilt = True

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        if self._spoilt:
            self._publication.discard()
        else:
            self.revision = self._publication.publish()


class _BytesWriter(io.BufferedWriter):
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            cast(_RawPublication, self.raw).spoil()
        super().__exit__(kind, error, traceback)


class _TextWriter(io.TextIOWrapper):
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            cast(_RawPublication, cast(io.BufferedWriter, self.buffer).raw).spoil()
        super().__exit__(kind, error, traceback)

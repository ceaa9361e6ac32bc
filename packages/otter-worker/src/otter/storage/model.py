"""What every storage backend speaks of, and what a backend is.

A backend serves the locations of one URL scheme, with coroutines (`AsyncBackend`). Blocking code
uses it through a bridge; one that can do better with blocking calls of its own, as local files can,
offers a `BlockingBackend` as well. A new scheme is one class and one line in
`otter.storage.registry`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import BinaryIO, Final, Protocol

import attrs

from otter.util.values import Value

Revision = str | None
"""Names one state of an object: equal revisions, equal bytes. Opaque; none if unknown."""

ABSENT: Final = "absent"
"""The revision of what does not exist; whoever expects it creates, and never replaces."""

BLOCK_SIZE: Final = 1 << 20
"""Bytes that are moved at a time."""

Block = bytes | memoryview
"""Some bytes of an object. Whoever gives a block may use its memory again when it is asked for the next one."""


@attrs.frozen(eq=False, repr=False)
class Location(Value):
    """Where something is, resolved.

    Attributes:
        absolute: an absolute path, or a URL.
        scheme: `file` for a path, otherwise that of the URL.
        root: the directory or URL that the location may not leave, not even through symbolic links;
            none where the location was given as an absolute one outside of the work path and the
            release.
        parts: path components below `root`; empty where there is none.
    """

    absolute: str
    scheme: str
    root: str | None = None
    parts: tuple[str, ...] = ()


@attrs.frozen(eq=False, repr=False)
class StatResult(Value):
    """What is known of an object without reading it.

    Attributes:
        is_dir: it is a directory.
        is_reg: it is a file, or an object of a store.
        size: bytes; none if the other side does not say.
        mtime: seconds since the epoch; none if unknown.
    """

    is_dir: bool
    is_reg: bool
    size: int | None = None
    revision: Revision = None
    mtime: float | None = None


@attrs.frozen(eq=False, repr=False)
class Copied(Value):
    """A copy that was made.

    Attributes:
        size: bytes that the source had, which are those of the destination.
        revision: of the destination.
    """

    size: int
    revision: Revision


class Publication(Protocol):
    """An object being written: invisible before `publish`, gone after `discard`."""

    @property
    def may_wait(self) -> bool:
        """Whether `publish` may have to wait: for a lock, or for a device."""

    def write(self, blocks: Sequence[Block]) -> None:
        """Append all blocks."""

    def publish(self) -> Revision:
        """Make the object visible, whole, in one step; it replaces what was there.

        Raises:
            PreconditionFailedError: another revision is there than the one that was expected.
        """

    def discard(self) -> None:
        """Forget the object. Does nothing after `publish` or a former `discard`."""


class BlockingBackend(Protocol):
    """A backend written with blocking calls. Its errors are `StorageError`s."""

    def stat(self, location: Location) -> StatResult:
        """What is known of an object.

        Raises:
            NotFoundError: nothing is there.
        """

    def iterate_glob(self, location: Location, pattern: str) -> Iterator[str]:
        """Absolute locations of the objects below a location that match, each once, in order."""

    def open_read(self, location: Location) -> tuple[BinaryIO, StatResult]:
        """The bytes of an object, and what is known of exactly these bytes."""

    def open_write(self, location: Location, expected: Revision = None) -> Publication:
        """Begin to write an object, to be published over the expected revision, or any."""

    def open_update(self, location: Location, mode: str) -> BinaryIO:
        """Open an existing object for changes in place (`ab`, `r+b`, …)."""

    def copy(self, source: Location, destination: Location, stopped: Callable[[], bool]) -> Copied | None:
        """Copy within the backend; none if it has no better way than reading and writing.

        `stopped` is asked now and then; the copy ends with `CopyError` when it says yes.
        """

    def delete(self, location: Location, is_recursive: bool) -> int:
        """Delete an object, or everything below it; the number of objects that are gone."""


class Source(Protocol):
    """The bytes of an object, block by block, of any size."""

    @property
    def stat(self) -> StatResult:
        """What is known of exactly these bytes."""

    def __aiter__(self) -> AsyncIterator[Block]: ...


class Sink(Protocol):
    """Where the bytes of an object go.

    Attributes:
        revision: of the published object; none before.
    """

    revision: Revision

    async def write(self, block: Block) -> None:
        """Append a block. What is kept after this is a copy."""


class AsyncBackend(Protocol):
    """A backend written with coroutines. Contracts and errors as in `BlockingBackend`."""

    async def stat(self, location: Location) -> StatResult:
        """What is known of an object."""

    def iterate_glob(self, location: Location, pattern: str) -> AsyncIterator[str]:
        """Absolute locations of the objects below a location that match a pattern."""

    def source(self, location: Location) -> AbstractAsyncContextManager[Source]:
        """The bytes of an object."""

    def sink(self, location: Location, expected: Revision = None) -> AbstractAsyncContextManager[Sink]:
        """Where to write an object: published when the block ends, unless by an exception."""

    async def copy(self, source: Location, destination: Location, stopped: Callable[[], bool]) -> Copied | None:
        """Copy within the backend; none if it has no better way than reading and writing."""

    async def delete(self, location: Location, is_recursive: bool) -> int:
        """Delete an object, or everything below it; the number of objects that are gone."""

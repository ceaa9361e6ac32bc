"""Checks of files: they return nothing when all is well, and raise what `validate` should raise when it is not.

Locations are those of the storage handles. `exists` and `size` block, `async_exists` and
`async_size` are their twins.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.handle import Handle
from otter.storage.model import StatResult
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import StorageError, TaskValidationError

if TYPE_CHECKING:
    from otter.config.model import Config

_log = logging.getLogger(__name__)


def exists(location: str, config: Config | None = None, force_local: bool = False) -> None:
    """Check that something is at a location.

    Raises:
        TaskValidationError: nothing is there, or it cannot be told; the error says which.
    """
    _stat(StorageHandle(location, config, force_local))


async def async_exists(location: str, config: Config | None = None, force_local: bool = False) -> None:
    """Check that something is at a location; see `exists`."""
    await _async_stat(AsyncStorageHandle(location, config, force_local))


def size(one: str, two: str, config: Config | None = None, force_local: bool = False) -> None:
    """Check that two files have the same size.

    A server may not tell the size of what it has; then there is nothing to compare, and a warning
    says so.

    Args:
        one: a file.
        two: the other.
        config: for relative locations.
        force_local: take the local side of the second file.

    Raises:
        TaskValidationError: the sizes differ, or one of the files cannot be looked at.
    """
    first, second = StorageHandle(one, config), StorageHandle(two, config, force_local)
    _compare(first, _stat(first), second, _stat(second))


async def async_size(one: str, two: str, config: Config | None = None, force_local: bool = False) -> None:
    """Check that two files have the same size; see `size`."""
    first, second = AsyncStorageHandle(one, config), AsyncStorageHandle(two, config, force_local)
    _compare(first, await _async_stat(first), second, await _async_stat(second))


async def async_has_size(location: str, expected: int, config: Config | None = None, force_local: bool = False) -> None:
    """Check that a file has the size that it should have.

    Args:
        location: the file.
        expected: bytes.
        config: for a relative location.
        force_local: take its local side.

    Raises:
        TaskValidationError: it has another size, or it cannot be looked at.
    """
    handle = AsyncStorageHandle(location, config, force_local)
    found = (await _async_stat(handle)).size
    if found != expected:
        raise TaskValidationError(f"{handle.shown} has {found} bytes and should have {expected}")


def _stat(handle: StorageHandle) -> StatResult:
    try:
        return handle.stat()
    except StorageError as error:
        raise TaskValidationError(str(error)) from error


async def _async_stat(handle: AsyncStorageHandle) -> StatResult:
    try:
        return await handle.stat()
    except StorageError as error:
        raise TaskValidationError(str(error)) from error


def _compare(one: Handle, first: StatResult, two: Handle, second: StatResult) -> None:
    for handle, stat in ((one, first), (two, second)):
        if stat.size is None:
            _log.warning("the size of %s is not known: sizes are not compared", handle.shown)
            return
    if first.size != second.size:
        raise TaskValidationError(f"{one.shown} has {first.size} bytes, and {two.shown} has {second.size}")

"""What the tasks that move files have in common. A sub-package, so that it is not taken for a task type."""

from __future__ import annotations

from threading import Event
from typing import Any

from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.asynchronous.transfer import never, transfer
from otter.util.errors import CopyError, TaskAbortedError, TaskRunError


def external(location: str) -> AsyncStorageHandle:
    """The handle of a source outside of the release.

    Raises:
        TaskRunError: the location is relative, so that it could only be inside.
    """
    try:
        return AsyncStorageHandle(location)
    except ValueError as error:
        raise TaskRunError(
            f"source {location!r} is relative: what is copied into a release comes from a URL or an absolute path"
        ) from error


def settings_for(settings: dict[str, Any] | None, *, from_data: bool) -> dict[str, Any]:
    """The settings of the storage for locations.

    Args:
        settings: those of the author of the pipeline.
        from_data: the locations are not his: they came from a file or a value, and may lead anywhere. They lead into
            no private network, unless he allows it.
    """
    return ({"allow_private": False} if from_data else {}) | (settings or {})


async def copy_file(source: AsyncStorageHandle, destination: AsyncStorageHandle, abort: Event | None) -> int:
    """Copy a file; the number of its bytes.

    Raises:
        TaskAbortedError: `abort` was set before the end.
        StorageError: one side failed.
    """
    stopped = never if abort is None else abort.is_set
    try:
        return (await transfer(source.resolved, destination.resolved, stopped)).size
    except CopyError as error:
        if stopped():
            raise TaskAbortedError(str(error)) from error
        raise

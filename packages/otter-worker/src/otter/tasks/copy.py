"""`copy`: one file from outside into the release."""

from __future__ import annotations

import logging
from typing import Any, Self

from otter.manifest.model import Artifact
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.storage_context import storage_context
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.tasks.transport import copy_file, external, settings_for
from otter.validators.file import async_exists, async_has_size, async_size

_log = logging.getLogger(__name__)


class CopySpec(Spec):
    """What `copy` is to do."""

    source: str
    """Where the file is: a URL or an absolute path."""
    destination: str
    """Where it goes, relative to the release."""
    settings: dict[str, Any] | None = None
    """Settings of the storage, such as `read_timeout` or `headers` for HTTP. For a `source` with a value that a task
    stored, `allow_private` is off unless it is set here."""


class Copy(Task):
    """Copy one file into the release.

    The destination appears when the file is complete, and replaces what was there. Its size is
    checked against that of the source.
    """

    def __init__(self, spec: CopySpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: CopySpec
        self._size: int | None = None

    @report
    async def run(self) -> Self:
        """Copy the file."""
        source = external(self.spec.source)
        destination = AsyncStorageHandle(self.spec.destination, self.context.config)
        _log.debug("copying %s to %s", source.shown, destination.shown)
        with storage_context(**self._settings()):
            self._size = await copy_file(source, destination, self.context.abort)
        self.artifacts = [Artifact(source=source.shown, destination=destination.shown)]
        return self

    @report
    async def validate(self) -> Self:
        """Check that the destination exists, and has the size of the source."""
        config = self.context.config
        with storage_context(**self._settings()):
            await async_exists(self.spec.destination, config)
            if self._size is None:
                await async_size(self.spec.source, self.spec.destination, config)
            else:
                # The size that the source had when it was copied: to ask again would cost a
                # request, and could find another file.
                await async_has_size(self.spec.destination, self._size, config)
        return self

    def _settings(self) -> dict[str, Any]:
        return settings_for(self.spec.settings, from_data="source" in self.context.from_tasks)

"""`download`: one file from the release to the work path."""

from __future__ import annotations

import logging
from typing import Self

from otter.manifest.model import Artifact
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.tasks.transport import copy_file
from otter.util.errors import TaskRunError
from otter.validators.file import async_exists, async_has_size, async_size

_log = logging.getLogger(__name__)


class DownloadSpec(Spec):
    """What `download` is to do."""

    source: str
    """The file, relative to the release; it gets the same path under the work path."""


class Download(Task):
    """Bring a file of the release to the same path under the work path, for tools that need it there.

    In a release that lives under the work path, the file is where it should be.
    """

    def __init__(self, spec: DownloadSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: DownloadSpec
        self._size: int | None = None

    @report
    async def run(self) -> Self:
        """Copy the file, unless it is there already because the release is."""
        source = AsyncStorageHandle(self.spec.source, self.context.config)
        if source.is_absolute:
            raise TaskRunError(f"source {self.spec.source!r} is absolute: it must be relative to the release")
        destination = AsyncStorageHandle(self.spec.source, self.context.config, force_local=True)
        if source.absolute == destination.absolute:
            _log.info("%s is local already", source.shown)
            return self
        _log.debug("downloading %s to %s", source.shown, destination.shown)
        self._size = await copy_file(source, destination, self.context.abort)
        self.artifacts = [Artifact(source=source.shown, destination=destination.shown)]
        return self

    @report
    async def validate(self) -> Self:
        """Check that the local file exists, and has the size of the one in the release."""
        source, config = self.spec.source, self.context.config
        await async_exists(source, config, force_local=True)
        if self._size is None:
            await async_size(source, source, config, force_local=True)
        else:
            await async_has_size(source, self._size, config, force_local=True)
        return self

"""`find_latest`: the newest of several files, by name for later tasks."""

from __future__ import annotations

import logging
from typing import Self

from otter.storage.synchronous.handle import StorageHandle
from otter.storage.util import split_glob
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import NotFoundError, TaskAbortedError

_log = logging.getLogger(__name__)


class FindLatestSpec(Spec):
    """What `find_latest` is to do."""

    source: str
    """Where to look: a directory, or a location with wildcards."""
    scratchpad_key: str | None = None
    """The name under which later tasks find the location; the name of this task if it is left out."""


class FindLatest(Task):
    """Store the location of the file that was modified last; of equally new ones, the last by name."""

    def __init__(self, spec: FindLatestSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: FindLatestSpec

    @report
    def run(self) -> Self:
        """Look at each match, and store the newest."""
        directory, pattern = split_glob(self.spec.source)
        config, abort = self.context.config, self.context.abort
        latest: tuple[float, str] | None = None
        for match in StorageHandle(directory, config).iterate_glob(pattern or "*"):
            if abort is not None and abort.is_set():
                raise TaskAbortedError("stopped while looking for the latest file, as asked")
            modified = StorageHandle(match, config).stat().mtime
            if modified is not None and (latest is None or (modified, match) > latest):
                latest = modified, match
        if latest is None:
            raise NotFoundError(f"nothing with a time of modification matches {self.spec.source}")
        _log.info("the latest file is %s", latest[1])
        self.context.scratchpad.store(self.spec.scratchpad_key or self.spec.name, latest[1])
        return self

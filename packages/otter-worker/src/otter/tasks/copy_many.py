"""`copy_many`: many files from outside into one directory of the release."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import unquote

from otter.manifest.model import Artifact
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.location import scheme_of, shown
from otter.storage.storage_context import storage_context
from otter.storage.util import split_glob
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.tasks.transport import copy_file, external, settings_for
from otter.util.errors import TaskAbortedError, TaskRunError
from otter.validators.file import async_has_size

_log = logging.getLogger(__name__)
_SHOWN = 5
"""Clashing names that a message lists."""


class CopyManySpec(Spec):
    """What `copy_many` is to do."""

    sources: list[str] | str | None = None
    """URLs or absolute paths of the files, or one location with wildcards."""
    source_list_file: str | None = None
    """A file, relative to the release, with one such location in each line, instead of `sources`."""
    destination: str
    """The directory they go to, relative to the release; each file keeps its name."""
    max_concurrency: int = 10
    """How many files are copied at once, at least 1."""
    settings: dict[str, Any] | None = None
    """Settings of the storage. For locations that come from a file, or from a value that a task stored, `allow_private`
    is off unless it is set here."""


class CopyMany(Task):
    """Copy many files into one directory of the release, several at once.

    The first failure stops the task. Two sources that would get the same name are refused before
    anything is copied.
    """

    def __init__(self, spec: CopyManySpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: CopyManySpec
        self._sizes: dict[str, int] = {}

    @report
    async def run(self) -> Self:
        """Copy the files."""
        import asyncio

        if self.spec.max_concurrency < 1:
            raise TaskRunError(f"max_concurrency must be at least 1, got {self.spec.max_concurrency}")
        with storage_context(**self._settings()):
            named = _by_name(await self._sources())
            _log.info("copying %d files to %s", len(named), self.spec.destination)
            pending = iter(named.items())
            done: dict[str, Artifact] = {}
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self.spec.max_concurrency, len(named))):
                        group.create_task(self._copy_all(pending, done))
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from None
        self.artifacts = [done[name] for name in named]
        return self

    @report
    async def validate(self) -> Self:
        """Check that each file exists, and has the size of its source."""
        for name, size in self._sizes.items():
            await async_has_size(f"{self.spec.destination}/{name}", size, self.context.config)
        return self

    async def _copy_all(self, pending: Iterable[tuple[str, str]], done: dict[str, Artifact]) -> None:
        """Copy what is pending until nothing is; several of these share one iterator."""
        abort = self.context.abort
        for name, location in pending:
            if abort is not None and abort.is_set():
                raise TaskAbortedError(f"stopped after {len(done)} files, as asked")
            source = external(location)
            destination = AsyncStorageHandle(f"{self.spec.destination}/{name}", self.context.config)
            self._sizes[name] = await copy_file(source, destination, abort)
            done[name] = Artifact(source=source.shown, destination=destination.shown)

    async def _sources(self) -> list[str]:
        spec, config = self.spec, self.context.config
        if (spec.sources is None) == (spec.source_list_file is None):
            raise TaskRunError("either sources or source_list_file must be given, and not both")
        if spec.source_list_file is not None:
            text, _ = await AsyncStorageHandle(spec.source_list_file, config).read_text()
            return [line.strip() for line in text.splitlines() if line.strip()]
        if isinstance(spec.sources, list):
            return spec.sources
        location = spec.sources or ""
        prefix, pattern = split_glob(location)
        if not pattern or scheme_of(location) in ("http", "https"):  # "?" begins the query of a URL
            return [location]
        matches = await external(prefix).glob(pattern)
        if not matches:
            raise TaskRunError(f"nothing matches {location}")
        return matches

    def _settings(self) -> dict[str, Any]:
        # Whoever wrote the list is not the author of the pipeline: it may have come from a server.
        from_data = self.spec.source_list_file is not None or "sources" in self.context.from_tasks
        return settings_for(self.spec.settings, from_data=from_data)


def _by_name(sources: list[str]) -> dict[str, str]:
    """Sources by the names that their copies get, in order.

    Raises:
        TaskRunError: two sources would get the same name, or one gives no name.
    """
    named: dict[str, str] = {}
    clashes: list[str] = []
    for source in sources:
        name = _base_name(source)
        if name in named and named[name] != source:
            clashes.append(f"{name} ({shown(named[name])} and {shown(source)})")
        named.setdefault(name, source)
    if clashes:
        more = f", and {len(clashes) - _SHOWN} more" if len(clashes) > _SHOWN else ""
        raise TaskRunError(f"sources of the same name would overwrite each other: {', '.join(clashes[:_SHOWN])}{more}")
    return named


def _base_name(source: str) -> str:
    if scheme_of(source) in ("http", "https"):
        path = re.split("[?#]", source, maxsplit=1)[0].partition("://")[2].partition("/")[2]
        name = unquote(path.rpartition("/")[2])
    else:
        name = source.rpartition("/")[2]
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise TaskRunError(f"source {shown(source)} does not end in the name of a file")
    return name
